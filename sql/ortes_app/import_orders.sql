CREATE OR REPLACE FUNCTION ortes_app.import_orders(p_azi text, p_device integer, p_id_pubs bigint [])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET random_page_cost = 1
AS $import_orders$
-- The device says that it has these orders: all of them, or none. Each is looked up by its key, not in a
-- hash of the company's orders: their pages are in memory, whatever random_page_cost says of the disk.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.import_orders(p_azi, 'A', p_id_pubs);
END
$import_orders$;

COMMENT ON FUNCTION ortes_app.import_orders(text, integer, bigint []) IS
'import_order for an array of public ids, at most 10000; returns on how many it was new. All or nothing. '
'Raises OR001, OR002, OR003, OR007, 55P03.';
