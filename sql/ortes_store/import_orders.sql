CREATE OR REPLACE FUNCTION ortes_store.import_orders(p_azi text, p_id_pubs bigint [])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET random_page_cost = 1
AS $import_orders$
-- The store says that it has these orders: all of them, or none. Each is looked up by its key, not in a
-- hash of the company's orders: their pages are in memory, whatever random_page_cost says of the disk.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.import_orders(p_azi, 'S', p_id_pubs);
END
$import_orders$;

COMMENT ON FUNCTION ortes_store.import_orders(text, bigint []) IS
'import_order for an array of public ids, at most 10000; returns on how many it was new. All or nothing. '
'Raises OR001, OR002, OR003, OR007, 55P03.';
