"""A company's rows on two shards: compared by count and checksum, opened on one, closed and cleared on the other.

The comparison needs no pause. A first one, of everything, is made under snapshots while all work goes on. What is changed
after them is found by the shards' logs and compared in rounds, still while all work goes on, until a round is short: the last
one is made when nobody changes anything. Where a log cannot be read, all rows are asked which transaction wrote them, and
counted.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from ortes_db.router.move_copy import LARGE, SMALL
from ortes_db.router.move_log import Logs, turn

Connection = psycopg.Connection[Any]
# By order (0: of no order): how many rows, and the sum of their hashes.
Digests = dict[int, tuple[int, Any]]

# So many orders share a checksum in the first comparison; those of one that differs are then looked at one by one.
BUCKET = 1000
# So many rows are deleted in one transaction.
BATCH = 10_000

# How a row reads as text must not depend on the server.
SESSION = """
    SELECT set_config('timezone', 'UTC', false), set_config('datestyle', 'ISO', false), set_config('bytea_output', 'hex', false),
        set_config('intervalstyle', 'postgres', false), set_config('extra_float_digits', '1', false),
        set_config('search_path', 'pg_catalog', false), set_config('jit', 'off', false)
"""
# The rows of a company, each as its order's number and its hash. A history that was given up for deletion is left out: it
# may be gone on one shard and not yet on the other.
HASHED = {
    "arportes": "SELECT t.id_pub AS id, hashtextextended(t::text, 0) AS hash FROM ortes.arportes AS t WHERE t.azi = %(azi)s",
    "history": """
        SELECT coalesce(t.id_pub, 0) AS id, hashtextextended(t::text, 0) AS hash FROM ortes.history AS t
        WHERE t.azi = %(azi)s AND t.at >= %(purged_before)s
    """,
}
# Those of certain orders, looked up one by one: that is the fastest way also where the copy is so new that it has no
# statistics, and a moment that callers wait for would go by with a worse plan. Order 0 is none.
OF_ORDERS = {
    "arportes": f"{HASHED['arportes']} AND t.id_pub = i.id OFFSET 0",
    "history": f"""
        {HASHED["history"]} AND t.id_pub = i.id UNION ALL {HASHED["history"]} AND t.id_pub IS NULL AND i.id = 0
    """,
}
# How many orders there are, and those that transactions not older than xid have written: in one look at all rows. In groups,
# a million orders would be sorted for it. (One that seems younger than now is one of 2^31 transactions ago.)
WRITTEN = """
    SELECT count(*), array_agg(t.id_pub) FILTER (WHERE age(t.xmin) BETWEEN 0 AND a.age)
    FROM ortes.arportes AS t, (SELECT age(%(xid)s::text::xid) AS age OFFSET 0) AS a WHERE t.azi = %(azi)s
"""
PURGED_BEFORE = "SELECT coalesce(max(purged_before), '-infinity')::text FROM ortes.history_purge"
# Its rows are only ever inserted.
NEW_HISTORY = HASHED["history"] + " AND t.at >= %(since)s"
# A transaction id of 32 bits is one of the last 2^32.
CHANGED_AFTER = """
    WITH now AS MATERIALIZED (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xid)
    SELECT t.id_pub FROM ortes.arportes AS t, now
    WHERE t.azi = %(azi)s AND age(t.xmin) <= age(%(xid)s::text::xid) AND NOT pg_visible_in_snapshot(
        (now.xid - ((now.xid - t.xmin::text::bigint) & 4294967295))::text::xid8, %(snapshot)s::pg_snapshot)
    ORDER BY 1
"""


@dataclass
class Compared:
    """What has been compared so far. `rows`: of each table; `differing`: orders that were not the same on both.

    These may only have been changed meanwhile: they are compared again, with what was changed since. That is found by the
    shards' logs, or else by `xids`, the oldest transactions of source and target that had not ended; entries of the history
    by their time, `since`.
    """

    azi: str
    xids: tuple[int, int]
    since: Any
    purged_before: str
    rows: dict[str, int] = field(default_factory=dict)
    differing: dict[str, set[int]] = field(default_factory=dict)
    # So many orders were compared last.
    changed: int = 0
    logs: Logs | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What the queries are given."""
        return {"azi": self.azi, "since": self.since, "purged_before": self.purged_before}


