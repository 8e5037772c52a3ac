"""`script`: what `deploy` does, as one file for psql."""

from pathlib import Path

from ortes_db import __version__
from ortes_db.manifest import (
    BOOKKEEPING,
    CATALOG,
    DEPLOY_LOCK,
    SESSION,
    lock_tables,
    quoted,
    record_fingerprints,
    record_migration,
    record_objects,
)
from ortes_db.tree import Migration, SqlFile, Tree, read_tree

_HEAD = """\
-- ortes-db {version}: installs the hub into the database that psql is connected to, or brings it to this release.
-- All or nothing, in one transaction; may be run again. Made by `ortes sql`; does what `ortes deploy` does.
--
--     psql -X -v ON_ERROR_STOP=1 -d DATABASE -f THIS_FILE
--
-- It gives up when the hub's tables stay locked by others for half a second: run it again then.

\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK off
\\encoding UTF8

BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
"""

_TAKE_TURN = f"""
SET LOCAL lock_timeout = '60s';
DO $turn$ BEGIN PERFORM pg_advisory_xact_lock({DEPLOY_LOCK}); END $turn$;
SET LOCAL lock_timeout = '500ms';
"""

_LEFTOVERS = """
DO $leftovers$
DECLARE
    v_name text;
BEGIN
    FOR v_name IN
        SELECT concat_ws(' ', c.kind, concat_ws('.', nullif(c.schema, ''), c.name))
          FROM (
{catalog}) AS c
         WHERE NOT EXISTS (
                   SELECT FROM ortes_deploy.object AS o
                    WHERE (o.kind, o.schema, o.name) = (c.kind, c.schema, c.name))
         ORDER BY 1
    LOOP
        RAISE WARNING 'in the database, but not in this release: %', v_name;
    END LOOP;
END
$leftovers$;
"""

_TAIL = """
COMMIT;
\\echo ortes-db {version} is in place
"""


def script(*, migrations: Path | None = None, sql: Path | None = None) -> str:
    """The whole installation, for a database that is empty or at any earlier release. Raises DeployError."""
    tree = read_tree(migrations, sql)
    return "".join(_parts(tree))


def _parts(tree: Tree) -> list[str]:
    body = [_statements(file) for file in tree.files if file.path != "privileges.sql"]
    privileges = [_statements(file) for file in tree.files if file.path == "privileges.sql"]
    return [
        _HEAD.format(version=__version__),
        SESSION,
        _TAKE_TURN,
        BOOKKEEPING,
        _check_history(tree),
        lock_tables(tree.migrations),
        "SET LOCAL search_path = ortes_deploy, pg_temp;\n",
        *map(_migration, tree.migrations),
        "SET LOCAL search_path = pg_catalog, pg_temp;\n",
        *body,
        "\n",
        record_objects(tree),
        *privileges,
        "\n",
        record_fingerprints(tree),
        _LEFTOVERS.replace("{catalog}", CATALOG),
        _TAIL.format(version=__version__),
    ]


def _statements(file: SqlFile) -> str:
    text = file.text.rstrip()
    return f"\n-- sql/{file.path}\n{text}\n" + ("" if text.endswith(";") else ";\n")


def _migration(migration: Migration) -> str:
    text = migration.apply.text.rstrip()
    return f"""
SELECT NOT EXISTS (
    SELECT FROM ortes_deploy._yoyo_migration AS m WHERE m.migration_hash = '{migration.hash}'
) AS ortes_pending \\gset
\\if :ortes_pending
\\echo migration {migration.id}
-- migrations/{migration.apply.path}
{text}
{"" if text.endswith(";") else ";"}
SET LOCAL ROLE ortes_owner;
INSERT INTO ortes_deploy._yoyo_log (id, migration_hash, migration_id, operation, username, hostname, created_at_utc)
VALUES (
    gen_random_uuid()::text, '{migration.hash}', {quoted(migration.id)}, 'apply', session_user,
    coalesce(host(inet_client_addr()), 'local'), clock_timestamp() AT TIME ZONE 'UTC'
);
INSERT INTO ortes_deploy._yoyo_migration (migration_hash, migration_id, applied_at_utc)
VALUES ('{migration.hash}', {quoted(migration.id)}, clock_timestamp() AT TIME ZONE 'UTC');
{record_migration(migration)}\\endif
"""


def _check_history(tree: Tree) -> str:
    """As deploy's: not over a later release, and not over migrations that were something else."""
    known = ",\n".join(f"    ({quoted(one.id)}, '{one.apply.sha256}')" for one in tree.migrations) or "    (NULL, NULL)"
    return f"""
DO $history$
DECLARE
    v_name text;
BEGIN
    WITH ours (name, sha256) AS (VALUES
{known}
    )
    SELECT m.migration_id INTO v_name
      FROM ortes_deploy._yoyo_migration AS m
     WHERE NOT EXISTS (SELECT FROM ours WHERE ours.name = m.migration_id);
    IF FOUND THEN
        RAISE EXCEPTION 'the database has a migration that this release does not know: %', v_name;
    END IF;
    WITH ours (name, sha256) AS (VALUES
{known}
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
"""
