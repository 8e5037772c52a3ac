CREATE OR REPLACE FUNCTION ortes.put_back_numbers(p_contatore text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $put_back_numbers$
-- The other half of next_number: the counter learns how far the statement counted for the
-- company it is at. Returns how many numbers the statement has drawn so far.
DECLARE
    v_setting CONSTANT text := ortes.number_setting(p_contatore);
    v_last CONSTANT bigint := current_setting(v_setting)::bigint;
    v_drawn CONSTANT bigint := v_last - current_setting(v_setting || '_first')::bigint + 1;
    v_azi text := current_setting(v_setting || '_azi');
BEGIN
    IF v_drawn > 1 THEN
        UPDATE ortes.apstatosyn AS s SET valore = v_last WHERE s.azi = v_azi AND s.contatore = p_contatore;
    END IF;
    v_azi := set_config(v_setting || '_azi', '', true);
    RETURN v_drawn;
END
$put_back_numbers$;

COMMENT ON FUNCTION ortes.put_back_numbers(text) IS
'Writes the numbers that a statement drew back to counter p_contatore; returns how many they are. For the triggers alone.';
