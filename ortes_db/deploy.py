"""`deploy`: brings a database to this release, or leaves it exactly as it was."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from ortes_db.hub import Backend, Report, in_one_transaction, raise_located, run, yoyo_migrations
from ortes_db.manifest import (
    BOOKKEEPING,
    CATALOG,
    Key,
    catalog,
    lock_tables,
    record_fingerprints,
    record_migration,
    record_objects,
    recorded,
    title,
)
from ortes_db.tree import DeployError, Tree, read_tree

__all__ = ["DeployError", "DeployResult", "deploy"]

# Where yoyo finds its tables.
_YOYO_PATH = "SET LOCAL search_path = ortes_deploy, pg_temp"
_OUR_PATH = "SET LOCAL search_path = pg_catalog, pg_temp"


@dataclass
class DeployResult:
    """What a deploy changed, by name."""

    migrations: list[str] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    unchanged: int = 0
    # In the database, but not in sql/.
    leftovers: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Everything was as it should be."""
        return not (self.migrations or self.created or self.changed or self.dropped)


def deploy(
    dsn: str,
    *,
    migrations: Path | None = None,
    sql: Path | None = None,
    wait: float = 60,
    report: Callable[[str], None] | None = None,
) -> DeployResult:
    """Apply what is pending of migrations/, then all of sql/, in one transaction. Raises DeployError."""
    tree = read_tree(migrations, sql)
    say: Report = report or (lambda _: None)
    prepare = BOOKKEEPING + lock_tables(tree.migrations)
    return in_one_transaction(dsn, lambda hub: _deploy(hub, tree), prepare=prepare, wait=wait, report=say)


def check_history(tree: Tree, applied: dict[str, str], manifest: dict[Key, Any]) -> None:
    """Refuse a database of a later release, and one whose migrations are not what they were."""
    ours = {migration.hash: migration for migration in tree.migrations}
    if later := sorted(name for digest, name in applied.items() if digest not in ours):
        raise DeployError(
            f"the database has migrations that this release does not know: {', '.join(later)}. Use the release that "
            "applied them."
        )
    if edited := edited_migrations(tree, manifest):
        raise DeployError(
            f"migrations/{edited[0]}.sql is not what was applied to this database: put it back, and write a new one"
        )


def edited_migrations(tree: Tree, manifest: dict[Key, Any]) -> list[str]:
    """Migrations whose file is not what was applied."""
    shas = {name: row[1] for (kind, _, name), row in manifest.items() if kind == "migration"}
    return [one.id for one in tree.migrations if shas.get(one.id, one.apply.sha256) != one.apply.sha256]


def applied_migrations(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Applied migrations, the first one first: hash → id."""
    rows = connection.execute(
        "SELECT migration_hash, migration_id FROM ortes_deploy._yoyo_migration ORDER BY applied_at_utc, migration_id"
    ).fetchall()
    return dict(rows)


def _deploy(hub: Backend, tree: Tree) -> DeployResult:
    connection: psycopg.Connection[Any] = hub.connection
    if connection.execute("SELECT to_regnamespace('ortes_router') IS NOT NULL").fetchone() == (True,):
        raise DeployError("this database is a router: `ortes router deploy`")
    check_history(tree, applied_migrations(connection), recorded(connection))
    before = catalog(connection)
    result = DeployResult(migrations=_migrate(hub, tree))
    for file in tree.files:
        if file.path != "privileges.sql":
            run(hub, "sql", file)
    hub.send(record_objects(tree))
    _check_convention(connection, tree)
    for file in tree.files:
        if file.path == "privileges.sql":
            run(hub, "sql", file)
    hub.send(record_fingerprints(tree))
    _compare(result, before, catalog(connection), recorded(connection))
    return result


def _migrate(hub: Backend, tree: Tree) -> list[str]:
    hub.send(_YOYO_PATH)
    # Yoyo's savepoints stay open. Inside one of ours, so that they end with it: what follows has to run in the
    # transaction itself, whose number tells what it made.
    hub.send("SAVEPOINT ortes_migrations")
    done = []
    by_id = {migration.id: migration for migration in tree.migrations}
    for one in hub.to_apply(yoyo_migrations(tree)):
        migration = by_id[one.id]
        try:
            hub.apply_one(one)
        except psycopg.Error as error:
            raise_located(error, "migrations", migration.apply)
        hub.send("SET LOCAL ROLE ortes_owner")
        hub.send(record_migration(migration))
        done.append(one.id)
    hub.send("RELEASE SAVEPOINT ortes_migrations")
    hub.send(_OUR_PATH)
    return done


def _check_convention(connection: psycopg.Connection[Any], tree: Tree) -> None:
    """Each file makes the object that it is named after, and no other."""
    made = {row[0] for key, row in recorded(connection).items() if key[0] in ("function", "view")}
    for file in tree.objects:
        if file.path not in made:
            raise DeployError(f"sql/{file.path}: makes no function or view {file.stem.replace('/', '.')}")
    paths = {file.path for file in tree.objects}
    for kind, schema, name, file_, fresh in connection.execute(
        f"SELECT kind, schema, name, file, version = pg_current_xact_id()::xid FROM ({CATALOG}) AS c"
    ).fetchall():
        if fresh and kind in ("function", "view", "trigger") and file_ not in paths:
            raise DeployError(f"{title((kind, schema, name))} is made, but not in a file named after it (sql/{file_})")


def _compare(
    result: DeployResult,
    before: dict[Key, tuple[str, str]],
    after: dict[Key, tuple[str, str]],
    manifest: dict[Key, Any],
) -> None:
    rules = ("function", "view", "trigger")
    for key, (_, fingerprint) in sorted(after.items()):
        if key not in manifest:
            result.leftovers.append(title(key))
        elif key not in before:
            if key[0] in rules:
                result.created.append(title(key))
        elif before[key][1] != fingerprint:
            result.changed.append(title(key))
        else:
            result.unchanged += 1
    result.dropped = [title(key) for key in sorted(before) if key not in after]
