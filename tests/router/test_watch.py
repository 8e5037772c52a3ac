"""`ortes router watch`: what waits for a shard that hangs is ended, what comes is refused, and it is opened when it answers."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from ortes_db.cli import main
from ortes_db.router import watch as watching
from ortes_db.router.manage import set_shard
from ortes_db.router.status import router_status
from ortes_db.router.watch import Seen, watch_once
from ortes_db.tree import DeployError
from tests.command import ENVIRONMENT
from tests.hanging import hanging
from tests.hub import one, rows
from tests.router.losing import Two, lost, save, silent, until, waiting

pytestmark = pytest.mark.once

EVERY, PATIENCE = 0.3, 1.0
MARK = "SELECT hangs_since IS NOT NULL FROM ortes_router.shard WHERE name = 'far'"
STATE = "SELECT closed, hangs_since IS NOT NULL, is_open FROM ortes_router.shard WHERE name = 'far'"
OPEN, CLOSED, HANGS = (False, False, True), (True, False, False), (False, True, False)


@pytest.fixture(autouse=True)
def _open(two: Two) -> Iterator[None]:
    yield
    set_shard(two.dsn, "far", {"closed": False})


def look(two: Two, patience: float = PATIENCE) -> dict[str, Seen]:
    """One round of a watcher."""
    return {seen.name: seen for seen in watch_once(two.dsn, patience, lambda _: None)}


def is_now(two: Two) -> tuple[bool, bool, bool]:
    with two.connect() as dba:
        return rows(dba, STATE)[0]  # type: ignore[return-value]


@contextmanager
def watched(two: Two, log: Path) -> Iterator[subprocess.Popen[str]]:
    """The command at work, as under systemd; what it says goes to the log."""
    command = [sys.executable, "-m", "ortes_db", "router", "watch", "--router", two.dsn]
    command += ["--every", str(EVERY), "--patience", str(PATIENCE)]
    with log.open("w") as said, subprocess.Popen(command, stderr=said, text=True, env=ENVIRONMENT) as watcher:
        with two.connect() as dba:
            at_work = "SELECT FROM pg_stat_activity WHERE query LIKE '%s.hangs_since%' AND pid <> pg_backend_pid()"
            until(lambda: rows(dba, at_work), 20)
        try:
            yield watcher
        finally:
            watcher.kill()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "watch.log"


def test_calls_of_a_shard_that_hangs_end_and_are_refused_until_it_answers(two: Two, log: Path) -> None:
    with (
        two.connect("shop") as stuck,
        two.connect("watch") as looking,
        two.connect("shop") as shop,
        two.connect() as old,
        watched(two, log),
    ):
        save(stuck, "FAR", 1)
        save(shop, "NEAR", 1)
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        far = one(old, "SELECT ortes_store.save_order('FAR', 1)")
        with hanging(two.far):
            start = time.monotonic()
            with (
                waiting(stuck, "SELECT ortes_store.save_order('FAR', 1)"),
                waiting(looking, "SELECT * FROM ortes_ops.status"),
            ):
                assert save(shop, "NEAR", 1)
            assert time.monotonic() - start < EVERY + PATIENCE + 2
            assert stuck.broken
            assert looking.broken
            with lost("08001", naming="it hangs"):
                save(shop, "FAR", 1)
            assert save(shop, "NEAR", 1)
            with two.connect("watch") as again:
                assert one(again, "SELECT bool_and(shard = 'near') FROM ortes_ops.status")
                assert rows(again, "SELECT name, up, hangs_since IS NOT NULL FROM ortes_ops.shards ORDER BY name") == [
                    ("far", False, True),
                    ("near", True, False),
                ]
            # Its snapshot is from before, and says that the shard is open.
            with waiting(old, "SELECT ortes_store.save_order('FAR', 1)"):
                pass
            assert old.broken
        until(lambda: is_now(two) == OPEN)
        assert save(shop, "FAR", 1) == far
        said = [line.split(" ", 2) for line in log.read_text().splitlines()]
    assert [" ".join(text.split()[:2]) for _, _, text in said] == ["far hangs,", "far still", "far answers"]
    assert all(day.count("-") == 2 and hour.count(":") >= 2 for day, hour, _ in said)


def test_why_it_has_to_be_sooner_than_the_statement_timeout(two: Two) -> None:
    """PL/Proxy waits for the shard to confirm that a statement was cancelled, and hears nothing else meanwhile."""
    with two.connect("shop") as stuck, two.connect() as dba, ExitStack() as until_it_goes_on:
        save(stuck, "FAR", 1)
        stuck.execute("SET statement_timeout = '200ms'")
        until_it_goes_on.enter_context(hanging(two.far))
        with waiting(stuck, "SELECT ortes_store.save_order('FAR', 1)"):
            pid = stuck.info.backend_pid
            cancelled = "SELECT clock_timestamp() - query_start > '1s' FROM pg_stat_activity WHERE pid = %s"
            until(lambda: one(dba, cancelled, pid))
            assert one(dba, "SELECT pg_terminate_backend(%s, 1000)", pid) is False
            until_it_goes_on.close()
        assert stuck.broken


def test_what_a_dba_closed_stays_closed(two: Two) -> None:
    set_shard(two.dsn, "far", {"closed": True})
    assert look(two).keys() == {"near"}
    assert is_now(two) == CLOSED
    with two.connect() as dba:  # by hand, while it hung
        dba.execute("UPDATE ortes_router.shard SET hangs_since = now() WHERE name = 'far'")
    look(two)
    with two.connect() as dba:
        assert one(dba, "SELECT closed FROM ortes_router.shard WHERE name = 'far'")


@pytest.mark.parametrize("closes", [True, False], ids=["close", "other address"])
def test_what_a_dba_does_while_the_shard_is_asked_stands(two: Two, closes: bool) -> None:
    """What was found is about the shard as it was when it was asked."""
    with two.connect() as dba, ThreadPoolExecutor(1) as pool:
        address = one(dba, "SELECT options FROM ortes_router.shard WHERE name = 'far'")
        with hanging(two.far):
            asking = pool.submit(look, two)
            at_work = "SELECT FROM pg_stat_activity WHERE query LIKE '%s.hangs_since%' AND pid <> pg_backend_pid()"
            until(lambda: rows(dba, at_work))
            set_shard(two.dsn, "far", {"closed": True} if closes else {"options": f"{address} sslmode=disable"})
            seen = asking.result()["far"]
        assert (seen.answers, seen.change, seen.ended) == (False, None, 0)
        assert is_now(two) == (CLOSED if closes else OPEN)
        dba.execute("UPDATE ortes_router.shard SET options = %s WHERE name = 'far'", (address,))


def test_a_shard_that_refuses_is_not_closed(two: Two) -> None:
    two.far.stop("fast")
    seen = look(two)["far"]
    assert (seen.answers, seen.change) == (True, None)
    assert seen.said
    assert is_now(two) == OPEN


def test_a_login_of_its_own_will_do_even_where_the_shards_refuse_it(two: Two) -> None:
    guard = two.near.dsn("router", "guard")
    shop, superuser = "SELECT ortes_store.save_order('FAR', 1)", "SELECT * FROM ortes_ops.status"
    with two.connect("shop") as stuck, two.connect() as looking, two.connect() as dba:
        dba.execute("CREATE ROLE guard LOGIN IN ROLE ortes_owner, pg_signal_backend")
        try:
            with pytest.raises(DeployError, match="GRANT pg_read_all_stats TO guard"):
                watch_once(guard, PATIENCE, lambda _: None)
            dba.execute("GRANT pg_read_all_stats TO guard")
            far = watch_once(guard, PATIENCE, lambda _: None)[1]
            assert (far.answers, far.change, "guard" in far.said) == (True, None, True)
            stuck.execute(shop)
            looking.execute(superuser)
            # A superuser's session is not its to end, and does not keep it from ending the others.
            with hanging(two.far), waiting(stuck, shop), waiting(looking, superuser):
                assert watch_once(guard, PATIENCE, lambda _: None)[1].ended == 1
                dba.execute("SELECT pg_terminate_backend(%s)", (looking.info.backend_pid,))
        finally:
            dba.execute("DROP ROLE guard")


def test_two_watchers_at_once_close_it_once(two: Two) -> None:
    with two.connect("shop") as stuck, ThreadPoolExecutor(2) as pool:
        save(stuck, "FAR", 1)
        with hanging(two.far), waiting(stuck, "SELECT ortes_store.save_order('FAR', 1)"):
            both = [pool.submit(look, two) for _ in range(2)]
            found = [one.result()["far"] for one in both]
        assert sorted((one.change or "", one.ended) for one in found) == [("", 0), ("closed", 1)]
        assert sorted(one.change or "" for one in [look(two)["far"], look(two)["far"]]) == ["", "opened"]


def test_the_next_watcher_opens_what_one_that_was_killed_has_closed(two: Two, log: Path) -> None:
    with watched(two, log) as watcher, hanging(two.far):
        until(lambda: is_now(two) == HANGS)
        watcher.send_signal(signal.SIGKILL)
        watcher.wait()
    assert is_now(two) == HANGS
    assert look(two)["far"].change == "opened"
    assert is_now(two) == OPEN


@pytest.mark.parametrize("closed", [True, False])
def test_a_dba_who_closes_or_opens_it_has_the_last_word(two: Two, closed: bool) -> None:
    with hanging(two.far):
        look(two)
    assert [shard.hangs_since is not None for shard in router_status(two.dsn).shards] == [True, False]
    set_shard(two.dsn, "far", {"closed": closed})
    assert is_now(two) == (CLOSED if closed else OPEN)


def test_a_router_that_restarts_is_waited_for(two: Two, log: Path) -> None:
    with watched(two, log):
        two.near.stop("immediate")
        until(lambda: "the router is lost" in log.read_text())
        two.near.start()
        until(lambda: "the router is back" in log.read_text(), 20)
        with hanging(two.far):
            until(lambda: is_now(two) == HANGS)
        until(lambda: is_now(two) == OPEN)
        assert log.read_text().count("the router is lost") == 1


def test_who_was_late_himself_closes_nothing(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped for a while (a machine that swaps, a debugger), it cannot tell who stood still."""
    monkeypatch.setattr(watching, "_SLACK", 0.2)
    connect = psycopg.AsyncConnection.connect

    async def slow(*given: str, **more: str) -> object:
        time.sleep(PATIENCE / 2 + 0.3)  # the whole process, and not the shard alone
        return await connect(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", slow)
    with hanging(two.far):
        assert look(two, PATIENCE / 2)["far"].answers is None
    assert is_now(two) == OPEN


def test_a_machine_that_is_gone_gives_no_answer(two: Two) -> None:
    with two.connect() as dba, silent() as port:
        kept = one(dba, "SELECT options FROM ortes_router.shard WHERE name = 'far'")
        gone = f"host=127.0.0.1 port={port} dbname=far"
        dba.execute("UPDATE ortes_router.shard SET options = %s WHERE name = 'far'", (gone,))
        try:
            assert look(two)["far"].answers is False
        finally:
            dba.execute("UPDATE ortes_router.shard SET options = %s WHERE name = 'far'", (kept,))


@pytest.mark.parametrize(
    ("error", "answers"),
    [
        (errno.ETIMEDOUT, False),  # the kernel has given up before us
        (errno.EAGAIN, None),  # a local server takes no more who wait: it hangs, or is busy for a moment
        (errno.ECONNREFUSED, True),
    ],
)
def test_what_the_kernel_says_of_a_shard(
    two: Two, monkeypatch: pytest.MonkeyPatch, error: int, answers: bool | None
) -> None:
    async def fail(*_: str, **__: str) -> None:
        raise psycopg.OperationalError(f"connection failed: {os.strerror(error)}")

    monkeypatch.setattr(psycopg.AsyncConnection, "connect", fail)
    assert look(two)["far"].answers is answers
    with two.connect() as dba:
        dba.execute("UPDATE ortes_router.shard SET hangs_since = NULL")


Ortes = Callable[..., Result]


@pytest.fixture
def ortes(two: Two) -> Ortes:
    """One round of the command, in this process."""

    def run(*arguments: str) -> Result:
        given = ("router", "watch", "--once", "--router", two.dsn, "--patience", "1", *arguments)
        return CliRunner().invoke(main, given, prog_name="ortes")

    return run


def test_once_by_its_exit_code(two: Two, ortes: Ortes) -> None:
    told = ortes()
    assert (told.exit_code, told.output) == (0, "")
    with hanging(two.far):
        told = ortes("--json")
        assert told.exit_code == 1
        assert [(one["name"], one["answers"], one["change"]) for one in json.loads(told.stdout)] == [
            ("near", True, None),
            ("far", False, "closed"),
        ]
        status = CliRunner().invoke(main, ["router", "status", "--router", two.dsn], prog_name="ortes")
        assert status.exit_code == 1
        assert "HANGS" in status.stdout
        assert ortes().exit_code == 1
    assert "far answers again" in ortes().stderr
    told = ortes("--router", two.near.dsn("near"))
    assert (told.exit_code, "no router" in told.stderr) == (2, True)


def test_patience_must_end_before_the_callers_statement_timeout(two: Two, ortes: Ortes) -> None:
    told = ortes("--patience", "30")
    assert told.exit_code == 2
    assert "the router's database has statement_timeout 30s" in told.stderr
    with two.connect() as dba:
        dba.execute("ALTER ROLE shop SET statement_timeout = 900")
        try:
            told = ortes()
            assert told.exit_code == 0
            assert "login shop has statement_timeout 900" in told.stderr
        finally:
            dba.execute("ALTER ROLE shop RESET statement_timeout")
