"""From each released schema, with data in it, to this one: nothing is lost, and the schema equals a fresh install.

A release keeps its installation script here, under its version:

    .venv/bin/ortes sql > tests/upgrade/v0.1.0.sql

Until that version is tagged, the command is run again whenever migrations/ or sql/ change; afterwards the file stays as
it is for ever, like the migrations in it.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ortes_db.deploy import DeployError, deploy
from ortes_db.resources import migrations_dir, sql_dir
from ortes_db.server import Server
from tests.backup.places import Live, content, counters, goes_on, kept, run
from tests.conftest import Db

RELEASES = sorted(Path(__file__).parent.glob("v*.sql"))


@pytest.fixture
def old(server: Server, empty_dsn: str) -> Db:
    """An empty database, for an older release."""
    return Db(server, psycopg.conninfo.conninfo_to_dict(empty_dsn)["dbname"])


@pytest.fixture
def next_release(tmp_path: Path) -> dict[str, Path]:
    """A release after this one: one more column, a function with another body."""
    shutil.copytree(migrations_dir(), tmp_path / "migrations")
    shutil.copytree(sql_dir(), tmp_path / "sql")
    (tmp_path / "migrations" / "9000.note.sql").write_text(
        "-- depends: 0002.tables\n\nSET LOCAL ROLE ortes_owner;\nALTER TABLE ortes.arportes ADD COLUMN note text;\n"
        "COMMENT ON COLUMN ortes.arportes.note IS 'For the test.';\n"
    )
    (tmp_path / "migrations" / "9000.note.rollback.sql").write_text(
        "SET LOCAL ROLE ortes_owner;\nALTER TABLE ortes.arportes DROP COLUMN note;\n"
    )
    position = tmp_path / "sql" / "ortes_store" / "position.sql"
    position.write_text(position.read_text().replace("BEGIN\n", "BEGIN\n    -- Another body.\n", 1))
    return {"migrations": tmp_path / "migrations", "sql": tmp_path / "sql"}


def schema(server: Server, dsn: str) -> str:
    """The schema, without the token that pg_dump makes up anew each time."""
    return re.sub(r"^\\(un)?restrict .*$", "", run(server, "pg_dump", "--schema-only", "-d", dsn), flags=re.MULTILINE)


@pytest.mark.parametrize("release", RELEASES, ids=[file.stem for file in RELEASES])
def test_a_release_becomes_this_one(old: Db, template: str, release: Path) -> None:
    server = old.server
    run(server, "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", old.dsn(), input=release.read_text())
    live = Live(old)
    before = content(old.dsn())
    try:
        deploy(old.dsn())
    except DeployError as error:
        pytest.fail(f"{error} ({release.name} is made anew until its version is tagged: see above)")
    kept(before, content(old.dsn()))
    assert schema(server, old.dsn()) == schema(server, server.dsn(template))
    goes_on(live, old.dsn)


def test_this_release_becomes_another(old: Db, empty_next: str, next_release: dict[str, Path]) -> None:
    """The same, forward: so that the check above is seen to work on a release that changes tables and functions."""
    server = old.server
    deploy(old.dsn())
    live = Live(old)
    before = content(old.dsn())
    result = deploy(old.dsn(), **next_release)
    assert result.migrations == ["9000.note"]
    assert any("ortes_store.position" in name for name in result.changed)
    with psycopg.connect(old.dsn()) as dba:
        assert dba.execute("SELECT count(*) FROM ortes.arportes WHERE note IS NULL").fetchone() == (
            len(before["arportes"]),
        )
    deploy(empty_next, **next_release)
    assert schema(server, old.dsn()) == schema(server, empty_next)
    kept(before, content(old.dsn()))
    goes_on(live, old.dsn, **next_release)


def test_a_migration_that_starts_the_counters_anew_is_caught(old: Db, next_release: dict[str, Path]) -> None:
    deploy(old.dsn())
    live = Live(old)
    before = content(old.dsn())
    with open(next_release["migrations"] / "9000.note.sql", "a") as migration:
        migration.write(
            "ALTER TABLE ortes.apstatosyn DISABLE TRIGGER USER;\nUPDATE ortes.apstatosyn SET valore = 0;\n"
            "ALTER TABLE ortes.apstatosyn ENABLE TRIGGER USER;\n"
        )
    deploy(old.dsn(), **next_release)
    assert counters(old.dsn()) == (0, 0)
    with pytest.raises(AssertionError):
        kept(before, content(old.dsn()))
    with pytest.raises((AssertionError, psycopg.Error)):
        goes_on(live, old.dsn, **next_release)


@pytest.fixture
def empty_next(server: Server) -> Iterator[str]:
    """Another empty database."""
    name = sql.Identifier("next_release")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        yield server.dsn("next_release")
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
