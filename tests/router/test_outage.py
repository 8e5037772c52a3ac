"""A shard that is lost: the others go on, its companies' calls fail fast and say why, and it is taken up again when it is back."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

import psycopg
import pytest

from ortes_db.deploy import deploy
from ortes_db.router.deploy import deploy_router
from ortes_db.router.manage import end_calls, set_shard
from ortes_db.router.shards import read_shard
from ortes_db.server import Server, embedded_server
from tests.hub import Connection, one, rows

pytestmark = pytest.mark.once

# Seconds in which "fast" is; a refused connection takes a thousandth of it.
FAST = 5


@dataclass
class Two:
    """Two servers: the router with shard near (company NEAR), and shard far (company FAR), which is the one that is lost."""

    near: Server
    far: Server

    def connect(self, login: str = "postgres") -> Connection:
        return psycopg.connect(self.near.dsn("router", login), autocommit=True)


@pytest.fixture(scope="module")
def both(router_server: Server, pg_bin: str | None) -> Iterator[Two]:
    newest = None if pg_bin == "15" else pg_bin  # a shard may be of another version than the router
    with embedded_server("15") as near, embedded_server(newest) as far:
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
    yield both
    both.far.start()  # where a test has left it stopped


@contextmanager
def lost(*codes: str, naming: str = "far") -> Iterator[None]:
    """What follows says within moments that the shard does not answer."""
    start = time.monotonic()
    with pytest.raises(psycopg.Error) as caught:
        yield
    assert caught.value.sqlstate in codes, caught.value
    assert naming in (caught.value.diag.message_detail or "")
    assert "ortes_ops.shards" in (caught.value.diag.message_hint or "")
    assert time.monotonic() - start < FAST


def _shown(connection: Connection, view: str) -> set[str]:
    return {azi for (azi,) in rows(connection, f"SELECT azi FROM ortes_ops.{view}")}


def save(connection: Connection, azi: str, id_int: int) -> int:
    return one(connection, "SELECT ortes_store.save_order(%s, %s)", azi, id_int)


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_the_others_go_on_and_it_comes_back(two: Two, mode: str) -> None:
    with two.connect("shop") as shop, two.connect("watch") as watch, two.connect() as dba:
        far = save(shop, "FAR", 1)
        assert {"NEAR", "FAR"} <= _shown(watch, "status")
        two.far.stop(mode)
        # The connection that was kept may tell that it is gone; after that none is made.
        with lost("08006", "08001"):
            save(shop, "FAR", 1)
        with lost("08001"):
            save(shop, "FAR", 1)
        assert save(shop, "NEAR", 1)
        for view in ("status", "counters", "backlog"):
            assert _shown(watch, view) & {"NEAR", "FAR"} == {"NEAR"}
        shards = rows(watch, "SELECT name, up, error IS NULL, companies > 0 FROM ortes_ops.shards ORDER BY name")
        assert shards == [("far", False, False, True), ("near", True, True, True)]
        azi = f"NEW {mode}"
        dba.execute("SELECT ortes_ops.create_company(%s)", (azi,))
        assert one(dba, "SELECT shard FROM ortes_router.company WHERE azi = %s", azi) == "near"
        two.far.start()
        assert save(shop, "FAR", 1) == far
        assert one(watch, "SELECT bool_and(up) FROM ortes_ops.shards")


def test_a_shard_that_a_dba_closed_is_not_even_tried(two: Two) -> None:
    with two.connect("shop") as shop, two.connect() as dba:
        dba.execute("UPDATE ortes_router.shard SET closed = true WHERE name = 'far'")
        try:
            with lost("08001"):
                save(shop, "FAR", 1)
            assert save(shop, "NEAR", 1)
            assert rows(dba, "SELECT name, up, closed FROM ortes_ops.shards ORDER BY name")[0] == ("far", False, True)
        finally:
            dba.execute("UPDATE ortes_router.shard SET closed = false WHERE name = 'far'")
        assert save(shop, "FAR", 1)


def test_a_server_that_hangs_while_one_connects_is_given_up_by_statement_timeout(two: Two) -> None:
    """The one thing that no connection attempt notices: so the router's database has a statement_timeout."""
    with two.connect("shop") as shop:
        assert one(shop, "SHOW statement_timeout") == "30s"
        shop.execute("SET statement_timeout = '1s'")
        with frozen(two.far):
            start = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                save(shop, "FAR", 1)
            assert time.monotonic() - start < FAST
            assert save(shop, "NEAR", 1)
        assert save(shop, "FAR", 1)


def test_a_server_that_hangs_in_the_middle_of_a_call_is_left_by_closing_it(two: Two) -> None:
    """PL/Proxy waits for the shard to confirm a cancellation; so a DBA ends the sessions that wait."""
    with two.connect("shop") as stuck, two.connect("shop") as shop, two.connect() as dba:
        save(stuck, "FAR", 1)
        save(shop, "NEAR", 1)
        with frozen(two.far):
            waiting = Thread(target=_swallow, args=(stuck, "SELECT ortes_store.save_order('FAR', 1)"))
            waiting.start()
            active = "SELECT state FROM pg_stat_activity WHERE pid = %s"
            deadline = time.monotonic() + 10
            while one(dba, active, stuck.info.backend_pid) != "active":
                assert time.monotonic() < deadline
            set_shard(two.near.dsn("router"), "far", {"closed": True})
            assert end_calls(two.near.dsn("router"), "far") == 1
            waiting.join(FAST)
            assert not waiting.is_alive()
            assert stuck.broken
            with lost("08001"):
                save(shop, "FAR", 1)
            assert save(shop, "NEAR", 1)
        set_shard(two.near.dsn("router"), "far", {"closed": False})
        assert save(shop, "FAR", 1)


def _swallow(connection: Connection, query: str) -> None:
    with suppress(psycopg.OperationalError):
        connection.execute(query)


def test_a_machine_that_is_gone_is_given_up_by_tcp(two: Two) -> None:
    """No answer at all, not even a refusal: the address has a tcp_user_timeout."""
    with two.connect("shop") as shop, two.connect() as dba, silent() as port:
        kept = one(dba, "SELECT options FROM ortes_router.shard WHERE name = 'far'")
        assert "tcp_user_timeout=10000" in kept
        gone = f"host=127.0.0.1 port={port} dbname=far tcp_user_timeout=1000"
        dba.execute("UPDATE ortes_router.shard SET options = %s WHERE name = 'far'", (gone,))
        try:
            with lost("08001"):
                save(shop, "FAR", 1)
            assert save(shop, "NEAR", 1)
        finally:
            dba.execute("UPDATE ortes_router.shard SET options = %s WHERE name = 'far'", (kept,))
        assert save(shop, "FAR", 1)


@contextmanager
def silent() -> Iterator[int]:
    """A port on which the kernel answers nothing: its queue is full, and nobody takes from it."""
    with ExitStack() as closing:
        listening = closing.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        for _ in range(4):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """Stops the server's processes where they are, as a machine without memory left does."""
    postmaster = int((server.data_dir / "postmaster.pid").read_text().split()[0])
    children = subprocess.run(["pgrep", "-P", str(postmaster)], capture_output=True, text=True).stdout.split()
    for pid in (postmaster, *map(int, children)):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in (postmaster, *map(int, children)):
            os.kill(pid, signal.SIGCONT)
