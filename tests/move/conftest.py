"""Servers whose log can be decoded, with a hub to clone."""

from collections.abc import Iterator

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


@pytest.fixture
def shards(logical: Server) -> Iterator[Shards]:
    """Two shards on one server."""
    with two_shards(logical, logical, {logical: TEMPLATE}) as made:
        yield made


@pytest.fixture
def apart(logical: Server, second: Server) -> Iterator[Shards]:
    """Two shards on a server each."""
    with two_shards(logical, second, {logical: TEMPLATE, second: TEMPLATE}) as made:
        yield made
