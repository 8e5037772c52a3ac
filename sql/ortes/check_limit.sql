CREATE OR REPLACE FUNCTION ortes.check_limit(p_limit integer)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_limit$
BEGIN
    IF NOT ortes.is_limit(p_limit) THEN
        PERFORM ortes.raise_bad_argument('p_limit', p_limit::text, 'a number of rows from 1 to 10000');
    END IF;
END
$check_limit$;

COMMENT ON FUNCTION ortes.check_limit(integer) IS 'Refuses a number of rows that is_limit does not allow. Raises OR007.';
