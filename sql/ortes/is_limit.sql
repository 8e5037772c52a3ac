CREATE OR REPLACE FUNCTION ortes.is_limit(p_limit integer)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $is_limit$
    SELECT (p_limit BETWEEN 1 AND 10000) IS TRUE
$is_limit$;

COMMENT ON FUNCTION ortes.is_limit(integer) IS 'Whether so many rows may be asked for at once: 1 to 10000.';
