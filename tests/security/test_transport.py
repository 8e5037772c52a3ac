"""How the commands connect: services, passfiles and sslmode are libpq's, and no password is shown anywhere."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from ortes_db.cli import main
from ortes_db.deploy import deploy
from ortes_db.server import Server, embedded_server
from tests.command import Told, ortes

pytestmark = pytest.mark.once

PASSWORD = "hunter2-Zwölf-@:/"
# Every command that takes --dsn, with what makes it look and leave.
COMMANDS = {
    "bench": ["bench", "--quick"],
    "board": ["board", "--port", "0"],
    "deploy": ["deploy"],
    "doctor": ["doctor"],
    "follow": ["follow", "--azi", "C00001", "--door", "store"],
    "metrics": ["metrics", "--once"],
    "order": ["order", "C00001", "--id-pub", "1"],
    "purge": ["purge", "--before", "2000-01-01"],
    "replay": ["replay"],
    "rollback": ["rollback", "--to", "9999.nothing"],
    "status": ["status"],
    "top": ["top", "--once"],
}
# These take minutes or have no end, make what the login here may not, or say each time something else: that they connect as
# told, their own tests show.
LONG = {"bench", "board", "follow", "metrics", "replay", "top"}


@dataclass
class Scram:
    """A server that asks for a password, the files that hold it, and where they are."""

    server: Server
    environment: dict[str, str]

    def run(self, *arguments: str, **environment: str) -> Told:
        return ortes(*arguments, **self.environment, **environment)


@pytest.fixture(scope="module")
def scram(pg_bin: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scram]:
    folder = tmp_path_factory.mktemp("secrets")
    settings = {"password_encryption": "scram-sha-256", "log_connections": "on"}
    with embedded_server(pg_bin, settings) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"CREATE ROLE keeper SUPERUSER LOGIN PASSWORD '{PASSWORD}'")
            connection.execute("CREATE DATABASE hub")
            deploy(server.dsn("hub"))
            hba = server.data_dir / "pg_hba.conf"
            hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
            connection.execute("SELECT pg_reload_conf()")
        escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
        passfile = folder / "passfile"
        passfile.write_text(f"*:*:*:keeper:{escaped}\n")
        passfile.chmod(0o600)
        services = folder / "services"
        services.write_text(f"[hub]\nhost={server.socket_dir}\nport=5432\ndbname=hub\nuser=keeper\n")
        yield Scram(server, {"PGSERVICEFILE": str(services), "PGPASSFILE": str(passfile)})


def test_every_command_with_a_dsn_is_tried_here() -> None:
    with_dsn = {
        name
        for name in main.list_commands(None)  # type: ignore[arg-type]
        if any(p.name == "dsn" for p in main.get_command(None, name).params)  # type: ignore[arg-type,union-attr]
    }
    assert with_dsn == set(COMMANDS)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in LONG])
def test_a_service_and_a_passfile_are_honoured(scram: Scram, name: str) -> None:
    done = scram.run(*COMMANDS[name], "--dsn", "service=hub")
    assert "password" not in (done.stdout + done.stderr).lower()
    assert "no database to work on" not in done.stderr
    if name in ("deploy", "doctor", "status"):
        assert done.returncode in (0, 1), done
        assert done.stdout
    by_variable = scram.run(*COMMANDS[name], PGSERVICE="hub")
    assert (by_variable.returncode, by_variable.stdout) == (done.returncode, done.stdout)


@pytest.fixture
def call(scram: Scram) -> Callable[..., tuple[int, str]]:
    """A command run in this process: its exit code, and all it says."""

    def run(*arguments: str) -> tuple[int, str]:
        done = ortes(*arguments, PGSERVICEFILE=scram.environment["PGSERVICEFILE"])
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("name", COMMANDS)
def test_without_the_password_it_says_so_in_a_line(call: Callable[..., tuple[int, str]], name: str) -> None:
    code, said = call(*COMMANDS[name], "--dsn", "service=hub")
    assert code == 2
    assert "no password supplied" in said


@pytest.mark.parametrize("name", COMMANDS)
def test_no_error_shows_the_password(scram: Scram, call: Callable[..., tuple[int, str]], name: str) -> None:
    where = f"host={scram.server.socket_dir} user=keeper password='{PASSWORD}' dbname=hub"
    for dsn in (
        where.replace(PASSWORD, f"{PASSWORD}wrong"),
        where.replace("dbname=hub", "dbname=nowhere"),
        f"{where} sslmode=on",
        f"{where} sslmodus=on",
        f"host={scram.server.socket_dir} user=keeper password=ab {PASSWORD}",
        f"postgresql://keeper:{PASSWORD}@localhost/hub",
    ):
        code, said = call(*COMMANDS[name], "--dsn", dsn)
        assert code == 2, dsn
        assert "hunter2" not in said, dsn
        assert "Zw" not in said, dsn


def test_the_servers_log_has_no_password(scram: Scram) -> None:
    scram.run("replay", "--dsn", "service=hub")  # makes logins with passwords of their own
    log = scram.server._log_file.read_text(errors="replace")
    assert "connection authenticated" in log
    assert PASSWORD not in log.replace("CREATE ROLE keeper", "")
    assert "PASSWORD 'SCRAM" not in log, "a statement with a password in it failed"


def arguments_of_session(session: int) -> bytes:
    """The arguments of its processes. (Other tests start some of their own.)"""
    found = b""
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ProcessLookupError):
            if os.getsid(int(folder.name)) == session:
                found += (folder / "cmdline").read_bytes()
    return found


def test_no_process_has_it_among_its_arguments(scram: Scram) -> None:
    """What ps shows of ours and of what we start, while a replay is at work on the service."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("needs /proc, which this system lacks")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    seen = b""
    with subprocess.Popen(
        [sys.executable, "-m", "ortes_db", "replay", "--dsn", "service=hub"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=clean | scram.environment,
        start_new_session=True,
    ) as process:
        while process.poll() is None:
            seen = seen[-1_000_000:] + arguments_of_session(process.pid)
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02)
    assert process.returncode == 0
    assert b"replay" in seen
    assert PASSWORD.encode() not in seen
    assert b"password=" not in seen


def test_sslmode_is_honoured() -> None:
    """A server without TLS gets nothing but the question for it: no name, no password."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10)
                got.append(connection.recv(1024))
                connection.sendall(b"N")
                try:
                    got.append(connection.recv(1024))
                except OSError:
                    got.append(b"")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        dsn = f"host=127.0.0.1 port={port} user=keeper password=hunter2 dbname=hub sslmode=verify-full"
        done = subprocess.run(
            [sys.executable, "-m", "ortes_db", "status", "--dsn", dsn], capture_output=True, text=True, timeout=60
        )
        thread.join(20)
    assert done.returncode == 2
    assert "hunter2" not in done.stderr + done.stdout
    assert got[0].hex() == "0000000804d2162f", "the request for TLS"
    assert b"keeper" not in b"".join(got)
    assert "certificate" in done.stderr or "SSL" in done.stderr
