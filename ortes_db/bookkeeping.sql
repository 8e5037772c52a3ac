-- Where the hub keeps what was deployed: schema ortes_deploy, with yoyo's tables as yoyo 9 makes them and the manifest
-- of what sql/ made. Run at the start of every deploy, by `ortes deploy` and by the script of `ortes sql` alike. First
-- it says which rights are missing, all of them at once; it ends in the role ortes_owner.

DO $rights$
DECLARE
    v_version CONSTANT integer := current_setting('server_version_num')::integer;
    v_installed CONSTANT boolean := to_regnamespace('ortes_deploy') IS NOT NULL;
    v_superuser boolean;
    v_createrole boolean;
    v_absent text[];
    v_missing text[] := '{}';
BEGIN
    IF v_version < 150000 THEN
        RAISE EXCEPTION 'PostgreSQL 15 or later is needed, this server is %', current_setting('server_version')
            USING ERRCODE = 'feature_not_supported';
    END IF;
    SELECT r.rolsuper, r.rolcreaterole INTO v_superuser, v_createrole FROM pg_roles AS r WHERE r.rolname = current_user;
    IF v_superuser THEN
        RETURN;
    END IF;
    SELECT array_agg(r.name ORDER BY r.name) INTO v_absent
      FROM unnest(ARRAY['ortes_owner', 'ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor']) AS r (name)
     WHERE to_regrole(r.name) IS NULL AND (NOT v_installed OR r.name = 'ortes_owner');
    IF v_absent IS NOT NULL AND NOT v_createrole THEN
        v_missing := v_missing || format(
            'CREATEROLE, or the roles %s made beforehand with ortes_owner granted to %I',
            array_to_string(v_absent, ', '), current_user);
    END IF;
    -- In 15, CREATEROLE may grant any role; from 16 on, it takes the admin option on this one.
    IF to_regrole('ortes_owner') IS NOT NULL
       AND NOT pg_has_role(current_user, 'ortes_owner', CASE WHEN v_version < 160000 THEN 'MEMBER' ELSE 'SET' END)
       AND NOT pg_has_role(current_user, 'ortes_owner', 'MEMBER WITH ADMIN OPTION')
       AND NOT (v_version < 160000 AND v_createrole) THEN
        v_missing := v_missing || format('membership in ortes_owner (GRANT ortes_owner TO %I)', current_user);
    END IF;
    IF NOT v_installed AND NOT has_database_privilege(current_database(), 'CREATE') THEN
        v_missing := v_missing || format('CREATE on the database (GRANT CREATE ON DATABASE %I TO %I)',
                                         current_database(), current_user);
    END IF;
    IF v_missing <> '{}' THEN
        RAISE EXCEPTION 'role % lacks: %', current_user, array_to_string(v_missing, '; ')
            USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$rights$;

DO $bookkeeping$
BEGIN
    IF to_regrole('ortes_owner') IS NULL THEN
        CREATE ROLE ortes_owner NOLOGIN;
    END IF;
    -- Who creates a role in 16 and later may administer it, but not act as it, until he grants himself that too.
    IF current_setting('server_version_num')::integer < 160000 THEN
        IF NOT pg_has_role(current_user, 'ortes_owner', 'MEMBER') THEN
            EXECUTE format('GRANT ortes_owner TO %I', current_user);
        END IF;
    ELSIF NOT pg_has_role(current_user, 'ortes_owner', 'SET') THEN
        EXECUTE format('GRANT ortes_owner TO %I WITH SET TRUE, INHERIT TRUE', current_user);
    END IF;
    -- Not IF NOT EXISTS: that asks for CREATE on the database also when the schema is there.
    IF to_regnamespace('ortes_deploy') IS NULL THEN
        CREATE SCHEMA ortes_deploy AUTHORIZATION ortes_owner;
    END IF;
END
$bookkeeping$;

SET LOCAL ROLE ortes_owner;

CREATE TABLE IF NOT EXISTS ortes_deploy._yoyo_log (
    id varchar(36),
    migration_hash varchar(64),
    migration_id varchar(255),
    operation varchar(10),
    username varchar(255),
    hostname varchar(255),
    comment varchar(255),
    created_at_utc timestamp,
    PRIMARY KEY (id)
);
CREATE TABLE IF NOT EXISTS ortes_deploy._yoyo_version (
    version int NOT NULL PRIMARY KEY,
    installed_at_utc timestamp
);
INSERT INTO ortes_deploy._yoyo_version
SELECT
    v.version,
    now() AT TIME ZONE 'UTC'
FROM (VALUES (2)) AS v (version)
WHERE NOT EXISTS (SELECT FROM ortes_deploy._yoyo_version);
CREATE TABLE IF NOT EXISTS ortes_deploy._yoyo_migration (
    migration_hash varchar(64),
    migration_id varchar(255),
    applied_at_utc timestamp,
    PRIMARY KEY (migration_hash)
);
CREATE TABLE IF NOT EXISTS ortes_deploy.object (
    kind text NOT NULL,
    schema text NOT NULL,
    name text NOT NULL,
    file text NOT NULL,
    file_sha256 text NOT NULL,
    fingerprint text,
    taken_on integer NOT NULL DEFAULT current_setting('server_version_num')::integer / 10000,
    CONSTRAINT object_pkey PRIMARY KEY (kind, schema, name)
);

COMMENT ON SCHEMA ortes_deploy IS 'What `ortes deploy` put into this database. Read it with `ortes status`.';
COMMENT ON TABLE ortes_deploy.object IS 'Every migration and file deployed, and every object that came of them.';
COMMENT ON COLUMN ortes_deploy.object.kind IS 'migration, file, function, view, trigger, table or schema.';
COMMENT ON COLUMN ortes_deploy.object.schema IS 'Schema of the object; empty for migrations and files.';
COMMENT ON COLUMN ortes_deploy.object.name IS 'Name of the object, with the types of a function''s parameters.';
COMMENT ON COLUMN ortes_deploy.object.file IS 'The file that made it, relative to migrations/ or sql/.';
COMMENT ON COLUMN ortes_deploy.object.file_sha256 IS 'SHA-256 of that file when it was deployed.';
COMMENT ON COLUMN ortes_deploy.object.fingerprint IS
    'MD5 of the object''s definition, owner, privileges and comment just after deploying; null for files.';
COMMENT ON COLUMN ortes_deploy.object.taken_on IS
    'Major version of PostgreSQL that took the fingerprint: another one may write a definition differently.';
