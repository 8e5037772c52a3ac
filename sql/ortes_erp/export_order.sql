CREATE OR REPLACE FUNCTION ortes_erp.export_order(
    p_azi text,
    p_tor_chia text,
    p_conferma text = NULL,
    p_autore_cod bigint = NULL,
    p_dati jsonb = NULL,
    p_id_pub bigint = NULL,
    p_if_sincro bigint = NULL
)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $export_order$
-- The ERP exports an order. Repeat it until it answers.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    RETURN QUERY
    SELECT x.* FROM ortes.export_orders(p_azi, ARRAY[p_tor_chia], ARRAY[p_conferma], ARRAY[p_autore_cod], ARRAY[nullif(p_dati, 'null')],
        ARRAY[p_id_pub], ARRAY[p_if_sincro]) AS x;
END
$export_order$;

COMMENT ON FUNCTION ortes_erp.export_order(text, text, text, bigint, jsonb, bigint, bigint) IS
'The ERP exports its order p_tor_chia and gets its numbers. With p_id_pub: an order that the hub has, changed; p_conferma, '
'p_autore_cod, p_dati null leave what is there; p_if_sincro: only if its ID-SINCRO is still this one. Without: a new order of the '
'ERP. A repeat changes nothing and returns the current numbers. Raises OR001, OR002, OR003, OR004 (not acquired, or under another '
'key), OR005 (that key is a store or app order''s), OR006 (new order repeated with other content), OR007, OR009 (p_if_sincro), 55P03.';
