-- ortes-db 0.1.0: installs the hub into the database that psql is connected to, or brings it to this release.
-- All or nothing, in one transaction; may be run again. Made by `ortes sql`; does what `ortes deploy` does.
--
--     psql -X -v ON_ERROR_STOP=1 -d DATABASE -f THIS_FILE
--
-- It gives up when the hub's tables stay locked by others for half a second: run it again then.

\set ON_ERROR_STOP on
\set ON_ERROR_ROLLBACK off
\encoding UTF8

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
-- Settings of one transaction that deploys or compares: they make what PostgreSQL reads and writes the same everywhere,
-- whatever the login, the database or the connection string set.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL statement_timeout = 0;
SET LOCAL jit = off;
SET LOCAL client_min_messages = warning;
SET LOCAL check_function_bodies = off;
SET LOCAL standard_conforming_strings = on;
SET LOCAL quote_all_identifiers = off;
SET LOCAL datestyle = 'ISO, YMD';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL default_tablespace = '';
SET LOCAL default_table_access_method = 'heap';
SET LOCAL default_toast_compression = 'pglz';

SET LOCAL lock_timeout = '60s';
DO $turn$ BEGIN PERFORM pg_advisory_xact_lock(31369566658702692); END $turn$;
SET LOCAL lock_timeout = '500ms';
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

DO $history$
DECLARE
    v_name text;
BEGIN
    WITH ours (name, sha256) AS (VALUES
    ('0001.roles', 'fd0f79ba01c75a2dcdeab473db0f79fcccb8b0819bbd6b97eb63ec95083a76cc'),
    ('0002.tables', '30003d0e461d5908000eaaaadc019f1e78d14b8dd6663d0a4d84a8c75fe2234e')
    )
    SELECT m.migration_id INTO v_name
      FROM ortes_deploy._yoyo_migration AS m
     WHERE NOT EXISTS (SELECT FROM ours WHERE ours.name = m.migration_id);
    IF FOUND THEN
        RAISE EXCEPTION 'the database has a migration that this release does not know: %', v_name;
    END IF;
    WITH ours (name, sha256) AS (VALUES
    ('0001.roles', 'fd0f79ba01c75a2dcdeab473db0f79fcccb8b0819bbd6b97eb63ec95083a76cc'),
    ('0002.tables', '30003d0e461d5908000eaaaadc019f1e78d14b8dd6663d0a4d84a8c75fe2234e')
    )
    SELECT o.name INTO v_name
      FROM ortes_deploy.object AS o
      JOIN ours ON ours.name = o.name AND ours.sha256 <> o.file_sha256
     WHERE o.kind = 'migration';
    IF FOUND THEN
        RAISE EXCEPTION 'migration % is not what was applied to this database', v_name;
    END IF;
END
$history$;
DO $lock$ BEGIN IF to_regclass('ortes.apstatosyn') IS NOT NULL THEN LOCK TABLE ortes.apstatosyn IN SHARE ROW EXCLUSIVE MODE; END IF; END $lock$;
DO $lock$ BEGIN IF to_regclass('ortes.arportes') IS NOT NULL THEN LOCK TABLE ortes.arportes IN SHARE ROW EXCLUSIVE MODE; END IF; END $lock$;
SET LOCAL search_path = ortes_deploy, pg_temp;

SELECT NOT EXISTS (
    SELECT FROM ortes_deploy._yoyo_migration AS m WHERE m.migration_hash = '0dca7566a13dcb6b25b0167f8cbfc5651dd2e21f881270f809ee9b1b83dcbf6f'
) AS ortes_pending \gset
\if :ortes_pending
\echo migration 0001.roles
-- migrations/0001.roles.sql
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

SET LOCAL ROLE ortes_owner;
INSERT INTO ortes_deploy._yoyo_log (id, migration_hash, migration_id, operation, username, hostname, created_at_utc)
VALUES (
    gen_random_uuid()::text, '0dca7566a13dcb6b25b0167f8cbfc5651dd2e21f881270f809ee9b1b83dcbf6f', '0001.roles', 'apply', session_user,
    coalesce(host(inet_client_addr()), 'local'), clock_timestamp() AT TIME ZONE 'UTC'
);
INSERT INTO ortes_deploy._yoyo_migration (migration_hash, migration_id, applied_at_utc)
VALUES ('0dca7566a13dcb6b25b0167f8cbfc5651dd2e21f881270f809ee9b1b83dcbf6f', '0001.roles', clock_timestamp() AT TIME ZONE 'UTC');
INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256)
VALUES ('migration', '', '0001.roles', '0001.roles.sql', 'fd0f79ba01c75a2dcdeab473db0f79fcccb8b0819bbd6b97eb63ec95083a76cc');
\endif

SELECT NOT EXISTS (
    SELECT FROM ortes_deploy._yoyo_migration AS m WHERE m.migration_hash = '1fea31a9df0230850391779d8e3f525d06117025e719ccc14ebc3700e863ba89'
) AS ortes_pending \gset
\if :ortes_pending
\echo migration 0002.tables
-- migrations/0002.tables.sql
-- depends: 0001.roles

SET LOCAL ROLE ortes_owner;

CREATE TABLE ortes.company (
    azi text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT company_pkey PRIMARY KEY (azi),
    CONSTRAINT company_azi_check CHECK (azi <> '' AND length(azi) <= 32)
);
COMMENT ON TABLE ortes.company IS 'The companies that exchange orders through this hub.';
COMMENT ON COLUMN ortes.company.azi IS 'Company code (A-ORTES-AZI), 1 to 32 characters.';
COMMENT ON COLUMN ortes.company.created_at IS 'When the company was created here.';

-- Two rows a company, each updated by every order: room on the page keeps the updates HOT.
-- No CHECK here nor on arportes: PostgreSQL parses each anew in every statement, which costs
-- more than the row. The triggers check instead.
CREATE TABLE ortes.apstatosyn (
    azi text COLLATE "C" NOT NULL,
    contatore text COLLATE "C" NOT NULL,
    valore bigint NOT NULL DEFAULT 0,
    CONSTRAINT apstatosyn_pkey PRIMARY KEY (azi, contatore)
) WITH (fillfactor = 50);
COMMENT ON TABLE ortes.apstatosyn IS
    'The sync state (APSTATOSYN): per company, the counter of the public ids and the counter of the changes.';
COMMENT ON COLUMN ortes.apstatosyn.azi IS 'Company code.';
COMMENT ON COLUMN ortes.apstatosyn.contatore IS 'Which counter: ID-PUB or ID-SINCRO.';
COMMENT ON COLUMN ortes.apstatosyn.valore IS 'The last number given out; 0 = none yet. Never goes back.';

CREATE TABLE ortes.arportes (
    azi text COLLATE "C" NOT NULL,
    id_pub bigint NOT NULL,
    tor_chia text COLLATE "C",
    conferma text,
    id_int bigint,
    ack_store boolean NOT NULL DEFAULT false,
    ack_gest boolean NOT NULL DEFAULT false,
    ack_app boolean NOT NULL DEFAULT false,
    prov_tipo text COLLATE "C" NOT NULL,
    prov_id integer,
    autore_tipo text COLLATE "C" NOT NULL,
    autore_cod bigint NOT NULL DEFAULT 0,
    id_sincro bigint NOT NULL DEFAULT 0,
    dati jsonb,
    dati_digest bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT arportes_pkey PRIMARY KEY (azi, id_pub)
);
CREATE UNIQUE INDEX arportes_origin_key ON ortes.arportes (azi, prov_tipo, prov_id, id_int)
    NULLS NOT DISTINCT WHERE id_int IS NOT NULL;
CREATE UNIQUE INDEX arportes_tor_chia_key ON ortes.arportes (azi, tor_chia) WHERE tor_chia IS NOT NULL;
CREATE UNIQUE INDEX arportes_changes_key ON ortes.arportes (azi, id_sincro) WHERE id_sincro > 0;
CREATE INDEX arportes_pending_idx ON ortes.arportes (azi, id_pub) WHERE NOT ack_gest;

COMMENT ON TABLE ortes.arportes IS 'The orders (ARPORTES), one row each. Its triggers hold the rules, whoever writes.';
COMMENT ON COLUMN ortes.arportes.azi IS 'Company code (A-ORTES-AZI).';
COMMENT ON COLUMN ortes.arportes.id_pub IS 'Public id, 1, 2, 3 … per company; given out by the hub at the insert.';
COMMENT ON COLUMN ortes.arportes.tor_chia IS 'The ERP''s order key; null until the ERP has acquired the order. Unique per company.';
COMMENT ON COLUMN ortes.arportes.conferma IS 'The ERP''s confirmation number; null = not confirmed yet.';
COMMENT ON COLUMN ortes.arportes.id_int IS 'The order''s id inside the store or device that made it; null for orders of the ERP.';
COMMENT ON COLUMN ortes.arportes.ack_store IS 'The store has this order.';
COMMENT ON COLUMN ortes.arportes.ack_gest IS 'The ERP has this order.';
COMMENT ON COLUMN ortes.arportes.ack_app IS 'The app has this order.';
COMMENT ON COLUMN ortes.arportes.prov_tipo IS 'Where it was made: S store, A app, G ERP.';
COMMENT ON COLUMN ortes.arportes.prov_id IS 'Which device, or which store where a company has several; else null.';
COMMENT ON COLUMN ortes.arportes.autore_tipo IS 'Who wrote it: C customer, T app user, O ERP operator.';
COMMENT ON COLUMN ortes.arportes.autore_cod IS 'That author''s code; 0 = the ERP does not know it yet.';
COMMENT ON COLUMN ortes.arportes.id_sincro IS 'Number of the ERP''s last change of this row, per company; 0 = the ERP has not changed it.';
COMMENT ON COLUMN ortes.arportes.dati IS 'The order''s content; the hub does not look inside.';
COMMENT ON COLUMN ortes.arportes.dati_digest IS
    'SHA-256 of the content first saved, by which a repeated call is recognised; null while the content is still that.';
COMMENT ON COLUMN ortes.arportes.created_at IS 'When the row was inserted (start of that transaction).';
COMMENT ON COLUMN ortes.arportes.updated_at IS 'When the row was last changed (start of that transaction).';

-- What outsiders see of an order: arportes without its bookkeeping.
CREATE TYPE ortes.orders AS (
    azi text,
    id_pub bigint,
    tor_chia text,
    conferma text,
    id_int bigint,
    ack_store boolean,
    ack_gest boolean,
    ack_app boolean,
    prov_tipo text,
    prov_id integer,
    autore_tipo text,
    autore_cod bigint,
    id_sincro bigint,
    dati jsonb,
    created_at timestamptz,
    updated_at timestamptz
);
COMMENT ON TYPE ortes.orders IS 'An order as the doors show it.';

CREATE TABLE ortes.access (
    login text COLLATE "C" NOT NULL,
    azi text COLLATE "C" NOT NULL,
    device integer,
    CONSTRAINT access_key UNIQUE NULLS NOT DISTINCT (login, azi, device),
    CONSTRAINT access_azi_fkey FOREIGN KEY (azi) REFERENCES ortes.company (azi)
);
-- Keys with a null in them can't identify a row to logical replication.
ALTER TABLE ortes.access REPLICA IDENTITY FULL;
COMMENT ON TABLE ortes.access IS 'Which login may act for which company.';
COMMENT ON COLUMN ortes.access.login IS 'Name of the login role, as session_user says it.';
COMMENT ON COLUMN ortes.access.azi IS 'Company code.';
COMMENT ON COLUMN ortes.access.device IS 'The one device an app login acts as; null = no such limit.';

CREATE TABLE ortes.reader (
    azi text COLLATE "C" NOT NULL,
    prov_tipo text COLLATE "C" NOT NULL,
    prov_id integer,
    id_sincro bigint NOT NULL,
    confirmed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT reader_key UNIQUE NULLS NOT DISTINCT (azi, prov_tipo, prov_id),
    CONSTRAINT reader_azi_fkey FOREIGN KEY (azi) REFERENCES ortes.company (azi),
    CONSTRAINT reader_prov_tipo_check CHECK (prov_tipo IN ('S', 'A')),
    CONSTRAINT reader_id_sincro_check CHECK (id_sincro >= 0)
);
ALTER TABLE ortes.reader REPLICA IDENTITY FULL;
COMMENT ON TABLE ortes.reader IS 'How far each store and device has confirmed the changes it read.';
COMMENT ON COLUMN ortes.reader.azi IS 'Company code.';
COMMENT ON COLUMN ortes.reader.prov_tipo IS 'S store, A app.';
COMMENT ON COLUMN ortes.reader.prov_id IS 'Which device, or which store where a company has several; else null.';
COMMENT ON COLUMN ortes.reader.id_sincro IS 'The last ID-SINCRO confirmed.';
COMMENT ON COLUMN ortes.reader.confirmed_at IS 'When it was confirmed.';

SET LOCAL ROLE ortes_owner;
INSERT INTO ortes_deploy._yoyo_log (id, migration_hash, migration_id, operation, username, hostname, created_at_utc)
VALUES (
    gen_random_uuid()::text, '1fea31a9df0230850391779d8e3f525d06117025e719ccc14ebc3700e863ba89', '0002.tables', 'apply', session_user,
    coalesce(host(inet_client_addr()), 'local'), clock_timestamp() AT TIME ZONE 'UTC'
);
INSERT INTO ortes_deploy._yoyo_migration (migration_hash, migration_id, applied_at_utc)
VALUES ('1fea31a9df0230850391779d8e3f525d06117025e719ccc14ebc3700e863ba89', '0002.tables', clock_timestamp() AT TIME ZONE 'UTC');
INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256)
VALUES ('migration', '', '0002.tables', '0002.tables.sql', '30003d0e461d5908000eaaaadc019f1e78d14b8dd6663d0a4d84a8c75fe2234e');
\endif
SET LOCAL search_path = pg_catalog, pg_temp;

-- sql/ortes/acquire_orders.sql
CREATE OR REPLACE FUNCTION ortes.acquire_orders(p_azi text, p_id_pubs bigint [], p_tor_chias text [])
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $acquire_orders$
-- Behind acquire_order and acquire_orders of the ERP. Locks the company first. An order that has
-- its TOR-CHIA already is left alone, and tells its numbers again. Where every element was new,
-- the UPDATE's own answer is the answer; else check_acquire says which may not be.
#variable_conflict use_column
DECLARE
    v_id_pubs bigint[];
    v_id_sincros bigint[];
BEGIN
    PERFORM ortes.check_numbers('id_pub', p_id_pubs, 1);
    PERFORM ortes.check_texts('tor_chia', p_tor_chias);
    PERFORM ortes.lock_company(p_azi);

    IF cardinality(p_tor_chias) > 1 AND cardinality(p_tor_chias) > (SELECT count(DISTINCT t.t) FROM unnest(p_tor_chias) AS t (t)) THEN
        PERFORM ortes.check_acquire(p_azi, p_id_pubs, p_tor_chias);
    END IF;

    WITH acquired AS (
        UPDATE ortes.arportes AS a
        SET tor_chia = o.tor_chia, ack_gest = true
        FROM unnest(p_id_pubs, p_tor_chias) WITH ORDINALITY AS o (id_pub, tor_chia, ord)
        WHERE a.azi = p_azi AND a.id_pub = o.id_pub AND a.tor_chia IS NULL
            AND NOT EXISTS (SELECT FROM ortes.arportes AS k WHERE k.azi = p_azi AND k.tor_chia = o.tor_chia)
        RETURNING o.ord, a.id_pub, a.id_sincro
    )

    SELECT array_agg(q.id_pub ORDER BY q.ord), array_agg(q.id_sincro ORDER BY q.ord) INTO v_id_pubs, v_id_sincros
    FROM acquired AS q;

    IF cardinality(v_id_pubs) = cardinality(p_id_pubs) THEN
        RETURN QUERY SELECT * FROM unnest(v_id_pubs, v_id_sincros);
        RETURN;
    END IF;
    PERFORM ortes.check_acquire(p_azi, p_id_pubs, p_tor_chias);
    RETURN QUERY
    SELECT a.id_pub, a.id_sincro
    FROM unnest(p_id_pubs) WITH ORDINALITY AS o (id_pub, ord)
    INNER JOIN ortes.arportes AS a ON a.azi = p_azi AND a.id_pub = o.id_pub
    ORDER BY o.ord;
END
$acquire_orders$;

COMMENT ON FUNCTION ortes.acquire_orders(text, bigint [], text []) IS
'The ERP has these orders: TOR-CHIA, ACK-GEST and the next ID-SINCRO; the arrays run in parallel. One row an element, '
'in their order. All or nothing. Raises OR002, OR004, OR005, OR007, 55P03.';

-- sql/ortes/changes.sql
CREATE OR REPLACE FUNCTION ortes.changes(p_azi text, p_prov_tipo text, p_prov_id integer, p_since bigint, p_limit integer)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
ROWS 1000
AS $changes$
-- Behind changes of store and app. Stable: counter and rows are of one snapshot.
DECLARE
    v_since CONSTANT bigint := coalesce(p_since, ortes.position(p_azi, p_prov_tipo, p_prov_id));
BEGIN
    PERFORM ortes.check_limit(p_limit);
    IF ortes.check_position(p_azi, 'p_since', v_since) > v_since THEN
        -- The second condition is what lets the partial index serve.
        RETURN QUERY
        SELECT o.* FROM ortes_ops.orders AS o
        WHERE o.azi = p_azi AND o.id_sincro > v_since AND o.id_sincro > 0
        ORDER BY o.id_sincro
        LIMIT p_limit;
    END IF;
END
$changes$;

COMMENT ON FUNCTION ortes.changes(text, text, integer, bigint, integer) IS
'Orders with an ID-SINCRO above p_since, ascending, at most p_limit; p_since null: above what the reader '
'(p_prov_tipo S or A, p_prov_id) confirmed last. Raises OR007, OR008.';

