"""A replay's result as a page: one file that needs no network, with a slider through the history."""

import base64
import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from psycopg.types.json import Jsonb

from ortes_db import __version__
from ortes_db.replay import report
from ortes_db.replay.faults import FAULTS, Matrix, Square
from ortes_db.replay.run import Cell, Holdings, Result, Step, as_text
from ortes_db.replay.scenario import FLAGS, Operation, Translations
from ortes_db.replay.systems import Call

LANGUAGES = ("en", "it")
PARTIES = ("store", "app", "hub", "erp")
DOORS = {"ortes_store": "store", "ortes_app": "app", "ortes_erp": "erp"}
MOST_VALUES = 10  # of one answer
_FILES = Path(__file__).parent / "pages"

# What is shown of an order that a party holds; a company's code and a number only where there are several.
HELD = {
    "store": ("azi", "number", "id", "id_pub"),
    "app": ("azi", "number", "id", "id_pub"),
    "hub": ("azi", "id_pub", "prov", "tor_chia", "conferma", "ack", "id_sincro"),
    "erp": ("azi", "tor_chia", "tor_cnf_num", "tor_id_web"),
    "counters": ("azi", "ID-PUB", "ID-SINCRO"),
}


@dataclass(frozen=True)
class Shown:
    """A cell of the page's table. `new`: the operation changed it."""

    cell: Cell
    text: str
    new: bool
    reason: str


@dataclass(frozen=True)
class Row:
    """A row of the page's table. `step`: its place in the history, from 1."""

    operation: Operation
    step: int
    cells: list[Shown]
    problems: list[str]

    def having(self, verdict: str) -> list[Shown]:
        """The cells with this verdict."""
        return [shown for shown in self.cells if shown.cell.verdict == verdict]

    def by_reason(self, verdict: str) -> dict[str, list[Shown]]:
        """The cells with this verdict, those with the same reason together."""
        found: dict[str, list[Shown]] = {}
        for shown in self.having(verdict):
            found.setdefault(shown.reason, []).append(shown)
        return found


@dataclass
class Grid:
    """The crash matrix for the page: its rows, and what was lost."""

    matrix: Matrix
    rows: list[tuple[Operation, list[Square]]] = field(default_factory=list)


