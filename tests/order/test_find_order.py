"""Where is my order? Found by whichever of its names one knows, and at each step of its life the sentence says what is missing."""

import psycopg
import pytest

from tests.hub import DEVICE, Connection, Hub, refused, rows

ACQUIRE = "Waiting for the ERP to acquire it"
CONFIRMATION = "for the ERP to give it a confirmation number."
NOTHING = "Nothing: it is confirmed, and every reader has confirmed its last change."


def said(hub: Hub, id_pub: int, connection: Connection | None = None) -> tuple[str, str]:
    """State and sentence."""
    query = "SELECT state, waiting_for FROM ortes_ops.find_order(%s, %s)"
    found = rows(connection or hub.ops, query, hub.azi, id_pub)
    assert len(found) == 1
    return found[0]


def app_confirms(hub: Hub, id_sincro: int, device: int = DEVICE) -> None:
    hub.dba.execute("SELECT ortes_app.confirm(%s, %s, %s)", (hub.azi, device, id_sincro))


def last_change(who: str, id_sincro: int) -> str:
    return f"Waiting for {who} to confirm the order's last change (ID-SINCRO {id_sincro})"


def test_a_store_order_at_each_step_of_its_life(hub: Hub) -> None:
    hub.save(150)
    assert said(hub, 1) == ("saved", f"{ACQUIRE}, and to give its author a code.")
    hub.erp.execute("SELECT ortes_erp.create_order('C00001', 1, 123)")
    assert said(hub, 1) == ("saved", f"{ACQUIRE}.")
    hub.acquire(1, "T1")
    assert said(hub, 1) == ("acquired", f"{last_change('the store', 1)}, and {CONFIRMATION}")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 1)")
    assert said(hub, 1) == ("acquired", f"Waiting {CONFIRMATION}")
    hub.export("T1", id_pub=1, conferma="ABCD")
    assert said(hub, 1) == ("confirmed", f"{last_change('the store', 2)}.")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 2)")
    assert said(hub, 1) == ("confirmed", NOTHING)
    app_confirms(hub, 1)
    assert said(hub, 1) == ("confirmed", f"{last_change(f'device {DEVICE}', 2)}.")
    app_confirms(hub, 2)
    assert said(hub, 1) == ("confirmed", "Waiting for the app to import it.")
    hub.app.execute("SELECT ortes_app.import_order('C00001', %s, 1)", (DEVICE,))
    assert said(hub, 1) == ("confirmed", NOTHING)


def test_an_order_of_the_erp_waits_for_whoever_reads(hub: Hub) -> None:
    hub.export("G1", conferma="X")
    assert said(hub, 1) == ("confirmed", "Waiting for a store or an app to read it.")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 1)")
    assert said(hub, 1) == ("confirmed", "Waiting for the store to import it.")
    hub.store.execute("SELECT ortes_store.import_order('C00001', 1)")
    assert said(hub, 1) == ("confirmed", NOTHING)


@pytest.mark.parametrize(
    ("devices", "named"),
    [
        ([60], "device 60"),
        ([60, 61], "device 60 and device 61"),
        ([60, 61, 62, 63], "device 60, device 61, device 62 and device 63"),
        ([60, 61, 62, 63, 64], "device 60, device 61, device 62 and 2 more"),
    ],
)
def test_readers_that_are_behind_are_named_up_to_four(hub: Hub, devices: list[int], named: str) -> None:
    hub.export("G1", conferma="X")
    for device in devices:
        app_confirms(hub, 1, device)
    hub.export("G1", id_pub=1, conferma="Y")
    assert said(hub, 1) == ("confirmed", f"{last_change(named, 2)}.")


def test_stores_with_a_number_are_named_by_it(hub: Hub) -> None:
    hub.store.execute("SELECT ortes_store.save_order('C00001', 1, p_store => 2)")
    hub.acquire(1, "T1")
    assert said(hub, 1)[1].startswith(last_change("store 2", 1))


