CREATE OR REPLACE FUNCTION plproxy.get_cluster_partitions(p_cluster text)
RETURNS SETOF text
LANGUAGE plpgsql
STABLE
PARALLEL UNSAFE
AS $get_cluster_partitions$
-- The login of the session, and nobody else: its name comes from session_user, not from p_cluster.
-- All 256 numbers, always: PL/Proxy takes a number modulo their count, so that with fewer a session
-- that has not heard of a new shard yet would ask another one. Like this it gets no connection.
DECLARE
    v_user CONSTANT text := ortes_router.quoted_option('user', session_user::text);
    v_password CONSTANT text := (
        SELECT ortes_router.quoted_option('password', l.password) FROM ortes_router.login AS l WHERE l.name = session_user
    );
BEGIN
    IF p_cluster IS DISTINCT FROM ortes_router.cluster() THEN
        RAISE EXCEPTION USING MESSAGE = 'these are not the connections of this login';
    END IF;
    RETURN QUERY
    SELECT coalesce(concat_ws(' ', s.options, v_user, v_password), 'host=/nonexistent dbname=no-shard user=nobody')
    FROM generate_series(0, 255) AS n (part)
    LEFT JOIN ortes_router.shard AS s ON n.part = s.part
    ORDER BY n.part;
END
$get_cluster_partitions$;

COMMENT ON FUNCTION plproxy.get_cluster_partitions(text) IS
'How the session''s login reaches each shard: libpq connection strings, with its password. For the owner alone.';
