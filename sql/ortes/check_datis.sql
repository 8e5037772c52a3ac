CREATE OR REPLACE FUNCTION ortes.check_datis(p_datis jsonb[])
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_datis$
-- The contents of a whole call. What is told of one is its size: the content stays out of logs.
DECLARE
    v_bad record;
BEGIN
    SELECT v.value, v.ord INTO v_bad
    FROM unnest(p_datis) WITH ORDINALITY AS v (value, ord)
    WHERE ortes.is_too_large(v.value)
    ORDER BY v.ord
    LIMIT 1;
    IF FOUND THEN
        PERFORM ortes.raise_bad_argument(
            CASE WHEN cardinality(p_datis) > 1 THEN format('element %s, ', v_bad.ord) ELSE '' END || 'dati',
            octet_length(v_bad.value::text) || ' bytes', 'at most 1048576 bytes, as the text that the hub gives back');
    END IF;
END
$check_datis$;

COMMENT ON FUNCTION ortes.check_datis(jsonb []) IS
'Refuses contents of more than 1 MB (see is_too_large), naming the first. Raises OR007.';
