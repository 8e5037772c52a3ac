"""The directory: no call is answered by a shard that the company does not live on, whatever happens meanwhile."""

import psycopg
import pytest

from tests.hub import Connection, Later, one, rows
from tests.router.conftest import Cluster, Routed

pytestmark = pytest.mark.once


@pytest.fixture
def twin(db: Routed) -> Routed:
    """Company C1 lives on s0 with no order, and has a copy with 100 numbers given out on s1."""
    db.cluster.company("C1", "s0")
    with db.cluster.connect(part="s1") as far:
        far.execute("SELECT ortes_ops.create_company('C1'), ortes_ops.set_counter('C1', 'ID-PUB', 100)")
    return db


SAVE = "SELECT ortes_store.save_order('C1', 1)"
SWITCH = "UPDATE ortes_router.company SET shard = 's1', since = now() WHERE azi = 'C1'"
FROM_S0, FROM_S1 = 1, 101


def saved_during_a_switch(db: Routed) -> int:
    """The ID-PUB that a call gets which came while the company was held and switched."""
    dba, caller = db.cluster.connect(autocommit=False), db.cluster.connect()
    dba.execute("SELECT ortes_router.hold_company('C1')")
    dba.execute(SWITCH)
    waiting = Later(_Watched(db.cluster.connect()), caller, SAVE)
    dba.commit()
    return waiting.result()


class _Watched:
    """What `Later` asks who waits for whom: on the router, where the locks are."""

    def __init__(self, dba: Connection) -> None:
        self.dba = dba


def test_a_call_that_waited_for_the_switch_goes_to_the_new_shard(twin: Routed) -> None:
    assert saved_during_a_switch(twin) == FROM_S1


def test_this_test_would_notice_a_directory_read_before_the_lock(twin: Routed) -> None:
    dba = twin.cluster.connect()
    right = one(dba, "SELECT pg_get_functiondef('ortes_router.shard_of'::regproc)")
    # The same function with the snapshot of the statement that called it.
    dba.execute(right.replace("LANGUAGE plpgsql", "LANGUAGE plpgsql STABLE"))
    assert saved_during_a_switch(twin) == FROM_S0


