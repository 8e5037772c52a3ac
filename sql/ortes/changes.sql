CREATE OR REPLACE FUNCTION ortes.changes(p_azi text, p_since bigint, p_limit integer)
RETURNS SETOF ortes.orders
LANGUAGE sql
STABLE
PARALLEL SAFE
ROWS 1000
AS $changes$
    -- Behind changes of store and app. SQL, so that it becomes part of the door's own query: rows that
    -- pass through two functions are stored twice. The second condition lets the partial index serve.
    SELECT o.* FROM ortes_ops.orders AS o
    WHERE o.azi = p_azi AND o.id_sincro > p_since AND o.id_sincro > 0
    ORDER BY o.id_sincro
    LIMIT p_limit
$changes$;

COMMENT ON FUNCTION ortes.changes(text, bigint, integer) IS
'Orders with an ID-SINCRO above p_since, ascending, at most p_limit.';