def prepare(connection: Connection) -> Connection:
    """Make a session's texts comparable."""
    connection.execute(SESSION)
    return connection


def company_tables(connection: Connection) -> dict[str, list[tuple[str, str]]]:
    """The hub's tables that hold rows of companies, with their columns and types in order."""
    query = """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
        FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace = to_regnamespace('ortes') AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
            AND EXISTS (SELECT FROM pg_attribute AS k WHERE k.attrelid = c.oid AND k.attname = 'azi' AND NOT k.attisdropped)
        ORDER BY c.relname, a.attnum
    """
    tables: dict[str, list[tuple[str, str]]] = {}
    for table, column, kind in connection.execute(query).fetchall():
        tables.setdefault(table, []).append((column, kind))
    return tables


def tables_with(connection: Connection, azi: str) -> list[str]:
    """The tables in which a shard has rows of the company."""
    query = sql.SQL("SELECT 1 FROM {} WHERE azi = %s LIMIT 1")
    return [
        table
        for table in (*SMALL, *LARGE)
        if connection.execute(query.format(sql.Identifier("ortes", table)), (azi,)).fetchone()
    ]


def about_how_many(connection: Connection, azi: str) -> int:
    """About how many rows of the large tables there are: the orders are as many as their last number, or fewer are left."""
    orders = "SELECT coalesce(max(id_pub), 0) FROM ortes.arportes WHERE azi = %s"
    share = """
        SELECT greatest(c.reltuples, 0) / greatest(o.reltuples, 1) FROM pg_class AS c, pg_class AS o
        WHERE c.oid = 'ortes.history'::regclass AND o.oid = 'ortes.arportes'::regclass
    """
    audited = "SELECT EXISTS (SELECT FROM ortes.history WHERE azi = %s)"
    count = _one(connection, orders, azi)
    return int(count * (1 + _one(connection, share))) if _one(connection, audited, azi) else int(count)


def lacking_logins(source: Connection, target: Connection, azi: str) -> list[str]:
    """Logins with access to the company that the target's server does not have, or not with the same roles of the hub."""
    logins = [login for (login,) in source.execute("SELECT login FROM ortes.access WHERE azi = %s", (azi,)).fetchall()]
    query = """
        SELECT r.rolname, r.rolcanlogin, array(
            SELECT g.rolname::text FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid
            WHERE m.member = r.oid AND g.rolname LIKE 'ortes\\_%%' ORDER BY 1
        ) FROM pg_roles AS r WHERE r.rolname = ANY (%s)
    """
    here, there = (set(map(str, shard.execute(query, (logins,)).fetchall())) for shard in (source, target))
    return sorted(login for login in set(logins) if any(login in one for one in here - there))


def compare_all(source: Connection, target: Connection, azi: str, catch_up: Callable[[], None]) -> Compared:
    """Compare all rows of the large tables. `catch_up` returns when the target has what the source had at its call."""
    since = _since(source)
    with source.transaction(), target.transaction():
        for connection in (source, target):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        xid, purged_before = _oldest(source), _one(source, PURGED_BEFORE)
        catch_up()
        found = Compared(azi, (xid, _oldest(target)), since, purged_before)
        for table in LARGE:
            rows = HASHED[table]
            buckets = f"SELECT q.id / {BUCKET}, count(*), sum(q.hash) FROM ({rows}) AS q GROUP BY 1"
            here, there = _both(source, target, buckets, found.given)
            found.rows[table] = sum(count for count, _ in here.values())
            ids = [i for b in _differing(here, there) for i in range(b * BUCKET, (b + 1) * BUCKET)]
            found.differing[table] = _compare_orders(source, target, table, ids, found.given)
    return found


