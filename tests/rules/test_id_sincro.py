"""ID-SINCRO: moved by the ERP's changes and by nothing else; the hub gives out the number."""

import psycopg
import pytest

from tests.hub import Hub, one, refused, rows


def test_the_first_save_has_id_sincro_0(hub: Hub) -> None:
    assert hub.order(hub.save(1, {"n": 1}))["id_sincro"] == 0
    assert hub.counters() == (1, 0)


def test_acquisition_bumps(hub: Hub) -> None:
    assert hub.acquire(hub.save(1), "T1") == 1
    assert hub.acquire(hub.save(2), "T2") == 2
    order = hub.order(2)
    assert (order["tor_chia"], order["ack_gest"], order["id_sincro"]) == ("T2", True, 2)


def test_re_export_bumps_when_conferma_changes_and_when_dati_change(hub: Hub) -> None:
    hub.acquire(hub.save(1, {"v": 1}), "T1")
    assert hub.export("T1", id_pub=1, conferma="A") == (1, 2)
    assert hub.export("T1", id_pub=1, dati={"v": 2}) == (1, 3)
    assert hub.export("T1", id_pub=1, conferma="B", dati={"v": 3}) == (1, 4)


def test_a_new_erp_order_bumps(hub: Hub) -> None:
    assert hub.export("G1") == (1, 1)
    assert hub.export("G2", conferma="A", dati={}) == (2, 2)


def test_a_re_export_that_changes_nothing_bumps_nothing(hub: Hub) -> None:
    hub.acquire(hub.save(1, {"v": 1}), "T1")
    hub.export("T1", id_pub=1, conferma="A", dati={"v": 2})
    before = hub.everything()
    assert hub.export("T1", id_pub=1, conferma="A", dati={"v": 2}) == (1, 2)
    assert hub.export("T1", id_pub=1) == (1, 2)
    assert hub.everything() == before


def test_the_author_s_code_bumps_nothing(hub: Hub) -> None:
    hub.save(1)
    hub.erp.execute("SELECT ortes_erp.create_order(%s, 1, 77)", (hub.azi,))
    assert (hub.order(1)["autore_cod"], hub.order(1)["id_sincro"]) == (77, 0)
    hub.acquire(1, "T1")
    assert hub.export("T1", id_pub=1, autore_cod=78) == (1, 1)
    assert hub.order(1)["autore_cod"] == 78


def test_an_import_bumps_nothing(hub: Hub) -> None:
    hub.export("G1")
    assert one(hub.store, "SELECT ortes_store.import_order(%s, 1)", hub.azi) is True
    assert one(hub.app, "SELECT ortes_app.import_order(%s, 50, 1)", hub.azi) is True
    assert hub.order(1)["id_sincro"] == 1
    assert hub.counters() == (1, 1)


@pytest.mark.parametrize("column", ["conferma = 'X'", """dati = '{"x": 1}'""", "ack_gest = true", "tor_chia = 'X'"])
def test_an_erp_column_changed_by_hand_bumps(hub: Hub, column: str) -> None:
    hub.save(1)
    hub.dba.execute(f"UPDATE ortes.arportes SET {column}")
    assert (hub.order(1)["id_sincro"], hub.counters()[1]) == (1, 1)
    hub.dba.execute(f"UPDATE ortes.arportes SET {column}")
    assert (hub.order(1)["id_sincro"], hub.counters()[1]) == (1, 1)


@pytest.mark.parametrize("column", ["autore_cod = 5", "ack_store = true", "ack_app = true", "azi = azi"])
def test_another_column_changed_by_hand_bumps_nothing(hub: Hub, column: str) -> None:
    hub.save(1)
    hub.dba.execute(f"UPDATE ortes.arportes SET {column}")
    assert (hub.order(1)["id_sincro"], hub.counters()[1]) == (0, 0)


def test_a_caller_never_chooses_the_number(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    before = hub.everything()
    for change in ("id_sincro = 9", "id_sincro = 0", "id_sincro = 2, conferma = 'X'", "id_sincro = NULL"):
        with refused("OR004", naming="id_sincro"):
            hub.dba.execute(f"UPDATE ortes.arportes SET {change}")
    assert hub.everything() == before


def test_one_statement_over_many_orders_gives_each_its_number(hub: Hub) -> None:
    for n in range(1, 31):
        hub.save(n)
    hub.dba.execute("UPDATE ortes.arportes SET conferma = 'X'")
    assert [s for _, s in hub.changes(0)] == list(range(1, 31))
    assert hub.counters() == (30, 30)


def test_one_statement_over_several_companies_counts_each(hub: Hub) -> None:
    hub.db.company("C00002")
    hub.dba.execute(
        "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo)"
        " SELECT 'C0000' || 1 + n % 2, 'S', n, 'C' FROM generate_series(1, 20) AS n"
    )
    hub.dba.execute("UPDATE ortes.arportes SET conferma = 'X'")
    for azi in ("C00001", "C00002"):
        assert hub.counters(azi) == (10, 10)
        given = rows(hub.dba, "SELECT id_sincro FROM ortes.arportes WHERE azi = %s ORDER BY 1", azi)
        assert [row[0] for row in given] == list(range(1, 11))


def test_a_rollback_skips_no_number(hub: Hub) -> None:
    hub.save(1)
    hub.save(2)
    with hub.connect("erp", autocommit=False) as erp:
        assert hub.acquire(1, "T1", connection=erp) == 1
        with erp.transaction():
            assert hub.acquire(2, "T2", connection=erp) == 2
            raise psycopg.Rollback
        assert hub.export("G1", connection=erp) == (3, 2)
        erp.rollback()
    assert hub.acquire(2, "T2") == 1
    assert hub.counters() == (2, 1)


def test_an_order_that_changes_twice_in_a_transaction_shows_its_last_number_only(hub: Hub) -> None:
    hub.save(1)
    with hub.connect("erp", autocommit=False) as erp:
        hub.acquire(1, "T1", connection=erp)
        assert hub.export("T1", id_pub=1, conferma="A", connection=erp) == (1, 2)
        erp.commit()
    assert hub.changes(0) == [(1, 2)]
    assert hub.counters() == (1, 2)


def test_a_large_statement_moves_the_counter_twice_not_once_a_row(hub: Hub) -> None:
    for first in (1, 501):
        hub.dba.execute(
            "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo)"
            " SELECT %s, 'S', n, 'C' FROM generate_series(%s::int, %s) AS n",
            (hub.azi, first, first + 499),
        )
    with hub.connect("dba", autocommit=False) as dba:
        dba.execute("UPDATE ortes.arportes SET conferma = 'X'")
        moved = one(dba, "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'apstatosyn'")
        dba.commit()
    assert moved == 2
    assert hub.counters() == (1000, 1000)
