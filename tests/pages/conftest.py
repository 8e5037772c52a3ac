"""Pages of replays, made by the command as a user makes them."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from ortes_db.replay.scenario import HEADER
from ortes_db.resources import scenarios_dir
from ortes_db.server import Server
from tests.command import Told, ortes

Replay = Callable[..., Told]


@pytest.fixture(scope="session")
def replay(server: Server) -> Replay:
    """`ortes replay ARGUMENTS`, on the worker's server unless they say --pg-bin."""

    def replay(*arguments: object) -> Told:
        where = [] if "--pg-bin" in arguments else ["--dsn", server.dsn()]
        return ortes("replay", *arguments, *where)

    return replay


@pytest.fixture(scope="session")
def document_page(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the document's replay."""
    file = tmp_path_factory.mktemp("page") / "replay.html"
    done = replay("--html", file)
    assert (done.returncode, done.stderr) == (0, "")
    return file


@pytest.fixture(scope="session")
def faults_page(replay: Replay, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the document's first section, with its faults; on a server of --dsn, so without one of the five."""
    folder = tmp_path_factory.mktemp("faults")
    for name in ("orders.csv", "orders.errata.csv"):
        lines = (scenarios_dir() / name).read_text(encoding="utf-8").splitlines()
        kept = [lines[0], *(line for line in lines if line.startswith("store,"))]
        (folder / name).write_text("\n".join(kept) + "\n", encoding="utf-8")
    file = folder / "replay.html"
    done = replay(folder / "orders.csv", "--errata", folder / "orders.errata.csv", "--faults", "--html", file)
    assert done.returncode == 0, done.stderr
    return file


def write_scenario(file: Path, rows: list[dict[str, str]]) -> Path:
    """A scenario from its rows; cells that are left out are blank."""
    with file.open("w", encoding="utf-8", newline="") as target:
        writer = csv.DictWriter(target, HEADER, restval="")
        writer.writeheader()
        writer.writerows({"history": str(n), "row": str(n)} | row for n, row in enumerate(rows, 1))
    return file
