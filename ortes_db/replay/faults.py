"""The crash matrix: each operation of a scenario interrupted in each way, and the systems go on by their one rule.

Every cell of the matrix is a replay of its own, with one call interrupted; afterwards every cell of the table must be as
documented. The rule, as the runbook has it: repeat the last call until it answers.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from rich.text import Text

from ortes_db.replay.place import Place
from ortes_db.replay.run import Result, Stage, act, play
from ortes_db.replay.scenario import Operation, Scenario
from ortes_db.server import Server

FAULTS = {
    "backend": "the backend is killed before commit",
    "connection": "the connection is lost after commit, before the answer",
    "server": "the server is stopped (immediate) and restarted, before commit and after",
    "before": "the system is killed between its own write and its call",
    "after": "the system is killed between its call and its own write",
}
NEEDS_SERVER = ("server",)


class Interrupted(Exception):
    """A system's call got no answer, or the system itself was killed. What it has not written down, it forgets."""


@dataclass
class Trap:
    """Interrupts the call of this number (0 is the first) among those of the operation under way."""

    fault: str
    number: int
    server: Server | None = None
    commits: bool = False  # of the fault "server": after the commit
    doors: list[str] = field(default_factory=list)  # called so far
    armed: bool = False
    sprung: bool = False

    def spring(self, connection: "Line", call: Callable[[], Any]) -> Any:
        """Make the call, or interrupt it."""
        if not self.armed or self.sprung or len(self.doors) <= self.number:
            return call()
        self.sprung = True
        if self.fault == "before":
            connection.close()
        elif self.fault in ("after", "connection") or self.commits:
            call()
            connection.close()
            if self.commits:
                self._crash_server()
        else:
            connection.pgconn.exec_(b"BEGIN")
            call()
            if self.fault == "server":
                self._crash_server()
            else:
                kill_backend(connection)
            # The hub must not have committed what it was never asked to.
            try:
                connection.execute("COMMIT")
            except psycopg.OperationalError:
                connection.close()
            else:
                raise AssertionError("the fault was none: the call committed")
        raise Interrupted(self.fault)

    def _crash_server(self) -> None:
        assert self.server is not None
        self.server.stop("immediate")
        self.server.start()


class Line(psycopg.Connection[Any]):
    """A system's connection, with a trap in it."""

    trap: Trap
    dsn: str


class _Cursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        connection = self.connection
        assert isinstance(connection, Line)
        if connection.trap.armed:
            connection.trap.doors.append(
                _door(query.as_string(connection) if isinstance(query, sql.Composable) else query)
            )
        return connection.trap.spring(connection, lambda: super(_Cursor, self).execute(query, params, **options))


def line(dsn: str, trap: Trap) -> Line:
    """Connect a system."""
    connection = Line.connect(dsn, autocommit=True)
    connection.cursor_factory = _Cursor
    connection.trap, connection.dsn = trap, dsn
    return connection


