CREATE OR REPLACE FUNCTION ortes.changes(p_azi text, p_prov_tipo text, p_prov_id integer, p_since bigint, p_limit integer)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 1000
AS $changes$
-- Behind changes of store and app. Stable: counter and rows are of one snapshot.
DECLARE
    v_since CONSTANT bigint := coalesce(p_since, ortes.position(p_azi, p_prov_tipo, p_prov_id));
BEGIN
    PERFORM ortes.check_limit(p_limit);
    IF ortes.check_position(p_azi, 'p_since', v_since) > v_since THEN
        -- The second condition is what lets the partial index serve.
        RETURN QUERY
        SELECT o.* FROM ortes_ops.orders AS o
        WHERE o.azi = p_azi AND o.id_sincro > v_since AND o.id_sincro > 0
        ORDER BY o.id_sincro
        LIMIT p_limit;
    END IF;
END
$changes$;

COMMENT ON FUNCTION ortes.changes(text, text, integer, bigint, integer) IS
'Orders with an ID-SINCRO above p_since, ascending, at most p_limit; p_since null: above what the reader '
'(p_prov_tipo S or A, p_prov_id) confirmed last. Raises OR007, OR008.';
