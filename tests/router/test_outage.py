"""A shard that is lost: the others go on, its companies' calls fail fast and say why, and it is taken up again when it is back."""

import socket
import time

import psycopg
import pytest

from ortes_db.router.manage import end_calls, set_shard
from tests.hanging import hanging
from tests.hub import Connection, one, rows
from tests.router.losing import FAST, Two, lost, save, silent, until, waiting

pytestmark = pytest.mark.once


def _shown(connection: Connection, view: str) -> set[str]:
    return {azi for (azi,) in rows(connection, f"SELECT azi FROM ortes_ops.{view}")}


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_the_others_go_on_and_it_comes_back(two: Two, mode: str) -> None:
    with two.connect("shop") as shop, two.connect("watch") as watch, two.connect() as dba:
        far = save(shop, "FAR", 1)
        assert {"NEAR", "FAR"} <= _shown(watch, "status")
        two.far.stop(mode)
        # The connection that was kept may tell that it is gone; after that none is made.
        with lost("08006", "08001"):
            save(shop, "FAR", 1)
        with lost("08001"):
            save(shop, "FAR", 1)
        assert save(shop, "NEAR", 1)
        for view in ("status", "counters", "backlog"):
            assert _shown(watch, view) & {"NEAR", "FAR"} == {"NEAR"}
        shards = rows(watch, "SELECT name, up, error IS NULL, companies > 0 FROM ortes_ops.shards ORDER BY name")
        assert shards == [("far", False, False, True), ("near", True, True, True)]
        azi = f"NEW {mode}"
        dba.execute("SELECT ortes_ops.create_company(%s)", (azi,))
        assert one(dba, "SELECT shard FROM ortes_router.company WHERE azi = %s", azi) == "near"
        two.far.start()
        assert save(shop, "FAR", 1) == far
        assert one(watch, "SELECT bool_and(up) FROM ortes_ops.shards")


def test_a_shard_that_a_dba_closed_is_not_even_tried(two: Two) -> None:
    with two.connect("shop") as shop, two.connect() as dba:
        dba.execute("UPDATE ortes_router.shard SET closed = true WHERE name = 'far'")
        try:
            with lost("08001"):
                save(shop, "FAR", 1)
            assert save(shop, "NEAR", 1)
            assert rows(dba, "SELECT name, up, closed FROM ortes_ops.shards ORDER BY name")[0] == ("far", False, True)
        finally:
            dba.execute("UPDATE ortes_router.shard SET closed = false WHERE name = 'far'")
        assert save(shop, "FAR", 1)


def test_a_server_that_hangs_while_one_connects_is_given_up_by_statement_timeout(two: Two) -> None:
    """The one thing that no connection attempt notices: so the router's database has a statement_timeout."""
    with two.connect("shop") as shop:
        assert one(shop, "SHOW statement_timeout") == "30s"
        shop.execute("SET statement_timeout = '1s'")
        with hanging(two.far):
            start = time.monotonic()
            with pytest.raises(psycopg.errors.QueryCanceled):
                save(shop, "FAR", 1)
            assert time.monotonic() - start < FAST
            assert save(shop, "NEAR", 1)
        assert save(shop, "FAR", 1)


def test_a_server_that_hangs_in_the_middle_of_a_call_is_left_by_closing_it(two: Two) -> None:
    """PL/Proxy waits for the shard to confirm a cancellation; so a DBA ends the sessions that wait."""
    with two.connect("shop") as stuck, two.connect("watch") as looking, two.connect("shop") as shop:
        save(stuck, "FAR", 1)
        save(shop, "NEAR", 1)
        _shown(looking, "status")
        with hanging(two.far):
            with (
                waiting(stuck, "SELECT ortes_store.save_order('FAR', 1)"),
                waiting(looking, "SELECT * FROM ortes_ops.status"),
            ):
                set_shard(two.dsn, "far", {"closed": True})
                assert end_calls(two.dsn, "far") == 2
            assert stuck.broken
            assert looking.broken
            with lost("08001"):
                save(shop, "FAR", 1)
            assert save(shop, "NEAR", 1)
        set_shard(two.dsn, "far", {"closed": False})
        assert save(shop, "FAR", 1)


def test_a_caller_that_gives_up_leaves_no_session_behind(two: Two) -> None:
    with two.connect("shop") as leaving, two.connect() as dba:
        assert one(leaving, "SHOW client_connection_check_interval") == "2s"
        leaving.execute("SET client_connection_check_interval = '100ms'")
        save(leaving, "FAR", 1)
        pid = leaving.info.backend_pid
        with hanging(two.far), waiting(leaving, "SELECT ortes_store.save_order('FAR', 1)"):
            with socket.socket(fileno=leaving.fileno()) as line:
                line.shutdown(socket.SHUT_RDWR)
                line.detach()
            until(lambda: rows(dba, "SELECT FROM pg_stat_activity WHERE pid = %s", pid) == [])


def test_a_machine_that_is_gone_is_given_up_by_tcp(two: Two) -> None:
    """No answer at all, not even a refusal: the address has a tcp_user_timeout."""
    with two.connect("shop") as shop, two.connect() as dba, silent() as port:
        kept = one(dba, "SELECT options FROM ortes_router.shard WHERE name = 'far'")
        assert "tcp_user_timeout=10000" in kept
        gone = f"host=127.0.0.1 port={port} dbname=far tcp_user_timeout=1000"
        dba.execute("UPDATE ortes_router.shard SET options = %s WHERE name = 'far'", (gone,))
        try:
            with lost("08001"):
                save(shop, "FAR", 1)
            assert save(shop, "NEAR", 1)
        finally:
            dba.execute("UPDATE ortes_router.shard SET options = %s WHERE name = 'far'", (kept,))
        assert save(shop, "FAR", 1)
