CREATE OR REPLACE FUNCTION ortes.set_switch(p_azi text, p_switch text, p_on boolean)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $set_switch$
-- Behind set_audit and set_notify. Locks the company first: a writer that is under way ends before,
-- one that waits sees the switch. The switching itself is always written down.
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF p_on IS NULL THEN
        PERFORM ortes.raise_bad_argument('p_on', p_on::text, 'true or false');
    END IF;
    PERFORM ortes.lock_company(p_azi);
    UPDATE ortes.apstatosyn AS s
    SET audit = CASE p_switch WHEN 'audit' THEN p_on ELSE s.audit END,
        notify = CASE p_switch WHEN 'notify' THEN p_on ELSE s.notify END
    WHERE s.azi = p_azi AND p_on <> CASE p_switch WHEN 'audit' THEN s.audit ELSE s.notify END;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO ortes.history (azi, door, was, became)
    VALUES (p_azi, 'ortes_ops.set_' || p_switch, jsonb_build_object(p_switch, NOT p_on), jsonb_build_object(p_switch, p_on));
    RETURN true;
END
$set_switch$;

COMMENT ON FUNCTION ortes.set_switch(text, text, boolean) IS
'Turns a company''s switch (p_switch: audit or notify) on or off; whether that changed anything. Raises OR001, OR007, 55P03.';
