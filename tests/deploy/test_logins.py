"""`ortes status` warns of logins that can use a door and have no timeouts."""

import json

import psycopg
import pytest
from psycopg import sql

from ortes_db.logins import unbounded_logins
from ortes_db.server import embedded_server
from ortes_db.status import status
from tests.conftest import Db
from tests.deploy.test_command import ortes

pytestmark = pytest.mark.once

IDLE, LOCK = "idle_in_transaction_session_timeout", "lock_timeout"


def lacking(db: Db, login: str) -> list[str]:
    return next((one.lacks for one in status(db.dsn()).unbounded_logins if one.name == login), [])


def alter(db: Db, statement: str, login: str) -> None:
    with psycopg.connect(db.dsn(), autocommit=True) as dba:
        dba.execute(sql.SQL(statement).format(login=sql.Identifier(login), db=sql.Identifier(db.name)))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", ["ortes_store", "ortes_app", "ortes_erp"])
def test_a_login_of_a_system_is_named_until_it_has_both(db: Db, role: str) -> None:
    login = db.login("shop", role)
    assert lacking(db, login) == [IDLE, LOCK]
    alter(db, f"ALTER ROLE {{login}} SET {IDLE} = '30s'", login)
    assert lacking(db, login) == [LOCK]
    alter(db, f"ALTER ROLE {{login}} SET {LOCK} = '5s'", login)
    assert lacking(db, login) == []
    assert status(db.dsn()).good, "a warning is no fault of the database"


@pytest.mark.parametrize("zero", ["0", "0s", "0ms"])
def test_zero_is_no_bound(db: Db, zero: str) -> None:
    login = db.login("shop", "ortes_store")
    alter(db, f"ALTER ROLE {{login}} SET {IDLE} = '{zero}'", login)
    assert lacking(db, login) == [IDLE, LOCK]


def test_what_the_database_sets_counts_unless_the_login_sets_otherwise(db: Db) -> None:
    login = db.login("shop", "ortes_store")
    alter(db, f"ALTER DATABASE {{db}} SET {IDLE} = '1min'", login)
    assert lacking(db, login) == [LOCK]
    alter(db, f"ALTER ROLE {{login}} IN DATABASE {{db}} SET {IDLE} = 0", login)
    assert lacking(db, login) == [IDLE, LOCK]
    alter(db, f"ALTER ROLE {{login}} IN DATABASE {{db}} SET {IDLE} = '10s'", login)
    alter(db, f"ALTER ROLE {{login}} SET {IDLE} = 0", login)
    assert lacking(db, login) == [LOCK]


def test_what_postgresql_really_applies_is_the_same(db: Db) -> None:
    login = db.login("shop", "ortes_store")
    alter(db, f"ALTER DATABASE {{db}} SET {IDLE} = '1min'", login)
    alter(db, f"ALTER ROLE {{login}} SET {IDLE} = 0", login)
    assert db.connect(login).execute(f"SHOW {IDLE}").fetchone() == ("0",)  # type: ignore[call-overload]
    assert IDLE in lacking(db, login)


def test_what_the_server_sets_counts(db: Db, pg_bin: str | None) -> None:
    from ortes_db.deploy import deploy

    with embedded_server(pg_bin, {IDLE: "30s", LOCK: "5s"}) as server:
        deploy(server.dsn())
        with psycopg.connect(server.dsn(), autocommit=True) as dba:
            dba.execute("CREATE ROLE shop LOGIN IN ROLE ortes_store")
            assert unbounded_logins(dba) == []
            dba.execute(f"ALTER ROLE shop SET {LOCK} = 0")  # type: ignore[call-overload]
        assert [(one.name, one.lacks) for one in status(server.dsn()).unbounded_logins] == [("shop", [LOCK])]


def test_who_cannot_use_a_door_is_not_named(db: Db) -> None:
    for role in ("ortes_monitor", "ortes_owner"):
        assert lacking(db, db.login("other", role)) == []


def test_the_command_tells_it_both_ways(db: Db) -> None:
    # The first of all: other tests on this server may have logins, and only some are named.
    login = db.login("aaa", "ortes_store")
    told = ortes("status", "--dsn", db.dsn())
    assert told.returncode == 0
    assert f"Warning: no {IDLE} for login" in told.stdout
    assert login in told.stdout
    found = json.loads(ortes("status", "--json", "--dsn", db.dsn()).stdout)
    assert {"name": login, "lacks": [IDLE, LOCK]} in found["unbounded_logins"]
