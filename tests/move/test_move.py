"""A company moved between shards: complete, once, numbered on, and nothing left behind, however it was interrupted."""

from typing import Any

import pytest

from ortes_db.router.move import STEPS, MoveError
from tests.move.shards import OTHER, Shards, kill_at

BEFORE_THE_SWITCH = [
    "publish",
    "slot",
    "subscribe",
    "copy",
    "compare",
    "again",
    "lock",
    "hold",
    "same",
    "silent",
    "open",
]
AFTER_THE_SWITCH = ["switch", "fence", "stop", "check", "clear", "end"]


def steps(names: list[str], *short: str) -> list[Any]:
    """All of them, to be interrupted at; all but the `short` ones are long."""
    assert set(short) < set(names)
    return [name if name in short else pytest.param(name, marks=pytest.mark.long) for name in names]


def test_every_step_is_interrupted_somewhere() -> None:
    assert ["begin", *BEFORE_THE_SWITCH, *AFTER_THE_SWITCH] == list(STEPS)


def test_all_that_belongs_to_a_company_moves_and_nothing_else(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    before, others = shards.content(at), shards.content("s1", OTHER)
    moved = shards.move(away)
    after = shards.content(away)
    assert {table: sorted(rows) for table, rows in after.items()} == {t: sorted(rows) for t, rows in before.items()}
    assert all(before.values()), "a table without rows shows nothing"
    assert (moved.orders, moved.history) == (len(before["arportes"]), len(before["history"]))
    assert shards.content("s1", OTHER) == others
    assert not any(shards.content("s2", OTHER).values())
    shards.goes_on(away)
    shards.move(at)
    shards.goes_on(at)


def test_between_two_servers(apart: Shards) -> None:
    away = apart.away
    apart.move(away)
    apart.goes_on(away)


def test_moving_to_where_it_is_does_nothing(shards: Shards) -> None:
    at = shards.home()
    before = shards.content(at)
    assert shards.move(at).attempts == 0
    assert shards.content(at) == before


@pytest.mark.once
@pytest.mark.parametrize("step", steps([*BEFORE_THE_SWITCH, *AFTER_THE_SWITCH], "copy", "hold", "switch", "clear"))
def test_killed_anywhere_the_same_command_continues(shards: Shards, step: str) -> None:
    at, away = shards.home(), shards.away
    kill_at(shards, away, step)
    assert shards.home() == (at if step in BEFORE_THE_SWITCH else away)
    shards.work()
    shards.move(away)
    shards.goes_on(away)


@pytest.mark.once
@pytest.mark.parametrize(
    "step", steps(["publish", "slot", "subscribe", "copy", "compare", "silent", "open"], "subscribe", "open")
)
def test_killed_before_the_switch_it_can_be_undone(shards: Shards, step: str) -> None:
    at, away = shards.home(), shards.away
    kill_at(shards, away, step)
    shards.work()
    assert shards.undo().undone
    shards.goes_on(at)


@pytest.mark.once
@pytest.mark.parametrize("step", ["switch", "end"])
def test_after_the_switch_there_is_no_undoing(shards: Shards, step: str) -> None:
    away = shards.away
    kill_at(shards, away, step)
    with pytest.raises(MoveError, match=f"lives on {away} already"):
        shards.undo()
    shards.move(away)
    shards.goes_on(away)
