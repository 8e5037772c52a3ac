"""Measures what docs/scaling.md calculates with, and writes it into docs/scaling.csv: `make scaling MEASURE=1`.

Nothing here is a rate by the clock: CPU time of the server's processes, bytes of WAL, bytes on disk, memory. On a busy
machine CPU times are somewhat too high, never too low; of several rounds the least counts. Linux only (/proc).
"""

import csv
import json
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from typing import Any

import psycopg

from ortes_db.bench.content import CONFIRMED, DATI
from ortes_db.bench.load import load, pending
from ortes_db.bench.place import COMPANIES, COUNT_SETTINGS, Bench, bench_place

INPUTS = Path(__file__).parents[1] / "docs" / "scaling.csv"
# Short rounds: between the others' turns on a busy machine some of them find the caches as they left them.
ROUNDS = 30
LIVES = 20
BATCH = 1_000
POLLS = 100
ORDERS = 100_000
WAL_LIVES = 400

# Above those of the orders that are loaded.
_ids = count(10**9)


class Session:
    """A login's session, as an application holds one: prepared calls, each its own transaction."""

    def __init__(self, bench: Bench) -> None:
        self.connection = psycopg.connect(bench.user_dsn, autocommit=True, prepare_threshold=0)
        self.companies = [str(number) for number in range(1, COMPANIES + 1)]
        self.proc = Path("/proc") / str(self.connection.info.backend_pid)

    def call(self, door: str, *given: object) -> list[Any]:
        """All rows of a door's answer."""
        query = f"SELECT * FROM {door}({', '.join(['%s'] * len(given))})"
        return self.connection.execute(query.encode(), given).fetchall()

    def cpu(self) -> int:
        """CPU time of the session's server process so far, in ns."""
        return int((self.proc / "schedstat").read_text().split()[0])

    def memory(self) -> int:
        """What the process has for itself, in bytes: neither shared buffers nor what it shares with the postmaster."""
        lines = (self.proc / "smaps_rollup").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


def lives(session: Session) -> None:
    """Whole lives of orders, each of another company than the one before."""
    for number in islice(_ids, LIVES):
        azi, key = session.companies[number % len(session.companies)], f"L{number}"
        id_pub = session.call("ortes_app.save_order", azi, 1, int(key[1:]), 0, DATI)[0][0]
        session.call("ortes_erp.create_order", azi, id_pub, 7)
        session.call("ortes_erp.acquire_order", azi, id_pub, key)
        sincro = session.call("ortes_erp.export_order", azi, key, "CNF", None, CONFIRMED, id_pub)[0][1]
        session.call("ortes_store.changes", azi, sincro - 1, 1000)
        session.call("ortes_store.import_order", azi, id_pub)


def batch(session: Session) -> None:
    """The same a thousand orders a call."""
    azi = session.companies[next(_ids) % COMPANIES]
    made = [{"id_int": one, "autore_cod": 7, "dati": json.loads(DATI)} for one in islice(_ids, BATCH)]
    id_pubs = [row[1] for row in session.call("ortes_app.save_orders", azi, 1, json.dumps(made))]
    acquired = [{"id_pub": one, "tor_chia": f"B{one}"} for one in id_pubs]
    session.call("ortes_erp.acquire_orders", azi, json.dumps(acquired))
    confirmed = [one | {"conferma": "CNF", "dati": json.loads(CONFIRMED)} for one in acquired]
    sincro = session.call("ortes_erp.export_orders", azi, json.dumps(confirmed))[-1][1]
    session.call("ortes_store.changes", azi, sincro - BATCH, BATCH)
    session.call("ortes_store.import_orders", azi, id_pubs)


def many(session: Session) -> None:
    """As many lives as WAL is counted over."""
    for _ in range(WAL_LIVES // LIVES):
        lives(session)


def polls(session: Session) -> None:
    """What a reader asks when there is nothing new."""
    last = session.call("ortes_store.position", "1")[0][0]
    for _ in range(POLLS):
        session.call("ortes_store.changes", "1", last, 1000)


def least(session: Session, work: Callable[[Session], None], pieces: int, rounds: int) -> float:
    """CPU time a piece, in ms: of the best tenth of the rounds, after one that warms up."""
    work(session)
    taken = []
    for _ in range(rounds):
        before = session.cpu()
        work(session)
        taken.append(session.cpu() - before)
    return sorted(taken)[rounds // 10] / pieces / 1e6


def wal(bench: Bench, work: Callable[[], None]) -> int:
    """Bytes of WAL of some work."""
    with bench.admin() as admin:
        before = admin.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        work()
        row = admin.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", before).fetchone()
    return int(row[0] if row else 0)


def measure() -> dict[str, float]:
    """All figures, by their keys in the CSV."""
    got: dict[str, float] = {}
    with bench_place(None, "15", COUNT_SETTINGS) as bench, bench.admin() as admin:

        def number(query: str) -> float:
            row = admin.execute(query.encode()).fetchone()
            return float(row[0] if row else 0)

        companies = """SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
            WHERE c.relnamespace = 'ortes'::regnamespace AND c.relkind = 'r'"""
        empty = number(companies)
        admin.execute("SELECT ortes_ops.create_company('N' || i) FROM generate_series(1, 10000) AS i")
        admin.execute(
            "SELECT ortes_ops.grant_access(%s, 'N' || i) FROM generate_series(1, 10000) AS i", (bench.user_name,)
        )
        got["disk_company_kb"] = (number(companies) - empty) / 10_000 / 1e3
        load(admin, ORDERS)
        got["disk_order_b"] = number("SELECT pg_total_relation_size('ortes.arportes')") / ORDERS
        session = Session(bench)
        session.call("ortes_store.confirm", "1", ORDERS - pending(ORDERS))
        got["cpu_poll_ms"] = least(session, polls, POLLS, ROUNDS)
        got["cpu_life_ms"] = least(session, lives, LIVES, ROUNDS)
        got["cpu_batch_ms"] = least(session, batch, BATCH, ROUNDS // 6)
        got["memory_session_mb"] = session.memory() / 1e6
        got["wal_life_b"] = wal(bench, lambda: many(session)) / WAL_LIVES
        got["wal_batch_b"] = wal(bench, lambda: batch(session)) / BATCH
        session.connection.close()
    # With full page images, the first lives after a checkpoint, each of another company that has orders already.
    with bench_place(None, "15", COUNT_SETTINGS | {"full_page_writes": "on"}) as bench, bench.admin() as admin:
        session = Session(bench)
        many(session)
        session.companies = [f"N{number}" for number in range(1000)]
        for azi in session.companies:
            admin.execute("SELECT ortes_ops.create_company(%s)", (azi,))
            admin.execute("SELECT ortes_ops.grant_access(%s, %s)", (bench.user_name, azi))
            made = [{"id_int": one, "autore_cod": 7, "dati": json.loads(DATI)} for one in islice(_ids, 50)]
            session.call("ortes_app.save_orders", azi, 1, json.dumps(made))
        admin.execute("CHECKPOINT")
        got["wal_life_images_b"] = wal(bench, lambda: many(session)) / WAL_LIVES
        session.connection.close()
    return got


def main() -> None:
    with INPUTS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    got = measure()
    for row in rows:
        if row["key"] in got:
            row["value"] = f"{got.pop(row['key']):.4g}"
    assert not got, f"not in {INPUTS.name}: {got}"
    with INPUTS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
