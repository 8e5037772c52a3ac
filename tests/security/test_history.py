"""The history: who changed an order, when, through which door, from what to what; and nobody changes what it says."""

from typing import Any

import psycopg
import pytest

from tests.hub import DEVICE, Hub, Later, one, refused, rows, to_json
from tests.security import test_hijack

HISTORY = "SELECT login, door, was, became FROM ortes_ops.history('C00001', %s)"


@pytest.fixture
def audited(hub: Hub) -> Hub:
    """The hub, with every change of C00001 written down."""
    hub.ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
    return hub


def user(connection: psycopg.Connection[Any]) -> str:
    return connection.info.user


def test_the_life_of_an_order(audited: Hub) -> None:
    hub = audited
    one(hub.app, "SELECT ortes_app.save_order('C00001', 50, 7, 0, %s)", to_json({"v": 1}))
    hub.erp.execute("SELECT ortes_erp.create_order('C00001', 1, 44)")
    hub.acquire(1, "T1")
    hub.export("T1", id_pub=1, conferma="A", dati={"v": 2})
    hub.store.execute("SELECT ortes_store.import_order('C00001', 1)")
    hub.dba.execute("UPDATE ortes.arportes SET autore_cod = 45")
    new = {"prov_tipo": "A", "prov_id": DEVICE, "id_int": 7, "autore_tipo": "T", "autore_cod": 0, "dati": {"v": 1}}
    assert rows(hub.ops, HISTORY, 1) == [
        (user(hub.app), "ortes_app.save_order", None, new),
        (user(hub.erp), "ortes_erp.create_order", {"autore_cod": 0}, {"autore_cod": 44}),
        (
            user(hub.erp),
            "ortes_erp.acquire_order",
            {"tor_chia": None, "ack_gest": False, "id_sincro": 0},
            {"tor_chia": "T1", "ack_gest": True, "id_sincro": 1},
        ),
        (
            user(hub.erp),
            "ortes_erp.export_order",
            {"conferma": None, "id_sincro": 1, "dati": {"v": 1}},
            {"conferma": "A", "id_sincro": 2, "dati": {"v": 2}},
        ),
        (user(hub.store), "ortes_store.import_order", {"ack_store": False}, {"ack_store": True}),
        ("postgres", None, {"autore_cod": 44}, {"autore_cod": 45}),
    ]
    times = [row[0] for row in rows(hub.ops, "SELECT at FROM ortes_ops.history('C00001', 1)")]
    assert times == sorted(times)
    assert len(set(times)) == 6


def test_a_repeat_and_an_error_leave_no_trace(audited: Hub) -> None:
    hub = audited
    hub.save(1, {"v": 1})
    hub.save(1, {"v": 1})
    with refused("OR006"):
        hub.save(1, {"v": 2})
    hub.dba.execute("UPDATE ortes.arportes SET updated_at = now()")
    assert len(rows(hub.ops, HISTORY, 1)) == 1


def test_batches_are_written_down_order_by_order(audited: Hub) -> None:
    hub = audited
    hub.db.company("OTHER")
    saved = to_json([{"id_int": n, "dati": n} for n in range(1, 101)])
    hub.store.execute("SELECT ortes_store.save_orders('C00001', %s)", (saved,))
    acquired = to_json([{"id_pub": n, "tor_chia": f"T{n}"} for n in range(1, 101)])
    hub.erp.execute("SELECT ortes_erp.acquire_orders('C00001', %s)", (acquired,))
    hub.app.execute("SELECT ortes_app.import_orders('C00001', 50, %s)", (list(range(1, 101)),))
    for n in (1, 57, 100):
        found = rows(hub.ops, HISTORY, n)
        doors = [row[1] for row in found]
        assert doors == ["ortes_store.save_orders", "ortes_erp.acquire_orders", "ortes_app.import_orders"]
        assert found[0][3]["dati"] == n
        assert found[1][3] == {"tor_chia": f"T{n}", "ack_gest": True, "id_sincro": n}


