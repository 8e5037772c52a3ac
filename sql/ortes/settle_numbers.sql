CREATE OR REPLACE FUNCTION ortes.settle_numbers(p_contatore text)
RETURNS text
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $settle_numbers$
-- The other half of next_number: the counter learns how far the statement counted for the company
-- it is at, and is itself still at the first number. Each public id must have become an order: a
-- row that drew one and was then not inserted (ON CONFLICT) would leave a gap.
DECLARE
    v_setting CONSTANT text := CASE p_contatore WHEN 'ID-PUB' THEN 'ortes.id_pub' ELSE 'ortes.id_sincro' END;
    v_azi CONSTANT text := current_setting(v_setting || '_azi');
    v_last CONSTANT bigint := current_setting(v_setting)::bigint;
    v_first bigint;
    v_inserted bigint;
BEGIN
    SELECT s.valore INTO v_first FROM ortes.apstatosyn AS s WHERE s.azi = v_azi AND s.contatore = p_contatore;
    IF v_last > v_first THEN
        UPDATE ortes.apstatosyn AS s SET valore = v_last WHERE s.azi = v_azi AND s.contatore = p_contatore;
    END IF;
    IF p_contatore = 'ID-PUB' THEN
        SELECT count(*) INTO v_inserted FROM ortes.arportes AS a WHERE a.azi = v_azi AND a.id_pub BETWEEN v_first AND v_last;
        IF v_inserted <= v_last - v_first THEN
            PERFORM ortes.raise_gap(v_azi, v_last - v_first + 1, v_inserted);
        END IF;
    END IF;
    RETURN set_config(v_setting || '_azi', '', true);
END
$settle_numbers$;

COMMENT ON FUNCTION ortes.settle_numbers(text) IS
'Writes the numbers that a statement drew back to counter p_contatore; returns an empty text, the company''s name no longer. '
'For the triggers alone. Raises OR004 (a public id without an order).';
