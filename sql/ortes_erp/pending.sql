CREATE OR REPLACE FUNCTION ortes_erp.pending(p_azi text, p_limit integer = 1000)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
ROWS 1000
AS $pending$
-- What the ERP has still to acquire.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_limit(p_limit);
    RETURN QUERY
    SELECT o.* FROM ortes_ops.orders AS o
    WHERE o.azi = p_azi AND NOT o.ack_gest
    ORDER BY o.id_pub
    LIMIT p_limit;
END
$pending$;

COMMENT ON FUNCTION ortes_erp.pending(text, integer) IS
'Orders that the ERP does not have yet, by ID-PUB, at most p_limit (1 to 10000). Raises OR001, OR003, OR007.';
