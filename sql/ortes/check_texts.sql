CREATE OR REPLACE FUNCTION ortes.check_texts(p_argument text, p_values text[])
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_texts$
-- The ERP's keys: they stand in an index, so they have a length.
DECLARE
    v_bad record;
BEGIN
    SELECT v.value, v.ord INTO v_bad
    FROM unnest(p_values) WITH ORDINALITY AS v (value, ord)
    WHERE (length(v.value) BETWEEN 1 AND 200) IS NOT TRUE
    ORDER BY v.ord
    LIMIT 1;
    IF FOUND THEN
        PERFORM ortes.raise_bad_argument(
            CASE WHEN cardinality(p_values) > 1 THEN format('element %s, ', v_bad.ord) ELSE '' END || p_argument,
            v_bad.value, 'a text of 1 to 200 characters');
    END IF;
END
$check_texts$;

COMMENT ON FUNCTION ortes.check_texts(text, text []) IS
'Refuses nulls, empty and over-long texts (200 characters), naming the first. p_argument: their name. Raises OR007.';
