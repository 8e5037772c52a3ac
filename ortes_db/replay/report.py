"""A replay's result: the table for people, JSON and JUnit for programs."""

import json
import re
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from itertools import groupby
from xml.etree import ElementTree

from rich.text import Text

from ortes_db.replay.run import Cell, Result
from ortes_db.replay.scenario import APP_COLUMNS, AREA_COLUMNS, HUB_COLUMNS, STORE_COLUMNS, Operation

# Column: what stands above it (and over its neighbours), and its short name.
HEADINGS = {
    "azi": ("", "AZI"), "id_pub": ("ID-", "PUB"), "tor_chia": ("", "TOR-CHIA"), "conferma": ("CON-", "FERM"),
    "id_int": ("ID-", "INT"), "ack_store": ("ACK-", "S"), "ack_gest": ("", "G"), "ack_app": ("", "A"),
    "prov_tipo": ("PROV", "T"), "prov_id": ("", "ID"), "autore_tipo": ("AUT-", "T"), "autore_cod": ("", "COD"),
    "id_sincro": ("ID-", "SINCRO"), "store.id": ("", "ID"), "store.id_pub": ("ID-", "PUB"), "app.id": ("", "ID"),
    "app.id_pub": ("ID-", "PUB"), "area.tor_chia": ("", "TOR-CHIA"), "area.tor_cnf_num": ("CNF-", "NUM"),
    "area.tor_id_web": ("ID-", "WEB"),
}  # fmt: skip
GROUPS = (("ARPORTES", HUB_COLUMNS), ("Store", STORE_COLUMNS), ("APP", APP_COLUMNS), ("AREA", AREA_COLUMNS))
MARKS = {"match": "", "erratum": "*", "mismatch": "!"}
STYLES = {"match": "", "erratum": "yellow", "mismatch": "bold red"}

Group = tuple[str, tuple[str, ...]]


def as_json(result: Result) -> str:
    """The cells and the summary."""
    document = {"cells": [asdict(cell) for cell in result.cells], "summary": result.summary}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_junit(result: Result) -> str:
    """A test case for each operation: a mismatch is its failure, errata are its output."""
    name = result.scenario.file.name
    suite = ElementTree.Element("testsuite", name=f"ortes replay {name}")
    failures = errors = 0
    for operation, cells in operation_rows(result):
        title = f"row {operation.row}: {operation.description}"
        case = ElementTree.SubElement(suite, "testcase", classname=f"{name}.{operation.section}", name=_xml(title))
        wrong = [_explain(cell) for cell in cells if cell.verdict == "mismatch"]
        problems = [p.text for p in result.problems if (p.section, p.row) == (operation.section, operation.row)]
        errata = [f"erratum {_explain(cell)}: {reason_of(result, cell)}" for cell in cells if cell.verdict == "erratum"]
        for tag, texts, message in (
            ("failure", wrong, f"{len(wrong)} of {len(cells)} cells do not match"),
            ("error", problems, "the operation went wrong"),
        ):
            if texts:
                ElementTree.SubElement(case, tag, message=message).text = _xml("\n".join(texts))
        if errata:
            ElementTree.SubElement(case, "system-out").text = _xml("\n".join(errata))
        failures += bool(wrong)
        errors += bool(problems)
    suite.attrib |= {
        "tests": str(len(result.scenario.operations)), "failures": str(failures), "errors": str(errors), "skipped": "0",
    }  # fmt: skip
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def as_table(result: Result, width: int) -> Text:
    """The document's own table. Narrow terminals get the hub's cells and the systems' cells on lines of their own."""
    widths = {
        column: max(len(HEADINGS[column][1]), *(len(_shown(cell)) for cell in result.cells if cell.column == column))
        for column in HEADINGS
    }
    wide = _length(GROUPS, widths)
    describe = max(len(printable(operation.description)) for operation in result.scenario.operations)
    label = max(len(operation.row) for operation in result.scenario.operations) + 3
    lines: list[tuple[Group, ...]] = [GROUPS] if label + wide <= width else [GROUPS[:1], GROUPS[1:]]
    inline = len(lines) == 1 and label + describe + 2 + wide <= width
    indent = label + (describe + 2 if inline else 0)

    table = Text()
    for section, rows in groupby(operation_rows(result), key=lambda row: row[0].section):
        table.append(f"{section}\n", style="bold")
        for groups in lines:
            for heading in _headings(groups, widths):
                table.append(f"{' ' * indent}{heading}".rstrip() + "\n", style="dim")
        for operation, cells in rows:
            start = f"{operation.row:>{label - 2}}  "
            table.append(f"{start}{printable(operation.description):{indent - label}}" + ("" if inline else "\n"))
            for number, groups in enumerate(lines):
                table.append("" if inline and number == 0 else " " * indent)
                table.append(_line(cells, groups, widths))
                table.append("\n")
        table.append("\n")
    for part in _explanations(result, width):
        table.append(part)
    return table