def test_a_statement_over_several_companies_is_written_down_for_those_that_are_audited(audited: Hub) -> None:
    hub = audited
    for azi in ("A", "Z"):
        hub.db.company(azi)
    hub.dba.execute(
        """
        INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo)
        SELECT azi, 'S', n, 'C' FROM unnest(ARRAY['A', 'C00001', 'Z']) WITH ORDINALITY AS c (azi, ord), generate_series(1, 3) AS n
        ORDER BY n, ord
        """
    )
    hub.dba.execute("UPDATE ortes.arportes SET autore_cod = 3")
    hub.dba.execute("UPDATE ortes.arportes SET conferma = 'x'")
    counted = "SELECT azi, count(*) FROM ortes.history WHERE id_pub IS NOT NULL GROUP BY azi"
    assert rows(hub.dba, counted) == [("C00001", 9)]


@pytest.mark.parametrize("kind", ["S", "G"])
def test_the_content_first_saved_is_told_however_often_it_was_replaced(audited: Hub, kind: str) -> None:
    hub = audited
    if kind == "S":
        hub.acquire(hub.save(1, {"v": 1}), "T1")
    else:
        hub.export("T1", dati={"v": 1}, conferma="first")
    assert rows(hub.ops, HISTORY, 1)[0][3]["dati"] == {"v": 1}
    for change in ({"conferma": "A"}, {"dati": {"v": 2}}, {"dati": {"v": 1}}, {"dati": {"v": 3}, "conferma": "B"}):
        hub.export("T1", id_pub=1, **change)
        assert rows(hub.ops, HISTORY, 1)[0][3]["dati"] == {"v": 1}


def test_where_it_was_replaced_unseen_nothing_is_made_up(audited: Hub) -> None:
    hub = audited
    hub.acquire(hub.save(1, {"v": 1}), "T1")
    hub.ops.execute("SELECT ortes_ops.set_audit('C00001', false)")
    hub.export("T1", id_pub=1, dati={"v": 2})
    hub.ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
    hub.export("T1", id_pub=1, dati={"v": 3})
    assert "dati" not in rows(hub.ops, HISTORY, 1)[0][3]


def test_switching_it_is_itself_written_down(audited: Hub) -> None:
    hub = audited
    hub.ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
    hub.ops.execute("SELECT ortes_ops.set_audit('C00001', false)")
    hub.save(1)
    assert rows(hub.ops, HISTORY, 1) == []
    assert rows(hub.ops, "SELECT audit FROM ortes_ops.status") == [(False,)]
    switched = rows(hub.dba, "SELECT login, door, was, became FROM ortes.history ORDER BY at")
    who, off, on = user(hub.ops), {"audit": False}, {"audit": True}
    assert switched == [(who, "ortes_ops.set_audit", off, on), (who, "ortes_ops.set_audit", on, off)]


def test_what_follows_in_its_transaction_goes_by_the_switch(audited: Hub) -> None:
    with audited.dba.transaction():
        audited.dba.execute(
            "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo) VALUES ('C00001', 'S', 1, 'C')"
        )
        audited.dba.execute("SELECT ortes_ops.set_audit('C00001', false)")
        audited.dba.execute(
            "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo) VALUES ('C00001', 'S', 2, 'C')"
        )
    assert [len(rows(audited.ops, HISTORY, id_pub)) for id_pub in (1, 2)] == [1, 0]


