CREATE OR REPLACE FUNCTION ortes_router.ask_version(p_part integer)
RETURNS SETOF text
LANGUAGE plproxy
VOLATILE
AS $ask_version$
    CLUSTER ortes_router.cluster();
    RUN ON ortes_router.open_part(p_part);
    SELECT current_setting('server_version');
$ask_version$;

COMMENT ON FUNCTION ortes_router.ask_version(integer) IS 'The PostgreSQL version of the shard with the number p_part: does it answer?';
