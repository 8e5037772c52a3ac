"""Reads a scenario and its errata, and says where and why it cannot."""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from ortes_db.words import did_you_mean

HUB_COLUMNS = (
    "azi", "id_pub", "tor_chia", "conferma", "id_int", "ack_store", "ack_gest", "ack_app", "prov_tipo", "prov_id",
    "autore_tipo", "autore_cod", "id_sincro",
)  # fmt: skip
STORE_COLUMNS = ("store.id", "store.id_pub")
APP_COLUMNS = ("app.id", "app.id_pub")
AREA_COLUMNS = ("area.tor_chia", "area.tor_cnf_num", "area.tor_id_web")
COLUMNS = HUB_COLUMNS + STORE_COLUMNS + APP_COLUMNS + AREA_COLUMNS

FLAGS = ("ack_store", "ack_gest", "ack_app")
NUMBERS = ("id_pub", "id_int", "prov_id", "autore_cod", "id_sincro", *STORE_COLUMNS, *APP_COLUMNS, "area.tor_id_web")
LARGEST_INTEGER, LARGEST_BIGINT = 2**31 - 1, 2**63 - 1

HEADER = ("section", "row", "history", "verb", "description", *COLUMNS)
ERRATA_HEADER = ("section", "row", "column", "documented", "expected", "reason")
TRANSLATION_HEADER = ("text", "translation")

Translations = Mapping[str, Mapping[str, str]]  # by language, by what the scenario says in its own


@dataclass(frozen=True)
class Verb:
    """What an operation needs to know, and which counters it draws from."""

    needs: tuple[str, ...] = ()
    draws: tuple[str, ...] = ()
    calls_hub: bool = True


VERBS: Mapping[str, Verb] = {
    "store-create": Verb(needs=("store.id",), calls_hub=False),
    "store-save": Verb(needs=("autore_cod",), draws=("id_pub",)),
    "store-import": Verb(needs=("store.id",)),
    "app-create": Verb(needs=("app.id",), calls_hub=False),
    "app-save": Verb(needs=("autore_cod",), draws=("id_pub",)),
    "app-import": Verb(needs=("app.id",)),
    "erp-create-order": Verb(needs=("area.tor_chia", "autore_cod")),
    "erp-acquire": Verb(draws=("id_sincro",)),
    "erp-confirm": Verb(needs=("area.tor_cnf_num",), calls_hub=False),
    "erp-modify": Verb(calls_hub=False),
    "erp-re-export": Verb(draws=("id_sincro",)),
    "erp-insert": Verb(needs=("area.tor_chia",), calls_hub=False),
    "erp-export": Verb(needs=("autore_cod",), draws=("id_pub", "id_sincro")),
}


class InputError(ValueError):
    """A file that cannot be used: which one, where in it, and what was expected there."""

    def __init__(self, file: Path, message: str, line: int | None = None, column: str | None = None) -> None:
        place = f"{file}{f', line {line}' if line else ''}{f', column {column}' if column else ''}"
        super().__init__(f"{place}: {message}")


@dataclass(frozen=True)
class Operation:
    """One row of a scenario. `documented`: its cells as the table has them; `expected`: with the errata applied."""

    line: int
    section: str
    row: str
    history: int
    verb: str
    number: int | None  # of the device or store that acts
    description: str
    documented: Mapping[str, str]
    expected: Mapping[str, str]


@dataclass(frozen=True)
class Scenario:
    """The operations in the table's order, the reason of each erratum, and the company of each section."""

    file: Path
    operations: list[Operation]
    reasons: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    def company(self, section: str) -> str:
        """The section's company: the code that most of its rows name. Its other rows will not match."""
        codes = Counter(o.expected["azi"] for o in self.operations if o.section == section and o.expected["azi"])
        return codes.most_common(1)[0][0] if codes else ""


def read_scenario(file: Path, errata_file: Path | None = None) -> Scenario:
    """Read and check a scenario. Raises InputError."""
    rows = _read_csv(file, HEADER)
    corrections, reasons = _read_errata(errata_file, rows) if errata_file else ({}, {})
    operations: list[Operation] = []
    places: dict[int, int] = {}
    names: dict[tuple[str, str], int] = {}
    for line, row in rows:
        operation = _operation(file, line, row, corrections)
        name = (operation.section, operation.row)
        if name in names:
            message = f"expected a row of its own in its section; {name[1]!r} is that of line {names[name]}"
            raise InputError(file, message, line, "row")
        if operation.history in places:
            message = f"expected a place of its own; {operation.history} is that of line {places[operation.history]}"
            raise InputError(file, message, line, "history")
        names[name] = places[operation.history] = line
        operations.append(operation)
    scenario = Scenario(file, operations, reasons)
    for operation in operations:
        if VERBS[operation.verb].calls_hub and not scenario.company(operation.section):
            message = (
                f"expected a company code: {operation.verb} calls the hub for one, and no row of the section has it"
            )
            raise InputError(file, message, operation.line, "azi")
    return scenario


def read_translations(file: Path, languages: Iterable[str]) -> Translations:
    """What a scenario's descriptions and reasons are in other languages: FILE.it.csv beside FILE.csv, if there is one.

    Raises InputError.
    """
    translations: dict[str, dict[str, str]] = {}
    for language in languages:
        beside = file.with_suffix(f".{language}{file.suffix}")
        if beside.exists():
            translations[language] = {
                row["text"]: row["translation"]
                for _, row in _read_csv(beside, TRANSLATION_HEADER)
                if row["translation"]
            }
    return translations


