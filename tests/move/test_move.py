"""A company moved between shards: complete, once, numbered on, and nothing left behind, however it was interrupted."""

from typing import Any

import psycopg
import pytest

from ortes_db.router.move import STEPS, MoveError, Progress, undo
from tests.move.shards import AZI, OTHER, Shards, interrupted_at

BEFORE_THE_SWITCH = ["publish", "slot", "subscribe", "copy", "compare", "lock", "hold", "same", "silent", "open"]
AFTER_THE_SWITCH = ["switch", "fence", "stop", "check", "clear", "end"]


def test_every_step_is_interrupted_somewhere() -> None:
    assert ["begin", *BEFORE_THE_SWITCH, *AFTER_THE_SWITCH] == list(STEPS)


def test_all_that_belongs_to_a_company_moves_and_nothing_else(shards: Shards) -> None:
    before, others = shards.content("s1"), shards.content("s1", OTHER)
    moved = shards.move()
    assert sorted(map(sorted, shards.content("s2").values())) == sorted(map(sorted, before.values()))
    assert (moved.orders, moved.attempts) == (5, 1)
    assert shards.content("s1", OTHER) == others
    assert not any(shards.content("s2", OTHER).values())
    shards.goes_on("s2")
    shards.move("s1")
    shards.goes_on("s1")


def test_between_two_servers(apart: Shards) -> None:
    apart.move()
    apart.goes_on("s2")


def test_moving_to_where_it_is_does_nothing(shards: Shards) -> None:
    before = shards.content("s1")
    assert shards.move("s1").attempts == 0
    assert shards.content("s1") == before
    shards.goes_on("s1")


@pytest.mark.once
@pytest.mark.parametrize("step", [*BEFORE_THE_SWITCH, *AFTER_THE_SWITCH])
def test_killed_anywhere_the_same_command_continues(shards: Shards, step: str) -> None:
    interrupted_at(step)(shards)
    assert shards.home() == ("s1" if step in BEFORE_THE_SWITCH else "s2")
    shards.work()
    shards.move()
    shards.goes_on("s2")


@pytest.mark.once
@pytest.mark.parametrize("step", BEFORE_THE_SWITCH)
def test_killed_before_the_switch_it_can_be_undone(shards: Shards, step: str) -> None:
    interrupted_at(step)(shards)
    shards.work()
    assert undo(shards.dsn("router"), AZI).undone
    shards.goes_on("s1")


@pytest.mark.once
@pytest.mark.parametrize("step", AFTER_THE_SWITCH)
def test_after_the_switch_there_is_no_undoing(shards: Shards, step: str) -> None:
    interrupted_at(step)(shards)
    with pytest.raises(MoveError, match="lives on s2 already"):
        undo(shards.dsn("router"), AZI)
    shards.move()
    shards.goes_on("s2")