-- sql/ortes/check_acquire.sql
CREATE OR REPLACE FUNCTION ortes.check_acquire(p_azi text, p_id_pubs bigint [], p_tor_chias text [])
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $check_acquire$
-- What an acquisition may not do, first element first. Called under the company's lock, before
-- or after the orders that can be acquired are: those pass.
DECLARE
    v_bad record;
BEGIN
    WITH asked AS (
        SELECT o.*,
            first_value(o.tor_chia) OVER (PARTITION BY o.id_pub ORDER BY o.ord) AS first_tor_chia,
            first_value(o.id_pub) OVER (PARTITION BY o.tor_chia ORDER BY o.ord) AS first_id_pub
        FROM unnest(p_id_pubs, p_tor_chias) WITH ORDINALITY AS o (id_pub, tor_chia, ord)
    )
    -- a: the order that is named; k: the one that has the TOR-CHIA.
    SELECT q.id_pub, q.tor_chia, a.id_pub AS known, coalesce(a.tor_chia, q.first_tor_chia) AS has,
        coalesce(k.id_pub, q.first_id_pub) AS owner
    INTO v_bad
    FROM asked AS q
    LEFT JOIN ortes.arportes AS a ON a.azi = p_azi AND a.id_pub = q.id_pub
    LEFT JOIN ortes.arportes AS k ON k.azi = p_azi AND k.tor_chia = q.tor_chia
    WHERE a.id_pub IS NULL
        OR coalesce(a.tor_chia, q.first_tor_chia) <> q.tor_chia
        OR coalesce(k.id_pub, q.first_id_pub) <> q.id_pub
    ORDER BY q.ord
    LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    ELSIF v_bad.known IS NULL THEN
        PERFORM ortes.raise_unknown_order(p_azi, v_bad.id_pub);
    ELSIF v_bad.owner <> v_bad.id_pub THEN
        PERFORM ortes.raise_taken_tor_chia(p_azi, v_bad.tor_chia, v_bad.owner);
    END IF;
    PERFORM ortes.raise_not_allowed(p_azi, v_bad.id_pub,
        format('it is acquired as TOR-CHIA %L, not %L', v_bad.has, v_bad.tor_chia), 'A TOR-CHIA is fixed once set.');
END
$check_acquire$;

COMMENT ON FUNCTION ortes.check_acquire(text, bigint [], text []) IS
'Refuses an acquisition that names an unknown order, a TOR-CHIA of another order, or a second TOR-CHIA. Raises OR002, OR004, OR005.';

