CREATE OR REPLACE VIEW ortes_ops.shards AS
SELECT
    s.name,
    a.up,
    a.error,
    s.accepts,
    s.closed,
    s.weight,
    (SELECT count(*) FROM ortes_router.company AS c WHERE c.shard = s.name) AS companies,
    a.server_version,
    s.options,
    s.hangs_since
FROM ortes_router.shard AS s
LEFT JOIN ortes_router.ask_shards() AS a ON s.name = a.name;

COMMENT ON VIEW ortes_ops.shards IS
'The shards, asked now: does each answer (up; else error says why), does it accept new companies, has a DBA closed it, its weight, '
'the companies that live on it, its PostgreSQL, how the router reaches it, and since when `ortes router watch` has got no answer from it.';
