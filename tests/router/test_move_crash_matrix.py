"""The crash matrix through a router: every call of the document's operations interrupted, while its company moves to and fro."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
import pytest

from ortes_db.replay.faults import FAULTS, interrupt_all
from ortes_db.replay.place import EMPTY, Place
from ortes_db.replay.scenario import Scenario, read_scenario
from ortes_db.resources import scenarios_dir
from ortes_db.router.move import MoveError, move
from tests.router.conftest import SHARDS, Cluster

pytestmark = pytest.mark.once

# One section has all kinds of calls; ORTES_MATRIX=all plays the whole document.
SECTIONS = () if os.environ.get("ORTES_MATRIX") == "all" else ("store",)

# The replay looks at all orders of the hub, which a router does not show (ortes_ops.orders): here it does, one company
# after the other, each on the shard where it then is.
LOOK = """
CREATE FUNCTION ortes_router.orders_of(p_azi text) RETURNS SETOF ortes.orders LANGUAGE plproxy AS $look$
    CLUSTER ortes_router.cluster();
    RUN ON ortes_router.shard_of(p_azi);
    SELECT o.azi, o.id_pub, o.tor_chia, o.conferma, o.id_int, o.ack_store, o.ack_gest, o.ack_app, o.prov_tipo, o.prov_id,
        o.autore_tipo, o.autore_cod, o.id_sincro, o.dati, o.created_at, o.updated_at
    FROM ortes_ops.orders AS o WHERE o.azi = p_azi;
$look$;
CREATE FUNCTION ortes_ops.all_orders() RETURNS SETOF ortes.orders LANGUAGE plpgsql SECURITY DEFINER AS $look$
DECLARE
    v_azi text;
BEGIN
    FOR v_azi IN SELECT c.azi FROM ortes_router.company AS c LOOP
        RETURN QUERY SELECT * FROM ortes_router.orders_of(v_azi);
    END LOOP;
END
$look$;
CREATE VIEW ortes_ops.orders AS SELECT * FROM ortes_ops.all_orders();
GRANT SELECT ON ortes_ops.orders TO ortes_ops;
GRANT EXECUTE ON FUNCTION ortes_ops.all_orders() TO ortes_ops;
"""


@dataclass
class Restless(Place):
    """A router, whose companies move from shard to shard all the time."""

    cluster: Cluster | None = None
    moves: int = 0
    interrupted: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    moving: threading.Lock = field(default_factory=threading.Lock)

    def empty(self) -> None:
        """Nothing has happened, on no shard, and nothing is on its way."""
        assert self.cluster is not None
        with self.moving:
            while self._unfinished():
                self._move_one()
            for shard in SHARDS:
                with psycopg.connect(self.cluster.dsn(shard)) as connection:
                    connection.execute(EMPTY)
            with psycopg.connect(self.dsn) as connection:
                connection.execute("DELETE FROM ortes_router.company")

    def move_on(self) -> None:
        """What the thread does."""
        while not self.stop.wait(0.01):
            with self.moving:
                self._move_one()

    def _unfinished(self) -> bool:
        with psycopg.connect(self.dsn) as router:
            return router.execute("SELECT count(*) FROM ortes_router.move").fetchone() != (0,)

    def _move_one(self) -> None:
        """Begin a move, or continue one; a server that is stopped meanwhile ends it."""
        query = """
            SELECT c.azi, coalesce(m.target, s.name) FROM ortes_router.company AS c
            JOIN ortes_router.shard AS s ON s.name <> c.shard LEFT JOIN ortes_router.move AS m ON m.azi = c.azi
        """
        try:
            with psycopg.connect(self.dsn) as router:
                found = router.execute(query).fetchone()
            if found:
                move(self.dsn, *found)
                self.moves += 1
        except (psycopg.Error, MoveError):
            self.interrupted += 1


@pytest.fixture
def restless(cluster: Cluster) -> Iterator[Restless]:
    with psycopg.connect(cluster.dsn(), autocommit=True) as router:
        router.execute(LOOK)
    with psycopg.connect(cluster.server.dsn(), autocommit=True) as admin:
        place = Restless(cluster.names["router"], cluster.dsn(), admin, cluster=cluster)
        thread = threading.Thread(target=place.move_on)
        thread.start()
        try:
            yield place
        finally:
            place.stop.set()
            thread.join()
            place.empty()
            place.close()
            with psycopg.connect(cluster.server.dsn(), autocommit=True) as connection:
                for login in place._logins:
                    with suppress(psycopg.errors.UndefinedObject):
                        connection.execute(f"DROP ROLE {login}")


@pytest.mark.timeout(300)
def test_every_interruption_is_survived_while_the_company_moves(restless: Restless) -> None:
    assert restless.cluster is not None
    whole = read_scenario(scenarios_dir() / "orders.csv", scenarios_dir() / "orders.errata.csv")
    some = [operation for operation in whole.operations if not SECTIONS or operation.section in SECTIONS]
    matrix = interrupt_all(Scenario(whole.file, some, whole.reasons), restless, restless.cluster.server)
    assert [square.lost for square in matrix.squares if square.lost] == []
    assert {square.fault for square in matrix.squares if square.survived} == set(FAULTS)
    print(matrix.summary, "moves:", restless.moves, "interrupted:", restless.interrupted)
    assert restless.moves
    assert restless.interrupted, "no crash of the server fell into a move"
