\set n :n + 1
\set id_int :base + :n * 64 + :client_id
SELECT bare.save_order(:azi, 1, :id_int, 0, :dati) AS id_pub \gset
SELECT bare.create_order(:azi, :id_pub, 7);
SELECT bare.acquire_order(:azi, :id_pub, :id_int);
SELECT bare.export_order(:azi, :id_int, 'CNF', :confirmed) AS last \gset
\if :n % 250 = 0
SELECT array_agg(id_pub) AS ids, count(dati) FROM bare.changes(:azi, :last - 500) \gset
UPDATE bare.arportes SET ack_store = true WHERE azi = :azi AND id_pub = ANY(:ids::text::bigint[]) AND NOT ack_store;
SELECT array_agg(id_pub) AS ids, count(dati) FROM bare.changes(:azi, :last - 500) \gset
\endif
