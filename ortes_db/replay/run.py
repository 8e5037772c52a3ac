"""Plays a scenario: each operation in its turn, and after each of them a look at the hub and at the systems."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import psycopg
from psycopg.rows import dict_row

from ortes_db.replay.scenario import (
    APP_COLUMNS,
    AREA_COLUMNS,
    COLUMNS,
    HUB_COLUMNS,
    STORE_COLUMNS,
    VERBS,
    InputError,
    Operation,
    Scenario,
)
from ortes_db.replay.systems import Call, Erp, Failed, Outlet

Verdict = Literal["match", "erratum", "mismatch"]
Key = tuple[str, int]  # of an order on the hub: azi, id_pub
HubOrders = dict[Key, dict[str, str]]
# By party (store, app, hub, erp, and counters, which are the hub's too): what it holds, cells as text, by a key.
Holdings = dict[str, dict[str, dict[str, str]]]


@dataclass(frozen=True)
class Cell:
    """One cell of the table, as documented, as expected after the errata, and as found."""

    section: str
    row: str
    column: str
    documented: str
    expected: str
    actual: str
    verdict: Verdict


@dataclass(frozen=True)
class Problem:
    """What went wrong in an operation besides its cells."""

    section: str
    row: str
    text: str


@dataclass(frozen=True)
class Traffic:
    """Numbers of a counter that other traffic of the company used before an operation: from `first` to `last`."""

    azi: str
    counter: str
    first: int
    last: int


@dataclass(frozen=True)
class Step:
    """An operation as it was played: what passed between systems and hub, and what each holds afterwards."""

    operation: Operation
    traffic: list[Traffic]
    calls: list[Call]
    holdings: Holdings


@dataclass
class Result:
    """The cells in the table's order, the steps in the history's."""

    scenario: Scenario
    cells: list[Cell] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def summary(self) -> dict[Verdict, int]:
        """How many cells have each verdict."""
        verdicts: tuple[Verdict, ...] = ("match", "erratum", "mismatch")
        return {verdict: sum(cell.verdict == verdict for cell in self.cells) for verdict in verdicts}

    @property
    def good(self) -> bool:
        """Every cell matches or is a known erratum, and every operation went through."""
        return not self.summary["mismatch"] and not self.problems


class Logins(Protocol):
    """Where a scenario is played, as the stage sees it."""

    def login(self, role: str) -> tuple[str, psycopg.Connection[Any]]:
        """A login with this one role, and its connection."""


class Stage:
    """The hub, seen through the ops login, and the simulated systems that the scenario has needed so far."""

    def __init__(self, scenario: Scenario, place: Logins) -> None:
        self.scenario = scenario
        self.place = place
        _, self.ops = place.login("ortes_ops")
        self.erps: dict[str, Erp] = {}
        self.outlets: dict[tuple[str, str, int | None], Outlet] = {}
        # By section: who acted in it last, the public id that the hub answered first, its order on the hub.
        self.acting: dict[tuple[str, str], Outlet] = {}
        self.public_ids: dict[str, int] = {}
        self.keys: dict[str, Key] = {}
        self.calls: list[Call] = []

    def create_companies(self) -> None:
        """Create each company of the scenario. Raises InputError for a code that the hub refuses."""
        for operation in self.scenario.operations:
            if azi := self.scenario.company(operation.section):
                try:
                    self.ops.execute("SELECT ortes_ops.create_company(%s)", (azi,))
                except psycopg.DatabaseError as error:
                    if error.sqlstate != "OR007":
                        raise
                    message = f"the hub refuses the company code {azi!r}: {error.diag.message_detail or error}"
                    raise InputError(self.scenario.file, message, operation.line, "azi") from None

    def erp(self, section: str) -> Erp:
        """The ERP of the section's company."""
        azi = self.scenario.company(section)
        if azi not in self.erps:
            self.erps[azi] = Erp(self._connect("ortes_erp", azi), "ortes_erp", {"p_azi": azi}, self.calls)
        return self.erps[azi]

    def outlet(self, operation: Operation) -> Outlet:
        """The store or device that an operation's verb names."""
        kind = operation.verb.partition("-")[0]
        azi = self.scenario.company(operation.section)
        key = (azi, kind, operation.number)
        if key not in self.outlets:
            who: dict[str, Any] = {"p_azi": azi}
            if kind == "app":
                who["p_device"] = operation.number
            elif operation.number is not None:
                who["p_store"] = operation.number
            schema = "ortes_app" if kind == "app" else "ortes_store"
            self.outlets[key] = Outlet(self._connect(schema, azi, who.get("p_device")), schema, who, self.calls)
        self.acting[operation.section, kind] = self.outlets[key]
        return self.outlets[key]

    def public_id(self, section: str) -> int:
        """The order's public id: what a customer would quote on the telephone."""
        if section not in self.public_ids:
            raise Failed("the order has no public id: no operation of the section has saved or exported it")
        return self.public_ids[section]

    def orders(self) -> HubOrders:
        """What the hub holds, cells as text."""
        with self.ops.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute("SELECT * FROM ortes_ops.orders ORDER BY azi, id_pub").fetchall()
        return {(row["azi"], row["id_pub"]): {c: as_text(row[c]) for c in HUB_COLUMNS} for row in rows}

    def own_cells(self, section: str) -> dict[str, str]:
        """What the systems hold of the section's order themselves."""
        values: dict[str, Any] = {}
        for kind, columns in (("store", STORE_COLUMNS), ("app", APP_COLUMNS)):
            outlet = self.acting.get((section, kind))
            if outlet and section in outlet.orders:
                order = outlet.orders[section]
                values |= dict(zip(columns, (order.id, order.id_pub), strict=True))
        area = next((erp.orders[section] for erp in self.erps.values() if section in erp.orders), None)
        if area:
            values |= dict(zip(AREA_COLUMNS, (area.tor_chia, area.tor_cnf_num, area.tor_id_web), strict=True))
        return {column: as_text(value) for column, value in values.items()}

    def holdings(self, orders: HubOrders) -> Holdings:
        """What each party holds. `orders`: the hub's."""
        held: Holdings = {"store": {}, "app": {}, "hub": {}, "erp": {}, "counters": {}}
        for (azi, kind, number), outlet in self.outlets.items():
            for section, order in outlet.orders.items():
                cells = {"azi": azi, "number": number, "id": order.id, "id_pub": order.id_pub}
                held[kind][f"{azi} {number} {section}"] = _texts(cells)
        for azi, erp in self.erps.items():
            for section, area in erp.orders.items():
                cells = {"tor_chia": area.tor_chia, "tor_cnf_num": area.tor_cnf_num, "tor_id_web": area.tor_id_web}
                held["erp"][f"{azi} {section}"] = _texts({"azi": azi} | cells)
        held["hub"] = {f"{azi} {id_pub}": cells for (azi, id_pub), cells in orders.items()}
        for azi, counter, value in self.ops.execute("SELECT azi, contatore, valore FROM ortes_ops.counters"):
            held["counters"].setdefault(azi, {"azi": azi})[counter] = as_text(value)
        return held

    def move_counters(self, operation: Operation) -> list[Traffic]:
        """Play the company's other traffic: it has used the numbers up to the one that the operation will draw."""
        azi = self.scenario.company(operation.section)
        traffic: list[Traffic] = []
        for column in VERBS[operation.verb].draws:
            used, counter = int(operation.expected[column] or 0) - 1, column.upper().replace("_", "-")
            query = "SELECT valore FROM ortes_ops.counters WHERE azi = %s AND contatore = %s AND valore < %s"
            if row := self.ops.execute(query, (azi, counter, used)).fetchone():
                self.ops.execute("SELECT ortes_ops.set_counter(%s, %s, %s)", (azi, counter, used))
                traffic.append(Traffic(azi, counter, row[0] + 1, used))
        return traffic

    def _connect(self, role: str, azi: str, device: int | None = None) -> psycopg.Connection[Any]:
        login, connection = self.place.login(role)
        if azi:  # else no operation of the section calls the hub
            self.ops.execute("SELECT ortes_ops.grant_access(%s, %s, %s)", (login, azi, device))
        return connection


