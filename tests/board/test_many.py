"""Twenty and two hundred browsers, a database that restarts, and browsers that do not read."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from playwright.sync_api import expect

from ortes_db.deploy import deploy
from ortes_db.server import Server, embedded_server
from tests.board.running import Board, running
from tests.browser import Visit

pytestmark = pytest.mark.once

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'board'"


@pytest.fixture(scope="module")
def own(pg_bin: str | None) -> Iterator[Server]:
    """A server of this module's own, to be restarted, with the hub in the database `hub`."""
    with embedded_server(pg_bin) as running_server:
        with psycopg.connect(running_server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hub")
        deploy(running_server.dsn("hub"))
        run(running_server, "CREATE ROLE board LOGIN IN ROLE ortes_monitor")
        run(running_server, "SELECT ortes_ops.create_company('C00001')")
        run(running_server, "SELECT ortes_ops.set_notify('C00001', true)")
        yield running_server


@pytest.fixture
def board(own: Server) -> Iterator[Board]:
    """What is read without being notified of is read once an hour: what moves, moves by a notification."""
    with running(own.dsn("hub", "board"), "--poll", "3600") as started:
        yield started


def run(server: Server, query: str) -> list[Any]:
    with psycopg.connect(server.dsn("hub"), autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def save(server: Server) -> int:
    """The store saves an order; how many are pending then."""
    run(
        server,
        "SELECT ortes_store.save_order('C00001', (SELECT count(*) + 1 FROM ortes.arportes WHERE azi = 'C00001'))",
    )
    return int(run(server, "SELECT pending FROM ortes_ops.backlog WHERE azi = 'C00001'")[0][0])


class Watching:
    """One browser's stream, and what it has been told of C00001 and of the database."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.pending = -1
        self.up: bool | None = None

    async def until(self, pending: int | None = None, up: bool | None = None) -> None:
        async with asyncio.timeout(60):
            while (pending is not None and self.pending != pending) or (up is not None and self.up is not up):
                line = await anext(self._lines)  # a stream that ends fails here
                if line.startswith("data: "):
                    self._take(json.loads(line.removeprefix("data: ")))

    def _take(self, message: dict[str, Any]) -> None:
        for row in message.get("rows", []):
            if row["azi"] == "C00001":
                self.pending = row["pending"]
        if "hub" in message:
            self.up = message["hub"]["up"]


@pytest.mark.parametrize("browsers", [20, pytest.param(200, marks=pytest.mark.long)])
def test_browsers_through_a_restart(own: Server, board: Board, browsers: int) -> None:
    async def scene() -> None:
        pending = save(own)
        limits = httpx.Limits(max_connections=None)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(limits=limits, timeout=None))
            watching = []
            for _ in range(browsers):
                stream = await stack.enter_async_context(client.stream("GET", f"{board.url}/events"))
                assert stream.status_code == 200
                watching.append(Watching(aiter(stream.aiter_lines())))

            async def all_of_them(pending: int | None = None, up: bool | None = None) -> None:
                await asyncio.gather(*(one.until(pending, up) for one in watching))

            await all_of_them(pending, up=True)
            assert run(own, SESSIONS) == [(2,)]  # one listens, one asks
            for mode in ("fast", "kill"):
                await asyncio.to_thread(own.stop, mode)
                try:
                    await all_of_them(up=False)
                finally:
                    await asyncio.to_thread(own.start)
                await all_of_them(up=True)
                for _ in range(2):  # the second comes by a notification, whatever was read after the restart
                    await all_of_them(save(own))
                assert run(own, SESSIONS) == [(2,)]

    asyncio.run(scene())


# A thousand companies move four times: 600 kB of news for each of the hundred. Few move too little to be measured.
@pytest.mark.parametrize(
    ("companies", "asleep", "bytes_more"),
    [(100, 20, None), pytest.param(1000, 100, 30_000_000, marks=pytest.mark.long)],
)
def test_browsers_that_do_not_read_hold_nobody_up_and_cost_no_memory(
    own: Server, board: Board, companies: int, asleep: int, bytes_more: int | None
) -> None:
    names = f"SELECT format('N%s', n) AS azi FROM generate_series(1, {companies}) AS n"
    run(own, f"SELECT ortes_ops.create_company(c.azi), ortes_ops.set_notify(c.azi, true) FROM ({names}) AS c")
    pending = save(own)
    address = urlsplit(board.url)
    assert address.port is not None

    async def reader() -> None:
        async with httpx.AsyncClient(timeout=None) as client, client.stream("GET", f"{board.url}/events") as stream:
            watching = Watching(aiter(stream.aiter_lines()))
            await watching.until(pending, up=True)
            before = board.memory()
            with ExitStack() as stack:
                for _ in range(asleep):
                    sleeper = stack.enter_context(socket.socket())
                    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    sleeper.connect(("127.0.0.1", address.port))
                    sleeper.sendall(b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                for _ in range(4):
                    run(
                        own,
                        f"SELECT ortes_store.save_orders(c.azi, jsonb_build_array(jsonb_build_object('id_int', "
                        f"(SELECT valore + 1 FROM ortes.apstatosyn AS s WHERE s.azi = c.azi AND contatore = 'ID-PUB')))) "
                        f"FROM ({names}) AS c",
                    )
                    async with asyncio.timeout(20):
                        await watching.until(save(own))
                assert bytes_more is None or board.memory() - before < bytes_more

    asyncio.run(reader())


# The last, as Playwright keeps an event loop running, in which no other can.
def test_the_page_says_since_when_and_goes_on_by_itself(own: Server, board: Board, visit: Visit) -> None:
    pending = save(own)
    page = visit(board.url)
    number = page.locator("[data-azi=C00001] .pending b")
    expect(number).to_have_text(str(pending))
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#down")).to_be_hidden()
    page.evaluate("window.before = 'the restart'")
    own.stop()
    try:
        expect(page.locator("#down:visible")).to_contain_text("The database is not reachable since ", timeout=10_000)
        expect(page.get_by_role("heading", level=1)).to_have_text("No news")
        expect(page.locator("#link")).to_have_text("database not reachable")
        expect(number).to_have_text(str(pending))  # the last that was known
        page.get_by_label("Company").fill("C00001")
        page.get_by_label("Number or key").fill("1")
        page.get_by_role("button", name="Find").click()
        expect(page.locator("#answer")).to_contain_text("The database is not reachable now.")
    finally:
        own.start()
    expect(page.locator("#down")).to_be_hidden(timeout=10_000)
    expect(number).to_have_text(str(save(own)))
    assert page.evaluate("window.before") == "the restart"  # never by a reload
