"""The connection that deploys: yoyo's PostgreSQL backend, in one transaction from beginning to end."""

import getpass
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from itertools import count
from typing import Any, TypeVar

import psycopg
import yoyo
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import StepCollector

from ortes_db.manifest import DEPLOY_LOCK, SESSION
from ortes_db.tree import DeployError, SqlFile, Tree

Report = Callable[[str], None]
_Result = TypeVar("_Result")

# Yoyo finds a migration's dependencies in a registry of the whole process.
_READING = threading.Lock()

# Somebody else was quicker at something that only a second look can tell: locks, and roles, which other databases of
# the server make too.
_LOCKED = (errors.LockNotAvailable, errors.DeadlockDetected)
_RACED = (errors.DuplicateObject, errors.UniqueViolation, errors.InternalError_)


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo carries no types
    """Yoyo's backend, kept to one connection and one transaction."""

    def copy(self) -> AbstractContextManager["Backend"]:
        """Yoyo runs each migration on a second connection, which would commit it on its own."""
        return nullcontext(self)

    def begin(self) -> None:
        """Not under a snapshot from before we waited, whatever the login's default isolation is."""
        self._in_transaction = True
        self.send("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")

    def send(self, text: str) -> None:
        """Run SQL text as it is, also several statements; yoyo's execute() takes a % for a parameter."""
        self.connection.execute(text)

    def get_log_data(self, migration: Any = None, operation: str = "apply") -> dict[str, Any]:
        """As yoyo's, but asks no DNS while we hold locks, and works for a user id without a name."""
        try:
            username = getpass.getuser()
        except (KeyError, OSError):
            username = self.connection.info.user
        return {
            "id": str(uuid.uuid1()),
            "migration_id": migration.id if migration else None,
            "migration_hash": migration.hash if migration else None,
            "username": username,
            "hostname": socket.gethostname(),
            "created_at_utc": datetime.now(UTC).replace(tzinfo=None),
            "operation": operation,
        }


def connection_parameters(dsn: str) -> dict[str, Any]:
    """What libpq gets: a URI, key=value, a service or nothing but PG* variables, all the same."""
    return {"fallback_application_name": "ortes", **conninfo_to_dict(dsn), "client_encoding": "UTF8"}


@contextmanager
def unreachable_is_said(parameters: dict[str, Any]) -> Iterator[None]:
    """A server that cannot be reached, as one line that says what was tried and what is missing."""
    try:
        yield
    except psycopg.OperationalError as error:
        given = {name: parameters[name] for name in ("service", "host", "port", "dbname", "user") if name in parameters}
        tried = ", ".join(f"{name} {value}" for name, value in given.items()) or "libpq's defaults"
        said = " ".join(str(error).split())
        raise DeployError(
            f"no database to work on ({tried}): {said}. Name it with --dsn, or with the variables PGHOST, PGPORT, "
            "PGDATABASE and PGUSER."
        ) from None


@contextmanager
def backend(dsn: str) -> Iterator[Backend]:
    """Connect, the way yoyo does."""
    parameters = connection_parameters(dsn)
    uri = DatabaseURI("postgresql+psycopg", None, None, None, None, parameters.get("dbname"), parameters)
    with unreachable_is_said(parameters):
        opened = Backend(uri, "_yoyo_migration")
    with opened:
        yield opened


def in_one_transaction(
    dsn: str, work: Callable[[Backend], _Result], *, prepare: str, wait: float, report: Report
) -> _Result:
    """Do the work in one transaction under the deploy's lock, all or nothing. `prepare`: SQL that goes before it.

    Gives way: no lock is waited for longer than a moment, so that nobody queues behind us. What was locked is tried
    again from the start, for `wait` seconds in all.
    """
    deadline = time.monotonic() + wait
    with backend(dsn) as hub:
        if hub.connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,):
            raise DeployError("this server is a standby: use the primary")
        hub.connection.add_notice_handler(lambda notice: report(" ".join((notice.message_primary or "").split())))
        patience = _patience(hub.connection)
        races = 0
        for attempt in count():
            try:
                with hub.transaction():
                    _take_turn(hub, deadline, report)
                    hub.send(f"SET LOCAL lock_timeout = {patience}")
                    hub.send(prepare)
                    return work(hub)
            except _LOCKED as error:
                holders, only_vacuum = _holders(hub.connection)
                if time.monotonic() >= deadline:
                    raise DeployError(
                        f"gave up after {wait:g} seconds, nothing was changed: {one_line(error)}. {holders}", 1
                    ) from None
                if attempt == 0:
                    report(f"the tables are in use, trying again for up to {wait:g} seconds. {holders}")
                # PostgreSQL makes an autovacuum give way, but only to who has waited for deadlock_timeout.
                patience = _patience(hub.connection, behind_vacuum=only_vacuum)
                pause = min(2.0, 0.1 * 2 ** min(attempt, 5)) * random.uniform(0.5, 1.0)
                # Who holds the locks tells nobody when it lets go; and while we pause, others get them.
                time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
            except _RACED as error:
                races += 1
                if races > 3 or not _concerns_roles(error):
                    raise
            except psycopg.OperationalError as error:
                if not hub.connection.closed:
                    raise
                raise DeployError(
                    f"the connection was lost ({one_line(error)}): all was undone, unless it happened at the very end. "
                    "`ortes status` tells.",
                    1,
                ) from None
            except (errors.InsufficientPrivilege, errors.FeatureNotSupported, errors.RaiseException) as error:
                raise DeployError(f"{one_line(error)}. Nothing was changed.") from None
        raise AssertionError("unreachable")


