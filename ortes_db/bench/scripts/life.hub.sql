\set n :n + 1
\set id_int :base + :n * 64 + :client_id
SELECT ortes_app.save_order(:azi, 1, :id_int, 0, :dati) AS id_pub \gset
SELECT ortes_erp.create_order(:azi, :id_pub, 7);
SELECT ortes_erp.acquire_order(:azi, :id_pub, :id_int);
SELECT id_sincro - 1 AS since FROM ortes_erp.export_order(:azi, :id_int, 'CNF', NULL, :confirmed, :id_pub) \gset
SELECT * FROM ortes_store.changes(:azi, :since, 1000);
SELECT ortes_store.import_order(:azi, :id_pub);
