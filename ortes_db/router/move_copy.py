"""The copy of a company on its way from one shard to another: publication, slot and subscription, made and undone.

PostgreSQL's own logical replication, filtered by company, carries the tables that grow: their first copy and what changes
meanwhile. It survives interruptions of either server by itself, and its worker fires none of the hub's triggers.
"""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

# What grows with the orders is replicated; what is small is copied within the pause of the switch, and opens the company there.
LARGE = ("arportes", "history")
SMALL = ("company", "apstatosyn", "reader", "access")

# The first copy of each large table takes a slot and a connection of its own beside the subscription's.
NEEDS_SLOTS = 1 + len(LARGE)

# Seconds to wait for those who are at the large tables, before a publication goes.
PATIENCE_WITH_WRITERS = 5.0


@dataclass(frozen=True)
class Copying:
    """How far the first copy is. `live`: it is through, and what follows is applied as it comes."""

    rows: int
    live: bool
    workers: int
    failures: int


def publish(source: Connection, name: str, azi: str) -> None:
    """Publish the company's rows of the large tables. Repeatable."""
    if _publishes(source, name):
        return
    _unpublish(source, name)
    tables = sql.SQL(", ").join(
        sql.SQL("{} WHERE (azi = {})").format(sql.Identifier("ortes", table), sql.Literal(azi)) for table in LARGE
    )
    # Without deletions: clearing the old copy must never reach the new one, and a purge of the history is each shard's own.
    statement = "CREATE PUBLICATION {} FOR TABLE {} WITH (publish = 'insert, update')"
    source.execute(sql.SQL(statement).format(sql.Identifier(name), tables))


def log_publication(name: str) -> str:
    """The name of what `publish_log` makes."""
    return f"{name}_log"


def publish_log(shard: Connection, name: str, azi: str) -> None:
    """Let be read from the log which of the company's orders are written, deletions included. Repeatable."""
    publication = log_publication(name)
    if not _publishes(shard, publication):
        _unpublish(shard, publication)
        statement = "CREATE PUBLICATION {} FOR TABLE ortes.arportes (azi, id_pub) WHERE (azi = {}) WITH (publish = {})"
        what = "insert, update, delete"
        shard.execute(sql.SQL(statement).format(sql.Identifier(publication), sql.Literal(azi), sql.Literal(what)))


def set_publishing(source: Connection, name: str, on: bool) -> None:
    """Begin or stop to publish. Only while nobody can change the company, or changes are lost to the copy."""
    statement = "ALTER PUBLICATION {} SET (publish = {})"
    what = "insert, update" if on else ""
    source.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Literal(what)))


def make_slot(source: Connection, name: str) -> None:
    """Keep what the subscription will need. Waits for transactions under way on the source. Repeatable.

    Made here and not by CREATE SUBSCRIPTION, which would wait for itself where both shards are on one server.
    """
    if not _exists(source, "pg_replication_slots", "slot_name", name):
        source.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (name,))


def subscribe(target: Connection, name: str, source_dsn: str) -> None:
    """Begin to copy. `source_dsn`: how the target's server reaches the source. Repeatable."""
    if _exists(target, "pg_subscription", "subname", name):
        return
    statement = "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (create_slot = false, slot_name = {})"
    subscription = sql.Identifier(name)
    target.execute(sql.SQL(statement).format(subscription, sql.Literal(source_dsn), subscription, sql.Literal(name)))


def copying(target: Connection, name: str) -> Copying:
    """How far the first copy is."""
    query = """
        SELECT
            coalesce((
                SELECT sum(p.tuples_processed) FROM pg_stat_progress_copy AS p
                JOIN pg_stat_subscription AS s ON s.pid = p.pid AND s.subid = u.oid
            ), 0)::bigint,
            (SELECT bool_and(r.srsubstate = 'r') FROM pg_subscription_rel AS r WHERE r.srsubid = u.oid),
            (SELECT count(s.pid) FROM pg_stat_subscription AS s WHERE s.subid = u.oid),
            (
                SELECT f.apply_error_count + f.sync_error_count
                FROM pg_stat_subscription_stats AS f WHERE f.subid = u.oid
            )
        FROM pg_subscription AS u WHERE u.subname = %s
    """
    row = target.execute(query, (name,)).fetchone()
    assert row is not None, f"subscription {name} is gone"
    return Copying(row[0], bool(row[1]), row[2], row[3] or 0)


