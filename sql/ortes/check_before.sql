CREATE OR REPLACE FUNCTION ortes.check_before(p_before timestamptz)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL SAFE
AS $check_before$
-- For the doors that take how far back the history is meant.
BEGIN
    IF (p_before <= clock_timestamp()) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_before', p_before::text, 'a time in the past');
    END IF;
END
$check_before$;

COMMENT ON FUNCTION ortes.check_before(timestamptz) IS 'Refuses a time that is not in the past. Raises OR007.';
