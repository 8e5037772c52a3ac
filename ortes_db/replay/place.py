"""Where a replay takes place: a database and logins of its own on a server, gone afterwards whatever happens."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from ortes_db.deploy import deploy
from ortes_db.server import signals_held

# Roles belong to the server: those that deploying made for this replay go with it.
GROUP_ROLES = ["ortes_store", "ortes_app", "ortes_erp", "ortes_ops", "ortes_monitor", "ortes_owner"]

# Two replays on one server would take the group roles from under each other: the second one waits.
REPLAY_LOCK = 0x6F72746573  # "ortes"


# Each replay of the crash matrix begins with a hub in which nothing has happened. (A copy of the database a replay takes half a second.)
EMPTY = """
SET LOCAL ROLE ortes_owner;
ALTER TABLE ortes.arportes DISABLE TRIGGER USER;
ALTER TABLE ortes.apstatosyn DISABLE TRIGGER USER;
ALTER TABLE ortes.company DISABLE TRIGGER USER;
DELETE FROM ortes.arportes;
DELETE FROM ortes.apstatosyn;
DELETE FROM ortes.reader;
DELETE FROM ortes.access;
DELETE FROM ortes.company;
ALTER TABLE ortes.arportes ENABLE TRIGGER USER;
ALTER TABLE ortes.apstatosyn ENABLE TRIGGER USER;
ALTER TABLE ortes.company ENABLE TRIGGER USER;
"""


@dataclass
class Place:
    """A database with the hub deployed. `dsn`: the connection string of who made it."""

    name: str
    dsn: str
    admin: psycopg.Connection[Any]
    _connections: list[psycopg.Connection[Any]] = field(default_factory=list)
    _logins: list[str] = field(default_factory=list)

    def login(self, role: str) -> tuple[str, psycopg.Connection[Any]]:
        """A new login with this one role, and its connection."""
        name, dsn = self.make_login(role)
        connection = psycopg.connect(dsn, autocommit=True)
        self._connections.append(connection)
        return name, connection

    def make_login(self, role: str) -> tuple[str, str]:
        """A new login with this one role, and its connection string."""
        name, password = f"{self.name}_{len(self._logins)}", secrets.token_urlsafe(24)
        # Encrypted here, so that no server log shows it.
        encrypted = self.admin.pgconn.encrypt_password(password.encode(), name.encode()).decode()
        self._logins.append(name)
        self.admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                sql.Identifier(name), sql.Literal(encrypted), sql.Identifier(role)
            )
        )
        return name, make_conninfo(self.dsn, user=name, password=password)

    def empty(self) -> None:
        """Make it a hub in which nothing has happened."""
        with psycopg.connect(self.dsn) as connection:
            connection.execute(EMPTY)

    def close(self) -> None:
        """End the logins' connections."""
        for connection in self._connections:
            connection.close()


@contextmanager
def place(dsn: str, say: Callable[[str], None] = lambda _: None) -> Iterator[Place]:
    """Make a database with the hub on the server of `dsn`; drop it, its logins and its roles at the end."""
    name = f"ortes_replay_{secrets.token_hex(6)}"
    # Our sessions carry the name, so that one that an interruption left at work is found.
    server_dsn = make_conninfo(dsn, application_name=name)
    made: Place | None = None
    with psycopg.connect(server_dsn, autocommit=True) as admin:
        if not _one(admin, "SELECT pg_try_advisory_lock(%s)", REPLAY_LOCK):
            say("another replay is at work on this server; waiting for its end")
            admin.execute("SELECT pg_advisory_lock(%s)", (REPLAY_LOCK,))
        roles_before = set(_existing(admin, GROUP_ROLES))
        try:
            # The collation that every server has.
            statement = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
            admin.execute(sql.SQL(statement).format(sql.Identifier(name)))
            made = Place(name, make_conninfo(server_dsn, dbname=name), admin)
            deploy(made.dsn)
            yield made
        finally:
            with signals_held():
                if made is not None:
                    made.close()
                _remove(admin, dsn, name, [role for role in GROUP_ROLES if role not in roles_before])


def _remove(admin: psycopg.Connection[Any], dsn: str, name: str, group_roles: list[str]) -> None:
    # Idle, it is the one that holds the lock. Otherwise an interruption left a statement at work in it,
    # a CREATE DATABASE perhaps, and that has to end first.
    if admin.info.transaction_status is TransactionStatus.IDLE:
        _drop(admin, name, group_roles)
        return
    admin.close()
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            "WHERE application_name = %s AND usename = current_user",
            (name,),
        )
        _drop(connection, name, group_roles)


def _drop(admin: psycopg.Connection[Any], name: str, group_roles: list[str]) -> None:
    drop_database = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    try:
        admin.execute(drop_database)
    except psycopg.errors.ObjectInUse:  # somebody looks at it
        admin.execute(drop_database + sql.SQL(" WITH (FORCE)"))
    logins = admin.execute("SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", (f"{name}_",)).fetchall()
    for role in [*(login for (login,) in logins), *_existing(admin, group_roles)]:
        # Another hub came to this server meanwhile and uses the role: it stays.
        with suppress(psycopg.errors.DependentObjectsStillExist):
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def _existing(admin: psycopg.Connection[Any], roles: list[str]) -> list[str]:
    rows = admin.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", (roles,)).fetchall()
    return [name for (name,) in rows]


def _one(admin: psycopg.Connection[Any], query: LiteralString, *arguments: Any) -> Any:
    row = admin.execute(query, arguments).fetchone()
    return row[0] if row else None
