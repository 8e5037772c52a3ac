CREATE OR REPLACE VIEW ortes_ops.backlog AS
SELECT
    c.azi,
    p.pending,
    coalesce(extract(EPOCH FROM now() - o.created_at), 0)::double precision AS oldest_pending_seconds,
    i.valore AS id_pub,
    s.valore AS id_sincro,
    s.notify
FROM ortes.company AS c
INNER JOIN ortes.apstatosyn AS i ON c.azi = i.azi AND i.contatore = 'ID-PUB'
INNER JOIN ortes.apstatosyn AS s ON c.azi = s.azi AND s.contatore = 'ID-SINCRO'
CROSS JOIN LATERAL (
    SELECT count(*) AS pending FROM ortes.arportes AS a WHERE a.azi = c.azi AND NOT a.ack_gest
) AS p
LEFT JOIN LATERAL (
    SELECT a.created_at FROM ortes.arportes AS a WHERE a.azi = c.azi AND NOT a.ack_gest ORDER BY a.id_pub LIMIT 1
) AS o ON true;

COMMENT ON VIEW ortes_ops.backlog IS
'Per company, for who looks every few seconds: the orders that the ERP does not have yet, the age in seconds of the one with the '
'lowest ID-PUB, the last ID-PUB and ID-SINCRO given out, and whether it notifies. Unlike ortes_ops.status it reads nothing of the '
'orders that the ERP has.';
