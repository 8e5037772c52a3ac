"""docs/scaling.md: what is calculated and simulated there, from the inputs in docs/scaling.csv and docs/benchmark.md.

Written between the page's markers by `make scaling`; with --check, compared with what is there. The simulation is seeded:
the same inputs give the same page.
"""

import csv
import json
import re
import sys
from bisect import bisect_right, insort
from collections.abc import Callable
from functools import cache
from heapq import heapreplace
from html import unescape
from math import exp, fsum
from operator import itemgetter
from pathlib import Path
from random import Random
from statistics import median

DOCS = Path(__file__).parents[1] / "docs"
PAGE, CHART, INPUTS, BENCHMARK = (DOCS / name for name in ("scaling.md", "scaling.svg", "scaling.csv", "benchmark.md"))

COMPANIES = 100_000
SHARDS = (2, 4, 8, 16, 32)
EXPONENTS = (0.8, 1.0, 1.2)
SEEDS = (1, 2, 3)
MONTHS = 12
# A move pays when a shard has more than this of what it could have at best.
TOLERANCE = 1.1
# A rate's change in a month: the standard deviation of its logarithm.
DRIFT = 0.1
# Of a life's six calls, five write and commit.
CALLS, COMMITS = 6, 5
DAY = 86_400

# A company's rate, and its number.
Company = tuple[float, int]
RATE: Callable[[Company], float] = itemgetter(0)
Shard = list[Company]


# The simulation


def zipf(companies: int, exponent: float) -> list[float]:
    """Each company's share of all orders, the largest first; together 1."""
    weights = [1 / rank**exponent for rank in range(1, companies + 1)]
    total = fsum(weights)
    return [weight / total for weight in weights]


@cache
def arrivals(exponent: float, seed: int) -> list[Company]:
    """The companies in the order in which they come."""
    rates = zipf(COMPANIES, exponent)
    Random(seed).shuffle(rates)
    return [(rate, company) for company, rate in enumerate(rates)]


def by_count(companies: list[Company], shards: int) -> list[Shard]:
    """Each company, as they come, to the shard with the fewest: what create_company does on a router."""
    return [companies[first::shards] for first in range(shards)]


def by_rate(companies: list[Company], shards: int) -> list[Shard]:
    """Each company, as they come, to the shard with the lowest rate so far; its own need not be known."""
    placed: list[Shard] = [[] for _ in range(shards)]
    heap = [(0.0, shard) for shard in range(shards)]
    for company in companies:
        load, shard = heap[0]
        placed[shard].append(company)
        heapreplace(heap, (load + company[0], shard))
    return placed


def total(shard: Shard) -> float:
    """A shard's rate."""
    return fsum(map(RATE, shard))


def at_best(placed: list[Shard]) -> float:
    """What no placement gets the fullest shard below: the mean, or the largest company alone."""
    return max(fsum(map(total, placed)) / len(placed), *(max(shard)[0] for shard in placed if shard))


def evened(placed: list[Shard]) -> tuple[list[Shard], list[float]]:
    """The shards after moves, and the rates of the companies that moved.

    Always from the fullest to the emptiest, the largest company that does not turn the two around."""
    loads = [total(shard) for shard in placed]
    target = TOLERANCE * at_best(placed)
    moved: list[float] = []
    shards = [sorted(shard) for shard in placed] if max(loads) > target else placed
    while (fullest := max(loads)) > target:
        source, sink = loads.index(fullest), loads.index(min(loads))
        place = bisect_right(shards[source], ((fullest - loads[sink]) / 2, COMPANIES))
        if place == 0:
            break
        company = shards[source].pop(place - 1)
        insort(shards[sink], company)
        loads[source] -= company[0]
        loads[sink] += company[0]
        moved.append(company[0])
    return shards, moved


def best(placed: list[Shard]) -> float:
    """The skew that no placement gets below."""
    return at_best(placed) * len(placed) / fsum(map(total, placed))


def skew(placed: list[Shard]) -> float:
    """The fullest shard's rate over the mean."""
    loads = [total(shard) for shard in placed]
    return max(loads) * len(loads) / fsum(loads)


def simulate(exponent: float, shards: int) -> dict[str, float]:
    """One row of the table: medians over the seeds, and the worst of them."""
    counted, rated, moved, moves, share = [], [], [], [], []
    for seed in SEEDS:
        companies = arrivals(exponent, seed)
        first = by_count(companies, shards)
        counted.append(skew(first))
        rated.append(skew(by_rate(companies, shards)))
        after, who = evened(first)
        moved.append(skew(after))
        moves.append(len(who))
        share.append(sum(who))
    return {
        "best": best(first),
        "count": median(counted),
        "count_worst": max(counted),
        "rate": median(rated),
        "rate_worst": max(rated),
        "moves": median(moved),
        "moved": median(moves),
        "share": median(share),
    }


