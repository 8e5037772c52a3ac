"""A shard that is lost: a second server for it, and what its callers are to hear."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

import psycopg
import pytest

from ortes_db.server import Server
from tests.hub import Connection, one

# Seconds in which "fast" is; a refused connection takes a thousandth of it.
FAST = 5


@dataclass
class Two:
    """Two servers: the router with shard near (company NEAR), and shard far (company FAR), which is the one that is lost."""

    near: Server
    far: Server

    @property
    def dsn(self) -> str:
        return self.near.dsn("router")

    def connect(self, login: str = "postgres") -> Connection:
        """A session of the router."""
        return psycopg.connect(self.near.dsn("router", login), autocommit=True)


@contextmanager
def lost(*codes: str, naming: str = "far") -> Iterator[None]:
    """What follows says within moments that the shard does not answer."""
    start = time.monotonic()
    with pytest.raises(psycopg.Error) as caught:
        yield
    assert caught.value.sqlstate in codes, caught.value
    assert naming in (caught.value.diag.message_detail or "")
    assert "ortes_ops.shards" in (caught.value.diag.message_hint or "")
    assert time.monotonic() - start < FAST


def save(connection: Connection, azi: str, id_int: int) -> int:
    return one(connection, "SELECT ortes_store.save_order(%s, %s)", azi, id_int)


@contextmanager
def waiting(connection: Connection, query: str) -> Iterator[Thread]:
    """Somebody who has asked, and is not answered: the thread in which he waits, through whatever becomes of him."""

    def ask() -> None:
        with suppress(psycopg.OperationalError):
            connection.execute(query)

    thread = Thread(target=ask)
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        thread.start()
        state = "SELECT state FROM pg_stat_activity WHERE pid = %s"
        until(lambda: one(other, state, connection.info.backend_pid) == "active")
    try:
        yield thread
    finally:
        thread.join(FAST)
        assert not thread.is_alive(), f"still waiting: {query}"


def until(true: Callable[[], object], seconds: float = FAST) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.01)


@contextmanager
def silent() -> Iterator[int]:
    """A port on which the kernel answers nothing: its queue is full, and nobody takes from it."""
    with ExitStack() as closing:
        listening = closing.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        for _ in range(4):
            waiting = closing.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        yield port
