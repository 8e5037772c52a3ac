-- The roles nobody logs in with, and one schema per system.
--
-- Roles belong to the server, not to the database: another hub on the same
-- server, or a DBA, may have made them already.

RESET ROLE;

DO $roles$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor'] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = v_role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
        END IF;
    END LOOP;
END
$roles$;

CREATE SCHEMA ortes AUTHORIZATION ortes_owner;
CREATE SCHEMA ortes_store AUTHORIZATION ortes_owner;
CREATE SCHEMA ortes_app AUTHORIZATION ortes_owner;
CREATE SCHEMA ortes_erp AUTHORIZATION ortes_owner;
CREATE SCHEMA ortes_ops AUTHORIZATION ortes_owner;

SET LOCAL ROLE ortes_owner;

COMMENT ON SCHEMA ortes IS 'The hub: tables, triggers and the core functions behind the doors. For the owner alone.';
COMMENT ON SCHEMA ortes_store IS 'The doors of the e-commerce store.';
COMMENT ON SCHEMA ortes_app IS 'The doors of the app devices.';
COMMENT ON SCHEMA ortes_erp IS 'The doors of the ERP.';
COMMENT ON SCHEMA ortes_ops IS 'The doors and views of the DBA and of the monitoring.';

-- What a later deploy adds is closed until privileges.sql opens it.
ALTER DEFAULT PRIVILEGES FOR ROLE ortes_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
