"""Files that cannot be used: exit code 2, and the message names file, line, column and what was expected."""

from pathlib import Path

import pytest

from ortes_db.resources import scenarios_dir

from .conftest import Edit, Run, write_errata

pytestmark = pytest.mark.once

HEADER = (scenarios_dir() / "orders.csv").read_text(encoding="utf-8").splitlines()[0]
ROW = "store,1,1,store-create,text" + "," * 13 + ",150,,,,,,"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf\r\n", "the file is empty"),
        (f"{HEADER}\n".encode(), "expected operations below the header"),
        (b"section,row\nstore,1\n", "line 1, column history: expected a column 'history'"),
        (f"{HEADER},colour\n{ROW},red\n".encode(), "line 1, column colour: expected only the columns"),
        (f"{HEADER},azi\n{ROW},\n".encode(), "line 1, column azi: expected each column once"),
        (f"{HEADER}\n{ROW},,x\n".encode(), "line 2: expected 25 cells, as in the header; found 27"),
        (f"{HEADER}\nstore,1\n".encode(), "line 2: expected 25 cells, as in the header; found 2"),
        (f'{HEADER}\n{ROW}\n"store\n'.encode(), "line 3: expected CSV: unexpected end of data"),
        (f"{HEADER}\n{ROW}\n".encode().replace(b"text", b"perch\xe9"), "line 2: expected UTF-8; byte 0xe9 is not"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16"), "line 1: expected UTF-8; byte 0xff is not"),
        (f"{HEADER}\n{ROW}\n".encode().replace(b"text", b"te\0xt"), "line 2: expected UTF-8 text; found a zero byte"),
    ],
)
def test_a_file_that_is_no_scenario(run: Run, tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    _refused(run(file), file, message)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({("store", "3", "history"): "2"}, "line 4, column history: expected a place of its own; 2 is that of line 3"),
        ({("store", "3", "history"): ""}, "line 4, column history: expected the operation's place"),
        ({("store", "3", "history"): "3.0"}, "line 4, column history: expected a whole number from 0"),
        ({("store", "3", "verb"): "erp-create"}, "line 4, column verb: expected one of store-create, store-save"),
        ({("store", "3", "verb"): ""}, "line 4, column verb: expected one of"),
        ({("store", "3", "verb"): "erp-acquire 5"}, "line 4, column verb: expected no number after erp-acquire"),
        ({("app-50", "2", "verb"): "app-save"}, "line 9, column verb: expected the device's number"),
        ({("app-50", "2", "verb"): "app-save x"}, "line 9, column verb: expected a whole number"),
        ({("store", "3", "row"): "2"}, "line 4, column row: expected a row of its own"),
        ({("store", "3", "section"): ""}, "line 4, column section: expected a name"),
        ({("store", "2", "id_pub"): "one"}, "line 3, column id_pub: expected a whole number"),
        ({("store", "2", "id_pub"): "٣"}, "line 3, column id_pub: expected a whole number"),
        ({("store", "4", "id_sincro"): "9" * 20}, "line 5, column id_sincro: expected a whole number"),
        ({("store", "4", "id_sincro"): "-1"}, "line 5, column id_sincro: expected a whole number"),
        ({("app-50", "4", "prov_id"): "2147483648"}, "from 0 to 2147483647"),
        ({("store", "4", "ack_gest"): "yes"}, "line 5, column ack_gest: expected 0, 1 or nothing; found 'yes'"),
        ({("store", "1", "store.id"): ""}, "line 2, column store.id: expected a value: store-create takes it"),
        ({("erp", "2", "azi"): "", ("erp", "3", "azi"): ""}, "line 21, column azi: expected a company code"),
    ],
)
def test_a_cell_that_cannot_be_used(
    run: Run, edited: Edit, cells: dict[tuple[str, str, str], str], message: str
) -> None:
    file = edited(cells)
    _refused(run(file), file, message)


@pytest.mark.parametrize(
    ("erratum", "message"),
    [
        (("shop", "1", "azi", "", "C", "why"), "line 2, column row: expected a row of the scenario"),
        (("store", "1", "colour", "", "C", "why"), "line 2, column column: expected one of azi, id_pub"),
        (("store", "1", "id_sincro", "1", "", "why"), "line 2, column documented: expected what the scenario says"),
        (("store", "1", "id_sincro", "0", "0", "why"), "line 2, column expected: expected a value that deviates"),
        (("store", "1", "id_sincro", "0", "x", "why"), "line 2, column expected: expected a whole number"),
        (("store", "1", "id_sincro", "0", "", ""), "line 2, column reason: expected the reason"),
    ],
)
def test_an_erratum_that_cannot_be_used(run: Run, tmp_path: Path, erratum: tuple[str, ...], message: str) -> None:
    file = write_errata(tmp_path / "errata.csv", erratum)
    _refused(run("--errata", file), file, message)


def test_a_cell_with_two_errata(run: Run, tmp_path: Path) -> None:
    erratum = ("store", "1", "id_sincro", "0", "", "why")
    file = write_errata(tmp_path / "errata.csv", erratum, erratum)
    _refused(run("--errata", file), file, "line 3, column column: expected each cell once")


def test_a_file_that_is_not_there_or_not_a_file(run: Run, tmp_path: Path) -> None:
    _refused(run(tmp_path / "none.csv"), tmp_path / "none.csv", "cannot be read: No such file")
    _refused(run(tmp_path), tmp_path, "cannot be read: Is a directory")
    _refused(run("--errata", tmp_path / "none.csv"), tmp_path / "none.csv", "cannot be read")
    _refused(run("--output", tmp_path / "none" / "x"), tmp_path / "none" / "x", "cannot be written: No such file")


def _refused(done: object, file: Path, message: str) -> None:
    assert done.returncode == 2  # type: ignore[attr-defined]
    assert done.stdout == ""  # type: ignore[attr-defined]
    (line,) = done.stderr.splitlines()  # type: ignore[attr-defined]
    assert line.startswith(f"Error: {file}")
    assert message in line
