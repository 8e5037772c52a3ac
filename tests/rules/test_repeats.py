"""Promise 2, nobody ever makes an order twice: every call can be repeated after a lost answer."""

from collections.abc import Callable

import psycopg
import pytest

from tests.hub import Hub, Later, one, refused, rows, to_json

V1, V2 = {"items": [1, "due"], "note": "first"}, {"items": [], "note": "second"}

# Each changing call, and what it returns for company C00001 after the_orders().
CALLS: dict[str, tuple[str, str]] = {
    "ortes_store.save_order": ("store", """SELECT * FROM ortes_store.save_order('C00001', 9, 4, '{"v": 1}')"""),
    "ortes_store.save_orders": (
        "store",
        """SELECT * FROM ortes_store.save_orders('C00001', '[{"id_int": 9}, {"id_int": 8}]')""",
    ),
    "ortes_store.save_order of one of several stores": (
        "store",
        "SELECT * FROM ortes_store.save_order('C00001', 9, 4, '{}', 3)",
    ),
    "ortes_app.save_order": ("app", """SELECT * FROM ortes_app.save_order('C00001', 50, 9, 4, '{"v": 1}')"""),
    "ortes_app.save_orders": (
        "app",
        """SELECT * FROM ortes_app.save_orders('C00001', 50, '[{"id_int": 9}, {"id_int": 8}]')""",
    ),
    "ortes_store.confirm": ("store", "SELECT * FROM ortes_store.confirm('C00001', 1)"),
    "ortes_app.confirm": ("app", "SELECT * FROM ortes_app.confirm('C00001', 50, 1)"),
    "ortes_erp.create_order": ("erp", "SELECT * FROM ortes_erp.create_order('C00001', 1, 44)"),
    "ortes_erp.acquire_order": ("erp", "SELECT * FROM ortes_erp.acquire_order('C00001', 1, 'T1')"),
    "ortes_erp.acquire_orders": (
        "erp",
        """SELECT * FROM ortes_erp.acquire_orders('C00001', '[{"id_pub": 1, "tor_chia": "T1"}]')""",
    ),
    "ortes_erp.export_order, a new one": ("erp", "SELECT * FROM ortes_erp.export_order('C00001', 'G9', 'A', 5, '[1]')"),
    "ortes_erp.export_order, again": ("erp", "SELECT * FROM ortes_erp.export_order('C00001', 'T2', 'A', 5, '[1]', 2)"),
    "ortes_erp.export_order, if_sincro": (
        "erp",
        "SELECT * FROM ortes_erp.export_order('C00001', 'T2', 'A', 5, '[1]', 2, 1)",
    ),
    "ortes_erp.export_orders": (
        "erp",
        """SELECT * FROM ortes_erp.export_orders('C00001',
           '[{"tor_chia": "G9", "dati": 1}, {"tor_chia": "T2", "id_pub": 2, "conferma": "A", "if_sincro": 1}]')""",
    ),
    "ortes_ops.create_company": ("ops", "SELECT * FROM ortes_ops.create_company('C00009')"),
    "ortes_ops.grant_access": ("ops", "SELECT * FROM ortes_ops.grant_access('postgres', 'C00001')"),
    "ortes_ops.revoke_access": ("ops", "SELECT * FROM ortes_ops.revoke_access('postgres', 'C00001')"),
    "ortes_ops.set_audit": ("ops", "SELECT * FROM ortes_ops.set_audit('C00001', true)"),
    "ortes_ops.set_notify": ("ops", "SELECT * FROM ortes_ops.set_notify('C00001', true)"),
}
# True the first time, false afterwards: the caller is told whether it was new.
IMPORTS = {
    "ortes_store.import_order": ("store", "SELECT ortes_store.import_order('C00001', 3)::integer"),
    "ortes_store.import_orders": ("store", "SELECT ortes_store.import_orders('C00001', '{3}')"),
    "ortes_app.import_order": ("app", "SELECT ortes_app.import_order('C00001', 50, 3)::integer"),
    "ortes_app.import_orders": ("app", "SELECT ortes_app.import_orders('C00001', 50, '{3}')"),
}


