\set n :n + 1
\set id_int :base + :n * 64 + :client_id
SELECT bare.save_order(:azi, NULL, :id_int, 7, :dati);
