"""A run: logins are made, the clients work for a while, the readers read to the end, and the history is checked."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ortes_db.soak.check import Finding, check
from ortes_db.soak.clients import Client, Connection, Writer
from ortes_db.soak.record import Company, History, Order
from ortes_db.soak.systems import Erp, Hand, Outlet, Reader

Dsn = Callable[[str], str]

# The logins of a run, and what each may do.
ROLES = {
    "store": "ortes_store",
    "app": "ortes_app",
    "erp": "ortes_erp",
    "reader": "ortes_store",
    "monitor": "ortes_monitor",
}
DEVICES = (50, 51)
# What a call ends in whose shard, or whose server, went away: then it is repeated.
OUTAGE = ("08001", "08006", "57P01", "57P02", "57P03", "connection")


@dataclass(frozen=True)
class Scene:
    """A hub to work on. `dba`: a superuser's connection string, straight to the server; `door` and `replica`: from a
    login to the connection string of who works through it.

    `home`: where the hub is a router, from a company to a superuser's connection string to the shard that holds it. Then
    everybody comes through the doors, and nobody has transactions: a router has none of more than one call.
    `outages`: shards come and go, and the clients repeat what got no answer, as their rule says.
    """

    dba: str
    door: Dsn
    replica: Dsn | None = None
    home: Dsn | None = None
    outages: bool = False


@dataclass(frozen=True)
class Logins:
    """Companies and logins of one run."""

    prefix: str
    companies: list[str]
    superuser: str

    def name(self, who: str) -> str:
        """A login by what it does; the one that writes by hand is the superuser."""
        return self.superuser if who == "hand" else f"{self.prefix}_{who}"

    @property
    def all(self) -> list[str]:
        return [self.superuser, *(self.name(who) for who in ROLES)]


@contextmanager
def hired(dba: str, companies: int = 2, also_on: Sequence[str] = ()) -> Iterator[Logins]:
    """Make companies and logins for a run; the logins are gone afterwards. `also_on`: other servers that need the logins."""
    prefix = f"soak_{secrets.token_hex(4)}"
    with ExitStack() as closing:
        connection, *others = (closing.enter_context(psycopg.connect(dsn, autocommit=True)) for dsn in (dba, *also_on))
        logins = Logins(prefix, [f"{prefix}_{n}" for n in range(companies)], connection.info.user)
        try:
            for azi in logins.companies:
                connection.execute("SELECT ortes_ops.create_company(%s)", (azi,))
            for who, role in ROLES.items():
                login = logins.name(who)
                statement = sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}")
                for server in (*others, connection):
                    server.execute(statement.format(sql.Identifier(login), sql.Identifier(role)))
                for azi in logins.companies if who != "monitor" else ():
                    connection.execute("SELECT ortes_ops.grant_access(%s, %s)", (login, azi))
            yield logins
        finally:
            # Connected anew: a server may have been restarted meanwhile.
            for dsn in (dba, *also_on):
                with psycopg.connect(dsn, autocommit=True) as server:
                    for who in ROLES:
                        server.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(logins.name(who))))


class Clients:
    """All who take part in a run."""

    def __init__(self, scene: Scene, logins: Logins, seed: int, hold: float) -> None:
        self.stop, self.all_written = threading.Event(), threading.Event()
        self.writers: list[Writer] = []
        self.readers: list[Reader] = []
        for number, azi in enumerate(logins.companies):

            def common(who: str, name: str, dsn: Dsn = scene.door, azi: str = azi) -> dict[str, Any]:
                login = logins.name(who)
                return {
                    "who": name,
                    "azi": azi,
                    "connect": lambda: _connect(dsn(login)),
                    "stop": self.stop,
                    "repeats": OUTAGE if scene.outages else (),
                }

            def writing(who: str, name: str, number: int = number) -> dict[str, Any]:
                return {
                    **common(who, name),
                    "seed": seed * 1000 + number * 100 + len(self.writers),
                    "hold": None if scene.home else hold,
                }

            for store in (1, 2):
                self.writers.append(Outlet(**writing("store", f"store {store}"), prov_tipo="S", prov_id=store))
            for device in DEVICES:
                self.writers.append(Outlet(**writing("app", f"device {device}"), prov_tipo="A", prov_id=device))
            for share in (0, 1):
                self.writers.append(Erp(**writing("erp", f"ERP {share}"), share=share, shares=2))
            if not scene.home:
                self.writers.append(Hand(**writing("hand", "by hand")))
            reading: dict[str, Any] = {"all_written": self.all_written}
            self.readers.append(Reader(**common("reader", "store 1 reading"), **reading, store=1))
            for where, dsn in (("primary", scene.door), ("replica", scene.replica)):
                if dsn:
                    doors = common("reader", f"reader on the {where}", dsn)
                    self.readers.append(Reader(**doors, **reading, looks_back=scene.home is not None))
                    if scene.home:
                        continue
                    plain = common("monitor", f"plain SELECT on the {where}", dsn)
                    self.readers.append(Reader(**plain, **reading, through_door=False, looks_back=True))

    @property
    def all(self) -> list[Client]:
        return [*self.writers, *self.readers]


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    seconds: float
    of: float
    calls: int
    failed: int


def run(
    scene: Scene,
    logins: Logins,
    seconds: float,
    *,
    seed: int = 1,
    hold: float = 0.02,
    meanwhile: Callable[[], None] = lambda: None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> History:
    """Let all clients work, at least for `seconds` and until `meanwhile` is through; returns what they were told."""
    clients = Clients(scene, logins, seed, hold)
    history = History()
    with psycopg.connect(scene.dba, autocommit=True) as dba, ThreadPoolExecutor(len(clients.all) + 1) as pool:
        _replica_follows(dba, scene, logins)
        deadlocks = _deadlocks(dba)
        started = time.monotonic()
        writing: list[Future[None]] = [pool.submit(writer.run) for writer in clients.writers]
        reading: list[Future[None]] = [pool.submit(reader.run) for reader in clients.readers]
        other = pool.submit(meanwhile)
        try:
            while (passed := time.monotonic() - started) < seconds or not other.done():
                if any(future.done() for future in (*writing, *reading)):
                    break  # one that ended before its time has something to say
                progress(_progress(clients, passed, seconds))
                clients.stop.wait(min(0.2, max(seconds - passed, 0.01)))
        finally:
            clients.stop.set()
            try:
                for future in writing:
                    future.result()
                _nobody_at_work(dba, logins)
                for home in {scene.home(azi) for azi in logins.companies} if scene.home else ():
                    with psycopg.connect(home, autocommit=True) as shard:
                        _nobody_at_work(shard, logins)
                _replica_follows(dba, scene, logins)
            finally:
                clients.all_written.set()
        for future in (*reading, other):
            future.result()
        history.seconds = time.monotonic() - started
        progress(_progress(clients, max(history.seconds, seconds), seconds))
        history.deadlocks = _deadlocks(dba) - deadlocks
        history.companies = [_company(scene, dba, azi) for azi in logins.companies]
    history.told = [told for client in clients.all for told in client.told]
    history.readings = [reader.reading for reader in clients.readers]
    history.unheard = sum(writer.unheard for writer in clients.writers)
    history.repeated = sum(client.repeated for client in clients.all)
    history.transactions = sum(writer.transactions for writer in clients.writers)
    return history


def summary(history: History, findings: list[Finding]) -> dict[str, Any]:
    """The figures of a run."""
    writes = sum(1 for told in history.told if told.changes or told.origin)
    return {
        "seconds": round(history.seconds, 1),
        "calls": len(history.told),
        "calls_per_second": round(len(history.told) / history.seconds),
        "saves_and_changes": writes,
        "transactions_held": history.transactions,
        "answers_lost": history.unheard,
        "slowest_call": round(max((told.seconds for told in history.told), default=0.0), 3),
        "orders": sum(len(company.orders) for company in history.companies),
        "id_sincro_given": sum(company.id_sincro for company in history.companies),
        "rows_read": sum(len(reading.seen) for reading in history.readings),
        "readers": len(history.readings),
        "findings": [{"kind": finding.kind, "text": finding.text} for finding in findings],
    }


def _connect(dsn: str) -> Connection:
    # A pooler in transaction mode gives every transaction another session: nothing is prepared.
    return psycopg.connect(dsn, autocommit=True, prepare_threshold=None)


def _progress(clients: Clients, passed: float, seconds: float) -> Progress:
    calls = sum(len(client.told) for client in clients.all)
    return Progress(min(passed, seconds), seconds, calls, sum(client.failed for client in clients.all))


def _deadlocks(dba: Connection) -> int:
    row = dba.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    return int(row[0]) if row else 0


def _nobody_at_work(dba: Connection, logins: Logins, patience: float = 30) -> None:
    """Calls whose clients are gone may be at work still."""
    at_work = "SELECT count(*) FROM pg_stat_activity WHERE usename = ANY(%s) AND state <> 'idle'"
    writers = [logins.name(who) for who in ("store", "app", "erp")]
    deadline = time.monotonic() + patience
    while dba.execute(at_work, (writers,)).fetchone() != (0,):
        if time.monotonic() > deadline:
            raise TimeoutError(f"calls are still at work {patience} seconds after their clients left")
        time.sleep(0.01)  # other sessions' ends are told to nobody: one asks


def _replica_follows(dba: Connection, scene: Scene, logins: Logins, patience: float = 30) -> None:
    """Wait until the replica has all that the primary has."""
    if scene.replica is None:
        return
    deadline = time.monotonic() + patience
    row = dba.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    # The hub's own database may be among what is to arrive.
    dsn = make_conninfo(scene.replica(logins.superuser), dbname="postgres")
    with psycopg.connect(dsn, autocommit=True) as replica:
        while replica.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row).fetchone() != (True,):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the replica did not follow within {patience} seconds")
            time.sleep(0.01)  # PostgreSQL 15 to 18 have no call that waits for a position of the WAL


def _company(scene: Scene, dba: Connection, azi: str) -> Company:
    if scene.home:
        with psycopg.connect(scene.home(azi), autocommit=True) as shard:
            return _rows(shard, azi)
    return _rows(dba, azi)


def _rows(dba: Connection, azi: str) -> Company:
    query = "SELECT id_pub, prov_tipo, prov_id, id_int, id_sincro, conferma FROM ortes_ops.orders WHERE azi = %s"
    orders = [Order(*row) for row in dba.execute(query, (azi,)).fetchall()]
    query = "SELECT contatore, valore FROM ortes_ops.counters WHERE azi = %s"
    counters = dict(dba.execute(query, (azi,)).fetchall())
    return Company(azi, orders, counters["ID-PUB"], counters["ID-SINCRO"])


def run_and_check(scene: Scene, seconds: float, *, companies: int = 2, **options: Any) -> tuple[History, list[Finding]]:
    """A whole run with logins of its own."""
    with hired(scene.dba, companies) as logins:
        history = run(scene, logins, seconds, **options)
    return history, check(history)
