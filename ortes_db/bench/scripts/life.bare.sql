\set n :n + 1
\set id_int :base + :n * 64 + :client_id
SELECT bare.save_order(:azi, 1, :id_int, 0, :dati) AS id_pub \gset
SELECT bare.create_order(:azi, :id_pub, 7);
SELECT bare.acquire_order(:azi, :id_pub, :id_int);
SELECT bare.export_order(:azi, :id_int, 'CNF', :confirmed) - 1 AS since \gset
SELECT * FROM bare.changes(:azi, :since);
SELECT bare.import_order(:azi, :id_pub);
