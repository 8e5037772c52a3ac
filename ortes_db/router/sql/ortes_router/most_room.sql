CREATE OR REPLACE FUNCTION ortes_router.most_room()
RETURNS text
LANGUAGE sql
STABLE
PARALLEL UNSAFE
AS $most_room$
    -- Counted in companies: what they will do, nobody knows when they are created. Moving is for that.
    SELECT s.name
    FROM ortes_router.shard AS s
    LEFT JOIN ortes_router.company AS c ON s.name = c.shard
    WHERE s.accepts AND NOT s.closed
    GROUP BY s.name
    ORDER BY count(c.azi) / s.weight, s.part
    LIMIT 1
$most_room$;

COMMENT ON FUNCTION ortes_router.most_room() IS 'The shard that gets the next company: the fewest for its weight. Null: none accepts any.';
