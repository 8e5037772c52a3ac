CREATE OR REPLACE FUNCTION ortes_erp.export_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET random_page_cost = 1
AS $export_orders$
-- The ERP exports several orders in one call: all of them, or none. Each is looked up by its key, not in a
-- hash of the company's orders: their pages are in memory, whatever random_page_cost says of the disk.
DECLARE
    v record;
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_elements(p_orders, '{"tor_chia": "text", "conferma": "text", "autore_cod": "integer",'
        ' "dati": "any", "id_pub": "integer", "if_sincro": "integer"}');
    -- Numeric, because a whole number may be written 1.0. The elements come in their order.
    SELECT coalesce(array_agg(e.tor_chia), '{}') AS tor_chias,
        coalesce(array_agg(e.conferma), '{}') AS confermas,
        coalesce(array_agg(e.autore_cod::bigint), '{}') AS autore_cods,
        coalesce(array_agg(nullif(e.dati, 'null')), '{}') AS datis,
        coalesce(array_agg(e.id_pub::bigint), '{}') AS id_pubs,
        coalesce(array_agg(e.if_sincro::bigint), '{}') AS if_sincros
    INTO v
    FROM jsonb_to_recordset(p_orders)
        AS e (tor_chia text, conferma text, autore_cod numeric, dati jsonb, id_pub numeric, if_sincro numeric);
    RETURN QUERY
    SELECT x.* FROM ortes.export_orders(p_azi, v.tor_chias, v.confermas, v.autore_cods, v.datis, v.id_pubs, v.if_sincros) AS x;
END
$export_orders$;

COMMENT ON FUNCTION ortes_erp.export_orders(text, jsonb) IS
'export_order for an array of {tor_chia, conferma, autore_cod, dati, id_pub, if_sincro}, at most 10000; one row an element, in their '
'order. All or nothing. Raises what export_order raises, OR007 naming element and key.';
