CREATE OR REPLACE FUNCTION ortes.put_back_numbers(p_contatore text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $put_back_numbers$
-- The other half of next_number: the counter learns how far the statement counted for the
-- company it is at, and the statement's total grows (arportes_complete compares it).
DECLARE
    v_setting CONSTANT text := ortes.number_setting(p_contatore);
    v_azi CONSTANT text := current_setting(v_setting || '_azi', true);
    v_first bigint;
    v_last bigint;
BEGIN
    IF v_azi IS NULL OR v_azi = '' THEN
        RETURN;
    END IF;
    v_first := current_setting(v_setting || '_first')::bigint;
    v_last := current_setting(v_setting)::bigint;
    PERFORM
        set_config(v_setting || '_azi', '', true),
        set_config(v_setting || '_total', (current_setting(v_setting || '_total')::bigint + v_last - v_first + 1)::text, true);
    IF v_last > v_first THEN
        UPDATE ortes.apstatosyn AS s SET valore = v_last WHERE s.azi = v_azi AND s.contatore = p_contatore;
    END IF;
END
$put_back_numbers$;

COMMENT ON FUNCTION ortes.put_back_numbers(text) IS
'Writes the numbers that a statement drew back to counter p_contatore. For the triggers alone.';
