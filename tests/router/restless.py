"""A router whose companies move from shard to shard all the time, for the document's operations to be played on."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg import sql

from ortes_db.replay.place import EMPTY, Place
from ortes_db.replay.scenario import Scenario, read_scenario
from ortes_db.resources import scenarios_dir
from ortes_db.router.move import MoveError, move

# The replay looks at all orders of the hub, which a router does not show (ortes_ops.orders): here it does, one company
# after the other, each on the shard where it then is.
LOOK = """
CREATE OR REPLACE FUNCTION ortes_router.orders_of(p_azi text) RETURNS SETOF ortes.orders LANGUAGE plproxy AS $look$
    CLUSTER ortes_router.cluster();
    RUN ON ortes_router.shard_of(p_azi);
    SELECT o.azi, o.id_pub, o.tor_chia, o.conferma, o.id_int, o.ack_store, o.ack_gest, o.ack_app, o.prov_tipo, o.prov_id,
        o.autore_tipo, o.autore_cod, o.id_sincro, o.dati, o.created_at, o.updated_at
    FROM ortes_ops.orders AS o WHERE o.azi = p_azi;
$look$;
CREATE OR REPLACE FUNCTION ortes_ops.all_orders() RETURNS SETOF ortes.orders LANGUAGE plpgsql SECURITY DEFINER AS $look$
DECLARE
    v_azi text;
BEGIN
    FOR v_azi IN SELECT c.azi FROM ortes_router.company AS c LOOP
        RETURN QUERY SELECT * FROM ortes_router.orders_of(v_azi);
    END LOOP;
END
$look$;
CREATE OR REPLACE VIEW ortes_ops.orders AS SELECT * FROM ortes_ops.all_orders();
GRANT SELECT ON ortes_ops.orders TO ortes_ops;
GRANT EXECUTE ON FUNCTION ortes_ops.all_orders() TO ortes_ops;
"""


@dataclass
class Restless(Place):
    """A router, whose companies move from shard to shard all the time."""

    shards: dict[str, str] = field(default_factory=dict)
    # Other servers that need the logins.
    also_on: tuple[str, ...] = ()
    moves: int = 0
    interrupted: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    moving: threading.Lock = field(default_factory=threading.Lock)

    def empty(self) -> None:
        """Nothing has happened, on no shard, and nothing is on its way."""
        with self.moving:
            while self._unfinished():
                self._move_one()
            for dsn in self.shards.values():
                with psycopg.connect(dsn) as connection:
                    connection.execute(EMPTY)
            with psycopg.connect(self.dsn) as connection:
                connection.execute("DELETE FROM ortes_router.company")

    def make_login(self, role: str) -> tuple[str, str]:
        """A login has the same name on every server."""
        name, dsn = super().make_login(role)
        for other in self.also_on:
            with psycopg.connect(other) as connection:
                statement = sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}")
                connection.execute(statement.format(sql.Identifier(name), sql.Identifier(role)))
        return name, dsn

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


@contextmanager
def restless_place(name: str, router: str, shards: dict[str, str], also_on: tuple[str, ...] = ()) -> Iterator[Restless]:
    """The router (database `name`) as a place to play on; its logins are gone at the end."""
    with psycopg.connect(router, autocommit=True) as admin:
        admin.execute(LOOK)
        place = Restless(name, router, admin, shards=shards, also_on=also_on)
        thread = threading.Thread(target=place.move_on)
        thread.start()
        try:
            yield place
        finally:
            place.stop.set()
            thread.join()
            place.empty()
            place.close()
            for dsn in (router, *also_on):
                with psycopg.connect(dsn, autocommit=True) as connection:
                    for login in place._logins:
                        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login)))


# The crash matrix through the router: a save in every run, the whole document where there is time.
EXTENTS = ["a save", pytest.param("whole", marks=[pytest.mark.long, pytest.mark.timeout(1200)])]


def played(extent: str) -> Scenario:
    """The document's operations, as far as EXTENTS says."""
    whole = read_scenario(scenarios_dir() / "orders.csv", scenarios_dir() / "orders.errata.csv")
    some = [one for one in whole.operations if extent == "whole" or (one.section == "store" and one.row in "12")]
    return Scenario(whole.file, some, whole.reasons)
