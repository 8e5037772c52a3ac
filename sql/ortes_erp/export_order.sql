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
-- The ERP exports an order. Repeat it until it answers. A change that is right at first sight takes one
-- statement; everything else (new orders, repeats, mistakes) is export_orders' to judge.
#variable_conflict use_column
DECLARE
    v_dati CONSTANT jsonb := nullif(p_dati, 'null');
BEGIN
    PERFORM ortes.check_caller(p_azi);
    IF p_id_pub >= 1 AND coalesce(length(p_conferma), 1) BETWEEN 1 AND 200 AND coalesce(p_autore_cod, 0) >= 0
        AND (ortes.is_too_large(v_dati) IS NOT TRUE)
    THEN
        PERFORM ortes.lock_company(p_azi);
        RETURN QUERY
        UPDATE ortes.arportes AS a
        SET conferma = coalesce(p_conferma, a.conferma),
            dati = coalesce(v_dati, a.dati),
            autore_cod = coalesce(p_autore_cod, a.autore_cod)
        WHERE a.azi = p_azi AND a.id_pub = p_id_pub AND a.tor_chia = p_tor_chia
            AND ortes.export_changes(a, p_conferma, p_autore_cod, v_dati)
            AND (p_if_sincro IS NULL OR p_if_sincro = a.id_sincro)
        RETURNING a.id_pub, a.id_sincro;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY
    SELECT x.* FROM ortes.export_orders(p_azi, ARRAY[p_tor_chia], ARRAY[p_conferma], ARRAY[p_autore_cod], ARRAY[v_dati],
        ARRAY[p_id_pub], ARRAY[p_if_sincro]) AS x;
END
$export_order$;

COMMENT ON FUNCTION ortes_erp.export_order(text, text, text, bigint, jsonb, bigint, bigint) IS
'The ERP exports its order p_tor_chia and gets its numbers. With p_id_pub: an order that the hub has, changed; p_conferma, '
'p_autore_cod, p_dati null leave what is there; p_if_sincro: only if its ID-SINCRO is still this one. Without: a new order of the '
'ERP. A repeat changes nothing and returns the current numbers. Raises OR001, OR002, OR003, OR004 (not acquired, or under another '
'key), OR005 (that key is a store or app order''s), OR006 (new order repeated with other content), OR007, OR009 (p_if_sincro), 55P03.';