def test_a_call_that_waited_for_the_switch_is_written_down(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    ops = hub.connect("ops", autocommit=False)
    ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
    later = [
        Later(hub, hub.connect("store"), "SELECT ortes_store.save_order('C00001', 2)"),
        Later(hub, hub.connect("store"), "SELECT ortes_store.import_order('C00001', 1)::int"),
        Later(hub, hub.connect("app"), "SELECT ortes_app.import_order('C00001', 50, 1)::int"),
    ]
    ops.commit()
    assert [call.result() for call in later] == [2, 0, 1]
    assert [row[1] for row in rows(hub.ops, HISTORY, 2)] == ["ortes_store.save_order"]
    assert [row[1] for row in rows(hub.ops, HISTORY, 1)] == ["ortes_app.import_order"]


def test_the_switch_waits_for_who_is_writing(hub: Hub) -> None:
    slow = hub.connect("store", autocommit=False)
    hub.save(1, connection=slow)
    switch = Later(hub, hub.ops, "SELECT ortes_ops.set_audit('C00001', true)")
    hub.save(2, connection=slow)
    slow.commit()
    switch.result()
    hub.save(3)
    assert [len(rows(hub.ops, HISTORY, n)) for n in (1, 2, 3)] == [0, 0, 1]


@pytest.mark.parametrize("call", ["ortes_store.save_order('C00001', 2)", "ortes_store.import_order('C00001', 2)"])
def test_under_an_old_snapshot_it_is_not_missed_but_tried_again(hub: Hub, call: str) -> None:
    hub.save(1)
    hub.export("G2")
    store = hub.connect("store", autocommit=False)
    store.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    store.execute("SELECT ortes_store.position('C00001')")
    hub.ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
    with pytest.raises(psycopg.errors.SerializationFailure):
        store.execute(f"SELECT {call}")
    store.rollback()
    store.execute(f"SELECT {call}")
    store.commit()
    assert one(hub.dba, "SELECT count(*) FROM ortes.history WHERE id_pub IS NOT NULL") == 1


def test_what_a_caller_names_his_functions_does_not_change_the_door(audited: Hub) -> None:
    hub = audited
    hub.dba.execute("CREATE SCHEMA forge; GRANT USAGE ON SCHEMA forge TO PUBLIC")
    name = '"x\nPL/pgSQL function ortes_erp.acquire_order("'
    hub.dba.execute(
        f"""CREATE FUNCTION forge.{name}() RETURNS bigint LANGUAGE plpgsql AS
        $$ BEGIN RETURN (SELECT ortes_store.save_order('C00001', 1) /* ortes_erp.export_order( */); END $$"""
    )
    assert one(hub.store, f"SELECT forge.{name}()") == 1
    assert [row[1] for row in rows(hub.ops, HISTORY, 1)] == ["ortes_store.save_order"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ortes.history SET login = 'somebody else'",
        "DELETE FROM ortes.history",
        "TRUNCATE ortes.history",
        "TRUNCATE ortes.history CASCADE",
        "UPDATE ortes.history_purge SET purged_before = now()",
        "DELETE FROM ortes.history_purge",
        "TRUNCATE ortes.history_purge",
    ],
)
@pytest.mark.parametrize("who", ["the owner", "a superuser", "a function of the owner's"])
def test_nobody_changes_it(audited: Hub, statement: str, who: str) -> None:
    hub = audited
    hub.save(1)
    hub.ops.execute("SELECT ortes_ops.purge_history('2020-01-01')")
    before = rows(hub.dba, "SELECT h::text FROM ortes.history AS h")
    if who != "a superuser":
        hub.dba.execute("SET ROLE ortes_owner")
    if who == "a function of the owner's":
        body = f"BEGIN PERFORM set_config('ortes.purge', 'on', true); {statement}; END"
        hub.dba.execute(
            f"CREATE FUNCTION ortes_ops.purge_all() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $f$ {body} $f$"
        )
        statement = "SELECT ortes_ops.purge_all()"
    with refused("OR004", naming="of ortes.history"):
        hub.dba.execute(statement)
    hub.dba.execute("RESET ROLE")
    assert rows(hub.dba, "SELECT h::text FROM ortes.history AS h") == before


def test_without_its_trigger_it_could_be_changed(audited: Hub) -> None:
    hub = audited
    hub.save(1)
    hub.dba.execute("DROP TRIGGER history_delete ON ortes.history; DELETE FROM ortes.history")
    assert rows(hub.ops, HISTORY, 1) == []


def test_purging_takes_what_is_older_in_batches_and_puts_it_on_record(audited: Hub) -> None:
    hub = audited
    hub.dba.execute(
        """INSERT INTO ortes.history (at, azi, id_pub, became)
        SELECT '2020-01-01'::timestamptz + n * interval '1 minute', 'C00001', 1, '{}' FROM generate_series(1, 25000) AS n"""
    )
    hub.save(1)
    purge = "SELECT ortes_ops.purge_history('2020-06-01')"
    assert [one(hub.ops, purge) for _ in range(4)] == [10_000, 10_000, 5_000, 0]
    assert [row[1] for row in rows(hub.ops, HISTORY, 1)] == ["ortes_store.save_order"]
    said = rows(hub.dba, "SELECT purged_before::date::text, login FROM ortes.history_purge")
    assert said == [("2020-06-01", user(hub.ops))]
    with refused("OR004", naming="2020-06-01"):
        hub.dba.execute("DELETE FROM ortes.history")
    for later in ("infinity", "2999-01-01", None):
        with refused("OR007", naming="p_before"):
            hub.ops.execute("SELECT ortes_ops.purge_history(%s)", (later,))