def test_it_is_found_by_each_of_its_names(hub: Hub) -> None:
    hub.save(150)
    hub.dba.execute("SELECT ortes_app.save_order('C00001', 50, 150), ortes_app.save_order('C00001', 51, 150)")
    hub.dba.execute("SELECT ortes_store.save_order('C00001', 150, p_store => 7)")
    hub.acquire(3, "T3")

    def found(arguments: str) -> list[int]:
        query = f"SELECT id_pub FROM ortes_ops.find_order('C00001', {arguments})"
        return [row[0] for row in rows(hub.ops, query)]

    assert found("2") == [2]
    assert found("p_tor_chia => 'T3'") == [3]
    assert found("p_id_int => 150, p_prov_tipo => 'S'") == [1]
    assert found("p_id_int => 150, p_prov_tipo => 'A', p_prov_id => 50") == [2]
    assert found("p_id_int => 150, p_prov_tipo => 'A', p_prov_id => 51") == [3]
    assert found("p_id_int => 150, p_prov_tipo => 'S', p_prov_id => 7") == [4]
    for nothing in (
        "9",
        "p_tor_chia => 'T9'",
        "p_id_int => 151, p_prov_tipo => 'S'",
        "p_id_int => 150, p_prov_tipo => 'A'",
    ):
        assert found(nothing) == []


@pytest.mark.parametrize(
    "arguments", ["", ", 1, 'T1'", ", p_id_int => 150", ", p_id_int => 150, p_prov_tipo => 'G'", ", 1, p_id_int => 1"]
)
def test_it_must_be_named_by_exactly_one(hub: Hub, arguments: str) -> None:
    with refused("OR007"):
        hub.ops.execute(f"SELECT ortes_ops.find_order('C00001'{arguments})")


def test_an_unknown_company_is_said(hub: Hub) -> None:
    with refused("OR001"):
        hub.ops.execute("SELECT ortes_ops.find_order('NOWHERE', 1)")


def test_each_reader_against_the_order(hub: Hub) -> None:
    query = "SELECT prov_tipo, prov_id, confirmed, confirmed_at IS NULL, up_to_date FROM ortes_ops.order_readers('C00001', %s)"
    hub.dba.execute("SELECT ortes_app.save_order('C00001', 50, 150)")
    assert rows(hub.ops, query, 1) == [("A", 50, 0, True, True)]
    hub.acquire(1, "T1")
    hub.export("T1", id_pub=1, conferma="X")
    app_confirms(hub, 2, 60)
    hub.store.execute("SELECT ortes_store.confirm('C00001', 1)")
    behind = [("S", None, 1, False, False), ("A", 50, 0, True, False), ("A", 60, 2, False, True)]
    assert rows(hub.ops, query, 1) == behind
    assert rows(hub.ops, query, 2) == []


def test_the_monitor_may_ask_and_nobody_sees_content(hub: Hub) -> None:
    hub.save(150, {"secret": "of the customer"})
    monitor = hub.connect("monitor")
    assert said(hub, 1, monitor) == said(hub, 1)
    cursor = monitor.execute("SELECT * FROM ortes_ops.find_order('C00001', 1)")
    assert "secret" not in str(cursor.fetchall())
    assert "dati" not in [column.name for column in cursor.description or []]
    monitor.execute("SELECT * FROM ortes_ops.order_readers('C00001', 1)")
    for other in (hub.store, hub.app, hub.erp):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            other.execute("SELECT * FROM ortes_ops.find_order('C00001', 1)")


def test_its_history_line_by_line_without_content(hub: Hub) -> None:
    hub.ops.execute("SELECT ortes_ops.set_audit('C00001', true)")
    hub.save(150, {"secret": "first"})
    hub.erp.execute("SELECT ortes_erp.create_order('C00001', 1, 123)")
    hub.acquire(1, "T1")
    hub.export("T1", id_pub=1, conferma="A, B", dati={"secret": "second"})
    hub.export("T1", id_pub=1, conferma="C")
    hub.dba.execute("UPDATE ortes.arportes SET ack_app = true")
    query = "SELECT door, change FROM ortes_ops.order_history('C00001', %s)"
    lines = rows(hub.connect("monitor"), query, 1)
    assert lines == [
        ("ortes_store.save_order", "created"),
        ("ortes_erp.create_order", "autore_cod 123 (was 0)"),
        ("ortes_erp.acquire_order", "ack_gest true, id_sincro 1 (was 0), tor_chia T1"),
        ("ortes_erp.export_order", "conferma A, B, dati, id_sincro 2 (was 1)"),
        ("ortes_erp.export_order", "conferma C (was A, B), id_sincro 3 (was 2)"),
        (None, "ack_app true"),
    ]
    with refused("OR002"):
        hub.ops.execute(query, (2,))


def test_it_waits_for_nobody(hub: Hub) -> None:
    hub.save(150)
    with hub.dba.transaction():
        hub.dba.execute("SELECT ortes_erp.acquire_order('C00001', 1, 'T1')")
        monitor = hub.connect("monitor", options="-c lock_timeout=100ms -c default_transaction_read_only=on")
        assert said(hub, 1, monitor)[0] == "saved"
