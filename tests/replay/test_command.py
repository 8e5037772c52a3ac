"""`ortes replay` as a user runs it: formats, exit codes, own scenarios."""

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ortes_db.replay.scenario import COLUMNS
from ortes_db.resources import scenarios_dir
from ortes_db.server import Server

from .conftest import Edit, Run, write, write_errata

pytestmark = pytest.mark.once


def test_the_document_replays_on_an_embedded_server(run: Run, pg_bin: str | None) -> None:
    done = run(*(["--pg-bin", pg_bin] if pg_bin else []))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("\n420 cells of 21 operations: 412 match, 8 errata, 0 mismatches\n")


def test_json_has_every_cell_as_documented_and_the_eight_errata(run: Run, server: Server) -> None:
    done = run("--format", "json", "--dsn", server.dsn())
    assert (done.returncode, done.stderr) == (0, "")
    result = json.loads(done.stdout)
    assert list(result) == ["cells", "summary"]
    assert result["summary"] == {"match": 412, "erratum": 8, "mismatch": 0}
    with (scenarios_dir() / "orders.csv").open(encoding="utf-8") as file:
        table = [(r["section"], r["row"], c, r[c]) for r in csv.DictReader(file) for c in COLUMNS]
    assert [(c["section"], c["row"], c["column"], c["documented"]) for c in result["cells"]] == table
    for cell in result["cells"]:
        assert list(cell) == ["section", "row", "column", "documented", "expected", "actual", "verdict"]
        assert all(isinstance(value, str) for value in cell.values())
        assert cell["actual"] == cell["expected"]
        assert (cell["expected"] == cell["documented"]) == (cell["verdict"] == "match")
    errata = {(c["section"], c["row"], c["column"], c["actual"]) for c in result["cells"] if c["verdict"] == "erratum"}
    assert errata == {
        ("store", "1", "id_sincro", ""),
        ("app-50", "4", "tor_chia", "C201700001760"),
        ("app-50", "4", "ack_gest", "1"),
        ("app-51", "4", "tor_chia", "C201700001810"),
        ("app-51", "4", "ack_gest", "1"),
        ("app-51", "5", "tor_chia", "C201700001810"),
        ("app-51", "6", "tor_chia", "C201700001810"),
        ("app-51", "6", "conferma", "XYZ"),
    }


@pytest.mark.parametrize("columns", [80, 120, 160])
def test_the_table_fits_its_terminal_whole_and_plain(run: Run, server: Server, columns: int) -> None:
    done = run("--dsn", server.dsn(), COLUMNS=str(columns))
    assert done.returncode == 0
    assert "\x1b" not in done.stdout
    assert "…" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= columns
    for text in ("C201700001810*", "XYZ*", "ARPORTES", "Store", "APP", "AREA", "743", "The store notices the change"):
        assert text in done.stdout


def test_junit_has_a_case_an_operation(run: Run, server: Server, edited: Edit) -> None:
    done = run("--format", "junit", "--dsn", server.dsn())
    assert done.returncode == 0
    suite = ElementTree.fromstring(done.stdout)[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("21", "0", "0")
    assert sum("erratum" in line for case in suite for line in (case.findtext("system-out") or "").splitlines()) == 8

    wrong = edited({("store", "5", "conferma"): "QQ"})
    done = run(wrong, "--errata", scenarios_dir() / "orders.errata.csv", "--format", "junit", "--dsn", server.dsn())
    assert done.returncode == 1
    (failure,) = ElementTree.fromstring(done.stdout).iter("failure")
    assert failure.text == "conferma: documented QQ, found (blank)"


@pytest.mark.parametrize("form", ["table", "json", "junit"])
def test_output_goes_to_a_file_and_a_summary_here(run: Run, server: Server, tmp_path: Path, form: str) -> None:
    file = tmp_path / "result"
    done = run("--format", form, "--output", file, "--dsn", server.dsn())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "420 cells of 21 operations: 412 match, 8 errata, 0 mismatches\n"
    assert file.read_text(encoding="utf-8") == run("--format", form, "--dsn", server.dsn()).stdout


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (("store", "2", "azi"), "Dxxxxx"),
        (("store", "3", "autore_cod"), "124"),
        (("store", "4", "id_sincro"), "324"),
        (("store", "4", "ack_app"), "1"),
        (("store", "6", "store.id"), "151"),
        (("app-50", "2", "id_pub"), "1"),
        (("app-50", "6", "app.id_pub"), ""),
        (("app-51", "2", "prov_id"), "50"),
        (("app-51", "6", "area.tor_chia"), "C201700001760"),
        (("erp", "1", "azi"), "Cxxxxx"),
        (("erp", "2", "id_sincro"), "700"),
        (("erp", "3", "area.tor_id_web"), "5"),
    ],
)
def test_an_altered_cell_is_a_mismatch(
    run: Run, server: Server, edited: Edit, cell: tuple[str, str, str], value: str
) -> None:
    errata = scenarios_dir() / "orders.errata.csv"
    done = run(edited({cell: value}), "--errata", errata, "--format", "json", "--dsn", server.dsn())
    assert done.returncode == 1
    wrong = [(c["section"], c["row"]) for c in json.loads(done.stdout)["cells"] if c["verdict"] == "mismatch"]
    assert {section for section, _ in wrong} == {cell[0]}


