"""`ortes board`, as one starts it: where, as whom, and how it ends."""

import asyncio
import signal
import socket
import time

import httpx
import psycopg
import pytest
from click.testing import CliRunner
from psycopg import errors

from ortes_db.board.reading import as_monitor, connect
from ortes_db.cli import main
from tests.board.running import refusal, running
from tests.hub import Hub

pytestmark = pytest.mark.once

# Nobody's address: a board that is not refused says so, and does not run for ever.
NOWHERE = ("--host", "192.0.2.1", "--token", "x" * 16)


def test_elsewhere_than_on_loopback_it_wants_a_token(hub: Hub) -> None:
    dsn = hub.db.dsn(hub.login("monitor"))
    for options, environment, said in (
        (["--host", "192.0.2.1"], {}, "give it a token"),
        (["--host", "0.0.0.0"], {}, "give it a token"),
        (["--host", "::"], {}, "give it a token"),
        (["--host", "0.0.0.0", "--token", ""], {}, "give it a token"),
        (["--host", "0.0.0.0", "--token", "short"], {}, "too easy to guess"),
        (["--host", "0.0.0.0"], {"ORTES_BOARD_TOKEN": "short"}, "too easy to guess"),
        (["--host", "192.0.2.1", "--token", "x" * 16], {}, "cannot listen on 192.0.2.1"),
        (["--poll", "0"], {}, "--poll"),
    ):
        code, text = refusal(dsn, *options, **environment)
        assert code == 2
        assert said in text
        assert "Traceback" not in text
    with running(dsn, "--host", "0.0.0.0", ORTES_BOARD_TOKEN="x" * 16) as board:
        port = board.url.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/events").status_code == 401


def test_a_taken_port_and_a_missing_hub_are_said(hub: Hub, empty_dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, text = refusal(hub.db.dsn(), "--port", str(taken.getsockname()[1]))
        assert (code, "Address already in use" in text) == (2, True)
    for dsn, said in ((empty_dsn, "ortes deploy"), ("host=/nowhere", "/nowhere")):
        code, text = refusal(dsn)
        assert (code, said in text, "Traceback" in text) == (2, True, False)


def test_it_looks_as_the_monitor_or_not_at_all(hub: Hub) -> None:
    """Whoever logs in: a store's login is refused, a superuser's becomes ortes_monitor."""
    login = hub.login("store")
    code, text = refusal(hub.db.dsn(login), *NOWHERE)
    assert (code, f"GRANT ortes_monitor TO {login};" in text) == (2, True)
    with running(hub.db.dsn()) as board:
        hub.save(1)
        assert "Waiting for the ERP" in httpx.get(f"{board.url}/order?azi=C00001&kind=id_pub&number=1").text


def test_what_it_asks_it_asks_as_the_monitor_and_only_reads(hub: Hub) -> None:
    hub.save(1, "secret")

    async def superuser() -> None:
        async with await connect(hub.db.dsn()) as connection:
            for query, refused in (
                ("SELECT dati FROM ortes_ops.orders", errors.InsufficientPrivilege),
                ("SELECT * FROM ortes.arportes", errors.InsufficientPrivilege),
                ("SELECT nextval('one')", errors.InsufficientPrivilege),
                ("SELECT pg_catalog.pg_stat_reset_single_table_counters(0)", errors.InsufficientPrivilege),
                ("CREATE TEMPORARY TABLE t ()", errors.ReadOnlySqlTransaction),
            ):
                with pytest.raises(refused):
                    async with as_monitor(connection):
                        await connection.execute(query)
            async with as_monitor(connection):
                (count,) = await (await connection.execute("SELECT count(*) FROM ortes_ops.orders")).fetchall()
            assert count == {"count": 1}

    hub.dba.execute("CREATE SEQUENCE one")
    asyncio.run(superuser())


def test_where_the_monitor_sees_content_it_does_not_start(hub: Hub) -> None:
    dsn = hub.db.dsn(hub.login("monitor"))
    for grant in (
        "GRANT SELECT (dati) ON ortes_ops.orders TO ortes_monitor",
        "GRANT EXECUTE ON FUNCTION ortes_ops.history(text, bigint) TO ortes_monitor",
    ):
        hub.dba.execute(grant)
        code, text = refusal(dsn, *NOWHERE)
        assert (code, "ortes doctor" in text) == (2, True)
        hub.dba.execute(grant.replace("GRANT", "REVOKE", 1).replace(" TO ", " FROM "))
    with running(dsn):
        pass


def test_a_login_that_can_do_more_is_warned_of(hub: Hub) -> None:
    ops = hub.login("ops")
    hub.dba.execute(f"GRANT ortes_monitor TO {ops}")
    for dsn, said in ((hub.db.dsn(), "is a superuser"), (hub.db.dsn(ops), "is a member of ortes_ops, too")):
        code, text = refusal(dsn, *NOWHERE)
        assert (code, said in text, "CREATE ROLE board LOGIN IN ROLE ortes_monitor" in text) == (2, True, True)
    _, text = refusal(hub.db.dsn(hub.login("monitor")), *NOWHERE)
    assert "CREATE ROLE" not in text


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_ends_at_once_whoever_looks_on(hub: Hub, number: signal.Signals, code: int) -> None:
    with running(hub.db.dsn(hub.login("monitor"))) as board, httpx.stream("GET", f"{board.url}/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == "retry: 1000"
        began = time.monotonic()
        board.process.send_signal(number)
        assert board.process.wait(10) == code
        assert time.monotonic() - began < 5
        assert list(lines)[-1] == ""  # the stream ended in order
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ortes' AND datname = current_database()"
    with psycopg.connect(hub.db.dsn(), autocommit=True) as connection:
        deadline = time.monotonic() + 5
        while connection.execute(sessions).fetchone() != (0,):  # backends on their way out
            assert time.monotonic() < deadline


def test_the_help_has_an_example() -> None:
    assert "ortes board --dsn 'dbname=hub user=board'\n" in CliRunner().invoke(main, ["board", "--help"]).stdout
