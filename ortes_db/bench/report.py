"""The result as text: a line for each figure, and the page docs/benchmark.md."""

from statistics import median
from string import Template

from ortes_db.bench.figures import Figure
from ortes_db.bench.run import Result

_PAGE = Template("""\
# Benchmark

What the hub costs beside the same work in plain SQL, measured by `$command` on $machine, PostgreSQL $version.
This page and its chart are written by it (`make bench`).

$summary

![Ratios beside their targets, and buffers of a call by size of the hub](benchmark.svg)

## Times

Ratio of the medians of at least $rounds rounds, hub and baseline in turn; in brackets the lowest and the highest round. Of
a run by time the first third is left out, in which new sessions compile and plan; a batch is the mean of a run's calls.

$times

- **plain** is the same table with the same columns, indexes and storage options (taken from the catalog of this very hub)
  without triggers; ids come from sequences, and each row change is one prepared statement. It checks nothing, repeats nothing,
  and its numbers have gaps and become visible out of order: what the hub does more is the price of the two promises.
- **off**: the hub itself, notifications (`ortes_ops.set_notify`) off; beside it they are on in all companies. PostgreSQL lets
  transactions that notify commit one after the other only. There is no target: that is its price.
- **a flush of 1 ms more**: both sides with a `commit_delay` of 1 ms, so that each commit waits as long as for a disk across a
  network. How much of a call is the flush decides most of these ratios with 1 client.
- Other figures without a target show what bounds those with one. In the chart they are the diamonds; [speed.md](speed.md) goes
  on from there. **A hub without rules** keeps the two promises and nothing else: doors with their owner's rights that ask
  who calls, lock the company and look for a repeat; triggers that number without a gap, whoever writes, and leave the digest
  of the first content (`ortes_db/bench/bare.sql`). The least WAL beside PGQ's is that of plain SQL without any feed.
- A batch is one JSON parameter on both sides (`INSERT … SELECT … FROM jsonb_to_recordset($$1) RETURNING …`).
- The whole life: a device saves, the ERP creates, acquires and exports with new content, the store reads and imports. Six
  calls, each its own transaction.
- **PGQ** (Debian `postgresql-15-pgq3`): the same row changes in plain SQL; acquisition and export insert the row as an event in
  the same statement; two consumers read and finish a batch after every 250 orders, after a tick. The hub's two readers
  call `changes` and `confirm` as often. Rotation of PGQ's tables is left out, which favours PGQ.

## Counts

The same whenever they are made: buffers touched and bytes of WAL with everything that a call runs inside, by
`EXPLAIN (ANALYZE, BUFFERS, WAL)` of the call, the mean of $calls calls with warm caches; of a whole life, by the
difference of WAL positions, commits included. Full page images are off while counting (they depend on when the last
checkpoint was), autovacuum too.

$counts

### Cost of a call by size of the hub

Buffers / bytes of WAL, all orders in one company.

$sizes

## Room

After the life of so many orders, each step ten batches of 1,000 behind the one before, in two companies at once, autovacuum
at its defaults. The counters' table keeps its size while each update finds room in its row's page, freed of versions that no
snapshot needs any more. When a page is full (a snapshot held for long by a backup or an `ANALYZE`) while many clients write,
PostgreSQL adds pages for all who wait at once; later updates use them.

$room

## Settings

Times: $settings. Counts and room: `fsync`, `full_page_writes`, `synchronous_commit` off and `wal_level = minimal` besides.
`MALLOC_…` stands in the server's environment, `huge_pages` are on where the machine has set them aside; both for both sides
(runbook: [memory](runbook.md#memory-that-a-session-keeps), [huge pages](runbook.md#huge-pages)).
""")


def line(figure: Figure) -> str:
    """One figure: verdict, what, the value, target, both medians."""
    verdict = "" if figure.target is None else "ok" if figure.good else "MISSED"
    target = f" [{figure.bound}]" if figure.bound else ""
    return f"{verdict:6} {figure.work}: {_value(figure)}{target}  {_sides(figure)} {figure.unit}"


def summary(result: Result) -> str:
    """How many figures are within their targets."""
    targeted = [figure for figure in result.figures if figure.target is not None]
    missed = [figure.name for figure in targeted if not figure.good]
    text = f"{len(targeted) - len(missed)} of {len(targeted)} figures within their targets"
    return text + (f"; missed: {', '.join(missed)}" if missed else "")


def page(result: Result, command: str) -> str:
    """The page docs/benchmark.md."""
    kinds = {
        kind: _table(
            ["", "what", "value", "target", "hub", "baseline", "unit"],
            [_row(figure) for figure in result.figures if figure.kind == kind],
        )
        for kind in ("time", "count", "size")
    }
    shown = [f"`{name} = {value}`" for name, value in result.settings.items() if name != "server_version"]
    calls = list(next(iter(result.by_size.values()), {}))
    sizes = [
        [name, *(f"{counts[name].buffers:.0f} / {counts[name].wal:,.0f}" for counts in result.by_size.values())]
        for name in calls
    ]
    machine = result.machine
    return _PAGE.substitute(
        command=command,
        machine=f"{machine['cores']} cores of {machine['processor']}, {machine['system']}",
        version=result.settings.get("server_version", "?"),
        summary=summary(result) + ".",
        rounds=min((len(figure.hub) for figure in result.figures if figure.kind == "time"), default=0),
        calls=result.calls,
        times=kinds["time"],
        counts=kinds["count"],
        room=kinds["size"],
        sizes=_table(["call", *(f"{size:,} orders" for size in result.by_size)], sizes),
        settings=", ".join(shown),
    )


def _row(figure: Figure) -> list[str]:
    hub = _number(median(figure.hub))
    base = f"{_number(median(figure.base))} {figure.beside}" if figure.base else ""
    verdict = "" if figure.target is None else "ok" if figure.good else "**missed**"
    return [verdict, figure.work, _value(figure), figure.bound, hub, base, figure.unit]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _value(figure: Figure) -> str:
    low, high = figure.spread
    match figure.measure:
        case "ratio":
            # A third place where two would not show why the target is missed.
            places = 2 if figure.within(round(figure.value, 2)) == figure.good else 3
            text = f"{figure.value:.{places}f} ×"
        case "difference":
            text = f"{figure.value:+.1f}"
        case _:
            text = _number(figure.value)
    return text + (f" ({low:.2f} to {high:.2f})" if len(figure.hub) > 1 else "")


def _sides(figure: Figure) -> str:
    if not figure.base:
        return _number(median(figure.hub))
    return f"{_number(median(figure.hub))} / {_number(median(figure.base))} ({figure.beside})"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.1f}"
