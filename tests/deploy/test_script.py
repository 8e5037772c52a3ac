"""`ortes sql`: what deploy does, for psql."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ortes_db.manifest import DEPLOY_LOCK
from ortes_db.server import Server
from tests.deploy.conftest import Release, ask, in_background, run

Dump = Callable[[str], str]
Psql = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def psql(server: Server, release: Release, tmp_path: Path) -> Psql:
    """Run the release's script in a database."""
    program = next((path for path in (server.bin_dir / "psql",) if path.exists()), None) or shutil.which("psql")
    if program is None:
        pytest.skip("no psql here")

    def run_script(dsn: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "hub.sql").write_text(release.script(), encoding="utf-8")
        command = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", tmp_path / "hub.sql"]
        return subprocess.run([str(part) for part in command], capture_output=True, text=True)

    return run_script


def test_its_result_is_deploys(release: Release, psql: Psql, empty_dsn: str, server: Server, dump: Dump) -> None:
    run(server.dsn(), "CREATE DATABASE by_deploy")
    try:
        release.deploy(server.dsn("by_deploy"))
        done = psql(empty_dsn)
        assert (done.returncode, done.stderr) == (0, "")
        assert dump(empty_dsn) == dump(server.dsn("by_deploy"))
        assert release.status(empty_dsn).good
        assert release.deploy(empty_dsn).nothing
        rows = "SELECT * FROM ortes_deploy.object ORDER BY 1, 2, 3"
        assert ask(empty_dsn, rows) == ask(server.dsn("by_deploy"), rows)
        applied = "SELECT migration_hash, migration_id FROM ortes_deploy._yoyo_migration ORDER BY applied_at_utc"
        assert ask(empty_dsn, applied) == ask(server.dsn("by_deploy"), applied)
    finally:
        run(server.dsn(), "DROP DATABASE by_deploy WITH (FORCE)")


def test_it_upgrades_and_may_be_repeated(release: Release, psql: Psql, deployed: str) -> None:
    name = release.add_migration()
    release.write("sql/ortes_erp/pending.sql", release.read("sql/ortes_erp/pending.sql") + "\n")
    for _ in range(2):
        done = psql(deployed)
        assert (done.returncode, done.stderr) == (0, "")
    assert name in ask(deployed, "SELECT migration_id FROM ortes_deploy._yoyo_migration")[-1]
    assert release.status(deployed).good
    assert release.deploy(deployed).nothing


def test_a_failure_leaves_everything_as_it_was(release: Release, psql: Psql, deployed: str, dump: Dump) -> None:
    before = dump(deployed)
    release.add_migration()
    release.write("sql/privileges.sql", release.read("sql/privileges.sql") + "SELECT 1/0;\n")
    done = psql(deployed)
    assert done.returncode == 3
    assert "division by zero" in done.stderr
    assert dump(deployed) == before


def test_it_names_leftovers(psql: Psql, deployed: str) -> None:
    run(deployed, "CREATE FUNCTION ortes.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert "in the database, but not in this release: function ortes.mine()" in psql(deployed).stderr


def test_it_refuses_a_later_release(release: Release, psql: Psql, deployed: str) -> None:
    release.add_migration()
    release.deploy(deployed)
    release.remove("migrations/9000.note.sql")
    release.remove("migrations/9000.note.rollback.sql")
    assert "a migration that this release does not know: 9000.note" in psql(deployed).stderr


def test_it_gives_way_to_a_long_transaction(psql: Psql, deployed: str) -> None:
    with psycopg.connect(deployed) as long:
        long.execute("LOCK TABLE ortes.arportes IN ROW EXCLUSIVE MODE")
        assert "lock timeout" in psql(deployed).stderr


def test_it_waits_for_a_deploy(psql: Psql, deployed: str) -> None:
    with psycopg.connect(deployed, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", (DEPLOY_LOCK,))
        second = in_background(psql, deployed)
        while not first.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchall():
            assert not second.done(), second.result()
        first.execute("SELECT pg_advisory_unlock_all()")
        assert second.result(20).returncode == 0
