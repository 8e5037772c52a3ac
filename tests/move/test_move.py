"""A company moved between shards: complete, once, numbered on, and nothing left behind, however it was interrupted."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic
from typing import Any, LiteralString

import pytest

from ortes_db.router import move_copy
from ortes_db.router.move import STEPS, MoveError
from tests.hub import rows
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


def test_who_writes_for_others_does_not_notice_that_the_copying_ends(shards: Shards) -> None:
    """A publication just dropped, under their statements, fails one in ten times with two cores busy."""
    stop = Event()

    # On the server, each in a transaction of its own: nothing is as fast.
    writing = """
        DO $$ BEGIN FOR i IN 1..50 LOOP
            UPDATE ortes.arportes SET autore_cod = 7 WHERE azi = 'nobody';
            COMMIT;
        END LOOP; END $$
    """

    def write() -> int:
        written = 0
        with shards.connect("s1") as dba:
            while not stop.is_set():
                dba.execute(writing)
                written += 1
        return written

    with ThreadPoolExecutor(3) as pool, shards.connect("s1") as source:
        writers = [pool.submit(write) for _ in range(3)]
        try:
            for _ in range(200):
                move_copy.publish(source, "ortes_move_of_nobody", "nobody")
                move_copy.publish_log(source, "ortes_move_of_nobody", "nobody")
                move_copy.stop_sending(source, "ortes_move_of_nobody")
        finally:
            stop.set()
        assert all(writer.result() for writer in writers)
    assert shards.leftovers() == []


def test_a_publication_on_its_way_out_is_made_anew(shards: Shards) -> None:
    """Killed between the two halves of its removal, it is there and publishes nothing."""
    query = "SELECT count(*) FROM pg_publication_tables WHERE pubname LIKE 'ortes_move_of_nobody%'"
    with shards.connect("s1") as source:
        for _ in range(2):
            move_copy.publish(source, "ortes_move_of_nobody", "nobody")
            move_copy.publish_log(source, "ortes_move_of_nobody", "nobody")
            assert rows(source, query) == [(3,)]
            source.execute("ALTER PUBLICATION ortes_move_of_nobody DROP TABLE ortes.arportes, ortes.history")
            source.execute("ALTER PUBLICATION ortes_move_of_nobody_log DROP TABLE ortes.arportes")
        move_copy.stop_sending(source, "ortes_move_of_nobody")
    assert shards.leftovers() == []


@pytest.mark.parametrize(
    "held", ["UPDATE ortes.arportes SET autore_cod = 7 WHERE azi = 'nobody'", "LOCK TABLE ortes.arportes IN SHARE MODE"]
)
def test_who_is_at_the_table_is_waited_for_and_not_for_ever(
    shards: Shards, monkeypatch: pytest.MonkeyPatch, held: LiteralString
) -> None:
    monkeypatch.setattr(move_copy, "PATIENCE_WITH_WRITERS", 0.2)
    with shards.connect("s1") as other, shards.connect("s1") as source:
        move_copy.publish(source, "ortes_move_of_nobody", "nobody")
        with other.transaction():
            other.execute(held)
            began = monotonic()
            move_copy.stop_sending(source, "ortes_move_of_nobody")
            assert monotonic() - began > 0.2, "it did not wait for who may know the publication"
    assert shards.leftovers() == []


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
