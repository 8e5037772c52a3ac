"""What no noisy machine disturbs: buffers touched, bytes of WAL, and rows read, of one call with all that it runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Any, LiteralString

import psycopg

from ortes_db.bench.content import CONFIRMED, DATI
from ortes_db.bench.figures import Figure
from ortes_db.bench.load import load
from ortes_db.bench.place import Bench
from ortes_db.bench.timed import Side, run_side

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Counts:
    """Of one call, or the mean of several."""

    buffers: float
    wal: float


# A call for one order; the ERP acts on what was still pending, the repeat on what the first one saved. i is 1, 2, 3 … .
CALLS: dict[str, LiteralString] = {
    "save_order": "SELECT ortes_store.save_order('1', 10000000000 + %(i)s, 7, %(dati)s)",
    "save_order, repeated": "SELECT ortes_store.save_order('1', 10000000000 + %(i)s, 7, %(dati)s)",
    "save_order of a device": "SELECT ortes_app.save_order('1', 1, 10000000000 + %(i)s, 7, %(dati)s)",
    "create_order": "SELECT ortes_erp.create_order('1', %(orders)s - %(i)s, 8)",
    "acquire_order": "SELECT ortes_erp.acquire_order('1', %(orders)s - %(i)s, 'C' || %(orders)s - %(i)s)",
    "export_order, again": "SELECT * FROM ortes_erp.export_order('1', 'C' || %(orders)s - %(i)s, 'CNF', 9, %(confirmed)s, "
    "%(orders)s - %(i)s)",
    "export_order, new": "SELECT * FROM ortes_erp.export_order('1', 'G' || %(i)s, 'CNF', 9, %(confirmed)s)",
    "import_order": "SELECT ortes_store.import_order('1', %(orders)s + 1 - 2 * %(i)s)",
    "changes, one order": "SELECT * FROM ortes_store.changes('1', %(last)s - 1, 1000)",
    "changes, nothing new": "SELECT * FROM ortes_store.changes('1', %(last)s, 1000)",
    "confirm": "SELECT ortes_store.confirm('1', %(last)s - %(turns)s + %(i)s)",
    "changes from the kept position": "SELECT * FROM ortes_store.changes('1', NULL, 1000)",
    "position": "SELECT ortes_store.position('1')",
}

_LAST = "SELECT valore FROM ortes.apstatosyn WHERE azi = '1' AND contatore = 'ID-SINCRO'"
# By index, entry by entry, and by scans of the table.
_READ = """
SELECT pg_stat_get_xact_tuples_returned(i.indrelid) + sum(pg_stat_get_xact_tuples_returned(i.indexrelid))::bigint
FROM pg_index AS i WHERE i.indrelid = 'ortes.arportes'::regclass GROUP BY i.indrelid
"""


def explain(connection: Connection, query: LiteralString, given: dict[str, Any] | None = None) -> Counts:
    """What one statement touches and writes, nested statements and row triggers included."""
    cursor = psycopg.ClientCursor(connection)
    row = cursor.execute("EXPLAIN (ANALYZE, BUFFERS, WAL, TIMING OFF, FORMAT JSON) " + query, given).fetchone()
    assert row is not None
    plan = row[0][0]["Plan"]
    buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return Counts(buffers, plan["WAL Bytes"])


def call_counts(bench: Bench, orders: int, calls: int) -> dict[str, Counts]:
    """Each call for one order, at this size: the mean of several, after as many that fill the caches."""
    # The first ones fill the caches, and bring the functions to their generic plans.
    turns = 10 + calls
    result = {}
    with bench.admin() as admin, bench.user() as user:
        for name, query in CALLS.items():
            measured = []
            for turn in range(turns):
                row = admin.execute(_LAST).fetchone()
                given = {
                    "i": turn + 1,
                    "turns": turns,
                    "orders": orders,
                    "last": row and row[0],
                    "dati": DATI,
                    "confirmed": CONFIRMED,
                }
                counts = explain(user, query, given)
                if turn >= turns - calls:
                    measured.append(counts)
            result[name] = Counts(fmean(c.buffers for c in measured), fmean(c.wal for c in measured))
    return result


def measure_sizes(
    bench: Bench, sizes: list[int], calls: int, step: Callable[[], None]
) -> tuple[list[Figure], dict[int, dict[str, Counts]]]:
    """The calls for one order in hubs of these sizes, and the figures that follow from the first and the last."""
    by_size: dict[int, dict[str, Counts]] = {}
    rows_read: list[float] = []
    with bench.admin() as admin:
        for size in sizes:
            load(admin, size)
            rows_read.append(rows_read_in_vain(bench))
            by_size[size] = call_counts(bench, size, calls)
            step()
    small, large = by_size[sizes[0]], by_size[sizes[-1]]
    figures = [
        Figure(
            "changes_rows", "changes: rows read but not returned", "count", "rows", "value", False, 0, [max(rows_read)]
        ),
        _one("idle_buffers", "changes, nothing new", "buffers", "value", 12, large["changes, nothing new"].buffers),
        _one(
            "idle_growth",
            f"changes, nothing new, {sizes[-1]:,} orders",
            "buffers",
            "difference",
            2,
            large["changes, nothing new"].buffers,
            small["changes, nothing new"].buffers,
            f"{sizes[0]:,}",
        ),
    ]
    for name in CALLS:
        for what in ("buffers", "wal"):
            hub, base = getattr(large[name], what), getattr(small[name], what)
            if hub or base:
                unit = "buffers" if what == "buffers" else "bytes of WAL"
                work = f"{name}, {unit}, {sizes[-1]:,} orders"
                key = f"size_{what}_{name.replace(', ', '_').replace(' ', '_')}"
                figures.append(_one(key, work, unit, "ratio", 1.3, hub, base, f"{sizes[0]:,}"))
    return figures, by_size


def rows_read_in_vain(bench: Bench) -> float:
    """Rows of orders that changes reads and does not return, for a full answer and for the last one."""
    in_vain = 0.0
    with bench.admin() as connection:
        row = connection.execute(_LAST).fetchone()
        last = row[0] if row else 0
        for since in (last // 2, last - 3, last):
            with connection.transaction():
                before = connection.execute(_READ).fetchone()
                got = connection.execute("SELECT * FROM ortes_store.changes('1', %s, 1000)", (since,)).rowcount
                after = connection.execute(_READ).fetchone()
                in_vain += (after or (0,))[0] - (before or (0,))[0] - got
    return in_vain


BY_HAND: dict[str, LiteralString] = {
    "insert": "INSERT INTO ortes.arportes (azi, id_int, prov_tipo, autore_tipo, autore_cod, dati) "
    "SELECT '2', i, 'S', 'C', 7, %(dati)s FROM generate_series(%(first)s, %(last)s) AS i",
    "update": "UPDATE ortes.arportes SET conferma = 'N' WHERE azi = '2' AND id_pub BETWEEN %(first)s AND %(last)s",
}


def measure_linearity(admin: Connection, rows: int, step: Callable[[], None]) -> Iterator[Figure]:
    """Buffers and WAL a row, of one statement with many rows beside one with 1,000."""
    for verb, query in BY_HAND.items():
        few = explain(admin, query, {"first": 1, "last": 1000, "dati": DATI})
        many = explain(admin, query, {"first": 1001, "last": 1000 + rows, "dati": DATI})
        step()
        for what, unit in (("buffers", "buffers"), ("wal", "bytes of WAL")):
            yield _one(
                f"{verb}_{what}",
                f"{verb.upper()} by hand, {rows:,} rows, {unit} a row",
                unit,
                "ratio",
                1.2,
                getattr(many, what) / rows,
                getattr(few, what) / 1000,
                "1,000 rows",
            )


def measure_life(bench: Bench, orders: int, pgq: bool, step: Callable[[], None]) -> Iterator[Figure]:
    """WAL of the whole life of an order, commits included."""
    scripts = ["life.hub", "life.plain"] + (["feed.hub", "feed.plain", "feed.pgq"] if pgq else [])
    of = {}
    for script in scripts:
        of[script] = _wal_of(bench, Side(script, transactions=orders)) / orders
        step()
    work, unit = "whole life of an order, bytes of WAL", "bytes of WAL"
    yield _one("life_wal", work, unit, "ratio", 1.35, of["life.hub"], of["life.plain"], "plain")
    if pgq:
        work = "whole life with two readers, bytes of WAL"
        yield _one("pgq_wal", work, unit, "ratio", 0.6, of["feed.hub"], of["feed.pgq"], "PGQ")
        work = "whole life in plain SQL, two readers by the index, bytes of WAL"
        yield _one("least_pgq_wal", work, unit, "ratio", None, of["feed.plain"], of["feed.pgq"], "PGQ")


def _wal_of(bench: Bench, side: Side) -> float:
    with bench.admin() as admin:
        before = admin.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        run_side(bench, side)
        row = admin.execute("SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", before).fetchone()
        return float(row[0] if row else 0)


def _one(
    name: str,
    work: str,
    unit: str,
    measure: Any,
    target: float | None,
    hub: float,
    base: float | None = None,
    beside: str = "",
) -> Figure:
    return Figure(name, work, "count", unit, measure, False, target, [hub], [] if base is None else [base], beside)
