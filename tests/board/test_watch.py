"""When the board asks the database."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from ortes_db.board import watch
from ortes_db.board.reading import Connection, connect
from ortes_db.board.world import World
from tests.hub import Hub

pytestmark = pytest.mark.once


def test_what_was_notified_before_it_listened_is_read(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a restart, the connection that asks may be there before the one that listens. Read once an hour otherwise."""

    async def scene() -> None:
        world = World(600, 3600)
        may_listen = asyncio.Event()
        connected: list[str] = []

        async def slowly(dsn: str) -> Connection:
            connected.append(dsn)
            if len(connected) == 2:
                await may_listen.wait()
            return await connect(dsn)

        async def until(wanted: Callable[[], bool]) -> None:
            async with asyncio.timeout(10):
                while not wanted():
                    await world.changed.wait()

        def pending() -> int:
            company = world.company(hub.azi)
            return company.pending if company else -1

        monkeypatch.setattr(watch, "connect", slowly)
        watching = asyncio.create_task(watch.Watcher(hub.db.dsn(hub.login("monitor")), world).run())
        try:
            await until(lambda: world.hub.up)
            assert (pending(), world.hub.listening) == (0, False)
            await asyncio.to_thread(hub.save, 1)
            may_listen.set()
            await until(lambda: pending() == 1)
            assert world.hub.listening
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    asyncio.run(scene())