def kill_backend(connection: Line) -> None:
    """End the connection's backend, as a DBA would or the kernel; a login may do it to its own."""
    with psycopg.connect(connection.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", (connection.info.backend_pid,))


class Cast:
    """The logins of one replay, and their connections."""

    def __init__(self, trap: Trap, make_login: Callable[[str, int], tuple[str, str]]) -> None:
        self.trap, self._make_login = trap, make_login
        self._roles: list[str] = []
        self._lines: list[Line] = []

    def login(self, role: str) -> tuple[str, psycopg.Connection[Any]]:
        """The next login of this role; the connections of systems have the trap."""
        name, dsn = self._make_login(role, self._roles.count(role))
        self._roles.append(role)
        trap = Trap("", 0) if role == "ortes_ops" else self.trap
        self._lines.append(line(dsn, trap))
        return name, self._lines[-1]

    def connect_again(self, stage: Stage) -> None:
        """What a system does first when it goes on; after a crash of the server, all do."""
        for user in (stage, *stage.erps.values(), *stage.outlets.values()):
            name = "ops" if isinstance(user, Stage) else "connection"
            old = getattr(user, name)
            old.close()
            self._lines.append(line(old.dsn, old.trap))
            setattr(user, name, self._lines[-1])

    def close(self) -> None:
        """End all connections."""
        for connection in self._lines:
            connection.close()


@dataclass(frozen=True)
class Square:
    """One cell of the matrix: an operation and a fault; `survived` is None where there is no call to interrupt."""

    section: str
    row: str
    operation: str
    fault: str
    calls: int
    survived: bool | None
    lost: str = ""  # the first thing that was not as documented


@dataclass
class Matrix:
    """All squares, operation by operation in the table's order."""

    undisturbed: Result  # the replay without a fault
    faults: list[str]
    squares: list[Square] = field(default_factory=list)
    replays: int = 0

    @property
    def scenario(self) -> Scenario:
        """What was played."""
        return self.undisturbed.scenario

    @property
    def good(self) -> bool:
        """Every operation survived every fault."""
        return all(square.survived is not False for square in self.squares)

    @property
    def summary(self) -> dict[str, int]:
        """How many squares survived and did not, and how many replays that took."""
        verdicts = [square.survived for square in self.squares]
        return {"survived": verdicts.count(True), "lost": verdicts.count(False), "replays": self.replays}


class Troupe:
    """Plays the scenario again and again, each time on an empty hub, with the same logins."""

    def __init__(self, scenario: Scenario, place: Place, server: Server | None, repeats: bool) -> None:
        self.scenario, self.place, self.server, self.repeats = scenario, place, server, repeats
        self._logins: dict[tuple[str, int], tuple[str, str]] = {}
        self.replays = 0

    def undisturbed(self) -> tuple[Result, dict[tuple[str, str], list[str]]]:
        """A replay without a fault, and the doors that each operation called in it. Raises NotReady."""
        called: dict[tuple[str, str], list[str]] = {}
        trap = Trap("", 0, sprung=True)

        def note(stage: Stage, operation: Operation) -> None:
            trap.doors.clear()
            trap.armed = True
            act(stage, operation)
            called[operation.section, operation.row] = list(trap.doors)

        with self._cast(trap) as cast:
            result = play(self.scenario, cast, note)
        if not result.good:
            raise NotReady(result)
        return result, called

    def survives(self, target: Operation, trap: Trap) -> str:
        """Play with the target's call interrupted; what is not as it should be, or nothing."""

        def perform(stage: Stage, operation: Operation) -> None:
            trap.armed = operation is target
            try:
                act(stage, operation)
            except Interrupted:
                cast.connect_again(stage)
                # The one rule: repeat the last call until it answers.
                if self.repeats:
                    act(stage, operation)

        with self._cast(trap) as cast:
            result = play(self.scenario, cast, perform)
        assert trap.sprung, "the fault never happened"
        self.replays += 1
        problem = next((f"{p.section} {p.row}: {p.text}" for p in result.problems), "")
        wrong = (c for c in result.cells if c.verdict == "mismatch")
        return problem or next(
            (f"{c.section} {c.row}, {c.column}: expected {c.expected!r}, found {c.actual!r}" for c in wrong), ""
        )

    @contextmanager
    def _cast(self, trap: Trap) -> Iterator[Cast]:
        self.place.empty()
        cast = Cast(trap, self._login)
        try:
            yield cast
        finally:
            cast.close()

    def _login(self, role: str, number: int) -> tuple[str, str]:
        if (role, number) not in self._logins:
            self._logins[role, number] = self.place.make_login(role)
        return self._logins[role, number]


class NotReady(Exception):
    """The scenario does not even replay without a fault."""

    def __init__(self, result: Result) -> None:
        super().__init__("without any fault, the scenario does not replay as documented")
        self.result = result


def interrupt_all(
    scenario: Scenario,
    place: Place,
    server: Server | None,
    faults: Sequence[str] = tuple(FAULTS),
    progress: Callable[[int, int, str], None] = lambda *_: None,
    repeats: bool = True,
) -> Matrix:
    """Interrupt each call of each operation in each way. Without a `server` of our own, none is stopped.

    `repeats`: the systems follow their rule. Raises NotReady.
    """
    faults = [fault for fault in faults if server or fault not in NEEDS_SERVER]
    troupe = Troupe(scenario, place, server, repeats)
    try:
        undisturbed, doors = troupe.undisturbed()
        matrix = Matrix(undisturbed, faults)
        total = len(scenario.operations) * len(faults)
        for operation in scenario.operations:
            called = doors[operation.section, operation.row]
            for fault in faults:
                where = f"{operation.section} {operation.row}: {FAULTS[fault]}"
                progress(len(matrix.squares), total, f"{len(matrix.squares)} of {total}, {where}")
                lost = ""
                for number, door in enumerate(called):
                    for commits in (False, True) if fault == "server" else (False,):
                        found = troupe.survives(operation, Trap(fault, number, server, commits))
                        lost = lost or (f"{door} interrupted: {found}" if found else "")
                survived = not lost if called else None
                name = operation.description
                square = Square(operation.section, operation.row, name, fault, len(called), survived, lost)
                matrix.squares.append(square)
        progress(total, total, f"{total} of {total}")
    finally:
        if server:
            # It died with the server, and doesn't know: whoever cleans up connects anew.
            place.admin.close()
    matrix.replays = troupe.replays
    return matrix


def as_json(matrix: Matrix) -> str:
    """The squares and the summary."""
    squares = [asdict(square) for square in matrix.squares]
    faults = {fault: FAULTS[fault] for fault in matrix.faults}
    document = {"faults": faults, "squares": squares, "summary": matrix.summary}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def as_table(matrix: Matrix) -> Text:
    """The grid: operations down, faults across."""
    table = Text()
    width = max(len(operation.description) for operation in matrix.scenario.operations)
    label = max(len(f"{o.section} {o.row}") for o in matrix.scenario.operations)
    table.append(
        f"{'':{label + width + 4}}{'  '.join(f'{fault:10}' for fault in matrix.faults)}".rstrip() + "\n", "dim"
    )
    for operation in matrix.scenario.operations:
        table.append(f"{operation.section + ' ' + operation.row:{label}}  {operation.description:{width}}  ")
        squares = [s for s in matrix.squares if (s.section, s.row) == (operation.section, operation.row)]
        for square in squares:
            word, style = {True: ("survived", "green"), False: ("LOST", "bold red"), None: ("-", "dim")}[
                square.survived
            ]
            table.append(f"{word:10}  ", style)
        table.rstrip()
        table.append("\n")
    table.append("\n")
    for fault in matrix.faults:
        table.append(f"{fault:10}  {FAULTS[fault]}\n")
    table.append(f"{'-':10}  the operation calls nobody\n")
    for square in matrix.squares:
        if square.lost:
            table.append(f"\n! {square.section} {square.row}, {square.fault}: {square.lost}\n", "bold red")
    table.append(f"\n{summary_line(matrix)}\n", "bold green" if matrix.good else "bold red")
    return table


def summary_line(matrix: Matrix) -> str:
    """One line for people."""
    counts = matrix.summary
    return (
        f"{counts['survived']} of {counts['survived'] + counts['lost']} interruptions survived, "
        f"{counts['lost']} lost, in {counts['replays']} replays"
    )


def _door(query: str) -> str:
    found = re.search(r'FROM "?(\w+)"?\."?(\w+)"?\(', query)
    return f"{found[1]}.{found[2]}" if found else query
