"""Read from a standby, woken and confirmed by the primary: a standby that lags is waited for, and never believed too early."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from ortes_db import follow as module
from ortes_db.follow import Reader, follow
from ortes_db.replica import embedded_replica
from ortes_db.server import Server
from tests.backup.places import all_arrived, wait_for
from tests.follow.test_follow import LONG, POSITION, Pages, numbers, until
from tests.hub import Hub, one

STORE = Reader("store", "C00001")


@pytest.fixture(scope="module")
def replica(server: Server) -> Iterator[Server]:
    """A hot standby that follows this worker's server."""
    with embedded_replica(server) as running:
        yield running


@pytest.fixture
def hub(hub: Hub, server: Server, replica: Server) -> Hub:
    """The hub, which has arrived on the standby; so has its store."""
    assert hub.store
    all_arrived(server, replica)
    return hub


@contextmanager
def lagging(replica: Server) -> Iterator[None]:
    """What is written inside, the standby does not replay until the end."""
    with psycopg.connect(replica.dsn(), autocommit=True) as standby:
        standby.execute("SELECT pg_wal_replay_pause()")
        wait_for(standby, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
        try:
            yield
        finally:
            standby.execute("SELECT pg_wal_replay_resume()")


def start(hub: Hub, replica: Server, **given: Any) -> Pages:
    login = hub.store.info.user
    given.setdefault("poll", LONG)
    return follow(STORE, hub.db.dsn(login), replica.dsn(hub.db.name, login), **given)


def waits_for_the_standby(hub: Hub, replica: Server, poll: float) -> None:
    """Woken, it looks at a standby that has not come so far; it must not go back to sleep."""
    pages = start(hub, replica, poll=poll)
    assert next(pages) == []
    with lagging(replica):
        hub.export("G1")
        for _ in range(3):
            assert next(pages) == []
        begun = time.monotonic()
    while not (page := next(pages)):
        pass
    assert numbers(page) == [1]
    assert time.monotonic() - begun < poll, "it went to sleep"


def test_a_standby_that_lags_is_waited_for(hub: Hub, replica: Server) -> None:
    waits_for_the_standby(hub, replica, LONG)


def test_taking_the_first_look_for_the_answer_would_come_too_late(
    hub: Hub, replica: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._Session, "has_arrived", lambda _: True)
    monkeypatch.setattr(module, "SELDOM", 1.0)
    with pytest.raises(AssertionError, match="went to sleep"):
        waits_for_the_standby(hub, replica, 1.0)


def test_it_confirms_to_the_primary_and_starts_from_there(hub: Hub, replica: Server, server: Server) -> None:
    hub.export("G1")
    all_arrived(server, replica)
    pages = start(hub, replica, confirm=True)
    with lagging(replica):
        assert until(pages, 1) == [1]
        assert next(pages) == []
        assert one(hub.store, POSITION) == 1
        # The standby has not heard of the confirmation; nobody asks it.
        assert next(start(hub, replica, confirm=True)) == []
    hub.export("G2")
    assert until(pages, 1) == [2]


def test_a_position_that_the_standby_does_not_know_yet_is_waited_for(hub: Hub, replica: Server) -> None:
    said: list[str] = []
    with lagging(replica):
        hub.export("G1")
        hub.export("G2")
        pages = start(hub, replica, since=1, poll=0.1, say=said.append)
        for _ in range(3):
            assert next(pages) == []
    assert until(pages, 1) == [2]
    assert len(said) == 1
    assert "lags behind" in said[0]
    assert "position 1, last ID-SINCRO given out 0" in said[0]


def test_a_position_beyond_the_primary_s_counter_ends_it(hub: Hub, replica: Server) -> None:
    with pytest.raises(psycopg.Error) as caught:
        next(start(hub, replica, since=99))
    assert caught.value.sqlstate == "OR008"
    assert "rewind_reader" in str(caught.value.diag.message_hint)


@pytest.mark.parametrize("where", ["on the standby", "elsewhere"])
def test_a_database_without_the_hub_is_no_lag(hub: Hub, replica: Server, server: Server, where: str) -> None:
    wrong = (replica if where == "on the standby" else server).dsn("postgres", hub.store.info.user)
    with pytest.raises(psycopg.errors.InvalidSchemaName):
        next(follow(STORE, hub.db.dsn(hub.store.info.user), wrong))


def test_a_grant_that_the_standby_does_not_know_yet_is_waited_for(hub: Hub, replica: Server) -> None:
    hub.ops.execute("SELECT ortes_ops.create_company('C00002')")
    login = hub.store.info.user
    said: list[str] = []
    with lagging(replica):
        hub.ops.execute("SELECT ortes_ops.grant_access(%s, 'C00002')", (login,))
        given = {"poll": 0.1, "say": said.append}
        pages = follow(
            Reader("store", "C00002"),
            hub.db.dsn(login),
            replica.dsn(hub.db.name, login),
            **given,  # type: ignore[arg-type]
        )
        assert next(pages) == []
        assert "may not act" in said[0]
    hub.dba.execute("SELECT ortes_erp.export_order('C00002', 'G1')")
    assert until(pages, 1) == [1]


def test_a_standby_alone_is_polled(hub: Hub, replica: Server) -> None:
    dsn = replica.dsn(hub.db.name, hub.store.info.user)
    pages = follow(STORE, dsn, since=0, poll=0.05)
    assert next(pages) == []
    hub.export("G1")
    assert until(pages, 1) == [1]
    # One that is ahead of it: there is no primary to ask whether that is a lag.
    said: list[str] = []
    with lagging(replica):
        hub.export("G2")
        ahead = follow(STORE, dsn, since=2, poll=0.05, say=said.append)
        assert [next(ahead), next(ahead)] == [[], []]
        assert "lags behind" in said[0]
    hub.export("G3")
    assert until(ahead, 1) == [3]


def test_nothing_is_confirmed_to_a_standby(hub: Hub, replica: Server) -> None:
    with pytest.raises(psycopg.OperationalError, match="standby"):
        next(follow(STORE, replica.dsn(hub.db.name, hub.store.info.user), confirm=True))


def test_a_standby_that_is_stopped_for_a_while_is_read_on(hub: Hub, replica: Server, server: Server) -> None:
    said: list[str] = []
    pages = start(hub, replica, confirm=True, poll=0.1, say=said.append)
    hub.export("G1")
    assert until(pages, 1) == [1]
    assert next(pages) == []
    replica.stop("immediate")
    hub.export("G2")
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(until, pages, 1)
        while not said:
            time.sleep(0.01)  # it says so itself, and there is nothing to wait on
        replica.start()
        assert later.result(30) == [2]
    assert len(said) == 1
