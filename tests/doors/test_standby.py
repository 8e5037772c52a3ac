"""On a hot standby: what reads answers as on the primary, what writes says where to call."""

from collections.abc import Iterator

import psycopg
import pytest

from ortes_db.replica import embedded_replica
from ortes_db.server import Server
from tests.backup.places import all_arrived
from tests.conftest import Db
from tests.doors.test_bad_input import DOORS, FINDERS
from tests.hub import Hub, rows

pytestmark = pytest.mark.once

READING = {"changes", "position", "pending", "history", "order_history", "count_history"}


@pytest.fixture(scope="module")
def both(server: Server, template: str) -> Iterator[tuple[Hub, psycopg.Connection[tuple[object, ...]]]]:
    """A hub with an order that the ERP has, one that it has not, and one of its own; and its standby."""
    name = "standby_of_the_doors"
    with psycopg.connect(server.dsn(), autocommit=True) as dba:
        dba.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    db = Db(server, name)
    hub = Hub(db)
    for id_int in (1, 2):
        hub.save(id_int)
    hub.acquire(2, "T2")
    hub.export("G3")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 1)")
    with embedded_replica(server) as replica:
        all_arrived(server, replica)
        with psycopg.connect(replica.dsn(name), autocommit=True) as standby:
            yield hub, standby
    db.close()


@pytest.mark.parametrize("door", DOORS)
def test_a_door(both: tuple[Hub, psycopg.Connection[tuple[object, ...]]], door: str) -> None:
    hub, standby = both
    query = f"SELECT * FROM {door}({', '.join(f'{name} => %({name})s' for name in DOORS[door])})"
    name = door.partition(".")[2]
    if name in READING:
        answer = standby.execute(query, DOORS[door]).fetchall()
        assert answer == hub.dba.execute(query, DOORS[door]).fetchall()
        return
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as caught:
        standby.execute(query, DOORS[door])
    assert caught.value.sqlstate == "25006"
    assert caught.value.diag.message_primary == "this server is a standby"
    assert "on the primary" in str(caught.value.diag.message_hint)


def test_what_looks(both: tuple[Hub, psycopg.Connection[tuple[object, ...]]]) -> None:
    hub, standby = both
    views = [view for (view,) in rows(hub.dba, "SELECT viewname FROM pg_views WHERE schemaname = 'ortes_ops'")]
    assert len(views) >= 5
    for what in [*(f"ortes_ops.{view}" for view in views), *(f"{door}('C00001', 1)" for door in sorted(FINDERS))]:
        # Ages are of now, and who holds what is of each server.
        count = f"SELECT count(*) FROM {what}"
        assert rows(standby, count) == rows(hub.dba, count), what
