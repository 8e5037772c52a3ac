"""`ortes doctor` names what is open, and the statement that it prints closes it."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ortes_db.deploy import deploy
from ortes_db.doctor import Finding, doctor
from ortes_db.server import Server, embedded_server
from tests.command import ortes

pytestmark = pytest.mark.once

# Makes a login that doctor has nothing to say about.
LOGIN = (
    "CREATE ROLE shop LOGIN CONNECTION LIMIT 5 IN ROLE ortes_store",
    "ALTER ROLE shop SET lock_timeout = '5s'",
    "ALTER ROLE shop SET idle_in_transaction_session_timeout = '1min'",
    "SELECT ortes_ops.create_company('C00001')",
    "SELECT ortes_ops.grant_access('shop', 'C00001')",
)
DROPPED = (
    "CREATE ROLE gone LOGIN IN ROLE ortes_store; SELECT ortes_ops.grant_access('gone', 'C00001'{}); DROP ROLE gone"
)

# What is broken, and what doctor says of it. `check`, a part of `what`.
BROKEN: dict[str, tuple[str, str, str]] = {
    "the owner can log in": ("ALTER ROLE ortes_owner LOGIN", "roles", "role ortes_owner has rights of its own: LOGIN"),
    "a role can do more": ("ALTER ROLE ortes_app CREATEROLE CREATEDB", "roles", "CREATEROLE, CREATEDB"),
    "a role has another's rights": ("GRANT ortes_erp TO ortes_store", "roles", "ortes_store is a member of ortes_erp"),
    "a function of somebody else's": (
        "ALTER FUNCTION ortes_store.position(text, integer) OWNER TO postgres",
        "owners",
        "position",
    ),
    "a table of somebody else's": ("ALTER TABLE ortes.reader OWNER TO postgres", "owners", "ortes.reader belongs to"),
    "a view of somebody else's": ("ALTER VIEW ortes_ops.status OWNER TO postgres", "owners", "ortes_ops.status"),
    "a schema of somebody else's": ("ALTER SCHEMA ortes_app OWNER TO postgres", "owners", "ortes_app belongs to"),
    "a search_path that is open": (
        "ALTER FUNCTION ortes_erp.pending(text, integer) RESET search_path",
        "search_path",
        "ortes_erp.pending(text,integer)",
    ),
    "a search_path that is wrong": (
        "ALTER FUNCTION ortes_erp.pending(text, integer) SET search_path = public, pg_catalog",
        "search_path",
        "ortes_erp.pending(text,integer)",
    ),
    "a door open to everybody": (
        "GRANT EXECUTE ON FUNCTION ortes_store.position(text, integer) TO PUBLIC",
        "privileges",
        "PUBLIC has EXECUTE",
    ),
    "a core function for the store": (
        "GRANT EXECUTE ON FUNCTION ortes.lock_company(text) TO ortes_store",
        "privileges",
        "ortes_store has EXECUTE on function ortes.lock_company(text)",
    ),
    "a table for a login": ("GRANT SELECT ON ortes.arportes TO shop", "privileges", "shop has SELECT on table"),
    "with the right to pass it on": (
        "GRANT INSERT ON ortes.arportes TO shop WITH GRANT OPTION",
        "privileges",
        "INSERT WITH GRANT OPTION",
    ),
    "content for the monitoring": (
        "GRANT SELECT (dati) ON ortes_ops.orders TO ortes_monitor",
        "privileges",
        "SELECT (dati)",
    ),
    "the core's schema": ("GRANT USAGE ON SCHEMA ortes TO ortes_app", "privileges", "ortes_app has USAGE on schema ortes"),
    "a right that is missing": (
        "REVOKE EXECUTE ON FUNCTION ortes_app.position(text, integer) FROM ortes_app",
        "privileges",
        "ortes_app lacks EXECUTE",
    ),
    "a column that is missing": ("REVOKE SELECT (azi) ON ortes_ops.orders FROM ortes_monitor", "privileges", "lacks SELECT (azi)"),
    "default privileges": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE ortes_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
        "default privileges",
        "everybody may execute",
    ),
    "default privileges of a schema": (
        "ALTER DEFAULT PRIVILEGES FOR ROLE ortes_owner IN SCHEMA ortes GRANT SELECT ON TABLES TO ortes_store",
        "default privileges",
        "ortes_store gets SELECT",
    ),
    "content in the log": ("ALTER DATABASE {db} SET log_statement = 'all'", "settings", "log_statement is all"),
    "content of errors in the log": (
        "ALTER DATABASE {db} SET log_parameter_max_length_on_error = -1",
        "settings",
        "log_parameter_max_length_on_error is -1",
    ),
    "content of slow calls in the log": (
        "ALTER DATABASE {db} SET log_min_duration_statement = '1s'",
        "settings",
        "log_parameter_max_length is -1",
    ),
    "weak passwords": ("ALTER DATABASE {db} SET password_encryption = 'md5'", "settings", "password_encryption is md5"),
    "a login without a limit": ("ALTER ROLE shop CONNECTION LIMIT -1", "limits", "shop has no limit of connections"),
    "a login that may stall": (
        "ALTER ROLE shop RESET idle_in_transaction_session_timeout",
        "limits",
        "has no idle_in_transaction_session_timeout",
    ),
    "a login that may wait for ever": ("ALTER ROLE shop RESET lock_timeout", "limits", "has no lock_timeout"),
    "a login that is a superuser": ("ALTER ROLE shop SUPERUSER", "powers", "shop can use a door, and is SUPERUSER"),
    "a login that makes roles": ("ALTER ROLE shop CREATEROLE", "powers", "CREATEROLE"),
    "a login with the owner's rights": ("GRANT ortes_owner TO shop", "powers", "is a member of ortes_owner"),
    "a login with a superuser's rights": (
        "CREATE ROLE boss SUPERUSER; GRANT boss TO shop",
        "powers",
        "is a member of boss",
    ),
    "a login that reads everything": ("GRANT pg_read_all_data TO shop", "powers", "is a member of pg_read_all_data"),
    "a login without a company": ("SELECT ortes_ops.revoke_access('shop', 'C00001')", "access", "shop can use a door, and acts for no"),
    "access of a login that is gone": (DROPPED.format(""), "access", "there is no such login"),
    "access of a device's login that is gone": (DROPPED.format(", 50"), "access", "as device 50, but there is no such"),
    "access of a login without a door": (
        "CREATE ROLE idle LOGIN; SELECT ortes_ops.grant_access('idle', 'C00001')",
        "access",
        "can use no door",
    ),
    "a changed function": (
        "COMMENT ON FUNCTION ortes.check_azi(text) IS 'mine'",
        "drift",
        "function ortes.check_azi(p_azi text) was changed by hand",
    ),
    "a trigger that is off": ("ALTER TABLE ortes.arportes DISABLE TRIGGER arportes_update", "drift", "arportes_update"),
    "a dropped trigger": ("DROP TRIGGER history_delete ON ortes.history", "drift", "history_delete"),
    "a function too many": (
        "CREATE FUNCTION ortes_store.mine(p_a text, p_b integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'; "
        "ALTER FUNCTION ortes_store.mine(text, integer) OWNER TO ortes_owner; "
        "REVOKE ALL ON FUNCTION ortes_store.mine(text, integer) FROM PUBLIC",
        "drift",
        "ortes_store.mine",
    ),
    "a view too many": (
        "CREATE VIEW ortes_ops.mine AS SELECT 1 AS a; ALTER VIEW ortes_ops.mine OWNER TO ortes_owner",
        "drift",
        "ortes_ops.mine",
    ),
    "a trigger too many": (
        "CREATE TRIGGER mine BEFORE UPDATE ON ortes.arportes FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "drift",
        "mine on arportes",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def bare(pg_bin: str | None) -> Iterator[Server]:
    """A server of one's own: roles belong to a server, and here they are broken."""
    with embedded_server(pg_bin) as server:
        run(server.dsn(), "CREATE DATABASE clean")
        deploy(server.dsn("clean"))
        run(server.dsn("clean"), *LOGIN)
        yield server


