"""The command `ortes` itself: help, wrong names, connection strings, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest

from ortes_db.server import Server

HOLD = str(Path(__file__).parent / "hold.py")
pytestmark = pytest.mark.once


def ortes(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, HOLD, *arguments], capture_output=True, text=True, timeout=60)


def test_version_is_the_packages() -> None:
    answer = ortes("--version")
    assert answer.stdout.startswith("ortes 0.")


def test_a_mistyped_command_gets_the_nearest_word() -> None:
    answer = ortes("conect")
    assert answer.returncode == 2
    assert "Did you mean 'connect'?" in answer.stderr


def test_an_unknown_command_gets_the_list() -> None:
    answer = ortes("xyzzy")
    assert answer.returncode == 2
    assert "There are: " in answer.stderr
    assert " connect, " in answer.stderr


def test_a_connection_string_connects(server: Server) -> None:
    assert ortes("connect", "--dsn", server.dsn()).stdout == "connected\n"


def test_pg_variables_serve_when_there_is_no_dsn(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", str(server.socket_dir))
    monkeypatch.setenv("PGPORT", "5432")
    monkeypatch.setenv("PGUSER", "postgres")
    assert ortes("connect").stdout == "connected\n"


@pytest.mark.parametrize(
    "dsn",
    [
        "host=127.0.0.1 port=1 user=u password=hunter2",
        "postgresql://u:hunter2@127.0.0.1:1/db",
        "postgresql://u:hunter2@127.0.0.1:x/db",
        "postgresql://u:pa@hunter2@127.0.0.1:1/db",
        "postgresql://u:%zzhunter2@127.0.0.1:1/db",
        "host=127.0.0.1 port=1 hunter2",
        "host=127.0.0.1 port=1 password='hunter2",
    ],
)
def test_no_connection_is_one_line_without_the_password(dsn: str) -> None:
    answer = ortes("connect", "--dsn", dsn)
    assert answer.returncode == 2
    assert "hunter2" not in answer.stderr + answer.stdout
    assert "Traceback" not in answer.stderr
    last = answer.stderr.strip().splitlines()[-1]
    assert last.startswith(("ortes: ", "Error: "))


def test_an_unreachable_server_is_named_in_one_line() -> None:
    answer = ortes("connect", "--dsn", "host=127.0.0.1 port=1")
    assert answer.stderr.count("\n") == 1
    assert 'server at "127.0.0.1", port 1 failed' in answer.stderr


def test_binaries_that_are_missing_are_one_line(tmp_path: Path) -> None:
    answer = ortes("hold", "--pg-bin", str(tmp_path))
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"ortes: no PostgreSQL server programs in {tmp_path}")
