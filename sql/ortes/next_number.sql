CREATE OR REPLACE FUNCTION ortes.next_number(p_azi text, p_contatore text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $next_number$
-- Called by the row triggers of arportes for the first row of a statement, or of the next
-- company in it: moves the counter, and notes the number in transaction-local settings. For
-- the rows that follow, the triggers only count on in the setting; put_back_numbers tells the
-- counter when the statement ends. (One update a row would be quadratic.) ortes.unaudited is for
-- the history triggers, the company whose changes need not be written down; see history_begin.
-- PostgreSQL makes equal notifications of a transaction one.
DECLARE
    v_setting CONSTANT text := ortes.number_setting(p_contatore);
    v_before bigint := 0::bigint;
    v_number bigint;
    v_audit boolean;
    v_notify boolean;
BEGIN
    IF current_setting(v_setting || '_azi', true) <> '' THEN
        v_before := ortes.put_back_numbers(p_contatore);
    END IF;
    IF NOT ortes.try_lock_company(p_azi) THEN
        PERFORM ortes.lock_company(p_azi);
    END IF;
    UPDATE ortes.apstatosyn AS s SET valore = s.valore + 1
    WHERE s.azi = p_azi AND s.contatore = p_contatore
    RETURNING s.valore, s.audit, s.notify INTO v_number, v_audit, v_notify;
    IF v_number IS NULL THEN
        PERFORM ortes.raise_unknown_company(p_azi);
    END IF;
    PERFORM
        set_config(v_setting, v_number::text, true),
        set_config(v_setting || '_first', (v_number - v_before)::text, true),
        set_config(v_setting || '_azi', p_azi, true),
        set_config('ortes.unaudited', CASE WHEN v_audit THEN '' ELSE p_azi END, true),
        CASE WHEN v_audit THEN set_config('ortes.door', '', true) END,
        CASE WHEN v_notify THEN pg_notify('ortes', p_azi) END;
    RETURN v_number;
END
$next_number$;

COMMENT ON FUNCTION ortes.next_number(text, text) IS
'The company''s next number from counter p_contatore (ID-PUB or ID-SINCRO), the company locked until the transaction ends. '
'For the triggers alone. Raises OR001, 55P03.';
