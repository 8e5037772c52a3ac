"""Two shards and a directory: a company at work on one, moved to the other, and what must hold whatever happened between."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

import ortes_db.router
from ortes_db.router.move import Moved, Progress, move, undo
from ortes_db.server import Server
from tests.hub import one, rows

SQL = Path(ortes_db.router.__file__).parent / "sql"
# Of the router only what the mover asks: the directory and its lock. So these tests need no PL/Proxy.
DIRECTORY = (
    "tables.sql",
    "ortes_router/bound_wait.sql",
    "ortes_router/raise_busy.sql",
    "ortes_router/hold_company.sql",
)
AZI = "C00001"
OTHER = "C00002"
TABLES = ("company", "apstatosyn", "reader", "access", "arportes", "history")
LEFTOVERS = {
    "publications": "SELECT pubname FROM pg_publication",
    "slots": "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()",
    "subscriptions": """
        SELECT subname FROM pg_subscription WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    """,
    "origins": """
        SELECT roname FROM pg_replication_origin
        WHERE NOT EXISTS (SELECT FROM pg_subscription AS s WHERE roname LIKE 'pg\\_' || s.oid || '%%')
    """,
}
_serial = count(1)


@dataclass
class Shards:
    """Databases s1 and s2, which may be on two servers, and the directory, on the first one's."""

    servers: dict[str, Server]
    names: dict[str, str]
    logins: dict[str, str] = field(default_factory=dict)
    worked: int = 0

    def dsn(self, where: str, login: str | None = None) -> str:
        return self.servers[where].dsn(self.names[where], login)

    def connect(self, where: str, login: str | None = None) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn(where, login), autocommit=True)

    def ask(self, where: str, query: str, *arguments: Any) -> list[Any]:
        with self.connect(where) as connection:
            return rows(connection, query, *arguments)

    def home(self, azi: str = AZI) -> str:
        return self.ask("router", "SELECT shard FROM ortes_router.company WHERE azi = %s", azi)[0][0]

    @property
    def away(self) -> str:
        """The shard where the company is not."""
        return "s1" if self.home() == "s2" else "s2"

    def move(self, to: str, **options: Any) -> Moved:
        return move(self.dsn("router"), AZI, to, **options)

    def undo(self) -> Moved:
        return undo(self.dsn("router"), AZI)

    def work(self, azi: str = AZI) -> None:
        """At the company's home: orders of a store, an acquisition, a change, an order of the ERP's, a position."""
        home, first = self.home(azi), self.worked * 10 + 1
        self.worked += 1
        with (
            self.connect(home, self.logins["store"]) as store,
            self.connect(home, self.logins["erp"]) as erp,
        ):
            for id_int in range(first, first + 4):
                saved = one(store, "SELECT ortes_store.save_order(%s, %s, 7, '{\"n\": 1}')", azi, id_int)
            one(erp, "SELECT ortes_erp.acquire_order(%s, %s, %s)", azi, saved, f"T{first}")
            query = "SELECT id_sincro FROM ortes_erp.export_order(%s, %s, %s, p_dati => '{\"n\": 2}', p_id_pub => %s)"
            one(erp, query, azi, f"T{first}", f"C{first}", saved)
            number = one(erp, "SELECT id_sincro FROM ortes_erp.export_order(%s, %s)", azi, f"G{first}")
            one(erp, "SELECT ortes_erp.create_order(%s, %s, 9)", azi, saved - 1)
            one(store, "SELECT ortes_store.import_order(%s, %s)", azi, saved + 1)
            one(store, "SELECT ortes_store.confirm(%s, %s)", azi, number - 1)

    def content(self, where: str, azi: str = AZI) -> dict[str, list[str]]:
        """All that a shard holds of a company."""
        with self.connect(where) as connection:
            return {
                table: [
                    text for (text,) in rows(connection, f"SELECT t::text FROM ortes.{table} AS t WHERE azi = %s", azi)
                ]
                for table in TABLES
            }

    def leftovers(self) -> list[str]:
        """What moves may have left anywhere."""
        found = [f"move of {azi}" for (azi,) in self.ask("router", "SELECT azi FROM ortes_router.move")]
        for shard in ("s1", "s2"):
            for what, query in LEFTOVERS.items():
                found += [f"{what} on {shard}: {name}" for (name,) in self.ask(shard, query)]
        return found

    def goes_on(self, at: str) -> None:
        """The company lives there and nowhere else, complete; it numbers on, knows repeats, and lets in whom it let in."""
        assert self.home() == at
        elsewhere = "s1" if at == "s2" else "s2"
        assert not any(self.content(elsewhere).values()), f"{elsewhere} has rows of the company"
        assert self.leftovers() == []
        with self.connect(at) as dba, self.connect(at, self.logins["store"]) as store:
            counters = "SELECT valore FROM ortes_ops.counters WHERE azi = %s ORDER BY contatore"
            (n,), (m,) = rows(dba, counters, AZI)
            id_pubs = "SELECT id_pub FROM ortes.arportes WHERE azi = %s ORDER BY 1"
            assert [i for (i,) in rows(dba, id_pubs, AZI)] == list(range(1, n + 1))
            position = one(store, "SELECT ortes_store.position(%s)", AZI)
            assert position == m - 1
            assert [i for (i,) in rows(store, "SELECT id_sincro FROM ortes_store.changes(%s)", AZI)] == [m]
            assert one(store, "SELECT ortes_store.save_order(%s, 1, 7, '{\"n\": 1}')", AZI) == 1, (
                "a repeat made an order"
            )
        self.work()
        with self.connect(at) as dba:
            assert rows(dba, counters, AZI) == [(n + 5,), (m + 3,)]
            audited = one(dba, "SELECT count(*) FROM ortes.history WHERE azi = %s AND id_pub > %s", AZI, n)
            assert audited >= 5, "the company's audit did not come along"


