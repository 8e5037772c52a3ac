"""A router and two shards: three databases of one PostgreSQL 15, the version that Debian's PL/Proxy is for."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from ortes_db.deploy import deploy
from ortes_db.replay.place import EMPTY
from ortes_db.router.deploy import deploy_router
from ortes_db.router.shards import kept_options, read_shard
from ortes_db.server import Server, ServerError, embedded_server
from tests.conftest import Db
from tests.hub import Hub
from tests.router.losing import Two

SHARDS = ("s0", "s1")
SETTINGS = {"wal_level": "logical", "wal_retrieve_retry_interval": "100ms"}  # for companies that move
MISSING = "PostgreSQL 15 with PL/Proxy is not here (Debian: apt install postgresql-15 postgresql-15-plproxy)"
_serial = itertools.count(1)


class Cluster:
    """A router with the shards s0 and s1 (databases named `names`), and the logins made for it."""

    def __init__(self, server: Server, number: int) -> None:
        self.server = server
        self.names = {part: f"{part}_{number}" for part in ("router", *SHARDS)}
        self._closing = ExitStack()
        self._logins: list[str] = []

    def dsn(self, part: str = "router", login: str | None = None) -> str:
        """The connection string of the router or a shard; without a login, the superuser's."""
        return self.server.dsn(self.names[part], login)

    def connect(self, login: str | None = None, part: str = "router", **options: Any) -> psycopg.Connection[Any]:
        """A connection, to the router unless told otherwise, closed at the end of the test."""
        options.setdefault("autocommit", True)
        return self._closing.enter_context(psycopg.connect(self.dsn(part, login), **options))

    def login(self, role: str, azi: str | None = None, device: int | None = None) -> str:
        """A new login, here and (being one server) on the shards, that acts for a company if one is given."""
        login = f"{role.removeprefix('ortes_')}_{next(_serial)}"
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(sql.Identifier(login), sql.Identifier(role))
            )
            self._logins.append(login)
            if azi is not None:
                connection.execute("SELECT ortes_ops.grant_access(%s, %s, %s)", (login, azi, device))
        return login

    def company(self, azi: str, shard: str | None = None) -> str:
        """Create a company through the router, on a certain shard or where there is most room."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            if shard is None:
                connection.execute("SELECT ortes_ops.create_company(%s)", (azi,))
            else:
                connection.execute("SELECT ortes_ops.create_company_on(%s, %s)", (azi, shard))
        return azi

    def stop(self, shard: str) -> None:
        """Make a shard unreachable: as after a crash, its connections are gone and new ones refused."""
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {self.names[shard]} ALLOW_CONNECTIONS false")
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (self.names[shard],)
            )

    def start(self, shard: str) -> None:
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {self.names[shard]} ALLOW_CONNECTIONS true")

    def empty(self) -> None:
        """As new: a tenth of the work of making another one."""
        self._closing.close()
        for shard in SHARDS:
            with psycopg.connect(self.dsn(shard)) as connection:
                connection.execute(EMPTY)
        with psycopg.connect(self.dsn(), autocommit=True) as router:
            router.execute("DELETE FROM ortes_router.company")
            self._drop_logins(router)

    def close(self) -> None:
        self._closing.close()
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            for name in self.names.values():
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            self._drop_logins(connection)

    def _drop_logins(self, connection: psycopg.Connection[Any]) -> None:
        for login in self._logins:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login)))
        self._logins.clear()


@pytest.fixture(scope="session")
def router_server() -> Iterator[Server]:
    """A PostgreSQL 15 that has PL/Proxy."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 4 * 1024**3
    with ExitStack() as closing:
        try:
            server = closing.enter_context(embedded_server("15", SETTINGS, parent=memory if roomy else None))
            with psycopg.connect(server.dsn()) as connection:
                query = "SELECT count(*) FROM pg_available_extensions WHERE name = 'plproxy'"
                present = connection.execute(query).fetchone() == (1,)
        except ServerError:
            present = False
        if not present:
            assert not os.environ.get("CI"), MISSING
            pytest.skip(MISSING)
        yield server


@pytest.fixture(scope="session")
def templates(router_server: Server) -> None:
    """What `cluster` clones: a hub, and a router with two shards."""
    with psycopg.connect(router_server.dsn(), autocommit=True) as connection:
        for name in ("router_template", *SHARDS):
            connection.execute(f"CREATE DATABASE {name}")
    for name in SHARDS:
        deploy(router_server.dsn(name))
    deploy_router(router_server.dsn("router_template"), [read_shard(router_server.dsn(name)) for name in SHARDS])


@contextmanager
def new_cluster(server: Server) -> Iterator[Cluster]:
    """A router with two shards, cloned from the templates."""
    one = Cluster(server, next(_serial))
    try:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            for part, name in one.names.items():
                template = "router_template" if part == "router" else part
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        with psycopg.connect(one.dsn(), autocommit=True) as router:
            for shard in SHARDS:
                options = kept_options(conninfo_to_dict(one.dsn(shard)))
                router.execute("UPDATE ortes_router.shard SET options = %s WHERE name = %s", (options, shard))
        yield one
    finally:
        one.close()


@pytest.fixture
def cluster(router_server: Server, templates: None) -> Iterator[Cluster]:
    """A router with two shards for this test alone."""
    with new_cluster(router_server) as one:
        yield one


@pytest.fixture(scope="session")
def both(router_server: Server, pg_bin: str | None) -> Iterator[Two]:
    """Two servers, of which one may be lost. (`router_server` knows whether there is PL/Proxy.)"""
    newest = None if pg_bin == "15" else pg_bin  # a shard may be of another version than the router
    with embedded_server("15", SETTINGS) as near, embedded_server(newest, SETTINGS) as far:
        for server, names in ((near, ("router", "near")), (far, ("far",))):
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                for name in names:
                    connection.execute(f"CREATE DATABASE {name}")
        deploy(near.dsn("near"))
        deploy(far.dsn("far"))
        for server in (near, far):
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute("CREATE ROLE shop LOGIN IN ROLE ortes_store")
                connection.execute("CREATE ROLE watch LOGIN IN ROLE ortes_monitor")
        deploy_router(near.dsn("router"), [read_shard(near.dsn("near")), read_shard(far.dsn("far"))])
        two = Two(near, far)
        with two.connect() as router:
            for azi, shard in (("NEAR", "near"), ("FAR", "far")):
                router.execute("SELECT ortes_ops.create_company_on(%s, %s)", (azi, shard))
                router.execute("SELECT ortes_ops.grant_access('shop', %s)", (azi,))
        yield two


@pytest.fixture
def two(both: Two) -> Iterator[Two]:
    """They, both running."""
    yield both
    for server in (both.near, both.far):  # where a test has left one stopped
        server.start()


class Routed(Db):
    """A `Db` as the hub's own tests have it, whose logins come through the router and whose DBA sits on the shard."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster.server, cluster.names["s1"])
        self.cluster = cluster

    def dsn(self, login: str | None = None) -> str:
        return self.cluster.dsn("s1") if login is None else self.cluster.dsn("router", login)

    def company(self, azi: str) -> str:
        return self.cluster.company(azi, "s1")

    def login(self, name_hint: str, role: str, azi: str | None = None, device: int | None = None) -> str:
        return self.cluster.login(role, azi, device)


@pytest.fixture
def db(cluster: Cluster) -> Iterator[Routed]:
    """For tests of the hub that are run through the router, too."""
    routed = Routed(cluster)
    try:
        yield routed
    finally:
        routed.disconnect()


@pytest.fixture
def hub(db: Routed) -> Hub:
    return Hub(db)
