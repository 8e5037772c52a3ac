"""The command as a user runs it, and scenarios to run it on."""

import csv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from ortes_db.replay.scenario import HEADER
from ortes_db.resources import scenarios_dir
from ortes_db.server import Server, embedded_server
from tests.command import Told, ortes

Run = Callable[..., Told]
Edit = Callable[..., Path]


@pytest.fixture(scope="session")
def bare_server(pg_bin: str | None) -> Iterator[Server]:
    """A server that no hub was ever deployed on."""
    with embedded_server(pg_bin) as server:
        yield server


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`ortes replay ARGUMENTS`, from a folder that has nothing to do with the project."""
    monkeypatch.chdir(tmp_path)
    return partial(ortes, "replay")


@pytest.fixture
def edited(tmp_path: Path) -> Edit:
    """The document's scenario with some cells altered: edited({("store", "4", "id_int"): "151"})."""

    def edited(cells: dict[tuple[str, str, str], str], name: str = "edited.csv") -> Path:
        with (scenarios_dir() / "orders.csv").open(encoding="utf-8", newline="") as source:
            rows = list(csv.DictReader(source))
        for (section, row, column), value in cells.items():
            (found,) = [r for r in rows if (r["section"], r["row"]) == (section, row)]
            found[column] = value
        return write(tmp_path / name, rows)

    return edited


def write(file: Path, rows: list[dict[str, str]]) -> Path:
    """A scenario from its rows; cells that are left out are blank."""
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, HEADER, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return file


def write_errata(file: Path, *errata: tuple[str, ...]) -> Path:
    """An errata file from its rows."""
    with file.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target).writerows([("section", "row", "column", "documented", "expected", "reason"), *errata])
    return file
