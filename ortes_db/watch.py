"""Looking at a live hub, again and again: what `ortes top` shows and `ortes metrics` counts. Reads, nothing else."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from ortes_db.hub import connection_parameters

_HUB = """
SELECT clock_timestamp() AS at, current_database() AS database, split_part(current_setting('server_version'), ' ', 1) AS postgresql,
    pg_is_in_recovery() AS standby, r.release,
    (SELECT count(*) FROM ortes_ops.counters AS c WHERE c.contatore = 'ID-PUB' AND c.azi LIKE ANY (%(azi)s)) AS companies_in_all
FROM ortes_ops.release AS r
"""
_COMPANIES = """
SELECT b.azi, b.pending, b.oldest_pending_seconds, b.id_pub, b.id_sincro
FROM ortes_ops.backlog AS b WHERE b.azi LIKE ANY (%(azi)s) ORDER BY b.azi LIMIT %(limit)s
"""
# Counted on the way: a count by itself would measure every lag once more.
_READERS = """
SELECT r.azi, r.prov_tipo, r.prov_id, r.position, r.confirmed_at, r.lag_rows, r.lag_seconds, count(*) OVER () AS in_all
FROM ortes_ops.readers AS r WHERE r.azi LIKE ANY (%(azi)s) ORDER BY r.azi, r.prov_tipo, r.prov_id LIMIT %(limit)s
"""
# Times of other logins' sessions are shown to members of pg_monitor only.
_HOLDERS = """
SELECT h.azi, h.pid, h.holds, h.login, h.application_name, h.state,
    extract(EPOCH FROM clock_timestamp() - CASE WHEN h.holds THEN h.xact_start ELSE h.waits_since END)::float8 AS seconds
FROM ortes_ops.holders AS h WHERE h.azi LIKE ANY (%(azi)s) ORDER BY h.azi, h.holds DESC, seconds DESC NULLS LAST, h.pid
"""


@dataclass
class Session:
    """One that holds a company or waits for it. `seconds`: how long; None: this login is not shown it."""

    azi: str
    pid: int
    holds: bool
    login: str | None
    application_name: str | None
    state: str | None
    seconds: float | None


@dataclass
class Reader:
    """A store (`prov_tipo` S) or a device (A), how far it has confirmed, and what is beyond that."""

    azi: str
    prov_tipo: str
    prov_id: int | None
    position: int
    confirmed_at: datetime
    lag_rows: int
    lag_seconds: float


@dataclass
class Company:
    """A company at one moment: ages and lags in seconds, counters as last given out."""

    azi: str
    pending: int
    oldest_pending_seconds: float
    id_pub: int
    id_sincro: int
    readers: list[Reader] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)

    @property
    def holder(self) -> Session | None:
        return next((session for session in self.sessions if session.holds), None)

    @property
    def waiting(self) -> list[Session]:
        return [session for session in self.sessions if not session.holds]

    @property
    def longest_wait(self) -> float:
        return max((session.seconds or 0.0 for session in self.waiting), default=0.0)

    @property
    def last_reader(self) -> Reader | None:
        """The reader that is furthest behind, in time."""
        return max(self.readers, key=lambda reader: (reader.lag_seconds, reader.lag_rows), default=None)


@dataclass
class Look:
    """A hub at one moment (`at`, the server's clock). `seconds`: how long the look took; `release`: of the hub."""

    at: datetime
    database: str
    postgresql: str
    standby: bool
    release: str
    companies_in_all: int
    readers_in_all: int = 0
    seconds: float = 0.0
    companies: list[Company] = field(default_factory=list)

    @property
    def companies_left_out(self) -> int:
        return self.companies_in_all - len(self.companies)

    @property
    def readers_left_out(self) -> int:
        return self.readers_in_all - sum(len(company.readers) for company in self.companies)


class Watch:
    """Looks over one connection, which is made anew when it was lost.

    `azi`: patterns with * and ? of the companies meant, all without; `limit`: at most so many of them and of their
    readers, the first by code; `patience`: seconds after which a server that does not answer counts as down.
    """

    def __init__(self, dsn: str, azi: Sequence[str] = (), limit: int | None = None, patience: float = 5) -> None:
        self._parameters = {"connect_timeout": max(1, round(patience)), **connection_parameters(dsn)}
        self._asked = {
            "azi": [_like(pattern) for pattern in azi] or ["%"],
            "limit": limit,
            "milliseconds": round(patience * 1000),
        }
        self._patience = patience
        self._connection: psycopg.Connection[Any] | None = None

    def look(self) -> Look:
        """The hub now. Raises psycopg.Error, in little more than `patience`."""
        started = time.monotonic()
        used = self._connection is not None
        try:
            return self._look(started)
        except psycopg.OperationalError:
            # A server that was restarted meanwhile shows it at the first word.
            if not used or self._connection is not None or time.monotonic() - started > 1:
                raise
            return self._look(started)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _look(self, started: float) -> Look:
        if self._connection is None:
            # Behind a pooler every transaction may have another session: nothing is prepared.
            self._connection = psycopg.connect(**self._parameters, autocommit=True, prepare_threshold=None)
        connection = self._connection
        left = max(1.0, self._patience - (time.monotonic() - started))
        try:
            with _cut_after(connection, left), connection.transaction():
                look = _read(connection, self._asked)
        except psycopg.Error:
            if connection.closed:
                self._connection = None
            raise
        look.seconds = time.monotonic() - started
        return look


def _read(connection: psycopg.Connection[Any], asked: dict[str, Any]) -> Look:
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    # By itself, should the line be cut while it works.
    connection.execute("SELECT set_config('statement_timeout', %s, true)", (str(asked["milliseconds"]),))
    with connection.cursor(row_factory=class_row(Look)) as cursor:
        look = cursor.execute(_HUB, asked).fetchone()
    assert look is not None
    with connection.cursor(row_factory=class_row(Company)) as cursor:
        look.companies = cursor.execute(_COMPANIES, asked).fetchall()
    shown = {company.azi: company for company in look.companies}
    with connection.cursor(row_factory=dict_row) as cursor:
        for row in cursor.execute(_READERS, asked):
            look.readers_in_all = row.pop("in_all")
            if row["azi"] in shown:
                shown[row["azi"]].readers.append(Reader(**row))
    with connection.cursor(row_factory=class_row(Session)) as cursor:
        for session in cursor.execute(_HOLDERS, asked):
            if session.azi in shown:
                shown[session.azi].sessions.append(session)
    return look


@contextmanager
def _cut_after(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """End the connection when no answer comes: the server's own timeout does not run where the server is stopped."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except psycopg.OperationalError:
        if late.is_set():
            raise psycopg.OperationalError(f"the server did not answer within {seconds:.0f} seconds") from None
        raise
    finally:
        timer.cancel()


def _like(pattern: str) -> str:
    """A pattern with * and ? as LIKE has it."""
    signs = {"*": "%", "?": "_", "%": r"\%", "_": r"\_", "\\": r"\\"}
    return re.sub(r"[*?%_\\]", lambda found: signs[found.group()], pattern)
