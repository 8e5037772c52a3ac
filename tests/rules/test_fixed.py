"""What is fixed for life, flags that only rise, counters that only go forward, orders that are never deleted."""

import psycopg
import pytest

from tests.hub import Hub, one, refused

FLAGS = {"S": "ack_store", "A": "ack_app", "G": "ack_gest"}


def three_orders(hub: Hub) -> None:
    """1 from the store, 2 from the app, 3 from the ERP."""
    hub.save(1)
    hub.app.execute("SELECT ortes_app.save_order(%s, 50, 1)", (hub.azi,))
    hub.export("G3")


def test_on_insert_the_flag_follows_the_origin(hub: Hub) -> None:
    three_orders(hub)
    for id_pub, prov_tipo, autore_tipo in ((1, "S", "C"), (2, "A", "T"), (3, "G", "O")):
        order = hub.order(id_pub)
        assert (order["prov_tipo"], order["autore_tipo"]) == (prov_tipo, autore_tipo)
        assert {flag for flag in FLAGS.values() if order[flag]} == {FLAGS[prov_tipo]}


def test_each_system_sets_its_own_flag_only(hub: Hub) -> None:
    three_orders(hub)
    hub.store.execute("SELECT ortes_store.import_order(%s, 2)", (hub.azi,))
    assert [hub.order(2)[flag] for flag in FLAGS.values()] == [True, True, False]
    hub.app.execute("SELECT ortes_app.import_order(%s, 50, 3)", (hub.azi,))
    assert [hub.order(3)[flag] for flag in FLAGS.values()] == [False, True, True]
    hub.acquire(1, "T1")
    assert [hub.order(1)[flag] for flag in FLAGS.values()] == [True, False, True]


def test_a_re_export_leaves_the_flags_alone(hub: Hub) -> None:
    three_orders(hub)
    hub.store.execute("SELECT ortes_store.import_order(%s, 3)", (hub.azi,))
    hub.export("G3", id_pub=3, conferma="A", dati={"v": 2})
    assert [hub.order(3)[flag] for flag in FLAGS.values()] == [True, False, True]


@pytest.mark.parametrize("flag", FLAGS.values())
@pytest.mark.parametrize("value", ["false", "NULL"])
def test_a_flag_never_goes_back(hub: Hub, flag: str, value: str) -> None:
    hub.save(1)
    hub.dba.execute("UPDATE ortes.arportes SET ack_store = true, ack_gest = true, ack_app = true")
    before = hub.everything()
    with refused("OR004", naming=flag):
        hub.dba.execute(f"UPDATE ortes.arportes SET {flag} = {value}")
    assert hub.everything() == before


FIXED = {
    "azi": "'C00002'",
    "id_pub": "99",
    "prov_tipo": "'A'",
    "prov_id": "7",
    "id_int": "99",
    "autore_tipo": "'O'",
    "dati_digest": "'\\x00'",
    "created_at": "now() - interval '1 day'",
    "tor_chia": "'OTHER'",
}


@pytest.mark.parametrize("column", FIXED)
def test_a_fixed_column_never_changes(hub: Hub, column: str) -> None:
    hub.db.company("C00002")
    hub.acquire(hub.save(1, {"v": 1}), "T1")
    hub.export("T1", id_pub=1, dati={"v": 2})
    before = hub.everything()
    for value in (FIXED[column], "NULL"):
        if column == "prov_id" and value == "NULL":
            continue  # it is null
        with refused("OR004", naming=column):
            hub.dba.execute(f"UPDATE ortes.arportes SET {column} = {value}")
        with refused("OR004", naming=column):
            hub.dba.execute(f"UPDATE ortes.arportes SET conferma = 'X', {column} = {value}")
    assert hub.everything() == before


def test_the_digest_is_not_set_by_hand_either(hub: Hub) -> None:
    hub.save(1, {"v": 1})
    with refused("OR004", naming="dati_digest"):
        hub.dba.execute("UPDATE ortes.arportes SET dati_digest = '\\x00'")
    with refused("OR004"):
        hub.dba.execute(
            "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo, dati_digest) VALUES ('C00001', 'S', 2, 'C', '')"
        )


def test_every_column_that_is_not_fixed_is_known_to_these_tests(hub: Hub) -> None:
    query = "SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns WHERE {}"
    columns = one(hub.dba, query.format("table_schema = 'ortes' AND table_name = 'arportes'")).split()
    free = {"conferma", "autore_cod", "dati", "updated_at", "id_sincro", *FLAGS.values()}
    assert set(columns) == free | set(FIXED)


def test_the_author_s_code_conferma_and_dati_may_change_by_hand(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    hub.dba.execute("UPDATE ortes.arportes SET autore_cod = 5, conferma = 'A', dati = '[1]'")
    hub.dba.execute("UPDATE ortes.arportes SET conferma = NULL, dati = NULL")
    assert (hub.order(1)["conferma"], hub.order(1)["dati"], hub.order(1)["id_sincro"]) == (None, None, 3)


@pytest.mark.parametrize(
    "deletion",
    [
        "DELETE FROM ortes.arportes",
        "TRUNCATE ortes.arportes",
        "MERGE INTO ortes.arportes AS a USING (SELECT 1 AS n) AS s ON a.id_pub = s.n WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM ortes.arportes RETURNING *) SELECT count(*) FROM gone",
        "DELETE FROM ortes.apstatosyn",
        "TRUNCATE ortes.apstatosyn",
    ],
)
def test_orders_and_counters_are_never_deleted(hub: Hub, deletion: str) -> None:
    hub.acquire(hub.save(1), "T1")
    before = hub.everything()
    with refused("OR004"):
        hub.dba.execute(deletion)
    assert hub.everything() == before


@pytest.mark.parametrize("change", ["valore = valore - 1", "valore = 0", "azi = 'C00002'", "contatore = 'ID-PUB'"])
def test_a_counter_only_goes_forward(hub: Hub, change: str) -> None:
    hub.db.company("C00002")
    hub.acquire(hub.save(1), "T1")
    before = hub.everything()
    with refused("OR004", naming="ID-SINCRO"):
        hub.dba.execute(f"UPDATE ortes.apstatosyn SET {change} WHERE azi = 'C00001' AND contatore = 'ID-SINCRO'")
    assert hub.everything() == before


def test_no_door_deletes_or_can_be_got_around(hub: Hub) -> None:
    hub.save(1)
    for who in ("store", "app", "erp", "ops", "monitor"):
        with hub.connect(who) as connection:
            for query in (
                "SELECT * FROM ortes.arportes",
                "DELETE FROM ortes.arportes",
                "UPDATE ortes.apstatosyn SET valore = 99",
                "SELECT ortes.lock_company('C00001')",
                "SELECT ortes.next_number('C00001', 'ID-PUB', true)",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(query)
    assert hub.counters() == (1, 0)


def test_updated_at_moves_with_every_change_and_only_then(hub: Hub) -> None:
    hub.save(1)
    saved = hub.order(1)
    assert saved["updated_at"] == saved["created_at"]
    hub.acquire(1, "T1")
    acquired = hub.order(1)
    assert acquired["updated_at"] > saved["updated_at"]
    hub.acquire(1, "T1")
    assert hub.order(1) == acquired
