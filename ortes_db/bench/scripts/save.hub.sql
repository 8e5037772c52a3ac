\set n :n + 1
\set id_int :base + :n * 64 + :client_id
SELECT ortes_store.save_order(:azi, :id_int, 7, :dati);
