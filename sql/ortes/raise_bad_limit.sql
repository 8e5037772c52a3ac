CREATE OR REPLACE FUNCTION ortes.raise_bad_limit(p_limit integer)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_bad_limit$
BEGIN
    PERFORM ortes.raise_bad_argument('p_limit', p_limit::text, 'a number of rows from 1 to 10000');
END
$raise_bad_limit$;

COMMENT ON FUNCTION ortes.raise_bad_limit(integer) IS 'Refuses a number of rows that is_limit does not allow. Raises OR007, always.';
