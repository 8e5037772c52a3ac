"""Servers whose log can be decoded, with a hub to clone."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest

from ortes_db.deploy import deploy
from ortes_db.server import Server, embedded_server
from tests.move.shards import Shards, two_shards

# Moves come one after another here; a server waits this long before it restarts a subscription's worker.
SETTINGS = {"wal_level": "logical", "wal_retrieve_retry_interval": "100ms", "max_worker_processes": "16"}
TEMPLATE = "move_template"


def with_template(server: Server) -> Server:
    with psycopg.connect(server.dsn(), autocommit=True) as dba:
        dba.execute(f"CREATE DATABASE {TEMPLATE}")
    deploy(server.dsn(TEMPLATE))
    return server


@pytest.fixture(scope="session")
def logical(pg_bin: str | None) -> Iterator[Server]:
    with embedded_server(pg_bin, SETTINGS) as server:
        yield with_template(server)


@pytest.fixture(scope="session")
def second(pg_bin: str | None) -> Iterator[Server]:
    with embedded_server(pg_bin, SETTINGS) as server:
        yield with_template(server)


class Kept:
    """Shards for one test after the other, made anew only if a test left something behind."""

    def __init__(self, first: Server, second: Server) -> None:
        self.servers = first, second
        self.closing = ExitStack()
        self.shards: Shards | None = None

    def get(self) -> Shards:
        if self.shards is None or self.shards.leftovers():
            self.closing.close()
            self.shards = self.closing.enter_context(two_shards(*self.servers, TEMPLATE))
        return self.shards


@pytest.fixture(scope="session")
def kept_shards(logical: Server) -> Iterator[Kept]:
    kept = Kept(logical, logical)
    with kept.closing:
        yield kept


@pytest.fixture(scope="session")
def kept_apart(logical: Server, second: Server) -> Iterator[Kept]:
    kept = Kept(logical, second)
    with kept.closing:
        yield kept


@pytest.fixture
def shards(kept_shards: Kept) -> Shards:
    """Two shards on one server, with nothing on its way."""
    return kept_shards.get()


@pytest.fixture
def apart(kept_apart: Kept) -> Shards:
    """Two shards on a server each, with nothing on its way."""
    return kept_apart.get()
