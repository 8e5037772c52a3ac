"""The whole benchmark: which measurements there are, in which order, and their result."""

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ortes_db.bench.bloat import measure_bloat, measure_counters
from ortes_db.bench.counts import Counts, measure_life, measure_linearity, measure_sizes
from ortes_db.bench.figures import Figure
from ortes_db.bench.load import copy_beside, load
from ortes_db.bench.pgq import PACKAGE, prepare_pgq
from ortes_db.bench.place import BLOAT_SETTINGS, COUNT_SETTINGS, TIME_SETTINGS, Bench, bench_place
from ortes_db.bench.plan import FULL, Plan
from ortes_db.bench.timed import comparisons, measure_timed

# What --only takes beside the names of timed figures.
COUNTS, BLOAT = "counts", "bloat"


@dataclass
class Result:
    """What came out, and of which machine."""

    machine: dict[str, str]
    # How many calls each counted mean is of.
    calls: int
    settings: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    by_size: dict[int, dict[str, Counts]] = field(default_factory=dict)

    @property
    def missed_counts(self) -> list[Figure]:
        """The noise-free figures that are not within their target."""
        return [figure for figure in self.figures if figure.kind == "count" and not figure.good]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "machine": self.machine,
            "settings": self.settings,
            "figures": [figure.as_dict() for figure in self.figures],
            "by_size": {
                size: {name: {"buffers": c.buffers, "wal": c.wal} for name, c in calls.items()}
                for size, calls in self.by_size.items()
            },
        }


@dataclass
class Listener:
    """Who is told how it goes."""

    say: Callable[[str], None] = lambda _: None
    figure: Callable[[Figure], None] = lambda _: None
    # What is being measured, how many of how many steps.
    step: Callable[[str, int, int], None] = lambda *_: None


def names() -> list[str]:
    """What --only takes."""
    return [COUNTS, BLOAT, *(name for timed in comparisons(FULL) for name, _, _ in timed.figures)]


def measure(dsn: str | None, pg_bin: str | None, plan: Plan, only: set[str], told: Listener) -> Result:
    """Measure what is wanted (all if `only` is empty)."""
    result = Result(machine(), plan.calls)
    wanted = only or set(names())

    def add(figures: Iterable[Figure]) -> None:
        for figure in figures:
            if figure.kind != "time" or figure.name in wanted:
                result.figures.append(figure)
                told.figure(figure)

    if COUNTS in wanted:
        with bench_place(dsn, pg_bin, COUNT_SETTINGS, told.say) as bench:
            step = _steps(told, "counts", len(plan.sizes) + 7)
            figures, result.by_size = measure_sizes(bench, list(plan.sizes), plan.calls, step)
            add(figures)
            with bench.admin() as admin:
                add(measure_linearity(admin, plan.many_rows, step))
                load(admin, plan.sizes[0])
                copy_beside(admin)
            add(measure_life(bench, plan.lives, _pgq(dsn, bench, told), step))
            add(measure_counters(bench, plan.counter_seconds))
    if BLOAT in wanted:
        # Autovacuum looks once a minute by default: as often a life of an order here as in the full run.
        pause = {"autovacuum_naptime": f"{max(1, 60 * plan.bloat_orders // FULL.bloat_orders)}s"}
        with bench_place(dsn, pg_bin, BLOAT_SETTINGS | pause, told.say) as bench:
            add(measure_bloat(bench, plan.bloat_orders, _steps(told, "bloat", 11), told.say))
    todo = [timed for timed in comparisons(plan) if any(name in wanted for name, _, _ in timed.figures)]
    if todo:
        with bench_place(dsn, pg_bin, TIME_SETTINGS, told.say) as bench:
            result.settings = {"server_version": bench.server_version, **bench.settings}
            with bench.admin() as admin:
                load(admin, plan.orders)
                copy_beside(admin)
            for timed in todo:
                if timed.beside != "PGQ" or _pgq(dsn, bench, told):
                    steps = _steps(told, timed.figures[0][0], timed.rounds(plan) * len(timed.sides))
                    add(measure_timed(bench, timed, plan, steps))
    return result


def _steps(told: Listener, what: str, total: int) -> Callable[[], None]:
    """Tells with each call that one more of so many steps is done."""
    numbers = count(1)
    told.step(what, 0, total)
    return lambda: told.step(what, next(numbers), total)


def _pgq(dsn: str | None, bench: Bench, told: Listener) -> bool:
    if dsn is not None:
        told.say("PGQ is left out: it brings roles to the server, so it is measured on an embedded one only")
        return False
    if not prepare_pgq(bench):
        told.say(f"PGQ is left out: it is not installed for this PostgreSQL (Debian: {PACKAGE}, and --pg-bin 15)")
        return False
    return True


def machine() -> dict[str, str]:
    """What this ran on."""
    return {"system": platform.platform(), "processor": _processor(), "cores": str(os.cpu_count() or 0)}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
