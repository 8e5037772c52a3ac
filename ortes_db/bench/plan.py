"""How much is measured."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The amounts of one run of the benchmark."""

    # Of each timed comparison, and how long each side runs in one (see Timed.seconds).
    rounds: int
    seconds: int
    # Calls of 1,000 orders a side and round.
    batches: int
    # Orders there are when times are measured.
    orders: int
    # Rows of the large statement by hand.
    many_rows: int
    # Sizes of the hub at which calls are counted, and how many calls are averaged.
    sizes: tuple[int, ...]
    calls: int
    # Orders whose whole life is counted, and those that fill the hub up.
    lives: int
    bloat_orders: int
    # How long the counters' table is under load before its pages are counted.
    counter_seconds: int


FULL = Plan(
    rounds=5,
    seconds=2,
    batches=12,
    orders=100_000,
    many_rows=100_000,
    sizes=(10_000, 100_000, 1_000_000, 10_000_000),
    calls=100,
    lives=1000,
    bloat_orders=1_000_000,
    counter_seconds=12,
)
QUICK = Plan(
    rounds=2,
    seconds=1,
    batches=6,
    orders=20_000,
    many_rows=20_000,
    sizes=(10_000, 300_000),
    calls=30,
    lives=500,
    bloat_orders=50_000,
    counter_seconds=8,
)