def test_the_switch_waits_for_calls_under_way_and_both_waits_are_bounded(twin: Routed) -> None:
    caller, dba = twin.cluster.connect(autocommit=False), twin.cluster.connect(autocommit=False)
    caller.execute(SAVE)  # its transaction goes on
    dba.execute("SET LOCAL lock_timeout = '100ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
        dba.execute("SELECT ortes_router.hold_company('C1')")
    assert "'C1'" in (caught.value.diag.message_detail or "")
    dba.rollback()
    caller.commit()
    dba.execute("SELECT ortes_router.hold_company('C1')")
    caller.execute("SET LOCAL lock_timeout = '100ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
        caller.execute(SAVE)
    holders = (caught.value.diag.message_hint or "").partition(": ")[2]
    assert (dba.info.backend_pid, "ExclusiveLock", True) in rows(twin.cluster.connect(), holders)
    caller.rollback()
    # Nobody else is kept waiting.
    twin.cluster.company("C2", "s0")
    caller.execute("SET LOCAL lock_timeout = '100ms'")
    assert one(caller, "SELECT ortes_store.save_order('C2', 1)") == 1


def test_without_a_lock_timeout_the_wait_is_bounded_all_the_same(twin: Routed) -> None:
    caller, dba = twin.cluster.connect(autocommit=False), twin.cluster.connect(autocommit=False)
    dba.execute("SELECT ortes_router.bound_wait()")
    assert one(dba, "SHOW lock_timeout") == "5s"
    # So that the test need not wait as long.
    made = one(dba, "SELECT pg_get_functiondef('ortes_router.bound_wait'::regproc)")
    dba.execute(made.replace("5s", "50ms"))
    dba.commit()
    dba.execute("SELECT ortes_router.hold_company('C1')")
    caller.execute("SET LOCAL lock_timeout = 0")
    waiting = Later(_Watched(twin.cluster.connect()), caller, SAVE)
    with pytest.raises(psycopg.errors.LockNotAvailable, match="busy"):
        waiting.result()


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_old_snapshot_is_refused_rather_than_sent_where_the_company_was(twin: Routed, isolation: str) -> None:
    caller = twin.cluster.connect()
    caller.execute(f"BEGIN ISOLATION LEVEL {isolation}")
    assert one(caller, SAVE) == FROM_S0
    twin.cluster.connect().execute(SWITCH)
    with pytest.raises(psycopg.errors.SerializationFailure, match="created or moved"):
        caller.execute(SAVE)
    caller.execute("ROLLBACK")
    caller.execute(f"BEGIN ISOLATION LEVEL {isolation}")
    assert one(caller, SAVE) == FROM_S1


def test_a_transaction_sees_the_company_that_it_created(cluster: Cluster) -> None:
    with cluster.connect(autocommit=False) as dba:
        dba.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        dba.execute("SELECT ortes_ops.create_company('C1')")
        assert one(dba, SAVE) == 1


def test_a_session_that_has_not_heard_of_a_shard_asks_no_other(twin: Routed) -> None:
    """The moment between a new shard and the session's next look, kept open by switching the trigger off."""
    caller, dba = twin.cluster.connect(), twin.cluster.connect()
    assert one(caller, SAVE) == FROM_S0
    dba.execute("ALTER TABLE ortes_router.shard DISABLE TRIGGER new_generation")
    dba.execute(
        "INSERT INTO ortes_router.shard (name, options) SELECT 's2', options FROM ortes_router.shard WHERE name = 's1'"
    )
    dba.execute("UPDATE ortes_router.company SET shard = 's2' WHERE azi = 'C1'")
    with pytest.raises(psycopg.Error) as caught:
        caller.execute(SAVE)
    assert caught.value.sqlstate == "08001"
    assert one(twin.cluster.connect(), SAVE) == FROM_S1  # a session that has


def test_a_creation_that_was_interrupted_is_taken_up_where_it_was(cluster: Cluster) -> None:
    cluster.company("C1", "s0")
    interrupted = cluster.connect(autocommit=False)
    interrupted.execute("SELECT ortes_ops.create_company_on('C2', 's0')")
    interrupted.rollback()  # the shard has it by now
    assert rows(cluster.connect(), "SELECT azi FROM ortes_router.company") == [("C1",)]
    cluster.company("C2")
    assert one(cluster.connect(), "SELECT shard FROM ortes_router.company WHERE azi = 'C2'") == "s0"
    assert rows(cluster.connect(part="s1"), "SELECT FROM ortes.company") == []


def test_a_company_that_its_shard_has_lost_is_made_again_there(cluster: Cluster) -> None:
    cluster.connect().execute("INSERT INTO ortes_router.company (azi, shard) VALUES ('C1', 's1')")
    cluster.company("C1")
    assert rows(cluster.connect(), "SELECT azi, shard FROM ortes_ops.status") == [("C1", "s1")]


def test_two_creations_of_one_company_make_it_once(cluster: Cluster) -> None:
    first, second = cluster.connect(autocommit=False), cluster.connect()
    first.execute("SELECT ortes_ops.create_company_on('C1', 's1')")
    waiting = Later(_Watched(cluster.connect()), second, "SELECT ortes_ops.create_company('C1')")
    first.commit()
    waiting.result()
    assert rows(cluster.connect(), "SELECT azi, shard FROM ortes_router.company") == [("C1", "s1")]
    assert rows(cluster.connect(part="s0"), "SELECT FROM ortes.company") == []


def test_new_companies_go_where_most_room_is(cluster: Cluster) -> None:
    dba = cluster.connect()
    dba.execute("UPDATE ortes_router.shard SET weight = 3 WHERE name = 's1'")
    for number in range(8):
        cluster.company(f"C{number}")
    placed = dict(rows(dba, "SELECT shard, count(*) FROM ortes_router.company GROUP BY shard"))
    assert placed == {"s0": 2, "s1": 6}
    dba.execute("UPDATE ortes_router.shard SET accepts = false WHERE name = 's0'")
    for number in range(8, 11):
        cluster.company(f"C{number}")
    assert rows(dba, "SELECT count(*) FROM ortes_router.company WHERE shard = 's0'") == [(2,)]
    cluster.company("C11", "s0")  # as told
    dba.execute("UPDATE ortes_router.shard SET accepts = false")
    with pytest.raises(psycopg.Error, match="no shard takes"):
        cluster.company("C12")
    for bad in ("nowhere", "s1"):
        with pytest.raises(psycopg.Error) as caught:
            cluster.company("C11", bad)
        assert caught.value.sqlstate == "OR007"


def test_a_call_commits_on_its_shard_whatever_becomes_of_the_caller_s_transaction(twin: Routed) -> None:
    """Said in docs/router.md: what a transaction around several calls is through the router."""
    with twin.cluster.connect(autocommit=False) as caller:
        assert one(caller, SAVE) == FROM_S0
        caller.rollback()
        assert one(caller, SAVE) == FROM_S0
    assert rows(twin.cluster.connect(part="s0"), "SELECT id_pub FROM ortes.arportes") == [(1,)]


def test_a_call_that_is_cancelled_leaves_its_session_usable(twin: Routed) -> None:
    holder, caller, dba = (
        twin.cluster.connect(part="s0", autocommit=False),
        twin.cluster.connect(),
        twin.cluster.connect(),
    )
    holder.execute("SELECT ortes.lock_company('C1')")
    caller.execute("SET statement_timeout = '300ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        caller.execute(SAVE)
    holder.rollback()
    # The shard's side was cancelled too: nothing is waiting there, and nothing came of it.
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    assert one(dba, waiting, twin.cluster.names["s0"]) == 0
    caller.execute("SET statement_timeout = 0")
    assert rows(dba, "SELECT FROM ortes_erp.pending('C1')") == []
    assert one(caller, SAVE) == FROM_S0


def test_a_session_keeps_one_connection_to_a_shard(twin: Routed) -> None:
    caller, dba = twin.cluster.connect(), twin.cluster.connect()
    query = "SELECT array_agg(pid) FROM pg_stat_activity WHERE datname = %s AND application_name = 'ortes router'"
    twin.cluster.stop("s0")  # those of the connections that made the company
    twin.cluster.start("s0")
    kept = []
    for _ in range(3):
        caller.execute(SAVE)
        kept.append(one(dba, query, twin.cluster.names["s0"]))
    assert kept[0] == kept[1] == kept[2]
    assert len(kept[0]) == 1
