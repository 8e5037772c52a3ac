-- The router's own page of privileges. Those of the generated doors and views are what a shard's are.

REVOKE ALL ON ALL TABLES IN SCHEMA ortes_router FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ortes_router FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ortes_router, ortes, plproxy FROM PUBLIC;
REVOKE ALL ON SCHEMA ortes_router, ortes, plproxy FROM PUBLIC;

REVOKE ALL ON FUNCTION ortes_ops.create_company(text), ortes_ops.create_company_on(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ortes_ops.create_company(text), ortes_ops.create_company_on(text, text) TO ortes_ops;

-- Views ask their functions as whoever reads them; without USAGE on ortes_router nobody can call those directly.
GRANT EXECUTE ON FUNCTION ortes_router.ask_shards() TO ortes_ops, ortes_monitor;
REVOKE ALL ON ortes_ops.release, ortes_ops.shards FROM PUBLIC;
GRANT SELECT ON ortes_ops.release, ortes_ops.shards TO ortes_ops, ortes_monitor;
