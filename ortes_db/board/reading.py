"""What the board asks the hub: views of ortes_ops, as ortes_monitor, all of one moment."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from ortes_db.hub import connection_parameters

Connection = AsyncConnection[dict[str, Any]]

# In the transaction, as a pooler may give each one another session.
_AS_MONITOR = """
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY;
SET LOCAL ROLE ortes_monitor;
SET LOCAL statement_timeout = '20s';
"""
_NOW = "SELECT extract(EPOCH FROM now())::double precision AS now"
_COMPANIES = """
SELECT b.azi, b.pending, b.oldest_pending_seconds, b.id_pub, b.id_sincro, b.notify
FROM ortes_ops.backlog AS b
"""
_READERS = "SELECT r.azi, r.prov_tipo, r.prov_id, r.lag_rows, r.lag_seconds FROM ortes_ops.readers AS r"
_SOME = " WHERE azi = ANY (%(azis)s)"
MOST_READERS = 40  # of a company that are told one by one


@dataclass(frozen=True, slots=True)
class Reader:
    """A store (S) or device (A), and how far it is behind; `since`: epoch of the oldest change that it lacks."""

    prov_tipo: str
    prov_id: int | None
    rows: int
    since: int | None


@dataclass(frozen=True, slots=True)
class Company:
    """A company as the board shows it; `oldest`: epoch of its oldest order pending for the ERP."""

    azi: str
    pending: int
    oldest: int | None
    id_pub: int
    id_sincro: int
    notify: bool
    readers: tuple[Reader, ...]  # the worst first
    more_readers: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read; `now`: epoch, by the database's clock."""

    now: float
    companies: dict[str, Company]


async def connect(dsn: str) -> Connection:
    """A connection that notices within half a minute when nobody is at the other end."""
    alive = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
    parameters = {"connect_timeout": 5, **alive, **connection_parameters(dsn)}
    # Without prepared statements, which a pooler would lose.
    return await AsyncConnection.connect(**parameters, autocommit=True, prepare_threshold=None, row_factory=dict_row)


@asynccontextmanager
async def as_monitor(connection: Connection) -> AsyncIterator[None]:
    """A transaction that can do what ortes_monitor can, whoever is logged in."""
    async with connection.transaction():
        await connection.execute(_AS_MONITOR)
        yield


async def read(connection: Connection, azis: Collection[str] | None = None) -> Reading:
    """These companies, or all."""
    some = "" if azis is None else _SOME
    given = {"azis": None if azis is None else list(azis)}
    async with as_monitor(connection):
        (moment,) = await (await connection.execute(_NOW)).fetchall()
        companies = await (await connection.execute(_COMPANIES + some, given)).fetchall()
        readers = await (await connection.execute(_READERS + some, given)).fetchall()
    now = moment["now"]
    by_company = defaultdict(list)
    for row in readers:
        since = round(now - row["lag_seconds"]) if row["lag_rows"] else None
        by_company[row["azi"]].append(Reader(row["prov_tipo"], row["prov_id"], row["lag_rows"], since))
    return Reading(now, {row["azi"]: _company(row, now, by_company[row["azi"]]) for row in companies})


def _company(row: dict[str, Any], now: float, readers: list[Reader]) -> Company:
    readers.sort(key=lambda r: (r.since is None, r.since or 0, r.prov_tipo != "S", r.prov_id or 0))
    return Company(
        azi=row["azi"],
        pending=row["pending"],
        oldest=round(now - row["oldest_pending_seconds"]) if row["pending"] else None,
        id_pub=row["id_pub"],
        id_sincro=row["id_sincro"],
        notify=row["notify"],
        readers=tuple(readers[:MOST_READERS]),
        more_readers=max(0, len(readers) - MOST_READERS),
    )
