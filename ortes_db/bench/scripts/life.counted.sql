\set n :n + 1
\set id_int :base + :n * 64 + :client_id
WITH counted AS (
    UPDATE plain.apstatosyn SET valore = valore + 1 WHERE azi = 'c' || :azi AND contatore = 'ID-PUB' RETURNING azi, valore
)
INSERT INTO plain.arportes (azi, id_pub, id_int, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod, dati)
SELECT c.azi, c.valore, :id_int, true, 'A', 1, 'T', 0, :dati FROM counted AS c RETURNING id_pub \gset
UPDATE plain.arportes SET autore_cod = 7, updated_at = now() WHERE azi = 'c' || :azi AND id_pub = :id_pub;
WITH counted AS (
    UPDATE plain.apstatosyn SET valore = valore + 1 WHERE azi = 'c' || :azi AND contatore = 'ID-SINCRO' RETURNING azi, valore
)
UPDATE plain.arportes AS a SET tor_chia = :id_int, ack_gest = true, id_sincro = c.valore, updated_at = now()
FROM counted AS c WHERE a.azi = c.azi AND a.id_pub = :id_pub RETURNING a.id_sincro;
WITH counted AS (
    UPDATE plain.apstatosyn SET valore = valore + 1 WHERE azi = 'c' || :azi AND contatore = 'ID-SINCRO' RETURNING azi, valore
)
UPDATE plain.arportes AS a SET conferma = 'CNF', dati = :confirmed, id_sincro = c.valore, updated_at = now()
FROM counted AS c WHERE a.azi = c.azi AND a.id_pub = :id_pub RETURNING a.id_sincro - 1 AS since \gset
SELECT azi, id_pub, tor_chia, conferma, id_int, ack_store, ack_gest, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod,
    id_sincro, dati, created_at, updated_at
FROM plain.arportes WHERE azi = 'c' || :azi AND id_sincro > :since AND id_sincro > 0 ORDER BY id_sincro LIMIT 1000;
UPDATE plain.arportes SET ack_store = true, updated_at = now() WHERE azi = 'c' || :azi AND id_pub = :id_pub;