def kill_at(shards: Shards, to: str, step: str) -> None:
    """Run the move in a process of its own, killed when it comes to that step."""
    if not (child := os.fork()):

        def kill(now: Progress) -> None:
            if now.step == step:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            shards.move(to, report=kill)
        finally:
            os._exit(1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == -signal.SIGKILL, f"it never came to {step!r}"


@contextmanager
def two_shards(first: Server, second: Server, template: str) -> Iterator[Shards]:
    """Two hubs with a company each way, and the directory."""
    number = next(_serial)
    servers = {"router": first, "s1": first, "s2": second}
    shards = Shards(servers, {where: f"move_{where}_{number}" for where in servers})
    try:
        for where, server in servers.items():
            source = "template1" if where == "router" else template
            with psycopg.connect(server.dsn(), autocommit=True) as dba:
                dba.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                        sql.Identifier(shards.names[where]), sql.Identifier(source)
                    )
                )
        with shards.connect("router") as router:
            for who in ("store", "erp"):
                shards.logins[who] = f"move_{who}_{number}"
            router.execute("CREATE SCHEMA ortes_router")
            for file in DIRECTORY:
                router.execute((SQL / file).read_text())  # type: ignore[arg-type]
            for shard in ("s1", "s2"):
                options = make_conninfo(host=str(servers[shard].socket_dir), port=5432, dbname=shards.names[shard])
                router.execute("INSERT INTO ortes_router.shard (name, options) VALUES (%s, %s)", (shard, options))
            for azi in (AZI, OTHER):
                router.execute("INSERT INTO ortes_router.company (azi, shard) VALUES (%s, 's1')", (azi,))
        for server in {first, second}:
            with psycopg.connect(server.dsn(), autocommit=True) as dba:
                for who, login in shards.logins.items():
                    role = sql.Identifier(f"ortes_{who}")
                    dba.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE {}").format(sql.Identifier(login), role))
        with shards.connect("s1") as dba:
            for azi in (AZI, OTHER):
                dba.execute("SELECT ortes_ops.create_company(%s)", (azi,))
                for login in shards.logins.values():
                    dba.execute("SELECT ortes_ops.grant_access(%s, %s)", (login, azi))
            dba.execute("SELECT ortes_ops.set_audit(%s, true)", (AZI,))
        shards.work()
        shards.work(OTHER)
        shards.worked = 1
        yield shards
    finally:
        _remove(shards)


def _remove(shards: Shards) -> None:
    for where in ("s2", "s1", "router"):
        with psycopg.connect(shards.servers[where].dsn(), autocommit=True) as dba:
            name = shards.names[where]
            if not rows(dba, "SELECT FROM pg_database WHERE datname = %s", name):
                continue
            with shards.connect(where) as inside:
                for (subscription,) in rows(inside, LEFTOVERS["subscriptions"]):
                    for clause in ("DISABLE", "SET (slot_name = NONE)"):
                        inside.execute(sql.SQL("ALTER SUBSCRIPTION {} " + clause).format(sql.Identifier(subscription)))
                    inside.execute(sql.SQL("DROP SUBSCRIPTION {}").format(sql.Identifier(subscription)))
            dba.execute(
                "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE database = %s AND active",
                (name,),
            )
            dba.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s", (name,)
            )
            dba.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
    for server in {shards.servers["s1"], shards.servers["s2"]}:
        with psycopg.connect(server.dsn(), autocommit=True) as dba:
            for login in shards.logins.values():
                dba.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login)))
