"""When the board asks the database: when it notifies, and every few seconds anyway.

One connection listens and one asks, for all browsers together.
"""

import asyncio
import time
from typing import NoReturn

import psycopg
from psycopg import errors

from ortes_db.board.login import NotAllowed, check
from ortes_db.board.reading import Connection, Reading, connect, read
from ortes_db.board.world import World
from ortes_db.hub import one_line

CHANNEL = "ortes"
REST = 0.25  # seconds between two readings at least
SHARE = 9  # times as long as a reading took, the database has its rest: a tenth of one backend is the board's
MOST_NOTED = 1000  # companies noted one by one; beyond, everything is read
PATIENCE = 30.0  # seconds for a reading
RETRY = 1.0  # seconds until the next try to connect
RETRY_STANDBY = 30.0

_IS_IT_RUNNING = " Is the server running locally and accepting connections on that socket?"
_LOST = (psycopg.Error, OSError, TimeoutError)


class Watcher:
    """Keeps `world` up to date until cancelled."""

    def __init__(self, dsn: str, world: World) -> None:
        self.asking = asyncio.Lock()  # whose turn it is on `connection`
        self.connection: Connection | None = None
        self._dsn = dsn
        self._world = world
        self._poll = world.hub.poll
        self._noted: set[str] = set()
        self._woken = asyncio.Event()
        self._whole_due = 0.0  # when everything is read next, by the clock
        self._whole_wanted = True  # or at once
        self._unannounced: set[str] = set()

    async def run(self) -> None:
        """Never returns."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ask())
            tasks.create_task(self._listen())

    async def _ask(self) -> NoReturn:
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    connection = await connect(self._dsn)
                async with connection:
                    await check(connection)
                    self.connection, self._whole_wanted = connection, True
                    while True:
                        await self._ask_once(connection)
            except (NotAllowed, *_LOST) as error:
                self.connection = None
                since = self._world.now() if self._world.hub.up else self._world.hub.since
                self._world.tell_hub(up=False, since=since, error=_said(error))
                await asyncio.sleep(RETRY)

    async def _ask_once(self, connection: Connection) -> None:
        # Taken before the reading: what is asked for while it lasts, the next one answers.
        whole, self._whole_wanted = self._whole_wanted or time.monotonic() >= self._whole_due, False
        noted, self._noted = self._noted, set()
        self._woken.clear()
        began = time.monotonic()
        async with self.asking, asyncio.timeout(PATIENCE):
            began = time.monotonic()
            reading = await read(connection, None if whole else noted)
        took = time.monotonic() - began
        if whole:
            self._look_for_silence(reading, noted)
            every = max(self._poll, SHARE * took)
            self._whole_due = time.monotonic() + every
            self._world.tell_hub(poll=round(every))
        self._world.take(reading, whole=whole)
        if not self._world.hub.up:
            self._world.tell_hub(up=True, since=reading.now, error="")
        await asyncio.sleep(max(REST, SHARE * took))
        try:
            await asyncio.wait_for(self._woken.wait(), max(0.0, self._whole_due - time.monotonic()))
        except TimeoutError:
            return

    def _look_for_silence(self, reading: Reading, noted: set[str]) -> None:
        """A company that notifies has moved, and by the next reading of all nothing was heard: nothing can be."""
        if self._unannounced and self._world.hub.listening:
            self._world.tell_hub(silent="notifications are switched on, and none comes (a pooler between?)")
        self._unannounced = set()
        for azi, new in reading.companies.items():
            old = self._world.company(azi)
            moved = old is not None and (old.id_pub, old.id_sincro) != (new.id_pub, new.id_sincro)
            if moved and old is not None and old.notify and new.notify and azi not in noted | self._noted:
                self._unannounced.add(azi)

    async def _listen(self) -> NoReturn:
        while True:
            standby = False
            try:
                async with asyncio.timeout(PATIENCE):
                    connection = await connect(self._dsn)
                async with connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._world.tell_hub(listening=True, silent="")
                    self._read_everything()  # what was said before, nobody heard
                    async for notification in connection.notifies():
                        self._note(notification.payload)
                raise OSError("the connection is closed")
            except _LOST as error:
                if self._world.hub.listening:
                    self._read_everything()  # and so notice when the whole server has gone
                standby = isinstance(error, errors.ReadOnlySqlTransaction)
                why = "this server is a standby, where nobody can listen" if standby else _said(error)
                self._unannounced = set()
                self._world.tell_hub(listening=False, silent=why)
            await asyncio.sleep(RETRY_STANDBY if standby else RETRY)

    def _read_everything(self) -> None:
        self._whole_wanted = True
        self._woken.set()

    def _note(self, azi: str) -> None:
        self._unannounced.clear()
        self._world.tell_hub(silent="")
        if len(self._noted) < MOST_NOTED:
            self._noted.add(azi)
        else:
            self._whole_wanted = True
        self._woken.set()


def _said(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer"
    text = one_line(error) if isinstance(error, psycopg.Error) else " ".join(str(error).split())
    return text.removeprefix("connection is bad: ").removesuffix(_IS_IT_RUNNING)
