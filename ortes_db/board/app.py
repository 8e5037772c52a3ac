"""The page: its address, its stream of events, and the answer to "where is my order?"."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ortes_db.board.events import events
from ortes_db.board.guard import Guard
from ortes_db.board.reading import as_monitor
from ortes_db.board.watch import PATIENCE, Watcher
from ortes_db.board.world import World
from ortes_db.hub import one_line
from ortes_db.order import Row, ask

_HERE = Path(__file__).parent
_BIGGEST = {"number": 2**63 - 1, "whose": 2**31 - 1}
# What the search's select offers: its value, and what that means to find_order.
KINDS = {
    "id_pub": "public id",
    "tor_chia": "ERP's key",
    "store": "store's id",
    "device": "device's id",
}
_ASKED = ("azi", "kind", "number", "whose")


class NotAsked(Exception):
    """The question cannot be asked; the message says what to write instead."""


def make_app(world: World, watcher: Watcher, *, host: str, token: str) -> ASGIApp:
    """The board as an ASGI app that watches while it lives."""
    pages = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    pages.filters["at"] = _at

    def page(name: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(pages.get_template(name).render(values), status)

    async def board(request: Request) -> Response:
        return page("board.html", kinds=KINDS, asked=dict.fromkeys(_ASKED, ""), answer=None)

    async def order(request: Request) -> Response:
        asked = {name: request.query_params.get(name, "").strip() for name in _ASKED}
        return page("board.html", kinds=KINDS, asked=asked, answer=await _answer(watcher, asked))

    async def stream(request: Request) -> Response:
        last_id = request.headers.get("last-event-id", "")
        return StreamingResponse(
            events(world, last_id), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
        )

    async def enter(request: Request) -> Response:
        return page("enter.html", 401, wrong=request.scope.get("state", {}).get("wrong", False))

    routes = [
        Route("/", board),
        Route("/order", order),
        Route("/events", stream),
        Mount("/static", StaticFiles(directory=_HERE / "static")),
    ]
    app = Starlette(routes=routes, lifespan=_watching(watcher))
    # Outside of Starlette's own, so that an error's page has the headers, too.
    return Guard(app, host=host, token=token, enter=Route("/", enter).app)


def _watching(watcher: Watcher) -> Callable[[Starlette], Any]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(watcher.run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return lifespan


async def _answer(watcher: Watcher, asked: dict[str, str]) -> dict[str, Any]:
    """For the template: `order`, or else `said`."""
    try:
        found = await _find(watcher, asked)
    except NotAsked as error:
        return {"order": None, "said": str(error)}
    if found is None:
        return {"order": None, "said": f"Company {asked['azi']} has no such order."}
    return {"order": found, "said": ""}


async def _find(watcher: Watcher, asked: dict[str, str]) -> Row | None:
    azi, kind, number = asked["azi"], asked["kind"], asked["number"]
    if not azi or not number or kind not in KINDS:
        raise NotAsked("Write the company's code and the order's number.")
    key: dict[str, Any] = dict.fromkeys(("id_pub", "tor_chia", "id_int", "prov_tipo", "prov_id"))
    if kind in ("id_pub", "tor_chia"):
        key[kind] = number if kind == "tor_chia" else _whole(number, "number", KINDS[kind])
    else:
        key["id_int"] = _whole(number, "number", KINDS[kind])
        key["prov_tipo"] = "S" if kind == "store" else "A"
        if asked["whose"] or kind == "device":
            key["prov_id"] = _whole(asked["whose"], "whose", f"{kind}'s number")
    connection = watcher.connection
    if connection is None:
        raise NotAsked("The database is not reachable now.")
    try:
        async with asyncio.timeout(PATIENCE), watcher.asking, as_monitor(connection):
            return await ask(connection, azi, key)
    except (psycopg.OperationalError, TimeoutError):
        raise NotAsked("The database does not answer now.") from None
    except psycopg.Error as error:
        detail = error.diag.message_detail
        raise NotAsked(f"{one_line(error).capitalize()}{f': {detail}' if detail else '.'}") from None


def _whole(text: str, what: str, name: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:20]) <= _BIGGEST[what]:
        raise NotAsked(f"The {name} is a whole number, such as 150.")
    return int(text)


def _at(moment: datetime | None) -> str:
    """A machine-readable time, which the page shows in the reader's own zone."""
    return "" if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")
