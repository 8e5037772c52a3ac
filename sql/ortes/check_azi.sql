CREATE OR REPLACE FUNCTION ortes.check_azi(p_azi text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_azi$
BEGIN
    IF (length(p_azi) BETWEEN 1 AND 32) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_azi', p_azi, 'a company code of 1 to 32 characters');
    END IF;
END
$check_azi$;

COMMENT ON FUNCTION ortes.check_azi(text) IS 'Refuses a company code that is null, empty or over 32 characters. Raises OR007.';
