CREATE OR REPLACE FUNCTION ortes_ops.order_readers(p_azi text, p_id_pub bigint)
RETURNS TABLE (prov_tipo text, prov_id integer, confirmed bigint, confirmed_at timestamptz, up_to_date boolean)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $order_readers$
    -- The company's readers and, where it has never confirmed anything, the one that made the order.
    SELECT
        e.prov_tipo,
        e.prov_id,
        coalesce(r.id_sincro, 0) AS confirmed,
        r.confirmed_at,
        coalesce(r.id_sincro, 0) >= a.id_sincro AS up_to_date
    FROM ortes.arportes AS a
    CROSS JOIN LATERAL (
        SELECT k.prov_tipo, k.prov_id FROM ortes.reader AS k WHERE k.azi = a.azi
        UNION
        SELECT a.prov_tipo, a.prov_id WHERE a.prov_tipo IN ('S', 'A')
    ) AS e
    LEFT JOIN ortes.reader AS r
        ON a.azi = r.azi AND e.prov_tipo = r.prov_tipo AND e.prov_id IS NOT DISTINCT FROM r.prov_id
    WHERE a.azi = p_azi AND a.id_pub = p_id_pub
    ORDER BY e.prov_tipo DESC, e.prov_id NULLS FIRST
$order_readers$;

COMMENT ON FUNCTION ortes_ops.order_readers(text, bigint) IS
'What each reader has confirmed (the last ID-SINCRO; 0 = nothing yet) against the order with ID-PUB p_id_pub: up_to_date when that '
'includes its last change. prov_tipo: S store, A app; prov_id: which store or device. No row for an order that does not exist.';
