"""`ortes metrics`, as Prometheus and node_exporter meet it."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ortes_db.deploy import deploy
from ortes_db.metrics import FRESH_SECONDS, Hub
from ortes_db.server import embedded_server
from ortes_db.watch import Look, Watch
from tests.command import ENVIRONMENT, ortes
from tests.hanging import hanging
from tests.hub import Hub as TheHub
from tests.hub import Later, one

pytestmark = pytest.mark.once
Samples = dict[tuple[str, tuple[str, ...]], float]


def samples(text: str) -> Samples:
    """What is told: from name and values of the labels (in the order of the labels' names) to the number."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextmanager
def serving(dsn: str, *options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The exporter, on a port of its own: its address."""
    command = [sys.executable, "-m", "ortes_db", "metrics", "--listen", "127.0.0.1:0", "--dsn", dsn, *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT) as exporter:
        assert exporter.stderr is not None
        try:
            found = re.search(r"http://\S+/metrics", exporter.stderr.readline())
            assert found
            yield found.group(), exporter
        finally:
            exporter.kill()


def scrape(url: str) -> Samples:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return samples(answer.read().decode())


def traffic(hub: TheHub) -> None:
    for n in (1, 2, 3):
        hub.save(n)
    hub.acquire(1, "T1")
    hub.export("G1")
    hub.app.execute("SELECT ortes_app.confirm('C00001', 50, 1)")


def test_everything_there_is_to_tell(hub: TheHub, monitor: str) -> None:
    traffic(hub)
    nasty = 'x"\\\n{}=,é'
    hub.db.company(nasty)
    culprit = hub.connect("store", autocommit=False)
    hub.save(10, connection=culprit)
    later = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order('C00001', 11)")
    told = ortes("metrics", "--once", "--dsn", monitor)
    assert (told.returncode, told.stderr) == (0, "")
    culprit.commit()
    assert later.result()
    found = samples(told.stdout)
    azi = ("C00001",)
    for name, value in (
        ("ortes_orders_pending", 2),
        ("ortes_company_held", 1),
        ("ortes_sessions_waiting", 1),
    ):
        assert (found[name, azi], found[name, (nasty,)]) == (value, 0)
    assert found["ortes_oldest_pending_seconds", azi] > 0
    assert found["ortes_numbers_total", ("C00001", "ID-PUB")] == 4
    assert found["ortes_numbers_total", ("C00001", "ID-SINCRO")] == 2
    assert found["ortes_numbers_total", (nasty, "ID-PUB")] == 0
    reader = ("C00001", "50", "A")
    assert (found["ortes_reader_position", reader], found["ortes_reader_lag_rows", reader]) == (1, 1)
    assert found["ortes_reader_lag_seconds", reader] > 0
    assert abs(found["ortes_reader_confirmed_timestamp_seconds", reader] - time.time()) < 60
    assert found["ortes_up", ()] == 1
    major = one(hub.dba, "SHOW server_version").split()[0]
    assert found["ortes_hub_info", (hub.db.name, major, "primary", "0.1.0")] == 1
    assert (found["ortes_companies", ()], found["ortes_left_out", ("companies",)]) == (2, 0)
    # This login is not shown since when a company is held; a member of pg_monitor is.
    assert "ortes_company_held_seconds" not in {name for name, _ in found}


def test_cardinality_is_bounded(hub: TheHub, monitor: str) -> None:
    traffic(hub)
    for n in range(5):
        hub.db.company(f"X{n}")
    found = samples(ortes("metrics", "--once", "--limit", "2", "--dsn", monitor).stdout)
    assert {labels[0] for name, labels in found if name == "ortes_orders_pending"} == {"C00001", "X0"}
    assert (found["ortes_companies", ()], found["ortes_left_out", ("companies",)]) == (6, 4)
    found = samples(ortes("metrics", "--once", "--azi", "X?", "--dsn", monitor).stdout)
    assert {labels[0] for name, labels in found if name == "ortes_orders_pending"} == {f"X{n}" for n in range(5)}
    assert not [name for name, _ in found if name.startswith("ortes_reader")]


def test_a_textfile_is_there_as_a_whole_or_as_before(hub: TheHub, monitor: str, tmp_path: Path) -> None:
    file = tmp_path / "ortes.prom"
    assert ortes("metrics", "--textfile", str(file), "--dsn", monitor).returncode == 0
    assert samples(file.read_text())["ortes_up", ()] == 1
    before = file.stat().st_ino
    told = ortes("metrics", "--textfile", str(file), "--dsn", "host=/nowhere")
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith("ortes: the hub cannot be looked at: ")
    assert {name for name, _ in samples(file.read_text())} == {"ortes_up", "ortes_exporter_info"}
    assert samples(file.read_text())["ortes_up", ()] == 0
    # Another file in its place, by rename: who reads the old one reads all of it.
    assert (file.stat().st_ino != before, list(tmp_path.iterdir())) == (True, [file])
    assert file.stat().st_mode & 0o044 == 0o044
    told = ortes("metrics", "--textfile", str(tmp_path / "no" / "x.prom"), "--dsn", monitor)
    assert (told.returncode, "cannot be written" in told.stderr) == (2, True)


def test_it_is_served_whatever_becomes_of_the_database(pg_bin: str | None) -> None:
    """Down, or hanging so that not even a timeout of its own runs: ortes_up 0, soon, and 1 again when it is back."""
    with embedded_server(pg_bin) as server:
        deploy(server.dsn())
        watch = Watch(server.dsn())
        watch.look()
        server.stop("fast")
        server.start()
        watch.look()  # a restart between two looks is no trouble
        watch.close()
        with serving(server.dsn(), "--timeout", "1") as (url, exporter):
            assert scrape(url)["ortes_up", ()] == 1
            with pytest.raises(urllib.error.HTTPError, match="404"):
                scrape(url.removesuffix("metrics"))

            def until(up: int) -> float:
                """Scrape until it says so; returns how long the last scrape took."""
                deadline = time.monotonic() + 20
                while True:
                    started = time.monotonic()
                    if scrape(url)["ortes_up", ()] == up:
                        return time.monotonic() - started
                    assert time.monotonic() < deadline

            server.stop("fast")
            until(0)
            server.start()
            until(1)
            with hanging(server):
                assert until(0) < 8
            until(1)
            exporter.send_signal(signal.SIGINT)
            assert exporter.wait(20) == 130
            assert exporter.stderr is not None
            said = exporter.stderr.read().strip().splitlines()
            # Once for each change, not for each scrape.
            assert [line.split(":")[0] for line in said] == ["ortes", "the hub can be looked at again"] * 2


def test_many_who_ask_cost_the_hub_one_look(monitor: str) -> None:
    class Counting(Watch):
        looks = 0

        def look(self) -> Look:
            self.looks += 1
            return super().look()

    watch = Counting(monitor)
    registry = Hub(watch, lambda error: None).registry()
    told: list[bytes] = []
    askers = [threading.Thread(target=lambda: told.append(generate_latest(registry))) for _ in range(30)]
    started = time.monotonic()
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert watch.looks <= 1 + (time.monotonic() - started) / FRESH_SECONDS
    assert [samples(text.decode())["ortes_up", ()] for text in told] == [1] * 30
    watch.close()


def test_where_it_cannot_listen_it_says_so(monitor: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for listen, text in (
            (f"127.0.0.1:{taken.getsockname()[1]}", "Address already in use"),
            ("9699", "expected HOST:PORT"),
            ("127.0.0.1:99999", "expected HOST:PORT"),
            ("127.0.0.1:1/x", "expected HOST:PORT"),
        ):
            told = ortes("metrics", "--listen", listen, "--dsn", monitor)
            assert (told.returncode, told.stdout) == (2, "")
            assert text in told.stderr
