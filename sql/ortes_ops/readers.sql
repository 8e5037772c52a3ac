CREATE OR REPLACE VIEW ortes_ops.readers AS
SELECT
    r.azi,
    r.prov_tipo,
    r.prov_id,
    r.id_sincro AS position,
    r.confirmed_at,
    l.rows AS lag_rows,
    coalesce(extract(EPOCH FROM now() - o.oldest), 0)::double precision AS lag_seconds
FROM ortes.reader AS r
CROSS JOIN LATERAL (
    SELECT count(*) AS rows FROM ortes.arportes AS a
    WHERE a.azi = r.azi AND a.id_sincro > r.id_sincro AND a.id_sincro > 0
) AS l
CROSS JOIN LATERAL (
    SELECT min(f.updated_at) AS oldest
    FROM (
        SELECT a.updated_at FROM ortes.arportes AS a
        WHERE a.azi = r.azi AND a.id_sincro > r.id_sincro AND a.id_sincro > 0
        ORDER BY a.id_sincro LIMIT 1000
    ) AS f
) AS o;

COMMENT ON VIEW ortes_ops.readers IS
'Per reader that has confirmed anything (prov_tipo S store, A app; prov_id the store or device): its position, '
'the changed orders beyond it, and how many seconds ago the oldest of those (of the first thousand) was written.';
