CREATE OR REPLACE FUNCTION ortes_router.raise_unreachable(p_shard text, p_reason text, p_nothing_done boolean)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $raise_unreachable$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = CASE WHEN p_nothing_done THEN 'sqlclient_unable_to_establish_sqlconnection' ELSE 'connection_failure' END,
        MESSAGE = CASE
            WHEN p_nothing_done THEN 'the company''s shard cannot be reached'
            ELSE 'the connection to the company''s shard was lost'
        END,
        DETAIL = format('Shard %L: %s', p_shard, p_reason),
        HINT = CASE
            WHEN p_nothing_done THEN 'Nothing was done. '
            ELSE 'Whether the call was carried out is not known; a repeat gives its result and does nothing twice. '
        END || 'Call again later; companies on other shards are not concerned. A DBA looks at ortes_ops.shards.';
END
$raise_unreachable$;

COMMENT ON FUNCTION ortes_router.raise_unreachable(text, text, boolean) IS
'Says that the shard p_shard does not answer, and why (p_reason). Raises 08001 (p_nothing_done) or 08006, always.';
