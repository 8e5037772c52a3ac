CREATE OR REPLACE FUNCTION ortes.put_right_counter(p_azi text, p_contatore text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $put_right_counter$
-- For a statement inside another one, which has drawn numbers and not put them back yet: from the
-- first one, which the counter is at, each public id must have become an order (see settle_numbers).
-- Elsewhere the counter is never behind the orders, and nothing is written.
DECLARE
    v_first bigint;
    v_last bigint;
    v_inserted bigint;
BEGIN
    SELECT s.valore INTO v_first FROM ortes.apstatosyn AS s WHERE s.azi = p_azi AND s.contatore = p_contatore;
    IF p_contatore = 'ID-PUB' THEN
        SELECT max(a.id_pub), count(*) INTO v_last, v_inserted FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.id_pub >= v_first;
        IF v_first > 0 AND v_inserted <= coalesce(v_last, v_first) - v_first THEN
            PERFORM ortes.raise_gap(p_azi, coalesce(v_last, v_first) - v_first + 1, v_inserted);
        END IF;
    ELSE
        SELECT max(a.id_sincro) INTO v_last FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_sincro > 0;
    END IF;
    UPDATE ortes.apstatosyn AS s SET valore = v_last WHERE s.azi = p_azi AND s.contatore = p_contatore AND s.valore < v_last;
END
$put_right_counter$;

COMMENT ON FUNCTION ortes.put_right_counter(text, text) IS
'Moves counter p_contatore forward to the highest number that an order of the company has. For the triggers alone. '
'Raises OR004 (a public id without an order).';
