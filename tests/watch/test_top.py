"""`ortes top`, as the control room has it open: the table, the keys, a server that goes away and comes back."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from typing import Any

import pytest

from ortes_db.deploy import deploy
from ortes_db.server import embedded_server
from ortes_db.top import age, attention, lines
from ortes_db.watch import Watch
from tests.command import ENVIRONMENT, ortes
from tests.hanging import hanging
from tests.hub import Hub, Later, to_json

pytestmark = pytest.mark.once


def traffic(hub: Hub) -> None:
    """Company C00001 has two orders pending and a reader behind; LATER has an order of an hour ago; IDLE has nothing."""
    for n in (1, 2, 3):
        hub.save(n)
    hub.acquire(1, "T1")
    hub.export("G1")
    hub.app.execute("SELECT ortes_app.confirm('C00001', 50, 1)")
    hub.db.company("IDLE")
    hub.db.company("LATER")
    hub.dba.execute(
        "INSERT INTO ortes.arportes (azi, id_int, prov_tipo, autore_tipo, created_at) "
        "VALUES ('LATER', 1, 'S', 'C', now() - interval '1 hour')"
    )


def test_one_table_with_what_needs_attention_first(hub: Hub, monitor: str) -> None:
    traffic(hub)
    hub.db.company("X\x1b[31m[bold]")
    told = ortes("top", "--once", "--interval", "0.1", "--dsn", monitor)
    assert (told.returncode, told.stderr) == (0, "")
    head, columns, *table = told.stdout.splitlines()
    assert "4 companies, 1 to look at; 3 orders pending, 0 sessions waiting" in head
    assert columns.split() == [
        "company",
        "pending",
        "oldest",
        "new/s",
        "chg/s",
        "furthest",
        "behind",
        "waiting",
        "held",
        "by",
    ]
    assert [re.sub(r"\d+s", "now", re.sub(" +", " ", line)).strip() for line in table] == [
        "! LATER 1 60m 0 0",
        "C00001 2 now 0 0 device 50: 1, now",
        "IDLE 0 0 0",
        # What a terminal would obey, or rich, is shown and does nothing.
        "X\N{REPLACEMENT CHARACTER}[31m[bold] 0 0 0",
    ]
    assert "\x1b" not in told.stdout


def test_one_document_for_machines(hub: Hub, monitor: str) -> None:
    traffic(hub)
    told = json.loads(
        ortes("top", "--json", "--interval", "0.1", "--azi", "C?0*", "--azi", "LA*", "--dsn", monitor).stdout
    )
    assert (told["release"], told["companies_in_all"], told["standby"]) == ("0.1.0", 2, False)
    later, first = told["companies"]
    assert (later["azi"], later["attention"]) == ("LATER", ["an order is pending for 60m"])
    assert (first["pending"], first["id_pub"], first["id_sincro"], first["id_pub_per_second"]) == (2, 4, 2, 0)
    (reader,) = first["readers"]
    assert (reader["prov_tipo"], reader["prov_id"], reader["position"], reader["lag_rows"]) == ("A", 50, 1, 1)


def test_rates_are_of_the_time_between_two_looks(hub: Hub, monitor: str) -> None:
    watch = Watch(monitor)
    before = watch.look()
    orders = [{"tor_chia": f"T{n}"} for n in range(100)]
    hub.erp.execute("SELECT count(*) FROM ortes_erp.export_orders('C00001', %s)", (to_json(orders),))
    now = watch.look()
    seconds = (now.at - before.at).total_seconds()
    (line,) = lines(before, now, 900)
    assert (line.id_pub_rate, line.id_sincro_rate) == (pytest.approx(100 / seconds), pytest.approx(100 / seconds))
    # A hub that was restored meanwhile, and a company that is new, have none.
    (line,) = lines(now, before, 900)
    assert line.id_pub_rate is None
    assert lines(None, now, 900)[0].id_sincro_rate is None
    watch.close()


def test_who_holds_a_company_up_comes_first(hub: Hub, monitor: str) -> None:
    traffic(hub)
    culprit = hub.connect("store", autocommit=False)
    hub.save(10, connection=culprit)
    later = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order('C00001', 11)")
    watch = Watch(monitor)
    deadline = time.monotonic() + 10
    while not (look := watch.look()).companies[0].longest_wait >= 1:
        assert time.monotonic() < deadline
    first, second, _ = lines(None, look, 900)
    assert (first.company.azi, first.blocked, second.company.azi) == ("C00001", True, "LATER")
    assert first.attention == [f"1 session waits for {age(first.company.longest_wait)}"]
    holder = first.company.holder
    assert holder is not None
    # Since when it holds is shown to members of pg_monitor only.
    assert (holder.pid, holder.seconds) == (culprit.info.backend_pid, None)
    seen = Watch(hub.db.dsn()).look().companies[0].holder
    assert seen is not None
    assert (seen.seconds or 0) > 1
    assert seen.state == "idle in transaction"
    culprit.commit()
    assert later.result()
    assert attention(watch.look().companies[0], 900) == []
    watch.close()


def test_patterns_mean_what_they_say(hub: Hub, monitor: str) -> None:
    for azi in ("100%", "100x", "a_b", "axb", "a\\b"):
        hub.db.company(azi)
    for pattern, found in (
        ("100%", ["100%"]),
        ("a_b", ["a_b"]),
        ("a?b", ["a\\b", "a_b", "axb"]),
        ("a\\b", ["a\\b"]),
        ("1*", ["100%", "100x"]),
        ("nowhere", []),
    ):
        assert [company.azi for company in Watch(monitor, [pattern]).look().companies] == found
    look = Watch(monitor, limit=2).look()
    assert ([company.azi for company in look.companies], look.companies_left_out) == (["100%", "100x"], 4)


def test_what_cannot_be_looked_at_is_said_in_one_line(hub: Hub, empty_dsn: str) -> None:
    for dsn, how, text in (
        ("host=/nowhere", "--once", "/nowhere"),
        (empty_dsn, "--late=1", "run `ortes deploy`"),
        (hub.db.dsn(hub.login("store")), "--json", "grants it the role ortes_monitor"),
    ):
        told = ortes("top", how, "--dsn", dsn)
        assert (told.returncode, told.stdout) == (2, "")
        assert text in told.stderr
        assert len(told.stderr.splitlines()) == 1


def test_ages() -> None:
    ages = (0, 59.4, 119, 120, 7_199, 7_200, 172_799, 172_800, 864_000)
    assert [age(seconds) for seconds in ages] == ["0s", "59s", "119s", "2m", "120m", "2h", "48h", "2d", "10d"]


class Terminal:
    """`ortes top` in a terminal of its own."""

    def __init__(self, dsn: str, rows: int = 24, columns: int = 80, *options: str) -> None:
        self.main, inside = pty.openpty()
        self.resize(rows, columns)
        command = [sys.executable, "-m", "ortes_db", "top", "--interval", "0.1", "--dsn", dsn, *options]
        environment = {**ENVIRONMENT, "TERM": "xterm"}
        self.before = termios.tcgetattr(inside)
        self.process = subprocess.Popen(
            command, stdin=inside, stdout=inside, stderr=inside, env=environment, start_new_session=True
        )
        self.inside = inside
        self.text = ""

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def until(self, wanted: str, seconds: float = 60) -> str:
        """Read on until `wanted` (an expression) is there; returns what came until then, and forgets it."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(wanted, self.text, re.DOTALL)):
            ready, _, _ = select.select([self.main], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"no {wanted!r} in {self.text[-2000:]!r}"
            assert self.process.poll() is None, f"it ended: {self.text[-2000:]!r}"
            self.text += os.read(self.main, 65536).decode(errors="replace")
        seen, self.text = self.text[: found.end()], self.text[found.end() :]
        return seen

    def type(self, keys: str) -> None:
        os.write(self.main, keys.encode())

    def end(self) -> int:
        """Wait for its end; the terminal must be as it was."""
        # What it still writes has to go somewhere.
        deadline = time.monotonic() + 20
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "it does not end"
            if select.select([self.main], [], [], 0.05)[0]:
                self.text += os.read(self.main, 65536).decode(errors="replace")
        while select.select([self.main], [], [], 0)[0]:
            self.text += os.read(self.main, 65536).decode(errors="replace")
        assert termios.tcgetattr(self.inside) == self.before
        os.close(self.inside)
        os.close(self.main)
        return self.process.returncode


SCREEN, BACK = r"\x1b\[\?1049h", r"\x1b\[\?1049l"


def test_it_is_live_and_listens_to_keys(hub: Hub, monitor: str) -> None:
    traffic(hub)
    top = Terminal(monitor)
    top.until(SCREEN)
    top.until("LATER.*C00001.*IDLE.*q quit")
    hub.save(4)
    top.until(r"4 orders pending")
    top.type("c")
    top.until("C00001.*IDLE.*LATER.*q quit")
    top.type("xP")
    top.until("C00001.*LATER.*IDLE")
    top.resize(7, 40)
    os.kill(top.process.pid, signal.SIGWINCH)
    # No line is longer than the terminal is wide, and none is below its end.
    top.until("compan…")
    narrow = top.until("and 1 more.*compan…").replace("\x1b[H", "\r\n")
    narrow = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", narrow)
    assert "new/s" not in narrow
    assert max(map(len, narrow.split("\r\n")[1:])) <= 40
    top.type("q")
    assert top.end() == 0
    assert re.search(BACK, top.text)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(hub: Hub, monitor: str, number: signal.Signals) -> None:
    top = Terminal(monitor)
    top.until("q quit")
    top.process.send_signal(number)
    assert top.end() == 128 + number
    assert re.search(BACK, top.text)
    assert "Traceback" not in top.text


def test_it_survives_a_restart_of_the_server(pg_bin: str | None) -> None:
    with embedded_server(pg_bin) as server:
        deploy(server.dsn())
        top = Terminal(server.dsn())
        top.until("0 companies.*q quit")
        command: list[Any] = [sys.executable, "-m", "ortes_db", "top", "--interval", "0.1", "--dsn", server.dsn()]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        ) as plain:
            assert plain.stdout is not None
            assert plain.stderr is not None
            assert "0 companies" in plain.stdout.readline()
            server.stop("fast")
            top.until("since [0-9:]+ no answer, trying again")
            assert re.match("ortes: since [0-9:]+ no answer, trying again: ", plain.stderr.readline())
            # Meanwhile the keys are heard.
            top.type("c")
            top.until("no answer.*q quit")
            server.start()
            while "no answer" in top.until("q quit"):
                pass
            while plain.stdout.readline():
                if select.select([plain.stderr], [], [], 0)[0]:
                    pytest.fail(plain.stderr.readline())
                if server.is_server_available():
                    break
            plain.send_signal(signal.SIGINT)
            plain.communicate(timeout=20)
            assert plain.returncode == 130
        # While it waits for a server that hangs, it hears the keys too.
        with hanging(server):
            top.until("the server did not answer|timeout")
            top.type("q")
            assert top.end() == 0
