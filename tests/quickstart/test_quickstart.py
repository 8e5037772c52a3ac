"""The programs of docs/quickstart/, run as they stand: over a network that loses the answer of every call once.

What they leave must be as if nothing had been lost: no order twice, each confirmed, each reader at the end.
"""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from ortes_db.replica import embedded_replica
from ortes_db.server import Server
from tests.backup.places import all_arrived, wait_for
from tests.conftest import Db
from tests.quickstart.proxy import Proxy

pytestmark = pytest.mark.once
QUICKSTART = Path(__file__).parents[2] / "docs" / "quickstart"
LOGINS = ["shop", "phone", "erp"]
ERP = ["create_order", "acquire_order", "export_order"]
ORDERS = """
SELECT id_pub, prov_tipo, prov_id, id_int, conferma, autore_cod, ack_store, ack_gest, ack_app
FROM ortes_ops.orders ORDER BY id_pub
"""


def need(package: str, *, found: bool) -> None:
    """Skip where something is not installed; in CI it must be."""
    if not found:
        reason = f"{package} is missing"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def have_php() -> bool:
    answer = subprocess.run(["php", "-m"], capture_output=True, text=True) if shutil.which("php") else None
    return bool(answer and "pdo_pgsql" in answer.stdout.lower())


@pytest.fixture(scope="session")
def store_mjs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Node quickstart beside its package `pg`, which npm brings (from its cache, where it can)."""
    need("nodejs and npm (Debian: nodejs, npm)", found=bool(shutil.which("node") and shutil.which("npm")))
    folder = tmp_path_factory.mktemp("node")
    command = [
        "npm",
        "install",
        "--prefer-offline",
        "--fetch-retries=1",
        "--fetch-timeout=20000",
        "--no-audit",
        "--no-fund",
        "--prefix",
        str(folder),
        "pg@8",
    ]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    need(f"pg of the npm registry ({answer.stderr.strip()})", found=answer.returncode == 0)
    return Path(shutil.copy(QUICKSTART / "store.mjs", folder))


class Place:
    """A database with the hub, prepared by setup.sql, and a network to it."""

    def __init__(self, db: Db) -> None:
        self.db = db
        self.dba = db.connect()
        self.proxies: list[Proxy] = []
        self.processes: list[subprocess.Popen[str]] = []
        self.psql = shutil.which("psql", path=str(db.server.bin_dir)) or shutil.which("psql")
        need("psql (Debian: postgresql-client)", found=bool(self.psql))
        self.prepare()

    def prepare(self) -> None:
        command = [str(self.psql), "-X", "-q", "-o", os.devnull, "-f", QUICKSTART / "setup.sql", self.db.dsn()]
        subprocess.run(command, check=True)

    def start(
        self,
        login: str,
        *command: str | Path,
        lose: list[str] | None = None,
        before: dict[str, Callable[[], object]] | None = None,
        read: str = "",
    ) -> tuple["subprocess.Popen[str]", Proxy]:
        """Start a program as `login`, behind a network of its own."""
        proxy = Proxy(self.db.server.socket_dir / ".s.PGSQL.5432", lose or [], before)
        self.proxies.append(proxy)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON"))}
        environment |= {"PGHOST": "127.0.0.1", "PGPORT": str(proxy.port), "PGDATABASE": self.db.name, "PGUSER": login}
        environment |= {"ORTES_READ_DSN": read} if read else {}
        environment |= {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
        process = subprocess.Popen(
            list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.processes.append(process)
        return process, proxy

    def erp(
        self, count: int, **network: str | list[str] | dict[str, Callable[[], object]]
    ) -> tuple["subprocess.Popen[str]", Proxy]:
        return self.start("erp", sys.executable, QUICKSTART / "erp.py", str(count), **network)  # type: ignore[arg-type]

    def orders(self) -> list[tuple[object, ...]]:
        return self.dba.execute(ORDERS).fetchall()

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.communicate()
        for proxy in self.proxies:
            proxy.close()


@pytest.fixture
def place(db: Db) -> Iterator[Place]:
    place = Place(db)
    try:
        yield place
    finally:
        place.close()
        with psycopg.connect(db.dsn(), autocommit=True) as connection:
            for login in LOGINS:
                connection.execute(f"DROP ROLE {login}")


def ended(process: "subprocess.Popen[str]", code: int = 0) -> tuple[str, str]:
    """What a program printed, once it has ended with that code."""
    out, err = process.communicate(timeout=30)
    assert process.returncode == code, out + err
    return out, err


def check_life(place: Place, order: tuple[object, ...], reader: tuple[str, int | None]) -> None:
    """That the order went through its life once, beside the ERP's own."""
    flag = {"S": 6, "A": 8}[reader[0]]
    orders = place.orders()
    assert len(orders) == 2
    assert {row[1:5] for row in orders} == {order, ("G", None, None, "CK3")}
    assert all(row[7] for row in orders)
    confirmed = next(row for row in orders if row[1:5] == order)
    assert confirmed[flag]
    assert confirmed[5] in (123, 15)
    # Acquisition and confirmation, and the ERP's own order: repeats took no numbers.
    counters = place.dba.execute("SELECT valore FROM ortes_ops.counters ORDER BY contatore").fetchall()
    assert counters == [(2,), (3,)]
    position = place.dba.execute("SELECT prov_tipo, prov_id, position FROM ortes_ops.readers").fetchall()
    last = place.dba.execute("SELECT max(id_sincro) FROM ortes_ops.orders WHERE prov_tipo <> 'G'").fetchone()
    assert last is not None
    assert [(row[0], row[1]) for row in position] == [reader]
    assert position[0][2] >= last[0]


