\set n :n + 1
\set first :base + :n * 1000 + 1
\set last :first + 999
SELECT jsonb_agg(jsonb_build_object('id_int', i, 'autore_cod', 7, 'dati', :dati::jsonb)) AS orders
FROM generate_series(:first::bigint, :last::bigint) AS i \gset
/* save_orders */ INSERT INTO ortes.arportes (azi, id_int, prov_tipo, autore_tipo, autore_cod, dati)
SELECT :azi, o.id_int, 'S', 'C', o.autore_cod, o.dati
FROM jsonb_to_recordset(:orders) AS o (id_int bigint, autore_cod bigint, dati jsonb)
RETURNING id_int, id_pub;
SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', 'C' || id_int) ORDER BY id_pub) AS orders
FROM ortes.arportes WHERE azi = :azi AND prov_tipo = 'S' AND prov_id IS NULL AND id_int BETWEEN :first AND :last \gset
/* acquire_orders */ UPDATE ortes.arportes AS a
SET tor_chia = o.tor_chia, ack_gest = true
FROM jsonb_to_recordset(:orders) AS o (id_pub bigint, tor_chia text)
WHERE a.azi = :azi AND a.id_pub = o.id_pub
RETURNING a.id_pub, a.id_sincro;
SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', tor_chia, 'conferma', 'N' || id_int,
    'dati', dati || '{"stato": "confermato"}') ORDER BY id_pub) AS orders
FROM ortes.arportes WHERE azi = :azi AND prov_tipo = 'S' AND prov_id IS NULL AND id_int BETWEEN :first AND :last \gset
/* export_orders */ UPDATE ortes.arportes AS a
SET conferma = o.conferma, dati = o.dati
FROM jsonb_to_recordset(:orders) AS o (id_pub bigint, conferma text, dati jsonb)
WHERE a.azi = :azi AND a.id_pub = o.id_pub
RETURNING a.id_pub, a.id_sincro;
