\set azi_n random(1, 64)
\set n :n + 1
\set id_int :base + :n * 64 + :client_id
SELECT bare.save_order(:azi_n, NULL, :id_int, 7, :dati);
