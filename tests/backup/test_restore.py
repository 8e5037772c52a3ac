"""An older backup restored while the systems are ahead: the runbook's own statements get everyone going, nothing lost."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.backup.places import AZI, Live, statements
from tests.conftest import Db
from tests.hub import one, refused, rows

OUTSIDE = "azi, id_pub, tor_chia, conferma, id_int, ack_store, ack_gest, ack_app, prov_tipo, prov_id, autore_cod, dati"


class Disaster:
    """A hub with a backup, and what happened since; the systems' own memory outlives it."""

    def __init__(self, db: Db) -> None:
        self.db = db
        self.live = Live(db)
        self.backup = f"{db.name}_restored"
        db.disconnect()
        with psycopg.connect(db.server.dsn(), autocommit=True) as server:
            # As good a backup as any, and the quickest.
            server.execute(f"CREATE DATABASE {self.backup} TEMPLATE {db.name}")  # type: ignore[call-overload]
        self.store, self.app, self.erp = (self.at(db.name, who) for who in ("store", "app", "erp"))
        self.seen = self.read(self.store, 0)
        save = "SELECT ortes_store.save_order(%s, %s, 7, %s)"
        saved = {n: one(self.store, save, AZI, n, Jsonb({"n": n})) for n in (6, 7, 8)}
        device = one(self.app, "SELECT ortes_app.save_order(%s, 50, 2, 9, %s)", AZI, Jsonb({"from": "device"}))
        self.answer_lost = one(self.store, save, AZI, 99, Jsonb({"n": 99}))
        acquire = "SELECT ortes_erp.acquire_order(%s, %s, %s)"
        for id_pub in (saved[6], device, 4, self.answer_lost):
            one(self.erp, acquire, AZI, id_pub, f"A{id_pub}")
        export = "SELECT id_pub FROM ortes_erp.export_order(%s, %s, %s, 75, %s, %s)"
        one(self.erp, export, AZI, "T2", "CHANGED", Jsonb({"by": "erp"}), 2)
        one(self.erp, export, AZI, f"A{saved[6]}", "CNF", None, saved[6])
        self.erps_own = one(self.erp, export, AZI, "G2", "CNF", Jsonb({"own": True}), None)
        self.seen |= self.read(self.store, 5)
        one(self.store, "SELECT ortes_store.import_order(%s, %s)", AZI, self.erps_own)
        one(self.app, "SELECT ortes_app.import_order(%s, 50, 3)", AZI)
        self.position = max(row["id_sincro"] for row in self.seen.values())
        one(self.store, "SELECT ortes_store.confirm(%s, %s)", AZI, self.position)
        # Nobody got the answer to this one, and nobody else saw it.
        one(self.store, save, AZI, 98, Jsonb({"n": 98}))
        self.nobodys = 98
        self.orders = self.all_orders(db.name)
        self.known = [order for order in self.orders if order[4] != self.nobodys]
        for connection in (self.store, self.app, self.erp):
            connection.close()

    def at(self, database: str, who: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self.db.server.dsn(database, self.live.logins[who]), autocommit=True)

    def all_orders(self, database: str) -> list[Any]:
        with psycopg.connect(self.db.server.dsn(database), autocommit=True) as dba:
            return rows(dba, f"SELECT {OUTSIDE} FROM ortes_ops.orders ORDER BY id_pub")

    def read(self, store: psycopg.Connection[Any], since: int | None) -> dict[int, dict[str, Any]]:
        """What the store finds after a position, by ID-PUB."""
        query = "SELECT id_pub, to_jsonb(c) FROM ortes_store.changes(%s, %s) AS c"
        return dict(rows(store, query, AZI, since))

    def lists(self, folder: Path, leaving_out: int | None = None) -> None:
        """The files that the systems are asked for, each from what that system knows."""
        lost, area, imported = [], [], []
        for (
            azi,
            id_pub,
            tor_chia,
            conferma,
            id_int,
            ack_store,
            _,
            ack_app,
            tipo,
            prov_id,
            autore_cod,
            dati,
        ) in self.known:
            if tipo == "G":
                lost.append((azi, id_pub, "G", None, None, tor_chia, conferma, autore_cod, json.dumps(dati)))
            elif id_pub != leaving_out:
                first = dati if id_pub != 2 else {"n": 1}
                content = None if first is None else json.dumps(first)
                lost.append((azi, id_pub, tipo, prov_id, id_int, None, None, autore_cod, content))
            if tor_chia:
                area.append((azi, id_pub, tor_chia, conferma, autore_cod, None if dati is None else json.dumps(dati)))
            if tipo == "G" and ack_store:
                imported.append((azi, "S", None, id_pub))
            if tipo == "S" and ack_app:
                imported.append((azi, "A", 50, id_pub))
        for name, table in (("lost_orders", lost), ("area", area), ("imported", imported)):
            with open(folder / f"{name}.csv", "w", newline="") as file:
                csv.writer(file).writerows([["header"] * len(table[0]), *table])

    def psql(self, blocks: list[str], folder: Path, **variables: Any) -> str:
        """Run statements as a DBA would, in one session; what psql prints."""
        given = [argument for name, value in variables.items() for argument in ("-v", f"{name}={value}")]
        command = [self.db.server.bin_dir / "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", *given]
        command += ["-d", self.db.server.dsn(self.backup)]
        done = subprocess.run(command, input="\n".join(blocks), capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def rename(self) -> None:
        """Step 6: the database gets its name."""
        with psycopg.connect(self.db.server.dsn(), autocommit=True) as server:
            server.execute(f"DROP DATABASE {self.db.name} WITH (FORCE)")  # type: ignore[call-overload]
            server.execute(f"ALTER DATABASE {self.backup} RENAME TO {self.db.name}")  # type: ignore[call-overload]


@pytest.fixture
def disaster(db: Db) -> Any:
    made = Disaster(db)
    yield made
    with psycopg.connect(db.server.dsn(), autocommit=True) as server:
        server.execute(f"DROP DATABASE IF EXISTS {made.backup} WITH (FORCE)")  # type: ignore[call-overload]


def test_the_runbook_brings_everything_back(disaster: Disaster, tmp_path: Path) -> None:
    with disaster.at(disaster.backup, "store") as store, refused("OR008"):
        disaster.read(store, disaster.position)

    blocks = statements("Restoring an older backup")
    highest = max(order[1] for order in disaster.known)
    given = {"azi": AZI, "highest_id_sincro": disaster.position, "highest_id_pub": highest}
    # The order whose store got no answer, while the ERP acquired it: the check names it.
    disaster.lists(tmp_path, leaving_out=disaster.answer_lost)
    assert disaster.psql(blocks[:2], tmp_path, **given).splitlines()[-1].startswith(f"{AZI}|{disaster.answer_lost}|")
    disaster.lists(tmp_path)
    disaster.psql(blocks, tmp_path, **given)
    assert disaster.all_orders(disaster.backup) == disaster.known, "every order that anyone knew of, under its number"
    disaster.rename()

    with disaster.at(disaster.db.name, "store") as store:
        # Systems repeat their last calls and go on.
        save = "SELECT ortes_store.save_order(%s, %s, 7, %s)"
        assert one(store, save, AZI, 99, Jsonb({"n": 99})) == disaster.answer_lost
        assert one(store, save, AZI, 6, Jsonb({"n": 6})) == next(o[1] for o in disaster.known if o[4] == 6)
        assert one(store, save, AZI, disaster.nobodys, Jsonb({"n": 98})) == highest + 1
        assert one(store, save, AZI, 100, None) == highest + 2
        # The reader was ahead; it sees what was written again, and misses nothing.
        news = disaster.read(store, disaster.position)
        held = disaster.seen | news
    for azi, id_pub, tor_chia, conferma, *_, dati in disaster.known:
        if tor_chia:
            got = held[id_pub]
            assert (got["azi"], got["tor_chia"], got["conferma"], got["dati"]) == (azi, tor_chia, conferma, dati)
    assert min(row["id_sincro"] for row in news.values()) == disaster.position + 1


def test_let_in_too_early(disaster: Disaster, tmp_path: Path) -> None:
    # Nobody moved the counters: the ERP and another store's orders are numbered anew, up to what the reader has read.
    with disaster.at(disaster.backup, "store") as store, disaster.at(disaster.backup, "erp") as erp:
        for n in range(201, 201 + disaster.position):
            id_pub = one(store, "SELECT ortes_store.save_order(%s, %s)", AZI, n)
            one(erp, "SELECT ortes_erp.acquire_order(%s, %s, %s)", AZI, id_pub, f"X{n}")
        everything = disaster.read(store, 0)

        def missed(found: dict[int, dict[str, Any]]) -> set[int]:
            held = disaster.seen | found
            return {n for n, row in everything.items() if held.get(n, {}).get("tor_chia") != row["tor_chia"]}

        assert missed(disaster.read(store, disaster.position)), "the reader would notice nothing, and miss changes"

        given = {"azi": AZI, "highest_id_sincro": disaster.position, "highest_id_pub": 1, "id_sincro_of_backup": 5}
        one(store, "SELECT ortes_store.confirm(%s, %s)", AZI, disaster.position)
        disaster.psql(statements("Systems were let in too early"), tmp_path, **given)
        assert not missed(disaster.read(store, None))


def test_resyncing_a_reader(disaster: Disaster, tmp_path: Path) -> None:
    with disaster.at(disaster.backup, "store") as store:
        position = one(store, "SELECT ortes_store.position(%s)", AZI)
        assert position == 3
        given = {"azi": AZI, "prov_tipo": "S", "prov_id": "", "id_sincro": 1}
        disaster.psql(statements("Resyncing a reader"), tmp_path, **given)
        assert one(store, "SELECT ortes_store.position(%s)", AZI) == 1
        assert [row["id_sincro"] for row in disaster.read(store, None).values()] == [2, 4, 5]


def test_moving_a_counter(disaster: Disaster, tmp_path: Path) -> None:
    disaster.psql(statements("Moving a counter"), tmp_path, azi=AZI, contatore="ID-PUB", valore=5000)
    with disaster.at(disaster.backup, "store") as store:
        assert one(store, "SELECT ortes_store.save_order(%s, 500)", AZI) == 5001
