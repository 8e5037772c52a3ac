"""The commands, as a DBA types them."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from ortes_db.server import Server
from tests.command import ortes
from tests.deploy.conftest import ask, dump_schema, run

pytestmark = pytest.mark.once


def test_a_round_of_all_of_them(empty_dsn: str) -> None:
    status = ortes("status", "--dsn", empty_dsn)
    assert (status.returncode, status.stderr) == (1, "")
    assert "0001.roles" in status.stdout
    assert "The hub is not deployed here: run `ortes deploy`." in status.stdout

    deploy = ortes("deploy", "--dsn", empty_dsn)
    assert (deploy.returncode, deploy.stderr) == (0, "")
    assert "    0001.roles\n" in deploy.stdout
    assert "    view ortes_ops.status\n" in deploy.stdout
    assert ortes("deploy", "--dsn", empty_dsn).stdout.startswith("nothing to do, ")

    status = ortes("status", "--dsn", empty_dsn)
    assert status.returncode == 0
    assert "Up to date, no drift." in status.stdout
    assert "\x1b" not in status.stdout

    run(empty_dsn, "ALTER TABLE ortes.arportes DISABLE TRIGGER arportes_insert")
    status = ortes("status", "--dsn", empty_dsn)
    assert status.returncode == 1
    assert "ortes.arportes_insert on arportes" in status.stdout
    assert "changed by hand" in status.stdout
    told = json.loads(ortes("status", "--json", "--dsn", empty_dsn).stdout)
    assert told["drift"] == [
        {
            "kind": "trigger",
            "name": "ortes.arportes_insert on arportes",
            "what": "changed",
            "file": "ortes/arportes_insert.sql",
        }
    ]
    assert told["good"] is False

    before = ask(empty_dsn, "SELECT tgenabled FROM pg_trigger WHERE tgname = 'arportes_insert'")
    planned = ortes("deploy", "--dry-run", "--dsn", empty_dsn)
    assert planned.returncode == 0
    assert "would put right: 1\n    trigger ortes.arportes_insert on arportes (changed)\n" in planned.stdout
    assert ask(empty_dsn, "SELECT tgenabled FROM pg_trigger WHERE tgname = 'arportes_insert'") == before
    done = json.loads(ortes("deploy", "--json", "--dsn", empty_dsn).stdout)
    assert done["changed"] == ["trigger ortes.arportes_insert on arportes"]

    rollback = ortes("rollback", "--all", "--dsn", empty_dsn)
    assert rollback.returncode == 0
    assert "nothing of the hub is left in this database" in rollback.stdout


def test_rollback_asks_before_orders_are_lost(empty_dsn: str, server: Server) -> None:
    ortes("deploy", "--dsn", empty_dsn)
    run(empty_dsn, "SELECT ortes_ops.create_company('C1')", "SELECT ortes_store.save_order('C1', 1)")
    before = dump_schema(server, empty_dsn)
    refused = ortes("rollback", "--all", "--dsn", empty_dsn)
    assert refused.returncode == 2
    assert "repeat with --yes" in refused.stderr
    assert dump_schema(server, empty_dsn) == before
    assert ortes("rollback", "--all", "--yes", "--dsn", empty_dsn).returncode == 0


def test_all_and_to_exclude_each_other(empty_dsn: str) -> None:
    assert ortes("rollback", "--all", "--to", "0001.roles", "--dsn", empty_dsn).returncode == 2
    assert ortes("rollback", "--dsn", empty_dsn).returncode == 2


def test_sql_prints_a_script() -> None:
    done = ortes("sql")
    assert done.returncode == 0
    assert "CREATE OR REPLACE FUNCTION ortes_store.save_order" in done.stdout


@pytest.mark.parametrize("command", ["deploy", "status", "rollback"])
def test_without_a_server_it_says_what_is_missing(command: str, tmp_path: Path) -> None:
    done = ortes(command, PGHOST=str(tmp_path), PGPORT="6001", PGPASSWORD="s3cret")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert f"{tmp_path}/.s.PGSQL.6001" in done.stderr
    assert "Name it with --dsn, or with the variables PGHOST, PGPORT, PGDATABASE and PGUSER." in done.stderr
    assert "s3cret" not in done.stderr
    done = ortes(command, "--dsn", f"postgresql://joe:s3cret@/hub?host={tmp_path}&port=6002")
    assert done.returncode == 2
    assert "port 6002, dbname hub, user joe" in done.stderr
    assert "s3cret" not in done.stderr
    assert done.stdout == ""


def test_a_missing_database_is_named(server: Server) -> None:
    done = ortes("status", "--dsn", server.dsn("no_such_database"))
    assert done.returncode == 2
    assert 'database "no_such_database" does not exist' in done.stderr


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_everything_as_it_was(empty_dsn: str, server: Server, by: signal.Signals) -> None:
    ortes("deploy", "--dsn", empty_dsn)
    before = dump_schema(server, empty_dsn)
    with psycopg.connect(empty_dsn) as other:
        other.execute("LOCK TABLE ortes.arportes IN ROW EXCLUSIVE MODE")
        running = subprocess.Popen(
            [sys.executable, "-m", "ortes_db", "deploy", "--dsn", empty_dsn], stderr=subprocess.PIPE, text=True
        )
        assert running.stderr is not None
        assert "trying again for up to 60 seconds" in running.stderr.readline()
        running.send_signal(by)
        _, said = running.communicate(timeout=20)
    assert running.returncode == 128 + by
    assert "Traceback" not in said
    assert dump_schema(server, empty_dsn) == before
    assert ortes("status", "--dsn", empty_dsn).returncode == 0