def _operation(
    file: Path, line: int, row: Mapping[str, str], corrections: Mapping[tuple[str, str, str], str]
) -> Operation:
    for column in ("section", "row"):
        if not row[column]:
            raise InputError(file, "expected a name, found nothing", line, column)
    history = _number(file, line, "history", row["history"])
    if history is None:
        raise InputError(
            file, "expected the operation's place in the history, a number; found nothing", line, "history"
        )
    for column in COLUMNS:
        _check_cell(file, line, column, row[column])
    verb, number = _verb(file, line, row["verb"])
    documented = {column: row[column] for column in COLUMNS}
    expected = {c: corrections.get((row["section"], row["row"], c), documented[c]) for c in COLUMNS}
    for column in VERBS[verb].needs:
        if not expected[column]:
            raise InputError(file, f"expected a value: {verb} takes it from here; found nothing", line, column)
    return Operation(line, row["section"], row["row"], history, verb, number, row["description"], documented, expected)


def _expected_one_of(words: Iterable[str], found: str, meant: str | None = None) -> str:
    hint = did_you_mean(found if meant is None else meant, words)
    return f"expected one of {', '.join(words)}; found {found!r}" + (hint and f". {hint}")


def _verb(file: Path, line: int, text: str) -> tuple[str, int | None]:
    name, _, number_text = text.partition(" ")
    if name not in VERBS:
        raise InputError(file, _expected_one_of(VERBS, text, name), line, "verb")
    number = _number(file, line, "verb", number_text.strip(), LARGEST_INTEGER)
    if number == 0 or (name.startswith("app-") and number is None):
        raise InputError(
            file, f"expected the device's number (from 1) as in 'app-save 50'; found {text!r}", line, "verb"
        )
    if name.startswith("erp-") and number is not None:
        raise InputError(file, f"expected no number after {name}; found {text!r}", line, "verb")
    return name, number


def _check_cell(file: Path, line: int, column: str, text: str, place: str | None = None) -> None:
    """Check what stands for a column of the table, in `place` if that is another column."""
    if column in FLAGS and text not in ("", "0", "1"):
        raise InputError(file, f"expected 0, 1 or nothing; found {text!r}", line, place or column)
    if column in NUMBERS:
        _number(file, line, place or column, text, LARGEST_INTEGER if column == "prov_id" else LARGEST_BIGINT)


def _number(file: Path, line: int, column: str, text: str, largest: int = LARGEST_BIGINT) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) > largest:
        raise InputError(
            file, f"expected a whole number from 0 to {largest}, digits only; found {text!r}", line, column
        )
    return int(text)


def _read_errata(
    file: Path, rows: list[tuple[int, dict[str, str]]]
) -> tuple[dict[tuple[str, str, str], str], dict[tuple[str, str, str], str]]:
    """What is expected instead, and why, by section, row and column."""
    table = {(row["section"], row["row"]): row for _, row in rows}
    corrections: dict[tuple[str, str, str], str] = {}
    reasons: dict[tuple[str, str, str], str] = {}
    for line, erratum in _read_csv(file, ERRATA_HEADER):
        section, row, column = erratum["section"], erratum["row"], erratum["column"]
        if (section, row) not in table:
            raise InputError(
                file, f"expected a row of the scenario; it has no section {section!r} row {row!r}", line, "row"
            )
        if column not in COLUMNS:
            raise InputError(file, _expected_one_of(COLUMNS, column), line, "column")
        if (section, row, column) in reasons:
            raise InputError(file, "expected each cell once; this one is above already", line, "column")
        documented = table[section, row][column]
        if erratum["documented"] != documented:
            message = f"expected what the scenario says there, {documented!r}; found {erratum['documented']!r}"
            raise InputError(file, message, line, "documented")
        if erratum["expected"] == documented:
            raise InputError(
                file, f"expected a value that deviates from the documented {documented!r}", line, "expected"
            )
        _check_cell(file, line, column, erratum["expected"], "expected")
        if not erratum["reason"]:
            raise InputError(file, "expected the reason; found nothing", line, "reason")
        corrections[section, row, column] = erratum["expected"]
        reasons[section, row, column] = erratum["reason"]
    return corrections, reasons


def _read_csv(file: Path, header: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The rows with their line numbers; commas, or the semicolons and tabs that spreadsheets write."""
    text = _read_text(file)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise InputError(file, f"expected a header with the columns {', '.join(header)}; the file is empty")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[str] = []
    rows: list[tuple[int, dict[str, str]]] = []
    begin = 1
    try:
        for raw in reader:
            line, begin = begin, reader.line_num + 1
            cells = [cell.strip() for cell in raw]
            if not any(cells):
                continue
            if not found:
                found = cells
                _check_header(file, line, found, header)
                continue
            if any(cells[len(found) :]) or len(cells) < len(found):
                raise InputError(file, f"expected {len(found)} cells, as in the header; found {len(cells)}", line)
            rows.append((line, dict(zip(found, cells, strict=False))))
    except csv.Error as error:
        raise InputError(file, f"expected CSV: {error}", begin) from None
    if not rows and header is HEADER:
        raise InputError(file, "expected operations below the header; there are none")
    return rows


def _read_text(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(file, f"cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(file, f"expected UTF-8; byte 0x{data[error.start]:02x} is not", line) from None
    if "\0" in text:
        raise InputError(file, "expected UTF-8 text; found a zero byte", text.count("\n", 0, text.index("\0")) + 1)
    return text


def _check_header(file: Path, line: int, found: list[str], header: tuple[str, ...]) -> None:
    for column in header:
        if column not in found:
            raise InputError(
                file, f"expected a column {column!r} in the header; it has {', '.join(found)}", line, column
            )
    for column in found:
        if column not in header:
            raise InputError(file, f"expected only the columns {', '.join(header)}; found {column!r}", line, column)
        if found.count(column) > 1:
            raise InputError(file, f"expected each column once; {column!r} is there twice", line, column)
