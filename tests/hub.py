"""What the tests of rules and doors share: one company, a login for each system, and words for what they expect.

A test says who acts by the connection that it uses: `hub.store`, `hub.app`, `hub.erp` and `hub.ops` have the rights of
that system and no others; `hub.dba` is a superuser, for what a DBA does by hand.
"""

import json
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import Db, wait_blocked

Connection = psycopg.Connection[Any]

DEVICE = 50
# Quotes, backslashes, format and jsonb escapes, line breaks, right-to-left, combining, and beyond the basic plane.
NASTY = 'O\'Brien "x" \\ \\n %s %I $1 $$ \r\n\t\u2028 \u0001 è ẹ̀ 漢字 שלום 👩‍👩‍👧 \U0010ffff'


class Hub:
    """A database with one company, and the connections of those who act for it."""

    def __init__(self, db: Db, azi: str = "C00001") -> None:
        self.db = db
        self.azi = db.company(azi)

    def connect(self, who: str, **options: Any) -> Connection:
        """Another connection of `store`, `app`, `erp`, `ops` or `dba`."""
        if who == "dba":
            return self.db.connect(**options)
        return self.db.connect(self.login(who), **options)

    def login(self, who: str) -> str:
        azi = None if who in ("ops", "monitor") else self.azi
        return self.db.login(who, f"ortes_{who}", azi, DEVICE if who == "app" else None)

    @cached_property
    def store(self) -> Connection:
        return self.connect("store")

    @cached_property
    def app(self) -> Connection:
        return self.connect("app")

    @cached_property
    def erp(self) -> Connection:
        return self.connect("erp")

    @cached_property
    def ops(self) -> Connection:
        return self.connect("ops")

    @cached_property
    def dba(self) -> Connection:
        return self.connect("dba")

    def save(self, id_int: int, dati: Any = None, connection: Connection | None = None) -> int:
        """The store saves an order."""
        query = "SELECT ortes_store.save_order(%s, %s, 0, %s)"
        return one(connection or self.store, query, self.azi, id_int, to_json(dati))

    def acquire(self, id_pub: int, tor_chia: str, connection: Connection | None = None) -> int:
        """The ERP acquires an order."""
        return one(connection or self.erp, "SELECT ortes_erp.acquire_order(%s, %s, %s)", self.azi, id_pub, tor_chia)

    def export(self, tor_chia: str, connection: Connection | None = None, **given: Any) -> tuple[int, int]:
        """The ERP exports an order: (id_pub, id_sincro)."""
        if "dati" in given:
            given["dati"] = to_json(given["dati"])
        arguments = "".join(f", p_{name} => %({name})s" for name in given)
        query = f"SELECT * FROM ortes_erp.export_order(%(azi)s, %(tor_chia)s{arguments})"
        return rows(connection or self.erp, query, {"azi": self.azi, "tor_chia": tor_chia, **given})[0]

    def changes(self, since: int | None, connection: Connection | None = None) -> list[tuple[int, int]]:
        """What the store finds after a position: (id_pub, id_sincro) of each order."""
        query = "SELECT id_pub, id_sincro FROM ortes_store.changes(%s, %s)"
        return rows(connection or self.store, query, self.azi, since)

    def order(self, id_pub: int, azi: str | None = None) -> dict[str, Any]:
        """The whole row."""
        with self.dba.cursor(row_factory=dict_row) as cursor:
            cursor.execute("SELECT * FROM ortes.arportes WHERE azi = %s AND id_pub = %s", (azi or self.azi, id_pub))
            order = cursor.fetchone()
        assert order is not None
        return order

    def counters(self, azi: str | None = None) -> tuple[int, int]:
        """The last ID-PUB and the last ID-SINCRO given out."""
        query = "SELECT valore FROM ortes.apstatosyn WHERE azi = %s ORDER BY contatore"
        pub, sincro = rows(self.dba, query, azi or self.azi)
        return pub[0], sincro[0]

    def id_pubs(self, azi: str | None = None) -> list[int]:
        query = "SELECT id_pub FROM ortes.arportes WHERE azi = %s ORDER BY id_pub"
        return [row[0] for row in rows(self.dba, query, azi or self.azi)]

    def everything(self) -> dict[str, list[Any]]:
        """All that the hub holds, with the version of each row: equal only if nothing was written."""
        return {
            table: rows(self.dba, f"SELECT t.*, t.xmin::text FROM ortes.{table} AS t ORDER BY t::text")
            for table in ("arportes", "apstatosyn", "reader", "access", "company")
        }


@pytest.fixture
def hub(db: Db) -> Hub:
    """A hub of this test's own, with company C00001 and nothing in it."""
    return Hub(db)


def one(connection: Connection, query: str, *parameters: Any) -> Any:
    """The one value that a query returns."""
    row = connection.execute(query, parameters or None).fetchone()
    assert row is not None
    return row[0]


def rows(connection: Connection, query: str, *parameters: Any) -> list[Any]:
    """All rows. A single dict is taken as named parameters."""
    named = parameters[0] if len(parameters) == 1 and isinstance(parameters[0], dict) else parameters or None
    return connection.execute(query, named).fetchall()


def to_json(value: Any) -> str | None:
    """For a parameter of type jsonb; None is SQL's null."""
    return None if value is None else json.dumps(value)


@contextmanager
def refused(code: str, *, naming: str = "") -> Iterator[None]:
    """What follows is refused with this SQLSTATE, a message, a DETAIL (with `naming` in it) and a HINT."""
    with pytest.raises(psycopg.Error) as caught:
        yield
    said = caught.value.diag
    assert caught.value.sqlstate == code, f"{caught.value.sqlstate} instead of {code}: {caught.value}"
    assert said.message_primary
    assert said.message_detail, "no DETAIL"
    assert said.message_hint, "no HINT"
    assert naming in said.message_detail


class Later:
    """A call that waits for a lock, under way on a connection of its own."""

    def __init__(self, hub: Hub, connection: Connection, query: str, *parameters: Any) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[Any] = self._pool.submit(one, connection, query, *parameters)
        self._pool.shutdown(wait=False)
        deadline = time.monotonic() + 20
        while not self._future.done():
            assert time.monotonic() < deadline, "it neither waits for a lock nor returns"
            try:
                wait_blocked(hub.dba, connection.info.backend_pid, seconds=0.2)
                return
            except AssertionError:
                continue
        raise AssertionError(f"it did not wait, it returned {self._future.result()}")

    def result(self) -> Any:
        """What it returned, once nothing holds it any more."""
        return self._future.result(timeout=20)
