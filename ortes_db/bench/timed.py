"""What takes time: each measurement in turn with its baseline, A B A B …, by pgbench."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from ortes_db.bench.figures import Figure
from ortes_db.bench.pgbench import Run, run_pgbench
from ortes_db.bench.place import Bench

_ORDER = {
    "cliente": "Rossi & C.",
    "righe": [{"art": "A-100", "qta": 3, "prezzo": 12.5}, {"art": "B-220", "qta": 1, "prezzo": 99.9}],
    "note": "consegna al mattino",
}
DATI = json.dumps(_ORDER)
CONFIRMED = json.dumps(_ORDER | {"stato": "confermato"})


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a script, and how it is run."""

    script: str
    clients: int = 1
    # Runs of the script a client instead of seconds, where each takes long.
    transactions: int | None = None
    rows: int = 1
    by_hand: bool = False


@dataclass(frozen=True)
class Timed:
    """A comparison, and the figures that come out of it."""

    hub: Side
    base: Side
    # name, what it is, target; a marked statement of the script has the figure's name.
    figures: tuple[tuple[str, str, float], ...]
    beside: str = "plain"
    per_row: bool = False
    variables: dict[str, str] = field(default_factory=dict)


SAVE = Side("save.hub")

TIMED = (
    Timed(SAVE, Side("save.plain"), (("save_order", "save_order, 1 client", 0.9),)),
    Timed(
        Side("save_64.hub", 16),
        Side("save_64.plain", 16),
        (("save_order_64", "save_order, 16 clients over 64 companies", 0.9),),
    ),
    Timed(Side("save.hub", 16), SAVE, (("contention_16", "save_order, one company, 16 clients", 0.9),), "1 client"),
    Timed(Side("save.hub", 64), SAVE, (("contention_64", "save_order, one company, 64 clients", 0.9),), "1 client"),
    Timed(
        Side("batch.hub", transactions=20, rows=1000),
        Side("batch.plain", transactions=20, rows=1000),
        (
            ("save_orders", "save_orders, 1,000 a call", 0.8),
            ("acquire_orders", "acquire_orders, 1,000 a call", 0.8),
            ("export_orders", "export_orders, 1,000 a call", 0.8),
        ),
    ),
    Timed(Side("changes.hub"), Side("changes.plain"), (("changes", "changes, 1,000 rows", 0.9),)),
    Timed(
        Side("life.hub"), Side("life.plain"), (("life", "whole life of an order, 1 client", 0.8),)
    ),
    Timed(
        Side("by_hand.insert", transactions=1, rows=100_000, by_hand=True),
        Side("by_hand.insert", transactions=20, rows=1000, by_hand=True),
        (("insert_rows", "INSERT by hand, 100,000 rows, time a row", 1.2),),
        "1,000 rows",
        per_row=True,
    ),
    Timed(
        Side("by_hand.update", transactions=1, rows=100_000, by_hand=True),
        Side("by_hand.update", transactions=20, rows=1000, by_hand=True),
        (("update_rows", "UPDATE by hand, 100,000 rows, time a row", 1.2),),
        "1,000 rows",
        per_row=True,
    ),
)

# Beside PGQ, where it is installed.
PGQ = Timed(Side("feed.hub"), Side("feed.pgq"), (("pgq", "whole life with two readers", 1.5),), "PGQ")

# One number for each run: no two make an order with the same id.
_runs = count(1)


def measure_timed(
    bench: Bench, timed: Timed, rounds: int, seconds: int, orders: int, step: Callable[[], None]
) -> Iterator[Figure]:
    """Run both sides in turn; one figure for each that the comparison names."""
    figures = [_figure(timed, *one) for one in timed.figures]
    for number in range(rounds):
        # Who goes first alternates too.
        sides = [(timed.hub, True), (timed.base, False)]
        for side, is_hub in sides if number % 2 == 0 else reversed(sides):
            run = run_side(bench, side, seconds, orders)
            step()
            for figure in figures:
                (figure.hub if is_hub else figure.base).append(_rate(run, side, figure.name, timed.per_row))
    yield from figures


def run_side(bench: Bench, side: Side, seconds: int, orders: int) -> Run:
    """One run of one side."""
    run = next(_runs)
    return run_pgbench(
        bench.pgbench,
        bench.dsn if side.by_hand else bench.user_dsn,
        side.script,
        clients=side.clients,
        seconds=None if side.transactions else seconds,
        transactions=side.transactions,
        variables={
            "n": 0 if not side.script.endswith("update") else -1,
            "azi": "1",
            "base": 0 if side.script.endswith("update") else run * 1_000_000_000,
            "orders": orders,
            "rows": side.rows,
            "stamp": run,
            "dati": DATI,
            "confirmed": CONFIRMED,
        },
    )


def _figure(timed: Timed, name: str, work: str, target: float) -> Figure:
    unit = "µs a row" if timed.per_row else "rows/s" if timed.hub.rows > 1 else "a second"
    return Figure(name, work, "time", unit, "ratio", not timed.per_row, target, beside=timed.beside)


def _rate(run: Run, side: Side, name: str, per_row: bool) -> float:
    if name in run.latencies:
        return side.rows * 1000 / run.latencies[name]
    rate = run.tps * side.rows
    return 1_000_000 / rate if per_row else rate
