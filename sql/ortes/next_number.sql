CREATE OR REPLACE FUNCTION ortes.next_number(p_azi text, p_contatore text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $next_number$
-- Called by the triggers of arportes, once a row. The first row of a statement moves the
-- counter; the others keep counting in a transaction-local setting, which put_back_numbers
-- writes to the counter when the statement ends (one update a row would be quadratic).
-- The setting: last number, first number (20 digits each), company. It is emptied before
-- each statement, so that what a session may have set itself is never believed.
DECLARE
    v_setting CONSTANT text := CASE p_contatore WHEN 'ID-PUB' THEN 'ortes.id_pub' ELSE 'ortes.id_sincro' END;
    v_drawn text := current_setting(v_setting, true);
    v_number bigint;
    v_digits text;
BEGIN
    IF substr(v_drawn, 41) = p_azi THEN
        v_number := left(v_drawn, 20)::bigint + 1;
        PERFORM set_config(v_setting, lpad(v_number::text, 20, '0') || substr(v_drawn, 21), true);
        RETURN v_number;
    END IF;

    IF v_drawn <> '' THEN
        PERFORM ortes.put_back_numbers(p_contatore);
    END IF;
    PERFORM ortes.lock_company(p_azi);
    UPDATE ortes.apstatosyn AS s SET valore = s.valore + 1
    WHERE s.azi = p_azi AND s.contatore = p_contatore
    RETURNING s.valore INTO v_number;
    IF v_number IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR001',
            MESSAGE = 'unknown company',
            DETAIL = format('There is no counter %s for company %L.', p_contatore, p_azi),
            HINT = 'A DBA creates it, with ortes_ops.create_company.';
    END IF;
    v_digits := lpad(v_number::text, 20, '0');
    PERFORM set_config(v_setting, v_digits || v_digits || p_azi, true);
    RETURN v_number;
END
$next_number$;

COMMENT ON FUNCTION ortes.next_number(text, text) IS
'The company''s next number from counter p_contatore (ID-PUB or ID-SINCRO), the company locked until the transaction ends. '
'For the triggers alone. Raises OR001, 55P03.';
