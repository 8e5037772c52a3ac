\set azi_n random(1, 64)
\set n :n + 1
\set id_int :base + :n * 64 + :client_id
WITH counted AS (
    UPDATE plain.apstatosyn SET valore = valore + 1 WHERE azi = 'c' || :azi_n AND contatore = 'ID-PUB' RETURNING azi, valore
)
INSERT INTO plain.arportes (azi, id_pub, id_int, ack_store, prov_tipo, autore_tipo, autore_cod, dati)
SELECT c.azi, c.valore, :id_int, true, 'S', 'C', 7, :dati FROM counted AS c
RETURNING id_pub;
