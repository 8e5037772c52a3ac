CREATE OR REPLACE FUNCTION ortes_app.position(p_azi text, p_device integer)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $position$
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.position(p_azi, 'A', p_device);
END
$position$;

COMMENT ON FUNCTION ortes_app.position(text, integer) IS
'The ID-SINCRO that the device confirmed last; 0 = none yet. Raises OR001, OR003, OR007.';
