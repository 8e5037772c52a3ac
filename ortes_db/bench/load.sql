-- Company 1 with so many orders of its past: half from the store, half from device 1, the last ones
-- not acquired yet. Past the triggers, as the hub's own numbers would be: gap-free.
INSERT INTO ortes.arportes (azi, id_pub, tor_chia, conferma, id_int, ack_store, ack_gest, ack_app, prov_tipo, prov_id,
    autore_tipo, autore_cod, id_sincro, dati)
SELECT '1', i, CASE WHEN acquired THEN 'C' || i END, CASE WHEN acquired THEN 'N' || i END, i, odd = 0 OR acquired, acquired, odd = 1,
    CASE odd WHEN 0 THEN 'S' ELSE 'A' END, CASE odd WHEN 1 THEN 1 END, CASE odd WHEN 0 THEN 'C' ELSE 'T' END,
    7, CASE WHEN acquired THEN i ELSE 0 END, %(dati)s
FROM (SELECT i, mod(i, 2) AS odd, i <= %(orders)s - %(pending)s AS acquired FROM generate_series(1, %(orders)s::bigint) AS i) AS o
