CREATE OR REPLACE FUNCTION plproxy.get_cluster_config(IN p_cluster text, OUT key text, OUT val text)
RETURNS SETOF record
LANGUAGE sql
STABLE
PARALLEL UNSAFE
AS $get_cluster_config$
    -- A connection lives half an hour, so that what changed for a login on a shard reaches it.
    -- (Who it is for, the connection strings say; another default_user only makes PL/Proxy keep two.)
    VALUES ('connection_lifetime', '1800')
$get_cluster_config$;

COMMENT ON FUNCTION plproxy.get_cluster_config(text) IS 'PL/Proxy''s settings for p_cluster.';
