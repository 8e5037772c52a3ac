"""The doors through the router: the same calls, the same answers, the same errors."""

import psycopg
import pytest

from tests.doors.test_bad_input import DOORS, with_three_orders
from tests.hub import NASTY, Connection, one, rows
from tests.router.conftest import Cluster, Routed

pytestmark = pytest.mark.once


def test_companies_spread_and_each_call_reaches_its_own(cluster: Cluster) -> None:
    for number in range(4):
        cluster.company(f"C{number}")
    spread = rows(cluster.connect(), "SELECT azi, shard FROM ortes_router.company ORDER BY azi")
    assert spread == [("C0", "s0"), ("C1", "s1"), ("C2", "s0"), ("C3", "s1")]
    store = cluster.connect(cluster.login("ortes_store", "C0"))
    assert one(store, "SELECT ortes_store.save_order('C0', 150, p_dati => '{}')") == 1
    for shard, orders in (("s0", 1), ("s1", 0)):
        assert one(cluster.connect(part=shard), "SELECT count(*) FROM ortes.arportes") == orders


def test_an_order_goes_its_way(cluster: Cluster) -> None:
    cluster.company("C1", "s1")
    store = cluster.connect(cluster.login("ortes_store", "C1"))
    erp = cluster.connect(cluster.login("ortes_erp", "C1"))
    saved = rows(
        store, 'SELECT * FROM ortes_store.save_orders(\'C1\', \'[{"id_int": 1, "dati": {"è": "漢"}}, {"id_int": 2}]\')'
    )
    assert saved == [(1, 1), (2, 2)]
    pending = rows(erp, "SELECT id_pub, dati FROM ortes_erp.pending('C1')")
    assert pending == [(1, {"è": "漢"}), (2, None)]
    assert one(erp, "SELECT ortes_erp.create_order('C1', 1, 15)") == ""
    assert one(erp, "SELECT ortes_erp.acquire_order('C1', 1, 'T1')") == 1
    assert rows(erp, "SELECT * FROM ortes_erp.export_order('C1', 'T1', 'ABCD', p_id_pub => 1)") == [(1, 2)]
    assert rows(store, "SELECT id_pub, conferma, id_sincro FROM ortes_store.changes('C1')") == [(1, "ABCD", 2)]
    assert one(store, "SELECT ortes_store.confirm('C1', 2)") == one(store, "SELECT ortes_store.position('C1')") == 2


BAD: dict[str, list[object]] = {
    "p_azi": [None, "", "C" * 33, "OTHER", "NOWHERE", NASTY[:32]],
    "p_orders": [None, "{}", "[[]]", '[{"id_int": "x"}]', '[{"id_pub": 99, "tor_chia": "T99"}]', '[{"tor_chia": ""}]'],
    "p_id_pub": [None, -1, 99, 2],
    "p_id_pubs": [None, [99], [None]],
    "p_dati": ['{"other": 1}'],
    "p_tor_chia": [None, "", "G3", "T99"],
    "p_login": [None, "nobody of that name"],
    "p_before": [None, "2100-01-01"],
}


def test_every_error_arrives_as_the_shard_raised_it(db: Routed) -> None:
    """Of every door, with every argument bad in turn: SQLSTATE, message, DETAIL and HINT, through the router and without it."""
    hub = with_three_orders(db)
    seen = set()
    logins = {who: hub.login(who) for who in ("store", "app", "erp", "ops")}
    routes = [{who: db.cluster.connect(login, part) for who, login in logins.items()} for part in ("router", "s1")]
    for door, good in DOORS.items():
        who = door.partition(".")[0].removeprefix("ortes_")
        arguments = ", ".join(f"{name} => %({name})s" for name in good)
        for name in good:
            for value in BAD.get(name, [None, -1, 99]) if door != "ortes_ops.create_company" else [None, "", "C" * 33]:
                said = [
                    _said(route[who], f"SELECT * FROM {door}({arguments})", good | {name: value}) for route in routes
                ]
                assert said[0] == said[1], (door, name, value)
                seen.add(said[0][0])
    assert seen >= {"OR001", "OR002", "OR003", "OR004", "OR005", "OR006", "OR007", "OR008", "OR009"}, seen


def _said(connection: Connection, query: str, given: dict[str, object]) -> tuple[str | None, ...]:
    try:
        connection.execute(query, given)
    except psycopg.Error as error:
        return error.sqlstate, error.diag.message_primary, error.diag.message_detail, error.diag.message_hint
    return (None,)
