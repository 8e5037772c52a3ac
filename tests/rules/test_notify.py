"""Notifications: one per company and transaction that drew a number, where they are switched on; none otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from tests.backup.places import statements
from tests.hub import Connection, Hub, Later, refused, rows, to_json

END = "the end"
BY_HAND = "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo) SELECT 'C00001', 'S', n, 'C' FROM generate_series(11, 20) AS n"


class Ear:
    """A session that listens as anybody may."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.connection = hub.db.connect()
        self.connection.execute("LISTEN ortes")

    def heard(self) -> list[str]:
        """The payloads since the last time. Notifications come in the order of the commits: ours is the last."""
        self.hub.dba.execute("SELECT pg_notify('ortes', %s)", (END,))
        payloads: list[str] = []
        for notification in self.connection.notifies(timeout=20):
            if notification.payload == END:
                return payloads
            assert notification.channel == "ortes"
            payloads.append(notification.payload)
        raise AssertionError("not even the last notification came")


@pytest.fixture
def ear(hub: Hub) -> Ear:
    """Notifications of C00001 are on from now on."""
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', true)")
    return Ear(hub)


@contextmanager
def one_transaction(hub: Hub, who: str) -> Iterator[Connection]:
    with hub.connect(who, autocommit=False) as connection:
        yield connection
        connection.commit()


def test_whatever_draws_a_number_is_heard(hub: Hub, ear: Ear) -> None:
    hub.save(1, {"v": 1})
    hub.app.execute("SELECT ortes_app.save_order('C00001', 50, 1)")
    hub.export("G1")
    hub.acquire(1, "T1")
    hub.export("T1", id_pub=1, conferma="A")
    hub.dba.execute("UPDATE ortes.arportes SET conferma = 'B' WHERE id_pub = 1")
    hub.dba.execute(BY_HAND)
    assert ear.heard() == ["C00001"] * 7


def test_whatever_draws_none_is_not(hub: Hub, ear: Ear) -> None:
    hub.save(1, {"v": 1})
    hub.export("G1", conferma="A")
    assert len(ear.heard()) == 2
    hub.save(1, {"v": 1})
    hub.export("G1", conferma="A")
    hub.export("G1", id_pub=2, conferma="A")
    hub.erp.execute("SELECT ortes_erp.create_order('C00001', 1, 7)")
    hub.store.execute("SELECT ortes_store.import_order('C00001', 2), ortes_store.confirm('C00001', 1)")
    hub.dba.execute("UPDATE ortes.arportes SET autore_cod = 9")
    hub.ops.execute("SELECT ortes_ops.set_counter('C00001', 'ID-SINCRO', 50)")
    with refused("OR006"):
        hub.save(1, {"v": 2})
    assert ear.heard() == []


def test_a_batch_is_heard_once(hub: Hub, ear: Ear) -> None:
    saved = to_json([{"id_int": n} for n in range(1, 301)])
    hub.store.execute("SELECT ortes_store.save_orders('C00001', %s)", (saved,))
    assert ear.heard() == ["C00001"]
    hub.dba.execute("UPDATE ortes.arportes SET conferma = 'A'")
    assert ear.heard() == ["C00001"]


def test_a_transaction_is_heard_once_when_it_commits(hub: Hub, ear: Ear) -> None:
    with one_transaction(hub, "dba") as connection:
        for n in (1, 2):
            hub.save(n, connection=connection)
            hub.acquire(n, f"T{n}", connection=connection)
        hub.export("G1", connection=connection)
        assert ear.heard() == []
    assert ear.heard() == ["C00001"]


def test_a_transaction_over_several_companies_is_heard_once_for_each_that_is_on(hub: Hub, ear: Ear) -> None:
    for azi in ("A", "B", "OFF"):
        hub.db.company(azi)
    hub.ops.execute("SELECT ortes_ops.set_notify(azi, true) FROM unnest(ARRAY['A', 'B']) AS azi")
    assert ear.heard() == ["A", "B"]
    with one_transaction(hub, "dba") as connection:
        for _ in range(2):
            connection.execute(
                """
                INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo)
                SELECT azi, 'S', n + (SELECT count(*) FROM ortes.arportes), 'C'
                FROM generate_series(1, 3) AS n, unnest(ARRAY['A', 'OFF', 'B', 'C00001']) AS azi
                ORDER BY n, azi
                """
            )
        connection.execute("UPDATE ortes.arportes SET conferma = 'X'")
    assert sorted(ear.heard()) == ["A", "B", "C00001"]


def test_what_is_rolled_back_is_not_heard(hub: Hub, ear: Ear) -> None:
    with hub.connect("store", autocommit=False) as store:
        hub.save(1, connection=store)
        store.rollback()
    with one_transaction(hub, "store") as store:
        store.execute("SAVEPOINT s")
        hub.save(1, connection=store)
        store.execute("ROLLBACK TO s")
    assert ear.heard() == []
    with one_transaction(hub, "store") as store:
        hub.save(1, connection=store)
        store.execute("SAVEPOINT s")
        hub.save(2, connection=store)
        store.execute("ROLLBACK TO s")
    assert ear.heard() == ["C00001"]
    with one_transaction(hub, "store") as store:
        store.execute("SAVEPOINT s")
        hub.save(2, connection=store)
        store.execute("ROLLBACK TO s")
        hub.save(2, connection=store)
    assert ear.heard() == ["C00001"]