Perform = Callable[[Stage, Operation], None]


def play(scenario: Scenario, place: Logins, perform: Perform | None = None) -> Result:
    """Play all operations in the order of their history, and compare every cell. `perform`: in place of `act`."""
    stage = Stage(scenario, place)
    stage.create_companies()
    result = Result(scenario)
    cells: dict[tuple[str, str], list[Cell]] = {}
    before = stage.orders()
    for operation in sorted(scenario.operations, key=lambda o: o.history):
        problems: list[str] = []
        traffic: list[Traffic] = []
        stage.calls.clear()
        try:
            traffic = stage.move_counters(operation)
            (perform or act)(stage, operation)
        except Failed as failure:
            problems.append(str(failure))
        after = stage.orders()
        problems += _side_effects(stage, operation.section, before, after)
        actual = after.get(stage.keys.get(operation.section, ("", 0)), {}) | stage.own_cells(operation.section)
        cells[operation.section, operation.row] = compare(operation, actual)
        result.problems += [Problem(operation.section, operation.row, text) for text in problems]
        result.steps.append(Step(operation, traffic, list(stage.calls), stage.holdings(after)))
        before = after
    result.cells = [cell for operation in scenario.operations for cell in cells[operation.section, operation.row]]
    return result


def act(stage: Stage, operation: Operation) -> None:
    """Let a system do what the verb says, with the cells that are its inputs."""
    section, cells = operation.section, operation.expected
    match operation.verb:
        case "store-create" | "app-create":
            kind = operation.verb.removesuffix("-create")
            stage.outlet(operation).create(section, int(cells[f"{kind}.id"]))
        case "store-save" | "app-save":
            id_pub = stage.outlet(operation).save(section, int(cells["autore_cod"]))
            stage.public_ids.setdefault(section, id_pub)
        case "store-import" | "app-import":
            kind = operation.verb.removesuffix("-import")
            stage.outlet(operation).import_order(section, int(cells[f"{kind}.id"]), stage.public_id(section))
        case "erp-create-order":
            stage.erp(section).create_order(
                section, cells["area.tor_chia"], stage.public_id(section), int(cells["autore_cod"])
            )
        case "erp-acquire":
            stage.erp(section).acquire(section)
        case "erp-confirm":
            stage.erp(section).confirm(section, cells["area.tor_cnf_num"])
        case "erp-modify":
            stage.erp(section).modify(section)
        case "erp-re-export":
            stage.erp(section).re_export(section)
        case "erp-insert":
            stage.erp(section).insert(section, cells["area.tor_chia"], cells["area.tor_cnf_num"] or None)
        case "erp-export":
            stage.public_ids.setdefault(section, stage.erp(section).export(section, int(cells["autore_cod"])))


