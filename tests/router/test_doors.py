"""The doors through the router: the same calls, the same answers, the same errors."""

import psycopg
import pytest

from tests.hub import one, rows
from tests.router.conftest import Cluster

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


def test_a_shard_s_error_arrives_as_it_was_raised(cluster: Cluster) -> None:
    cluster.company("C1", "s1")
    login = cluster.login("ortes_store", "C1")
    for query in ("save_order('C1', -1)", "save_order('C2', 1)", "save_order(NULL, 1)", "changes('C1', 7)"):
        said = []
        for part in ("router", "s1"):
            with pytest.raises(psycopg.Error) as caught:
                cluster.connect(login, part).execute(f"SELECT ortes_store.{query}")
            diag = caught.value.diag
            said.append((diag.sqlstate, diag.message_primary, diag.message_detail, diag.message_hint))
        assert said[0] == said[1]
        assert said[0][0] in ("OR003", "OR007", "OR008")
