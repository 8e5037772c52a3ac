CREATE OR REPLACE FUNCTION ortes_erp.export_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $export_orders$
-- The ERP exports several orders in one call: all of them, or none.
DECLARE
    v record;
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_elements(p_orders, '{"tor_chia": "text", "conferma": "text", "autore_cod": "integer",'
        ' "dati": "any", "id_pub": "integer", "if_sincro": "integer"}');
    SELECT coalesce(array_agg(e.value ->> 'tor_chia' ORDER BY e.ord), '{}') AS tor_chias,
        coalesce(array_agg(e.value ->> 'conferma' ORDER BY e.ord), '{}') AS confermas,
        coalesce(array_agg(nullif(e.value -> 'autore_cod', 'null')::bigint ORDER BY e.ord), '{}') AS autore_cods,
        coalesce(array_agg(nullif(e.value -> 'dati', 'null') ORDER BY e.ord), '{}') AS datis,
        coalesce(array_agg(nullif(e.value -> 'id_pub', 'null')::bigint ORDER BY e.ord), '{}') AS id_pubs,
        coalesce(array_agg(nullif(e.value -> 'if_sincro', 'null')::bigint ORDER BY e.ord), '{}') AS if_sincros
    INTO v
    FROM jsonb_array_elements(p_orders) WITH ORDINALITY AS e (value, ord);
    RETURN QUERY
    SELECT x.* FROM ortes.export_orders(p_azi, v.tor_chias, v.confermas, v.autore_cods, v.datis, v.id_pubs, v.if_sincros) AS x;
END
$export_orders$;

COMMENT ON FUNCTION ortes_erp.export_orders(text, jsonb) IS
'export_order for an array of {tor_chia, conferma, autore_cod, dati, id_pub, if_sincro}, at most 10000; one row an element, in their '
'order. All or nothing. Raises what export_order raises, OR007 naming element and key.';
