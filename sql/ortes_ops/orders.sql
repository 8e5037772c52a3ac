CREATE OR REPLACE VIEW ortes_ops.orders AS
SELECT
    a.azi,
    a.id_pub,
    a.tor_chia,
    a.conferma,
    a.id_int,
    a.ack_store,
    a.ack_gest,
    a.ack_app,
    a.prov_tipo,
    a.prov_id,
    a.autore_tipo,
    a.autore_cod,
    a.id_sincro,
    a.dati,
    a.created_at,
    a.updated_at
FROM ortes.arportes AS a;

COMMENT ON VIEW ortes_ops.orders IS
'The orders as the doors show them: arportes without its bookkeeping. ortes_monitor sees no dati.';
