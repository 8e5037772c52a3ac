"""`ortes router …` and the other commands against a router, as one types them."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest
from click.testing import CliRunner, Result

from ortes_db.cli import main
from ortes_db.server import Server
from tests.board.running import running
from tests.command import ENVIRONMENT
from tests.hub import one, rows
from tests.router.conftest import Cluster, new_cluster

pytestmark = pytest.mark.once

Ortes = Callable[..., Result]


@pytest.fixture
def ortes(monkeypatch: pytest.MonkeyPatch) -> Ortes:
    """The command where there is no terminal, in this very process: starting one takes a second."""
    for name in os.environ:
        if name.startswith("PG"):
            monkeypatch.delenv(name)
    return lambda *arguments: CliRunner().invoke(main, arguments, prog_name="ortes")


@pytest.fixture(scope="module")
def shared(router_server: Server, templates: None) -> Iterator[Cluster]:
    """One for those that change nothing. Company C1 lives on s0."""
    with new_cluster(router_server) as cluster:
        cluster.company("C1", "s0")
        yield cluster


def test_deploy_tells_what_it_made_and_what_is_to_do(cluster: Cluster, ortes: Ortes) -> None:
    login = cluster.login("ortes_store")
    told = ortes("router", "deploy", "--router", cluster.dsn())
    assert told.exit_code == 0, told.stderr
    assert "shard: 2\n    s0\n    s1\n" in told.stdout
    assert "ortes_ops.orders: " in told.stdout
    assert f"ortes router login {login}" in told.stdout
    made = json.loads(ortes("router", "deploy", "--router", cluster.dsn(), "--json").stdout)
    assert (made["shards"], made["dropped"]) == (["s0", "s1"], [])


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["deploy", "--shard", "dbname=x"], 2, "host missing"),
        (["deploy", "--shard", "nonsense"], 2, "not a connection string"),
        (["deploy", "--shard", "x=host=/nowhere dbname=x"], 1, "shard x cannot be reached"),
        (["set", "s0"], 2, "nothing to set"),
        (["set", "s9", "--full"], 2, "no shard s9"),
        (["set", "s0", "--weight", "0"], 2, "--weight"),
        (["set", "s0", "--address", "dbname=x"], 2, "host missing"),
        (["remove", "s9"], 2, "no shard s9"),
        (["remove", "s0"], 2, "1 companies live on it"),
        (["login", "nobody of that name"], 2, "no login nobody of that name"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_it_was(
    shared: Cluster, ortes: Ortes, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, says: str
) -> None:
    monkeypatch.setenv("ORTES_LOGIN_PASSWORD", "x")
    told = ortes("router", *arguments, "--router", shared.dsn())
    assert (told.exit_code, told.stdout) == (code, "")
    assert says in told.stderr
    assert told.stderr.strip().splitlines()[-1].startswith("Error: ")


def test_a_hub_and_an_empty_database_are_no_router(shared: Cluster, ortes: Ortes) -> None:
    for dsn in (shared.dsn("s0"), shared.server.dsn("postgres")):
        told = ortes("router", "status", "--router", dsn)
        assert (told.exit_code, told.stdout) == (2, "")
        assert "no router" in told.stderr


@pytest.mark.parametrize(
    "command", [("router", "status", "--router"), ("status", "--dsn")], ids=["router status", "status"]
)
def test_status_tells_who_answers_and_what_differs(cluster: Cluster, ortes: Ortes, command: tuple[str, ...]) -> None:
    cluster.company("C1", "s1")
    told = ortes(*command, cluster.dsn())
    assert (told.exit_code, told.stderr) == (0, "")
    assert told.stdout.endswith("All shards answer.\n")
    assert [line.split()[:3] for line in told.stdout.splitlines() if line.strip().startswith("s")][1:] == [
        ["s0", "up", "0"],
        ["s1", "up", "1"],
    ]
    ortes("router", "set", "s0", "--close", "--router", cluster.dsn())
    cluster.stop("s1")
    cluster.connect().execute("REVOKE EXECUTE ON FUNCTION ortes_erp.pending FROM ortes_erp")
    told = ortes(*command, cluster.dsn())
    assert told.exit_code == 1
    assert "DOWN" in told.stdout
    assert "closed" in told.stdout
    assert "changed by hand" in told.stdout
    found = json.loads(ortes(*command, cluster.dsn(), "--json").stdout)
    assert (found["good"], [shard["up"] for shard in found["shards"]]) == (False, [False, False])
    cluster.start("s1")


def test_set_and_remove(cluster: Cluster, ortes: Ortes) -> None:
    cluster.company("C1", "s0")
    query = "SELECT accepts, closed, weight, options LIKE '%%elsewhere%%' FROM ortes_router.shard WHERE name = 's1'"
    arguments = ("--full", "--close", "--weight", "2.5", "--address", "host=elsewhere dbname=x password=s3cret")
    told = ortes("router", "set", "s1", *arguments, "--router", cluster.dsn())
    assert (told.exit_code, told.stderr) == (0, "")
    assert rows(cluster.connect(), query) == [(False, True, 2.5, True)]
    assert one(cluster.connect(), "SELECT options LIKE '%s3cret%' FROM ortes_router.shard WHERE name = 's1'") is False
    assert ortes("router", "remove", "s1", "--router", cluster.dsn()).exit_code == 0
    assert rows(cluster.connect(), "SELECT name FROM ortes_router.shard") == [("s0",)]


def test_login_takes_the_password_from_the_terminal_or_the_environment(
    cluster: Cluster, ortes: Ortes, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = cluster.login("ortes_store")
    kept = "SELECT password FROM ortes_router.login WHERE name = %s"
    monkeypatch.setenv("ORTES_LOGIN_PASSWORD", "from the environment")
    told = ortes("router", "login", login, "--router", cluster.dsn())
    assert (told.exit_code, told.stdout, told.stderr) == (0, "kept\n", "")
    assert one(cluster.connect(), kept, login) == "from the environment"
    monkeypatch.delenv("ORTES_LOGIN_PASSWORD")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ortes_db", "router", "login", login, "--router", cluster.dsn()]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=ENVIRONMENT, start_new_session=True
    ) as typing:
        os.close(theirs)
        shown = b""
        while b"on the shards: " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"typed in\n")
        try:
            while more := os.read(ours, 1000):
                shown += more
        except OSError:
            pass  # the terminal is gone with the command
    os.close(ours)
    assert typing.returncode == 0, shown
    assert b"typed in" not in shown
    assert one(cluster.connect(), kept, login) == "typed in"
    assert ortes("router", "login", login, "--forget", "--router", cluster.dsn()).stdout == "forgotten\n"
    assert rows(cluster.connect(), kept, login) == []


def test_a_password_that_opens_no_shard_is_said(
    cluster: Cluster, ortes: Ortes, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = cluster.login("ortes_store")
    monkeypatch.setenv("ORTES_LOGIN_PASSWORD", "x")
    cluster.stop("s1")
    told = ortes("router", "login", login, "--router", cluster.dsn())
    assert told.exit_code == 1
    assert "does not let it in: 1\n    s1: " in told.stdout
    cluster.start("s1")


def test_order_tells_where_an_order_is(cluster: Cluster, ortes: Ortes) -> None:
    cluster.company("C1", "s1")
    store = cluster.connect(cluster.login("ortes_store", "C1"))
    store.execute("SELECT ortes_store.save_order('C1', 150)")
    for login in (None, cluster.login("ortes_monitor")):
        told = ortes("order", "C1", "--id-int", "150", "--store", "--dsn", cluster.dsn(login=login))
        assert (told.exit_code, told.stderr) == (0, "")
        assert "order 1 of company C1" in told.stdout
    told = ortes("order", "NOWHERE", "--id-pub", "1", "--dsn", cluster.dsn())
    assert told.exit_code == 2
    assert "unknown company" in told.stderr


def test_top_and_metrics_show_the_companies_of_all_shards(cluster: Cluster, ortes: Ortes) -> None:
    for azi in ("C1", "C2"):
        cluster.company(azi)
    cluster.connect().execute("SELECT ortes_store.save_order('C2', 150)")
    dsn = cluster.dsn(login=cluster.login("ortes_monitor"))
    shown = json.loads(ortes("top", "--json", "--interval", "0.1", "--dsn", dsn).stdout)
    assert {one["azi"]: one["pending"] for one in shown["companies"]} == {"C1": 0, "C2": 1}
    told = ortes("metrics", "--once", "--dsn", dsn)
    assert told.exit_code == 0
    assert "ortes_up 1.0" in told.stdout
    assert '{azi="C2"} 1.0' in told.stdout
    cluster.stop("s1")
    shown = json.loads(ortes("top", "--json", "--interval", "0.1", "--dsn", dsn).stdout)
    assert [one["azi"] for one in shown["companies"]] == ["C1"]
    cluster.start("s1")


def test_who_listens_on_the_router_is_told_to_look(cluster: Cluster) -> None:
    """Notifications are the shard's own; the board reads this column to know whom it has to ask every few seconds."""
    cluster.company("C1", "s0")
    cluster.connect().execute("SELECT ortes_ops.set_notify('C1', true)")
    for part, notify in (("s0", True), ("router", False)):
        for view in ("status", "backlog"):
            assert one(cluster.connect(part=part), f"SELECT notify FROM ortes_ops.{view}") is notify


def test_the_board_shows_the_companies_of_all_shards(cluster: Cluster) -> None:
    for azi in ("CO ONE", "CO TWO"):
        cluster.company(azi)
    cluster.connect().execute("SELECT ortes_store.save_order('CO TWO', 150)")
    with running(cluster.dsn(login=cluster.login("ortes_monitor"))) as board:
        with httpx.stream("GET", f"{board.url}/events", timeout=20) as stream:
            told = ""
            for line in stream.iter_lines():  # ends, or times out, without them
                told += line
                if "CO ONE" in told and "CO TWO" in told:
                    break
        assert "CO TWO" in told
        assert "Waiting for the ERP" in httpx.get(f"{board.url}/order?azi=CO%20TWO&kind=id_pub&number=1").text
