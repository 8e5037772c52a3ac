"""Promise 1, nobody ever misses a change: numbers become visible in the order of their values, whoever draws them.

Two connections and named steps. The last tests break the hub on purpose, to show that these would notice.
"""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.hub import Connection, Hub, Later, one, refused, rows

BY_HAND = "UPDATE ortes.arportes SET conferma = 'H' WHERE id_pub = {} RETURNING id_sincro"
WAYS: dict[str, tuple[str, str]] = {
    "acquire_order": ("erp", "SELECT ortes_erp.acquire_order('C00001', {}, 'T{}')"),
    "export_order": ("erp", "SELECT id_sincro FROM ortes_erp.export_order('C00001', 'G{1}')"),
    "by hand": ("dba", BY_HAND),
}


def follow(hub: Hub, reader: Connection, position: int, seen: list[int]) -> int:
    """One look of a reader: adds what it sees; returns its new position."""
    for id_pub, id_sincro in hub.changes(position, connection=reader):
        seen.append(id_pub)
        position = id_sincro
    return position


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
def test_a_change_waits_for_the_one_before_it_to_be_visible(hub: Hub, first: str, second: str) -> None:
    hub.save(1)
    hub.save(2)
    one_role, one_call = WAYS[first]
    two_role, two_call = WAYS[second]
    slow, fast = hub.connect(one_role, autocommit=False), hub.connect(two_role)

    assert one(slow, one_call.format(1, 1)) == 1, "the first draws its number and does not commit"
    later = Later(hub, fast, two_call.format(2, 2))
    assert hub.changes(0) == [], "nothing is to be seen: not the second before the first"
    slow.commit()
    assert later.result() == 2
    assert [id_sincro for _, id_sincro in hub.changes(0)] == [1, 2]


def test_a_change_after_a_rollback_takes_the_number_that_was_free_again(hub: Hub) -> None:
    hub.save(1)
    hub.save(2)
    slow = hub.connect("erp", autocommit=False)
    hub.acquire(1, "T1", connection=slow)
    later = Later(hub, hub.connect("erp"), "SELECT ortes_erp.acquire_order(%s, 2, 'T2')", hub.azi)
    slow.rollback()
    assert later.result() == 1
    assert hub.changes(0) == [(2, 1)]


def test_id_pub_becomes_visible_in_order_too(hub: Hub) -> None:
    slow = hub.connect("store", autocommit=False)
    assert hub.save(1, connection=slow) == 1
    later = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order(%s, 2)", hub.azi)
    assert hub.id_pubs() == []
    slow.commit()
    assert later.result() == 2


def test_a_savepoint_rolled_back_gives_the_company_free(hub: Hub) -> None:
    hub.save(1)
    slow = hub.connect("erp", autocommit=False)
    slow.execute("SAVEPOINT s")
    hub.acquire(1, "T1", connection=slow)
    slow.execute("ROLLBACK TO s")
    assert hub.export("G1") == (2, 1)
    assert hub.acquire(1, "T1", connection=slow) == 2
    slow.commit()
    assert hub.changes(0) == [(2, 1), (1, 2)]


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_with_an_old_snapshot_never_draws_an_old_number(hub: Hub, level: str) -> None:
    hub.save(1)
    hub.save(2)
    old = hub.connect("erp", autocommit=False)
    old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
    assert rows(old, "SELECT id_pub FROM ortes_erp.pending(%s)", hub.azi) == [(1,), (2,)]
    hub.acquire(1, "T1")
    with pytest.raises(psycopg.errors.SerializationFailure):
        hub.acquire(2, "T2", connection=old)
    old.rollback()
    assert hub.acquire(2, "T2", connection=old) == 2


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_higher_isolation_level_draws_like_any_other(hub: Hub, level: str) -> None:
    store = hub.connect("store", autocommit=False)
    store.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
    assert [hub.save(n, connection=store) for n in (1, 2, 1)] == [1, 2, 1]
    store.commit()
    assert hub.counters() == (2, 0)


def test_other_companies_do_not_wait(hub: Hub) -> None:
    hub.db.company("C00002")
    slow = hub.connect("store", autocommit=False)
    hub.save(1, connection=slow)
    other = hub.db.connect(hub.db.login("other", "ortes_store", "C00002"))
    other.execute("SET lock_timeout = '1ms'")
    assert one(other, "SELECT ortes_store.save_order('C00002', 1)") == 1
    slow.rollback()


def test_readers_do_not_wait(hub: Hub) -> None:
    hub.export("G1")
    slow = hub.connect("erp", autocommit=False)
    hub.export("G2", connection=slow)
    hub.store.execute("SET lock_timeout = '1ms'")
    assert hub.changes(0) == [(1, 1)]
    assert one(hub.store, "SELECT ortes_store.position(%s)", hub.azi) == 0
    hub.erp.execute("SET lock_timeout = '1ms'")
    assert rows(hub.erp, "SELECT * FROM ortes_erp.pending(%s)", hub.azi) == []
    slow.rollback()


