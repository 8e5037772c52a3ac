import itertools
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from ortes_db.server import Server
from tests.conftest import Db
from tests.hub import Hub

_serial = itertools.count(1)


@pytest.fixture(scope="module")
def kept(server: Server, template: str) -> Iterator[Hub]:
    """One hub for all tests of a module: each makes companies of its own in it. C00001 notifies."""
    database = Db(server, f"board_{next(_serial)}")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        names = (sql.Identifier(database.name), sql.Identifier(template))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    try:
        made = Hub(database)
        made.dba.execute("SELECT ortes_ops.set_notify('C00001', true)")
        yield made
    finally:
        database.close()
