"""A hub in full work, moved elsewhere: what must be the same there, and what must go on."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ortes_db.deploy import deploy
from ortes_db.server import Server
from tests.conftest import Db
from tests.hub import Hub, one, refused, rows

RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
AZI = "C00001"


class Live:
    """A hub with orders, changes and positions; its logins keep their names wherever it goes."""

    def __init__(self, db: Db) -> None:
        self.hub = Hub(db, AZI)
        self.logins = {who: self.hub.login(who) for who in ("store", "app", "erp", "ops")}
        self.stranger = db.login("stranger", "ortes_store")
        self.work(db.dsn, 1)
        store = psycopg.connect(db.dsn(self.logins["store"]), autocommit=True)
        with store:
            one(store, "SELECT ortes_store.confirm(%s, 3)", AZI)

    def work(self, dsn: Any, first: int) -> None:
        """Five orders from the store and one from the device, three acquired, one exported again, one of the ERP's own."""
        with (
            psycopg.connect(dsn(self.logins["store"]), autocommit=True) as store,
            psycopg.connect(dsn(self.logins["app"]), autocommit=True) as app,
            psycopg.connect(dsn(self.logins["erp"]), autocommit=True) as erp,
        ):
            for id_int in range(first, first + 5):
                saved = one(store, "SELECT ortes_store.save_order(%s, %s, 7, '{\"n\": 1}')", AZI, id_int)
                if id_int < first + 3:
                    one(erp, "SELECT ortes_erp.acquire_order(%s, %s, %s)", AZI, saved, f"T{id_int}")
            one(app, "SELECT ortes_app.save_order(%s, 50, %s)", AZI, first)
            query = "SELECT id_sincro FROM ortes_erp.export_order(%s, %s, 'CNF', p_id_pub => %s)"
            one(erp, query, AZI, f"T{id_int - 2}", saved - 2)
            one(erp, "SELECT id_sincro FROM ortes_erp.export_order(%s, %s, p_autore_cod => 75)", AZI, f"G{first}")


def statements(heading: str) -> list[str]:
    """The SQL blocks of a section of the runbook."""
    section = RUNBOOK.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```sql\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert blocks, f"no statements under {heading!r}"
    return blocks


Rows = dict[str, list[dict[str, Any]]]


def content(dsn: str) -> Rows:
    """All rows of all tables."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        tables = rows(
            connection, "SELECT relname FROM pg_class WHERE relnamespace = 'ortes'::regnamespace AND relkind = 'r'"
        )
        return {
            name: [row for (row,) in rows(connection, f"SELECT to_jsonb(t) FROM ortes.{name} AS t")]
            for (name,) in tables
        }


def kept(before: Rows, after: Rows) -> None:
    """Each table has the rows it had; a later release may have added tables and columns."""
    assert before["arportes"]
    for table, rows_before in before.items():
        columns = rows_before[0].keys() if rows_before else ()
        rows_after = [{column: row[column] for column in columns} for row in after[table]]
        assert sorted(map(str, rows_after)) == sorted(str({c: row[c] for c in columns}) for row in rows_before), table


def counters(dsn: str) -> tuple[int, int]:
    """The last ID-PUB and the last ID-SINCRO given out."""
    with psycopg.connect(dsn, autocommit=True) as dba:
        (pub,), (sincro,) = rows(dba, "SELECT valore FROM ortes_ops.counters WHERE azi = %s ORDER BY contatore", AZI)
        return pub, sincro


def goes_on(live: Live, dsn: Any, **release: Path) -> None:
    """In its new place the hub knows what it knew, lets in whom it let in, and numbers on from where it was.

    `release`: the folders of another release than this one.
    """
    again = deploy(dsn("postgres"), **release)
    assert again.nothing, f"the hub no longer takes itself for what it is: {again}"
    n, m = counters(dsn("postgres"))
    with (
        psycopg.connect(dsn(live.logins["store"]), autocommit=True) as store,
        psycopg.connect(dsn(live.stranger), autocommit=True) as stranger,
    ):
        assert one(store, "SELECT ortes_store.position(%s)", AZI) == 3
        assert [s for (s,) in rows(store, "SELECT id_sincro FROM ortes_store.changes(%s)", AZI)] == [4, 5]
        repeated = one(store, "SELECT ortes_store.save_order(%s, 1, 7, '{\"n\": 1}')", AZI)
        assert repeated == 1, "a repeat after the move made another order"
        with refused("OR003"):
            one(stranger, "SELECT ortes_store.position(%s)", AZI)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            one(store, "SELECT count(*) FROM ortes.arportes")
    live.work(dsn, 101)
    orders = content(dsn("postgres"))["arportes"]
    assert sorted(order["id_pub"] for order in orders) == list(range(1, n + 8))
    new = [order["id_sincro"] for order in orders if order["id_sincro"] > m]
    assert len(new) == len(set(new)) == 4, "three acquired, one of them exported again, and one of the ERP's"
    assert counters(dsn("postgres")) == (n + 7, m + 5)


def run(server: Server, program: str, *arguments: str | Path, **options: Any) -> str:
    """Run one of the server's own programs, as the account that runs the server; its output."""
    owner = os.stat(server.base_dir)
    if os.geteuid() == 0:
        options |= {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
    options.setdefault("cwd", server.base_dir)
    command = [str(server.bin_dir / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout


def promote(server: Server) -> None:
    """Make the replica the primary, and wait until it is."""
    with psycopg.connect(server.dsn(), autocommit=True) as dba:
        assert one(dba, statements("Failing over to a replica")[0])


def all_arrived(primary: Server, standby: Server, seconds: float = 20) -> None:
    """Wait until the replica has replayed what the primary has written."""
    with psycopg.connect(primary.dsn(), autocommit=True) as p, psycopg.connect(standby.dsn(), autocommit=True) as s:
        lsn = one(p, "SELECT pg_current_wal_lsn()")
        wait_for(s, f"SELECT pg_last_wal_replay_lsn() >= '{lsn}'", seconds)


def wait_for(connection: psycopg.Connection[Any], condition: str, seconds: float = 20) -> None:
    """Wait until a query says true: the server polls, we don't."""
    query = f"""DO $wait$ BEGIN
        WHILE clock_timestamp() < now() + '{seconds} s' LOOP
            PERFORM pg_stat_clear_snapshot();
            IF ({condition}) THEN RETURN; END IF;
            PERFORM pg_sleep(0.01);
        END LOOP;
        RAISE EXCEPTION 'not within {seconds} seconds';
    END $wait$"""
    connection.execute(query)  # type: ignore[call-overload]
