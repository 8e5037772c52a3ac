"""Fixtures: one embedded server a worker, one database a test, and logins with the rights that a user has."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ortes_db.server import Server, embedded_server

pytest_plugins = ("tests.browser", "tests.hub")  # their fixtures, for every folder
TEMPLATE = "ortes_template"
BACKENDS = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
_serial = itertools.count(1)

# A run started in the background inherits SIGINT and SIGHUP ignored, and so would every command that the tests interrupt.
if threading.current_thread() is threading.main_thread():
    for _number, _usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(_number) is signal.SIG_IGN:
            signal.signal(_number, _usual)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pg-bin", help="PostgreSQL to test on: a folder, or a major version (default: ORTES_PG_BIN)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the long tests, unless they are asked for: by `-m`, or one by its name."""
    if re.search(r"\blong\b", config.option.markexpr) or any("::" in argument for argument in config.args):
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("long")])
    items[:] = [item for item in items if not item.get_closest_marker("long")]


class Db:
    """A database of the test's own, with the hub deployed, and the logins made for it."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self._closing = ExitStack()
        self._logins: list[str] = []
        self._kept: psycopg.Connection[Any] | None = None

    def dsn(self, login: str | None = None) -> str:
        """The connection string; without a login, the superuser's."""
        return self.server.dsn(self.name, login)

    def connect(self, login: str | None = None, **options: Any) -> psycopg.Connection[Any]:
        """A connection, in autocommit unless told otherwise, closed at the end of the test."""
        options.setdefault("autocommit", True)
        return self._closing.enter_context(psycopg.connect(self.dsn(login), **options))

    def login(self, name_hint: str, role: str, azi: str | None = None, device: int | None = None) -> str:
        """A new login, member of `role` only, that acts for company `azi` (and device) if one is given."""
        # Roles belong to the cluster, which is this worker's own: a serial number makes them unique.
        login = f"{name_hint}_{next(_serial)}"
        connection = self._superuser()
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(sql.Identifier(login), sql.Identifier(role))
        )
        self._logins.append(login)
        if azi is not None:
            connection.execute("SELECT ortes_ops.grant_access(%s, %s, %s)", (login, azi, device))
        return login

    def company(self, azi: str) -> str:
        """Create a company; returns its code."""
        self._superuser().execute("SELECT ortes_ops.create_company(%s)", (azi,))
        return azi

    def _superuser(self) -> psycopg.Connection[Any]:
        """One connection for all the preparations of a test, each of which is faster the second time."""
        with suppress(psycopg.OperationalError):
            if self._kept is not None:
                self._kept.execute("")
                return self._kept
        self._kept = self.connect()
        return self._kept

    def disconnect(self) -> None:
        """Close all connections of the test's, so that the database can be cloned."""
        self._closing.close()

    def close(self) -> None:
        """Drop the database and its logins."""
        self.disconnect()
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            # DROP DATABASE looks for backends on their way out every 100 ms only.
            deadline = time.monotonic() + 0.1
            while connection.execute(BACKENDS, (self.name,)).fetchone() != (0,) and time.monotonic() < deadline:
                time.sleep(0.002)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(self.name)))
            for login in self._logins:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login)))


def wait_blocked(connection: psycopg.Connection[Any], pid: int, seconds: float = 10) -> None:
    """Wait until backend `pid` waits for a lock that another one holds. `connection`: a third one, in autocommit."""
    deadline = time.monotonic() + seconds
    while connection.execute("SELECT cardinality(pg_blocking_pids(%s))", (pid,)).fetchone() == (0,):
        assert time.monotonic() < deadline, f"backend {pid} was not blocked within {seconds} seconds"
        time.sleep(0.005)


@pytest.fixture(scope="session")
def pg_bin(request: pytest.FixtureRequest) -> str | None:
    """The PostgreSQL to test on, as `embedded_server` takes it."""
    return request.config.getoption("--pg-bin") or os.environ.get("ORTES_PG_BIN") or None


@pytest.fixture(scope="session", autouse=True)
def initdb_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Of each PostgreSQL `initdb` runs once a worker; its other servers start from a copy, as PostgreSQL's own tests do."""
    really, kept = Server.setup, tmp_path_factory.mktemp("initdb")

    def setup(self: Server) -> None:
        made = kept / self.version
        if made.is_dir():
            subprocess.run(["cp", "-a", f"{made}/.", self.data_dir], check=True)
        else:
            really(self)
            subprocess.run(["cp", "-a", self.data_dir, made], check=True)

    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(Server, "setup", setup)
        yield


@pytest.fixture(scope="session")
def server(pg_bin: str | None) -> Iterator[Server]:
    """This worker's server, in memory where there is room: cloning a database is ten times as fast there."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 1024**3
    with embedded_server(pg_bin, parent=memory if roomy else None) as running:
        yield running


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """The database that `db` clones: the hub, deployed once."""
    from ortes_db.deploy import deploy  # here, so that the server's own tests run without it

    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    deploy(server.dsn(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def db(server: Server, template: str) -> Iterator[Db]:
    """A database with the hub in it, empty, for this test alone."""
    database = Db(server, f"test_{next(_serial)}")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(
            # Twice as fast as by WAL, and the files that speed up a first connection come along.
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(database.name), sql.Identifier(template)
            )
        )
    try:
        yield database
    finally:
        database.close()


@pytest.fixture
def empty_dsn(server: Server) -> Iterator[str]:
    """An empty database for this test alone, without the hub: its superuser's connection string."""
    name = f"empty_{next(_serial)}"
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield server.dsn(name)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
