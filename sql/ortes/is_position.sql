CREATE OR REPLACE FUNCTION ortes.is_position(p_id_sincro bigint, p_last bigint)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $is_position$
    SELECT (p_id_sincro BETWEEN 0 AND p_last) IS TRUE
$is_position$;

COMMENT ON FUNCTION ortes.is_position(bigint, bigint) IS
'Whether a reader can be at this ID-SINCRO: 0 (nothing read yet) up to p_last, the last one given out.';
