"""The doors and views of the DBA and of the monitoring."""

import psycopg
import pytest

from tests.hub import Hub, Later, one, refused, rows, to_json


def test_create_company_makes_it_ready_and_is_repeatable(hub: Hub) -> None:
    hub.ops.execute("SELECT ortes_ops.create_company('NEW')")
    assert hub.counters("NEW") == (0, 0)
    assert one(hub.dba, "SELECT ortes_store.save_order('NEW', 1)") == 1
    hub.ops.execute("SELECT ortes_ops.create_company('NEW')")
    assert hub.counters("NEW") == (1, 0)


def test_set_counter_lets_the_next_order_draw_the_next_number(hub: Hub) -> None:
    assert one(hub.ops, "SELECT ortes_ops.set_counter('C00001', 'ID-PUB', 1759)") == 1759
    assert one(hub.ops, "SELECT ortes_ops.set_counter('C00001', 'ID-SINCRO', 322)") == 322
    assert one(hub.ops, "SELECT ortes_ops.set_counter('C00001', 'ID-SINCRO', 322)") == 322
    assert hub.acquire(hub.save(1), "C201700001760") == 323
    assert hub.id_pubs() == [1760]


def test_set_counter_goes_forward_only(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    before = hub.everything()
    for counter in ("ID-PUB", "ID-SINCRO"):
        with refused("OR004", naming=counter):
            hub.ops.execute("SELECT ortes_ops.set_counter('C00001', %s, 0)", (counter,))
    assert {k: v for k, v in hub.everything().items() if k != "access"} == {
        k: v for k, v in before.items() if k != "access"
    }


def test_set_counter_waits_for_numbers_under_way(hub: Hub) -> None:
    slow = hub.connect("store", autocommit=False)
    hub.save(1, connection=slow)
    later = Later(hub, hub.ops, "SELECT ortes_ops.set_counter('C00001', 'ID-PUB', 10)")
    slow.commit()
    assert later.result() == 10
    assert hub.save(2) == 11


def test_access_is_granted_and_revoked_by_company(hub: Hub) -> None:
    login = hub.db.login("store", "ortes_store")
    store = hub.db.connect(login)
    save = "SELECT ortes_store.save_order('C00001', 1)"
    with refused("OR003", naming=login):
        store.execute(save)
    hub.ops.execute("SELECT ortes_ops.grant_access(%s, 'C00001')", (login,))
    assert one(store, save) == 1
    hub.ops.execute("SELECT ortes_ops.revoke_access(%s, 'C00001')", (login,))
    with refused("OR003"):
        store.execute(save)


def test_access_is_granted_and_revoked_by_device(hub: Hub) -> None:
    login = hub.db.login("app", "ortes_app")
    app = hub.db.connect(login)
    save = "SELECT ortes_app.save_order('C00001', {0}, 1)"
    for device in (50, 51):
        hub.ops.execute("SELECT ortes_ops.grant_access(%s, 'C00001', %s)", (login, device))
    assert [one(app, save.format(device)) for device in (50, 51)] == [1, 2]
    with refused("OR003", naming="device 52"):
        app.execute(save.format(52))
    hub.ops.execute("SELECT ortes_ops.revoke_access(%s, 'C00001', 51)", (login,))
    assert one(app, save.format(50)) == 1
    with refused("OR003"):
        app.execute(save.format(51))
    hub.ops.execute("SELECT ortes_ops.grant_access(%s, 'C00001')", (login,))
    assert one(app, save.format(52)) == 3, "without a device: as any"
    hub.ops.execute("SELECT ortes_ops.revoke_access(%s, 'C00001')", (login,))
    for device in (50, 51, 52):
        with refused("OR003"):
            app.execute(save.format(device))


def test_a_role_taken_on_does_not_lend_its_access(hub: Hub) -> None:
    """What counts is who logged in."""
    privileged, other = hub.login("store"), hub.db.login("store", "ortes_store")
    hub.dba.execute(f"GRANT {privileged} TO {other}")
    connection = hub.db.connect(other)
    connection.execute(f"SET ROLE {privileged}")
    with refused("OR003", naming=other):
        connection.execute("SELECT ortes_store.save_order('C00001', 1)")


def test_each_role_uses_its_own_schema_and_nothing_else(hub: Hub) -> None:
    calls = {
        "store": "SELECT ortes_store.position('C00001')",
        "app": "SELECT ortes_app.position('C00001', 50)",
        "erp": "SELECT * FROM ortes_erp.pending('C00001')",
        "ops": "SELECT ortes_ops.create_company('C00001')",
        "monitor": "SELECT * FROM ortes_ops.status",
    }
    for who in calls:
        with hub.connect(who) as connection:
            connection.execute(calls[who])
            for other, query in calls.items():
                if other != who and (who, other) != ("ops", "monitor"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        connection.execute(query)


def test_ops_views_tell_the_state(hub: Hub) -> None:
    hub.db.company("EMPTY")
    for n in (1, 2, 3):
        hub.save(n)
    hub.acquire(1, "T1")
    hub.export("G4")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 1)")
    hub.app.execute("SELECT ortes_app.confirm('C00001', 50, 2)")
    for who in ("ops", "monitor"):
        c = hub.connect(who)
        status = "SELECT azi, orders, pending, id_pub, id_sincro, oldest_pending_seconds > 0 FROM ortes_ops.status ORDER BY azi"
        assert rows(c, status) == [("C00001", 4, 2, 4, 2, True), ("EMPTY", 0, 0, 0, 0, False)]
        backlog = (
            "SELECT azi, pending, id_pub, id_sincro, oldest_pending_seconds > 0 FROM ortes_ops.backlog ORDER BY azi"
        )
        assert rows(c, backlog) == [("C00001", 2, 4, 2, True), ("EMPTY", 0, 0, 0, False)]
        readers = "SELECT azi, prov_tipo, prov_id, position, lag_rows, lag_seconds > 0 FROM ortes_ops.readers ORDER BY position"
        assert rows(c, readers) == [("C00001", "S", None, 1, 1, True), ("C00001", "A", 50, 2, 0, False)]
        counters = "SELECT contatore, valore FROM ortes_ops.counters WHERE azi = 'C00001' ORDER BY 1"
        assert rows(c, counters) == [("ID-PUB", 4), ("ID-SINCRO", 2)]
        assert rows(c, "SELECT id_pub, tor_chia FROM ortes_ops.orders ORDER BY 1") == [
            (1, "T1"),
            (2, None),
            (3, None),
            (4, "G4"),
        ]


def test_who_looks_every_few_seconds_reads_no_order_that_is_done(hub: Hub) -> None:
    orders = [{"tor_chia": f"T{n}"} for n in range(10_000)]
    hub.erp.execute("SELECT count(*) FROM ortes_erp.export_orders('C00001', %s)", (to_json(orders),))
    hub.save(1)
    hub.app.execute("SELECT ortes_app.confirm('C00001', 50, 9995)")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 1)")
    hub.dba.execute("VACUUM ANALYZE ortes.arportes")

    def pages(view: str) -> int:
        plan = one(hub.ops, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM {view}")[0]["Plan"]
        return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    assert pages("ortes_ops.backlog") < 30
    # The store's 10,000: the index, and of the table what the first thousand stand on.
    assert pages("ortes_ops.readers") < 80
    # It counts all: what the two above would cost, were they made like it.
    assert pages("ortes_ops.status") > 40


def test_the_monitor_sees_no_content(hub: Hub) -> None:
    monitor = hub.connect("monitor")
    for query in ("SELECT dati FROM ortes_ops.orders", "SELECT * FROM ortes_ops.orders"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            monitor.execute(query)
    hub.ops.execute("SELECT dati FROM ortes_ops.orders")


@pytest.mark.parametrize("view", ["status", "readers", "counters", "orders"])
def test_nobody_writes_through_a_view(hub: Hub, view: str) -> None:
    hub.save(1)
    for connection in (hub.ops, hub.connect("monitor")):
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(f"DELETE FROM ortes_ops.{view}")
        assert caught.value.sqlstate in ("42501", "55000")
