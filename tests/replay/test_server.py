"""On the user's own server: a replay leaves nothing behind and touches nothing, however it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from ortes_db.server import Server

from .conftest import Edit, Run

pytestmark = pytest.mark.once

# What a replay could leave behind: databases, roles, memberships, settings.
TRACES = """
SELECT 'database', datname::text FROM pg_database UNION ALL
SELECT 'role', rolname::text FROM pg_roles UNION ALL
SELECT 'member', roleid || ' ' || member FROM pg_auth_members UNION ALL
SELECT 'session', application_name FROM pg_stat_activity WHERE application_name LIKE 'ortes%'
ORDER BY 1, 2
"""


@pytest.fixture
def traces(bare_server: Server) -> Iterator[list[tuple[str, str]]]:
    """What is on the server before; the same must be there afterwards."""
    before = [trace for trace in _traces(bare_server) if trace[0] != "session"]
    yield before
    deadline = time.monotonic() + 5
    while _traces(bare_server) != before and time.monotonic() < deadline:
        time.sleep(0.02)  # a session ends a moment after its client
    assert _traces(bare_server) == before


@pytest.mark.usefixtures("traces")
def test_success_leaves_nothing_behind(run: Run, bare_server: Server) -> None:
    done = run("--dsn", bare_server.dsn())
    assert done.returncode == 0, done.stderr


@pytest.mark.usefixtures("traces")
def test_mismatches_leave_nothing_behind(run: Run, bare_server: Server, edited: Edit) -> None:
    done = run(edited({("erp", "3", "store.id_pub"): "9"}), "--dsn", bare_server.dsn())
    assert done.returncode == 1


@pytest.mark.usefixtures("traces")
def test_a_failure_leaves_nothing_behind(run: Run, bare_server: Server, edited: Edit) -> None:
    code = "C" * 100
    rows = {("erp", "2", "azi"): code, ("erp", "3", "azi"): code}
    file = edited(rows)
    done = run(file, "--dsn", bare_server.dsn())
    assert done.returncode == 2
    assert f"{file}, line 20, column azi: the hub refuses the company code" in done.stderr


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("catalog", ["pg_database", "pg_authid"])
@pytest.mark.usefixtures("traces")
def test_an_interruption_leaves_nothing_behind(
    bare_server: Server, tmp_path: Path, ending: signal.Signals, catalog: str
) -> None:
    """While it creates its database, and while it creates roles: held up there until the signal is sent."""
    with psycopg.connect(bare_server.dsn()) as holder, psycopg.connect(bare_server.dsn(), autocommit=True) as watcher:
        holder.execute(f"LOCK TABLE {catalog} IN SHARE MODE")
        process = subprocess.Popen(
            [sys.executable, "-m", "ortes_db", "replay", "--dsn", bare_server.dsn()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            cwd=tmp_path,
        )
        query = "SELECT 1 FROM pg_locks WHERE relation = %s::regclass AND NOT granted"
        deadline = time.monotonic() + 20
        while not watcher.execute(query, (catalog,)).fetchone():
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.01)
        process.send_signal(ending)
        holder.rollback()
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 128 + ending, errors
    assert "Traceback" not in errors


@pytest.mark.usefixtures("traces")
def test_two_at_once_do_not_disturb_each_other(bare_server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ortes_db", "replay", "--dsn", bare_server.dsn()]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    pair = [subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tmp_path, env=environment) for _ in range(2)]
    assert [process.wait(timeout=60) for process in pair] == [0, 0]


def test_a_hub_that_is_there_stays_untouched(run: Run, server: Server, template: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        roles = connection.execute("SELECT rolname FROM pg_roles ORDER BY 1").fetchall()
        assert run("--dsn", server.dsn(template)).returncode == 0
        assert connection.execute("SELECT rolname FROM pg_roles ORDER BY 1").fetchall() == roles
    with psycopg.connect(server.dsn(template)) as connection:
        assert connection.execute("SELECT count(*) FROM ortes.company").fetchone() == (0,)


@pytest.mark.usefixtures("traces")
def test_the_usual_variables_and_passwords(run: Run, bare_server: Server) -> None:
    """`--dsn ''` means the PG* variables. With passwords asked for, the logins have theirs."""
    hba = bare_server.data_dir / "pg_hba.conf"
    trusting = hba.read_text()
    where = conninfo_to_dict(bare_server.dsn())
    try:
        with psycopg.connect(bare_server.dsn(), autocommit=True) as connection:
            hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
            connection.execute("SELECT pg_reload_conf()")
            done = run("--dsn", "", PGHOST=str(where["host"]), PGPORT=str(where["port"]), PGUSER="postgres")
    finally:
        hba.write_text(trusting)
        with psycopg.connect(bare_server.dsn(), autocommit=True) as connection:
            connection.execute("SELECT pg_reload_conf()")
    assert done.returncode == 0, done.stderr


def test_a_login_without_the_rights_is_told_which(run: Run, bare_server: Server) -> None:
    with psycopg.connect(bare_server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE nobody_special LOGIN")
        try:
            done = run("--dsn", bare_server.dsn(user="nobody_special"))
        finally:
            connection.execute("DROP ROLE nobody_special")
    assert done.returncode == 2
    assert "permission denied to create database" in done.stderr
    assert "CREATEDB and CREATEROLE" in done.stderr


def test_a_login_that_may_create_databases_and_roles_suffices(run: Run, bare_server: Server) -> None:
    with psycopg.connect(bare_server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE dba LOGIN CREATEDB CREATEROLE")
        try:
            done = run("--dsn", bare_server.dsn(user="dba"))
        finally:
            connection.execute("DROP ROLE dba")
    assert done.returncode == 0, done.stderr


def test_no_server_there(run: Run, tmp_path: Path) -> None:
    done = run("--dsn", f"host={tmp_path}")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def _traces(server: Server) -> list[tuple[str, str]]:
    with psycopg.connect(server.dsn()) as connection:
        return connection.execute(TRACES).fetchall()
