"""The manifest, ortes_deploy.object: SQL that `ortes deploy` runs and `ortes sql` writes down, so that both say the same."""

from importlib.resources import files
from typing import Any

import psycopg

from ortes_db.tree import Migration, SqlFile, Tree

# Deploys into one database take turns; transaction-level, so that nothing is left of it whatever happens.
DEPLOY_LOCK = 0x6F727465732D64

# (kind, schema, name)
Key = tuple[str, str, str]


def sql_text(name: str) -> str:
    """One of the package's own SQL files."""
    return (files("ortes_db") / name).read_text(encoding="utf-8")


CATALOG = sql_text("catalog.sql")
SESSION = sql_text("session.sql")
BOOKKEEPING = sql_text("bookkeeping.sql")


def lock_tables(migrations: list[Migration] | None) -> str:
    """Keep writers away from the start: later, when triggers are replaced, we would wait for them in the middle.

    Where a migration is pending (None: one is taken back), readers as well: a writer reads before it writes, and would
    wait for us while we wait for it. In the order in which the doors come by: view, orders, counters.
    """
    hashes = ", ".join(f"'{one.hash}'" for one in migrations or ())
    pending = "true"
    if migrations is not None:
        pending = (
            f"EXISTS (SELECT FROM unnest(ARRAY[{hashes}]::text[]) AS h (hash) WHERE NOT EXISTS ("
            "SELECT FROM ortes_deploy._yoyo_migration AS m WHERE m.migration_hash = h.hash))"
        )
    return f"""
DO $lock$
BEGIN
    IF to_regclass('ortes.arportes') IS NULL THEN
        RETURN;
    ELSIF {pending} THEN
        IF to_regclass('ortes_ops.orders') IS NOT NULL THEN
            LOCK TABLE ortes_ops.orders IN ACCESS EXCLUSIVE MODE;
        END IF;
        LOCK TABLE ortes.arportes IN ACCESS EXCLUSIVE MODE;
    ELSE
        LOCK TABLE ortes.arportes IN SHARE ROW EXCLUSIVE MODE;
    END IF;
    LOCK TABLE ortes.apstatosyn IN SHARE ROW EXCLUSIVE MODE;
END
$lock$;
"""


def record_migration(migration: Migration) -> str:
    """Remember a migration's content: yoyo remembers its name only."""
    return (
        "INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256)\n"
        f"VALUES ('migration', '', {quoted(migration.id)}, {quoted(migration.apply.path)}, "
        f"'{migration.apply.sha256}');\n"
    )


def record_objects(tree: Tree) -> str:
    """After the files of sql/ and before the privileges: what this very transaction made is what sql/ contains.

    PostgreSQL tells it by the version of each catalog row, exactly, overload by overload. What it left alone is a
    leftover: it stays out of the manifest, and so shows as extra.
    """
    return (
        "DELETE FROM ortes_deploy.object WHERE kind <> 'migration';\n"
        "INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256)\n"
        f"SELECT c.kind, c.schema, c.name, f.file, f.sha256\nFROM (\n{CATALOG}) AS c\n"
        f"INNER JOIN (VALUES\n{_values(tree.objects)}\n) AS f (file, sha256) ON c.file = f.file\n"
        "WHERE c.version = pg_current_xact_id()::xid;\n"
        if tree.objects
        else "DELETE FROM ortes_deploy.object WHERE kind <> 'migration';\n"
    )


def record_fingerprints(tree: Tree) -> str:
    """After the privileges: what everything looks like now."""
    ends = [file for file in tree.files if "/" not in file.path]
    digest = next((file.sha256 for file in ends if file.path == "privileges.sql"), "")
    text = (
        ""
        if not ends
        else (
            "INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256)\n"
            f"SELECT 'file', '', f.file, f.file, f.sha256 FROM (VALUES\n{_values(ends)}\n) AS f (file, sha256);\n"
        )
    )
    return text + (
        f"WITH now AS (\n{CATALOG})\n"
        ", known AS (\n"
        "    UPDATE ortes_deploy.object AS o SET fingerprint = now.fingerprint FROM now\n"
        "    WHERE (o.kind, o.schema, o.name) = (now.kind, now.schema, now.name)\n"
        ")\n"
        "INSERT INTO ortes_deploy.object (kind, schema, name, file, file_sha256, fingerprint)\n"
        f"SELECT now.kind, now.schema, now.name, now.file, '{digest}', now.fingerprint\n"
        "FROM now WHERE now.kind IN ('table', 'schema');\n"
    )


def catalog(connection: psycopg.Connection[Any]) -> dict[Key, tuple[str, str]]:
    """What is in the hub's schemas now: file and fingerprint of each object. Under session.sql."""
    rows = connection.execute(CATALOG).fetchall()
    return {(kind, schema, name): (file, fingerprint) for kind, schema, name, file, _, fingerprint in rows}


def recorded(connection: psycopg.Connection[Any]) -> dict[Key, tuple[str, str, str | None, int]]:
    """What the last deploy recorded: file, its sha256, fingerprint, major version of the server."""
    rows = connection.execute(
        "SELECT kind, schema, name, file, file_sha256, fingerprint, taken_on FROM ortes_deploy.object"
    ).fetchall()
    return {
        (kind, schema, name): (file, digest, print_, major) for kind, schema, name, file, digest, print_, major in rows
    }


def title(key: Key) -> str:
    """An object, as people name it."""
    kind, schema, name = key
    return f"{kind} {schema}.{name}" if schema and kind != "schema" else f"{kind} {name}"


def _values(listed: list[SqlFile]) -> str:
    return ",\n".join(f"    ({quoted(file.path)}, '{file.sha256}')" for file in listed)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
