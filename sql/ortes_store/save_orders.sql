CREATE OR REPLACE FUNCTION ortes_store.save_orders(p_azi text, p_orders jsonb, p_store integer = NULL)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $save_orders$
-- The store saves several orders in one call: all of them, or none.
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN QUERY SELECT s.* FROM ortes.save_elements(p_azi, 'S', p_store, 'C', p_orders) AS s;
END
$save_orders$;

COMMENT ON FUNCTION ortes_store.save_orders(text, jsonb, integer) IS
'save_order for an array of {id_int, autore_cod, dati}, at most 10000; one row an element, in their order. All or nothing. '
'Raises OR001, OR003, OR006, OR007 (naming element and key), 55P03.';
