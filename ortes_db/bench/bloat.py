"""How much room the hub takes after a long life, beside freshly built tables and indexes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from ortes_db.bench.content import CONFIRMED, DATI
from ortes_db.bench.figures import Figure
from ortes_db.bench.place import Bench
from ortes_db.bench.timed import Side, run_side

# Of one call; each step of the life follows the one before at a distance of so many batches.
BATCH, DISTANCE = 1000, 10

_IDS = "%(batch)s * 1000 + 1 AND %(batch)s * 1000 + 1000"

# The store saves them, the ERP takes and confirms them, the app imports them.
LIFE = (
    "SELECT count(*) FROM ortes_store.save_orders(%(azi)s, (SELECT jsonb_agg(jsonb_build_object('id_int', i, 'dati', %(dati)s::jsonb)) "
    "FROM generate_series(%(batch)s * 1000 + 1, %(batch)s * 1000 + 1000) AS i))",
    f"SELECT count(ortes_erp.create_order(%(azi)s, id_pub, 7)) FROM bench.orders WHERE azi = %(azi)s AND id_pub BETWEEN {_IDS}",
    "SELECT count(*) FROM ortes_erp.acquire_orders(%(azi)s, (SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', "
    f"'C' || id_pub)) FROM bench.orders WHERE azi = %(azi)s AND id_pub BETWEEN {_IDS}))",
    "SELECT count(*) FROM ortes_erp.export_orders(%(azi)s, (SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', tor_chia, "
    f"'conferma', 'CNF', 'dati', %(confirmed)s::jsonb)) FROM bench.orders WHERE azi = %(azi)s AND id_pub BETWEEN {_IDS}))",
    f"SELECT ortes_app.import_orders(%(azi)s, 1, ARRAY(SELECT id_pub FROM bench.orders WHERE azi = %(azi)s AND id_pub BETWEEN {_IDS}))",
)

_SIZES = """
SELECT CASE c.relkind WHEN 'i' THEN 'indexes' ELSE 'table' END, c.relname, pg_relation_size(c.oid) FROM pg_class AS c
WHERE c.oid = 'ortes.arportes'::regclass
    OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'ortes.arportes'::regclass)
ORDER BY c.relkind DESC, c.relname
"""


def live(bench: Bench, orders: int, step: Callable[[], None]) -> None:
    """Bring so many orders through their whole life, in two companies at once."""
    with ThreadPoolExecutor(2) as pool:
        halves = [pool.submit(_live, bench, azi, orders // 2 // BATCH, step) for azi in ("1", "2")]
        for half in halves:
            half.result()


def _live(bench: Bench, azi: str, batches: int, step: Callable[[], None]) -> None:
    with bench.user() as user:
        for tick in range(batches + DISTANCE * (len(LIFE) - 1)):
            for number, query in enumerate(LIFE):
                batch = tick - number * DISTANCE
                if 0 <= batch < batches:
                    given = {"azi": azi, "batch": batch, "dati": DATI, "confirmed": CONFIRMED}
                    user.execute(query.encode(), given)
            if tick % max(1, batches // 10) == 0:
                step()


def measure_bloat(bench: Bench, orders: int, step: Callable[[], None], say: Callable[[str], None]) -> Iterator[Figure]:
    """Sizes after the life of so many orders."""
    live(bench, orders, step)
    with bench.admin() as admin:
        used = _sizes(admin)
        admin.execute("VACUUM FULL ortes.arportes")
        fresh = _sizes(admin)
    for name, what in (("bloat_table", "table"), ("bloat_indexes", "indexes")):
        sizes = [sum(size for (kind, _), size in one.items() if kind == what) / 1e6 for one in (used, fresh)]
        work = f"arportes, {what}, after the life of {orders:,} orders"
        yield Figure(name, work, "size", "MB", "ratio", False, 1.5, sizes[:1], sizes[1:], "fresh")
    for (kind, name), size in used.items():
        if kind == "indexes":
            say(f"       {name}: {size / 1e6:.1f} MB, fresh {fresh[kind, name] / 1e6:.1f} MB")


def measure_counters(bench: Bench, seconds: int) -> Iterator[Figure]:
    """The pages of the counters' table under a steady load, one counter row updated by each call, and no vacuum."""
    run_side(bench, Side("save_64.hub", 16), seconds)
    with bench.admin() as admin:
        pages = admin.execute("SELECT pg_relation_size('ortes.apstatosyn') / 8192").fetchone()
    work = f"apstatosyn after {seconds} s of 16 clients on 64 companies, without vacuum"
    yield Figure("counter_pages", work, "size", "pages", "value", False, 8, [float(pages[0] if pages else 0)])


def _sizes(admin: psycopg.Connection[Any]) -> dict[tuple[str, str], int]:
    return {(kind, name): size for kind, name, size in admin.execute(_SIZES).fetchall()}
