"""Backends killed, the server restarted and failed over: the feed goes on without a gap and without a repeat."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ortes_db import follow as module
from ortes_db.deploy import deploy
from ortes_db.follow import Reader, follow
from ortes_db.replica import embedded_replica
from ortes_db.server import Server, embedded_server
from tests.backup.places import all_arrived, promote, wait_for
from tests.concurrency.pooler import pooler
from tests.conftest import Db
from tests.follow.conftest import Follower
from tests.follow.test_follow import numbers, until
from tests.hub import Hub, one

pytestmark = pytest.mark.once

KILL = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = %s"
EXPORT = "SELECT ortes_erp.export_order('C00001', %s)"


@pytest.fixture
def own(pg_bin: str | None) -> Iterator[Server]:
    """A server of the test's own, to be stopped at will, with a hub in the database hub."""
    with embedded_server(pg_bin) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as dba:
            dba.execute("CREATE DATABASE hub")
        deploy(server.dsn("hub"))
        with psycopg.connect(server.dsn("hub"), autocommit=True) as dba:
            dba.execute("SELECT ortes_ops.create_company('C00001'), ortes_ops.set_notify('C00001', true)")
            dba.execute("CREATE ROLE shop LOGIN IN ROLE ortes_store")
            dba.execute("SELECT ortes_ops.grant_access('shop', 'C00001')")
        yield server


def export_until_it_works(dsn: str, n: int) -> None:
    """An order of the ERP, exported again until the ERP has the answer."""
    while True:
        try:
            with psycopg.connect(dsn, autocommit=True) as erp:
                erp.execute(EXPORT, (f"G{n}",))
                return
        except psycopg.OperationalError:
            continue


