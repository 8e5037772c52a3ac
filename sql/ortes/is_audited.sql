CREATE OR REPLACE FUNCTION ortes.is_audited(p_azi text)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $is_audited$
-- For changes that draw no number; next_number says it of those that do. The doors have locked the
-- company by now, and so does set_audit: what is read holds. Under an old snapshot it might not, so
-- there the row is locked, which fails (40001) where somebody has switched meanwhile.
DECLARE
    v_audit boolean;
    v_none text;
BEGIN
    IF current_setting('transaction_isolation') = 'read committed' THEN
        SELECT s.audit INTO v_audit FROM ortes.apstatosyn AS s WHERE s.azi = p_azi AND s.contatore = 'ID-SINCRO';
    ELSE
        SELECT s.audit INTO v_audit FROM ortes.apstatosyn AS s WHERE s.azi = p_azi AND s.contatore = 'ID-SINCRO' FOR SHARE;
    END IF;
    v_none := CASE WHEN v_audit THEN set_config('ortes.door', '', true) ELSE set_config('ortes.unaudited', p_azi, true) END;
    RETURN v_audit;
END
$is_audited$;

COMMENT ON FUNCTION ortes.is_audited(text) IS
'Whether changes of the company''s orders are written to ortes.history. For the triggers alone. Raises 40001.';
