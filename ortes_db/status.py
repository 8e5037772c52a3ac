"""`status`: what a database lacks to be this release, and what in it was changed by hand. Reads, nothing else."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from ortes_db.deploy import applied_migrations, edited_migrations
from ortes_db.hub import connection_parameters, unreachable_is_said
from ortes_db.logins import Login, unbounded_logins
from ortes_db.manifest import SESSION, Key, catalog, recorded, title
from ortes_db.tree import DeployError, Tree, read_tree

# One snapshot of everything; a standby allows it too.
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


@dataclass
class Drift:
    """An object that is not what the last deploy left. `what`: changed, missing or extra."""

    kind: str
    name: str
    what: str
    file: str


@dataclass
class Status:
    """A database beside a release."""

    database: str
    server: str
    installed: bool = False
    applied: list[str] = field(default_factory=list)
    pending: list[str] = field(default_factory=list)
    # Applied, but not in this release: a later one was here.
    unknown: list[str] = field(default_factory=list)
    # Applied with other content.
    edited: list[str] = field(default_factory=list)
    # Files of sql/ that are not what was deployed: this release's are newer, or older.
    outdated: list[str] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    # The server was upgraded since the last deploy: it may write the same definitions differently.
    upgraded_from: int | None = None
    # A warning only: what the DBA decides for logins is not this release's matter.
    unbounded_logins: list[Login] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nothing pending, nothing drifted."""
        return self.installed and not (
            self.pending or self.unknown or self.edited or self.outdated or self.drift or self.upgraded_from
        )


def status(dsn: str, *, migrations: Path | None = None, sql: Path | None = None) -> Status:
    """Compare a database with what was deployed into it, and with this release. Raises DeployError."""
    tree = read_tree(migrations, sql)
    parameters = connection_parameters(dsn)
    with unreachable_is_said(parameters):
        connection = psycopg.connect(**parameters, autocommit=True)
    with connection:
        connection.execute(_BEGIN)
        connection.execute(SESSION)
        installed = connection.execute("SELECT to_regnamespace('ortes_deploy') IS NOT NULL").fetchone() == (True,)
        logins = unbounded_logins(connection) if installed else []
        # To write down a view or a trigger, PostgreSQL looks at its table, as any SELECT does.
        connection.execute("SET LOCAL lock_timeout = '2s'")
        try:
            found = _status(connection, tree)
        except psycopg.errors.LockNotAvailable:
            raise DeployError("the hub's tables are locked exclusively, by an ALTER TABLE perhaps; try again") from None
        found.unbounded_logins = logins
        return found


def _status(connection: psycopg.Connection[Any], tree: Tree) -> Status:
    database, server, major, installed = connection.execute(
        "SELECT current_database(), current_setting('server_version'), "
        "current_setting('server_version_num')::int / 10000, to_regnamespace('ortes_deploy') IS NOT NULL"
    ).fetchone() or ("", "", 0, False)
    found = Status(database, server, installed)
    applied: dict[str, str] = {}
    manifest: dict[Key, tuple[str, str, str | None, int]] = {}
    if installed:
        may_read(connection)
        applied, manifest = applied_migrations(connection), recorded(connection)
    ours = {one.hash: one.id for one in tree.migrations}
    found.applied = list(applied.values())
    found.pending = [name for digest, name in ours.items() if digest not in applied]
    found.unknown = [name for digest, name in applied.items() if digest not in ours]
    found.edited = edited_migrations(tree, manifest)
    found.outdated = _outdated(tree, manifest)
    _find_drift(found, manifest, catalog(connection), major)
    return found


def may_read(connection: psycopg.Connection[Any]) -> None:
    """As oneself or, where a membership does not pass on its rights by itself, as the owner."""
    readable = (
        "SELECT has_schema_privilege('ortes_deploy', 'USAGE') "
        "AND has_table_privilege(c.oid, 'SELECT') FROM pg_class AS c "
        "WHERE c.relnamespace = 'ortes_deploy'::regnamespace AND c.relname = 'object'"
    )
    if connection.execute(readable).fetchone() == (True,):
        return
    try:
        connection.execute("SET LOCAL ROLE ortes_owner")
    except psycopg.errors.InsufficientPrivilege:
        user = connection.info.user
        raise DeployError(f"role {user} may not read ortes_deploy: GRANT ortes_owner TO {user}") from None


def _outdated(tree: Tree, manifest: dict[Key, tuple[str, str, str | None, int]]) -> list[str]:
    kinds = ("file", "function", "view", "trigger")
    deployed = {row[0]: row[1] for key, row in manifest.items() if key[0] in kinds}
    release = {file.path: file.sha256 for file in tree.files}
    return sorted(path for path in deployed.keys() | release.keys() if deployed.get(path) != release.get(path))


def _find_drift(
    found: Status,
    manifest: dict[Key, tuple[str, str, str | None, int]],
    now: dict[Key, tuple[str, str]],
    major: int,
) -> None:
    for key in sorted(now.keys() | manifest.keys()):
        kind = key[0]
        if kind in ("migration", "file"):
            continue
        if key not in manifest:
            # After a rollback the manifest says nothing of tables and schemas that are still the migrations'.
            if kind not in ("table", "schema") or any(other[0] == kind for other in manifest):
                found.drift.append(Drift(kind, title(key).removeprefix(f"{kind} "), "extra", ""))
        elif key not in now:
            found.drift.append(Drift(kind, title(key).removeprefix(f"{kind} "), "missing", manifest[key][0]))
        elif manifest[key][3] != major:
            found.upgraded_from = manifest[key][3]
        elif manifest[key][2] != now[key][1]:
            found.drift.append(Drift(kind, title(key).removeprefix(f"{kind} "), "changed", manifest[key][0]))
