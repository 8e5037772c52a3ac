\set azi_n random(1, 64)
\set n :n + 1
\set id_int :base + :n * 64 + :client_id
INSERT INTO plain.arportes (azi, id_int, ack_store, prov_tipo, autore_tipo, autore_cod, dati)
VALUES (:azi_n, :id_int, true, 'S', 'C', 7, :dati)
RETURNING id_pub;
