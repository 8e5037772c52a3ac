CREATE OR REPLACE FUNCTION ortes_store.import_order(p_azi text, p_id_pub bigint)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $import_order$
-- The store says that it has the order.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.import_orders(p_azi, 'S', ARRAY[p_id_pub]) > 0;
END
$import_order$;

COMMENT ON FUNCTION ortes_store.import_order(text, bigint) IS
'The store has the order with ID-PUB p_id_pub now: ACK-STORE. True where that was new. Raises OR001, OR002, OR003, OR007, 55P03.';
