CREATE OR REPLACE FUNCTION ortes_app.confirm(p_azi text, p_device integer, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $confirm$
-- The device says up to where it has dealt with what changes returned.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.confirm(p_azi, 'A', p_device, p_id_sincro);
END
$confirm$;

COMMENT ON FUNCTION ortes_app.confirm(text, integer, bigint) IS
'Moves the device''s kept position forward to p_id_sincro, never back; returns the position. Raises OR001, OR003, OR007, OR008, 55P03.';