def wrong_orders(
    source: Connection, target: Connection, found: Compared, catch_up: Callable[[], None]
) -> dict[str, set[int]]:
    """Of the orders that differed, those that still do although nobody has changed them. The others stay in `found`."""
    wrong = {}
    for table, ids in found.differing.items():
        given = {**found.given, "ids": list(ids)}
        before = _digests(source, _of_orders(table), given)
        catch_up()
        there = _digests(target, _of_orders(table), given)
        after = _digests(source, _of_orders(table), given)
        found.differing[table] = _differing(after, there)
        wrong[table] = {i for i in found.differing[table] if before.get(i) == after.get(i)}
    return wrong


def compare_changed(
    source: Connection, target: Connection, found: Compared, catch_up: Callable[[], None], *, held: bool = False
) -> dict[str, set[int]]:
    """Compare the orders that were changed since `found`, or differed then; it then says what was found now.

    Returns those that differ. Unless the company is `held`, they may only have been changed meanwhile.
    """
    new = f"SELECT q.id, count(*), sum(q.hash) FROM ({NEW_HISTORY}) AS q GROUP BY 1"
    since, purged_before, xid = _since(source), _one(source, PURGED_BEFORE), _oldest(source)
    if found.logs and not held and not turn(found.logs):
        found.logs = None
    catch_up()
    xids = xid, _oldest(target)
    changed, as_many = _changed(source, target, found, held)
    ids = changed | found.differing["arportes"]
    given = {**found.given, "purged_before": purged_before}
    differing = {"arportes": _compare_orders(source, target, "arportes", ids, given)}
    if held and not as_many and not differing["arportes"]:
        differing["arportes"] = {0}
    entries = _differing(*_both(source, target, new, given)) | found.differing["history"]
    differing["history"] = _compare_orders(source, target, "history", entries, given)
    found.xids, found.since, found.purged_before = xids, since, purged_before
    found.differing, found.changed = differing, len(ids)
    return differing


def snapshot_now(connection: Connection) -> str:
    """What has been committed, as `changed_after` takes it."""
    return str(_one(connection, "SELECT pg_current_snapshot()::text"))


def changed_after(connection: Connection, azi: str, snapshot: str) -> list[int]:
    """Orders of the company changed by what was committed after that snapshot."""
    given = {"azi": azi, "snapshot": snapshot, "xid": _low(snapshot)}
    return [id_pub for (id_pub,) in connection.execute(CHANGED_AFTER, given).fetchall()]


def open_company(source: Connection, target: Connection, azi: str) -> None:
    """Bring the small tables' rows: with them the target knows the company, who may act for it, and how to number on."""
    with target.transaction():
        # Ours is not a change by the hub's rules: its triggers and foreign keys have judged these rows before.
        target.execute("SET LOCAL session_replication_role = replica")
        # On disk before the directory says so, and with it all that the subscription has applied.
        target.execute("SET LOCAL synchronous_commit = on")
        for table in SMALL:
            name = sql.Identifier("ortes", table)
            target.execute(sql.SQL("DELETE FROM {} WHERE azi = %s").format(name), (azi,))
            query = sql.SQL("COPY (SELECT * FROM {} WHERE azi = {}) TO STDOUT").format(name, sql.Literal(azi))
            with (
                source.cursor().copy(query) as rows,
                target.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(name)) as copied,
            ):
                for part in rows:
                    copied.write(part)
            digest = sql.SQL("SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} AS t WHERE azi = %s").format(
                name
            )
            if source.execute(digest, (azi,)).fetchone() != target.execute(digest, (azi,)).fetchone():
                raise psycopg.DataError(f"ortes.{table} did not arrive as it was sent")


def close_company(shard: Connection, azi: str) -> None:
    """Remove the small tables' rows: the shard no longer knows the company, lets nobody in and numbers nothing more."""
    with shard.transaction():
        shard.execute("SET LOCAL session_replication_role = replica")
        for table in SMALL:
            shard.execute(sql.SQL("DELETE FROM {} WHERE azi = %s").format(sql.Identifier("ortes", table)), (azi,))


