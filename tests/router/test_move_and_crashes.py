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
from ortes_db.server import Server
from ortes_db.soak.check import check
from ortes_db.soak.run import Logins, Scene, hired, run
from tests.hub import one
from tests.router.losing import Two
from tests.router.restless import EXTENTS, played, restless_place

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def servers(both: Two) -> Iterator[dict[str, Server]]:
    """The router and shard near on one server, shard far on another: databases beside those of the tests of outages."""
    made = {"moving_router": both.near, "moving_near": both.near, "moving_far": both.far}
    for name, server in made.items():
        with psycopg.connect(server.dsn(), autocommit=True) as dba:
            dba.execute(f"CREATE DATABASE {name}")
        if name != "moving_router":
            deploy(server.dsn(name))
    shards = [read_shard(made[name].dsn(name)) for name in ("moving_near", "moving_far")]
    deploy_router(both.near.dsn("moving_router"), shards)
    yield made
    both.far.start()


@dataclass
class Far:
    """The far shard's server, for a fault of the matrix: it crashes, and the clients lose their connections to the router."""

    servers: dict[str, Server]

    def stop(self, mode: str) -> None:
        self.servers["moving_far"].stop(mode)

    def start(self) -> None:
        self.servers["moving_far"].start()
        with psycopg.connect(self.servers["moving_near"].dsn(), autocommit=True) as dba:
            dba.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = 'moving_router' AND usename LIKE 'moving\\_router\\_%'"
            )


@pytest.mark.parametrize("extent", EXTENTS)
def test_the_crash_matrix_with_a_shard_that_crashes(servers: dict[str, Server], extent: str) -> None:
    shards = {name: servers[name].dsn(name) for name in ("moving_near", "moving_far")}
    with restless_place(
        "moving_router", servers["moving_router"].dsn("moving_router"), shards, (shards["moving_far"],)
    ) as place:
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


@pytest.mark.parametrize(
    "steps",
    [("copy", "switch"), pytest.param(("copy", "same", "open", "switch", "clear"), marks=pytest.mark.long)],
    ids=" ".join,
)
def test_a_crash_during_a_move_loses_and_doubles_nothing(servers: dict[str, Server], steps: tuple[str, ...]) -> None:
    router = servers["moving_router"].dsn("moving_router")

    def home(azi: str) -> str:
        with psycopg.connect(router, autocommit=True) as connection:
            return one(connection, "SELECT shard FROM ortes_router.company WHERE azi = %s", azi)

    def crash() -> None:
        servers["moving_far"].stop("immediate")
        servers["moving_far"].start()

    def moves(logins: Logins) -> None:
        azi = logins.companies[0]
        for step in steps:
            to = "moving_near" if home(azi) == "moving_far" else "moving_far"
            try:
                move(router, azi, to, report=at_step(step, crash))
            except (psycopg.Error, MoveError):
                move(router, azi, to)
        crash()

    scene = Scene(
        router,
        lambda login: servers["moving_router"].dsn("moving_router", login),
        home=lambda azi: servers[home(azi)].dsn(home(azi)),
        outages=True,
    )
    with hired(router, also_on=[servers["moving_far"].dsn("moving_far")]) as logins:
        assert {home(azi) for azi in logins.companies} == {"moving_near", "moving_far"}
        history = run(scene, logins, 0, meanwhile=lambda: moves(logins))
    assert check(history) == []
    assert history.repeated, "no client noticed a crash"
    assert all(company.orders for company in history.companies)
    for name in ("moving_near", "moving_far"):
        with psycopg.connect(servers[name].dsn(name), autocommit=True) as shard:
            assert one(shard, "SELECT count(*) FROM pg_replication_slots") == 0