def year(shards: int) -> tuple[dict[str, list[float]], list[int]]:
    """Month by month how even the shards stay, and how many companies were moved; each company grows the same everywhere."""
    random, companies = Random(SEEDS[0]), arrivals(1.0, SEEDS[0])
    placed = {"by count": by_count(companies, shards), "by rate": by_rate(companies, shards)}
    placed["with moves"], who = evened(placed["by count"])
    moves = [len(who)]
    lines = {name: [skew(one)] for name, one in placed.items()}
    lines["at best"] = [best(placed["by count"])]
    for _ in range(MONTHS):
        growth = [exp(random.gauss(0, DRIFT)) for _ in companies]
        for name, one in placed.items():
            placed[name] = [[(rate * growth[number], number) for rate, number in shard] for shard in one]
        placed["with moves"], who = evened(placed["with moves"])
        moves.append(len(who))
        for name, one in placed.items():
            lines[name].append(skew(one))
        lines["at best"].append(best(placed["by count"]))
    return lines, moves


# The inputs


def read_inputs() -> list[dict[str, str]]:
    """The rows of the CSV; what comes from docs/benchmark.md is read there."""
    rows = list(csv.DictReader(INPUTS.read_text(encoding="utf-8").splitlines()))
    for row in rows:
        if not row["value"]:
            row["value"] = f"{benchmarked(row['how'].removeprefix('docs/benchmark.md: ')):.4g}"
        if not re.fullmatch(r"[0-9.e+-]+", row["value"]):
            raise SystemExit(f"{INPUTS.name}: {row['key']} is '{row['value']}', which is no number")
    return rows


def benchmarked(what: str) -> float:
    """The hub's figure of the benchmark's row; of MB after the life of so many orders: bytes an order."""
    for line in BENCHMARK.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 9 and cells[2].startswith(what):
            value = float(cells[5].replace(",", ""))
            orders = re.search(r"life of ([\d,]+) orders", cells[2])
            return value * 1e6 / int(orders[1].replace(",", "")) if orders else value
    raise SystemExit(f"{BENCHMARK.name} has no row '{what}'")


# The tables


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def number(value: float) -> str:
    """With two figures that count."""
    digits = float(f"{value:.2g}")
    return f"{digits:,.0f}" if digits >= 10 else f"{digits:g}"


def inputs_table(rows: list[dict[str, str]]) -> str:
    return table(
        ["what", "value", "unit", "how"], [[row["what"], row["value"], row["unit"], row["how"]] for row in rows]
    )


def disk_order(given: dict[str, float]) -> float:
    """Bytes of disk an order takes in use."""
    return given["disk_table_b"] + given["disk_index_b"]


def figures_table(given: dict[str, float]) -> str:
    """What one core, one shard and a million orders come to."""
    busy = given["cores"] * given["busy"]
    rows = []
    for name, cpu, wal in (
        ("one by one", given["cpu_life_ms"], given["wal_life_b"]),
        (
            "one by one, through the router",
            given["cpu_life_ms"] + CALLS * given["router_shard_ms"],
            given["wal_life_b"],
        ),
        ("1,000 a call", given["cpu_batch_ms"], given["wal_batch_b"]),
    ):
        per_core = 1000 / cpu
        rows.append([name, number(per_core), number(per_core * busy), f"{wal / 1000:.1f} GB"])
    head = ["orders, each with its whole life", "a second and core", "a second and shard", "WAL of 1,000,000"]
    calls = 1000 / given["router_call_ms"]
    return "\n".join(
        [
            table(head, rows),
            "",
            f"A shard is {given['cores']:.0f} cores, of which {given['busy']:.0%} are used at the busiest hour. Full page images come "
            f"on top: right after a checkpoint an order has {number(given['wal_life_images_b'] / given['wal_life_b'])} times its WAL, "
            "less with each order until the next one. A session takes "
            f"{given['memory_session_mb']:.0f} MB for itself once it has called all doors, large batches too. On disk 1,000,000 orders "
            f"take "
            f"{given['disk_order_b'] / 1000:.1f} GB loaded at once, and {disk_order(given) / 1000:.1f} GB after a life in batches "
            f"without a pause, the room for later ones included; a company without orders {number(given['disk_company_kb'])} KB.",
            "",
            f"A router's core passes on {number(calls)} calls a second: {number(calls / CALLS)} orders, or the questions of "
            f"{number(calls * given['poll_s'] / given['readers'])} companies that have {given['readers']:.0f} readers asking every "
            f"{given['poll_s']:.0f} s.",
        ]
    )