def test_two_purges_at_once_share_the_work(audited: Hub) -> None:
    hub = audited
    hub.dba.execute(
        "INSERT INTO ortes.history (at, azi, id_pub, became) SELECT '2020-01-01', 'C00001', 1, '{}' FROM generate_series(1, 15000)"
    )
    hub.ops.execute("SELECT ortes_ops.purge_history('2019-01-01')")
    first = hub.connect("ops", autocommit=False)
    hub.ops.execute("SELECT ortes_ops.purge_history('2020-06-01')")
    assert one(first, "SELECT ortes_ops.purge_history('2020-06-01')") == 5_000
    first.commit()
    assert one(hub.ops, "SELECT ortes_ops.purge_history('2020-06-01')") == 0


def test_only_the_dba_sees_it(audited: Hub) -> None:
    audited.save(1, {"iban": "SECRET"})
    for connection in (audited.store, audited.app, audited.erp, audited.connect("monitor")):
        for query in ("SELECT * FROM ortes_ops.history('C00001', 1)", "SELECT * FROM ortes.history"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(query)
    lines = rows(audited.connect("monitor"), "SELECT change FROM ortes_ops.order_history('C00001', 1)")
    assert "SECRET" not in str(lines)


WRONG = {
    "nobody waits for the switch": "CREATE OR REPLACE FUNCTION ortes.lock_company(p_azi text) RETURNS void LANGUAGE sql AS ''",
    "settings are believed": """
        CREATE OR REPLACE FUNCTION ortes.arportes_begin() RETURNS trigger LANGUAGE plpgsql AS $f$
        BEGIN
            PERFORM set_config('ortes.id_pub_azi', '', true), set_config('ortes.id_sincro_azi', '', true);
            RETURN NULL;
        END $f$
    """,
    "the switch is not read where no number is drawn": """
        CREATE OR REPLACE FUNCTION ortes.is_audited(p_azi text) RETURNS boolean LANGUAGE sql AS 'SELECT false'
    """,
    "the outermost name is taken for the door": r"""
        CREATE OR REPLACE FUNCTION ortes.calling_door() RETURNS text LANGUAGE plpgsql AS $f$
        DECLARE v_stack text;
        BEGIN
            GET DIAGNOSTICS v_stack = PG_CONTEXT;
            RETURN substring(v_stack FROM '.*\m(ortes_(?:store|app|erp|ops)\.\w+)\(');
        END $f$
    """,
    "an old snapshot is read": """
        CREATE OR REPLACE FUNCTION ortes.is_audited(p_azi text) RETURNS boolean LANGUAGE sql AS
        'SELECT s.audit FROM ortes.apstatosyn AS s WHERE s.azi = p_azi AND s.contatore = ''ID-SINCRO'''
    """,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_of_these_mistakes_would_be_found(hub: Hub, wrong: str) -> None:
    """On a hub with the mistake in it, the test that is there for it fails."""
    hub.dba.execute(WRONG[wrong])
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        match wrong:
            case "nobody waits for the switch":
                hub.save(1)
                ops = hub.connect("ops", autocommit=False)
                ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
                hub.app.execute("SELECT ortes_app.import_order('C00001', 50, 1)")
                ops.commit()
                assert len(rows(hub.ops, HISTORY, 1)) == 1
            case "settings are believed":
                test_hijack.test_a_session_cannot_forge_what_the_hub_keeps_in_settings(hub)
            case "the switch is not read where no number is drawn":
                test_a_call_that_waited_for_the_switch_is_written_down(hub)
            case "an old snapshot is read":
                test_under_an_old_snapshot_it_is_not_missed_but_tried_again(
                    hub, "ortes_store.import_order('C00001', 2)"
                )
            case _:
                hub.ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
                test_what_a_caller_names_his_functions_does_not_change_the_door(hub)
