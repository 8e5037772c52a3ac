CREATE OR REPLACE FUNCTION ortes_ops.set_notify(p_azi text, p_on boolean)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $set_notify$
-- Locks the company first: a writer that is under way ends before, one that waits sees the switch.
-- Switching on notifies too: for the numbers that this transaction itself drew before, and so that
-- who listens knows. The switching is written down.
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF p_on IS NULL THEN
        PERFORM ortes.raise_bad_argument('p_on', p_on::text, 'true or false');
    END IF;
    PERFORM ortes.lock_company(p_azi);
    UPDATE ortes.apstatosyn AS s SET notify = p_on WHERE s.azi = p_azi AND s.notify <> p_on;
    IF FOUND THEN
        INSERT INTO ortes.history (azi, door, was, became)
        VALUES (p_azi, 'ortes_ops.set_notify', jsonb_build_object('notify', NOT p_on), jsonb_build_object('notify', p_on));
        IF p_on THEN
            PERFORM pg_notify('ortes', p_azi);
        END IF;
    END IF;
END
$set_notify$;

COMMENT ON FUNCTION ortes_ops.set_notify(text, boolean) IS
'Switches on or off (p_on) that each transaction which draws a number of the company (a new order, a change by the ERP) sends one '
'notification when it commits: channel ortes, payload p_azi. Off in a new company. A repeat changes nothing. '
'Raises OR001, OR007, 55P03.';
