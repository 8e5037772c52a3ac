\set since random(0, :orders - 1000)
SELECT azi, id_pub, tor_chia, conferma, id_int, ack_store, ack_gest, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod,
    id_sincro, dati, created_at, updated_at
FROM plain.changes(:azi, :since);
