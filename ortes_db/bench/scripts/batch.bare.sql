\set n :n + 1
\set first :base + :n * 1000 + 1
\set last :first + 999
SELECT jsonb_agg(jsonb_build_object('id_int', i, 'autore_cod', 7, 'dati', :dati::jsonb)) AS orders
FROM generate_series(:first::bigint, :last::bigint) AS i \gset
/* save_orders */ SELECT * FROM bare.save_orders(:azi, :orders);
SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', 'C' || id_int) ORDER BY id_pub) AS orders
FROM bare.arportes WHERE azi = :azi AND prov_tipo = 'S' AND prov_id IS NULL AND id_int BETWEEN :first AND :last \gset
/* acquire_orders */ SELECT * FROM bare.acquire_orders(:azi, :orders);
SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', tor_chia, 'conferma', 'N' || id_int,
    'dati', dati || '{"stato": "confermato"}') ORDER BY id_pub) AS orders
FROM bare.arportes WHERE azi = :azi AND prov_tipo = 'S' AND prov_id IS NULL AND id_int BETWEEN :first AND :last \gset
/* export_orders */ SELECT * FROM bare.export_orders(:azi, :orders);