def survives(
    follower: Callable[..., Follower], server: Server, hurt: Callable[[int], Any], *arguments: str, orders: int = 80
) -> None:
    """While the ERP exports, the follower is hurt now and again; each change comes once, in order."""
    dsn = server.dsn("hub", "shop")
    running = follower("--azi", "C00001", "--door", "store", "--poll", "0.2", "--dsn", dsn, *arguments)
    export_until_it_works(server.dsn("hub"), 1)
    got = running.take(1)

    def work() -> None:
        for n in range(2, orders + 1):
            export_until_it_works(server.dsn("hub"), n)

    writer = threading.Thread(target=work)
    writer.start()
    try:
        for round_ in range(6):
            got += running.take(orders // 10)
            hurt(round_)
        got += running.take(orders - len(got))
    finally:
        writer.join(60)
    assert [order["id_sincro"] for order in got] == list(range(1, orders + 1))
    if "--confirm" in arguments:
        # Only after it was written out.
        with psycopg.connect(server.dsn("hub"), autocommit=True) as dba:
            wait_for(dba, f"SELECT position = {orders} FROM ortes_ops.readers")
    assert running.end() == 130
    losses = running.said().splitlines()
    assert 1 <= len(losses) <= 7
    assert all("trying again" in line for line in losses), running.said()


def kill(server: Server) -> int:
    with psycopg.connect(server.dsn("hub"), autocommit=True) as dba:
        killed: int = one(dba, KILL, "shop")
        return killed


@pytest.mark.parametrize("arguments", [("--confirm",), ("--since", "0")])
def test_backends_killed(own: Server, follower: Callable[..., Follower], arguments: tuple[str, ...]) -> None:
    survives(follower, own, lambda _: kill(own), *arguments)


def test_a_server_that_is_restarted_at_once_and_after_a_while(own: Server, follower: Callable[..., Follower]) -> None:
    def hurt(round_: int) -> None:
        if round_ % 3 == 0:
            own.stop("immediate")
            own.start()

    survives(follower, own, hurt, "--confirm")


def test_a_follower_that_forgets_its_position_would_repeat(
    own: Server, follower: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same losses, seen by one that starts from its argument again each time."""
    pages = follow(Reader("store", "C00001"), own.dsn("hub", "shop"), since=0)
    pages_of = module._Session.pages

    def forgetful(self: module._Session, state: module._State, *arguments: bool) -> Any:
        state.position = 0
        return pages_of(self, state, *arguments)

    monkeypatch.setattr(module._Session, "pages", forgetful)
    export_until_it_works(own.dsn("hub"), 1)
    assert until(pages, 1) == [1]
    assert next(pages) == []
    kill(own)
    export_until_it_works(own.dsn("hub"), 2)
    assert numbers(next(pages)) == [1, 2]


def test_failing_over_to_a_replica(own: Server) -> None:
    """One address for both, as libpq has it: whichever is the primary."""
    with embedded_replica(own) as standby:
        dsn = make_conninfo(host=f"{standby.socket_dir},{own.socket_dir}", port="5432,5432", dbname="hub", user="shop")
        said: list[str] = []
        pages = follow(Reader("store", "C00001"), dsn, confirm=True, poll=0.1, say=said.append)
        for n in range(1, 6):
            export_until_it_works(own.dsn("hub"), n)
        assert until(pages, 5) == [1, 2, 3, 4, 5]
        assert next(pages) == []
        all_arrived(own, standby)
        own.stop("immediate")
        promote(standby)
        for n in range(6, 11):
            export_until_it_works(standby.dsn("hub"), n)
        assert until(pages, 5) == [6, 7, 8, 9, 10]
        assert next(pages) == []
        assert len(said) == 1
        with psycopg.connect(standby.dsn("hub"), autocommit=True) as dba:
            assert one(dba, "SELECT position FROM ortes_ops.readers") == 10


def test_failing_over_to_a_replica_that_lacks_the_last_moments(own: Server) -> None:
    """The kept position went back with the hub: the number that is given out anew is not taken for the one seen before."""
    with embedded_replica(own) as standby:
        dsn = make_conninfo(host=f"{own.socket_dir},{standby.socket_dir}", port="5432,5432", dbname="hub", user="shop")
        pages = follow(Reader("store", "C00001"), dsn, confirm=True, poll=0.1)
        export_until_it_works(own.dsn("hub"), 1)
        assert until(pages, 1) == [1]
        assert next(pages) == []
        all_arrived(own, standby)
        standby.stop()
        export_until_it_works(own.dsn("hub"), 2)
        assert until(pages, 1) == [2]
        assert next(pages) == []
        own.stop("immediate")
        standby.start()
        promote(standby)
        export_until_it_works(standby.dsn("hub"), 3)
        ((line,),) = [page for page in (next(pages) for _ in range(3)) if page][:1]
        assert '"tor_chia":"G3"' in line
        assert '"id_sincro":2,' in line


def test_through_a_pooler_it_polls_and_leaves_nobody_listening(db: Db, server: Server) -> None:
    hub = Hub(db)
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', true)")
    login = hub.login("store")
    with pooler(server, [login], 1) as pool:
        dsn = make_conninfo(pool, dbname=db.name, user=login)
        said: list[str] = []
        pages = follow(Reader("store", "C00001"), dsn, confirm=True, poll=0.1, say=said.append)
        assert next(pages) == []
        for n in range(1, 11):
            hub.export(f"G{n}")
            assert until(pages, 1) == [n]
        with psycopg.connect(dsn, autocommit=True) as other:
            assert one(other, "SELECT count(*) FROM pg_listening_channels()") == 0
        assert one(hub.dba, KILL, login) == 1
        hub.export("G11")
        assert until(pages, 1) == [11]
        assert next(pages) == []
        assert one(hub.dba, "SELECT position FROM ortes_ops.readers") == 11
        # What listening there would do: the session is somebody else's next, who never asked for it.
        with psycopg.connect(dsn, autocommit=True) as first, psycopg.connect(dsn, autocommit=True) as second:
            first.execute("LISTEN ortes")
            assert one(second, "SELECT count(*) FROM pg_listening_channels()") == 1
