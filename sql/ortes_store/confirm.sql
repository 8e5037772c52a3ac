CREATE OR REPLACE FUNCTION ortes_store.confirm(p_azi text, p_id_sincro bigint, p_store integer = NULL)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $confirm$
-- The store says up to where it has dealt with what changes returned.
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.confirm(p_azi, 'S', p_store, p_id_sincro);
END
$confirm$;

COMMENT ON FUNCTION ortes_store.confirm(text, bigint, integer) IS
'Moves the store''s kept position forward to p_id_sincro, never back; returns the position. Raises OR001, OR003, OR007, OR008, 55P03.';
