"""What takes time: each measurement in turn with its baseline, A B A B …, by pgbench."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count, cycle

from ortes_db.bench.content import CONFIRMED, DATI
from ortes_db.bench.figures import Figure
from ortes_db.bench.listeners import notifying
from ortes_db.bench.load import pending
from ortes_db.bench.pgbench import Run, run_pgbench
from ortes_db.bench.place import Bench, slower_flush
from ortes_db.bench.plan import Plan


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a script, and how it is run."""

    script: str
    clients: int = 1
    # Runs of the script a client instead of seconds, where each takes long.
    transactions: int | None = None
    rows: int = 1
    by_hand: bool = False
    # Orders that the ERP has changed when it begins.
    changes: int = 0
    # Notifications of all companies on, and how many sessions hear them.
    notify: bool = False
    listeners: int = 0
    # Microseconds that a commit waits longer for the disk.
    flush: int = 0


@dataclass(frozen=True)
class Timed:
    """A comparison, and the figures that come out of it."""

    hub: Side
    base: Side
    # name, what it is, target; a marked statement of the script has the figure's name, without its `least_`.
    figures: tuple[tuple[str, str, float | None], ...]
    beside: str = "plain"
    per_row: bool = False
    # More sides beside the same baseline: the figures are of the hub and of these in turn.
    more: tuple[Side, ...] = ()
    # So many times the rounds, each shorter: what a session gets by chance, or others do on the machine, evens out.
    sessions: int = 1

    @property
    def sides(self) -> tuple[Side, ...]:
        """All that run in turn, the baseline last."""
        return self.hub, *self.more, self.base

    def measured(self) -> Iterator[tuple[tuple[str, str, float | None], Side]]:
        """Each figure, and the side that it is of."""
        return zip(self.figures, cycle((self.hub, *self.more)), strict=False)

    def rounds(self, plan: Plan) -> int:
        """How often each side runs; a second is the least that pgbench runs."""
        return plan.rounds * (self.sessions if plan.seconds > 1 else 1)

    def seconds(self, plan: Plan, side: Side) -> int:
        """How long a run takes: shorter where nothing is decided, longer where many sessions settle in turn."""
        if any(target is not None or name.startswith("least_") for name, _, target in self.figures):
            return max(1, plan.seconds // self.sessions) + (self.beside == "1 client" and side.clients > 1)
        return max(1, plan.seconds // 2)


def comparisons(plan: Plan) -> tuple[Timed, ...]:
    """All that is timed. What is called least has none of the hub's rules, only what no hub can do without (bare.sql)."""
    batches, rows = plan.batches, plan.many_rows
    changes = plan.orders - pending(plan.orders)
    return (
        # Before anything is written that autovacuum would tidy meanwhile.
        Timed(
            Side("changes.hub", changes=changes),
            Side("changes.plain", changes=changes),
            (
                ("changes", "changes, 1,000 rows", 0.9),
                ("least_changes", "changes of a hub without rules, 1,000 rows", None),
            ),
            more=(Side("changes.bare", changes=changes),),
            sessions=3,
        ),
        Timed(
            Side("save.hub"),
            Side("save.plain"),
            (
                ("save_order", "save_order, 1 client", 0.9),
                ("least_save_order", "save_order of a hub without rules, 1 client", None),
            ),
            more=(Side("save.bare"),),
            sessions=2,
        ),
        Timed(
            Side("save_64.hub", 16),
            Side("save_64.plain", 16),
            (
                ("save_order_64", "save_order, 16 clients over 64 companies", 0.9),
                ("least_save_order_64", "save_order of a hub without rules, 16 clients over 64 companies", None),
            ),
            more=(Side("save_64.bare", 16),),
        ),
        *(
            Timed(
                Side(script, 16),
                Side(script),
                tuple((f"{name}_{clients}", f"{what}, one company, {clients} clients", target) for clients in (16, 64)),
                "1 client",
                more=(Side(script, 64),),
                sessions=2,
            )
            for script, name, what, target in (
                ("save.hub", "contention", "save_order", 0.9),
                ("save.bare", "least_contention", "save_order of a hub without rules", None),
            )
        ),
        Timed(
            Side("batch.hub", transactions=batches, rows=1000),
            Side("batch.plain", transactions=batches, rows=1000),
            tuple(
                figure
                for verb in ("save", "acquire", "export")
                for figure in (
                    (f"{verb}_orders", f"{verb}_orders, 1,000 a call", 0.8),
                    (f"least_{verb}_orders", f"{verb}_orders of a hub without rules, 1,000 a call", None),
                )
            ),
            more=(Side("batch.bare", transactions=batches, rows=1000),),
        ),
        Timed(
            Side("life.hub"),
            Side("life.plain"),
            (
                ("life", "whole life of an order, 1 client", 0.8),
                ("least_life", "whole life in a hub without rules, 1 client", None),
            ),
            more=(Side("life.bare"),),
            sessions=2,
        ),
        *(
            Timed(
                Side(f"by_hand.{verb}", transactions=1, rows=rows, by_hand=True),
                Side(f"by_hand.{verb}", transactions=batches, rows=1000, by_hand=True),
                ((f"{verb}_rows", f"{verb.upper()} by hand, {rows:,} rows, time a row", 1.2),),
                "1,000 rows",
                per_row=True,
            )
            for verb in ("insert", "update")
        ),
        # What it costs is PostgreSQL's lock, and how long the disk takes while it is held.
        *(
            Timed(
                Side(script, clients, notify=True, listeners=listeners),
                Side(script, clients, listeners=listeners),
                ((name, f"{what}, {_heard(listeners)}", None),),
                "off",
            )
            for name, script, clients, listeners, what in (
                ("notify_1", "save_64.hub", 1, 1, "save_order, 1 client"),
                ("notify_16", "save_64.hub", 16, 1, "save_order, 16 clients over 64 companies"),
                ("notify_64", "save_64.hub", 64, 1, "save_order, 64 clients over 64 companies"),
                ("notify_one_16", "save.hub", 16, 1, "save_order, one company, 16 clients"),
                ("notify_one_64", "save.hub", 64, 1, "save_order, one company, 64 clients"),
                ("notify_heard", "save_64.hub", 16, 16, "save_order, 16 clients over 64 companies"),
            )
        ),
        # The same work on a disk across a network.
        *(
            Timed(
                Side(f"{script}.hub", flush=1000),
                Side(f"{script}.plain", flush=1000),
                ((f"{name}_flush", f"{what}, 1 client, a flush of 1 ms more", None),),
            )
            for name, script, what in (("save_order", "save", "save_order"), ("life", "life", "whole life of an order"))
        ),
        Timed(
            Side("feed.hub"),
            Side("feed.pgq"),
            (
                ("pgq", "whole life with two readers", 1.5),
                ("least_pgq", "whole life in a hub without rules, two readers", None),
            ),
            "PGQ",
            more=(Side("feed.bare"),),
        ),
    )


# One number for each run: no two make an order with the same id.
_runs = count(1)


def measure_timed(bench: Bench, timed: Timed, plan: Plan, step: Callable[[], None]) -> Iterator[Figure]:
    """Run all sides in turn; one figure for each that the comparison names."""
    figures = [(_figure(timed, *one), hub) for one, hub in timed.measured()]
    for number in range(timed.rounds(plan)):
        # Who goes first alternates too.
        for side in timed.sides if number % 2 == 0 else reversed(timed.sides):
            with notifying(bench, side.notify, side.listeners), slower_flush(bench, side.flush):
                run = run_side(bench, side, timed.seconds(plan, side))
            step()
            for figure, hub in figures:
                if side is hub or side is timed.base:
                    (figure.hub if side is hub else figure.base).append(_rate(run, side, figure.name, timed.per_row))
    yield from (figure for figure, _ in figures)


def run_side(bench: Bench, side: Side, seconds: int = 1) -> Run:
    """One run of one side: so many seconds, unless the side says how many transactions."""
    run = next(_runs)
    # Orders are updated by hand from the first one on; everything else makes new ones.
    update = side.script == "by_hand.update"
    return run_pgbench(
        bench.pgbench,
        bench.dsn if side.by_hand else bench.user_dsn,
        side.script,
        clients=side.clients,
        seconds=None if side.transactions else seconds,
        transactions=side.transactions,
        variables={
            "n": -1 if update else 0,
            "base": 0 if update else run * 1_000_000_000,
            "azi": "1",
            "orders": side.changes,
            "rows": side.rows,
            "stamp": run,
            "dati": DATI,
            "confirmed": CONFIRMED,
        },
    )


def _figure(timed: Timed, name: str, work: str, target: float | None) -> Figure:
    unit = "µs a row" if timed.per_row else "rows/s" if timed.hub.rows > 1 else "a second"
    return Figure(name, work, "time", unit, "ratio", not timed.per_row, target, beside=timed.beside)


def _heard(listeners: int) -> str:
    return f"notifications on, {listeners} listener{'' if listeners == 1 else 's'}"


def _rate(run: Run, side: Side, name: str, per_row: bool) -> float:
    marked = name.removeprefix("least_")
    if marked in run.latencies:
        return side.rows * 1000 / run.latencies[marked]
    rate = run.tps * side.rows
    return 1_000_000 / rate if per_row else rate