def run(hub: Backend, folder: str, file: SqlFile) -> None:
    """Run a file as a whole; an error names the file and the line."""
    try:
        hub.send(file.text)
    except psycopg.Error as error:
        raise_located(error, folder, file)


def raise_located(error: psycopg.Error, folder: str, file: SqlFile) -> None:
    """An error of a file, with the file's name and line; one that asks for another try as it is."""
    if isinstance(error, _LOCKED) or (isinstance(error, _RACED) and _concerns_roles(error)):
        raise error
    if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08").startswith(("08", "57P")):
        raise error  # the connection, not the file
    position = error.diag.statement_position
    line = f":{file.text.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
    parts = [f"{folder}/{file.path}{line}: {one_line(error)}"]
    parts += [" ".join(part.split()) for part in (error.diag.message_detail, error.diag.message_hint) if part]
    raise DeployError(f"{'. '.join(parts)}. Nothing was changed.", 1) from None


def one_line(error: psycopg.Error) -> str:
    """A database error as one line: what the server or libpq says, without its prefixes."""
    return " ".join((error.diag.message_primary or str(error)).split())


def yoyo_migrations(tree: Tree) -> Any:
    """The tree's migrations as yoyo has them, but each file sent as a whole: yoyo's splitting knows no PL/pgSQL."""
    with _READING:
        found = yoyo.read_migrations(str(tree.folder))
        for one in found:
            one.load()
    by_id = {migration.id: migration for migration in tree.migrations}
    for one in found:
        migration = by_id[one.id]
        steps = StepCollector(one)
        steps.add_step(migration.apply.text, migration.rollback.text if migration.rollback else None)
        one.steps = steps.create_steps(True)
    return found


def _concerns_roles(error: psycopg.Error) -> bool:
    text = one_line(error)
    return "concurrently" in text or (error.diag.table_name or "").startswith("pg_auth") or text.startswith("role ")


def _patience(connection: psycopg.Connection[Any], *, behind_vacuum: bool = False) -> int:
    """Milliseconds to wait for a lock: fewer than PostgreSQL takes to see a deadlock, so that it is us who gives way."""
    row = connection.execute("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'").fetchone()
    deadlock = row[0] if row else 1000
    return deadlock + 500 if behind_vacuum else max(1, min(500, deadlock // 2))


def _take_turn(hub: Backend, deadline: float, report: Report) -> None:
    """Wait for another deploy's end."""
    connection = hub.connection
    hub.send(SESSION)
    if connection.execute("SELECT pg_try_advisory_xact_lock(%s)", (DEPLOY_LOCK,)).fetchone() == (True,):
        return
    row = connection.execute(
        "SELECT string_agg(format('pid %%s', pid), ', ') FROM pg_locks WHERE locktype = 'advisory' AND granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
        "AND classid = %s AND objid = %s",
        (DEPLOY_LOCK >> 32, DEPLOY_LOCK & 0xFFFFFFFF),
    ).fetchone()
    who = (row and row[0]) or "which has just ended"
    report(f"another deploy is at work in this database ({who}); waiting for its end")
    left = max(1, int((deadline - time.monotonic()) * 1000))
    hub.send(f"SET LOCAL lock_timeout = {left}")
    try:
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (DEPLOY_LOCK,))
    except errors.LockNotAvailable:
        raise DeployError(f"gave up, nothing was changed: another deploy is still at work ({who})", 1) from None


def _holders(connection: psycopg.Connection[Any]) -> tuple[str, bool]:
    """Who holds locks on the hub's tables that are in our way, the longest first; and whether that is but autovacuum."""
    rows = connection.execute(
        """
        SELECT DISTINCT ON (a.xact_start, l.pid) l.pid, a.usename, a.application_name, a.state,
               l.relation::regclass::text, extract(epoch FROM now() - a.xact_start)::int,
               l.mode = 'ShareUpdateExclusiveLock' AND a.usename IS NULL,
               l.mode IN ('AccessShareLock', 'RowShareLock')
          FROM pg_locks AS l
          JOIN pg_class AS c ON c.oid = l.relation
          JOIN pg_stat_activity AS a ON a.pid = l.pid
         WHERE l.granted AND l.pid <> pg_backend_pid() AND c.relkind IN ('r', 'p', 'v')
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND c.relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname LIKE 'ortes%')
         ORDER BY a.xact_start NULLS LAST, l.pid, l.mode IN ('AccessShareLock', 'RowShareLock')
        """
    ).fetchall()
    if not rows:
        return "Nobody holds them any more", False
    # Readers are in the way of few things: they are named when there is nobody else.
    rows = [row for row in rows if not row[7]] or rows
    said = [
        f"pid {pid} ({user or 'a background process'}{f', {application}' if application else ''}"
        f"{f', {state}' if state else ''}{f', for {seconds} s' if seconds is not None else ''}) holds {relation}"
        for pid, user, application, state, relation, seconds, *_ in rows[:3]
    ]
    return "; ".join(said), all(row[6] for row in rows)
