"""A shard's server crashes while a company moves to or from it, under load: after the repeats, nothing is lost or doubled."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from ortes_db.deploy import deploy
from ortes_db.replay.faults import interrupt_all
from ortes_db.router.deploy import deploy_router
from ortes_db.router.move import MoveError, Progress, move
from ortes_db.router.shards import read_shard
from ortes_db.server import Server, embedded_server
from ortes_db.soak.check import check
from ortes_db.soak.run import Logins, Scene, hired, run
from tests.hub import one
from tests.router.restless import EXTENTS, played, restless_place

pytestmark = pytest.mark.once

SETTINGS = {"wal_level": "logical", "wal_retrieve_retry_interval": "100ms"}


@pytest.fixture(scope="module")
def servers(router_server: Server) -> Iterator[dict[str, Server]]:
    """The router and shard near on one server, shard far on another. (`router_server` knows whether there is PL/Proxy.)"""
    with embedded_server("15", SETTINGS) as here, embedded_server("15", SETTINGS) as there:
        made = {"router": here, "near": here, "far": there}
        for name, server in made.items():
            with psycopg.connect(server.dsn(), autocommit=True) as dba:
                dba.execute(f"CREATE DATABASE {name}")
            if name != "router":
                deploy(server.dsn(name))
        deploy_router(here.dsn("router"), [read_shard(made[name].dsn(name)) for name in ("near", "far")])
        yield made


@dataclass
class Far:
    """The far shard's server, for a fault of the matrix: it crashes, and the clients lose their connections to the router."""

    servers: dict[str, Server]

    def stop(self, mode: str) -> None:
        self.servers["far"].stop(mode)

    def start(self) -> None:
        self.servers["far"].start()
        with psycopg.connect(self.servers["near"].dsn(), autocommit=True) as dba:
            dba.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'router' AND usename LIKE 'router\\_%'"
            )


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_crash_matrix_with_a_shard_that_crashes(servers: dict[str, Server], extent: str) -> None:
    shards = {name: servers[name].dsn(name) for name in ("near", "far")}
    with restless_place("router", servers["router"].dsn("router"), shards, (shards["far"],)) as place:
        far: Any = Far(servers)
        matrix = interrupt_all(played(extent), place, far, faults=["server"])
        print(matrix.summary, "moves:", place.moves, "interrupted:", place.interrupted)
        assert [square.lost for square in matrix.squares if square.lost] == []
        assert matrix.summary["survived"]
        assert place.moves
        assert place.interrupted, "no crash fell into a move"


def at_step(step: str, act: Callable[[], None]) -> Callable[[Progress], None]:
    done = []

    def report(now: Progress) -> None:
        if now.step == step and not done:
            done.append(step)
            act()

    return report


def test_a_crash_during_a_move_loses_and_doubles_nothing(servers: dict[str, Server]) -> None:
    router = servers["router"].dsn("router")

    def home(azi: str) -> str:
        with psycopg.connect(router, autocommit=True) as connection:
            return one(connection, "SELECT shard FROM ortes_router.company WHERE azi = %s", azi)

    def crash() -> None:
        servers["far"].stop("immediate")
        servers["far"].start()

    def moves(logins: Logins) -> None:
        azi = logins.companies[0]
        for step in ("copy", "same", "open", "switch", "clear"):
            to = "near" if home(azi) == "far" else "far"
            try:
                move(router, azi, to, report=at_step(step, crash))
            except (psycopg.Error, MoveError):
                move(router, azi, to)
        crash()

    scene = Scene(
        router,
        lambda login: servers["router"].dsn("router", login),
        home=lambda azi: servers[home(azi)].dsn(home(azi)),
        outages=True,
    )
    with hired(router, also_on=[servers["far"].dsn("far")]) as logins:
        assert {home(azi) for azi in logins.companies} == {"near", "far"}
        history = run(scene, logins, 0, meanwhile=lambda: moves(logins))
    assert check(history) == []
    assert history.repeated, "no client noticed a crash"
    assert all(company.orders for company in history.companies)
    for name in ("near", "far"):
        with psycopg.connect(servers[name].dsn(name), autocommit=True) as shard:
            assert one(shard, "SELECT count(*) FROM pg_replication_slots") == 0
