CREATE OR REPLACE FUNCTION ortes_store.position(p_azi text, p_store integer = NULL)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $position$
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.position(p_azi, 'S', p_store);
END
$position$;

COMMENT ON FUNCTION ortes_store.position(text, integer) IS
'The ID-SINCRO that the store confirmed last; 0 = none yet. Raises OR001, OR003, OR007.';
