"""What a browser is sent: what it lacks and no more, however slow it is."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

import ortes_db.board.events
from ortes_db.board.events import events
from ortes_db.board.reading import Company, Reading
from ortes_db.board.world import BATCH, World

pytestmark = pytest.mark.once

NOW = 1_800_000_000.0


def company(azi: str, id_pub: int = 0, pending: int = 0, id_sincro: int = 0) -> Company:
    return Company(azi, pending, None, id_pub, id_sincro, True, (), 0)


def take(world: World, companies: Iterable[Company], *, whole: bool = False) -> None:
    world.take(Reading(NOW, {one.azi: one for one in companies}), whole=whole)


async def said(stream: AsyncIterator[str]) -> tuple[str, dict[str, Any]]:
    """The next event: its id and data."""
    async with asyncio.timeout(5):
        text = await anext(stream)
        if text.startswith("retry"):
            text = await anext(stream)
    id_line, data_line = text.removesuffix("\n\n").split("\n")
    return id_line.removeprefix("id: "), json.loads(data_line.removeprefix("data: "))


async def everything(stream: AsyncIterator[str]) -> tuple[str, list[dict[str, Any]]]:
    """Until nothing more is there: the last id, and all rows."""
    rows: list[dict[str, Any]] = []
    while True:
        last, message = await said(stream)
        rows += message.get("rows", [])
        if "more" not in message:
            return last, rows


def test_a_browser_gets_all_then_what_changed_and_nothing_twice() -> None:
    async def scene() -> None:
        world = World(600, 5)
        take(world, [company("A"), company("B")], whole=True)
        async with aclosing(events(world, "")) as stream:
            _, first = await said(stream)
            assert first["first"] is True
            assert {row["azi"] for row in first["rows"]} == {"A", "B"}
            assert first["hub"]["up"] is False
            take(world, [company("A"), company("B", 1, 1)])
            _, second = await said(stream)
            assert [(row["azi"], row["pending"]) for row in second["rows"]] == [("B", 1)]
            assert second.keys() == {"now", "rows"}
            take(world, [company("A"), company("B", 1, 1)])  # nothing new: nobody is told
            world.tell_hub(up=True, since=NOW)
            _, third = await said(stream)
            assert third.keys() == {"now", "hub"}

    asyncio.run(scene())


def test_who_is_slow_finds_what_is_true_by_then_and_nothing_is_kept_for_it() -> None:
    async def scene() -> None:
        world = World(600, 5)
        names = [f"C{n:05}" for n in range(50)]
        take(world, map(company, names), whole=True)
        async with aclosing(events(world, "")) as stream:
            await everything(stream)
            for n in range(1, 1001):
                take(world, [company(azi, n, n) for azi in names])
            _, rows = await everything(stream)
            assert sorted((row["azi"], row["pending"]) for row in rows) == [(azi, 1000) for azi in names]
        assert len(world._order) <= 2 * len(names) + BATCH
        assert world._batches.keys() <= {(50, False)}
        assert all(len(moved) == 1 for moved in world._moved.values())

    asyncio.run(scene())


def test_thousands_come_in_pieces_and_one_that_moves_meanwhile_is_there_at_the_end() -> None:
    async def scene() -> None:
        world = World(600, 5)
        names = [f"C{n:05}" for n in range(3 * BATCH + 1)]
        take(world, map(company, names), whole=True)
        async with aclosing(events(world, "")) as stream:
            _, first = await said(stream)
            assert (len(first["rows"]), first["more"]) == (BATCH, True)
            take(world, [company(names[0], 1, 1), company(names[-1], 1, 1)])
            _, rows = await everything(stream)
        seen = {row["azi"]: row for row in first["rows"] + rows}
        assert sorted(seen) == names
        assert [seen[azi]["pending"] for azi in (names[0], names[1], names[-1])] == [1, 0, 1]
        assert seen[names[0]]["moved"] == [[NOW // 10, 1, 0]]

    asyncio.run(scene())


def test_after_a_lost_connection_a_browser_gets_what_it_missed() -> None:
    async def scene() -> None:
        world = World(600, 5)
        take(world, [company("A"), company("B")], whole=True)
        async with aclosing(events(world, "")) as stream:
            last, _ = await everything(stream)
        take(world, [company("B", 7, 1)])
        async with aclosing(events(world, last)) as stream:
            _, message = await said(stream)
            assert "first" not in message
            assert [row["azi"] for row in message["rows"]] == ["B"]
            assert message["rows"][0]["moved"] == [[NOW // 10, 7, 0]]
        # What another board said, or nobody, is no reason to leave anything out.
        for foreign in (f"x{last}", last.partition("-")[0], "-", "-1", f"{world.epoch}--1", "9" * 99, "\n"):
            async with aclosing(events(world, foreign)) as stream:
                _, message = await said(stream)
                assert (message["first"], len(message["rows"])) == (True, 2)

    asyncio.run(scene())


def test_another_database_makes_everybody_start_anew() -> None:
    async def scene() -> None:
        world = World(600, 5)
        take(world, [company("A", 9), company("B", 9)], whole=True)
        async with aclosing(events(world, "")) as stream:
            await everything(stream)
            take(world, [company("B", 3)], whole=True)
            _, message = await said(stream)
            assert message["first"] is True
            assert [(row["azi"], row["id_pub"], row["moved"]) for row in message["rows"]] == [("B", 3, [])]

    asyncio.run(scene())


def test_who_hears_nothing_is_told_in_time_that_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    script = (Path(ortes_db.board.__file__).parent / "static" / "board.js").read_text(encoding="utf-8")
    (patience,) = re.findall(r"^const PATIENCE = ([\d_]+);", script, re.M)
    assert 2 * ortes_db.board.events.BEAT * 1000 < int(patience) <= 60_000, "one may be lost before the page gives up"
    monkeypatch.setattr(ortes_db.board.events, "BEAT", 0.01)

    async def scene() -> None:
        async with aclosing(events(World(600, 5), "")) as stream:
            await everything(stream)
            for _ in range(2):
                _, message = await said(stream)
                assert message.keys() == {"now"}

    asyncio.run(scene())


def test_a_closed_world_ends_its_streams() -> None:
    async def scene() -> None:
        world = World(600, 5)
        stream = events(world, "")
        await said(stream)
        waiting = asyncio.create_task(anext(stream, "the end"))
        await asyncio.sleep(0)  # until it waits
        world.close()
        assert await asyncio.wait_for(waiting, 5) == "the end"

    asyncio.run(scene())
