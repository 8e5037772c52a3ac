"""`ortes follow` as a user types it: what it prints, and how it ends."""

import os
import signal
import subprocess
from collections.abc import Callable

import pytest

from tests.backup.places import wait_for
from tests.conftest import wait_blocked
from tests.follow.conftest import Follower
from tests.hub import Hub, one

pytestmark = pytest.mark.once

POSITION = "SELECT ortes_store.position('C00001')"


def arguments(hub: Hub, *more: str) -> list[str]:
    return ["--azi", "C00001", "--door", "store", "--dsn", hub.db.dsn(hub.store.info.user), *more]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_when_it_is_told_to(hub: Hub, follower: Callable[..., Follower], number: int, code: int) -> None:
    hub.export("G1")
    running = follower(*arguments(hub, "--confirm"))
    assert [order["tor_chia"] for order in running.take(1)] == ["G1"]
    hub.export("G2")
    assert [order["tor_chia"] for order in running.take(1)] == ["G2"]
    assert running.end(number) == code
    assert not running.said()


def test_killed_between_writing_and_confirming_it_writes_again(hub: Hub, follower: Callable[..., Follower]) -> None:
    hub.export("G1")
    busy = hub.connect("erp", autocommit=False)
    hub.export("G2", connection=busy)
    first = follower(*arguments(hub, "--confirm"))
    assert [order["id_sincro"] for order in first.take(1)] == [1]
    # It wants to confirm, and waits for its turn.
    confirming = "FROM pg_stat_activity WHERE query LIKE '%.confirm(%' AND usename <> current_user"
    wait_for(hub.dba, f"SELECT count(*) = 1 {confirming}")
    pid = one(hub.dba, f"SELECT pid {confirming}")
    wait_blocked(hub.dba, pid)
    first.process.kill()
    first.process.wait()
    hub.dba.execute("SELECT pg_terminate_backend(%s, 10000)", (pid,))
    busy.commit()
    assert one(hub.store, POSITION) == 0
    second = follower(*arguments(hub, "--confirm"))
    assert [order["id_sincro"] for order in second.take(2)] == [1, 2]
    hub.export("G3")
    assert [order["id_sincro"] for order in second.take(1)] == [3]
    assert second.end() == 130


@pytest.mark.parametrize("busy", [True, False])
def test_a_consumer_that_is_gone_ends_it(hub: Hub, follower: Callable[..., Follower], busy: bool) -> None:
    """When there is something to write, and after a moment when there is not."""
    reading, writing = os.pipe()
    running = follower(*arguments(hub, "--confirm", "--poll", "0.2"), out=writing)
    os.close(writing)
    hub.export("G1")
    assert b'"id_sincro":1,' in os.read(reading, 4096)
    os.close(reading)
    if busy:
        hub.export("G2")
    else:
        hub.ops.execute("SELECT ortes_ops.set_notify('C00001', false), ortes_ops.set_notify('C00001', true)")
    assert running.process.wait(20) == 1
    assert not running.said()
    assert one(hub.store, POSITION) < 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--azi", "NOWHERE", "--door", "store"], "this login may not act for that company or device: Login"),
        (["--azi", "C00001", "--door", "store", "--since", "9"], "reading position beyond the counter: Company 'C00001'"),
        (["--azi", "C00001", "--door", "app", "--device", "50"], "this login may not ask: a DBA grants it the role ortes_app"),
        (["--azi", "C00001", "--door", "app"], "--door app goes with --device, and without --store"),
        (["--azi", "C00001", "--door", "store", "--device", "50"], "--device goes with --door app"),
        (["--azi", "C00001", "--door", "shop"], "'shop' is not one of 'store', 'app'"),
        (["--azi", "C00001"], "Missing option '--door'"),
        (["--azi", "C00001", "--door", "store", "--since", "-1"], "-1 is not in the range"),
        (["--azi", "C00001", "--door", "store", "--store", "2147483648"], "is not in the range"),
        (["--azi", "C00001", "--door", "store", "--poll", "0"], "0 is not in the range"),
        (["--azi", "C00001", "--door", "store", "--read-dsn", "nonsense"], "not a connection string"),
        (["--azi", "C00001", "--door", "store", "--dsn", "host=/nowhere"], "ortes: connection"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed(hub: Hub, follower: Callable[..., Follower], given: list[str], said: str) -> None:
    running = follower("--dsn", hub.db.dsn(hub.store.info.user), *given)
    assert running.process.wait(20) == 2
    assert said in running.said()
    assert "Traceback" not in running.said()


def test_a_database_without_the_hub(empty_dsn: str, follower: Callable[..., Follower]) -> None:
    running = follower("--azi", "C00001", "--door", "store", "--dsn", empty_dsn)
    assert running.process.wait(20) == 2
    assert "run `ortes deploy`" in running.said()


def test_its_output_can_be_a_file(hub: Hub, follower: Callable[..., Follower], tmp_path: os.PathLike[str]) -> None:
    hub.export("G1")
    with open(os.path.join(tmp_path, "orders"), "wb+") as file:
        running = follower(*arguments(hub, "--confirm", "--poll", "0.1"), out=file.fileno())
        hub.dba.execute(
            """DO $$ BEGIN
                WHILE NOT EXISTS (SELECT FROM ortes.reader WHERE id_sincro = 1) LOOP
                    COMMIT;
                    PERFORM pg_sleep(0.02);
                END LOOP;
            END $$"""
        )
        assert running.end() == 130
        file.seek(0)
        assert len(file.read().splitlines()) == 1


def test_its_help_has_an_example(follower: Callable[..., Follower]) -> None:
    running = follower("--help", out=subprocess.DEVNULL)
    assert running.process.wait(20) == 0