def as_page(outcome: Result | Matrix, translations: Translations) -> str:
    """The page; of a matrix, with its grid. `translations`: of what the scenario says itself."""
    result = outcome.undisturbed if isinstance(outcome, Matrix) else outcome
    texts = _texts()
    script, style = ((_FILES / name).read_text(encoding="utf-8") for name in ("replay.js", "replay.css"))
    rows = _rows(result)
    environment = Environment(
        loader=PackageLoader("ortes_db.replay", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["column"] = column_name
    return environment.get_template("replay.html").render(
        data=_data(result, rows, texts, translations),
        faults=FAULTS,
        grid=_grid(outcome) if isinstance(outcome, Matrix) else None,
        groups=report.GROUPS,
        made=datetime.now(UTC),
        parties=PARTIES,
        result=result,
        rows=rows,
        script=script,
        script_hash=_hash(script),
        sections=[(name, list(group)) for name, group in groupby(rows, key=lambda row: row.operation.section)],
        style=style,
        style_hash=_hash(style),
        texts=texts,
        version=__version__,
    )


def column_name(column: str) -> str:
    """A column as the document calls it, without A-ORTES- or its group."""
    return column.rpartition(".")[2].upper().replace("_", "-")


def _texts() -> dict[str, dict[str, str]]:
    """Every text of the page by its key and language."""
    read = tomllib.loads((_FILES / "texts.toml").read_text(encoding="utf-8"))
    faults = {f"fault_{name}": {"en": FAULTS[name], "it": text} for name, text in read["fault"].items()}
    return {**read["text"], **faults}


def _hash(text: str) -> str:
    """As a Content-Security-Policy names an inline script or style that it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _rows(result: Result) -> list[Row]:
    steps = {(step.operation.section, step.operation.row): n for n, step in enumerate(result.steps, 1)}
    cells = {(o.section, o.row): (o, found) for o, found in report.operation_rows(result)}
    before: dict[tuple[str, str], str] = {}
    rows: dict[tuple[str, str], Row] = {}
    for place in steps:
        operation, found = cells[place]
        shown = [
            Shown(c, report.printable(c.actual), c.actual != before.get((c.section, c.column), ""), _why(result, c))
            for c in found
        ]
        before |= {(cell.section, cell.column): cell.actual for cell in found}
        problems = [problem.text for problem in result.problems if (problem.section, problem.row) == place]
        rows[place] = Row(operation, steps[place], shown, problems)
    return [rows[place] for place in cells]


def _why(result: Result, cell: Cell) -> str:
    return "" if cell.verdict == "match" else report.reason_of(result, cell)


def _grid(matrix: Matrix) -> Grid:
    squares = groupby(matrix.squares, key=lambda square: (square.section, square.row))
    return Grid(matrix, [(o, list(found)) for o, (_, found) in zip(matrix.scenario.operations, squares, strict=True)])


def _data(result: Result, rows: list[Row], texts: Mapping[str, Any], translations: Translations) -> dict[str, Any]:
    """What the page's script reads."""
    by_step = {row.step: row for row in rows}
    companies = {result.scenario.company(operation.section) for operation in result.scenario.operations}
    several = len(companies - {""}) > 1
    numbered = {o.verb.partition("-")[0] for o in result.scenario.operations if o.number is not None}
    held: Holdings = {party: {} for party in HELD}
    steps = []
    for number, step in enumerate(result.steps, 1):
        now = {party: {key: _held(party, cells) for key, cells in step.holdings[party].items()} for party in HELD}
        steps.append(_step(step, by_step[number], several) | {"held": _differences(held, now)})
        held = now
    columns = {
        party: [
            name
            for name in names
            if (name != "azi" or several) and (name != "number" or party in numbered or party == "counters")
        ]
        for party, names in HELD.items()
    }
    return {
        "columns": {party: [[name, column_name(name)] for name in names] for party, names in columns.items()},
        "languages": LANGUAGES,
        "steps": steps,
        "texts": texts,
        "translations": translations,
    }


def _step(step: Step, row: Row, several: bool) -> dict[str, Any]:
    groups = {column: name for name, columns in report.GROUPS[1:] for column in columns}
    return {
        "section": step.operation.section,
        "row": step.operation.row,
        "description": step.operation.description,
        "verdicts": sorted({shown.cell.verdict for shown in row.cells} | ({"problem"} if row.problems else set())),
        "cells": [
            [f"{groups.get(s.cell.column, '')} {column_name(s.cell.column)}".strip(), s.text]
            for s in row.cells
            if s.new
        ],
        "traffic": [[t.counter, t.first, t.last] for t in step.traffic],
        "calls": [_call(call, several) for call in step.calls],
    }


def _call(call: Call, several: bool) -> dict[str, Any]:
    who = set(call.who) - ({"p_azi"} if several else set())
    arguments = {name: value for name, value in call.arguments.items() if name not in who and value is not None}
    return {
        "party": DOORS[call.schema],
        "number": call.who.get("p_device", call.who.get("p_store")),
        "door": call.door,
        "arguments": [[name.removeprefix("p_"), _value(value)] for name, value in arguments.items()],
        "answer": _answer(call.rows),
        "error": call.error,
    }


def _answer(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """By column, the values of all rows; of whole orders, the numbers by which each is known."""
    if not rows:
        return []
    if len(rows[0]) == 1:  # named like the door
        names = dict.fromkeys(rows[0], "")
    else:
        names = {name: column_name(name) for name in ("id_pub", "id_sincro") if name in rows[0]}
    more = ["…"] if len(rows) > MOST_VALUES else []
    return [
        [shown, ", ".join([as_text(row[name]) for row in rows[:MOST_VALUES]] + more)] for name, shown in names.items()
    ]


def _value(value: Any) -> str:
    return json.dumps(value.obj, ensure_ascii=False) if isinstance(value, Jsonb) else as_text(value)


def _held(party: str, cells: Mapping[str, str]) -> dict[str, str]:
    if party != "hub":
        return dict(cells)
    acks = "".join(name.removeprefix("ack_")[0].upper() for name in FLAGS if cells[name] == "1")
    return {**cells, "prov": f"{cells['prov_tipo']} {cells['prov_id']}".strip(), "ack": acks}


def _differences(before: Holdings, now: Holdings) -> list[list[Any]]:
    """What a step made of the holdings: party, key, the cells that are shown (None: gone), and which of them changed."""
    found: list[list[Any]] = []
    for party, names in HELD.items():
        for key in before[party].keys() | now[party].keys():
            old, new = before[party].get(key, {}), now[party].get(key)
            shown = None if new is None else {name: report.printable(new.get(name, "")) for name in names}
            changed = [name for name in names if new is not None and new.get(name, "") != old.get(name, "")]
            if shown is None or changed:
                found.append([party, key, shown, changed])
    return found
