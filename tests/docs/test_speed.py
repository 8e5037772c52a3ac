"""The ratios that README.md and docs/speed.md name are those of the run in docs/benchmark.md."""

import re
from pathlib import Path

import pytest

from ortes_db.bench.plan import FULL
from ortes_db.bench.timed import comparisons

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
# Where a table of ratios stands, by its heading: its file, and the columns of the hub's ratio and of the least.
TABLES = {
    "| work | hub ÷ plain | without rules ÷ plain | aimed at |": ("README.md", 1, 2),
    "| ratio to the same baseline | aimed at | the least | the hub | what the least does |": ("docs/speed.md", 3, 2),
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def measured() -> dict[str, str]:
    """The ratio of each figure in docs/benchmark.md."""
    page = (ROOT / "docs/benchmark.md").read_text(encoding="utf-8")
    rows = [cells(line) for line in page.splitlines() if line.startswith("|")]
    return {row[1]: found[1] for row in rows if (found := re.match(r"([\d.]+) ×", row[2]))}


def least() -> dict[str, str]:
    """By the work of a figure: the work that stands in the hub's place where its least is measured."""
    works = {name: work for timed in comparisons(FULL) for name, work, _ in timed.figures}
    beside = {work: works[f"least_{name}"] for name, work in works.items() if f"least_{name}" in works}
    bytes_of_wal = "whole life with two readers, bytes of WAL"
    return beside | {bytes_of_wal: "whole life in plain SQL, two readers by the index, bytes of WAL"}


@pytest.mark.parametrize("heading", TABLES)
def test_ratios_are_those_of_the_last_benchmark(heading: str) -> None:
    file, hub, bare = TABLES[heading]
    page = (ROOT / file).read_text(encoding="utf-8")
    assert heading in page
    table = page.split(heading, 1)[1].lstrip("\n").split("\n\n", 1)[0]
    rows = {row[0]: row for row in map(cells, table.splitlines()[1:])}
    assert len(rows) > 7
    known = measured()
    assert {what: row[hub] for what, row in rows.items()} == {what: known.get(what) for what in rows}
    beside = least()
    assert {what: row[bare] for what, row in rows.items()} == {
        what: known.get(beside.get(what, ""), "") for what in rows
    }
