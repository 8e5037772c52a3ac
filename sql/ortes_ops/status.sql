CREATE OR REPLACE VIEW ortes_ops.status AS
SELECT
    c.azi,
    o.orders,
    p.pending,
    coalesce(extract(EPOCH FROM now() - p.oldest), 0)::double precision AS oldest_pending_seconds,
    i.valore AS id_pub,
    s.valore AS id_sincro,
    s.audit,
    s.notify
FROM ortes.company AS c
INNER JOIN ortes.apstatosyn AS i ON c.azi = i.azi AND i.contatore = 'ID-PUB'
INNER JOIN ortes.apstatosyn AS s ON c.azi = s.azi AND s.contatore = 'ID-SINCRO'
CROSS JOIN LATERAL (
    SELECT count(*) AS orders FROM ortes.arportes AS a WHERE a.azi = c.azi
) AS o
CROSS JOIN LATERAL (
    SELECT
        count(*) AS pending,
        min(a.created_at) AS oldest
    FROM ortes.arportes AS a
    WHERE a.azi = c.azi AND NOT a.ack_gest
) AS p;

COMMENT ON VIEW ortes_ops.status IS
'Per company: its orders, those the ERP does not have yet, the age in seconds of the oldest of them, '
'the last ID-PUB and ID-SINCRO given out, whether its history is written '
'(ortes_ops.set_audit), and whether it notifies (ortes_ops.set_notify).';
