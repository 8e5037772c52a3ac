CREATE OR REPLACE FUNCTION ortes_router.most_room()
RETURNS text
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $most_room$
-- Counted in companies: what they will do, nobody knows when they are created. Moving is for that.
-- A shard that does not answer is passed over.
DECLARE
    v_shard record;
BEGIN
    FOR v_shard IN
        SELECT s.name, s.part
        FROM ortes_router.shard AS s
        WHERE s.accepts AND s.is_open
        ORDER BY (SELECT count(*) FROM ortes_router.company AS c WHERE c.shard = s.name) / s.weight, s.part
    LOOP
        BEGIN
            PERFORM ortes_router.ask_version(v_shard.part);
            RETURN v_shard.name;
        EXCEPTION
            WHEN OTHERS THEN
                IF NOT ortes_router.is_unreachable(sqlstate, sqlerrm) THEN
                    RAISE;
                END IF;
        END;
    END LOOP;
    RETURN NULL;
END
$most_room$;

COMMENT ON FUNCTION ortes_router.most_room() IS
'The shard that gets the next company: of those that accept any and answer, the fewest for its weight. Null: there is none.';