def fits_table(given: dict[str, float]) -> str:
    """How many companies of one size a shard takes."""
    budget = given["cores"] * given["busy"] * 1000
    polls = given["readers"] / given["poll_s"] * (given["cpu_poll_ms"] + given["router_shard_ms"])
    rows = []
    for orders in (10, 100, 1_000, 10_000, 100_000):
        lives = orders * given["peak"] / DAY * (given["cpu_life_ms"] + CALLS * given["router_shard_ms"])
        disk = (
            given["disk_tb"]
            * 1e12
            / (orders * 365 * given["keep_years"] * disk_order(given) + given["disk_company_kb"] * 1e3)
        )
        choices = {"CPU": budget / (lives + polls), "disk": disk}
        least = min(choices, key=lambda name: choices[name])
        own = own_share(orders, given)
        by_cpu = [number(budget / (lives + polls)), number(budget / lives)]
        fit = "0" if own > 1 else number(max(1, choices[least]))
        rows.append([f"{orders:,}", *by_cpu, number(disk), share(own), f"**{fit}** ({least})"])
    head = ["orders a day", "by CPU", "by CPU, if nobody polls", "by disk", "its own queue", "fit"]
    return table(head, rows)


def own_share(orders: float, given: dict[str, float], commit_ms: float = 0) -> float:
    """How much of the busiest hour a company's lock is held, if each call commits by itself."""
    return orders * given["peak"] / DAY * COMMITS * (commit_ms / 1000 or 1 / given["saves_one"])


def one_company_table(given: dict[str, float]) -> str:
    """One company's bound, whatever the number of shards."""
    rows = []
    for name, ms in (
        ("as measured", 1000 / given["saves_one"]),
        ("an SSD that may answer from its own cache", 0.2),
        ("a network disk", 2),
        ("synchronous replica in another building", 5),
        ("synchronous replica far away", 20),
    ):
        lives = 1000 / ms / COMMITS
        rows.append([name, f"{number(ms)} ms", number(1000 / ms), number(lives), number(lives * DAY / given["peak"])])
    return table(
        ["where it commits", "a commit, with its call", "writing calls a second", "orders a second", "orders a day"],
        rows,
    )


def loads(companies: float, orders: float, given: dict[str, float]) -> dict[str, float]:
    """How much of each thing is used at the busiest hour, on one shard behind a router of as many cores; 1 is all of it."""
    lives = companies * orders / DAY * given["peak"]
    polls = companies * given["readers"] / given["poll_s"]
    largest = zipf(int(companies), 1.0)[0] * companies * orders
    shard = lives * (given["cpu_life_ms"] + CALLS * given["router_shard_ms"]) + polls * (
        given["cpu_poll_ms"] + given["router_shard_ms"]
    )
    return {
        "sessions, if there is no pool": companies * given["readers"] / given["sessions"],
        "a shard's CPU": shard / 1000 / given["cores"],
        "a shard's commits": lives * COMMITS / given["saves_many"],
        "the largest company's queue": own_share(largest, given),
        "the router's CPU": (CALLS * lives + polls) * given["router_call_ms"] / 1000 / given["cores"],
        "the router's CPU, if nobody polls": CALLS * lives * given["router_call_ms"] / 1000 / given["cores"],
        "disk, after a year": companies * orders * 365 * disk_order(given) / given["disk_tb"] / 1e12,
        "a shard's commits, if all companies notify": lives * COMMITS / given["saves_one"],
    }


TIMES = (1, 10, 100, 1000)
# What is used whatever one chooses; the other rows say when they apply.
ALWAYS = ("a shard's CPU", "a shard's commits", "the largest company's queue", "disk, after a year", "the router's CPU")


def bottleneck_table(given: dict[str, float], scaled: Callable[[int], tuple[float, float]]) -> str:
    """What is used by how much; in bold what is used most."""
    columns = [loads(*scaled(times), given) for times in TIMES]
    head = ["", *(f"{times:,} ×" for times in TIMES)]
    many = [f"{companies:,.0f} × {orders:,.0f}" for companies, orders in map(scaled, TIMES)]
    rows = [["companies × orders a day", *many]]
    for name in columns[0]:
        most = [max(ALWAYS, key=lambda one: column[one]) == name for column in columns]
        cells = [share(column[name]) for column in columns]
        rows.append([name, *(f"**{cell}**" if first else cell for cell, first in zip(cells, most, strict=True))])
    rows.append(["shards for CPU, commits and disk", *(number(shards_needed(column, given)) for column in columns)])
    return table(head, rows)


