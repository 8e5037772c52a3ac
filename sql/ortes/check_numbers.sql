CREATE OR REPLACE FUNCTION ortes.check_numbers(p_argument text, p_values bigint[], p_least bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_numbers$
-- One value or the values of a whole call; the element is named where there are several.
DECLARE
    v_bad record;
BEGIN
    IF p_least <= ALL (p_values) THEN
        RETURN;
    END IF;
    SELECT v.value, v.ord INTO v_bad
    FROM unnest(p_values) WITH ORDINALITY AS v (value, ord)
    WHERE (v.value >= p_least) IS NOT TRUE
    ORDER BY v.ord
    LIMIT 1;
    PERFORM ortes.raise_bad_argument(
        CASE WHEN cardinality(p_values) > 1 THEN format('element %s, ', v_bad.ord) ELSE '' END || p_argument,
        v_bad.value::text, format('a whole number of at least %s', p_least));
END
$check_numbers$;

COMMENT ON FUNCTION ortes.check_numbers(text, bigint [], bigint) IS
'Refuses nulls and numbers below p_least, naming the first. p_argument: their name. Raises OR007.';
