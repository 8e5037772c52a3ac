"""A network between a client and the server that loses answers: the server has done what was asked, the client is cut off."""

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# What may be looked for among the calls that passed.
DOORS = ("changes(", "pending(", "position(", "confirm(")

# A statement's end and ReadyForQuery outside a transaction: it is committed.
COMMITTED = re.compile(rb"SELECT \d+\0.*Z\0\0\0\x05I$", re.DOTALL)


class Proxy:
    """Listens on `port`. The first answer to each of `lose` (words in a call) is lost; `before[word]` runs as the first
    call with that word passes."""

    def __init__(
        self, socket_file: Path, lose: list[str], before: dict[str, Callable[[], object]] | None = None
    ) -> None:
        self.to_lose = list(lose)
        self.lost: list[str] = []
        self.passed: set[str] = set()
        self._before = dict(before or {})
        self._socket_file = str(socket_file)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._socket_file)
            asked: list[str] = []  # whose answer is to be lost, once it is there
            threading.Thread(target=self._requests, args=(client, server, asked), daemon=True).start()
            threading.Thread(target=self._answers, args=(client, server, asked), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket, asked: list[str]) -> None:
        while data := _receive(client):
            self.passed |= {word for word in DOORS if word.encode() in data}
            for word in [word for word in self._before if word.encode() in data]:
                self._before.pop(word)()
            for word in [word for word in self.to_lose if word.encode() in data]:
                self.to_lose.remove(word)
                asked.append(word)
            try:
                server.sendall(data)
            except OSError:
                break
        _close(client, server)

    def _answers(self, client: socket.socket, server: socket.socket, asked: list[str]) -> None:
        while data := _receive(server):
            if asked and COMMITTED.search(data):
                self.lost.append(asked.pop())
                break
            try:
                client.sendall(data)
            except OSError:
                break
        _close(client, server)


def _receive(one: socket.socket) -> bytes:
    try:
        return one.recv(1 << 16)
    except OSError:
        return b""


def _close(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
