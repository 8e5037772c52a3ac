\set n :n + 1
\set id_int :base + :n * 64 + :client_id
SELECT ortes_app.save_order(:azi, 1, :id_int, 0, :dati) AS id_pub \gset
SELECT ortes_erp.create_order(:azi, :id_pub, 7);
SELECT ortes_erp.acquire_order(:azi, :id_pub, :id_int);
SELECT * FROM ortes_erp.export_order(:azi, :id_int, 'CNF', NULL, :confirmed, :id_pub);
\if :n % 250 = 0
SELECT array_agg(id_pub) AS ids, max(id_sincro) AS last, count(dati) FROM ortes_store.changes(:azi, NULL, 1000) \gset
SELECT ortes_store.import_orders(:azi, :ids::text::bigint[]);
SELECT ortes_store.confirm(:azi, :last);
SELECT array_agg(id_pub) AS ids, max(id_sincro) AS last, count(dati) FROM ortes_app.changes(:azi, 1, NULL, 1000) \gset
SELECT ortes_app.confirm(:azi, 1, :last);
\endif