def shards_needed(column: dict[str, float], given: dict[str, float]) -> float:
    most = max(column["a shard's CPU"], column["a shard's commits"], column["disk, after a year"])
    return float(-(-most // given["busy"]))


def share(value: float) -> str:
    if value < 0.001:
        return "< 0.1%"
    return f"{value:.1%}" if value < 0.1 else f"{value:.0%}" if value < 10 else f"{number(value)} ×"


def skew_table(rows: list[tuple[float, int, dict[str, float]]]) -> str:
    head = ["exponent", "shards", "at best", "by count", "by rate", "with moves", "companies moved", "of all orders"]
    cells = [
        [
            f"{exponent}",
            f"{shards}",
            f"{row['best']:.2f}",
            f"{row['count']:.2f} ({row['count_worst']:.2f})",
            f"{row['rate']:.2f} ({row['rate_worst']:.2f})",
            f"{row['moves']:.2f}",
            f"{row['moved']:.0f}",
            f"{row['share']:.1%}",
        ]
        for exponent, shards, row in rows
    ]
    return table(head, cells)


def year_table(lines: dict[str, list[float]], moves: list[int]) -> str:
    months = (0, 3, 6, 9, 12)
    rows = [[name, *(f"{line[month]:.2f}" for month in months)] for name, line in lines.items()]
    so_far = [f"{sum(moves[: month + 1])}" for month in months]
    return table(["", *(f"month {month}" for month in months)], [*rows, ["companies moved so far", *so_far]])


# The page


def draw(rows: list[tuple[float, int, dict[str, float]]], lines: dict[str, list[float]], told: str) -> None:
    """The chart; what it shows stands in its description, too."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "ortes", "svg.fonttype": "none", "font.size": 9})
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 3.6))
    shown = [(shards, row) for exponent, shards, row in rows if exponent == 1.0]
    for name, label, style in (
        ("count", "by count", "o-"),
        ("rate", "by rate", "s-"),
        ("moves", "with moves", "^-"),
        ("best", "at best", "k:"),
    ):
        left.plot([shards for shards, _ in shown], [row[name] for _, row in shown], style, label=label)
    left.set_xscale("log", base=2)
    left.set_xticks(SHARDS, [str(shards) for shards in SHARDS])
    left.set_xlabel("shards")
    left.set_ylabel("fullest shard ÷ mean")
    left.legend()
    for (name, line), style in zip(lines.items(), ("o-", "s-", "^-", "k:"), strict=True):
        right.plot(range(len(line)), line, style, label=name)
    right.set_xlabel("months, 8 shards")
    right.set_ylim(bottom=1)
    right.legend()
    figure.tight_layout()
    figure.savefig(CHART, metadata={"Date": None, "Description": told})
    pyplot.close(figure)


def filled(page: str, blocks: dict[str, str]) -> str:
    """The page with each block between its markers."""
    for name, text in blocks.items():
        pattern = re.compile(rf"(<!-- scaling: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, found = pattern.subn(lambda at, text=text: f"{at[1]}{text}\n{at[2]}", page)  # type: ignore[misc]
        if found != 1:
            raise SystemExit(f"{PAGE.name} has the markers of '{name}' {found} times")
    return page


def main() -> int:
    inputs = read_inputs()
    given = {row["key"]: float(row["value"]) for row in inputs}
    rows = [
        (exponent, shards, simulate(exponent, shards))
        for exponent in EXPONENTS
        for shards in (SHARDS if exponent == 1.0 else (8,))
    ]
    lines, moves = year(8)
    base, each = given["companies"], given["orders_day"]
    page = PAGE.read_text(encoding="utf-8")
    blocks = {
        "figures": figures_table(given),
        "one company": one_company_table(given),
        "fits": fits_table(given),
        "skew": skew_table(rows),
        "year": year_table(lines, moves),
        "more companies": bottleneck_table(given, lambda times: (base * times, each)),
        "larger companies": bottleneck_table(given, lambda times: (base, each * times)),
        "inputs": inputs_table(inputs),
    }
    wanted = filled(page, blocks)
    told = json.dumps([blocks["skew"], blocks["year"]])
    if "--check" in sys.argv:
        drawn = unescape(CHART.read_text(encoding="utf-8")) if CHART.exists() else ""
        if page != wanted or told not in drawn:
            print("docs/scaling.md or its chart is stale: run `make scaling`", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(wanted, encoding="utf-8")
    draw(rows, lines, told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