@pytest.fixture
def dsn(bare: Server) -> Iterator[str]:
    """A hub about which doctor has nothing to say; at the end, it has nothing to say of the server either."""
    run(bare.dsn(), "CREATE DATABASE broken TEMPLATE clean")
    dsn = bare.dsn("broken")
    try:
        yield dsn
    finally:
        run(
            bare.dsn(),
            "DROP DATABASE broken WITH (FORCE)",
            "DROP ROLE IF EXISTS idle, boss",
            "GRANT ortes_store TO shop",
        )
    assert doctor(bare.dsn("clean")) == [], "the test left something behind"


def run(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(sql.SQL(statement))  # type: ignore[arg-type]


def mend(dsn: str, finding: Finding) -> None:
    """Do what it says, to the letter."""
    if finding.mend == "ortes deploy":
        deploy(dsn)
    else:
        run(dsn, finding.mend)


@pytest.mark.parametrize("broken", BROKEN)
def test_each_thing_broken_is_named_and_its_statement_mends_it(dsn: str, broken: str) -> None:
    statements, check, what = BROKEN[broken]
    run(dsn, *(part.strip().format(db="broken") for part in statements.split(";")))
    findings = doctor(dsn)
    assert any(check == found.check and what in found.what for found in findings), findings
    assert len(findings) <= 2, findings
    for finding in findings:
        mend(dsn, finding)
    assert doctor(dsn) == []


def test_a_role_that_is_missing(pg_bin: str | None) -> None:
    with embedded_server(pg_bin) as server:
        deploy(server.dsn())
        run(server.dsn(), "DROP OWNED BY ortes_monitor", "DROP ROLE ortes_monitor")
        findings = doctor(server.dsn())
        assert [f.what for f in findings] == ["role ortes_monitor is missing"]
        mend(server.dsn(), findings[0])
        # Made anew, it lacks its grants.
        findings = doctor(server.dsn())
        assert {f.check for f in findings} == {"privileges"}
        for finding in findings:
            mend(server.dsn(), finding)
        assert doctor(server.dsn()) == []


def test_several_at_once_are_all_named(dsn: str) -> None:
    run(
        dsn,
        "ALTER ROLE ortes_owner LOGIN",
        "GRANT SELECT ON ortes.arportes TO PUBLIC",
        "ALTER ROLE shop CONNECTION LIMIT -1",
    )
    findings = doctor(dsn)
    assert [f.check for f in findings] == ["roles", "privileges", "limits"]
    for finding in findings:
        mend(dsn, finding)


def test_the_command_says_it_in_text_and_json_and_by_its_exit_code(dsn: str) -> None:
    done = ortes("doctor", "--dsn", dsn)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Nothing is open.\n", "")
    assert json.loads(ortes("doctor", "--dsn", dsn, "--json").stdout) == []
    run(dsn, "ALTER ROLE shop CONNECTION LIMIT -1")
    done = ortes("doctor", "--dsn", dsn)
    assert done.returncode == 1
    assert done.stdout == (
        "limits: login shop has no limit of connections\n    ALTER ROLE shop CONNECTION LIMIT 20;\n1 open\n"
    )
    done = ortes("doctor", "--dsn", dsn, "--json")
    assert done.returncode == 1
    found: list[dict[str, Any]] = json.loads(done.stdout)
    assert [one["mend"] for one in found] == ["ALTER ROLE shop CONNECTION LIMIT 20;"]
    run(dsn, found[0]["mend"])


@pytest.mark.parametrize("what", ["no server", "no hub", "no right to look"])
def test_where_it_cannot_tell_it_says_so(bare: Server, dsn: str, what: str) -> None:
    where = {"no server": "host=/nonexistent", "no hub": bare.dsn(), "no right to look": bare.dsn("broken", "shop")}[
        what
    ]
    done = ortes("doctor", "--dsn", where)
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr


def test_it_writes_nothing(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        before = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
        connection.execute("ALTER DATABASE broken SET default_transaction_read_only = on")
        assert doctor(dsn) == []
        assert before
