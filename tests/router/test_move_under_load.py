"""A company moved to and fro while stores, devices, ERP workers and readers are at work on it and on another one.

All come through the router. The history checker then finds no call lost, doubled or answered by the wrong shard; and it
finds the fault in a mover that does not wait for what it has to wait for.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from ortes_db.router import move as mover
from ortes_db.router import move_directory, move_rows
from ortes_db.router.move import Progress, move
from ortes_db.soak.check import Finding, check
from ortes_db.soak.record import History
from ortes_db.soak.run import Logins, Scene, hired, run
from tests.hub import one
from tests.router.conftest import Cluster

pytestmark = pytest.mark.once

# Dies at a step, as by kill -9.
KILLED = """
import os, sys
from ortes_db.router.move import Progress, move
dsn, azi, to, step = sys.argv[1:]
move(dsn, azi, to, report=lambda now: os.kill(os.getpid(), 9) if now.step == step else None)
"""


def home(cluster: Cluster, azi: str) -> str:
    with psycopg.connect(cluster.dsn(), autocommit=True) as router:
        return one(router, "SELECT shard FROM ortes_router.company WHERE azi = %s", azi)


def away(cluster: Cluster, azi: str) -> str:
    return "s1" if home(cluster, azi) == "s0" else "s0"


def work(
    cluster: Cluster, meanwhile: Callable[[Logins], Any], seconds: float = 0, **scene: Any
) -> tuple[History, list[Finding]]:
    """All clients at work until `meanwhile` is through; what they were told, and what is wrong with it."""
    where = Scene(
        cluster.dsn(), lambda login: cluster.dsn(login=login), home=lambda azi: cluster.dsn(home(cluster, azi)), **scene
    )
    with hired(where.dba) as logins:
        history = run(where, logins, seconds, meanwhile=lambda: meanwhile(logins))
    return history, check(history)


def nothing_left(cluster: Cluster) -> None:
    for part in ("s0", "s1"):
        with psycopg.connect(cluster.dsn(part), autocommit=True) as shard:
            assert one(shard, "SELECT count(*) FROM pg_publication") == 0
            assert one(shard, "SELECT count(*) FROM pg_replication_slots") == 0
            assert one(shard, "SELECT count(*) FROM pg_subscription") == 0


def test_nobody_notices_a_move(cluster: Cluster) -> None:
    waited = []

    def to_and_fro(logins: Logins) -> None:
        azi = logins.companies[0]
        for _ in range(2):
            moved = move(cluster.dsn(), azi, away(cluster, azi))
            waited.append(moved.waited)
            assert moved.orders > 0

    history, findings = work(cluster, to_and_fro)
    assert findings == []
    assert len(waited) == 2
    moved_company, other = history.companies
    assert moved_company.orders
    assert other.orders
    nothing_left(cluster)


@pytest.mark.parametrize(
    "steps",
    [("same", "switch"), pytest.param(("compare", "same", "open", "switch", "clear"), marks=pytest.mark.long)],
    ids=" ".join,
)
def test_nobody_notices_a_move_that_is_killed_and_continued(cluster: Cluster, steps: tuple[str, ...]) -> None:
    def to_and_fro(logins: Logins) -> None:
        azi = logins.companies[0]
        for step in steps:
            to = away(cluster, azi)
            killed = subprocess.run([sys.executable, "-c", KILLED, cluster.dsn(), azi, to, step], timeout=60)
            assert killed.returncode == -9, f"it never came to {step!r}"
            move(cluster.dsn(), azi, to)

    _, findings = work(cluster, to_and_fro)
    assert findings == []
    nothing_left(cluster)


class Lagging:
    """A new shard that applies nothing from the first attempt to switch on, until it is let."""

    def __init__(self, cluster: Cluster, to: str, until: Callable[[Progress], bool]) -> None:
        self.blocker = cluster.connect(part=to)
        self.until = until
        self.began = self.ended = False

    def __call__(self, now: Progress) -> None:
        if now.step == "lock" and not self.began:
            self.began = True
            self.blocker.execute("BEGIN")
            self.blocker.execute("LOCK TABLE ortes.arportes IN SHARE MODE")
            # Something has to be on its way, or nothing is there to be waited for.
            time.sleep(0.2)
        elif self.began and not self.ended and self.until(now):
            self.ended = True
            self.blocker.execute("COMMIT")


def test_what_is_on_its_way_is_waited_for(cluster: Cluster) -> None:
    attempts = []

    def once(logins: Logins) -> None:
        azi = logins.companies[0]
        to = away(cluster, azi)
        lagging = Lagging(cluster, to, lambda now: now.note.startswith("gave way"))
        attempts.append(move(cluster.dsn(), azi, to, pause=1, report=lagging).attempts)

    _, findings = work(cluster, once, seconds=1)
    assert findings == []
    assert attempts == [2]


# Movers made wrong on purpose.


def no_lock_on_the_router(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(move_directory, "lock_company", lambda *_: None)


def no_waiting_for_what_is_on_its_way(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mover._Mover, "_wait_applied", lambda *_: None)
    patch.setattr(move_rows, "compare_changed", lambda *_, **__: {})


def no_counters(patch: pytest.MonkeyPatch) -> None:
    """The rows of the small tables as the copy's first look would have had them, instead of those within the pause."""
    original = move_rows.open_company

    def early(source: Any, target: Any, azi: str) -> None:
        original(source, target, azi)
        target.execute("SET session_replication_role = replica")
        target.execute("UPDATE ortes.apstatosyn SET valore = greatest(valore - 3, 0) WHERE azi = %s", (azi,))
        target.execute("RESET session_replication_role")

    patch.setattr(move_rows, "open_company", early)


WRONG: dict[Callable[[pytest.MonkeyPatch], None], set[str]] = {
    no_lock_on_the_router: {"error"},
    no_waiting_for_what_is_on_its_way: {"public ids", "made twice", "answer", "missed", "numbers", "repeat", "error"},
    no_counters: {"error", "public ids", "numbers"},
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_a_wrong_mover_is_found_out(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, wrong: Callable[[pytest.MonkeyPatch], None]
) -> None:
    wrong(monkeypatch)

    def once(logins: Logins) -> None:
        to = away(cluster, logins.companies[0])
        lagging = Lagging(cluster, to, lambda now: now.step == "check")
        report = lagging if wrong is no_waiting_for_what_is_on_its_way else lambda _: None
        move(cluster.dsn(), logins.companies[0], to, discard=True, report=report)

    _, findings = work(cluster, once, seconds=1)
    assert {finding.kind for finding in findings} & WRONG[wrong], findings
