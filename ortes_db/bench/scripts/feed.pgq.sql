\set n :n + 1
\set id_int :base + :n * 64 + :client_id
INSERT INTO plain.arportes (azi, id_int, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod, dati)
VALUES (:azi, :id_int, true, 'A', 1, 'T', 0, :dati) RETURNING id_pub \gset
UPDATE plain.arportes SET autore_cod = 7, updated_at = now() WHERE azi = :azi AND id_pub = :id_pub;
WITH changed AS (
    UPDATE plain.arportes SET tor_chia = :id_int, ack_gest = true, updated_at = now()
    WHERE azi = :azi AND id_pub = :id_pub RETURNING *
)
SELECT pgq.insert_event('ortes', 'acquired', to_jsonb(c)::text, c.azi, c.id_pub::text, NULL, NULL) FROM changed AS c;
WITH changed AS (
    UPDATE plain.arportes SET conferma = 'CNF', dati = :confirmed, updated_at = now()
    WHERE azi = :azi AND id_pub = :id_pub RETURNING *
)
SELECT pgq.insert_event('ortes', 'exported', to_jsonb(c)::text, c.azi, c.id_pub::text, NULL, NULL) FROM changed AS c;
\if :n % 250 = 0
SELECT pgq.ticker('ortes');
SELECT coalesce(pgq.next_batch('ortes', 'store'), 0) AS batch \gset
\if :batch > 0
SELECT array_agg(DISTINCT ev_extra2::bigint) AS ids, count(ev_data) FROM pgq.get_batch_events(:batch) \gset
UPDATE plain.arportes SET ack_store = true, updated_at = now()
WHERE azi = :azi AND id_pub = ANY(:ids::text::bigint[]) AND NOT ack_store;
SELECT pgq.finish_batch(:batch);
\endif
SELECT coalesce(pgq.next_batch('ortes', 'app'), 0) AS batch \gset
\if :batch > 0
SELECT array_agg(DISTINCT ev_extra2::bigint) AS ids, count(ev_data) FROM pgq.get_batch_events(:batch) \gset
SELECT pgq.finish_batch(:batch);
\endif
\endif