def test_a_busy_company_ends_the_wait_after_a_bounded_time_with_a_hint_that_finds_the_holder(hub: Hub) -> None:
    hub.save(1)
    culprit = hub.connect("store", autocommit=False)
    hub.save(2, connection=culprit)
    waiting: dict[str, Callable[[Connection], Any]] = {
        "store": lambda c: hub.save(3, connection=c),
        "erp": lambda c: hub.acquire(1, "T1", connection=c),
        "dba": lambda c: c.execute("UPDATE ortes.arportes SET conferma = 'X' WHERE id_pub = 1"),
        "ops": lambda c: c.execute("SELECT ortes_ops.set_counter(%s, 'ID-PUB', 99)", (hub.azi,)),
    }
    for who, call in waiting.items():
        with hub.connect(who) as connection, pytest.raises(psycopg.errors.LockNotAvailable) as caught:
            connection.execute("SET lock_timeout = '20ms'")
            call(connection)
        hint = caught.value.diag.message_hint
        assert caught.value.diag.message_detail
        assert hint
        assert "20ms" in caught.value.diag.message_detail
        query = hint[hint.index("SELECT") :].rstrip(";")
        for reader in ("ops", "monitor"):
            holders = rows(hub.connect(reader), query.replace("*", "pid, holds"))
            assert holders == [(culprit.info.backend_pid, True)]
    culprit.rollback()
    assert rows(hub.ops, "SELECT * FROM ortes_ops.holders") == []


def test_holders_shows_who_waits(hub: Hub) -> None:
    culprit = hub.connect("store", autocommit=False)
    hub.save(1, connection=culprit)
    victim = hub.connect("store")
    later = Later(hub, victim, "SELECT ortes_store.save_order(%s, 2)", hub.azi)
    found = rows(hub.ops, "SELECT azi, pid, holds FROM ortes_ops.holders ORDER BY holds DESC")
    assert found == [(hub.azi, culprit.info.backend_pid, True), (hub.azi, victim.info.backend_pid, False)]
    culprit.commit()
    assert later.result() == 2


def test_a_session_without_lock_timeout_gets_one_for_its_transaction_only(hub: Hub) -> None:
    with hub.connect("store", autocommit=False) as store:
        hub.save(1, connection=store)
        assert one(store, "SHOW lock_timeout") == "5s"
        store.commit()
        assert one(store, "SHOW lock_timeout") == "0"


def test_a_session_s_own_lock_timeout_is_kept(hub: Hub) -> None:
    with hub.connect("store", autocommit=False) as store:
        store.execute("SET LOCAL lock_timeout = '123ms'")
        hub.save(1, connection=store)
        assert one(store, "SHOW lock_timeout") == "123ms"


def test_callers_of_one_company_never_deadlock(hub: Hub) -> None:
    """Each locks the company before any order: the second waits for the first, the first for nobody."""
    hub.save(1)
    hub.save(2)
    first = hub.connect("erp", autocommit=False)
    hub.acquire(1, "T1", connection=first)
    store = hub.connect("store")
    later = Later(hub, store, "SELECT ortes_store.import_orders(%s, '{2,1}')::bigint", hub.azi)
    hub.acquire(2, "T2", connection=first)
    first.commit()
    assert later.result() == 0


# What must not pass: the hub as comparable software has it.


def break_with_sequences(hub: Hub) -> None:
    hub.dba.execute(
        """
        CREATE SEQUENCE ortes.broken;
        CREATE FUNCTION ortes.broken() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            new.id_sincro := nextval('ortes.broken');
            RETURN new;
        END $$;
        ALTER TABLE ortes.arportes DISABLE TRIGGER USER;
        CREATE TRIGGER broken BEFORE UPDATE ON ortes.arportes FOR EACH ROW EXECUTE FUNCTION ortes.broken();
        UPDATE ortes.apstatosyn SET valore = 2 WHERE contatore = 'ID-SINCRO';
        """
    )


def test_these_tests_would_notice_numbers_from_a_sequence(hub: Hub) -> None:
    hub.save(1)
    hub.save(2)
    break_with_sequences(hub)
    slow = hub.connect("dba", autocommit=False)
    assert one(slow, BY_HAND.format(1)) == 1
    with pytest.raises(AssertionError, match="did not wait"):
        Later(hub, hub.connect("dba"), BY_HAND.format(2))


def test_with_numbers_from_a_sequence_a_reader_misses_a_change_for_good(hub: Hub) -> None:
    hub.save(1)
    hub.save(2)
    break_with_sequences(hub)
    slow = hub.connect("dba", autocommit=False)
    assert one(slow, BY_HAND.format(1)) == 1
    assert one(hub.dba, BY_HAND.format(2)) == 2
    seen: list[int] = []
    position = follow(hub, hub.store, 0, seen)
    slow.commit()
    follow(hub, hub.store, position, seen)
    assert seen == [2], "order 1 is lost to this reader: what the hub never lets happen"


def test_the_same_reader_misses_nothing_on_the_hub_as_it_is(hub: Hub) -> None:
    hub.save(1)
    hub.save(2)
    slow = hub.connect("erp", autocommit=False)
    hub.acquire(1, "T1", connection=slow)
    later = Later(hub, hub.connect("erp"), "SELECT ortes_erp.acquire_order(%s, 2, 'T2')", hub.azi)
    seen: list[int] = []
    position = follow(hub, hub.store, 0, seen)
    slow.commit()
    later.result()
    follow(hub, hub.store, position, seen)
    assert seen == [1, 2]


def test_a_counter_keeps_room_to_go_on(hub: Hub) -> None:
    with refused("OR007", naming="p_valore"):
        hub.ops.execute("SELECT ortes_ops.set_counter(%s, 'ID-PUB', %s)", (hub.azi, 10**18 + 1))
    hub.ops.execute("SELECT ortes_ops.set_counter(%s, 'ID-PUB', %s)", (hub.azi, 10**18))
    assert hub.save(1) == 10**18 + 1
    with refused("OR004"):
        hub.ops.execute("SELECT ortes_ops.set_counter(%s, 'ID-PUB', 1)", (hub.azi,))
