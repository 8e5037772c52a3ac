"""The whole benchmark: which measurements there are, in which order, and their result."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ortes_db.bench.counts import Counts, measure_linearity, measure_sizes
from ortes_db.bench.figures import Figure
from ortes_db.bench.load import copy_to_plain, load
from ortes_db.bench.place import COUNT_SETTINGS, TIME_SETTINGS, bench_place
from ortes_db.bench.timed import TIMED, measure_timed

COUNTS = "counts"


@dataclass(frozen=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int
    sizes: tuple[int, ...]
    # Orders there are when times are measured.
    orders: int
    calls: int
    many_rows: int


FULL = Plan(rounds=5, seconds=3, sizes=(10_000, 100_000, 1_000_000, 10_000_000), orders=100_000, calls=100, many_rows=100_000)
QUICK = Plan(rounds=2, seconds=1, sizes=(10_000, 1_000_000), orders=20_000, calls=30, many_rows=20_000)


@dataclass
class Result:
    """What came out, and of which machine."""

    machine: dict[str, str]
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
    return [COUNTS, *(name for timed in TIMED for name, _, _ in timed.figures)]


def measure(dsn: str | None, pg_bin: str | None, plan: Plan, only: set[str], told: Listener) -> Result:
    """Measure what is wanted (all if `only` is empty)."""
    result = Result(machine())
    todo = [timed for timed in TIMED if not only or any(name in only for name, _, _ in timed.figures)]
    total = len(todo) * plan.rounds * 2 + (len(plan.sizes) + 3 if not only or COUNTS in only else 0)
    done = 0

    def step(what: str) -> Callable[[], None]:
        told.step(what, done, total)

        def one_more() -> None:
            nonlocal done
            done += 1
            told.step(what, done, total)

        return one_more

    def add(figure: Figure) -> None:
        result.figures.append(figure)
        told.figure(figure)

    if not only or COUNTS in only:
        with bench_place(dsn, pg_bin, COUNT_SETTINGS, told.say) as bench:
            figures, result.by_size = measure_sizes(bench, list(plan.sizes), plan.calls, step("counts by size"))
            for figure in figures:
                add(figure)
            with bench.admin() as admin:
                for figure in measure_linearity(admin, plan.many_rows, step("counts by rows")):
                    add(figure)
    if todo:
        with bench_place(dsn, pg_bin, TIME_SETTINGS, told.say) as bench:
            result.settings = {"server_version": bench.server_version, **bench.settings}
            with bench.admin() as admin:
                load(admin, plan.orders)
                copy_to_plain(admin)
            # As many changes as the load has acquired.
            changes = plan.orders - max(1000, plan.orders // 1000)
            for timed in todo:
                title = timed.figures[0][0]
                for figure in measure_timed(bench, timed, plan.rounds, plan.seconds, changes, step(title)):
                    if not only or figure.name in only:
                        add(figure)
    return result


def machine() -> dict[str, str]:
    """What this ran on."""
    return {"system": platform.platform(), "processor": _processor(), "cores": str(os.cpu_count() or 0)}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
