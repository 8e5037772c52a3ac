CREATE OR REPLACE FUNCTION plproxy.get_cluster_version(p_cluster text)
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $get_cluster_version$
-- Asked at every call, so in PL/pgSQL, which keeps its plan; an SQL function is planned each time.
BEGIN
    RETURN (SELECT g.number FROM ortes_router.generation AS g);
END
$get_cluster_version$;

COMMENT ON FUNCTION plproxy.get_cluster_version(text) IS
'PL/Proxy asks at every call; another number than before makes it read the connections of p_cluster anew.';
