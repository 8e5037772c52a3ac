\set n :n + 1
\set id_int :base + :n * 64 + :client_id
WITH locked AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(1, 1)
),

counted AS (
    UPDATE plain.apstatosyn SET valore = valore + 1 FROM locked WHERE azi = 'c' || :azi AND contatore = 'ID-PUB' RETURNING azi, valore
)
INSERT INTO plain.arportes (azi, id_pub, id_int, ack_store, prov_tipo, autore_tipo, autore_cod, dati)
SELECT c.azi, c.valore, :id_int, true, 'S', 'C', 7, :dati FROM counted AS c
RETURNING id_pub;