def test_it_is_off_in_a_new_company_and_can_be_switched_off_again(hub: Hub) -> None:
    ear = Ear(hub)
    hub.save(1)
    assert ear.heard() == []
    assert rows(hub.ops, "SELECT notify FROM ortes_ops.status") == [(False,)]
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', true)")
    assert rows(hub.connect("monitor"), "SELECT notify FROM ortes_ops.status") == [(True,)]
    assert ear.heard() == ["C00001"], "who listens is told"
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', true)")
    assert ear.heard() == []
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', false)")
    hub.acquire(1, "T1")
    assert ear.heard() == []
    who, door = hub.ops.info.user, "ortes_ops.set_notify"
    on, off = {"notify": True}, {"notify": False}
    switched = rows(hub.dba, "SELECT login, door, was, became FROM ortes.history ORDER BY at")
    assert switched == [(who, door, off, on), (who, door, on, off)]


@pytest.mark.parametrize("first", ["the switch", "the order"])
def test_what_the_same_transaction_draws_before_or_after_the_switch_is_heard(hub: Hub, first: str) -> None:
    ear = Ear(hub)
    with one_transaction(hub, "dba") as connection:
        if first == "the order":
            hub.save(1, connection=connection)
        connection.execute("SELECT ortes_ops.set_notify('C00001', true)")
        if first == "the switch":
            hub.save(1, connection=connection)
    assert ear.heard() == ["C00001"]
    assert hub.counters() == (1, 0)


def test_a_switch_in_the_middle_of_a_statement_loses_no_number(hub: Hub) -> None:
    """The statement has counted on in its settings when the switch writes to the counter's row."""
    ear = Ear(hub)
    hub.dba.execute(
        """
        INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo)
        SELECT 'C00001', 'S', n, CASE WHEN n = 3 AND ortes_ops.set_notify('C00001', true) IS NULL THEN '?' ELSE 'C' END
        FROM generate_series(1, 5) AS n
        """
    )
    assert hub.id_pubs() == [1, 2, 3, 4, 5]
    assert hub.counters() == (5, 0)
    assert ear.heard() == ["C00001"]


def test_the_switch_waits_for_who_is_writing_and_who_waits_sees_it(hub: Hub) -> None:
    ear = Ear(hub)
    slow = hub.connect("store", autocommit=False)
    hub.save(1, connection=slow)
    switch = Later(hub, hub.ops, "SELECT ortes_ops.set_notify('C00001', true)")
    slow.commit()
    switch.result()
    ops = hub.connect("ops", autocommit=False)
    ops.execute("SELECT ortes_ops.set_notify('C00001', false)")
    later = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order('C00001', 2)")
    ops.commit()
    later.result()
    assert ear.heard() == ["C00001"], "that of the first switch"


def test_under_an_old_snapshot_it_is_not_missed_but_tried_again(hub: Hub) -> None:
    ear = Ear(hub)
    store = hub.connect("store", autocommit=False)
    store.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    store.execute("SELECT ortes_store.position('C00001')")
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', true)")
    with pytest.raises(psycopg.errors.SerializationFailure):
        hub.save(1, connection=store)
    store.rollback()
    hub.save(1, connection=store)
    store.commit()
    assert ear.heard() == ["C00001", "C00001"], "the switch, and the order"


@pytest.mark.parametrize("who", ["store", "app", "erp", "monitor"])
def test_only_the_dba_switches_it(hub: Hub, who: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        hub.connect(who).execute("SELECT ortes_ops.set_notify('C00001', true)")
    with refused("OR001", naming="NOWHERE"):
        hub.ops.execute("SELECT ortes_ops.set_notify('NOWHERE', true)")


def test_the_runbook_s_statements_run(hub: Hub) -> None:
    switch, look, watch = [s for block in statements("Notifications") for s in block.split(";") if s.strip()]
    hub.ops.execute(sql.SQL(switch.replace(":'azi'", "'C00001'")))
    assert rows(hub.ops, sql.SQL(look.replace(":'azi'", "'C00001'"))) == [("C00001", True)]
    assert rows(hub.ops, sql.SQL(watch)) == [(0,)]


SEND = "PERFORM pg_notify('ortes', p_azi);"
WRONG = {
    "the number in the payload": (SEND, SEND.replace("p_azi", "p_azi || v_number")),
    "one for every order": (SEND, SEND.replace("p_azi", "p_azi || clock_timestamp()")),
    "whatever the switch says": ("s.notify INTO", "true INTO"),
    "for new orders alone": ("IF v_notify THEN", "IF v_notify AND p_contatore = 'ID-PUB' THEN"),
    "not sent": (SEND, "NULL;"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_of_these_mistakes_would_be_found(hub: Hub, wrong: str) -> None:
    (source,) = rows(hub.dba, "SELECT pg_get_functiondef('ortes.next_number(text, text, boolean)'::regprocedure)")[0]
    right, mistake = WRONG[wrong]
    assert right in source
    hub.dba.execute(sql.SQL(source.replace(right, mistake)))
    with pytest.raises(AssertionError):
        if wrong == "whatever the switch says":
            test_it_is_off_in_a_new_company_and_can_be_switched_off_again(hub)
        hub.ops.execute("SELECT ortes_ops.set_notify('C00001', true)")
        if wrong in ("the number in the payload", "one for every order"):
            test_a_transaction_is_heard_once_when_it_commits(hub, Ear(hub))
        test_whatever_draws_a_number_is_heard(hub, Ear(hub))