def summary_line(result: Result) -> str:
    """One line for people."""
    counts, operations = result.summary, len(result.scenario.operations)
    line = (
        f"{len(result.cells)} cells of {operations} operation{'s' * (operations != 1)}: {counts['match']} match, "
        f"{counts['erratum']} {'erratum' if counts['erratum'] == 1 else 'errata'}, "
        f"{counts['mismatch']} mismatch{'es' * (counts['mismatch'] != 1)}"
    )
    return line + (f"; {len(result.problems)} went wrong" if result.problems else "")


def operation_rows(result: Result) -> Iterable[tuple[Operation, list[Cell]]]:
    """Each operation with its cells, in the table's order."""
    by_row = groupby(result.cells, key=lambda cell: (cell.section, cell.row))
    return [(o, list(cells)) for o, (_, cells) in zip(result.scenario.operations, by_row, strict=True)]


def _shown(cell: Cell) -> str:
    return printable(cell.actual) + MARKS[cell.verdict]


def printable(text: str) -> str:
    """One line, whatever is in it."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _length(groups: tuple[Group, ...], widths: dict[str, int]) -> int:
    return sum(widths[column] + 1 for _, columns in groups for column in columns) + 2 * len(groups) - 3


def _headings(groups: tuple[Group, ...], widths: dict[str, int]) -> list[str]:
    titles = " | ".join(f"{name:{sum(widths[c] + 1 for c in columns) - 1}}" for name, columns in groups)
    above = " | ".join(_above(columns, widths) for _, columns in groups)
    names = " | ".join(" ".join(f"{HEADINGS[c][1]:{widths[c]}}" for c in columns) for _, columns in groups)
    return [titles, above, names]


def _above(columns: tuple[str, ...], widths: dict[str, int]) -> str:
    line, place = "", 0
    for column in columns:
        line = f"{line:{place}}{HEADINGS[column][0]}"
        place += widths[column] + 1
    return f"{line:{place - 1}}"


def _line(cells: list[Cell], groups: tuple[Group, ...], widths: dict[str, int]) -> Text:
    by_column = {cell.column: cell for cell in cells}
    line = Text()
    for number, (_, columns) in enumerate(groups):
        line.append(" | " if number else "", style="dim")
        for place, column in enumerate(columns):
            cell = by_column[column]
            line.append(" " if place else "")
            line.append(f"{_shown(cell):{widths[column]}}", style=STYLES[cell.verdict])
    line.rstrip()
    return line


def _explanations(result: Result, width: int) -> Iterable[Text]:
    yield Text("A cell without a mark matches the document. * is an erratum, ! a mismatch.\n")
    for verdict, title in (
        ("erratum", "* Errata: the table contradicts itself here; the hub does what the rules ask"),
        ("mismatch", "! Mismatches"),
    ):
        cells = [cell for cell in result.cells if cell.verdict == verdict]
        if cells:
            yield Text(f"\n{title}\n", style=STYLES[verdict])
        for reason, group in groupby(cells, key=lambda cell: reason_of(result, cell)):
            for cell in group:
                yield Text(_fill(f"{cell.section} {cell.row}, {_explain(cell)}", width, "  "))
            if reason:
                yield Text(_fill(reason, width, "      "))
    if result.problems:
        yield Text("\n! What went wrong in operations\n", style=STYLES["mismatch"])
    for problem in result.problems:
        yield Text(_fill(f"{problem.section} {problem.row}: {problem.text}", width, "  "))
    yield Text(f"\n{summary_line(result)}\n", style="bold green" if result.good else "bold red")


def _explain(cell: Cell) -> str:
    if cell.verdict == "erratum":
        return f"{cell.column}: documented {_quoted(cell.documented)}, expected and found {_quoted(cell.actual)}"
    expected = "" if cell.expected == cell.documented else f", expected {_quoted(cell.expected)}"
    return f"{cell.column}: documented {_quoted(cell.documented)}{expected}, found {_quoted(cell.actual)}"


def reason_of(result: Result, cell: Cell) -> str:
    """Why a cell deviates from the document, as far as the errata say; nothing otherwise."""
    reason = result.scenario.reasons.get((cell.section, cell.row, cell.column), "")
    if cell.verdict == "mismatch" and reason and cell.actual == cell.documented:
        return "This erratum no longer holds: the hub does what the document says. Take it out of the errata."
    return reason


def _quoted(text: str) -> str:
    return printable(text) or "(blank)"


def _fill(text: str, width: int, indent: str) -> str:
    return textwrap.fill(text, max(width, 40), initial_indent=indent, subsequent_indent=indent + "  ") + "\n"


def _xml(text: str) -> str:
    """Without the characters that XML has no way to write."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text)
