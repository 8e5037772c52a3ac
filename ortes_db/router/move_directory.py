"""What the directory on the router says of moves: which are under way, how far they are, and where a company lives."""

from dataclasses import dataclass
from typing import Any, Literal

import psycopg

Connection = psycopg.Connection[Any]
Step = Literal["copying", "undoing", "switched", "clearing"]

# 'OMOV' in ASCII: so that no two commands move the same company at once.
MOVER_LOCK = 1330466646


@dataclass(frozen=True)
class Move:
    """A move that is not finished. `name`: of its publication, slot and subscription.

    `snapshot`: from the step switched on, what the source had committed when the company left it.
    """

    azi: str
    source: str
    target: str
    name: str
    step: Step
    snapshot: str | None
    begun_at: Any
    step_at: Any


COLUMNS = "m.azi, m.source, m.target, m.name, m.step, m.snapshot, m.begun_at, m.step_at"


def find_move(router: Connection, azi: str) -> Move | None:
    """The company's unfinished move."""
    row = router.execute(f"SELECT {COLUMNS} FROM ortes_router.move AS m WHERE m.azi = %s", (azi,)).fetchone()
    return Move(*row) if row else None


def home(router: Connection, azi: str) -> str | None:
    """The shard where the company lives; None: nobody knows the company."""
    row = router.execute("SELECT shard FROM ortes_router.company WHERE azi = %s", (azi,)).fetchone()
    return row[0] if row else None


def shard_options(router: Connection, shard: str) -> str:
    """How a shard is reached: a connection string without user and password. Raises LookupError."""
    row = router.execute("SELECT options FROM ortes_router.shard WHERE name = %s", (shard,)).fetchone()
    if row is None:
        raise LookupError(shard)
    return str(row[0])


def begin(router: Connection, azi: str, source: str, target: str) -> Move:
    """Write down that a move begins, before there is anything that could be left over."""
    row = router.execute(
        "INSERT INTO ortes_router.move AS m (azi, source, target, name) VALUES "
        "(%s, %s, %s, 'ortes_move_' || left(replace(gen_random_uuid()::text, '-', ''), 12)) RETURNING " + COLUMNS,
        (azi, source, target),
    ).fetchone()
    assert row is not None
    return Move(*row)


def set_step(router: Connection, azi: str, step: Step, snapshot: str | None = None) -> None:
    """How far the move is."""
    router.execute(
        "UPDATE ortes_router.move SET step = %s, step_at = clock_timestamp(), snapshot = coalesce(%s, snapshot) WHERE azi = %s",
        (step, snapshot, azi),
    )


def lock_company(router: Connection, azi: str, seconds: float) -> None:
    """Until this transaction ends, calls for the company wait; those under way end first. Raises LockNotAvailable."""
    router.execute("SELECT set_config('lock_timeout', %s, true)", (f"{seconds:.3f}s",))
    router.execute("SELECT ortes_router.hold_company(%s)", (azi,))


def holders(router: Connection, azi: str) -> list[str]:
    """Sessions of the router in whose transactions the company is, in words."""
    query = """
        SELECT format('process %%s (%%s, %%s, since %%s)', a.pid, a.usename, a.state, date_trunc('second', a.xact_start))
        FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 1330795589 AND l.database = a.datid
            AND l.objid::bigint = hashtext(%s)::bigint & 4294967295 AND a.datname = current_database()
            AND a.pid <> pg_backend_pid()
        ORDER BY a.xact_start
    """
    return [text for (text,) in router.execute(query, (azi,)).fetchall()]


def set_home(router: Connection, azi: str, shard: str) -> None:
    """From now on the company lives there."""
    router.execute("UPDATE ortes_router.company SET shard = %s, since = now() WHERE azi = %s", (shard, azi))


def forget(router: Connection, azi: str) -> None:
    """The move is over, whichever way."""
    router.execute("DELETE FROM ortes_router.move WHERE azi = %s", (azi,))


def lock_mover(router: Connection, azi: str, seconds: float = 3) -> bool:
    """Whether this session alone moves the company, until it ends; one that was killed may take a moment to end."""
    router.execute("SELECT set_config('lock_timeout', %s, false)", (f"{seconds:.3f}s",))
    try:
        router.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (MOVER_LOCK, azi))
    except psycopg.errors.LockNotAvailable:
        return False
    router.execute("RESET lock_timeout")
    return True