def mark(source: Connection) -> str:
    """Where the source's log ends now, written out to there whatever the writers' synchronous_commit: an LSN."""
    with source.transaction():
        source.execute("SET LOCAL synchronous_commit = on")
        return str(_one(source, "SELECT pg_logical_emit_message(true, 'ortes_move', '')"))


def has_applied(source: Connection, name: str, lsn: str) -> bool:
    """Whether all that was committed before `lsn` is in the target, and to be seen there."""
    query = """
        SELECT w.replay_lsn >= %s::pg_lsn
        FROM pg_replication_slots AS s JOIN pg_stat_get_wal_senders() AS w ON w.pid = s.active_pid
        WHERE s.slot_name = %s
    """
    return source.execute(query, (lsn, name)).fetchone() == (True,)


def behind(source: Connection, name: str) -> int | None:
    """How many bytes of log the target has not applied yet; None: it is not connected."""
    query = """
        SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), w.replay_lsn)::bigint
        FROM pg_replication_slots AS s JOIN pg_stat_get_wal_senders() AS w ON w.pid = s.active_pid
        WHERE s.slot_name = %s
    """
    row = source.execute(query, (name,)).fetchone()
    return row[0] if row else None


def goes_on(source: Connection, target: Connection, name: str) -> bool:
    """Whether a copy begun earlier can be continued: nothing that was changed meanwhile is lost to it."""
    if not _exists(target, "pg_subscription", "subname", name):
        return True  # then it begins now
    query = "SELECT wal_status <> 'lost' FROM pg_replication_slots WHERE slot_name = %s"
    kept = source.execute(query, (name,)).fetchone() == (True,)
    query = "SELECT pubinsert AND pubupdate FROM pg_publication WHERE pubname = %s"
    publishes = source.execute(query, (name,)).fetchone() == (True,) and _publishes(source, name)
    return kept and publishes and not _lost_first_copy(source, target, name)


def _lost_first_copy(source: Connection, target: Connection, name: str, patience: float = 5) -> bool:
    """Whether the target would take up a first copy from a slot that is gone.

    A worker drops the slot just before it commits that its table is through: after a crash of the target between the two, it
    asks for that slot for ever, and no statistics count it. Without a crash, that is a moment.
    """
    awaited = """
        SELECT format('pg_%%s_sync_%%s_%%s', r.srsubid, r.srrelid, c.system_identifier)
        FROM pg_subscription AS u
        JOIN pg_subscription_rel AS r ON r.srsubid = u.oid AND r.srsubstate = 'f'
        CROSS JOIN pg_control_system() AS c
        WHERE u.subname = %s
    """
    deadline = time.monotonic() + patience
    while slots := target.execute(awaited, (name,)).fetchall():
        there = source.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
        if not set(slots) - set(there):
            return False
        if time.monotonic() > deadline:
            return True
        time.sleep(0.05)  # what a worker does is told to nobody
    return False


def stop_sending(source: Connection, name: str) -> None:
    """Remove slot and publications: the source keeps its log for the move no longer. Repeatable."""
    drop_slot(source, name)
    _unpublish(source, name, log_publication(name))


def stop_receiving(source: Connection, target: Connection, name: str) -> None:
    """Remove the subscription, and slots that it left on the source. Repeatable, before or after stop_sending."""
    _unpublish(target, log_publication(name))
    if _exists(target, "pg_subscription", "subname", name):
        for statement in (
            "ALTER SUBSCRIPTION {} DISABLE",
            "ALTER SUBSCRIPTION {} SET (slot_name = NONE)",
            "DROP SUBSCRIPTION {}",
        ):
            target.execute(sql.SQL(statement).format(sql.Identifier(name)))
    for slot in _abandoned_slots(source, target):
        drop_slot(source, slot)