def the_orders(hub: Hub) -> None:
    """1 saved by the store, 2 acquired as T2 (ID-SINCRO 1), 3 exported by the ERP as G3 (ID-SINCRO 2)."""
    hub.save(1, V1)
    hub.acquire(hub.save(2, V1), "T2")
    hub.export("G3", conferma="C", dati=V1)


@pytest.mark.parametrize("call", CALLS)
def test_a_repeat_returns_the_same_and_writes_nothing(hub: Hub, call: str) -> None:
    the_orders(hub)
    who, query = CALLS[call]
    connection = getattr(hub, who)
    first = rows(connection, query)
    after = hub.everything()
    assert rows(connection, query) == first
    assert rows(connection, query) == first
    assert hub.everything() == after


@pytest.mark.parametrize("call", IMPORTS)
def test_a_repeated_import_says_so_and_writes_nothing(hub: Hub, call: str) -> None:
    the_orders(hub)
    who, query = IMPORTS[call]
    assert one(getattr(hub, who), query) == 1
    after = hub.everything()
    assert one(getattr(hub, who), query) == 0
    assert hub.everything() == after


def test_every_door_that_writes_is_repeated_here(hub: Hub) -> None:
    query = """
        SELECT p.pronamespace::regnamespace || '.' || p.proname FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text ~ '^ortes_' AND p.provolatile = 'v'
    """
    doors = {row[0] for row in rows(hub.dba, query)}
    # What the DBA moves by hand is tried in tests/doors.
    assert doors - {"ortes_ops.rewind_reader", "ortes_ops.set_counter", "ortes_ops.purge_history"} == {
        call.partition(",")[0].partition(" ")[0] for call in {**CALLS, **IMPORTS}
    }


def test_a_save_repeated_late_finds_its_order_whatever_the_erp_made_of_it(hub: Hub) -> None:
    id_pub = hub.save(1, V1)
    hub.erp.execute("SELECT ortes_erp.create_order(%s, %s, 44)", (hub.azi, id_pub))
    for step in (
        lambda: hub.acquire(id_pub, "T1"),
        lambda: hub.export("T1", id_pub=id_pub, conferma="A", dati=V2),
        lambda: hub.export("T1", id_pub=id_pub, conferma="B", dati=V1, autore_cod=9),
        lambda: hub.export("T1", id_pub=id_pub, dati={"v": 3}),
    ):
        step()
        after = hub.everything()
        assert hub.save(1, V1) == id_pub
        assert rows(
            hub.store, "SELECT * FROM ortes_store.save_orders(%s, %s)", hub.azi, to_json([{"id_int": 1, "dati": V1}])
        ) == [(1, id_pub)]
        assert hub.everything() == after


def test_a_late_repeat_is_compared_with_what_was_saved_first_not_with_what_is_there(hub: Hub) -> None:
    hub.acquire(hub.save(1, V1), "T1")
    hub.export("T1", id_pub=1, dati=V2)
    before = hub.everything()
    with refused("OR006", naming="ID-PUB 1"):
        hub.save(1, V2)
    assert hub.everything() == before


@pytest.mark.parametrize("other", [V2, None, [], "x", 0])
def test_the_same_order_with_other_content_is_refused(hub: Hub, other: object) -> None:
    hub.save(1, V1)
    before = hub.everything()
    with refused("OR006", naming="id_int 1"):
        hub.save(1, other)
    with refused("OR006"):
        rows(
            hub.store,
            "SELECT * FROM ortes_store.save_orders(%s, %s)",
            hub.azi,
            to_json([{"id_int": 2, "dati": V1}, {"id_int": 1, "dati": other}]),
        )
    assert hub.everything() == before


