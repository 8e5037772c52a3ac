"""What every client does, and the writers' bad manners. Each client keeps all that it was told."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg

from ortes_db.soak.record import Pairs, Told

Connection = psycopg.Connection[Any]

# For a client with nothing to do, and between two looks of a reader.
PAUSE = 0.01


@dataclass(frozen=True)
class Request:
    """A call that can be made again. Its answer is pairs of numbers, one for each of the `subjects`, in their order."""

    door: str
    query: str
    values: tuple[Any, ...]
    subjects: tuple[Any, ...] = ()
    # By hand, nothing recognises a repeat.
    repeatable: bool = True
    # Of a save, who made the order; changes by the ERP answer with ID-SINCRO instead of ID-PUB.
    origin: tuple[str, int | None] | None = None
    changes: bool = False
    expected: Pairs | None = None


class Failed(Exception):
    """A call failed; it is in the record."""


@dataclass
class Client:
    """A login at work for one company."""

    who: str
    azi: str
    connect: Callable[[], Connection]
    stop: threading.Event
    # The errors after which a call is made again until it is answered.
    repeats: tuple[str, ...] = ()
    told: list[Told] = field(default_factory=list)
    failed: int = 0
    repeated: int = 0

    def run(self) -> None:
        """Work until told to stop."""
        connection = self.connect()
        while self.goes_on():
            if connection.closed:
                connection = self.connect()
            with suppress(Failed):
                self.step(connection)
        connection.close()

    def goes_on(self) -> bool:
        """Whether there is another step."""
        return not self.stop.is_set()

    def step(self, connection: Connection) -> None:
        """One thing to do."""
        raise NotImplementedError

    def ask(self, connection: Connection, request: Request) -> Pairs:
        """One call in a transaction of its own."""
        return self.note(self.answered(connection, request))

    def answered(self, connection: Connection, request: Request) -> Told:
        """One call as it comes back, made again where there was no answer."""
        told = self.call(connection, request)
        while told.error in self.repeats:
            self.repeated += 1
            time.sleep(PAUSE)  # as a client does that was refused
            if connection.closed:
                with suppress(psycopg.OperationalError), self.connect() as another:
                    told = self.call(another, request)
            else:
                told = self.call(connection, request)
        return told

    def note(self, told: Told) -> Pairs:
        """Put it on record."""
        self.told.append(told)
        if told.error:
            self.failed += 1
            raise Failed(told.error)
        return told.pairs

    def call(self, connection: Connection, request: Request) -> Told:
        """One call, as it comes back."""
        started = time.monotonic()
        error = text = ""
        pairs: Pairs = ()
        try:
            pairs = tuple(connection.execute(request.query, request.values).fetchall())
        except psycopg.Error as failure:
            error, text = failure.sqlstate or "connection", " ".join(str(failure).split())
        return Told(
            self.who,
            self.azi,
            request.door,
            started,
            time.monotonic() - started,
            pairs,
            error=error,
            text=text,
            expected=request.expected,
            origin=request.origin,
            changes=request.changes,
        )


@dataclass
class Writer(Client):
    """Calls in every way a client may: once, twice at a time, without hearing the answer, in long transactions."""

    seed: int = 0
    # How long a transaction may dawdle, in seconds; None: there are none.
    hold: float | None = 0.02
    unheard: int = 0
    transactions: int = 0
    random: Random = field(init=False)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def request(self, connection: Connection, busy: set[Any]) -> Request | None:
        """The next thing to ask for, not about a subject in `busy`; None: there is nothing to do."""
        raise NotImplementedError

    def keep(self, request: Request, pairs: Pairs) -> None:
        """Write down an answer, as a system does."""

    def step(self, connection: Connection) -> None:
        """One thing to do, in one of the ways."""
        request = self.request(connection, set())
        way = self.random.random()
        if request is None:
            self.stop.wait(PAUSE)
        elif way < 0.03 and self.hold is not None:
            self.in_a_transaction(connection, request)
        elif way < 0.05 and request.repeatable:
            self.without_the_answer(connection, request)
        elif way < 0.07 and request.repeatable:
            self.twice_at_a_time(connection, request)
        else:
            self.keep(request, self.ask(connection, request))

    def without_the_answer(self, connection: Connection, request: Request) -> None:
        """The connection is lost once the call was sent. Then the one rule: repeat it."""
        self.unheard += 1
        other = self.connect()
        query = psycopg.ClientCursor(other).mogrify(request.query, request.values)
        other.pgconn.send_query(query.encode())
        other.close()
        self.keep(request, self.ask(connection, request))

    def twice_at_a_time(self, connection: Connection, request: Request) -> None:
        """The call again while the first is under way, from a client without patience: both are told the same."""
        with self.connect() as other, ThreadPoolExecutor(1) as pool:
            second = pool.submit(self.answered, other, request)
            pairs = self.ask(connection, request)
            self.note(second.result()._replace(expected=pairs))
        self.keep(request, pairs)

    def in_a_transaction(self, connection: Connection, request: Request) -> None:
        """Some calls in one transaction that dawdles before it ends, however it ends."""
        self.transactions += 1
        end = self.random.choice(["COMMIT", "ROLLBACK", "savepoint"])
        requests, busy = [request], set(request.subjects)
        for _ in range(self.random.randint(0, 2)):
            if another := self.request(connection, busy):
                requests.append(another)
                busy.update(another.subjects)
        answers: list[Told] = []
        try:
            connection.execute("BEGIN")
            for one in requests:
                if end == "savepoint" and one is requests[-1]:
                    connection.execute("SAVEPOINT s")
                    answers.append(self.call(connection, one)._replace(kept=False))
                    connection.execute("ROLLBACK TO s")
                answers.append(self.call(connection, one)._replace(kept=end != "ROLLBACK"))
                if answers[-1].error:
                    break
            self.stop.wait(self.random.uniform(0, self.hold or 0))
            connection.execute("ROLLBACK" if end == "ROLLBACK" or answers[-1].error else "COMMIT")
        except psycopg.Error as failure:
            answers.append(
                answers[-1]._replace(door="COMMIT", error=failure.sqlstate or "connection", text=str(failure))
            )
        failed = any(told.error for told in answers)
        self.told += [told._replace(kept=told.kept and not failed) for told in answers]
        if failed:
            self.failed += 1
            return
        if end == "ROLLBACK":
            for one in requests:
                self.keep(one, self.ask(connection, one))
        else:
            for one, told in zip(requests, (told for told in answers if told.kept), strict=True):
                self.keep(one, told.pairs)
