"""How much room the hub takes after a long life, beside freshly built tables and indexes."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from ortes_db.bench.figures import Figure
from ortes_db.bench.place import Bench
from ortes_db.bench.timed import CONFIRMED, DATI, Side, run_side

# Of one call; each step of the life follows the one before at a distance of so many batches.
BATCH, DISTANCE = 1000, 10

_IDS = "%(batch)s * 1000 + 1 AND %(batch)s * 1000 + 1000"

# The store saves them, the ERP takes and confirms them, the app imports them.
LIFE = (
    "SELECT count(*) FROM ortes_store.save_orders('1', (SELECT jsonb_agg(jsonb_build_object('id_int', i, 'dati', %(dati)s::jsonb)) "
    "FROM generate_series(%(batch)s * 1000 + 1, %(batch)s * 1000 + 1000) AS i))",
    f"SELECT count(ortes_erp.create_order('1', id_pub, 7)) FROM bench.orders WHERE azi = '1' AND id_pub BETWEEN {_IDS}",
    "SELECT count(*) FROM ortes_erp.acquire_orders('1', (SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', "
    f"'C' || id_pub)) FROM bench.orders WHERE azi = '1' AND id_pub BETWEEN {_IDS}))",
    "SELECT count(*) FROM ortes_erp.export_orders('1', (SELECT jsonb_agg(jsonb_build_object('id_pub', id_pub, 'tor_chia', tor_chia, "
    f"'conferma', 'CNF', 'dati', %(confirmed)s::jsonb)) FROM bench.orders WHERE azi = '1' AND id_pub BETWEEN {_IDS}))",
    f"SELECT ortes_app.import_orders('1', 1, ARRAY(SELECT id_pub FROM bench.orders WHERE azi = '1' AND id_pub BETWEEN {_IDS}))",
)

_SIZES = """
SELECT c.relname, pg_relation_size(c.oid) FROM pg_class AS c
WHERE c.oid = 'ortes.arportes'::regclass
    OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'ortes.arportes'::regclass)
ORDER BY c.relkind DESC, c.relname
"""


def live(bench: Bench, orders: int, step: Callable[[], None]) -> None:
    """Bring so many orders through their whole life."""
    batches = orders // BATCH
    with bench.user() as user:
        for tick in range(batches + DISTANCE * (len(LIFE) - 1)):
            for number, query in enumerate(LIFE):
                batch = tick - number * DISTANCE
                if 0 <= batch < batches:
                    user.execute(query.encode(), {"batch": batch, "dati": DATI, "confirmed": CONFIRMED})
            if tick % max(1, batches // 10) == 0:
                step()


def measure_bloat(bench: Bench, orders: int, seconds: int, step: Callable[[], None]) -> Iterator[Figure]:
    """Sizes after the life of so many orders, and the counters' pages under a steady load."""
    live(bench, orders, step)
    # A steady load of single calls: one counter row is updated by each.
    run_side(bench, Side("save_64.hub", 16), seconds, orders)
    with bench.admin() as admin:
        pages = admin.execute("SELECT pg_relation_size('ortes.apstatosyn') / 8192").fetchone()
        used = _sizes(admin)
        admin.execute("VACUUM FULL ortes.arportes")
        fresh = _sizes(admin)
    for name, size in used.items():
        work = f"{name} after {orders:,} orders' lives"
        yield Figure(f"bloat_{name}", work, "size", "MB", "ratio", False, 1.5, [size / 1e6], [fresh[name] / 1e6], "fresh")
    work = f"apstatosyn after {seconds} s of 16 clients on 64 companies"
    yield Figure("counter_pages", work, "size", "pages", "value", False, 8, [float(pages[0] if pages else 0)])


def _sizes(admin: psycopg.Connection[Any]) -> dict[str, int]:
    return dict(admin.execute(_SIZES).fetchall())
