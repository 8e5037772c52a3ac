ALTER DEFAULT PRIVILEGES FOR ROLE ortes_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC;

DROP SCHEMA ortes_ops;
DROP SCHEMA ortes_erp;
DROP SCHEMA ortes_app;
DROP SCHEMA ortes_store;
DROP SCHEMA ortes;

RESET ROLE;

-- A role that another hub on this server uses, or that is not ours to drop, stays.
DO $roles$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY['ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor'] LOOP
        BEGIN
            EXECUTE format('DROP ROLE IF EXISTS %I', v_role);
        EXCEPTION
            WHEN dependent_objects_still_exist OR insufficient_privilege THEN
                RAISE NOTICE 'role % stays: it is used elsewhere, or was not made by this login', v_role;
        END;
    END LOOP;
END
$roles$;

SET LOCAL ROLE ortes_owner;
