CREATE OR REPLACE FUNCTION ortes_router.ask_shards()
RETURNS TABLE (name text, up boolean, server_version text, error text)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error
AS $ask_shards$
-- Behind ortes_ops.shards: one that does not answer is a row that says so.
-- Tried twice, as the connection that is kept may be from before a restart.
DECLARE
    v_shard record;
BEGIN
    FOR v_shard IN SELECT s.name, s.part, s.is_open FROM ortes_router.shard AS s ORDER BY s.part LOOP
        name := v_shard.name;
        server_version := NULL;
        error := ortes_router.why_closed(v_shard.name);
        FOR v_try IN 1..CASE WHEN v_shard.is_open THEN 2 ELSE 0 END LOOP
            BEGIN
                server_version := (SELECT v.v FROM ortes_router.ask_version(v_shard.part) AS v (v));
                error := NULL;
                EXIT;
            EXCEPTION
                WHEN OTHERS THEN
                    error := ortes_router.shard_reason(sqlstate, sqlerrm);
            END;
        END LOOP;
        up := error IS NULL;
        RETURN NEXT;
    END LOOP;
END
$ask_shards$;

COMMENT ON FUNCTION ortes_router.ask_shards() IS 'Asks each shard, as the session''s login, whether it answers.';
