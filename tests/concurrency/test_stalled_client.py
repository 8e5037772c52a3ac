"""A client that saved an order and sits in its open transaction: who notices, for how long, and what the DBA does."""

import time
from typing import Any

import psycopg
import pytest

from tests.backup.places import statements
from tests.hub import Hub, Later, one, rows

BOUND = "200ms"
HEADING = "A client that stalls"


@pytest.fixture
def culprit(hub: Hub) -> psycopg.Connection[Any]:
    connection = hub.connect("store", autocommit=False)
    hub.save(1, connection=connection)
    return connection


def with_variables(statement: str, **variables: str) -> str:
    """As psql fills them in."""
    for name, value in variables.items():
        statement = statement.replace(f":'{name}'", f"'{value}'").replace(f':"{name}"', f'"{value}"')
    return statement


CALLS = {
    "store": "SELECT ortes_store.save_order('C00001', 2)",
    "app": "SELECT ortes_app.save_order('C00001', 50, 2)",
    "erp": "SELECT * FROM ortes_erp.export_order('C00001', 'G1')",
}


@pytest.mark.parametrize("who", CALLS)
def test_others_of_that_company_are_told_in_bounded_time_and_the_hint_finds_the_culprit(
    hub: Hub, culprit: psycopg.Connection[Any], who: str
) -> None:
    login = hub.login(who)
    hub.dba.execute(f"ALTER ROLE {login} SET lock_timeout = '{BOUND}'")  # type: ignore[call-overload]
    with hub.db.connect(login) as other:
        started = time.monotonic()
        with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
            other.execute(CALLS[who])  # type: ignore[call-overload]
        assert 0.2 <= time.monotonic() - started < 2
    hint = caught.value.diag.message_hint
    assert hint
    # Literally: what stands after the colon.
    found = hub.dba.execute(hint.partition(": ")[2]).fetchall()  # type: ignore[call-overload]
    assert [(row[0], row[1], row[2], row[3]) for row in found] == [
        (hub.azi, culprit.info.backend_pid, True, culprit.info.user)
    ]
    assert "idle in transaction" in found[0]


def test_a_login_without_lock_timeout_waits_five_seconds_at_most(hub: Hub, culprit: psycopg.Connection[Any]) -> None:
    started = time.monotonic()
    with hub.connect("store") as other, pytest.raises(psycopg.errors.LockNotAvailable, match="busy"):
        hub.save(2, connection=other)
    assert 4.9 <= time.monotonic() - started < 8


def test_other_companies_and_readers_notice_nothing(hub: Hub, culprit: psycopg.Connection[Any]) -> None:
    other = Hub(hub.db, "C00002")
    for connection in (other.store, other.app, other.erp, hub.store, hub.erp):
        connection.execute("SET lock_timeout = '1ms'")
    assert other.save(1) == 1
    assert other.acquire(1, "T1") == 1
    assert one(other.app, "SELECT ortes_app.save_order(%s, 50, 1)", other.azi) == 2
    assert hub.changes(0) == []
    assert rows(hub.erp, "SELECT * FROM ortes_erp.pending(%s)", hub.azi) == []


def test_the_runbook_ends_the_culprit_and_everybody_goes_on(hub: Hub, culprit: psycopg.Connection[Any]) -> None:
    look, end, _ = statements(HEADING)
    later = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order(%s, 2)", hub.azi)
    assert [row[2] for row in rows(hub.dba, with_variables(look, azi=hub.azi))].count(True) == 1
    ended = rows(hub.dba, with_variables(end, azi=hub.azi))
    assert ended == [(culprit.info.backend_pid, culprit.info.user, True)]
    assert later.result() == 1, "the number that the culprit had drawn is free again"
    culprit.close()
    # Its client repeats its last call.
    assert hub.save(1) == 2


def test_the_settings_end_the_culprit_by_themselves(hub: Hub) -> None:
    login = hub.login("store")
    settings = with_variables(statements(HEADING)[2], login=login)
    assert settings.count("ALTER ROLE") == 2
    hub.dba.execute(settings)  # type: ignore[call-overload]
    # As documented, but not ten seconds in a test.
    hub.dba.execute(f"ALTER ROLE {login} SET idle_in_transaction_session_timeout = '300ms'")  # type: ignore[call-overload]
    with hub.db.connect(login, autocommit=False) as stalled:
        assert one(stalled, "SHOW lock_timeout") == "5s"
        hub.save(1, connection=stalled)
        later = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order(%s, 2)", hub.azi)
        assert later.result() == 1
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            stalled.execute("SELECT 1")