def compare(operation: Operation, actual: Mapping[str, str]) -> list[Cell]:
    """A verdict on every cell of a row. An erratum holds only while the hub does what is expected instead."""
    cells: list[Cell] = []
    for column in COLUMNS:
        documented, expected, found = operation.documented[column], operation.expected[column], actual.get(column, "")
        verdict: Verdict = "mismatch" if found != expected else "match" if documented == expected else "erratum"
        cells.append(Cell(operation.section, operation.row, column, documented, expected, found, verdict))
    return cells


def _side_effects(stage: Stage, section: str, before: HubOrders, after: HubOrders) -> list[str]:
    """Find the section's order when it appears; name whatever else an operation did to the hub's orders."""
    problems: list[str] = []
    for key in after.keys() - before.keys():
        if stage.keys.setdefault(section, key) != key:
            problems.append(f"it made one more order, {key[1]} of {key[0]}")
    problems += [f"order {key[1]} of {key[0]} is gone" for key in before.keys() - after.keys()]
    for key in before.keys() & after.keys() - {stage.keys.get(section)}:
        changed = [c for c in HUB_COLUMNS if before[key][c] != after[key][c]]
        if changed:
            problems.append(f"it changed {', '.join(changed)} of another order, {key[1]} of {key[0]}")
    return sorted(problems)


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: as_text(value) for name, value in values.items()}


def as_text(value: Any) -> str:
    """A value as the table writes it."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)
