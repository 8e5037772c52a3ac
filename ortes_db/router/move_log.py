"""Which of a company's orders are written on the shards, read from their logs: whoever writes, and deletions too.

For the moment in which callers wait. What was written in the last second is read there in some hundredths of a second,
however many orders there are; asking each of them would take as long as they are many.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from ortes_db.router.move_copy import log_publication, mark, publish_log

Connection = psycopg.Connection[Any]

# A new slot waits for transactions under way on the whole server. Where they last longer, one does without.
PATIENCE = "2s"
# That, or: no wal_level = logical, no slot free.
IN_THE_WAY = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.ObjectNotInPrerequisiteState,
    psycopg.errors.ConfigurationLimitExceeded,
)


@dataclass
class Log:
    """A shard's log, in turns. It ends with the session, or with an error in the session."""

    shard: Connection
    publication: str
    file: Any = None
    slots: list[str] = field(default_factory=list)
    turns: int = 0

    def turn(self) -> None:
        """What is committed from now on belongs to the next turn."""
        # Temporary, and named for the session: in nobody's way who continues the move.
        slot = f"{self.publication}_{self.shard.info.backend_pid}_{self.turns}"
        self.shard.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput', true)", (slot,))
        self.slots.append(slot)
        self.turns += 1

    def read(self) -> set[int] | None:
        """The orders written in the first turn that was not read yet, and until now; None: that cannot be told."""
        mark(self.shard)  # only what is on disk is read
        slot = self.slots.pop(0)
        query = """
            SELECT data FROM pg_logical_slot_get_binary_changes(
                %s, NULL, NULL, 'proto_version', '1', 'publication_names', %s)
        """
        messages = self.shard.execute(query, (slot, self.publication)).fetchall()
        self.shard.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
        # A table that was emptied or written anew as a whole.
        if self.file != _file(self.shard):
            return None
        return {order for (message,) in messages for order in _orders(message)}


Logs = tuple[Log, Log]


def open_logs(source: Connection, target: Connection, name: str, azi: str) -> Logs | None:
    """The logs of both shards from now on; None: one of them cannot be read now."""
    close(source, target)  # those of an earlier attempt
    logs = Log(source, log_publication(name)), Log(target, log_publication(name))
    try:
        for log in logs:
            with _patience(log.shard):
                publish_log(log.shard, name, azi)
            log.file = _file(log.shard)
    except IN_THE_WAY:
        return None
    return logs if turn(logs) else None


def turn(logs: Logs) -> bool:
    """Begin a turn of both, if that can be done now. If not, they are of no use any more."""
    try:
        for log in logs:
            with _patience(log.shard):
                log.turn()
    except IN_THE_WAY:
        close(*(log.shard for log in logs))
        return False
    return True


def close(*shards: Connection) -> None:
    """Let the sessions keep nothing of the logs any more."""
    query = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE temporary AND active_pid = pg_backend_pid()"
    for shard in shards:
        with suppress(psycopg.Error):
            shard.execute(query)


@contextmanager
def _patience(shard: Connection) -> Iterator[None]:
    shard.execute("SELECT set_config('statement_timeout', %s, false)", (PATIENCE,))
    try:
        yield
    finally:
        shard.execute("RESET statement_timeout")


def _file(shard: Connection) -> Any:
    return shard.execute("SELECT pg_relation_filenode('ortes.arportes')").fetchone()


def _orders(message: bytes) -> Iterator[int]:
    """The orders in a message of pgoutput: the old key and the new row of an insertion, update or deletion."""
    if message[:1] not in (b"I", b"U", b"D"):
        return
    at = 5  # after the letter, and the table's oid
    while at < len(message):
        columns = int.from_bytes(message[at + 1 : at + 3], "big")  # after the letter that tells the old from the new
        at += 3
        value = b""
        for _ in range(columns):
            at += 1  # both are of a key, so they are always there, as text
            end = at + 4 + int.from_bytes(message[at : at + 4], "big")
            at, value = end, message[at + 4 : end]
        yield int(value)  # the last column
