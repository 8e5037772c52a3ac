"""The change feed, followed: woken by notifications where they come, by the clock where they don't.

Calls doors and nothing else; what a position is, and whether it is good, the hub says.
"""

import random
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from ortes_db.hub import connection_parameters, one_line

Connection = psycopg.Connection[Any]

# Orders a call; a page that is full has another one behind it.
PAGE = 1000
# Seconds between two looks where notifications come: they are a promise of PostgreSQL's, not of every network's.
SELDOM = 30.0
# Seconds to the second look at a standby that lags.
_FIRST_LOOK = 0.01
# Seconds to the first try after a loss, and at most between two.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
# A server that vanishes without a word is noticed within a minute, not after two hours.
_PATIENCE = {"connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3}


@dataclass(frozen=True)
class Reader:
    """Who follows: a store (its number, where a company has several) or a device of the app."""

    door: Literal["store", "app"]
    azi: str
    number: int | None = None


@dataclass
class _State:
    """What outlives a connection: up to where was handed out, and what the hub has not been told yet."""

    position: int | None
    unconfirmed: int | None = None


def follow(
    reader: Reader,
    dsn: str,
    read_dsn: str | None = None,
    *,
    since: int | None = None,
    confirm: bool = False,
    poll: float = 1.0,
    say: Callable[[str], None] = lambda _: None,
) -> Generator[list[str], None, None]:
    """The changes of a company, page by page, for good; each line an order as JSON. An empty page: nothing new for now.

    Whoever takes the next page has dealt with the one before: with `confirm`, that is when the hub is told. The position
    is `since`, counted on here; without it the hub's kept one, asked for again before each look with `confirm`, and once
    without. `read_dsn`: a standby to read from, which may lag. `poll`: seconds between two looks where nothing wakes.

    Lost connections are made again, for good; `say` is told once for each loss. What cannot be repaired by waiting (the
    hub's errors, missing rights, a server that can't be reached at the very beginning) is raised.
    """
    state = _State(since)
    kept = confirm and since is None
    pause = 0.0
    begun = False
    while True:
        try:
            with ExitStack() as stack:
                hub = stack.enter_context(_connect(dsn, writes=confirm))
                feed = stack.enter_context(_connect(read_dsn)) if read_dsn else hub
                session = _Session(reader, hub, feed, poll, say)
                for page in session.pages(state, confirm, kept):
                    begun, pause = True, 0.0
                    yield page
        except psycopg.OperationalError as error:
            if not begun:
                raise
            if not pause:
                say(f"{one_line(error).rstrip('.')}; trying again until it works")
            pause = min(_LONGEST_PAUSE, 2 * pause or _FIRST_PAUSE)
            # Not all followers of a server at once.
            time.sleep(pause * random.uniform(0.5, 1.0))


@dataclass
class _Session:
    """One pair of connections, as long as both live. `feed` is read from; all else goes to `hub`."""

    reader: Reader
    hub: Connection
    feed: Connection
    poll: float
    say: Callable[[str], None]
    # Whether a notification has come since the last change that came without one.
    heard: bool = False
    # What the standby must have replayed to know what woke us.
    awaited: str | None = None
    lagging: bool = False

    def pages(self, state: _State, confirm: bool, kept: bool) -> Generator[list[str], None, None]:
        # Before the first look: what is committed after it wakes us.
        listen(self.hub)
        if state.unconfirmed is not None:
            self.confirm(state.unconfirmed)
            state.unconfirmed = None
        woken, soon = False, _FIRST_LOOK
        while True:
            if kept or state.position is None:
                state.position = self.kept_position()
            arrived, found = self.has_arrived(), False
            while page := self.read(state.position):
                found = True
                yield [line for _, line in page]
                state.position = page[-1][0]
                if confirm:
                    state.unconfirmed = state.position
                    self.confirm(state.unconfirmed)
                    state.unconfirmed = None
                if len(page) < PAGE:
                    break
            yield []
            if arrived and not self.lagging:
                self.heard = woken or (self.heard and not found)
                self.awaited, woken = None, False
                pause, soon = max(self.poll, SELDOM) if self.heard else self.poll, _FIRST_LOOK
            else:
                # The standby lacks what is known to be there: soon again, then less and less soon.
                pause, soon = min(self.poll, soon), _FIRST_LOOK if found else 2 * soon
            if wait(self.hub, self.reader.azi, pause):
                woken = True
                self.awaited = self.last_written() if self.feed is not self.hub else None

    def read(self, since: int) -> list[tuple[int, str]]:
        """The next page: (ID-SINCRO, the order as JSON). Empty as well when the replica has not come that far."""
        try:
            page = self.changes(self.feed, since, PAGE)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            self.raise_unless_lagging(error, since)
            if not self.lagging:
                self.say(f"the replica lags behind, asking it again until it has come that far: {explained(error)}")
            self.lagging = True
            return []
        self.lagging = False
        return page

    def raise_unless_lagging(self, error: psycopg.Error, since: int) -> None:
        """A standby may refuse what the primary would not: a position, a company, a grant that it has not heard of yet."""
        if not (error.sqlstate or "").startswith("OR") or not _is_standby(self.feed):
            raise error
        if self.feed is not self.hub:
            self.changes(self.hub, since, 1)
        elif error.sqlstate != "OR008":
            raise error

    def changes(self, connection: Connection, since: int, limit: int) -> list[tuple[int, str]]:
        query = """SELECT c.id_sincro, to_json(c)::text FROM {}.changes(p_azi => %(azi)s, p_since => %(since)s,
            p_limit => %(limit)s, {} => %(number)s) AS c"""
        return self.ask(connection, query, since=since, limit=limit)

    def kept_position(self) -> int:
        position: int = self.ask(self.hub, "SELECT {}.position(p_azi => %(azi)s, {} => %(number)s)")[0][0]
        return position

    def confirm(self, id_sincro: int) -> None:
        query = "SELECT {}.confirm(p_azi => %(azi)s, p_id_sincro => %(id_sincro)s, {} => %(number)s)"
        self.ask(self.hub, query, id_sincro=id_sincro)

    def last_written(self) -> str:
        """Up to where the primary has written its log: what woke us is in it."""
        lsn: str = self.ask(self.hub, "SELECT pg_current_wal_insert_lsn()::text")[0][0]
        return lsn

    def has_arrived(self) -> bool:
        """Whether the standby has replayed what woke us; true where nothing is awaited, or it is no standby."""
        if self.awaited is None:
            return True
        query = "SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= %(lsn)s::pg_lsn"
        return bool(self.ask(self.feed, query, lsn=self.awaited)[0][0])

    def ask(self, connection: Connection, query: str, **given: Any) -> list[Any]:
        """A call. The doors of store and app differ in their schema and in what the reader's number is called."""
        number = "p_store" if self.reader.door == "store" else "p_device"
        text = query.format(f"ortes_{self.reader.door}", number)
        parameters = {"azi": self.reader.azi, "number": self.reader.number, **given}
        return connection.execute(text.encode(), parameters).fetchall()


def listen(connection: Connection) -> None:
    """Ask to be woken where that can work: not on a standby, and not through a pooler, which lends its sessions."""
    row = connection.execute("SELECT pg_backend_pid(), pg_is_in_recovery()").fetchone()
    if row == (connection.info.backend_pid, False):
        connection.execute("LISTEN ortes")


def wait(connection: Connection, azi: str, seconds: float) -> bool:
    """Wait for a notification of the company, at most so long; whether one came. A lost connection is an error."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        # All that have come, not only the first: one look answers them all.
        if azi in [one.payload for one in connection.notifies(timeout=left, stop_after=1)]:
            return True
    return False


def explained(error: psycopg.Error) -> str:
    """An error of the hub in one line, with what it says of the case."""
    return ": ".join(filter(None, (one_line(error), error.diag.message_detail)))


def _connect(dsn: str, *, writes: bool = False) -> Connection:
    parameters = _PATIENCE | connection_parameters(dsn)
    if writes:
        # Of several hosts the one that is the primary now.
        parameters = {"target_session_attrs": "primary"} | parameters
    # Prepared statements belong to a session, and a pooler lends another one for each transaction.
    return psycopg.connect(**parameters, autocommit=True, prepare_threshold=None)


def _is_standby(connection: Connection) -> bool:
    return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