def drop_slot(source: Connection, slot: str, patience: float = 20) -> None:
    """Drop a slot if it is there, ending who reads from it, also if they come back."""
    query = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s AND active"
    deadline = time.monotonic() + patience
    while True:
        source.execute(query, (slot,))
        try:
            source.execute("SELECT pg_drop_replication_slot(%s)", (slot,))
            return
        except psycopg.errors.UndefinedObject:
            return
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.002)  # the session that we ended is on its way out, and tells nobody when it is gone


def _publishes(shard: Connection, publication: str) -> bool:
    """Whether it is there, and not on its way out."""
    query = (
        "SELECT FROM pg_publication_rel AS r JOIN pg_publication AS p ON p.oid = r.prpubid WHERE p.pubname = %s LIMIT 1"
    )
    return shard.execute(query, (publication,)).fetchone() is not None


def _unpublish(shard: Connection, *publications: str) -> None:
    """Remove publications, where they are there, unnoticed by who writes meanwhile. Repeatable.

    A statement that changes a table finds its publications, then looks each of them up, and fails (XX000) where one has gone
    in between, whosever company it is about. So the tables leave the publications first, and whoever may still know them in
    one ends before it goes. Who takes longer than PATIENCE_WITH_WRITERS is not between those two looks. Where a VACUUM or the
    like keeps a table for that long, they go at once.
    """
    query = """
        SELECT format('ALTER PUBLICATION %%I DROP TABLE %%s', p.pubname, string_agg(r.prrelid::regclass::text, ', '))
        FROM pg_publication AS p JOIN pg_publication_rel AS r ON r.prpubid = p.oid
        WHERE p.pubname = ANY (%s) GROUP BY p.pubname
    """
    there = "SELECT FROM pg_publication WHERE pubname = ANY (%s)"
    if shard.execute(there, ([*publications],)).fetchone() is None:
        return
    with suppress(psycopg.errors.LockNotAvailable):
        with shard.transaction():
            shard.execute("SELECT set_config('lock_timeout', %s, true)", (f"{PATIENCE_WITH_WRITERS}s",))
            for (alter,) in shard.execute(query, ([*publications],)).fetchall():
                shard.execute(alter.encode())
        _outlast_writers(shard)
    for publication in publications:
        shard.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(publication)))


def _outlast_writers(shard: Connection) -> None:
    """Wait until who changes the large tables now has ended."""
    deadline = time.monotonic() + PATIENCE_WITH_WRITERS
    earlier = _writers(shard)
    while earlier and time.monotonic() < deadline:
        time.sleep(0.002)  # whoever waits for a lock on the table instead keeps other writers waiting behind it
        earlier &= _writers(shard)


def _writers(shard: Connection) -> set[str]:
    """The transactions that change the large tables now."""
    query = """
        SELECT l.virtualtransaction FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.relation = ANY (%s::regclass[]) AND l.granted
            AND l.mode = 'RowExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
    """
    return {one for (one,) in shard.execute(query, ([f"ortes.{table}" for table in LARGE],)).fetchall()}


def _abandoned_slots(source: Connection, target: Connection) -> list[str]:
    """Slots for first copies by subscriptions of the target that are gone; their names say whose they are."""
    query = "SELECT slot_name FROM pg_replication_slots WHERE database = current_database() AND slot_name LIKE %s"
    system = _one(target, "SELECT system_identifier FROM pg_control_system()")
    there = [slot for (slot,) in source.execute(query, (rf"pg\_%\_sync\_%\_{system}",)).fetchall()]
    # Read after the slots: a subscription made meanwhile has none among them.
    alive = {oid for (oid,) in target.execute("SELECT oid::text FROM pg_subscription").fetchall()}
    return [slot for slot in there if slot.split("_")[1] not in alive]


def _exists(connection: Connection, catalog: str, column: str, name: str) -> bool:
    query = sql.SQL("SELECT FROM {} WHERE {} = %s").format(sql.Identifier(catalog), sql.Identifier(column))
    return connection.execute(query, (name,)).fetchone() is not None


def _one(connection: Connection, query: Any, *arguments: Any) -> Any:
    row = connection.execute(query, arguments).fetchone()
    return row[0] if row else None