def store_or_app(place: Place, who: str, request: pytest.FixtureRequest) -> tuple[str, list[str | Path]]:
    """Login and command of the Node store or the PHP app."""
    if who == "store":
        return "shop", ["node", request.getfixturevalue("store_mjs")]
    need("php with pdo_pgsql (Debian: php-cli, php-pgsql)", found=have_php())
    return "phone", ["php", QUICKSTART / "app.php"]


@pytest.mark.parametrize("who", ["store", "app"])
def test_store_and_app_with_the_erp_while_answers_get_lost(
    place: Place, who: str, request: pytest.FixtureRequest
) -> None:
    login, command = store_or_app(place, who, request)
    erp, erp_network = place.erp(1, lose=ERP if who == "store" else ERP[1:])  # the app knows its user's code
    client, network = place.start(login, *command, lose=["save_order", "changes", "import_order", "confirm("])
    out, err = ended(client)
    erp_out, erp_err = ended(erp)
    assert network.to_lose == erp_network.to_lose == []
    assert err.count("again, connection lost\n") == len(network.lost) == 4
    assert erp_err.count("again, connection lost\n") == len(erp_network.lost)
    assert "order 150 saved as " in out
    assert ", confirmation CNF" in out
    assert " confirmed as C2017" in erp_out
    prov_id = None if who == "store" else 50
    id_pub = out.split("saved as ")[1].split()[0]
    check_life(
        place, ("S" if who == "store" else "A", prov_id, 150, f"CNF{id_pub}"), ("S" if who == "store" else "A", prov_id)
    )


@pytest.fixture(scope="module")
def replica(server: Server) -> Iterator[Server]:
    """A hot standby that follows this worker's server."""
    with embedded_replica(server) as running:
        yield running


@pytest.mark.parametrize("who", ["store", "app"])
def test_they_read_from_a_standby_that_lags(
    place: Place, replica: Server, who: str, request: pytest.FixtureRequest
) -> None:
    login, command = store_or_app(place, who, request)
    folder = replica.socket_dir
    # Node's pg takes an address, PDO what libpq calls a connection string.
    by_user = {
        "erp": make_conninfo(host=str(folder), port=5432, dbname=place.db.name, user="erp"),
        "shop": f"postgresql://shop@/{place.db.name}?host={folder}&port=5432",
        "phone": f"host={folder} port=5432 dbname={place.db.name} user=phone",
    }
    all_arrived(place.db.server, replica)
    timers: list[threading.Timer] = []
    with psycopg.connect(replica.dsn(place.db.name), autocommit=True) as standby:

        def lag() -> None:
            standby.execute("SELECT pg_wal_replay_pause()")
            timers.append(threading.Timer(0.3, lambda: standby.execute("SELECT pg_wal_replay_resume()")))
            timers[-1].start()

        erp, erp_network = place.erp(1, read=by_user["erp"], before={"export_order": lag})
        client, network = place.start(login, *command, read=by_user[login], before={"confirm(": lag})
        out, _ = ended(client)
        ended(erp)
        for timer in timers:
            timer.join()
    assert erp_network.passed.isdisjoint({"pending("})
    assert network.passed.isdisjoint({"changes("})
    assert {"confirm(", "position("} <= network.passed
    prov_id = None if who == "store" else 50
    id_pub = out.split("saved as ")[1].split()[0]
    check_life(
        place, ("S" if who == "store" else "A", prov_id, 150, f"CNF{id_pub}"), ("S" if who == "store" else "A", prov_id)
    )
    assert len(out.splitlines()) <= 4, "what was confirmed came again"


@pytest.mark.parametrize("who", ["store", "app"])
def test_another_order_under_the_same_number_ends_with_or006(
    place: Place, who: str, request: pytest.FixtureRequest
) -> None:
    login, command = store_or_app(place, who, request)
    place.dba.execute("SELECT ortes_store.save_order('C00001', 150), ortes_app.save_order('C00001', 50, 150)")
    client, _ = place.start(login, *command)
    out, err = ended(client, 1)
    assert out == ""
    assert "again" not in err
    for part in ("OR006", "same order, other content", "ID-PUB"):
        assert part in err
    assert len(place.orders()) == 2


