CREATE OR REPLACE FUNCTION ortes_app.save_orders(p_azi text, p_device integer, p_orders jsonb)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $save_orders$
-- The device saves several orders in one call: all of them, or none.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN QUERY SELECT s.* FROM ortes.save_elements(p_azi, 'A', p_device, 'T', p_orders) AS s;
END
$save_orders$;

COMMENT ON FUNCTION ortes_app.save_orders(text, integer, jsonb) IS
'save_order for an array of {id_int, autore_cod, dati}, at most 10000; one row an element, in their order. All or nothing. '
'Raises OR001, OR003, OR006, OR007 (naming element and key), 55P03.';
