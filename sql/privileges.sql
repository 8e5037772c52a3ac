-- Every privilege there is. A system's role can use its own schema and nothing else.

REVOKE ALL ON ALL TABLES IN SCHEMA ortes, ortes_store, ortes_app, ortes_erp, ortes_ops
FROM PUBLIC, ortes_store, ortes_app, ortes_erp, ortes_ops, ortes_monitor;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ortes, ortes_store, ortes_app, ortes_erp, ortes_ops
FROM PUBLIC, ortes_store, ortes_app, ortes_erp, ortes_ops, ortes_monitor;
REVOKE ALL ON SCHEMA ortes, ortes_store, ortes_app, ortes_erp, ortes_ops
FROM PUBLIC, ortes_store, ortes_app, ortes_erp, ortes_ops, ortes_monitor;

GRANT USAGE ON SCHEMA ortes_store TO ortes_store;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ortes_store TO ortes_store;

GRANT USAGE ON SCHEMA ortes_app TO ortes_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ortes_app TO ortes_app;

GRANT USAGE ON SCHEMA ortes_erp TO ortes_erp;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ortes_erp TO ortes_erp;

GRANT USAGE ON SCHEMA ortes_ops TO ortes_ops, ortes_monitor;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ortes_ops TO ortes_ops;
GRANT SELECT ON ALL TABLES IN SCHEMA ortes_ops TO ortes_ops;

GRANT SELECT ON ortes_ops.status, ortes_ops.backlog, ortes_ops.readers, ortes_ops.counters, ortes_ops.holders,
ortes_ops.release TO ortes_monitor;
GRANT SELECT (
    azi, id_pub, tor_chia, conferma, id_int, ack_store, ack_gest, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod,
    id_sincro, created_at, updated_at
) ON ortes_ops.orders TO ortes_monitor;
GRANT EXECUTE ON FUNCTION ortes_ops.find_order(text, bigint, text, bigint, text, integer),
ortes_ops.order_readers(text, bigint), ortes_ops.order_history(text, bigint) TO ortes_monitor;
