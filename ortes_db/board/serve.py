"""Runs the board: one process, one socket, until it is interrupted."""

import asyncio
import socket
from collections.abc import Callable

import uvicorn

from ortes_db.board.app import make_app
from ortes_db.board.login import check
from ortes_db.board.reading import connect
from ortes_db.board.watch import Watcher
from ortes_db.board.world import World

GRACE = 1  # seconds that a browser which does not read is waited for at the end
KEPT = 64 * 1024  # bytes that the kernel keeps for a browser that does not read them


class _Server(uvicorn.Server):
    """Lets the browsers go first: their streams never end by themselves."""

    world: World

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.world.close()
        await super().shutdown(sockets)


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one. Raises OSError."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KEPT)
        listening.bind(address)
        listening.listen(1024)
    except OSError:
        listening.close()
        raise
    return listening


def url_of(listening: socket.socket) -> str:
    """The board's address."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def look_once(dsn: str) -> str:
    """Whether the board may look at that database: a warning or "". Raises NotAllowed, and what psycopg does."""
    async with await connect(dsn) as connection:
        return await check(connection)


def serve(
    dsn: str, listening: socket.socket, *, host: str, token: str, late: float, poll: float, ready: Callable[[], None]
) -> None:
    """Serve the board until SIGINT or SIGTERM, which is then raised again. `ready` is called when it answers."""

    async def main() -> None:
        world = World(late, poll)
        app = make_app(world, Watcher(dsn, world), host=host, token=token)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE, ws="none"
        )
        server = _Server(config)
        server.world = world
        asyncio.get_running_loop().call_soon(ready)
        await server.serve([listening])

    asyncio.run(main())
