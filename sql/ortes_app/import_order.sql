CREATE OR REPLACE FUNCTION ortes_app.import_order(p_azi text, p_device integer, p_id_pub bigint)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $import_order$
-- The device says that it has the order.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.import_orders(p_azi, 'A', ARRAY[p_id_pub]) > 0;
END
$import_order$;

COMMENT ON FUNCTION ortes_app.import_order(text, integer, bigint) IS
'The device has the order with ID-PUB p_id_pub now: ACK-APP. True where that was new. Raises OR001, OR002, OR003, OR007, 55P03.';