def test_content_first_saved_empty_stays_the_measure(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    hub.export("T1", id_pub=1, dati=V1)
    assert hub.save(1) == 1
    with refused("OR006"):
        hub.save(1, V1)


def test_no_content_sent_as_json_null_is_no_content(hub: Hub) -> None:
    assert one(hub.store, "SELECT ortes_store.save_order(%s, 1, 0, 'null')", hub.azi) == 1
    assert one(hub.app, "SELECT ortes_app.save_order(%s, 50, 1, 0, 'null')", hub.azi) == 2
    assert hub.order(1)["dati"] is None
    assert one(hub.dba, "SELECT count(*) FROM ortes.arportes WHERE dati IS NULL") == 2
    assert rows(hub.store, 'SELECT * FROM ortes_store.save_orders(%s, \'[{"id_int": 1, "dati": null}]\')', hub.azi) == [
        (1, 1)
    ]
    hub.export("G1", dati=V1)
    assert rows(
        hub.erp, "SELECT * FROM ortes_erp.export_order(%s, 'G1', p_dati => 'null', p_id_pub => 3)", hub.azi
    ) == [(3, 1)]
    assert hub.order(3)["dati"] == V1


def test_the_order_of_keys_and_spaces_in_json_are_no_other_content(hub: Hub) -> None:
    for spelled in ('{"a": 1, "b": [1,2]}', '{ "b":[1, 2], "a":1 }'):
        assert one(hub.store, "SELECT ortes_store.save_order(%s, 1, 0, %s)", hub.azi, spelled) == 1


def test_two_devices_and_two_stores_may_have_the_same_internal_id(hub: Hub) -> None:
    device_51 = hub.db.connect(hub.db.login("app", "ortes_app", hub.azi, 51))
    ids = [
        one(hub.app, "SELECT ortes_app.save_order(%s, 50, 150)", hub.azi),
        one(device_51, "SELECT ortes_app.save_order(%s, 51, 150)", hub.azi),
        hub.save(150),
        one(hub.store, "SELECT ortes_store.save_order(%s, 150, p_store => 1)", hub.azi),
        one(hub.store, "SELECT ortes_store.save_order(%s, 150, p_store => 2)", hub.azi),
    ]
    assert ids == [1, 2, 3, 4, 5]
    assert one(device_51, "SELECT ortes_app.save_order(%s, 51, 150)", hub.azi) == 2
    assert hub.save(150) == 3


def test_two_companies_may_have_the_same_internal_id_and_tor_chia(hub: Hub) -> None:
    hub.db.company("C00002")
    hub.acquire(hub.save(1), "T1")
    for query in ("SELECT ortes_store.save_order('C00002', 1)", "SELECT ortes_erp.acquire_order('C00002', 1, 'T1')"):
        assert one(hub.dba, query) == 1


def test_only_a_door_may_leave_created_at_open(hub: Hub) -> None:
    """By this save_order asks the trigger to leave a repeat out, and looks itself whether the row came in."""
    hub.save(1)
    before = hub.everything()
    with pytest.raises(psycopg.errors.NotNullViolation):
        hub.dba.execute(
            "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo, created_at) VALUES (%s, 'S', 1, 'C', NULL)",
            (hub.azi,),
        )
    # An order of the ERP is none of save_order's, whoever says so: it gets an ID-SINCRO, or is refused.
    with hub.dba.transaction(force_rollback=True):
        hub.dba.execute("SET LOCAL ROLE ortes_owner")
        with pytest.raises(psycopg.errors.NotNullViolation):
            hub.dba.execute(
                "INSERT INTO ortes.arportes (azi, prov_tipo, tor_chia, autore_tipo, created_at) VALUES (%s, 'G', 'T', 'O', NULL)",
                (hub.azi,),
            )
    assert hub.everything() == before


def test_two_simultaneous_saves_of_the_same_order_make_one(hub: Hub) -> None:
    first = hub.connect("store", autocommit=False)
    assert hub.save(1, V1, connection=first) == 1
    second = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order(%s, 1, 0, %s)", hub.azi, to_json(V1))
    first.commit()
    assert second.result() == 1
    assert hub.id_pubs() == [1]


def test_two_simultaneous_saves_of_which_the_first_fails_make_one(hub: Hub) -> None:
    first = hub.connect("store", autocommit=False)
    hub.save(1, V1, connection=first)
    second = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order(%s, 1, 0, %s)", hub.azi, to_json(V2))
    first.rollback()
    assert second.result() == 1
    assert hub.order(1)["dati"] == V2


def test_two_simultaneous_exports_of_the_same_new_order_make_one(hub: Hub) -> None:
    first = hub.connect("erp", autocommit=False)
    assert hub.export("G1", connection=first, dati=V1) == (1, 1)
    query = "SELECT id_pub FROM ortes_erp.export_order(%s, 'G1', p_dati => %s)"
    second = Later(hub, hub.connect("erp"), query, hub.azi, to_json(V1))
    first.commit()
    assert second.result() == 1
    assert hub.counters() == (1, 1)


def test_two_simultaneous_acquisitions_bump_once(hub: Hub) -> None:
    hub.save(1)
    first = hub.connect("erp", autocommit=False)
    hub.acquire(1, "T1", connection=first)
    second = Later(hub, hub.connect("erp"), "SELECT ortes_erp.acquire_order(%s, 1, 'T1')", hub.azi)
    first.commit()
    assert second.result() == 1
    assert hub.counters() == (1, 1)


def test_these_tests_would_notice_a_lookup_before_the_lock(hub: Hub) -> None:
    """The usual mistake: look whether the order is there, then wait one's turn, then insert."""
    hub.dba.execute(
        """
        CREATE OR REPLACE FUNCTION ortes_store.save_order(
            p_azi text, p_id_int bigint, p_autore_cod bigint = 0, p_dati jsonb = NULL, p_store integer = NULL
        ) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
        DECLARE
            v_id_pub bigint := (SELECT a.id_pub FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_int = p_id_int);
        BEGIN
            PERFORM ortes.lock_company(p_azi);
            IF v_id_pub IS NULL THEN
                INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo) VALUES (p_azi, 'S', p_id_int, 'C')
                RETURNING id_pub INTO v_id_pub;
            END IF;
            RETURN v_id_pub;
        END $$;
        """
    )
    first = hub.connect("store", autocommit=False)
    hub.save(1, connection=first)
    second = Later(hub, hub.connect("store"), "SELECT ortes_store.save_order(%s, 1)", hub.azi)
    first.commit()
    with pytest.raises(Exception, match="arportes_origin_key"):
        second.result()


# The ERP's side.


def test_an_old_re_export_does_not_undo_a_newer_one(hub: Hub) -> None:
    hub.acquire(hub.save(1, V1), "T1")
    old = {"id_pub": 1, "conferma": "OLD", "dati": V1, "if_sincro": 1}
    assert hub.export("T1", id_pub=1, conferma="NEW", dati=V2, if_sincro=1) == (1, 2)
    before = hub.everything()
    with refused("OR009", naming="ID-SINCRO is 2, not 1"):
        hub.export("T1", **old)
    with refused("OR009"):
        rows(
            hub.erp,
            "SELECT * FROM ortes_erp.export_orders(%s, %s)",
            hub.azi,
            to_json([{"tor_chia": "G1"}, {"tor_chia": "T1", **old}]),
        )
    assert hub.everything() == before


def test_an_old_re_export_waiting_behind_a_newer_one_does_not_undo_it(hub: Hub) -> None:
    hub.acquire(hub.save(1, V1), "T1")
    newer = hub.connect("erp", autocommit=False)
    hub.export("T1", connection=newer, id_pub=1, conferma="NEW", if_sincro=1)
    query = "SELECT id_sincro FROM ortes_erp.export_order(%s, 'T1', 'OLD', p_id_pub => 1, p_if_sincro => 1)"
    older = Later(hub, hub.connect("erp"), query, hub.azi)
    newer.commit()
    with refused("OR009"):
        older.result()
    assert hub.order(1)["conferma"] == "NEW"


def test_if_sincro_is_checked_also_while_the_author_alone_changes(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    with refused("OR009"):
        hub.export("T1", id_pub=1, autore_cod=7, if_sincro=0)
    assert hub.export("T1", id_pub=1, autore_cod=7, if_sincro=1) == (1, 1)


def test_a_null_conferma_and_dati_leave_what_is_there(hub: Hub) -> None:
    hub.acquire(hub.save(1, V1), "T1")
    hub.export("T1", id_pub=1, conferma="A")
    hub.export("T1", id_pub=1, dati=V2)
    hub.export("T1", id_pub=1, autore_cod=3)
    order = hub.order(1)
    assert (order["conferma"], order["dati"], order["autore_cod"]) == ("A", V2, 3)


def test_nb_of_13_09_2019_a_new_erp_order_takes_a_new_id_pub(hub: Hub) -> None:
    """Between two orders that the web makes: no public id is reused, none collides."""
    assert hub.save(1) == 1
    assert hub.export("G1") == (2, 1)
    assert hub.save(2) == 3
    assert hub.export("G2") == (4, 2)


def test_nb_of_13_09_2019_only_an_exact_retry_returns_the_first_try_s_order(hub: Hub) -> None:
    hub.export("G1", conferma="A", dati=V1)
    before = hub.everything()
    assert hub.export("G1", conferma="A", dati=V1) == (1, 1)
    for other in ({"conferma": "B", "dati": V1}, {"conferma": "A", "dati": V2}, {"dati": V1}, {"conferma": "A"}, {}):
        with refused("OR006", naming="G1"):
            hub.export("G1", **other)
    assert hub.everything() == before


def test_nb_of_13_09_2019_a_retry_is_recognised_however_late(hub: Hub) -> None:
    hub.export("G1", conferma="A", dati=V1)
    hub.export("G1", id_pub=1, conferma="B", dati=V2)
    before = hub.everything()
    assert hub.export("G1", conferma="A", dati=V1) == (1, 2)
    with refused("OR006"):
        hub.export("G1", conferma="B", dati=V2)
    assert hub.everything() == before


def test_nb_of_13_09_2019_a_tor_chia_of_a_store_or_app_order_is_refused_naming_its_id_pub(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    hub.acquire(one(hub.app, "SELECT ortes_app.save_order(%s, 50, 1)", hub.azi), "T2")
    before = hub.everything()
    for id_pub in (1, 2):
        with refused("OR005", naming=f"ID-PUB {id_pub}"):
            hub.export(f"T{id_pub}")
    assert hub.everything() == before


def test_a_tor_chia_belongs_to_one_order(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    hub.save(2)
    hub.export("G3")
    before = hub.everything()
    attempts: list[Callable[[], object]] = [
        lambda: hub.acquire(2, "T1"),
        lambda: hub.acquire(2, "G3"),
        lambda: hub.export("T1", id_pub=3),
        lambda: hub.export("G3", id_pub=1),
    ]
    for attempt in attempts:
        with refused("OR005"):
            attempt()
    with refused("OR004", naming="T1"):
        hub.acquire(1, "OTHER")
    with refused("OR004"):
        hub.export("OTHER", id_pub=1)
    with refused("OR004", naming="not acquired"):
        hub.export("NEW", id_pub=2)
    assert hub.everything() == before


def test_create_order_repeated_after_an_export_does_not_undo_it(hub: Hub) -> None:
    hub.save(1)
    call = "SELECT ortes_erp.create_order(%s, 1, 44)"
    hub.erp.execute(call, (hub.azi,))
    hub.acquire(1, "T1")
    hub.erp.execute(call, (hub.azi,))
    hub.export("T1", id_pub=1, autore_cod=45)
    before = hub.everything()
    with refused("OR004"):
        hub.erp.execute(call, (hub.azi,))
    assert hub.everything() == before