-- sql/ortes/check_azi.sql
CREATE OR REPLACE FUNCTION ortes.check_azi(p_azi text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_azi$
BEGIN
    IF (length(p_azi) BETWEEN 1 AND 32) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_azi', p_azi, 'a company code of 1 to 32 characters');
    END IF;
END
$check_azi$;

COMMENT ON FUNCTION ortes.check_azi(text) IS 'Refuses a company code that is null, empty or over 32 characters. Raises OR007.';

-- sql/ortes/check_caller.sql
CREATE OR REPLACE FUNCTION ortes.check_caller(p_azi text, p_device integer = NULL)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_caller$
-- Called first by every door. Asks for session_user, which neither SET ROLE nor a
-- definer function changes. Without a grant, an existing company and an invented
-- one get the same answer.
BEGIN
    IF EXISTS (
        SELECT FROM ortes.access AS a
        WHERE a.login = session_user AND a.azi = p_azi AND (a.device IS NULL OR a.device = p_device)
    ) THEN
        RETURN;
    END IF;
    PERFORM ortes.check_azi(p_azi);
    IF NOT pg_has_role(session_user, 'ortes_ops', 'MEMBER') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR003',
            MESSAGE = 'this login may not act for that company or device',
            DETAIL = format('Login %L, company %L%s.', session_user, p_azi, ', device ' || p_device),
            HINT = 'A DBA can let it, with ortes_ops.grant_access.';
    END IF;
    PERFORM ortes.check_company(p_azi);
END
$check_caller$;

COMMENT ON FUNCTION ortes.check_caller(text, integer) IS
'Passes when the session''s login may act for company p_azi (and, if given, as device p_device). Raises OR007, OR003, OR001.';

-- sql/ortes/check_company.sql
CREATE OR REPLACE FUNCTION ortes.check_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_company$
-- For callers who may act for every company; the others never learn which exist.
BEGIN
    PERFORM ortes.check_azi(p_azi);
    IF NOT EXISTS (SELECT FROM ortes.company AS c WHERE c.azi = p_azi) THEN
        PERFORM ortes.raise_unknown_company(p_azi);
    END IF;
END
$check_company$;

COMMENT ON FUNCTION ortes.check_company(text) IS 'Passes when the company p_azi exists. Raises OR001, OR007.';

-- sql/ortes/check_elements.sql
CREATE OR REPLACE FUNCTION ortes.check_elements(p_orders jsonb, p_keys jsonb)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_elements$
-- The shape of the array that a set-based door was sent; its values are the core's to check.
-- p_keys: what each key must hold: integer, text or any. A key set to null counts as absent.
-- Two glances tell whether something is wrong; only then is it looked for.
DECLARE
    v_names CONSTANT text[] := ARRAY(SELECT jsonb_object_keys(p_keys));
    v_mistyped text;
    v_bad record;
BEGIN
    IF p_orders IS NULL OR jsonb_typeof(p_orders) <> 'array' THEN
        PERFORM ortes.raise_bad_argument('p_orders', jsonb_typeof(p_orders), 'a JSON array of objects');
    END IF;
    IF jsonb_array_length(p_orders) > 10000 THEN
        PERFORM ortes.raise_bad_argument('p_orders', jsonb_array_length(p_orders) || ' elements', 'at most 10000 elements a call');
    END IF;

    SELECT 'strict $[*] ? (' || string_agg(format(
        CASE k.value
            WHEN 'text' THEN '@.%1$s.type() != "string" && @.%1$s.type() != "null"'
            ELSE '@.%1$s.type() != "number" && @.%1$s.type() != "null" || @.%1$s.floor() != @.%1$s '
                '|| @.%1$s > 9223372036854775807 || @.%1$s < -9223372036854775808'
        END, k.key), ' || ') || ')'
    INTO v_mistyped
    FROM jsonb_each_text(p_keys) AS k WHERE k.value <> 'any';
    IF NOT EXISTS (
        SELECT FROM jsonb_array_elements(p_orders) AS e (value)
        WHERE CASE jsonb_typeof(e.value) WHEN 'object' THEN e.value - v_names <> '{}' ELSE true END
    ) AND NOT jsonb_path_exists(p_orders, v_mistyped::jsonpath, silent => true) THEN
        RETURN;
    END IF;

    SELECT e.ord, k.key, k.value, jsonb_typeof(e.value) AS type, p_keys ->> k.key AS expected INTO v_bad
    FROM jsonb_array_elements(p_orders) WITH ORDINALITY AS e (value, ord)
    LEFT JOIN LATERAL jsonb_each(CASE jsonb_typeof(e.value) WHEN 'object' THEN e.value END) AS k ON true
    WHERE jsonb_typeof(e.value) <> 'object'
        OR CASE
            WHEN k.key IS NULL OR p_keys ->> k.key = 'any' THEN false
            WHEN NOT p_keys ? k.key THEN true
            WHEN k.value = 'null' THEN false
            WHEN p_keys ->> k.key = 'text' THEN jsonb_typeof(k.value) <> 'string'
            WHEN jsonb_typeof(k.value) <> 'number' THEN true
            ELSE k.value::numeric <> trunc(k.value::numeric)
                OR k.value::numeric NOT BETWEEN -9223372036854775808 AND 9223372036854775807
        END
    ORDER BY e.ord
    LIMIT 1;

    IF v_bad.key IS NULL THEN
        PERFORM ortes.raise_bad_argument(format('p_orders, element %s', v_bad.ord), v_bad.type, 'a JSON object');
    ELSIF v_bad.expected IS NULL THEN
        PERFORM ortes.raise_bad_argument(format('p_orders, element %s, key %L', v_bad.ord, left(v_bad.key, 60)), 'not known',
            'only the keys ' || array_to_string(v_names, ', '));
    END IF;
    PERFORM ortes.raise_bad_argument(format('p_orders, element %s, %s', v_bad.ord, v_bad.key), v_bad.value::text,
        CASE v_bad.expected WHEN 'text' THEN 'a string' ELSE 'a whole number within bigint' END);
END
$check_elements$;

COMMENT ON FUNCTION ortes.check_elements(jsonb, jsonb) IS
'Refuses what is not an array of at most 10000 objects with the keys of p_keys, naming element and key. Raises OR007.';

-- sql/ortes/check_export.sql
CREATE OR REPLACE FUNCTION ortes.check_export(
    p_azi text,
    p_tor_chias text [],
    p_confermas text [],
    p_autore_cods bigint [],
    p_datis jsonb [],
    p_id_pubs bigint [],
    p_if_sincros bigint []
)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_export$
-- What an export may not do, first element first. Called under the company's lock, after the
-- changes were tried: what else an order that stands there twice would be told is of no meaning.
DECLARE
    v_bad record;
BEGIN
    -- a: the order that is named by ID-PUB; k: the one that has the TOR-CHIA.
    WITH asked AS (
        SELECT o.*,
            count(*) OVER (PARTITION BY o.tor_chia) > 1
            AND (first_value(o.ord) OVER (PARTITION BY o.tor_chia, o.conferma, o.autore_cod, o.dati, o.id_pub, o.if_sincro ORDER BY o.ord)
                <> first_value(o.ord) OVER (PARTITION BY o.tor_chia ORDER BY o.ord)) AS twice
        FROM unnest(p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs, p_if_sincros) WITH ORDINALITY
            AS o (tor_chia, conferma, autore_cod, dati, id_pub, if_sincro, ord)
    ),

    judged AS (
        SELECT q.ord, q.tor_chia, q.id_pub, q.if_sincro, a.tor_chia AS has, a.id_sincro, k.id_pub AS owner,
            CASE
                WHEN q.twice THEN 'twice'
                WHEN q.id_pub IS NULL AND q.if_sincro IS NOT NULL THEN 'if_sincro'
                WHEN q.id_pub IS NULL AND k.prov_tipo <> 'G' THEN 'taken'
                WHEN q.id_pub IS NULL AND k.id_pub IS NOT NULL AND NOT ortes.same_content(k, q.dati, q.conferma) THEN 'other'
                WHEN q.id_pub IS NULL THEN NULL
                WHEN a.id_pub IS NULL THEN 'unknown'
                WHEN k.id_pub <> a.id_pub THEN 'taken'
                WHEN a.tor_chia IS NULL THEN 'not acquired'
                WHEN a.tor_chia <> q.tor_chia THEN 'fixed'
                WHEN q.if_sincro <> a.id_sincro
                    AND ortes.export_changes(a, q.conferma, q.autore_cod, q.dati) THEN 'changed'
            END AS wrong
        FROM asked AS q
        LEFT JOIN ortes.arportes AS a ON a.azi = p_azi AND a.id_pub = q.id_pub
        LEFT JOIN ortes.arportes AS k ON k.azi = p_azi AND k.tor_chia = q.tor_chia
    )

    SELECT j.* INTO v_bad FROM judged AS j WHERE j.wrong IS NOT NULL ORDER BY j.wrong <> 'twice', j.ord LIMIT 1;

    CASE v_bad.wrong
        WHEN 'twice' THEN
            PERFORM ortes.raise_bad_argument(format('element %s, tor_chia', v_bad.ord), v_bad.tor_chia,
                'each order once a call, or repeated word for word');
        WHEN 'if_sincro' THEN
            PERFORM ortes.raise_bad_argument('if_sincro', v_bad.if_sincro::text, 'null where no id_pub is given');
        WHEN 'taken' THEN
            PERFORM ortes.raise_taken_tor_chia(p_azi, v_bad.tor_chia, v_bad.owner);
        WHEN 'other' THEN
            PERFORM ortes.raise_other_content(p_azi, v_bad.owner);
        WHEN 'unknown' THEN
            PERFORM ortes.raise_unknown_order(p_azi, v_bad.id_pub);
        WHEN 'not acquired' THEN
            PERFORM ortes.raise_not_allowed(p_azi, v_bad.id_pub, 'the ERP has not acquired it', 'Call acquire_order first.');
        WHEN 'fixed' THEN
            PERFORM ortes.raise_not_allowed(p_azi, v_bad.id_pub,
                format('it is acquired as TOR-CHIA %L, not %L', v_bad.has, v_bad.tor_chia), 'A TOR-CHIA is fixed once set.');
        WHEN 'changed' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'OR009',
                MESSAGE = 'the order changed meanwhile',
                DETAIL = format('Company %L, ID-PUB %s: ID-SINCRO is %s, not %s.',
                    p_azi, v_bad.id_pub, v_bad.id_sincro, v_bad.if_sincro),
                HINT = 'Look at the order as it is now, and export again with its ID-SINCRO.';
        ELSE NULL;
    END CASE;
END
$check_export$;

COMMENT ON FUNCTION ortes.check_export(text, text [], text [], bigint [], jsonb [], bigint [], bigint []) IS
'Refuses an export that names the wrong order, other content, or an ID-SINCRO that is no longer current. '
'Raises OR002, OR004, OR005, OR006, OR007, OR009.';

-- sql/ortes/check_limit.sql
CREATE OR REPLACE FUNCTION ortes.check_limit(p_limit integer)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_limit$
BEGIN
    IF (p_limit BETWEEN 1 AND 10000) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_limit', p_limit::text, 'a number of rows from 1 to 10000');
    END IF;
END
$check_limit$;

COMMENT ON FUNCTION ortes.check_limit(integer) IS 'Refuses a number of rows outside 1 to 10000. Raises OR007.';

-- sql/ortes/check_numbers.sql
CREATE OR REPLACE FUNCTION ortes.check_numbers(p_argument text, p_values bigint[], p_least bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_numbers$
-- One value or the values of a whole call; the element is named where there are several.
DECLARE
    v_bad record;
BEGIN
    IF p_least <= ALL (p_values) THEN
        RETURN;
    END IF;
    SELECT v.value, v.ord INTO v_bad
    FROM unnest(p_values) WITH ORDINALITY AS v (value, ord)
    WHERE (v.value >= p_least) IS NOT TRUE
    ORDER BY v.ord
    LIMIT 1;
    PERFORM ortes.raise_bad_argument(
        CASE WHEN cardinality(p_values) > 1 THEN format('element %s, ', v_bad.ord) ELSE '' END || p_argument,
        v_bad.value::text, format('a whole number of at least %s', p_least));
END
$check_numbers$;

COMMENT ON FUNCTION ortes.check_numbers(text, bigint [], bigint) IS
'Refuses nulls and numbers below p_least, naming the first. p_argument: their name. Raises OR007.';

-- sql/ortes/check_position.sql
CREATE OR REPLACE FUNCTION ortes.check_position(p_azi text, p_argument text, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $check_position$
-- A reader that is ahead of the counter read a history that is gone: everything that is given
-- those numbers anew would be missed, so it must know.
DECLARE
    v_last bigint;
BEGIN
    PERFORM ortes.check_numbers(p_argument, ARRAY[p_id_sincro], 0);
    SELECT s.valore INTO v_last FROM ortes.apstatosyn AS s WHERE s.azi = p_azi AND s.contatore = 'ID-SINCRO';
    IF p_id_sincro > v_last THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR008',
            MESSAGE = 'reading position beyond the counter',
            DETAIL = format('Company %L: position %s, last ID-SINCRO given out %s.', p_azi, p_id_sincro, v_last),
            HINT = CASE
                WHEN pg_is_in_recovery() THEN 'This replica may lag behind the server the position is from: ask again, '
                    'or ask the primary. If that says the same, the hub was restored to an earlier state.'
                ELSE 'The hub was restored to an earlier state: a DBA moves the counter (ortes_ops.set_counter) '
                    'or takes the reader back (ortes_ops.rewind_reader).'
            END;
    END IF;
    RETURN v_last;
END
$check_position$;

COMMENT ON FUNCTION ortes.check_position(text, text, bigint) IS
'Refuses a position that is null, negative or beyond the company''s counter; returns the last ID-SINCRO given out. '
'p_argument: its name. Raises OR007, OR008.';

-- sql/ortes/check_texts.sql
CREATE OR REPLACE FUNCTION ortes.check_texts(p_argument text, p_values text[])
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $check_texts$
-- The ERP's keys: they stand in an index, so they have a length.
DECLARE
    v_bad record;
BEGIN
    SELECT v.value, v.ord INTO v_bad
    FROM unnest(p_values) WITH ORDINALITY AS v (value, ord)
    WHERE (length(v.value) BETWEEN 1 AND 200) IS NOT TRUE
    ORDER BY v.ord
    LIMIT 1;
    IF FOUND THEN
        PERFORM ortes.raise_bad_argument(
            CASE WHEN cardinality(p_values) > 1 THEN format('element %s, ', v_bad.ord) ELSE '' END || p_argument,
            v_bad.value, 'a text of 1 to 200 characters');
    END IF;
END
$check_texts$;

COMMENT ON FUNCTION ortes.check_texts(text, text []) IS
'Refuses nulls, empty and over-long texts (200 characters), naming the first. p_argument: their name. Raises OR007.';

-- sql/ortes/confirm.sql
CREATE OR REPLACE FUNCTION ortes.confirm(p_azi text, p_prov_tipo text, p_prov_id integer, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $confirm$
-- Behind confirm of store and app. Locks the company first, like every writer. A confirmation
-- that arrives late, or twice, moves nothing.
DECLARE
    v_position bigint;
BEGIN
    PERFORM ortes.lock_company(p_azi);
    PERFORM ortes.check_position(p_azi, 'p_id_sincro', p_id_sincro);
    v_position := ortes.position(p_azi, p_prov_tipo, p_prov_id);
    IF p_id_sincro > v_position THEN
        RETURN ortes.move_reader(p_azi, p_prov_tipo, p_prov_id, p_id_sincro);
    END IF;
    RETURN v_position;
END
$confirm$;

COMMENT ON FUNCTION ortes.confirm(text, text, integer, bigint) IS
'Moves a reader''s kept position forward to p_id_sincro, never back; returns the position. Raises OR007, OR008, 55P03.';

-- sql/ortes/content_digest.sql
CREATE OR REPLACE FUNCTION ortes.content_digest(p_prov_tipo text, p_dati jsonb, p_conferma text)
RETURNS bytea
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $content_digest$
    -- The ERP's first export brings a confirmation; with the others' orders it comes later.
    SELECT sha256(convert_to(concat(p_dati::text, CASE p_prov_tipo WHEN 'G' THEN E'\n' || p_conferma END), 'UTF8'))
$content_digest$;

COMMENT ON FUNCTION ortes.content_digest(text, jsonb, text) IS
'SHA-256 of an order''s content as its origin (p_prov_tipo) saves it.';

-- sql/ortes/export_changes.sql
CREATE OR REPLACE FUNCTION ortes.export_changes(p_order ortes.arportes, p_conferma text, p_autore_cod bigint, p_dati jsonb)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $export_changes$
    -- A null leaves what is there, so it changes nothing.
    SELECT (p_conferma IS NOT NULL AND p_conferma IS DISTINCT FROM (p_order).conferma)
        OR (p_autore_cod IS NOT NULL AND p_autore_cod IS DISTINCT FROM (p_order).autore_cod)
        OR (p_dati IS NOT NULL AND p_dati IS DISTINCT FROM (p_order).dati)
$export_changes$;

COMMENT ON FUNCTION ortes.export_changes(ortes.arportes, text, bigint, jsonb) IS
'Whether a re-export with these values would change the order.';

-- sql/ortes/export_orders.sql
CREATE OR REPLACE FUNCTION ortes.export_orders(
    p_azi text,
    p_tor_chias text [],
    p_confermas text [],
    p_autore_cods bigint [],
    p_datis jsonb [],
    p_id_pubs bigint [],
    p_if_sincros bigint []
)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $export_orders$
-- Behind export_order and export_orders of the ERP. Locks the company first. With an ID-PUB: the
-- order again, where that changes something. Without: a new order, unless this TOR-CHIA was
-- exported before as one. Where every element was a change, the UPDATE's own answer is the answer;
-- else check_export says which may not be, and takes all of it back.
#variable_conflict use_column
DECLARE
    v_id_pubs bigint[];
    v_id_sincros bigint[];
BEGIN
    PERFORM ortes.check_texts('tor_chia', p_tor_chias);
    PERFORM ortes.check_texts('conferma', array_replace(p_confermas, NULL, 'none'));
    PERFORM ortes.check_numbers('autore_cod', array_replace(p_autore_cods, NULL, 0), 0);
    PERFORM ortes.check_numbers('id_pub', array_replace(p_id_pubs, NULL, 1), 1);
    PERFORM ortes.check_numbers('if_sincro', array_replace(p_if_sincros, NULL, 0), 0);
    PERFORM ortes.lock_company(p_azi);

    WITH exported AS (
        UPDATE ortes.arportes AS a
        SET conferma = coalesce(o.conferma, a.conferma),
            dati = coalesce(o.dati, a.dati),
            autore_cod = coalesce(o.autore_cod, a.autore_cod)
        FROM unnest(p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs, p_if_sincros) WITH ORDINALITY
            AS o (tor_chia, conferma, autore_cod, dati, id_pub, if_sincro, ord)
        WHERE a.azi = p_azi AND a.id_pub = o.id_pub AND a.tor_chia = o.tor_chia
            AND ortes.export_changes(a, o.conferma, o.autore_cod, o.dati)
            AND (o.if_sincro IS NULL OR o.if_sincro = a.id_sincro)
        RETURNING o.ord, a.id_pub, a.id_sincro
    )

    SELECT array_agg(e.id_pub ORDER BY e.ord), array_agg(e.id_sincro ORDER BY e.ord) INTO v_id_pubs, v_id_sincros
    FROM exported AS e;

    IF cardinality(v_id_pubs) = cardinality(p_tor_chias) THEN
        RETURN QUERY SELECT * FROM unnest(v_id_pubs, v_id_sincros);
        RETURN;
    END IF;
    PERFORM ortes.check_export(p_azi, p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs, p_if_sincros);

    INSERT INTO ortes.arportes (azi, tor_chia, conferma, prov_tipo, autore_tipo, autore_cod, dati)
    SELECT p_azi, o.tor_chia, o.conferma, 'G', 'O', coalesce(o.autore_cod, 0), o.dati
    FROM (
        SELECT DISTINCT ON (u.tor_chia) u.*
        FROM unnest(p_tor_chias, p_confermas, p_autore_cods, p_datis, p_id_pubs) WITH ORDINALITY
            AS u (tor_chia, conferma, autore_cod, dati, id_pub, ord)
        WHERE u.id_pub IS NULL
        ORDER BY u.tor_chia, u.ord
    ) AS o
    WHERE NOT EXISTS (SELECT FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.tor_chia = o.tor_chia)
    ORDER BY o.ord;

    RETURN QUERY
    SELECT a.id_pub, a.id_sincro
    FROM unnest(p_tor_chias) WITH ORDINALITY AS o (tor_chia, ord)
    INNER JOIN ortes.arportes AS a ON a.azi = p_azi AND a.tor_chia = o.tor_chia
    ORDER BY o.ord;
END
$export_orders$;

COMMENT ON FUNCTION ortes.export_orders(text, text [], text [], bigint [], jsonb [], bigint [], bigint []) IS
'The ERP exports orders, new ones (no ID-PUB) or again; the arrays run in parallel, and a null leaves what is there. '
'One row an element, in their order. All or nothing. Raises OR002, OR004, OR005, OR006, OR007, OR009, 55P03.';

-- sql/ortes/find_order.sql
CREATE OR REPLACE FUNCTION ortes.find_order(p_azi text, p_prov_tipo text, p_prov_id integer, p_id_int bigint)
RETURNS SETOF ortes.arportes
LANGUAGE sql
STABLE
PARALLEL SAFE
AS $find_order$
    -- By what a repeated save is recognised. Two halves, because an index finds neither
    -- IS NOT DISTINCT FROM nor an OR; the planner runs only the one that applies.
    SELECT a.* FROM ortes.arportes AS a
    WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id = p_prov_id AND a.id_int = p_id_int
    UNION ALL
    SELECT a.* FROM ortes.arportes AS a
    WHERE p_prov_id IS NULL
        AND a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id IS NULL AND a.id_int = p_id_int
$find_order$;

COMMENT ON FUNCTION ortes.find_order(text, text, integer, bigint) IS
'The order that a system made under its own id p_id_int, or no row. p_prov_id: the device or store, or null.';

-- sql/ortes/import_orders.sql
CREATE OR REPLACE FUNCTION ortes.import_orders(p_azi text, p_prov_tipo text, p_id_pubs bigint [])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $import_orders$
-- Behind import_order and import_orders of store (S) and app (A). Locks the company first, like
-- every writer. Orders that the system has already are left alone.
DECLARE
    v_unknown bigint;
    v_changed integer;
BEGIN
    IF p_id_pubs IS NULL OR cardinality(p_id_pubs) > 10000 THEN
        PERFORM ortes.raise_bad_argument('p_id_pubs', cardinality(p_id_pubs) || ' elements', 'an array of at most 10000 public ids');
    END IF;
    PERFORM ortes.check_numbers('id_pub', p_id_pubs, 1);
    PERFORM ortes.lock_company(p_azi);

    UPDATE ortes.arportes AS a
    SET ack_store = a.ack_store OR p_prov_tipo = 'S', ack_app = a.ack_app OR p_prov_tipo = 'A'
    WHERE a.azi = p_azi AND a.id_pub = ANY (p_id_pubs)
        AND NOT CASE p_prov_tipo WHEN 'S' THEN a.ack_store ELSE a.ack_app END;
    GET DIAGNOSTICS v_changed = ROW_COUNT;

    IF v_changed < cardinality(p_id_pubs) THEN
        SELECT i.id_pub INTO v_unknown
        FROM unnest(p_id_pubs) WITH ORDINALITY AS i (id_pub, ord)
        WHERE NOT EXISTS (SELECT FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = i.id_pub)
        ORDER BY i.ord
        LIMIT 1;
        IF FOUND THEN
            PERFORM ortes.raise_unknown_order(p_azi, v_unknown);
        END IF;
    END IF;
    RETURN v_changed;
END
$import_orders$;

COMMENT ON FUNCTION ortes.import_orders(text, text, bigint []) IS
'The store (p_prov_tipo S) or the app (A) has these orders now: sets ACK-STORE or ACK-APP and returns on how many it was new. '
'All or nothing. Raises OR002, OR007, 55P03.';

-- sql/ortes/lock_company.sql
CREATE OR REPLACE FUNCTION ortes.lock_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $lock_company$
-- Taken first by everything that writes for a company, and kept until its transaction ends:
-- numbers become visible in their order, and callers of one company never deadlock.
-- An advisory lock, because its waiters queue; those of a row lock all wake at every release.
-- A session that sets no lock_timeout of its own gets one for the rest of its transaction.
BEGIN
    IF current_setting('lock_timeout') = '0' THEN
        PERFORM set_config('lock_timeout', '5s', true);
    END IF;
    IF ortes.try_lock_company(p_azi) THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(1330795589, hashtext(p_azi));
    EXCEPTION
        WHEN lock_not_available THEN
            RAISE EXCEPTION USING
                ERRCODE = 'lock_not_available',
                MESSAGE = 'the company is busy',
                DETAIL = format('Another transaction has held company %L for longer than lock_timeout (%s).',
                    p_azi, current_setting('lock_timeout')),
                HINT = format('Call again. Who holds it: SELECT * FROM ortes_ops.holders WHERE azi = %L;', p_azi);
    END;
END
$lock_company$;

COMMENT ON FUNCTION ortes.lock_company(text) IS
'Reserves the company for this transaction, waiting at most lock_timeout (5 s where the session has none). Raises 55P03.';

-- sql/ortes/move_reader.sql
CREATE OR REPLACE FUNCTION ortes.move_reader(p_azi text, p_prov_tipo text, p_prov_id integer, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $move_reader$
BEGIN
    INSERT INTO ortes.reader (azi, prov_tipo, prov_id, id_sincro)
    VALUES (p_azi, p_prov_tipo, p_prov_id, p_id_sincro)
    ON CONFLICT ON CONSTRAINT reader_key
    DO UPDATE SET id_sincro = excluded.id_sincro, confirmed_at = now();
    RETURN p_id_sincro;
END
$move_reader$;

COMMENT ON FUNCTION ortes.move_reader(text, text, integer, bigint) IS
'Writes a reader''s kept position, forward or back. Behind confirm and rewind_reader, which hold the company''s lock.';

-- sql/ortes/next_number.sql
CREATE OR REPLACE FUNCTION ortes.next_number(p_azi text, p_contatore text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $next_number$
-- Called by the row triggers of arportes for the first row of a statement, or of the next
-- company in it: moves the counter, and notes the number in transaction-local settings. For
-- the rows that follow, the triggers only count on in the setting; put_back_numbers tells the
-- counter when the statement ends. (One update a row would be quadratic.)
DECLARE
    v_setting CONSTANT text := ortes.number_setting(p_contatore);
    v_before bigint := 0::bigint;
    v_number bigint;
BEGIN
    IF current_setting(v_setting || '_azi', true) <> '' THEN
        v_before := ortes.put_back_numbers(p_contatore);
    END IF;
    IF NOT ortes.try_lock_company(p_azi) THEN
        PERFORM ortes.lock_company(p_azi);
    END IF;
    UPDATE ortes.apstatosyn AS s SET valore = s.valore + 1
    WHERE s.azi = p_azi AND s.contatore = p_contatore
    RETURNING s.valore INTO v_number;
    IF v_number IS NULL THEN
        PERFORM ortes.raise_unknown_company(p_azi);
    END IF;
    PERFORM
        set_config(v_setting, v_number::text, true),
        set_config(v_setting || '_first', (v_number - v_before)::text, true),
        set_config(v_setting || '_azi', p_azi, true);
    RETURN v_number;
END
$next_number$;

COMMENT ON FUNCTION ortes.next_number(text, text) IS
'The company''s next number from counter p_contatore (ID-PUB or ID-SINCRO), the company locked until the transaction ends. '
'For the triggers alone. Raises OR001, 55P03.';

-- sql/ortes/number_setting.sql
CREATE OR REPLACE FUNCTION ortes.number_setting(p_contatore text)
RETURNS text
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $number_setting$
    SELECT CASE p_contatore WHEN 'ID-PUB' THEN 'ortes.id_pub' ELSE 'ortes.id_sincro' END
$number_setting$;

COMMENT ON FUNCTION ortes.number_setting(text) IS
'The setting that holds the last number a statement drew from a counter. With _azi: for which company; with _first: the first '
'one, lower by what the statement drew for companies before.';

-- sql/ortes/position.sql
CREATE OR REPLACE FUNCTION ortes.position(p_azi text, p_prov_tipo text, p_prov_id integer)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $position$
-- Two queries, because no index finds IS NOT DISTINCT FROM.
BEGIN
    IF p_prov_id IS NULL THEN
        RETURN coalesce((
            SELECT r.id_sincro FROM ortes.reader AS r
            WHERE r.azi = p_azi AND r.prov_tipo = p_prov_tipo AND r.prov_id IS NULL
        ), 0);
    END IF;
    RETURN coalesce((
        SELECT r.id_sincro FROM ortes.reader AS r
        WHERE r.azi = p_azi AND r.prov_tipo = p_prov_tipo AND r.prov_id = p_prov_id
    ), 0);
END
$position$;

COMMENT ON FUNCTION ortes.position(text, text, integer) IS
'The ID-SINCRO that a reader confirmed last; 0 = none. A reader: S or A, and the store or device or null.';

-- sql/ortes/put_back_numbers.sql
CREATE OR REPLACE FUNCTION ortes.put_back_numbers(p_contatore text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $put_back_numbers$
-- The other half of next_number: the counter learns how far the statement counted for the
-- company it is at. Returns how many numbers the statement has drawn so far.
DECLARE
    v_setting CONSTANT text := ortes.number_setting(p_contatore);
    v_last CONSTANT bigint := current_setting(v_setting)::bigint;
    v_drawn CONSTANT bigint := v_last - current_setting(v_setting || '_first')::bigint + 1;
    v_azi text := current_setting(v_setting || '_azi');
BEGIN
    IF v_drawn > 1 THEN
        UPDATE ortes.apstatosyn AS s SET valore = v_last WHERE s.azi = v_azi AND s.contatore = p_contatore;
    END IF;
    v_azi := set_config(v_setting || '_azi', '', true);
    RETURN v_drawn;
END
$put_back_numbers$;

COMMENT ON FUNCTION ortes.put_back_numbers(text) IS
'Writes the numbers that a statement drew back to counter p_contatore; returns how many they are. For the triggers alone.';

-- sql/ortes/put_right_counter.sql
CREATE OR REPLACE FUNCTION ortes.put_right_counter(p_azi text, p_contatore text)
RETURNS void
LANGUAGE sql
VOLATILE
PARALLEL UNSAFE
AS $put_right_counter$
    -- For a statement inside another one, which has drawn numbers and not put them back yet.
    -- Elsewhere the counter is never behind the orders, and nothing is written.
    UPDATE ortes.apstatosyn AS s SET valore = n.valore
    FROM (
        SELECT CASE p_contatore
            WHEN 'ID-PUB' THEN (SELECT max(a.id_pub) FROM ortes.arportes AS a WHERE a.azi = p_azi)
            ELSE (SELECT max(a.id_sincro) FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_sincro > 0)
        END AS valore
    ) AS n
    WHERE s.azi = p_azi AND s.contatore = p_contatore AND s.valore < n.valore
$put_right_counter$;

COMMENT ON FUNCTION ortes.put_right_counter(text, text) IS
'Moves counter p_contatore forward to the highest number that an order of the company has. For the triggers alone.';

-- sql/ortes/raise_bad_argument.sql
CREATE OR REPLACE FUNCTION ortes.raise_bad_argument(p_argument text, p_value text, p_expected text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_bad_argument$
-- The one place that words OR007. A long value is cut: it goes to logs.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR007',
        MESSAGE = 'bad argument',
        DETAIL = format('%s is %s.', p_argument, coalesce(quote_literal(left(p_value, 60)), 'null')),
        HINT = format('Expected: %s.', p_expected);
END
$raise_bad_argument$;

COMMENT ON FUNCTION ortes.raise_bad_argument(text, text, text) IS
'Refuses an argument. p_argument: its name; p_value: what was given; p_expected: what would be right. Raises OR007, always.';

-- sql/ortes/raise_bad_insert.sql
CREATE OR REPLACE FUNCTION ortes.raise_bad_insert(p_order ortes.arportes)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_bad_insert$
-- Says what arportes_insert found.
BEGIN
    IF p_order.id_pub IS NOT NULL OR p_order.id_sincro <> 0 OR p_order.dati_digest IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'the hub gives out ID-PUB and ID-SINCRO itself',
            DETAIL = format('Company %L: ID-PUB %s, ID-SINCRO %s, a digest %s.', p_order.azi,
                coalesce(p_order.id_pub::text, 'not given'), p_order.id_sincro,
                CASE WHEN p_order.dati_digest IS NULL THEN 'not given' ELSE 'given' END),
            HINT = 'Leave id_pub, id_sincro and dati_digest out of the INSERT.';
    END IF;
    PERFORM ortes.raise_bad_argument('the row', format('prov_tipo %s, prov_id %s, id_int %s, tor_chia %s, autore_cod %s',
        p_order.prov_tipo, p_order.prov_id, p_order.id_int, p_order.tor_chia, p_order.autore_cod),
        'prov_tipo S with id_int, A with prov_id and id_int, or G with tor_chia and neither; autore_cod from 0');
END
$raise_bad_insert$;

COMMENT ON FUNCTION ortes.raise_bad_insert(ortes.arportes) IS
'Refuses an order that came with numbers of its own, or that no system can have made. Raises OR004, OR007, always.';

-- sql/ortes/raise_bad_update.sql
CREATE OR REPLACE FUNCTION ortes.raise_bad_update(p_old ortes.arportes, p_new ortes.arportes)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $raise_bad_update$
-- Names the columns that arportes_update found changed.
DECLARE
    v_columns text;
BEGIN
    SELECT string_agg(o.key, ', ') INTO v_columns
    FROM jsonb_each_text(to_jsonb(p_old) - ARRAY['conferma', 'autore_cod', 'dati', 'updated_at']) AS o
    INNER JOIN jsonb_each_text(to_jsonb(p_new)) AS n ON o.key = n.key
    WHERE o.value IS DISTINCT FROM n.value AND NOT (o.key LIKE 'ack%' AND n.value IS NOT DISTINCT FROM 'true')
        AND NOT (o.key = 'tor_chia' AND o.value IS NULL);
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'not allowed on this order',
        DETAIL = format('Company %L, ID-PUB %s: %s may not change so.', p_old.azi, p_old.id_pub, v_columns),
        HINT = 'These columns are fixed once set, flags only go from false to true, and the hub gives out ID-SINCRO.';
END
$raise_bad_update$;

COMMENT ON FUNCTION ortes.raise_bad_update(ortes.arportes, ortes.arportes) IS
'Refuses a change of what is fixed for life, naming the columns. Raises OR004, always.';

-- sql/ortes/raise_not_allowed.sql
CREATE OR REPLACE FUNCTION ortes.raise_not_allowed(p_azi text, p_id_pub bigint, p_why text, p_hint text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_not_allowed$
-- The doors' OR004; the triggers word their own.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'not allowed on this order',
        DETAIL = format('Company %L, ID-PUB %s: %s.', p_azi, p_id_pub, p_why),
        HINT = p_hint;
END
$raise_not_allowed$;

COMMENT ON FUNCTION ortes.raise_not_allowed(text, bigint, text, text) IS
'Refuses what the order''s state does not allow. p_why: the state; p_hint: what to do. Raises OR004, always.';

-- sql/ortes/raise_other_content.sql
CREATE OR REPLACE FUNCTION ortes.raise_other_content(p_azi text, p_id_pub bigint)
RETURNS void
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $raise_other_content$
-- The one place that words OR006. The content itself stays out of messages and logs.
DECLARE
    v_order record;
BEGIN
    SELECT a.prov_tipo, a.prov_id, a.id_int, a.tor_chia INTO v_order
    FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    RAISE EXCEPTION USING
        ERRCODE = 'OR006',
        MESSAGE = 'same order, other content',
        DETAIL = format('Company %L, origin %s%s, %s was first saved with other content, as ID-PUB %s.',
            p_azi, v_order.prov_tipo, ' ' || v_order.prov_id,
            coalesce('id_int ' || v_order.id_int, format('TOR-CHIA %L', v_order.tor_chia)), p_id_pub),
        HINT = 'A repeat must send what was sent first; another order needs another id of its own; '
            'the ERP changes an order with export_order and its p_id_pub.';
END
$raise_other_content$;

COMMENT ON FUNCTION ortes.raise_other_content(text, bigint) IS
'Refuses a repeat whose content differs from what was first saved. Raises OR006, always.';

-- sql/ortes/raise_taken_tor_chia.sql
CREATE OR REPLACE FUNCTION ortes.raise_taken_tor_chia(p_azi text, p_tor_chia text, p_id_pub bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_taken_tor_chia$
-- The one place that words OR005.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR005',
        MESSAGE = 'that TOR-CHIA belongs to another order',
        DETAIL = format('Company %L: TOR-CHIA %L is the order with ID-PUB %s.', p_azi, p_tor_chia, p_id_pub),
        HINT = 'To export that order again, name its ID-PUB (p_id_pub, id_pub in a batch).';
END
$raise_taken_tor_chia$;

COMMENT ON FUNCTION ortes.raise_taken_tor_chia(text, text, bigint) IS
'Refuses a TOR-CHIA that the order p_id_pub has. Raises OR005, always.';

-- sql/ortes/raise_unknown_company.sql
CREATE OR REPLACE FUNCTION ortes.raise_unknown_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_unknown_company$
-- The one place that words OR001.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR001',
        MESSAGE = 'unknown company',
        DETAIL = format('There is no company %L.', p_azi),
        HINT = 'A DBA creates it, with ortes_ops.create_company.';
END
$raise_unknown_company$;

COMMENT ON FUNCTION ortes.raise_unknown_company(text) IS 'Refuses a company that is not here. Raises OR001, always.';

-- sql/ortes/raise_unknown_order.sql
CREATE OR REPLACE FUNCTION ortes.raise_unknown_order(p_azi text, p_id_pub bigint)
RETURNS void
LANGUAGE plpgsql
IMMUTABLE
PARALLEL SAFE
AS $raise_unknown_order$
-- The one place that words OR002.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR002',
        MESSAGE = 'unknown order',
        DETAIL = format('Company %L has no order with ID-PUB %s.', p_azi, p_id_pub),
        HINT = 'Use the ID-PUB that the hub returned when the order was saved or exported.';
END
$raise_unknown_order$;

COMMENT ON FUNCTION ortes.raise_unknown_order(text, bigint) IS
'Refuses an ID-PUB that the company does not have. Raises OR002, always.';

-- sql/ortes/same_content.sql
CREATE OR REPLACE FUNCTION ortes.same_content(p_order ortes.arportes, p_dati jsonb, p_conferma text)
RETURNS boolean
LANGUAGE sql
IMMUTABLE
PARALLEL SAFE
AS $same_content$
    SELECT CASE
        WHEN (p_order).dati_digest IS NOT NULL
            THEN (p_order).dati_digest = ortes.content_digest((p_order).prov_tipo, p_dati, p_conferma)
        ELSE (p_order).dati IS NOT DISTINCT FROM p_dati
            AND ((p_order).prov_tipo <> 'G' OR (p_order).conferma IS NOT DISTINCT FROM p_conferma)
    END
$same_content$;

COMMENT ON FUNCTION ortes.same_content(ortes.arportes, jsonb, text) IS
'Whether this is the content with which the order was first saved, whatever the ERP has made of it since.';

-- sql/ortes/save_elements.sql
CREATE OR REPLACE FUNCTION ortes.save_elements(
    p_azi text,
    p_prov_tipo text,
    p_prov_id integer,
    p_autore_tipo text,
    p_orders jsonb
)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $save_elements$
-- Behind save_orders of store and app: from JSON to what save_orders takes.
DECLARE
    v_id_ints bigint[];
    v_autore_cods bigint[];
    v_datis jsonb[];
BEGIN
    PERFORM ortes.check_elements(p_orders, '{"id_int": "integer", "autore_cod": "integer", "dati": "any"}');
    SELECT coalesce(array_agg(nullif(e.value -> 'id_int', 'null')::bigint ORDER BY e.ord), '{}'),
        coalesce(array_agg(coalesce(nullif(e.value -> 'autore_cod', 'null')::bigint, 0) ORDER BY e.ord), '{}'),
        coalesce(array_agg(nullif(e.value -> 'dati', 'null') ORDER BY e.ord), '{}')
    INTO v_id_ints, v_autore_cods, v_datis
    FROM jsonb_array_elements(p_orders) WITH ORDINALITY AS e (value, ord);
    RETURN QUERY
    SELECT s.* FROM ortes.save_orders(p_azi, p_prov_tipo, p_prov_id, p_autore_tipo, v_id_ints, v_autore_cods, v_datis) AS s;
END
$save_elements$;

COMMENT ON FUNCTION ortes.save_elements(text, text, integer, text, jsonb) IS
'Saves an array of {id_int, autore_cod, dati} of one origin; one row an element, in their order. Raises OR006, OR007, 55P03.';

-- sql/ortes/save_order.sql
CREATE OR REPLACE FUNCTION ortes.save_order(
    p_azi text,
    p_prov_tipo text,
    p_prov_id integer,
    p_autore_tipo text,
    p_id_int bigint,
    p_autore_cod bigint,
    p_dati jsonb
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $save_order$
-- Behind save_order of store and app; save_orders does the same for many. Locks the company
-- before it looks for what is here already: looked for earlier, the order of a call still
-- under way is missed.
DECLARE
    v_id_pub bigint;
    v_same boolean;
BEGIN
    IF (p_id_int >= 1 AND p_autore_cod >= 0) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('id_int', ARRAY[p_id_int], 1);
        PERFORM ortes.check_numbers('autore_cod', ARRAY[p_autore_cod], 0);
    END IF;
    PERFORM ortes.lock_company(p_azi);
    -- Two queries for what find_order says in one: a call for one order feels the difference.
    IF p_prov_id IS NULL THEN
        SELECT a.id_pub, ortes.same_content(a, p_dati, NULL) INTO v_id_pub, v_same FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id IS NULL AND a.id_int = p_id_int;
    ELSE
        SELECT a.id_pub, ortes.same_content(a, p_dati, NULL) INTO v_id_pub, v_same FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = p_prov_tipo AND a.prov_id = p_prov_id AND a.id_int = p_id_int;
    END IF;
    IF v_id_pub IS NULL THEN
        INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, autore_cod, dati)
        VALUES (p_azi, p_prov_tipo, p_prov_id, p_id_int, p_autore_tipo, p_autore_cod, p_dati)
        RETURNING id_pub INTO v_id_pub;
    ELSIF NOT v_same THEN
        PERFORM ortes.raise_other_content(p_azi, v_id_pub);
    END IF;
    RETURN v_id_pub;
END
$save_order$;

COMMENT ON FUNCTION ortes.save_order(text, text, integer, text, bigint, bigint, jsonb) IS
'Saves an order of a store or device, or finds it saved before; returns its ID-PUB. Raises OR006, OR007, 55P03.';

-- sql/ortes/save_orders.sql
CREATE OR REPLACE FUNCTION ortes.save_orders(
    p_azi text,
    p_prov_tipo text,
    p_prov_id integer,
    p_autore_tipo text,
    p_id_ints bigint [],
    p_autore_cods bigint [],
    p_datis jsonb []
)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $save_orders$
-- Behind save_order and save_orders of store and app. Locks the company before it looks for
-- what is here already: looked for earlier, the order of a call still under way is missed.
-- Where everything was new, the INSERT's own answer is the answer.
#variable_conflict use_column
DECLARE
    v_id_ints bigint[];
    v_id_pubs bigint[];
    v_other bigint;
BEGIN
    PERFORM ortes.check_numbers('id_int', p_id_ints, 1);
    PERFORM ortes.check_numbers('autore_cod', p_autore_cods, 0);
    PERFORM ortes.lock_company(p_azi);

    WITH saved AS (
        INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, autore_cod, dati)
        SELECT p_azi, p_prov_tipo, p_prov_id, o.id_int, p_autore_tipo, o.autore_cod, o.dati
        FROM (
            SELECT DISTINCT ON (u.id_int) u.*
            FROM unnest(p_id_ints, p_autore_cods, p_datis) WITH ORDINALITY AS u (id_int, autore_cod, dati, ord)
            ORDER BY u.id_int, u.ord
        ) AS o
        WHERE NOT EXISTS (SELECT FROM ortes.find_order(p_azi, p_prov_tipo, p_prov_id, o.id_int))
        ORDER BY o.ord
        RETURNING id_int, id_pub
    )

    SELECT array_agg(s.id_int), array_agg(s.id_pub) INTO v_id_ints, v_id_pubs FROM saved AS s;

    IF cardinality(v_id_pubs) = cardinality(p_id_ints) THEN
        RETURN QUERY SELECT * FROM unnest(v_id_ints, v_id_pubs);
        RETURN;
    END IF;
    SELECT a.id_pub INTO v_other
    FROM unnest(p_id_ints, p_datis) AS o (id_int, dati)
    CROSS JOIN LATERAL ortes.find_order(p_azi, p_prov_tipo, p_prov_id, o.id_int) AS a
    WHERE NOT ortes.same_content(a, o.dati, NULL)
    LIMIT 1;
    IF FOUND THEN
        PERFORM ortes.raise_other_content(p_azi, v_other);
    END IF;
    RETURN QUERY
    SELECT o.id_int, a.id_pub
    FROM unnest(p_id_ints) WITH ORDINALITY AS o (id_int, ord)
    CROSS JOIN LATERAL ortes.find_order(p_azi, p_prov_tipo, p_prov_id, o.id_int) AS a
    ORDER BY o.ord;
END
$save_orders$;

COMMENT ON FUNCTION ortes.save_orders(text, text, integer, text, bigint [], bigint [], jsonb []) IS
'Saves orders of one origin, or finds them saved before; the arrays run in parallel. One row an element, in their order. '
'All or nothing. Raises OR006, OR007, 55P03.';

-- sql/ortes/try_lock_company.sql
CREATE OR REPLACE FUNCTION ortes.try_lock_company(p_azi text)
RETURNS boolean
LANGUAGE sql
VOLATILE
PARALLEL UNSAFE
AS $try_lock_company$
    -- 1330795589 is 'ORTE' in ASCII: by it ortes_ops.holders finds these locks.
    SELECT pg_try_advisory_xact_lock(1330795589, hashtext(p_azi))
$try_lock_company$;

COMMENT ON FUNCTION ortes.try_lock_company(text) IS
'Reserves the company for this transaction if nobody holds it or waits for it. Behind lock_company.';

-- sql/ortes/waiting_for.sql
CREATE OR REPLACE FUNCTION ortes.waiting_for(p_order ortes.arportes)
RETURNS text
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
AS $waiting_for$
-- Behind ortes_ops.find_order. First the ERP acquires; then each reader reads the last change, a
-- system that reads imports what it lacks, and the ERP gives its confirmation number.
DECLARE
    v record;
    v_waiting text[] := ARRAY[]::text[];
BEGIN
    IF NOT p_order.ack_gest THEN
        RETURN 'Waiting for the ERP to acquire it' || CASE WHEN p_order.autore_cod = 0 THEN ', and to give its author a code' ELSE '' END
            || '.';
    END IF;
    SELECT coalesce(array_agg(n.name ORDER BY r.prov_tipo DESC, r.prov_id NULLS FIRST) FILTER (WHERE NOT r.up_to_date), '{}') AS behind,
        bool_and(r.up_to_date) FILTER (WHERE r.prov_tipo = 'S') AS store_read,
        bool_and(r.up_to_date) FILTER (WHERE r.prov_tipo = 'A') AS app_read,
        count(*) AS readers
    INTO v
    FROM ortes_ops.order_readers(p_order.azi, p_order.id_pub) AS r
    CROSS JOIN LATERAL (
        SELECT CASE WHEN r.prov_tipo = 'A' THEN 'device ' || r.prov_id ELSE coalesce('store ' || r.prov_id, 'the store') END AS name
    ) AS n;
    IF v.readers = 0 THEN
        v_waiting := ARRAY['a store or an app to read it'];
    ELSIF v.behind <> '{}' THEN
        IF cardinality(v.behind) > 4 THEN
            v.behind := v.behind[1:3] || format('%s more', cardinality(v.behind) - 3);
        END IF;
        v_waiting := ARRAY[format('%s to confirm the order''s last change (ID-SINCRO %s)',
            regexp_replace(array_to_string(v.behind, ', '), '^(.*), ', '\1 and '), p_order.id_sincro)];
    END IF;
    IF v.store_read AND NOT p_order.ack_store THEN
        v_waiting := v_waiting || 'the store to import it'::text;
    END IF;
    IF v.app_read AND NOT p_order.ack_app THEN
        v_waiting := v_waiting || 'the app to import it'::text;
    END IF;
    IF p_order.conferma IS NULL THEN
        v_waiting := v_waiting || 'the ERP to give it a confirmation number'::text;
    END IF;
    RETURN coalesce('Waiting for ' || nullif(array_to_string(v_waiting, ', and for '), '') || '.',
        'Nothing: it is confirmed, and every reader has confirmed its last change.');
END
$waiting_for$;

COMMENT ON FUNCTION ortes.waiting_for(ortes.arportes) IS
'In one sentence, what an order is waiting for.';

-- sql/ortes/apstatosyn_fixed.sql
CREATE OR REPLACE FUNCTION ortes.apstatosyn_fixed()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $apstatosyn_fixed$
-- Reached only for what is refused: a counter that would go back, or go.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'a counter only goes forward',
        DETAIL = CASE tg_op
            WHEN 'TRUNCATE' THEN 'TRUNCATE would lose every counter.'
            ELSE format('Company %L, counter %s, last number given out %s.', old.azi, old.contatore, old.valore)
        END,
        HINT = 'A number given out twice would make two orders, or two changes, out of one.';
END
$apstatosyn_fixed$;

COMMENT ON FUNCTION ortes.apstatosyn_fixed() IS 'Trigger: refuses to move a counter back or to remove it. Raises OR004, always.';

CREATE OR REPLACE TRIGGER apstatosyn_fixed
BEFORE UPDATE ON ortes.apstatosyn
FOR EACH ROW WHEN (
    new.valore < old.valore OR (old.azi, old.contatore) IS DISTINCT FROM (new.azi, new.contatore)
) EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_fixed ON ortes.apstatosyn IS 'A counter never goes back.';

CREATE OR REPLACE TRIGGER apstatosyn_kept
BEFORE DELETE ON ortes.apstatosyn
FOR EACH ROW EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_kept ON ortes.apstatosyn IS 'A counter is never removed.';

CREATE OR REPLACE TRIGGER apstatosyn_kept_all
BEFORE TRUNCATE ON ortes.apstatosyn
FOR EACH STATEMENT EXECUTE FUNCTION ortes.apstatosyn_fixed();
COMMENT ON TRIGGER apstatosyn_kept_all ON ortes.apstatosyn IS 'Nor are all of them.';

-- sql/ortes/arportes_begin.sql
CREATE OR REPLACE FUNCTION ortes.arportes_begin()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_begin$
-- Before each statement that may draw numbers: none is drawn yet, whatever the session says.
-- Numbers in the settings are those of a statement around this one (or forged): its counter is
-- put right by the orders there are, which needs no trust. An UPDATE draws no ID-PUB.
BEGIN
    IF tg_op = 'INSERT' AND current_setting('ortes.id_pub_azi', true) <> '' THEN
        PERFORM ortes.put_right_counter(current_setting('ortes.id_pub_azi'), 'ID-PUB');
        PERFORM set_config('ortes.id_pub_azi', '', true);
    END IF;
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        PERFORM ortes.put_right_counter(current_setting('ortes.id_sincro_azi'), 'ID-SINCRO');
        PERFORM set_config('ortes.id_sincro_azi', '', true);
    END IF;
    RETURN NULL;
END
$arportes_begin$;

COMMENT ON FUNCTION ortes.arportes_begin() IS 'Trigger: empties the settings in which next_number counts.';

CREATE OR REPLACE TRIGGER arportes_begin
BEFORE INSERT OR UPDATE OF tor_chia, ack_gest, conferma, dati ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_begin();
COMMENT ON TRIGGER arportes_begin ON ortes.arportes IS 'No numbers are drawn when a statement begins.';

-- sql/ortes/arportes_delete.sql
CREATE OR REPLACE FUNCTION ortes.arportes_delete()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_delete$
-- For DELETE fires per row, for TRUNCATE per statement (there is no old row then).
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'an order is never deleted',
        DETAIL = CASE tg_op
            WHEN 'DELETE' THEN format('Company %L, ID-PUB %s.', old.azi, old.id_pub)
            ELSE 'TRUNCATE would delete every order.'
        END,
        HINT = 'What became of an order belongs in its dati.';
END
$arportes_delete$;

COMMENT ON FUNCTION ortes.arportes_delete() IS 'Trigger: refuses to delete orders. Raises OR004, always.';

CREATE OR REPLACE TRIGGER arportes_delete
BEFORE DELETE ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_delete();
COMMENT ON TRIGGER arportes_delete ON ortes.arportes IS 'An order is never deleted.';

CREATE OR REPLACE TRIGGER arportes_delete_all
BEFORE TRUNCATE ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_delete();
COMMENT ON TRIGGER arportes_delete_all ON ortes.arportes IS 'Nor are all of them.';

-- sql/ortes/arportes_insert.sql
CREATE OR REPLACE FUNCTION ortes.arportes_insert()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_insert$
-- What an order gets when it arrives: its public id, its origin's flag (whatever was given),
-- and for an order of the ERP its first sync number. Locks the company. Assignments and no
-- PERFORM, IF and no WHEN: this runs once a row, and neither starts a query nor parses one.
BEGIN
    IF new.id_pub IS NOT NULL OR new.id_sincro <> 0 OR new.dati_digest IS NOT NULL OR new.autore_cod < 0
        OR (CASE new.prov_tipo
            WHEN 'S' THEN new.id_int IS NULL
            WHEN 'A' THEN new.id_int IS NULL OR new.prov_id IS NULL
            WHEN 'G' THEN new.id_int IS NOT NULL OR new.prov_id IS NOT NULL OR new.tor_chia IS NULL
            ELSE true
        END)
    THEN
        PERFORM ortes.raise_bad_insert(new);
    END IF;
    IF new.azi = nullif(current_setting('ortes.id_pub_azi', true), '') THEN
        new.id_pub := set_config('ortes.id_pub', (current_setting('ortes.id_pub')::bigint + 1)::text, true)::bigint;
    ELSE
        new.id_pub := ortes.next_number(new.azi, 'ID-PUB');
    END IF;
    new.ack_store := new.prov_tipo = 'S';
    new.ack_app := new.prov_tipo = 'A';
    new.ack_gest := new.prov_tipo = 'G';
    IF new.ack_gest THEN
        IF new.azi = nullif(current_setting('ortes.id_sincro_azi', true), '') THEN
            new.id_sincro := set_config('ortes.id_sincro', (current_setting('ortes.id_sincro')::bigint + 1)::text, true)::bigint;
        ELSE
            new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO');
        END IF;
    END IF;
    RETURN new;
END
$arportes_insert$;

COMMENT ON FUNCTION ortes.arportes_insert() IS
'Trigger: numbers a new order and sets the flag of the system that made it. Raises OR001, OR004 (numbers given), OR007, 55P03.';

CREATE OR REPLACE TRIGGER arportes_insert
BEFORE INSERT ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_insert();
COMMENT ON TRIGGER arportes_insert ON ortes.arportes IS 'Numbers a new order.';

-- sql/ortes/arportes_inserted.sql
CREATE OR REPLACE FUNCTION ortes.arportes_inserted()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_inserted$
-- After an INSERT: the counters learn which numbers it drew. A row that drew an ID-PUB and was
-- then not inserted (ON CONFLICT) would leave a gap.
DECLARE
    v_drawn bigint := 0::bigint;
BEGIN
    IF current_setting('ortes.id_pub_azi', true) <> '' THEN
        v_drawn := ortes.put_back_numbers('ID-PUB');
    END IF;
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        PERFORM ortes.put_back_numbers('ID-SINCRO');
    END IF;
    IF v_drawn <> (SELECT count(*) FROM inserted) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'OR004',
            MESSAGE = 'this statement would leave gaps in the public ids',
            DETAIL = format('It drew %s numbers and inserted %s rows.', v_drawn, (SELECT count(*) FROM inserted)),
            HINT = 'Insert without ON CONFLICT, or use the doors: they recognise an order that is already here.';
    END IF;
    RETURN NULL;
END
$arportes_inserted$;

COMMENT ON FUNCTION ortes.arportes_inserted() IS
'Trigger: the counters learn which numbers an INSERT drew; one that drew more than it inserted is refused. Raises OR004.';

CREATE OR REPLACE TRIGGER arportes_inserted
AFTER INSERT ON ortes.arportes
REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_inserted();
COMMENT ON TRIGGER arportes_inserted ON ortes.arportes IS 'Writes back the numbers that the statement drew.';

-- sql/ortes/arportes_update.sql
CREATE OR REPLACE FUNCTION ortes.arportes_update()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_update$
-- What is fixed for life stays, flags never go back, and what the ERP writes moves ID-SINCRO
-- (the other systems' flags and autore_cod don't), for which the company is locked.
-- Assignments and no PERFORM, IF and no WHEN: see arportes_insert.
BEGIN
    IF (old.azi, old.id_pub, old.prov_tipo, old.prov_id, old.id_int, old.autore_tipo, old.created_at, old.dati_digest, old.id_sincro)
        IS DISTINCT FROM
        (new.azi, new.id_pub, new.prov_tipo, new.prov_id, new.id_int, new.autore_tipo, new.created_at, new.dati_digest, new.id_sincro)
        OR old.tor_chia <> coalesce(new.tor_chia, '')
        OR (old.ack_store, old.ack_gest, old.ack_app) IS DISTINCT FROM
        (old.ack_store AND new.ack_store, old.ack_gest AND new.ack_gest, old.ack_app AND new.ack_app)
    THEN
        PERFORM ortes.raise_bad_update(old, new);
    END IF;
    IF (old.tor_chia, old.ack_gest, old.conferma) IS DISTINCT FROM (new.tor_chia, new.ack_gest, new.conferma)
        OR old.dati IS DISTINCT FROM new.dati
    THEN
        IF new.azi = nullif(current_setting('ortes.id_sincro_azi', true), '') THEN
            new.id_sincro := set_config('ortes.id_sincro', (current_setting('ortes.id_sincro')::bigint + 1)::text, true)::bigint;
        ELSE
            new.id_sincro := ortes.next_number(new.azi, 'ID-SINCRO');
        END IF;
        -- The content first saved is about to go: what a late repeat is compared with stays.
        IF new.dati_digest IS NULL AND NOT ortes.same_content(old, new.dati, new.conferma) THEN
            new.dati_digest := ortes.content_digest(old.prov_tipo, old.dati, old.conferma);
        END IF;
    END IF;
    new.updated_at := now();
    RETURN new;
END
$arportes_update$;

COMMENT ON FUNCTION ortes.arportes_update() IS
'Trigger: refuses what an order may not become; a change by the ERP gets the company''s next ID-SINCRO, and the first '
'one leaves the digest of what was saved. Raises OR004, 55P03.';

CREATE OR REPLACE TRIGGER arportes_update
BEFORE UPDATE ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION ortes.arportes_update();
COMMENT ON TRIGGER arportes_update ON ortes.arportes IS 'Guards what is fixed, and numbers a change by the ERP.';

-- sql/ortes/arportes_updated.sql
CREATE OR REPLACE FUNCTION ortes.arportes_updated()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $arportes_updated$
-- After an UPDATE by the ERP: the counter learns which numbers it drew.
BEGIN
    IF current_setting('ortes.id_sincro_azi', true) <> '' THEN
        PERFORM ortes.put_back_numbers('ID-SINCRO');
    END IF;
    RETURN NULL;
END
$arportes_updated$;

COMMENT ON FUNCTION ortes.arportes_updated() IS 'Trigger: the counter learns which numbers an UPDATE drew.';

CREATE OR REPLACE TRIGGER arportes_updated
AFTER UPDATE OF tor_chia, ack_gest, conferma, dati ON ortes.arportes
FOR EACH STATEMENT EXECUTE FUNCTION ortes.arportes_updated();
COMMENT ON TRIGGER arportes_updated ON ortes.arportes IS 'Writes back the numbers that the statement drew.';

-- sql/ortes/company_kept.sql
CREATE OR REPLACE FUNCTION ortes.company_kept()
RETURNS trigger
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
AS $company_kept$
-- Orders and counters have no foreign key to their company: checked at every write, it would
-- cost more than it tells. So the company is kept here.
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'OR004',
        MESSAGE = 'a company is never removed or renamed',
        DETAIL = CASE tg_op WHEN 'TRUNCATE' THEN 'TRUNCATE would remove them all.' ELSE format('Company %L.', old.azi) END,
        HINT = 'To close a company, take its logins'' access back with ortes_ops.revoke_access.';
END
$company_kept$;

COMMENT ON FUNCTION ortes.company_kept() IS 'Trigger: refuses to remove or rename a company. Raises OR004, always.';

CREATE OR REPLACE TRIGGER company_kept
BEFORE DELETE OR UPDATE OF azi ON ortes.company
FOR EACH ROW EXECUTE FUNCTION ortes.company_kept();
COMMENT ON TRIGGER company_kept ON ortes.company IS 'A company is never removed.';

CREATE OR REPLACE TRIGGER company_kept_all
BEFORE TRUNCATE ON ortes.company
FOR EACH STATEMENT EXECUTE FUNCTION ortes.company_kept();
COMMENT ON TRIGGER company_kept_all ON ortes.company IS 'Nor are all of them.';

-- sql/ortes_ops/create_company.sql
CREATE OR REPLACE FUNCTION ortes_ops.create_company(p_azi text)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $create_company$
-- A company with its two counters at 0. One that is here already stays as it is.
BEGIN
    PERFORM ortes.check_azi(p_azi);
    INSERT INTO ortes.company (azi) VALUES (p_azi) ON CONFLICT DO NOTHING;
    INSERT INTO ortes.apstatosyn (azi, contatore) VALUES (p_azi, 'ID-PUB'), (p_azi, 'ID-SINCRO') ON CONFLICT DO NOTHING;
END
$create_company$;

COMMENT ON FUNCTION ortes_ops.create_company(text) IS
'Creates the company p_azi (1 to 32 characters). A repeat changes nothing. Raises OR007.';

-- sql/ortes_ops/find_order.sql
CREATE OR REPLACE FUNCTION ortes_ops.find_order(
    p_azi text,
    p_id_pub bigint = NULL,
    p_tor_chia text = NULL,
    p_id_int bigint = NULL,
    p_prov_tipo text = NULL,
    p_prov_id integer = NULL
)
RETURNS TABLE (
    azi text,
    id_pub bigint,
    tor_chia text,
    conferma text,
    id_int bigint,
    ack_store boolean,
    ack_gest boolean,
    ack_app boolean,
    prov_tipo text,
    prov_id integer,
    autore_tipo text,
    autore_cod bigint,
    id_sincro bigint,
    created_at timestamptz,
    updated_at timestamptz,
    state text,
    waiting_for text
)
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $find_order$
-- "Where is my order?" Locks nothing and shows no dati, so that the monitoring may ask, too.
DECLARE
    v_order ortes.arportes;
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF num_nonnulls(p_id_pub, p_tor_chia, p_id_int) <> 1 THEN
        PERFORM ortes.raise_bad_argument('the order to find', concat_ws(', ', p_id_pub, p_tor_chia, p_id_int),
            'one of p_id_pub, p_tor_chia and p_id_int');
    ELSIF p_id_int IS NOT NULL AND (p_prov_tipo IN ('S', 'A')) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_prov_tipo', p_prov_tipo, 'S (store) or A (app), to which p_id_int belongs');
    END IF;
    IF p_id_pub IS NOT NULL THEN
        SELECT a.* INTO v_order FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    ELSIF p_tor_chia IS NOT NULL THEN
        SELECT a.* INTO v_order FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.tor_chia = p_tor_chia;
    ELSE
        SELECT a.* INTO v_order FROM ortes.find_order(p_azi, p_prov_tipo, p_prov_id, p_id_int) AS a;
    END IF;
    IF v_order.id_pub IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT v_order.azi, v_order.id_pub, v_order.tor_chia, v_order.conferma, v_order.id_int, v_order.ack_store, v_order.ack_gest,
        v_order.ack_app, v_order.prov_tipo, v_order.prov_id, v_order.autore_tipo, v_order.autore_cod, v_order.id_sincro,
        v_order.created_at, v_order.updated_at,
        CASE WHEN NOT v_order.ack_gest THEN 'saved' WHEN v_order.conferma IS NULL THEN 'acquired' ELSE 'confirmed' END,
        ortes.waiting_for(v_order);
END
$find_order$;

COMMENT ON FUNCTION ortes_ops.find_order(text, bigint, text, bigint, text, integer) IS
'Where is my order? Found by one of p_id_pub, p_tor_chia (the ERP''s key) and p_id_int (its id in the store, p_prov_tipo S, or app, A; '
'p_prov_id: which store or device): the order without its dati; its state: saved, acquired (the ERP has it) or confirmed (it has a '
'confirmation number); and, in one sentence, what it is waiting for. No row where there is no such order. Raises OR001, OR007.';

-- sql/ortes_ops/grant_access.sql
CREATE OR REPLACE FUNCTION ortes_ops.grant_access(p_login text, p_azi text, p_device integer = NULL)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $grant_access$
-- What the login may call, its roles say; for whom, this says.
BEGIN
    PERFORM ortes.check_company(p_azi);
    PERFORM ortes.check_numbers('p_device', array_remove(ARRAY[p_device], NULL), 1);
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = p_login) THEN
        PERFORM ortes.raise_bad_argument('p_login', p_login, 'a role of this server');
    END IF;
    INSERT INTO ortes.access (login, azi, device) VALUES (p_login, p_azi, p_device) ON CONFLICT DO NOTHING;
END
$grant_access$;

COMMENT ON FUNCTION ortes_ops.grant_access(text, text, integer) IS
'Lets the login p_login act for company p_azi, an app login only as device p_device (null: as any). A repeat changes nothing. '
'Raises OR001, OR007.';

-- sql/ortes_ops/order_readers.sql
CREATE OR REPLACE FUNCTION ortes_ops.order_readers(p_azi text, p_id_pub bigint)
RETURNS TABLE (prov_tipo text, prov_id integer, confirmed bigint, confirmed_at timestamptz, up_to_date boolean)
LANGUAGE sql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $order_readers$
    -- The company's readers and, where it has never confirmed anything, the one that made the order.
    SELECT
        e.prov_tipo,
        e.prov_id,
        coalesce(r.id_sincro, 0) AS confirmed,
        r.confirmed_at,
        coalesce(r.id_sincro, 0) >= a.id_sincro AS up_to_date
    FROM ortes.arportes AS a
    CROSS JOIN LATERAL (
        SELECT k.prov_tipo, k.prov_id FROM ortes.reader AS k WHERE k.azi = a.azi
        UNION
        SELECT a.prov_tipo, a.prov_id WHERE a.prov_tipo IN ('S', 'A')
    ) AS e
    LEFT JOIN ortes.reader AS r
        ON a.azi = r.azi AND e.prov_tipo = r.prov_tipo AND e.prov_id IS NOT DISTINCT FROM r.prov_id
    WHERE a.azi = p_azi AND a.id_pub = p_id_pub
    ORDER BY e.prov_tipo DESC, e.prov_id NULLS FIRST
$order_readers$;

COMMENT ON FUNCTION ortes_ops.order_readers(text, bigint) IS
'What each reader has confirmed (the last ID-SINCRO; 0 = nothing yet) against the order with ID-PUB p_id_pub: up_to_date when that '
'includes its last change. prov_tipo: S store, A app; prov_id: which store or device. No row for an order that does not exist.';

-- sql/ortes_ops/revoke_access.sql
CREATE OR REPLACE FUNCTION ortes_ops.revoke_access(p_login text, p_azi text, p_device integer = NULL)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $revoke_access$
-- The login may be dropped already; what it was granted can still be taken back.
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF p_login IS NULL THEN
        PERFORM ortes.raise_bad_argument('p_login', p_login, 'the name of a login');
    END IF;
    DELETE FROM ortes.access AS a
    WHERE a.login = p_login AND a.azi = p_azi AND (p_device IS NULL OR a.device = p_device);
END
$revoke_access$;

COMMENT ON FUNCTION ortes_ops.revoke_access(text, text, integer) IS
'Takes back what grant_access gave p_login for company p_azi: its grant for device p_device, or (null) all of them. '
'A repeat changes nothing. Raises OR001, OR007.';

-- sql/ortes_ops/rewind_reader.sql
CREATE OR REPLACE FUNCTION ortes_ops.rewind_reader(p_azi text, p_prov_tipo text, p_id_sincro bigint, p_prov_id integer = NULL)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $rewind_reader$
-- For a resync that is wanted: the reader is shown again everything after p_id_sincro. Locks the company.
BEGIN
    PERFORM ortes.check_company(p_azi);
    PERFORM ortes.check_numbers('p_id_sincro', ARRAY[p_id_sincro], 0);
    PERFORM ortes.lock_company(p_azi);
    IF NOT EXISTS (
        SELECT FROM ortes.reader AS r
        WHERE r.azi = p_azi AND r.prov_tipo = p_prov_tipo AND r.prov_id IS NOT DISTINCT FROM p_prov_id
            AND r.id_sincro >= p_id_sincro
    ) THEN
        PERFORM ortes.raise_bad_argument('p_id_sincro', format('%s for reader %s %s', p_id_sincro, p_prov_tipo, p_prov_id),
            'at most the position of a reader that has confirmed (see ortes_ops.readers)');
    END IF;
    RETURN ortes.move_reader(p_azi, p_prov_tipo, p_prov_id, p_id_sincro);
END
$rewind_reader$;

COMMENT ON FUNCTION ortes_ops.rewind_reader(text, text, bigint, integer) IS
'Takes a reader''s kept position back to p_id_sincro; returns it. p_prov_tipo: S store, A app; p_prov_id: which store or device. '
'Raises OR001, OR007, 55P03.';

-- sql/ortes_ops/set_counter.sql
CREATE OR REPLACE FUNCTION ortes_ops.set_counter(p_azi text, p_contatore text, p_valore bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $set_counter$
-- For adopting an archive that has numbers already, and after a restore. Locks the company first;
-- that a counter never goes back, its trigger says.
DECLARE
    v_valore bigint;
BEGIN
    PERFORM ortes.check_company(p_azi);
    IF p_contatore IS NULL OR p_contatore NOT IN ('ID-PUB', 'ID-SINCRO') THEN
        PERFORM ortes.raise_bad_argument('p_contatore', p_contatore, 'ID-PUB or ID-SINCRO');
    END IF;
    IF (p_valore BETWEEN 0 AND 1000000000000000000) IS NOT TRUE THEN
        PERFORM ortes.raise_bad_argument('p_valore', p_valore::text, 'a number from 0 to 10^18, which leaves room to go on');
    END IF;
    PERFORM ortes.lock_company(p_azi);
    UPDATE ortes.apstatosyn AS s SET valore = p_valore
    WHERE s.azi = p_azi AND s.contatore = p_contatore
    RETURNING s.valore INTO v_valore;
    RETURN v_valore;
END
$set_counter$;

COMMENT ON FUNCTION ortes_ops.set_counter(text, text, bigint) IS
'Moves counter p_contatore (ID-PUB or ID-SINCRO) forward, so that the next number is p_valore + 1; returns the counter. '
'Raises OR001, OR004 (it would go back), OR007, 55P03.';

-- sql/ortes_ops/counters.sql
CREATE OR REPLACE VIEW ortes_ops.counters AS
SELECT
    s.azi,
    s.contatore,
    s.valore
FROM ortes.apstatosyn AS s;

COMMENT ON VIEW ortes_ops.counters IS 'Per company and counter (ID-PUB, ID-SINCRO): the last number given out.';

-- sql/ortes_ops/holders.sql
CREATE OR REPLACE VIEW ortes_ops.holders AS
SELECT
    c.azi,
    l.pid,
    l.granted AS holds,
    a.usename AS login,
    a.application_name,
    a.client_addr,
    a.state,
    a.xact_start,
    a.query
FROM pg_catalog.pg_locks AS l
INNER JOIN ortes.company AS c ON l.objid::bigint = hashtext(c.azi)::bigint & 4294967295
LEFT JOIN pg_catalog.pg_stat_activity AS a ON l.pid = a.pid
WHERE l.locktype = 'advisory'
    AND l.classid = 1330795589
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database());

COMMENT ON VIEW ortes_ops.holders IS
'Per company: the session that holds it (holds) and those that wait for it, by pid. State and query are shown to members of '
'pg_monitor. A holder that is idle in transaction can be ended with pg_terminate_backend(pid).';

-- sql/ortes_ops/orders.sql
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

-- sql/ortes_ops/readers.sql
CREATE OR REPLACE VIEW ortes_ops.readers AS
SELECT
    r.azi,
    r.prov_tipo,
    r.prov_id,
    r.id_sincro AS position,
    r.confirmed_at,
    l.rows AS lag_rows,
    coalesce(extract(EPOCH FROM now() - l.oldest), 0)::double precision AS lag_seconds
FROM ortes.reader AS r
CROSS JOIN LATERAL (
    SELECT
        count(*) AS rows,
        min(a.updated_at) AS oldest
    FROM ortes.arportes AS a
    WHERE a.azi = r.azi AND a.id_sincro > r.id_sincro AND a.id_sincro > 0
) AS l;

COMMENT ON VIEW ortes_ops.readers IS
'Per reader that has confirmed anything (prov_tipo S store, A app; prov_id the store or device): its position, '
'the changed orders beyond it, and how many seconds ago the oldest of those changed.';

-- sql/ortes_ops/status.sql
CREATE OR REPLACE VIEW ortes_ops.status AS
SELECT
    c.azi,
    o.orders,
    p.pending,
    coalesce(extract(EPOCH FROM now() - p.oldest), 0)::double precision AS oldest_pending_seconds,
    i.valore AS id_pub,
    s.valore AS id_sincro
FROM ortes.company AS c
INNER JOIN ortes.apstatosyn AS i ON c.azi = i.azi AND i.contatore = 'ID-PUB'
INNER JOIN ortes.apstatosyn AS s ON c.azi = s.azi AND s.contatore = 'ID-SINCRO'
CROSS JOIN LATERAL (
    SELECT count(*) AS orders FROM ortes.arportes AS a WHERE a.azi = c.azi
) AS o
CROSS JOIN LATERAL (
    SELECT
        count(*) AS pending,
        min(a.created_at) AS oldest
    FROM ortes.arportes AS a
    WHERE a.azi = c.azi AND NOT a.ack_gest
) AS p;

COMMENT ON VIEW ortes_ops.status IS
'Per company: its orders, those the ERP does not have yet, the age in seconds of the oldest of them, '
'and the last ID-PUB and ID-SINCRO given out.';

-- sql/ortes_store/changes.sql
CREATE OR REPLACE FUNCTION ortes_store.changes(
    p_azi text,
    p_since bigint = NULL,
    p_limit integer = 1000,
    p_store integer = NULL
)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
ROWS 1000
AS $changes$
-- What the ERP changed since: the last id_sincro of one answer is p_since of the next call.
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN QUERY SELECT c.* FROM ortes.changes(p_azi, 'S', p_store, p_since, p_limit) AS c;
END
$changes$;

COMMENT ON FUNCTION ortes_store.changes(text, bigint, integer, integer) IS
'Orders that the ERP changed after p_since (an ID-SINCRO), in the order of their ID-SINCRO, at most p_limit (1 to 10000). '
'p_since null: after the position this store confirmed last. None is ever missed. Raises OR001, OR003, OR007, OR008.';

-- sql/ortes_store/confirm.sql
CREATE OR REPLACE FUNCTION ortes_store.confirm(p_azi text, p_id_sincro bigint, p_store integer = NULL)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $confirm$
-- The store says up to where it has dealt with what changes returned.
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.confirm(p_azi, 'S', p_store, p_id_sincro);
END
$confirm$;

COMMENT ON FUNCTION ortes_store.confirm(text, bigint, integer) IS
'Moves the store''s kept position forward to p_id_sincro, never back; returns the position. Raises OR001, OR003, OR007, OR008, 55P03.';

-- sql/ortes_store/import_order.sql
CREATE OR REPLACE FUNCTION ortes_store.import_order(p_azi text, p_id_pub bigint)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $import_order$
-- The store says that it has the order.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.import_orders(p_azi, 'S', ARRAY[p_id_pub]) > 0;
END
$import_order$;

COMMENT ON FUNCTION ortes_store.import_order(text, bigint) IS
'The store has the order with ID-PUB p_id_pub now: ACK-STORE. True where that was new. Raises OR001, OR002, OR003, OR007, 55P03.';

-- sql/ortes_store/import_orders.sql
CREATE OR REPLACE FUNCTION ortes_store.import_orders(p_azi text, p_id_pubs bigint [])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $import_orders$
-- The store says that it has these orders: all of them, or none.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.import_orders(p_azi, 'S', p_id_pubs);
END
$import_orders$;

COMMENT ON FUNCTION ortes_store.import_orders(text, bigint []) IS
'import_order for an array of public ids, at most 10000; returns on how many it was new. All or nothing. '
'Raises OR001, OR002, OR003, OR007, 55P03.';

-- sql/ortes_store/position.sql
CREATE OR REPLACE FUNCTION ortes_store.position(p_azi text, p_store integer = NULL)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $position$
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.position(p_azi, 'S', p_store);
END
$position$;

COMMENT ON FUNCTION ortes_store.position(text, integer) IS
'The ID-SINCRO that the store confirmed last; 0 = none yet. Raises OR001, OR003, OR007.';

-- sql/ortes_store/save_order.sql
CREATE OR REPLACE FUNCTION ortes_store.save_order(
    p_azi text,
    p_id_int bigint,
    p_autore_cod bigint = 0,
    p_dati jsonb = NULL,
    p_store integer = NULL
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $save_order$
-- The store saves an order that a customer placed. Repeat it until it answers.
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN ortes.save_order(p_azi, 'S', p_store, 'C', p_id_int, p_autore_cod, nullif(p_dati, 'null'));
END
$save_order$;

COMMENT ON FUNCTION ortes_store.save_order(text, bigint, bigint, jsonb, integer) IS
'Saves the store''s order and returns its ID-PUB. p_id_int: the order''s id in the store; p_autore_cod: the customer''s code, '
'0 = not known to the ERP; p_dati: its content; p_store: which store, null where there is one. A repeat with the same content '
'returns the same ID-PUB and writes nothing. Raises OR001, OR003, OR006 (other content), OR007, 55P03.';

-- sql/ortes_store/save_orders.sql
CREATE OR REPLACE FUNCTION ortes_store.save_orders(p_azi text, p_orders jsonb, p_store integer = NULL)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $save_orders$
-- The store saves several orders in one call: all of them, or none.
BEGIN
    IF p_store < 1 THEN
        PERFORM ortes.check_numbers('p_store', ARRAY[p_store], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi);
    RETURN QUERY SELECT s.* FROM ortes.save_elements(p_azi, 'S', p_store, 'C', p_orders) AS s;
END
$save_orders$;

COMMENT ON FUNCTION ortes_store.save_orders(text, jsonb, integer) IS
'save_order for an array of {id_int, autore_cod, dati}, at most 10000; one row an element, in their order. All or nothing. '
'Raises OR001, OR003, OR006, OR007 (naming element and key), 55P03.';

-- sql/ortes_app/changes.sql
CREATE OR REPLACE FUNCTION ortes_app.changes(
    p_azi text,
    p_device integer,
    p_since bigint = NULL,
    p_limit integer = 1000
)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
ROWS 1000
AS $changes$
-- What the ERP changed since: the last id_sincro of one answer is p_since of the next call.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN QUERY SELECT c.* FROM ortes.changes(p_azi, 'A', p_device, p_since, p_limit) AS c;
END
$changes$;

COMMENT ON FUNCTION ortes_app.changes(text, integer, bigint, integer) IS
'Orders that the ERP changed after p_since (an ID-SINCRO), in the order of their ID-SINCRO, at most p_limit (1 to 10000). '
'p_since null: after the position this device confirmed last. None is ever missed. Raises OR001, OR003, OR007, OR008.';

-- sql/ortes_app/confirm.sql
CREATE OR REPLACE FUNCTION ortes_app.confirm(p_azi text, p_device integer, p_id_sincro bigint)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $confirm$
-- The device says up to where it has dealt with what changes returned.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.confirm(p_azi, 'A', p_device, p_id_sincro);
END
$confirm$;

COMMENT ON FUNCTION ortes_app.confirm(text, integer, bigint) IS
'Moves the device''s kept position forward to p_id_sincro, never back; returns the position. Raises OR001, OR003, OR007, OR008, 55P03.';

-- sql/ortes_app/import_order.sql
CREATE OR REPLACE FUNCTION ortes_app.import_order(p_azi text, p_device integer, p_id_pub bigint)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $import_order$
-- The device says that it has the order.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.import_orders(p_azi, 'A', ARRAY[p_id_pub]) > 0;
END
$import_order$;

COMMENT ON FUNCTION ortes_app.import_order(text, integer, bigint) IS
'The device has the order with ID-PUB p_id_pub now: ACK-APP. True where that was new. Raises OR001, OR002, OR003, OR007, 55P03.';

-- sql/ortes_app/import_orders.sql
CREATE OR REPLACE FUNCTION ortes_app.import_orders(p_azi text, p_device integer, p_id_pubs bigint [])
RETURNS integer
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $import_orders$
-- The device says that it has these orders: all of them, or none.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.import_orders(p_azi, 'A', p_id_pubs);
END
$import_orders$;

COMMENT ON FUNCTION ortes_app.import_orders(text, integer, bigint []) IS
'import_order for an array of public ids, at most 10000; returns on how many it was new. All or nothing. '
'Raises OR001, OR002, OR003, OR007, 55P03.';

-- sql/ortes_app/position.sql
CREATE OR REPLACE FUNCTION ortes_app.position(p_azi text, p_device integer)
RETURNS bigint
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $position$
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.position(p_azi, 'A', p_device);
END
$position$;

COMMENT ON FUNCTION ortes_app.position(text, integer) IS
'The ID-SINCRO that the device confirmed last; 0 = none yet. Raises OR001, OR003, OR007.';

-- sql/ortes_app/save_order.sql
CREATE OR REPLACE FUNCTION ortes_app.save_order(
    p_azi text,
    p_device integer,
    p_id_int bigint,
    p_autore_cod bigint = 0,
    p_dati jsonb = NULL
)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $save_order$
-- The device saves an order that its user placed. Repeat it until it answers.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN ortes.save_order(p_azi, 'A', p_device, 'T', p_id_int, p_autore_cod, nullif(p_dati, 'null'));
END
$save_order$;

COMMENT ON FUNCTION ortes_app.save_order(text, integer, bigint, bigint, jsonb) IS
'Saves the device''s order and returns its ID-PUB. p_id_int: the order''s id in the device; p_autore_cod: the user''s code, '
'0 = not known to the ERP; p_dati: its content. A repeat with the same content '
'returns the same ID-PUB and writes nothing. Raises OR001, OR003, OR006 (other content), OR007, 55P03.';

-- sql/ortes_app/save_orders.sql
CREATE OR REPLACE FUNCTION ortes_app.save_orders(p_azi text, p_device integer, p_orders jsonb)
RETURNS TABLE (id_int bigint, id_pub bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $save_orders$
-- The device saves several orders in one call: all of them, or none.
BEGIN
    IF (p_device >= 1) IS NOT TRUE THEN
        PERFORM ortes.check_numbers('p_device', ARRAY[p_device], 1);
    END IF;
    PERFORM ortes.check_caller(p_azi, p_device);
    RETURN QUERY SELECT s.* FROM ortes.save_elements(p_azi, 'A', p_device, 'T', p_orders) AS s;
END
$save_orders$;

COMMENT ON FUNCTION ortes_app.save_orders(text, integer, jsonb) IS
'save_order for an array of {id_int, autore_cod, dati}, at most 10000; one row an element, in their order. All or nothing. '
'Raises OR001, OR003, OR006, OR007 (naming element and key), 55P03.';

-- sql/ortes_erp/acquire_order.sql
CREATE OR REPLACE FUNCTION ortes_erp.acquire_order(p_azi text, p_id_pub bigint, p_tor_chia text)
RETURNS bigint
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $acquire_order$
-- The ERP has the order. Repeat it until it answers.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    RETURN (SELECT q.id_sincro FROM ortes.acquire_orders(p_azi, ARRAY[p_id_pub], ARRAY[p_tor_chia]) AS q);
END
$acquire_order$;

COMMENT ON FUNCTION ortes_erp.acquire_order(text, bigint, text) IS
'The ERP has the order with ID-PUB p_id_pub under its key p_tor_chia (1 to 200 characters): sets TOR-CHIA and ACK-GEST and '
'returns the new ID-SINCRO. A repeat changes nothing and returns the current one. Raises OR001, OR002, OR003, '
'OR004 (acquired under another key), OR005 (that key is another order''s), OR007, 55P03.';

-- sql/ortes_erp/acquire_orders.sql
CREATE OR REPLACE FUNCTION ortes_erp.acquire_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $acquire_orders$
-- The ERP has these orders: all of them, or none.
DECLARE
    v_id_pubs bigint[];
    v_tor_chias text[];
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_elements(p_orders, '{"id_pub": "integer", "tor_chia": "text"}');
    SELECT coalesce(array_agg(nullif(e.value -> 'id_pub', 'null')::bigint ORDER BY e.ord), '{}'),
        coalesce(array_agg(e.value ->> 'tor_chia' ORDER BY e.ord), '{}')
    INTO v_id_pubs, v_tor_chias
    FROM jsonb_array_elements(p_orders) WITH ORDINALITY AS e (value, ord);
    RETURN QUERY SELECT q.* FROM ortes.acquire_orders(p_azi, v_id_pubs, v_tor_chias) AS q;
END
$acquire_orders$;

COMMENT ON FUNCTION ortes_erp.acquire_orders(text, jsonb) IS
'acquire_order for an array of {id_pub, tor_chia}, at most 10000; one row an element, in their order. All or nothing. '
'Raises OR001, OR002, OR003, OR004, OR005, OR007 (naming element and key), 55P03.';

-- sql/ortes_erp/create_order.sql
CREATE OR REPLACE FUNCTION ortes_erp.create_order(p_azi text, p_id_pub bigint, p_autore_cod bigint)
RETURNS void
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $create_order$
-- The ERP is creating the order in AREA and knows its author by now. Locks the company first,
-- like every writer. Once the order is acquired, a late repeat must not undo an export.
DECLARE
    v_order record;
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_numbers('p_id_pub', ARRAY[p_id_pub], 1);
    PERFORM ortes.check_numbers('p_autore_cod', ARRAY[p_autore_cod], 0);
    PERFORM ortes.lock_company(p_azi);
    SELECT a.autore_cod, a.ack_gest INTO v_order
    FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
    IF NOT FOUND THEN
        PERFORM ortes.raise_unknown_order(p_azi, p_id_pub);
    ELSIF v_order.autore_cod = p_autore_cod THEN
        RETURN;
    ELSIF v_order.ack_gest THEN
        PERFORM ortes.raise_not_allowed(p_azi, p_id_pub, 'the ERP has it already, with another author',
            'Change the author with export_order and p_autore_cod.');
    END IF;
    UPDATE ortes.arportes AS a SET autore_cod = p_autore_cod WHERE a.azi = p_azi AND a.id_pub = p_id_pub;
END
$create_order$;

COMMENT ON FUNCTION ortes_erp.create_order(text, bigint, bigint) IS
'Writes the author''s code (p_autore_cod) of the order with ID-PUB p_id_pub while the ERP creates it; ID-SINCRO stays. '
'A repeat writes nothing. Raises OR001, OR002, OR003, OR004 (acquired with another author), OR007, 55P03.';

-- sql/ortes_erp/export_order.sql
CREATE OR REPLACE FUNCTION ortes_erp.export_order(
    p_azi text,
    p_tor_chia text,
    p_conferma text = NULL,
    p_autore_cod bigint = NULL,
    p_dati jsonb = NULL,
    p_id_pub bigint = NULL,
    p_if_sincro bigint = NULL
)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $export_order$
-- The ERP exports an order. Repeat it until it answers.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    RETURN QUERY
    SELECT x.* FROM ortes.export_orders(p_azi, ARRAY[p_tor_chia], ARRAY[p_conferma], ARRAY[p_autore_cod], ARRAY[nullif(p_dati, 'null')],
        ARRAY[p_id_pub], ARRAY[p_if_sincro]) AS x;
END
$export_order$;

COMMENT ON FUNCTION ortes_erp.export_order(text, text, text, bigint, jsonb, bigint, bigint) IS
'The ERP exports its order p_tor_chia and gets its numbers. With p_id_pub: an order that the hub has, changed; p_conferma, '
'p_autore_cod, p_dati null leave what is there; p_if_sincro: only if its ID-SINCRO is still this one. Without: a new order of the '
'ERP. A repeat changes nothing and returns the current numbers. Raises OR001, OR002, OR003, OR004 (not acquired, or under another '
'key), OR005 (that key is a store or app order''s), OR006 (new order repeated with other content), OR007, OR009 (p_if_sincro), 55P03.';

-- sql/ortes_erp/export_orders.sql
CREATE OR REPLACE FUNCTION ortes_erp.export_orders(p_azi text, p_orders jsonb)
RETURNS TABLE (id_pub bigint, id_sincro bigint)
LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
AS $export_orders$
-- The ERP exports several orders in one call: all of them, or none.
DECLARE
    v record;
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_elements(p_orders, '{"tor_chia": "text", "conferma": "text", "autore_cod": "integer",'
        ' "dati": "any", "id_pub": "integer", "if_sincro": "integer"}');
    SELECT coalesce(array_agg(e.value ->> 'tor_chia' ORDER BY e.ord), '{}') AS tor_chias,
        coalesce(array_agg(e.value ->> 'conferma' ORDER BY e.ord), '{}') AS confermas,
        coalesce(array_agg(nullif(e.value -> 'autore_cod', 'null')::bigint ORDER BY e.ord), '{}') AS autore_cods,
        coalesce(array_agg(nullif(e.value -> 'dati', 'null') ORDER BY e.ord), '{}') AS datis,
        coalesce(array_agg(nullif(e.value -> 'id_pub', 'null')::bigint ORDER BY e.ord), '{}') AS id_pubs,
        coalesce(array_agg(nullif(e.value -> 'if_sincro', 'null')::bigint ORDER BY e.ord), '{}') AS if_sincros
    INTO v
    FROM jsonb_array_elements(p_orders) WITH ORDINALITY AS e (value, ord);
    RETURN QUERY
    SELECT x.* FROM ortes.export_orders(p_azi, v.tor_chias, v.confermas, v.autore_cods, v.datis, v.id_pubs, v.if_sincros) AS x;
END
$export_orders$;

COMMENT ON FUNCTION ortes_erp.export_orders(text, jsonb) IS
'export_order for an array of {tor_chia, conferma, autore_cod, dati, id_pub, if_sincro}, at most 10000; one row an element, in their '
'order. All or nothing. Raises what export_order raises, OR007 naming element and key.';

-- sql/ortes_erp/pending.sql
CREATE OR REPLACE FUNCTION ortes_erp.pending(p_azi text, p_limit integer = 1000)
RETURNS SETOF ortes.orders
LANGUAGE plpgsql
STABLE
PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
ROWS 1000
AS $pending$
-- What the ERP has still to acquire.
BEGIN
    PERFORM ortes.check_caller(p_azi);
    PERFORM ortes.check_limit(p_limit);
    RETURN QUERY
    SELECT o.* FROM ortes_ops.orders AS o
    WHERE o.azi = p_azi AND NOT o.ack_gest
    ORDER BY o.id_pub
    LIMIT p_limit;
END
$pending$;

COMMENT ON FUNCTION ortes_erp.pending(text, integer) IS
'Orders that the ERP does not have yet, by ID-PUB, at most p_limit (1 to 10000). Raises OR001, OR003, OR007.';

DELETE FROM ortes_deploy.object WHERE kind <> 'migration';
INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256)
SELECT c.kind, c.schema, c.name, f.file, f.sha256
FROM (
-- What is in the hub's schemas, with a fingerprint of each object: its definition, owner, privileges and comment.
-- A grant to a role that is not the hub's is an object too: it is nobody's of sql/, and must not hide behind the others.
-- Run under session.sql, because how PostgreSQL writes a definition depends on settings. Takes no lock that anybody
-- would notice, and works on a standby. `file` is where sql/ keeps the object, by the convention folder = schema,
-- file = name; a trigger stands in the file of its function, and privileges.sql decides about schemas and tables.
WITH
schemas AS (
    SELECT
        n.oid,
        n.xmin AS version,
        n.nspname,
        n.nspowner,
        n.nspacl
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname IN ('ortes', 'ortes_ops', 'ortes_store', 'ortes_app', 'ortes_erp')
),

objects AS (
    SELECT
        'function' AS kind,
        n.nspname AS schema,
        p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name,
        n.nspname || '/' || p.proname || '.sql' AS file,
        p.xmin AS version,
        CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE pg_catalog.pg_get_functiondef(p.oid) END AS definition,
        NULL::oid AS relation,
        p.proowner AS owner,
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl,
        pg_catalog.obj_description(p.oid, 'pg_proc') AS comment
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_proc AS p ON n.oid = p.pronamespace

    UNION ALL

    SELECT
        'view',
        n.nspname,
        c.relname,
        n.nspname || '/' || c.relname || '.sql',
        r.xmin,
        concat_ws(' ', pg_catalog.pg_get_viewdef(c.oid), c.reloptions::text),
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        pg_catalog.obj_description(c.oid, 'pg_class')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('v', 'm')
    INNER JOIN pg_catalog.pg_rewrite AS r ON c.oid = r.ev_class AND r.rulename = '_RETURN'

    UNION ALL

    SELECT
        'trigger',
        n.nspname,
        t.tgname || ' on ' || c.relname,
        f.nspname || '/' || p.proname || '.sql',
        t.xmin,
        pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text,
        NULL,
        c.relowner,
        NULL,
        pg_catalog.obj_description(t.oid, 'pg_trigger')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace
    INNER JOIN pg_catalog.pg_trigger AS t ON c.oid = t.tgrelid AND NOT t.tgisinternal
    INNER JOIN pg_catalog.pg_proc AS p ON t.tgfoid = p.oid
    INNER JOIN pg_catalog.pg_namespace AS f ON p.pronamespace = f.oid

    UNION ALL

    SELECT
        'table',
        n.nspname,
        c.relname,
        'privileges.sql',
        c.xmin,
        '',
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        NULL
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('r', 'p')

    UNION ALL

    SELECT
        'schema',
        n.nspname,
        n.nspname,
        'privileges.sql',
        n.version,
        '',
        NULL,
        n.nspowner,
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
        NULL
    FROM schemas AS n
),

grants AS (
    SELECT
        o.kind,
        o.schema,
        o.name,
        g.grantee IN (0, o.owner) OR r.rolname IN ('ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor')
            AS ours,
        coalesce(r.rolname, 'PUBLIC')::text COLLATE "C" AS grantee,
        (g.privilege_type || g.part || CASE WHEN g.is_grantable THEN '*' ELSE '' END) COLLATE "C" AS privilege
    FROM objects AS o
    CROSS JOIN LATERAL (
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            '' AS part
        FROM pg_catalog.aclexplode(o.acl) AS e
        UNION ALL
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            ' (' || a.attname || ')'
        FROM pg_catalog.pg_attribute AS a
        CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e
        WHERE a.attrelid = o.relation
    ) AS g
    LEFT JOIN pg_catalog.pg_roles AS r ON g.grantee = r.oid
)

SELECT
    o.kind,
    o.schema::text,
    o.name::text,
    o.file::text,
    o.version,
    md5(concat_ws(E'\n', o.definition, pg_catalog.pg_get_userbyid(o.owner), g.acl, coalesce(o.comment, '')))
        AS fingerprint
FROM objects AS o
CROSS JOIN LATERAL (
    -- By name and in order: the same grants given in another order, or by another grantor, are the same.
    SELECT coalesce(string_agg(DISTINCT a.said, ',' ORDER BY a.said), '') AS acl
    FROM (
        SELECT g.grantee || '=' || g.privilege AS said
        FROM grants AS g
        WHERE g.ours AND (g.kind, g.schema, g.name) = (o.kind, o.schema, o.name)
    ) AS a
) AS g

UNION ALL

SELECT
    'grant',
    '',
    format(
        '%s on %s %s to %s',
        string_agg(DISTINCT g.privilege, ', '), g.kind, concat_ws('.', nullif(g.schema, g.name), g.name), g.grantee
    ),
    'privileges.sql',
    NULL,
    ''
FROM grants AS g
WHERE NOT g.ours
GROUP BY g.kind, g.schema, g.name, g.grantee
) AS c
INNER JOIN (VALUES
    ('ortes/acquire_orders.sql', 'acf6d7c1ea8806a5c6ae426fec889f38134d8f32134c1d65b99d0368e3052a50'),
    ('ortes/changes.sql', 'e8f5df2ab976397d22224e9c2073735b8be857ecbec26daa8056782345635b6a'),
    ('ortes/check_acquire.sql', '772c7fa96a1a21746c54f16924b638c3b9f2787d1c804442d6d6465ed5d3f591'),
    ('ortes/check_azi.sql', '791a0010170551d0ddaaecc1b875460a6b2df375180287206337e1b81fe43a6a'),
    ('ortes/check_caller.sql', '2c831075c77f2128c975af0c48a9e5601fc504bb5041a977f9d8caacdf9d397b'),
    ('ortes/check_company.sql', '9890da94f82e6a52f94d597ec9e6a70f31a938c4c95d4ee3c93cff9317c2e8db'),
    ('ortes/check_elements.sql', '004c5dd27cf9cfda0c3770ac6d6bb871161da91bbde86718f459cb94f5872b78'),
    ('ortes/check_export.sql', 'ad20611528a4b0f977e705e842fc1d92d4cc3b51732249dae217f4e4dff1e81c'),
    ('ortes/check_limit.sql', '4e4b6c1d845b574b88ca7cb2faa6da298172548419c49464c974734110874872'),
    ('ortes/check_numbers.sql', '3c940dfef08fab7b4c839568ef2c2ea6f7fc3f1f4c2db4f5deb0691cf1ff4098'),
    ('ortes/check_position.sql', '3bd929b62da433a005792b36d09bcf2c71131004e5ae367993e6949ca421e3f3'),
    ('ortes/check_texts.sql', 'ad69d850aaf0dd69a29f7cfc4e654046bc62da20a5a3e54a353f949edf3d1252'),
    ('ortes/confirm.sql', '555818bbcc7502c6424732071947ea2740612926104a0263e3d05c2b2a43fc04'),
    ('ortes/content_digest.sql', '729dac4bb431880a812be1f74891877281bc4c25ace887650d3b66c364f01b63'),
    ('ortes/export_changes.sql', '8a39fe0011961d79406028c2a76b13f9555c9516dcd56b301ae2a477258c2c12'),
    ('ortes/export_orders.sql', '0eeaece9f27f74075f9ac6f127bcf25baaef5fb4d772d755a3b775a0e99b4da8'),
    ('ortes/find_order.sql', '544362207dd6407a41486c2bdac63a12c09742f92b1d87cbf76fb3df821524ce'),
    ('ortes/import_orders.sql', '303967578fc0d30d548fd0f96e295aec4b9ca5fb5591f760cece87c480370abc'),
    ('ortes/lock_company.sql', 'df68149583e34e7c46089276ef11049adb027433f7193e5b5639559d155f9384'),
    ('ortes/move_reader.sql', '6a1a179ddda051af19097b462702b59aaff5cb6ef4b0c42f752dabef31435ced'),
    ('ortes/next_number.sql', '84c7adacef3ff9be023607eda7c9f197265afa286a0d00cc7794ce438db0835e'),
    ('ortes/number_setting.sql', 'c0fb7539066098e90e6c206fdbc287fdbebc7ffb13a79443e450e758479e2a65'),
    ('ortes/position.sql', '032fefe005d5e763ab53f41049e77c6f6cc545afe2589909e1f9c708f81763d4'),
    ('ortes/put_back_numbers.sql', '8150869fb45d8a8c66e6646a396f9515de783ecc5817ba24372ef02a46266735'),
    ('ortes/put_right_counter.sql', '9bf463935fbcd5b2391214ff0a57fb496230dfd7f7e5bc0457f45ae64032a1c8'),
    ('ortes/raise_bad_argument.sql', '8d34382e6def37d3ea6a1c2083e3a3cd0b6652d365ed34e8dd11db94df996095'),
    ('ortes/raise_bad_insert.sql', '4dbdfcbaf9f62b340c4257edc0f58fb2e3c61ce398c985b44d776c26392cbfe0'),
    ('ortes/raise_bad_update.sql', 'cbb50b8b4e5fbb980985f986199a49aacebcc4c5a7703aa73e5e35bb5d1c60e3'),
    ('ortes/raise_not_allowed.sql', 'aeca7cbf789a8451667953fe12a5504acc0040ce3218655fae0cd219d7249b13'),
    ('ortes/raise_other_content.sql', '275ee8148391598bc607cf22f3da0524ea572570701884a6f1f6050c5f3e1630'),
    ('ortes/raise_taken_tor_chia.sql', 'c9e0df9db872b48d99fee965c4da579416b58d36f2cab7c600fd7f05769eb0da'),
    ('ortes/raise_unknown_company.sql', '08f7ae33815fd69b43fc787bd8a9cc5b4c187ad758ee4fe884b06643ef58b536'),
    ('ortes/raise_unknown_order.sql', '6412dba16d38e4e658c30caa394851da0a3b9962214a2a807531e7724f796ea3'),
    ('ortes/same_content.sql', 'dbf6080c479d10f070ceada4d3f5ffc204e9702cb4b8b55d22472eb4818ccabb'),
    ('ortes/save_elements.sql', 'c352ddaa65f5a8330403fc5de2f4ea73b5187d640c9dd53b844a9285d085acdd'),
    ('ortes/save_order.sql', 'd773d85364e0cdb7665d515df983f020950741b56da42ff48bdb8b7a865fe0a7'),
    ('ortes/save_orders.sql', '319226530f3b5bcf59d93653347bdbb7d02bf70d4d83c01c0c24b4dee985e598'),
    ('ortes/try_lock_company.sql', '38258dd20a618decf38b54afa4f2d15084daa6038f5e8491af6249b33676b54b'),
    ('ortes/waiting_for.sql', '36029d760c52acd6b76eb4f914695bee8dcff0fccb00cc3fddc93a521c7e8e2e'),
    ('ortes/apstatosyn_fixed.sql', '8d795ba28f88b7790f3275b71d4f94562fad498e7d3edc0f069ba4bbd45691a0'),
    ('ortes/arportes_begin.sql', '0ee0a01bde87136a4faff569cc76ecc1de1b6c1cac3eac1ed983c2897878106c'),
    ('ortes/arportes_delete.sql', 'bc5a3bda49d074fa4e0ce3a7c0dfc92c3479038aa237584e5fae68f1c76d3955'),
    ('ortes/arportes_insert.sql', 'd028da78fbaf720ee105f6dd63ff94b0c8895650bd81581b437b7b7fa749e0c5'),
    ('ortes/arportes_inserted.sql', '95d3ffbee7ecde333d963ee82b883e2240dd9138a1fd087a086d19a8cc22d804'),
    ('ortes/arportes_update.sql', '360c0355521172f7d739234cc2f0059e67c9f7fb656331352b22486f4efa43c6'),
    ('ortes/arportes_updated.sql', 'e4faebe4981a0710b2d66e088f9d997116fb536184fd7def70311878454deb1b'),
    ('ortes/company_kept.sql', '2a927ff30827e314748f2fd1538a00af913728f856aba9fb63220aae9872aee3'),
    ('ortes_ops/create_company.sql', '96833eba133dee0279d25c289862d9a353c82e39d01216a4af3108aa2ce2f8de'),
    ('ortes_ops/find_order.sql', '05f276d8a2020f056c80f375d2e7563dceb315e4ee5282275d78aa746da273ab'),
    ('ortes_ops/grant_access.sql', 'deac10cdf6056d9aae2fb6e00af049c28b6eae8307ac348caaaa2acecc21e463'),
    ('ortes_ops/order_readers.sql', 'd865be7281b6efc3ef8a869476870b902cff4cc1f6970d4df179ab215dfe1852'),
    ('ortes_ops/revoke_access.sql', 'f809d5d84cd5c29af4702d5988be1e2455f3f5d607a67ff4d14e8978bbb14811'),
    ('ortes_ops/rewind_reader.sql', '6d719c0bc66c98f7f0daf2d45729f63990dae6e2f86320358dc3a6d6cfd9cb1c'),
    ('ortes_ops/set_counter.sql', 'c96b6053edb9608b11035180c7a7f3a7794d9d9a641f09ba8ebc46c1b3765b34'),
    ('ortes_ops/counters.sql', '03bca487599d2e63d640167d862a6e10b67f37f456c845c3150ff2ac2fd0aa9d'),
    ('ortes_ops/holders.sql', '4240dd8dc45501ed6045f3a2106244cea1bf80151b6cac8cb21e01be61e5bb7a'),
    ('ortes_ops/orders.sql', '671ead17f32925e0a68331b7317277f7922344f49c9c211f38716c9ec1ab10ac'),
    ('ortes_ops/readers.sql', '46d96bd81faf02be257f0a026e553396e4f185e36aa0fe935254239ecfeaa138'),
    ('ortes_ops/status.sql', '055117a6f95f0ed1381637da4c16923ce0a8927b4e856ee20ea53db62cd80f0d'),
    ('ortes_store/changes.sql', '4213fcbb017ffa76971881677120cca237b6f8a64734c9b75bab4bb3f02afec5'),
    ('ortes_store/confirm.sql', '9649c7f4a2d5192496af77c3928925184154d96b0ee36739a779d6bb926b219e'),
    ('ortes_store/import_order.sql', '450e20bfed171e73ba2641b991bf49006be76a2f38330b8880699c9e359dd6a5'),
    ('ortes_store/import_orders.sql', '79b737937da607a681334a0d95fa2d6791bd9f9d5268e2dde0206d7f521acdcb'),
    ('ortes_store/position.sql', '090bf1edab31013087224621b8725dcef6d8373c5d079017bcc35e65a25beb61'),
    ('ortes_store/save_order.sql', '1b0196672d0670bed34b6e3b43d330524ab16d7e2dd1418255414c972847c4c5'),
    ('ortes_store/save_orders.sql', '077c84682fb62b22d5ff66b847eeb0940df9aca6fdd3af3104d341586ea1b19f'),
    ('ortes_app/changes.sql', 'fd3f45576150813f2d982204281af8106ed52267b8fc7be0212cd5436142511c'),
    ('ortes_app/confirm.sql', 'f08db16a63060a4eb1ae91cc27ebd040934a1ae8196727a1ca2c7ca01c514a04'),
    ('ortes_app/import_order.sql', '53551475a21b3037a4fdb990082ef87b58a769d9f1ff5a388fc644aabba382d5'),
    ('ortes_app/import_orders.sql', '7a4a6de41cd5800270acf36d727af26f6e9a970f058f9e4a57ed572e86f10e75'),
    ('ortes_app/position.sql', '853c936da34050557990f961c83c84802c08dcf4cb7ab43417e44891164a176f'),
    ('ortes_app/save_order.sql', '98aa187f83b8fbbfd05475009b51508677967efe9ee6b0e474953e3612e5125e'),
    ('ortes_app/save_orders.sql', 'b6b150bbf9798e43b1a37baca6cc40172ad7aa11b62aafcf902615da54350014'),
    ('ortes_erp/acquire_order.sql', 'ba97957540ffed2074892fd9ea13ade1eeed1c7ae5876803f3daaffbea092c34'),
    ('ortes_erp/acquire_orders.sql', '1610b4210b599d9566627242fa084a3ac445b343a93f2039da1c83278b36c2b9'),
    ('ortes_erp/create_order.sql', '651b0481b36e2e675100f0a7224aa56e4a215e5666d42520f2139665692ddfe4'),
    ('ortes_erp/export_order.sql', '66045731e0bba0aab8ec0e3021345e731b58fe27f3d776d593e29c984c694483'),
    ('ortes_erp/export_orders.sql', '4bd370a816de4f7291bc91d147fb936ec1561186f99a1f49c0c247be9d21115c'),
    ('ortes_erp/pending.sql', 'bf917aee2ca138bb8c5e665c757adddb2bade0bb58f87ba3908ddf30d1321215')
) AS f (file, sha256) ON c.file = f.file
WHERE c.version = pg_current_xact_id()::xid;

-- sql/privileges.sql
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

GRANT SELECT ON ortes_ops.status, ortes_ops.readers, ortes_ops.counters, ortes_ops.holders TO ortes_monitor;
GRANT SELECT (
    azi, id_pub, tor_chia, conferma, id_int, ack_store, ack_gest, ack_app, prov_tipo, prov_id, autore_tipo, autore_cod,
    id_sincro, created_at, updated_at
) ON ortes_ops.orders TO ortes_monitor;
GRANT EXECUTE ON FUNCTION ortes_ops.find_order(text, bigint, text, bigint, text, integer),
ortes_ops.order_readers(text, bigint) TO ortes_monitor;

INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256)
SELECT 'file', '', f.file, f.file, f.sha256 FROM (VALUES
    ('privileges.sql', '1084ce31302eee7fdb4bd33505e2d5233959e5a9ad10e90e6e72dc633b8c2c82')
) AS f (file, sha256);
WITH now AS (
-- What is in the hub's schemas, with a fingerprint of each object: its definition, owner, privileges and comment.
-- A grant to a role that is not the hub's is an object too: it is nobody's of sql/, and must not hide behind the others.
-- Run under session.sql, because how PostgreSQL writes a definition depends on settings. Takes no lock that anybody
-- would notice, and works on a standby. `file` is where sql/ keeps the object, by the convention folder = schema,
-- file = name; a trigger stands in the file of its function, and privileges.sql decides about schemas and tables.
WITH
schemas AS (
    SELECT
        n.oid,
        n.xmin AS version,
        n.nspname,
        n.nspowner,
        n.nspacl
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname IN ('ortes', 'ortes_ops', 'ortes_store', 'ortes_app', 'ortes_erp')
),

objects AS (
    SELECT
        'function' AS kind,
        n.nspname AS schema,
        p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name,
        n.nspname || '/' || p.proname || '.sql' AS file,
        p.xmin AS version,
        CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE pg_catalog.pg_get_functiondef(p.oid) END AS definition,
        NULL::oid AS relation,
        p.proowner AS owner,
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl,
        pg_catalog.obj_description(p.oid, 'pg_proc') AS comment
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_proc AS p ON n.oid = p.pronamespace

    UNION ALL

    SELECT
        'view',
        n.nspname,
        c.relname,
        n.nspname || '/' || c.relname || '.sql',
        r.xmin,
        concat_ws(' ', pg_catalog.pg_get_viewdef(c.oid), c.reloptions::text),
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        pg_catalog.obj_description(c.oid, 'pg_class')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('v', 'm')
    INNER JOIN pg_catalog.pg_rewrite AS r ON c.oid = r.ev_class AND r.rulename = '_RETURN'

    UNION ALL

    SELECT
        'trigger',
        n.nspname,
        t.tgname || ' on ' || c.relname,
        f.nspname || '/' || p.proname || '.sql',
        t.xmin,
        pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text,
        NULL,
        c.relowner,
        NULL,
        pg_catalog.obj_description(t.oid, 'pg_trigger')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace
    INNER JOIN pg_catalog.pg_trigger AS t ON c.oid = t.tgrelid AND NOT t.tgisinternal
    INNER JOIN pg_catalog.pg_proc AS p ON t.tgfoid = p.oid
    INNER JOIN pg_catalog.pg_namespace AS f ON p.pronamespace = f.oid

    UNION ALL

    SELECT
        'table',
        n.nspname,
        c.relname,
        'privileges.sql',
        c.xmin,
        '',
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        NULL
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('r', 'p')

    UNION ALL

    SELECT
        'schema',
        n.nspname,
        n.nspname,
        'privileges.sql',
        n.version,
        '',
        NULL,
        n.nspowner,
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
        NULL
    FROM schemas AS n
),

grants AS (
    SELECT
        o.kind,
        o.schema,
        o.name,
        g.grantee IN (0, o.owner) OR r.rolname IN ('ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor')
            AS ours,
        coalesce(r.rolname, 'PUBLIC')::text COLLATE "C" AS grantee,
        (g.privilege_type || g.part || CASE WHEN g.is_grantable THEN '*' ELSE '' END) COLLATE "C" AS privilege
    FROM objects AS o
    CROSS JOIN LATERAL (
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            '' AS part
        FROM pg_catalog.aclexplode(o.acl) AS e
        UNION ALL
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            ' (' || a.attname || ')'
        FROM pg_catalog.pg_attribute AS a
        CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e
        WHERE a.attrelid = o.relation
    ) AS g
    LEFT JOIN pg_catalog.pg_roles AS r ON g.grantee = r.oid
)

SELECT
    o.kind,
    o.schema::text,
    o.name::text,
    o.file::text,
    o.version,
    md5(concat_ws(E'\n', o.definition, pg_catalog.pg_get_userbyid(o.owner), g.acl, coalesce(o.comment, '')))
        AS fingerprint
FROM objects AS o
CROSS JOIN LATERAL (
    -- By name and in order: the same grants given in another order, or by another grantor, are the same.
    SELECT coalesce(string_agg(DISTINCT a.said, ',' ORDER BY a.said), '') AS acl
    FROM (
        SELECT g.grantee || '=' || g.privilege AS said
        FROM grants AS g
        WHERE g.ours AND (g.kind, g.schema, g.name) = (o.kind, o.schema, o.name)
    ) AS a
) AS g

UNION ALL

SELECT
    'grant',
    '',
    format(
        '%s on %s %s to %s',
        string_agg(DISTINCT g.privilege, ', '), g.kind, concat_ws('.', nullif(g.schema, g.name), g.name), g.grantee
    ),
    'privileges.sql',
    NULL,
    ''
FROM grants AS g
WHERE NOT g.ours
GROUP BY g.kind, g.schema, g.name, g.grantee
)
, known AS (
    UPDATE ortes_deploy.object AS o SET fingerprint = now.fingerprint FROM now
    WHERE (o.kind, o.schema, o.name) = (now.kind, now.schema, now.name)
)
INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256, fingerprint)
SELECT now.kind, now.schema, now.name, now.file, '1084ce31302eee7fdb4bd33505e2d5233959e5a9ad10e90e6e72dc633b8c2c82', now.fingerprint
FROM now WHERE now.kind IN ('table', 'schema');

DO $leftovers$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN
        SELECT concat_ws(' ', c.kind, concat_ws('.', nullif(c.schema, ''), c.name))
          FROM (
-- What is in the hub's schemas, with a fingerprint of each object: its definition, owner, privileges and comment.
-- A grant to a role that is not the hub's is an object too: it is nobody's of sql/, and must not hide behind the others.
-- Run under session.sql, because how PostgreSQL writes a definition depends on settings. Takes no lock that anybody
-- would notice, and works on a standby. `file` is where sql/ keeps the object, by the convention folder = schema,
-- file = name; a trigger stands in the file of its function, and privileges.sql decides about schemas and tables.
WITH
schemas AS (
    SELECT
        n.oid,
        n.xmin AS version,
        n.nspname,
        n.nspowner,
        n.nspacl
    FROM pg_catalog.pg_namespace AS n
    WHERE n.nspname IN ('ortes', 'ortes_ops', 'ortes_store', 'ortes_app', 'ortes_erp')
),

objects AS (
    SELECT
        'function' AS kind,
        n.nspname AS schema,
        p.proname || '(' || pg_catalog.pg_get_function_identity_arguments(p.oid) || ')' AS name,
        n.nspname || '/' || p.proname || '.sql' AS file,
        p.xmin AS version,
        CASE p.prokind WHEN 'a' THEN 'aggregate' ELSE pg_catalog.pg_get_functiondef(p.oid) END AS definition,
        NULL::oid AS relation,
        p.proowner AS owner,
        coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner)) AS acl,
        pg_catalog.obj_description(p.oid, 'pg_proc') AS comment
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_proc AS p ON n.oid = p.pronamespace

    UNION ALL

    SELECT
        'view',
        n.nspname,
        c.relname,
        n.nspname || '/' || c.relname || '.sql',
        r.xmin,
        concat_ws(' ', pg_catalog.pg_get_viewdef(c.oid), c.reloptions::text),
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        pg_catalog.obj_description(c.oid, 'pg_class')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('v', 'm')
    INNER JOIN pg_catalog.pg_rewrite AS r ON c.oid = r.ev_class AND r.rulename = '_RETURN'

    UNION ALL

    SELECT
        'trigger',
        n.nspname,
        t.tgname || ' on ' || c.relname,
        f.nspname || '/' || p.proname || '.sql',
        t.xmin,
        pg_catalog.pg_get_triggerdef(t.oid) || ' ' || t.tgenabled::text,
        NULL,
        c.relowner,
        NULL,
        pg_catalog.obj_description(t.oid, 'pg_trigger')
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace
    INNER JOIN pg_catalog.pg_trigger AS t ON c.oid = t.tgrelid AND NOT t.tgisinternal
    INNER JOIN pg_catalog.pg_proc AS p ON t.tgfoid = p.oid
    INNER JOIN pg_catalog.pg_namespace AS f ON p.pronamespace = f.oid

    UNION ALL

    SELECT
        'table',
        n.nspname,
        c.relname,
        'privileges.sql',
        c.xmin,
        '',
        c.oid,
        c.relowner,
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)),
        NULL
    FROM schemas AS n
    INNER JOIN pg_catalog.pg_class AS c ON n.oid = c.relnamespace AND c.relkind IN ('r', 'p')

    UNION ALL

    SELECT
        'schema',
        n.nspname,
        n.nspname,
        'privileges.sql',
        n.version,
        '',
        NULL,
        n.nspowner,
        coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)),
        NULL
    FROM schemas AS n
),

grants AS (
    SELECT
        o.kind,
        o.schema,
        o.name,
        g.grantee IN (0, o.owner) OR r.rolname IN ('ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor')
            AS ours,
        coalesce(r.rolname, 'PUBLIC')::text COLLATE "C" AS grantee,
        (g.privilege_type || g.part || CASE WHEN g.is_grantable THEN '*' ELSE '' END) COLLATE "C" AS privilege
    FROM objects AS o
    CROSS JOIN LATERAL (
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            '' AS part
        FROM pg_catalog.aclexplode(o.acl) AS e
        UNION ALL
        SELECT
            e.grantee,
            e.privilege_type,
            e.is_grantable,
            ' (' || a.attname || ')'
        FROM pg_catalog.pg_attribute AS a
        CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) AS e
        WHERE a.attrelid = o.relation
    ) AS g
    LEFT JOIN pg_catalog.pg_roles AS r ON g.grantee = r.oid
)

SELECT
    o.kind,
    o.schema::text,
    o.name::text,
    o.file::text,
    o.version,
    md5(concat_ws(E'\n', o.definition, pg_catalog.pg_get_userbyid(o.owner), g.acl, coalesce(o.comment, '')))
        AS fingerprint
FROM objects AS o
CROSS JOIN LATERAL (
    -- By name and in order: the same grants given in another order, or by another grantor, are the same.
    SELECT coalesce(string_agg(DISTINCT a.said, ',' ORDER BY a.said), '') AS acl
    FROM (
        SELECT g.grantee || '=' || g.privilege AS said
        FROM grants AS g
        WHERE g.ours AND (g.kind, g.schema, g.name) = (o.kind, o.schema, o.name)
    ) AS a
) AS g

UNION ALL

SELECT
    'grant',
    '',
    format(
        '%s on %s %s to %s',
        string_agg(DISTINCT g.privilege, ', '), g.kind, concat_ws('.', nullif(g.schema, g.name), g.name), g.grantee
    ),
    'privileges.sql',
    NULL,
    ''
FROM grants AS g
WHERE NOT g.ours
GROUP BY g.kind, g.schema, g.name, g.grantee
) AS c
         WHERE NOT EXISTS (
                   SELECT FROM ortes_deploy.object AS o
                    WHERE (o.kind, o.schema, o.name) = (c.kind, c.schema, c.name))
         ORDER BY 1
    LOOP
        RAISE WARNING 'in the database, but not in this release: %', v_name;
    END LOOP;
END
$leftovers$;

COMMIT;
\echo ortes-db 0.1.0 is in place
