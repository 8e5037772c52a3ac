"""The ratios that README.md and docs/speed.md name are those of the run in docs/benchmark.md."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
# Where a table of ratios stands, by its heading: its file, and the column of the hub's ratio.
TABLES = {
    "| work | hub ÷ plain | aimed at |": ("README.md", 1),
    "| ratio to the same baseline | aimed at | the least | the hub | what the least does |": ("docs/speed.md", 3),
}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def measured() -> dict[str, str]:
    """The ratio of each figure in docs/benchmark.md."""
    page = (ROOT / "docs/benchmark.md").read_text(encoding="utf-8")
    rows = [cells(line) for line in page.splitlines() if line.startswith("|")]
    return {row[1]: found[1] for row in rows if (found := re.match(r"([\d.]+) ×", row[2]))}


@pytest.mark.parametrize("heading", TABLES)
def test_ratios_are_those_of_the_last_benchmark(heading: str) -> None:
    file, column = TABLES[heading]
    page = (ROOT / file).read_text(encoding="utf-8")
    assert heading in page
    table = page.split(heading, 1)[1].lstrip("\n").split("\n\n", 1)[0]
    named = {row[0]: row[column] for row in map(cells, table.splitlines()[1:])}
    assert len(named) > 7
    known = measured()
    assert named == {what: known.get(what) for what in named}
