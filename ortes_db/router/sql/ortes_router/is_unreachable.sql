CREATE OR REPLACE FUNCTION ortes_router.is_unreachable(p_code text, p_message text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $is_unreachable$
    -- PL/Proxy's own errors and libpq's have no SQLSTATE of their own; a server on its way down has.
    SELECT p_code IN ('08001', '08006', '57P01', '57P02', '57P03')
        OR (p_code = 'XX000' AND (p_message LIKE 'PL/Proxy function %' OR p_message LIKE '%] REMOTE (null): %'))
$is_unreachable$;

COMMENT ON FUNCTION ortes_router.is_unreachable(text, text) IS 'Whether an error says that a shard does not answer, rather than what it answered.';
