CREATE OR REPLACE FUNCTION ortes.next_number(p_azi text, p_contatore text, p_alone boolean)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $next_number$
-- Called by the row triggers of arportes for the first row of a statement, or of the next
-- company in it: moves the counter, and notes the number in transaction-local settings. For
-- the rows that follow, the triggers only count on in the setting; settle_numbers tells the
-- counter when the statement ends. (One update a row would be quadratic.) The first number is
-- noted with a sign, +11: counting on drops it, so that a statement's only number is known by it.
-- p_alone is save_order's row: its company is locked, and no other row counts on from its number.
-- Whoever draws learns whether the company is audited: ortes.audited is for the triggers.
-- PostgreSQL makes equal notifications of a transaction one. Assignments and no PERFORM, which starts a
-- query, and few of them: each expression is set up anew in every transaction, here while others wait.
DECLARE
    v_setting text;
    v_number bigint;
    v_audit boolean;
    v_notify boolean;
    v_none text;
BEGIN
    IF NOT p_alone THEN
        v_setting := CASE p_contatore WHEN 'ID-PUB' THEN 'ortes.id_pub' ELSE 'ortes.id_sincro' END;
        IF current_setting(v_setting || '_azi', true) <> '' THEN
            v_none := ortes.settle_numbers(p_contatore);
        END IF;
        IF NOT ortes.try_lock_company(p_azi) THEN
            PERFORM ortes.lock_company(p_azi);
        END IF;
    END IF;
    UPDATE ortes.apstatosyn AS s SET valore = s.valore + 1
    WHERE s.azi = p_azi AND s.contatore = p_contatore
    RETURNING s.valore, s.audit, s.notify INTO v_number, v_audit, v_notify;
    -- A glance for what is rare.
    IF v_number IS NULL OR v_audit OR v_notify OR current_setting('ortes.audited', true) <> '' THEN
        IF v_number IS NULL THEN
            PERFORM ortes.raise_unknown_company(p_azi);
        END IF;
        IF v_audit OR p_azi = current_setting('ortes.audited', true) THEN
            v_none := set_config('ortes.audited', CASE WHEN v_audit THEN p_azi ELSE '' END, true) || set_config('ortes.door', '', true);
        END IF;
        IF v_notify THEN
            PERFORM pg_notify('ortes', p_azi);
        END IF;
    END IF;
    v_none := set_config(coalesce(v_setting, 'ortes.id_pub'), '+' || v_number, true)
        || CASE WHEN NOT p_alone THEN set_config(v_setting || '_azi', p_azi, true) END;
    RETURN v_number;
END
$next_number$;

COMMENT ON FUNCTION ortes.next_number(text, text, boolean) IS
'The company''s next number from counter p_contatore (ID-PUB or ID-SINCRO), the company locked until the transaction ends. '
'p_alone: for ID-PUB, where the company is locked and the row is alone in its statement. For the triggers alone. '
'Raises OR001, OR004 (gaps, see settle_numbers), 55P03.';
