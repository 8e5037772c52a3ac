\set n :n + 1
\set id_int :base + :n * 64 + :client_id
INSERT INTO plain.arportes (azi, id_int, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod, dati)
VALUES (:azi, :id_int, true, 'A', 1, 'T', 0, :dati) RETURNING id_pub \gset
UPDATE plain.arportes SET autore_cod = 7, updated_at = now() WHERE azi = :azi AND id_pub = :id_pub;
UPDATE plain.arportes SET tor_chia = :id_int, ack_gest = true, id_sincro = nextval('plain.id_sincro'), updated_at = now()
WHERE azi = :azi AND id_pub = :id_pub RETURNING id_sincro;
UPDATE plain.arportes SET conferma = 'CNF', dati = :confirmed, id_sincro = nextval('plain.id_sincro'), updated_at = now()
WHERE azi = :azi AND id_pub = :id_pub RETURNING id_sincro AS last \gset
\if :n % 250 = 0
SELECT array_agg(id_pub) AS ids, count(dati) FROM (
    SELECT * FROM plain.arportes WHERE azi = :azi AND id_sincro > :last - 500 AND id_sincro > 0 ORDER BY id_sincro LIMIT 1000
) AS c \gset
UPDATE plain.arportes SET ack_store = true, updated_at = now() WHERE azi = :azi AND id_pub = ANY(:ids::text::bigint[]);
SELECT array_agg(id_pub) AS ids, count(dati) FROM (
    SELECT * FROM plain.arportes WHERE azi = :azi AND id_sincro > :last - 500 AND id_sincro > 0 ORDER BY id_sincro LIMIT 1000
) AS c \gset
\endif
