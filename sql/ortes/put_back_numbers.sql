CREATE OR REPLACE FUNCTION ortes.put_back_numbers(p_contatore text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $put_back_numbers$
-- The other half of next_number: the counter learns how far the statement counted.
-- Rows that drew an ID-PUB and were not inserted (ON CONFLICT) would leave a gap.
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
    PERFORM set_config(v_setting || '_azi', '', true);
    IF v_last > v_first THEN
        UPDATE ortes.apstatosyn AS s SET valore = v_last WHERE s.azi = v_azi AND s.contatore = p_contatore;
    END IF;
    IF p_contatore = 'ID-PUB' AND v_last - v_first + 1 <> (
        SELECT count(*) FROM ortes.arportes AS a WHERE a.azi = v_azi AND a.id_pub BETWEEN v_first AND v_last
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'this statement would leave gaps in the public ids',
            DETAIL = format('Company %L: the ids %s to %s were drawn, and not all of them inserted.', v_azi, v_first, v_last),
            HINT = 'Insert without ON CONFLICT, or use the doors: they recognise an order that is already here.';
    END IF;
END
$put_back_numbers$;

COMMENT ON FUNCTION ortes.put_back_numbers(text) IS
'Writes the numbers that a statement drew back to counter p_contatore. For the triggers alone. Raises OR004.';