def test_without_its_errata_the_document_has_eight_mismatches(run: Run, server: Server) -> None:
    done = run(scenarios_dir() / "orders.csv", "--dsn", server.dsn())
    assert done.returncode == 1
    assert "app-51 6, conferma: documented CDEF, found XYZ" in done.stdout
    assert done.stdout.endswith("412 match, 0 errata, 8 mismatches\n")


def test_an_erratum_that_no_longer_deviates_is_an_error(run: Run, server: Server, tmp_path: Path) -> None:
    errata = write_errata(tmp_path / "e.csv", ("store", "5", "id_sincro", "323", "324", "It was so once."))
    done = run(scenarios_dir() / "orders.csv", "--errata", errata, "--dsn", server.dsn())
    assert done.returncode == 1
    assert "This erratum no longer holds" in done.stdout


def test_a_scenario_of_ones_own(run: Run, server: Server, tmp_path: Path) -> None:
    """Two stores, an import by a device, a save and an export that are repeated, a re-export that changes nothing."""
    new = {"azi": "È 'x'", "id_pub": "10", "id_int": "7", "ack_store": "1", "ack_gest": "0", "ack_app": "0"}
    new |= {"prov_tipo": "S", "prov_id": "2", "autore_tipo": "C", "autore_cod": "5", "id_sincro": "0"}
    store = {"store.id": "7", "store.id_pub": "10"}
    area = {"area.tor_chia": "K;1", "area.tor_id_web": "10"}
    acquired = new | store | area | {"tor_chia": "K;1", "ack_gest": "1", "id_sincro": "1"}
    changed = acquired | {"id_sincro": "9"}
    steps = [
        ("store-create 2", {"store.id": "7"}),
        ("store-save 2", new | store),
        ("store-save 2", new | store),
        ("erp-create-order", new | store | area),
        ("erp-acquire", acquired),
        ("erp-acquire", acquired),
        ("erp-re-export", acquired),
        ("erp-modify", acquired),
        ("erp-re-export", changed),
        ("app-import 3", changed | {"ack_app": "1", "app.id": "70", "app.id_pub": "10"}),
        ("store-import 2", changed | {"ack_app": "1", "app.id": "70", "app.id_pub": "10"}),
    ]
    rows = [
        {"section": "o", "row": str(n), "history": str(n * 10), "verb": verb} | cells
        for n, (verb, cells) in enumerate(steps, 1)
    ]
    done = run(write(tmp_path / "own.csv", rows), "--dsn", server.dsn())
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("220 cells of 11 operations: 220 match, 0 errata, 0 mismatches\n")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_file_as_spreadsheets_write_it(run: Run, server: Server, tmp_path: Path, delimiter: str) -> None:
    files = []
    for name in ("orders.csv", "orders.errata.csv"):
        with (scenarios_dir() / name).open(encoding="utf-8", newline="") as source:
            rows = list(csv.reader(source))
        files.append(tmp_path / name)
        with files[-1].open("w", encoding="utf-8-sig", newline="") as target:
            csv.writer(target, delimiter=delimiter, lineterminator="\r\n").writerows([*rows, [""] * len(rows[0])])
    done = run(files[0], "--errata", files[1], "--dsn", server.dsn())
    assert done.returncode == 0
    assert done.stdout.endswith("412 match, 8 errata, 0 mismatches\n")


def test_an_operation_that_goes_wrong_is_told(run: Run, server: Server, tmp_path: Path) -> None:
    rows = [{"section": "o", "row": "1", "history": "1", "verb": "erp-acquire", "azi": "C1"}]
    done = run(write(tmp_path / "own.csv", rows), "--format", "json", "--dsn", server.dsn())
    assert done.returncode == 1
    assert "o 1: AREA has no such order" in done.stderr