@pytest.mark.parametrize("who", ["store", "app"])
def test_a_hub_that_went_back_in_time_ends_with_or008(place: Place, who: str, request: pytest.FixtureRequest) -> None:
    login, command = store_or_app(place, who, request)
    place.dba.execute("INSERT INTO ortes.reader (azi, prov_tipo, prov_id, id_sincro) VALUES ('C00001', 'S', NULL, 99)")
    place.dba.execute("INSERT INTO ortes.reader (azi, prov_tipo, prov_id, id_sincro) VALUES ('C00001', 'A', 50, 99)")
    client, _ = place.start(login, *command)
    _, err = ended(client, 1)
    assert "OR008" in err
    assert "reading position beyond the counter" in err


@pytest.mark.parametrize("who", ["store", "app"])
def test_a_busy_company_is_waited_for(place: Place, who: str, request: pytest.FixtureRequest) -> None:
    login, command = store_or_app(place, who, request)
    place.dba.execute(f"ALTER ROLE {login} SET lock_timeout = '100ms'")
    other = place.db.connect(autocommit=False)

    def hold() -> None:
        other.execute("SELECT ortes_store.save_order('C00001', 1)")
        threading.Timer(0.4, other.rollback).start()

    client, _ = place.start(login, *command, before={"save_order": hold})
    place.erp(1)
    _, err = ended(client)
    assert "again, 55P03\n" in err
    assert len(place.orders()) == 2


def test_the_erp_exports_again_when_the_order_changed_meanwhile(place: Place) -> None:
    place.dba.execute("SELECT ortes_store.save_order('C00001', 150)")

    def somebody_else() -> None:
        place.dba.execute("SELECT * FROM ortes_erp.export_order('C00001', 'C201700000001', 'OTHER', p_id_pub => 1)")

    erp, _ = place.erp(1, before={"p_if_sincro": somebody_else})
    out, err = ended(erp)
    assert "again, OR009\n" in err
    assert "order 1 confirmed as C201700000001" in out
    assert [row[4] for row in place.orders()] == ["CNF1", "CK3"]


def test_the_erp_without_access_is_told_who_grants_it(place: Place) -> None:
    place.dba.execute("SELECT ortes_ops.revoke_access('erp', 'C00001')")
    erp, _ = place.erp(1)
    _, err = ended(erp, 1)
    assert err.startswith("OR003")
    assert "ortes_ops.grant_access" in err


def test_by_hand_with_psql_is_run_again_after_a_lost_answer(place: Place) -> None:
    doors = ["save_order", "create_order", "acquire_order", "export_order", "import_orders", "confirm("]
    for door in doors:
        process, network = place.start("postgres", str(place.psql), "-X", "-f", QUICKSTART / "by_hand.sql", lose=[door])
        ended(process, 2)
        assert network.lost == [door]
    process, _ = place.start("postgres", str(place.psql), "-X", "-f", QUICKSTART / "by_hand.sql")
    out, err = ended(process)
    assert "It is order 1\n" in out
    assert "same order, other content" in err
    assert "The store gives the other order a number of its own.\n" in out
    assert [row[1:5] for row in place.orders()] == [("S", None, 150, "ABCD")]
    assert place.dba.execute("SELECT valore FROM ortes_ops.counters ORDER BY contatore").fetchall() == [(1,), (2,)]
    assert place.dba.execute("SELECT prov_tipo, position FROM ortes_ops.readers").fetchall() == [("S", 2)]


def test_by_hand_with_psql_reads_from_a_standby_that_lags(place: Place, replica: Server) -> None:
    read = f"host={replica.socket_dir} port=5432 dbname={place.db.name}"
    by_hand = [str(place.psql), "-X", "-f", QUICKSTART / "by_hand.sql"]
    position = "SELECT position FROM ortes_ops.readers"
    all_arrived(place.db.server, replica)
    with psycopg.connect(replica.dsn(place.db.name), autocommit=True) as standby:
        standby.execute("SELECT pg_wal_replay_pause()")
        wait_for(standby, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
        try:
            process, network = place.start("postgres", *by_hand, read=read)
            out, _ = ended(process)
        finally:
            standby.execute("SELECT pg_wal_replay_resume()")
    assert "Nothing that is not confirmed yet." in out
    assert place.dba.execute(position).fetchall() == []
    all_arrived(place.db.server, replica)
    process, again = place.start("postgres", *by_hand, read=read)
    out, _ = ended(process)
    assert "C201700000001 | ABCD" in out
    assert network.passed == set()
    assert again.passed == {"confirm("}
    assert [row[1:5] for row in place.orders()] == [("S", None, 150, "ABCD")]
    assert place.dba.execute(position).fetchall() == [(2,)]


def test_the_setup_can_be_repeated(place: Place) -> None:
    place.prepare()
    assert place.dba.execute("SELECT count(*) FROM ortes.access").fetchone() == (3,)
