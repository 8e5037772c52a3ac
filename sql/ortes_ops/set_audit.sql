CREATE OR REPLACE FUNCTION ortes_ops.set_audit(p_azi text, p_on boolean)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $set_audit$
-- Locks the company first: a writer that is under way ends before, one that waits sees the switch.
-- The switching itself is always written down.
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF p_on IS NULL THEN
        PERFORM ortes.raise_bad_argument('p_on', p_on::text, 'true or false');
    END IF;
    PERFORM ortes.lock_company(p_azi);
    UPDATE ortes.apstatosyn AS s SET audit = p_on WHERE s.azi = p_azi AND s.audit <> p_on;
    IF FOUND THEN
        INSERT INTO ortes.history (azi, door, was, became)
        VALUES (p_azi, 'ortes_ops.set_audit', jsonb_build_object('audit', NOT p_on), jsonb_build_object('audit', p_on));
    END IF;
END
$set_audit$;

COMMENT ON FUNCTION ortes_ops.set_audit(text, boolean) IS
'Switches on or off (p_on) that every change of the company''s orders is written to the history; off in a new company. '
'A repeat changes nothing. Raises OR001, OR007, 55P03.';