def clear_company(shard: Connection, azi: str, progress: Callable[[int], None]) -> int:
    """Delete all that is left of the company, in batches; returns how many rows. `progress` gets that number as it grows."""
    close_company(shard, azi)
    cleared = 0
    for table in LARGE:
        name = sql.Identifier("ortes", table)
        query = sql.SQL(
            "SELECT max(q.id_pub) FROM (SELECT id_pub FROM {} WHERE azi = %s AND id_pub > %s ORDER BY id_pub LIMIT %s) AS q"
        ).format(name)
        last = 0
        # By ranges: looking for any rows that are left would find those already deleted again and again.
        while (row := shard.execute(query, (azi, last, BATCH)).fetchone()) and row[0] is not None:
            cleared += _delete(shard, table, "id_pub > %s AND id_pub <= %s", azi, last, row[0])
            last = row[0]
            progress(cleared)
        cleared += _delete(shard, table, "true", azi)
    return cleared


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The results of calls that wait for servers, made at the same time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def _delete(shard: Connection, table: str, condition: LiteralString, *arguments: Any) -> int:
    with shard.transaction():
        shard.execute("SET LOCAL session_replication_role = replica")
        query = sql.SQL("DELETE FROM {} WHERE azi = %s AND " + condition).format(sql.Identifier("ortes", table))
        return shard.execute(query, arguments).rowcount


def _compare_orders(
    source: Connection, target: Connection, table: str, ids: Iterable[int], known: dict[str, Any]
) -> set[int]:
    """Which of these orders differ."""
    if not (given := {**known, "ids": list(ids)})["ids"]:
        return set()
    return _differing(*_both(source, target, _of_orders(table), given))


def _of_orders(table: str) -> LiteralString:
    rows = OF_ORDERS[table]
    return f"""
        SELECT q.id, count(*), sum(q.hash) FROM unnest(%(ids)s::bigint[]) AS i (id) CROSS JOIN LATERAL ({rows}) AS q GROUP BY 1
    """


def _both(source: Connection, target: Connection, query: LiteralString, given: dict[str, Any]) -> list[Digests]:
    return at_once(lambda: _digests(source, query, given), lambda: _digests(target, query, given))


def _digests(connection: Connection, query: LiteralString, given: dict[str, Any]) -> Digests:
    return {key: (count, total) for key, count, total in connection.execute(query, given).fetchall()}


def _differing(here: Digests, there: Digests) -> set[int]:
    return {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}


def _changed(source: Connection, target: Connection, found: Compared, held: bool) -> tuple[set[int], bool]:
    """The orders written on either shard since `found`, and whether there are as many on both, for those that are gone."""
    if logs := found.logs:
        read = at_once(*(log.read for log in logs))
        if held:
            found.logs = None  # has nothing left to read, should this not be the last time
        if None not in read:
            return set.union(*read), True
        found.logs = None
    (here, written), (there, arrived) = at_once(
        lambda: _written(source, found.azi, found.xids[0]), lambda: _written(target, found.azi, found.xids[1])
    )
    return written | arrived, here == there


def _written(connection: Connection, azi: str, xid: int) -> tuple[int, set[int]]:
    row = connection.execute(WRITTEN, {"azi": azi, "xid": xid}).fetchone()
    assert row is not None
    return row[0], set(row[1] or ())


def _since(source: Connection) -> Any:
    """Transactions under way now may show their entries later, with times from now on or from their own beginning."""
    return _one(source, "SELECT least(min(xact_start), clock_timestamp()) FROM pg_stat_activity")


def _oldest(connection: Connection) -> int:
    return _low(snapshot_now(connection))


def _low(snapshot: str) -> int:
    """The oldest transaction a snapshot has not seen end, as its 32 bits."""
    return int(snapshot.split(":")[0]) % 2**32


def _one(connection: Connection, query: LiteralString, *arguments: Any) -> Any:
    row = connection.execute(query, arguments).fetchone()
    assert row is not None
    return row[0]
