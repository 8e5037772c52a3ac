"""What these tests share: a replica of the worker's server, and hubs for the history checker to work on."""

from collections.abc import Iterator

import pytest

from ortes_db.replica import embedded_replica
from ortes_db.server import Server
from ortes_db.soak.run import Scene
from tests.conftest import Db


@pytest.fixture(scope="module")
def replica(server: Server) -> Iterator[Server]:
    """A hot standby that follows this worker's server."""
    with embedded_replica(server) as running:
        yield running


@pytest.fixture
def scene(db: Db) -> Scene:
    """This test's hub."""
    return Scene(db.dsn(), db.dsn)


@pytest.fixture
def wide_scene(db: Db, replica: Server) -> Scene:
    """This test's hub, and its replica."""
    return Scene(db.dsn(), db.dsn, lambda login: replica.dsn(db.name, login))
