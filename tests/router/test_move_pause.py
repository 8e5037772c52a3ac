"""How long a move keeps callers waiting. ORTES_MOVE_ORDERS=1000000 with `pytest -s` measures what docs/router.md says."""

import os
import threading
import time
from collections.abc import Callable

import psycopg
import pytest

from ortes_db.router.move import Progress, move
from tests.hub import one
from tests.router.conftest import Cluster

pytestmark = pytest.mark.once

ORDERS = int(os.environ.get("ORTES_MOVE_ORDERS", 20_000))
# As the ERP has acquired and the store imported them, 220 bytes each.
LOAD = """
    INSERT INTO ortes.arportes (azi, id_pub, tor_chia, id_int, prov_tipo, autore_tipo, id_sincro, ack_gest, ack_store, dati)
    SELECT 'BIG', n, 'T' || n, n, 'S', 'C', n, true, true,
        jsonb_build_object('items', jsonb_build_array(
            jsonb_build_object('sku', 'A' || n, 'qty', 2), jsonb_build_object('sku', 'B' || n, 'qty', 3)))
    FROM generate_series(1, %s) AS n
"""


class Caller(threading.Thread):
    """Saves orders through the router, one after the other, and keeps how long the slowest took."""

    def __init__(self, dsn: str, azi: str, stop: threading.Event) -> None:
        super().__init__()
        self.dsn, self.azi, self.stop = dsn, azi, stop
        self.slowest, self.calls, self.error = 0.0, 0, ""

    def run(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            while not self.stop.is_set():
                self.calls += 1
                began = time.monotonic()
                try:
                    connection.execute("SELECT ortes_store.save_order(%s, %s)", (self.azi, 10**9 + self.calls))
                except psycopg.Error as error:
                    self.error = str(error)
                    return
                self.slowest = max(self.slowest, time.monotonic() - began)


def timed() -> tuple[Callable[[Progress], None], dict[str, float]]:
    began, seconds = time.monotonic(), {}

    def report(now: Progress) -> None:
        seconds.setdefault(now.step, time.monotonic() - began)

    return report, seconds


def test_callers_wait_a_moment(cluster: Cluster) -> None:
    cluster.company("BIG", "s0")
    cluster.company("SMALL", "s0")
    logins = {azi: cluster.login("ortes_store", azi) for azi in ("BIG", "SMALL")}
    with psycopg.connect(cluster.dsn("s0"), autocommit=True) as shard:
        shard.execute("SET session_replication_role = replica")
        shard.execute(LOAD, (ORDERS,))
        shard.execute("UPDATE ortes.apstatosyn SET valore = %s WHERE azi = 'BIG'", (ORDERS,))
        shard.execute("ANALYZE ortes.arportes")
    stop = threading.Event()
    callers = {azi: Caller(cluster.dsn(login=login), azi, stop) for azi, login in logins.items()}
    for caller in callers.values():
        caller.start()
    report, seconds = timed()
    try:
        moved = move(cluster.dsn(), "BIG", "s1", report=report)
    finally:
        stop.set()
        for caller in callers.values():
            caller.join()
    print(f"\n{moved}\n{ {step: round(second, 2) for step, second in seconds.items()} }")
    print({azi: (caller.calls, round(caller.slowest, 3)) for azi, caller in callers.items()})
    assert not any(caller.error for caller in callers.values())
    assert moved.waited is not None
    assert moved.waited < 1
    assert callers["BIG"].slowest < 2
    with psycopg.connect(cluster.dsn("s1"), autocommit=True) as shard:
        assert one(shard, "SELECT count(*) FROM ortes.arportes") == ORDERS + callers["BIG"].calls
