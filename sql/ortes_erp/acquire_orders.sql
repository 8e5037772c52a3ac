CREATE OR REPLACE FUNCTION ortes_erp.acquire_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET random_page_cost = 1
AS $acquire_orders$
-- The ERP has these orders: all of them, or none. Each is looked up by its key, not in a
-- hash of the company's orders: their pages are in memory, whatever random_page_cost says of the disk.
DECLARE
    v_id_pubs bigint[];
    v_tor_chias text[];
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_elements(p_orders, '{"id_pub": "integer", "tor_chia": "text"}');
    -- Numeric, because a whole number may be written 1.0. The elements come in their order.
    SELECT coalesce(array_agg(e.id_pub::bigint), '{}'), coalesce(array_agg(e.tor_chia), '{}')
    INTO v_id_pubs, v_tor_chias
    FROM jsonb_to_recordset(p_orders) AS e (id_pub numeric, tor_chia text);
    RETURN QUERY SELECT q.* FROM ortes.acquire_orders(p_azi, v_id_pubs, v_tor_chias) AS q;
END
$acquire_orders$;

COMMENT ON FUNCTION ortes_erp.acquire_orders(text, jsonb) IS
'acquire_order for an array of {id_pub, tor_chia}, at most 10000; one row an element, in their order. All or nothing. '
'Raises OR001, OR002, OR003, OR004, OR005, OR007 (naming element and key), 55P03.';
