"""Bad input, everywhere: an OR error with DETAIL and HINT that names what is wrong, and nothing written."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from ortes_db.server import Server
from tests.conftest import Db
from tests.hub import NASTY, Hub, one, refused, rows, to_json

MAX = 2**63 - 1


@pytest.fixture(scope="module")
def hub(server: Server, template: str) -> Iterator[Hub]:
    """One database for all of these: none of them writes anything."""
    db = Db(server, "bad_input")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE bad_input TEMPLATE {}").format(Identifier(template)))
    try:
        yield with_three_orders(db)
    finally:
        db.close()


def with_three_orders(db: Db) -> Hub:
    """Order 1 is the store's, 2 is acquired as T2, 3 is the ERP's own, G3. Company OTHER exists, and nobody here acts for it."""
    hub = Hub(db)
    hub.db.company("OTHER")
    hub.save(1)
    hub.acquire(hub.save(2), "T2")
    hub.export("G3")
    _ = hub.app, hub.ops  # their logins and grants are written now, not in a test
    return hub


# Every door with good arguments; what is bad then stands in for one of them.
DOORS: dict[str, dict[str, Any]] = {
    "ortes_store.save_order": {"p_azi": "C00001", "p_id_int": 9, "p_autore_cod": 0, "p_dati": "{}", "p_store": 1},
    "ortes_store.save_orders": {"p_azi": "C00001", "p_orders": '[{"id_int": 9}]', "p_store": 1},
    "ortes_store.changes": {"p_azi": "C00001", "p_since": 0, "p_limit": 10, "p_store": 1},
    "ortes_store.import_order": {"p_azi": "C00001", "p_id_pub": 3},
    "ortes_store.import_orders": {"p_azi": "C00001", "p_id_pubs": [3]},
    "ortes_store.confirm": {"p_azi": "C00001", "p_id_sincro": 1, "p_store": 1},
    "ortes_store.position": {"p_azi": "C00001", "p_store": 1},
    "ortes_app.save_order": {"p_azi": "C00001", "p_device": 50, "p_id_int": 9, "p_autore_cod": 0, "p_dati": "{}"},
    "ortes_app.save_orders": {"p_azi": "C00001", "p_device": 50, "p_orders": '[{"id_int": 9}]'},
    "ortes_app.changes": {"p_azi": "C00001", "p_device": 50, "p_since": 0, "p_limit": 10},
    "ortes_app.import_order": {"p_azi": "C00001", "p_device": 50, "p_id_pub": 3},
    "ortes_app.import_orders": {"p_azi": "C00001", "p_device": 50, "p_id_pubs": [3]},
    "ortes_app.confirm": {"p_azi": "C00001", "p_device": 50, "p_id_sincro": 1},
    "ortes_app.position": {"p_azi": "C00001", "p_device": 50},
    "ortes_erp.pending": {"p_azi": "C00001", "p_limit": 10},
    "ortes_erp.create_order": {"p_azi": "C00001", "p_id_pub": 1, "p_autore_cod": 4},
    "ortes_erp.acquire_order": {"p_azi": "C00001", "p_id_pub": 1, "p_tor_chia": "T1"},
    "ortes_erp.acquire_orders": {"p_azi": "C00001", "p_orders": '[{"id_pub": 1, "tor_chia": "T1"}]'},
    "ortes_erp.export_order": {
        "p_azi": "C00001",
        "p_tor_chia": "T2",
        "p_conferma": "A",
        "p_autore_cod": 1,
        "p_dati": "{}",
        "p_id_pub": 2,
        "p_if_sincro": 1,
    },
    "ortes_erp.export_orders": {"p_azi": "C00001", "p_orders": '[{"tor_chia": "G9"}]'},
    "ortes_ops.create_company": {"p_azi": "NEW"},
    "ortes_ops.set_counter": {"p_azi": "C00001", "p_contatore": "ID-SINCRO", "p_valore": 90},
    "ortes_ops.grant_access": {"p_login": "postgres", "p_azi": "C00001", "p_device": 1},
    "ortes_ops.revoke_access": {"p_login": "postgres", "p_azi": "C00001", "p_device": None},
    "ortes_ops.set_audit": {"p_azi": "C00001", "p_on": True},
    "ortes_ops.set_notify": {"p_azi": "C00001", "p_on": True},
    "ortes_ops.history": {"p_azi": "C00001", "p_id_pub": 1},
    "ortes_ops.order_history": {"p_azi": "C00001", "p_id_pub": 1},
    "ortes_ops.count_history": {"p_before": "2020-01-01"},
    "ortes_ops.purge_history": {"p_before": "2020-01-01"},
    "ortes_ops.rewind_reader": {"p_azi": "C00001", "p_prov_tipo": "S", "p_id_sincro": 0, "p_prov_id": None},
}

# These look, and answer what there isn't with no row: tests/order tries them.
FINDERS = {"ortes_ops.find_order", "ortes_ops.order_readers"}

# These take none that has to exist.
FOR_NO_COMPANY = ("ortes_ops.create_company", "ortes_ops.count_history", "ortes_ops.purge_history")


def test_every_door_is_tried_here_with_every_parameter(hub: Hub) -> None:
    query = """
        SELECT p.pronamespace::regnamespace || '.' || p.proname, (p.proargnames)[1:p.pronargs]
        FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^ortes_'
    """
    assert {door: set(names) for door, names in rows(hub.dba, query) if door not in FINDERS} == {
        door: set(given) for door, given in DOORS.items()
    }


def call(hub: Hub, door: str, **bad: Any) -> None:
    given = DOORS[door] | bad
    arguments = ", ".join(f"{name} => %({name})s" for name in given)
    who = door.partition(".")[0].removeprefix("ortes_")
    getattr(hub, who).execute(f"SELECT * FROM {door}({arguments})", given)


AZI = {"null": None, "empty": "", "33 characters": "C" * 33, "a million characters": "C" * 1_000_000}


@pytest.mark.parametrize("azi", AZI.values(), ids=AZI.keys())
@pytest.mark.parametrize("door", [door for door in DOORS if "p_azi" in DOORS[door]])
def test_a_company_code_of_no_use(hub: Hub, door: str, azi: str | None) -> None:
    before = hub.everything()
    with refused("OR007", naming="p_azi"):
        call(hub, door, p_azi=azi)
    assert hub.everything() == before


@pytest.mark.parametrize("door", [door for door in DOORS if "ops" not in door])
def test_a_company_not_granted_looks_like_one_that_does_not_exist(hub: Hub, door: str) -> None:
    before = hub.everything()
    for azi in ("OTHER", "NOWHERE", "c00001", "C00001 ", NASTY[:32]):
        with refused("OR003"):
            call(hub, door, p_azi=azi)
    assert hub.everything() == before


@pytest.mark.parametrize("door", [door for door in DOORS if "ops" in door and door not in FOR_NO_COMPANY])
def test_an_unknown_company(hub: Hub, door: str) -> None:
    before = hub.everything()
    with refused("OR001", naming="NOWHERE"):
        call(hub, door, p_azi="NOWHERE")
    assert hub.everything() == before


def test_an_unknown_company_for_who_may_act_for_any(hub: Hub) -> None:
    for door, given in DOORS.items():
        if door not in FOR_NO_COMPANY:
            arguments = ", ".join(f"{name} => %({name})s" for name in given)
            with refused("OR001"):
                hub.dba.execute(f"SELECT * FROM {door}({arguments})", given | {"p_azi": "NOWHERE"})


@pytest.mark.parametrize("door", [door for door in DOORS if "app" in door])
def test_a_device_that_is_not_the_login_s(hub: Hub, door: str) -> None:
    before = hub.everything()
    with refused("OR003", naming="device 51"):
        call(hub, door, p_device=51)
    for device in (None, 0, -1, -(2**31)):
        with refused("OR007", naming="p_device"):
            call(hub, door, p_device=device)
    assert hub.everything() == before


# door, bad arguments, code, what the DETAIL names
NUMBERS: list[tuple[str, dict[str, Any], str, str]] = [
    *[
        (door, {"p_store": n}, "OR007", "p_store")
        for door, given in DOORS.items()
        if "p_store" in given
        for n in (0, -1, -(2**31))
    ],
    *[
        (door, {"p_limit": n}, "OR007", "p_limit")
        for door, given in DOORS.items()
        if "p_limit" in given
        for n in (None, 0, -1, 10_001, 1_000_000)
    ],
    *[
        (door, {"p_id_int": n}, "OR007", "id_int")
        for door, given in DOORS.items()
        if "p_id_int" in given
        for n in (None, 0, -1, -MAX)
    ],
    *[
        (door, {"p_autore_cod": n}, "OR007", "autore_cod")
        for door, given in DOORS.items()
        if "p_autore_cod" in given
        for n in (-1, -MAX)
    ],
    *[(door, {"p_since": -1}, "OR007", "p_since") for door, given in DOORS.items() if "p_since" in given],
    *[
        (door, {"p_since": n}, "OR008", f"position {n}")
        for door, given in DOORS.items()
        if "p_since" in given
        for n in (3, MAX)
    ],
    *[(f"ortes_{s}.confirm", {"p_id_sincro": n}, "OR007", "p_id_sincro") for s in ("store", "app") for n in (None, -1)],
    *[(f"ortes_{s}.confirm", {"p_id_sincro": n}, "OR008", f"position {n}") for s in ("store", "app") for n in (3, MAX)],
    *[
        (door, {"p_id_pub": n}, "OR007", "id_pub")
        for door, given in DOORS.items()
        if "p_id_pub" in given
        for n in (0, -1, -MAX)
    ],
    *[
        (door, {"p_id_pub": None}, "OR007", "id_pub")
        for door in DOORS
        if "p_id_pub" in DOORS[door] and "export" not in door
    ],
    *[
        (door, {"p_id_pub": n}, "OR002", f"ID-PUB {n}")
        for door, given in DOORS.items()
        if "p_id_pub" in given
        for n in (99, MAX)
    ],
    *[
        (f"ortes_{s}.import_orders", {"p_id_pubs": v}, "OR007", "p_id_pub")
        for s in ("store", "app")
        for v in (None, [3] * 10_001)
    ],
    *[
        (f"ortes_{s}.import_orders", {"p_id_pubs": v}, "OR007", "element 2, id_pub")
        for s in ("store", "app")
        for v in ([3, None], [3, 0])
    ],
    *[(f"ortes_{s}.import_orders", {"p_id_pubs": [3, 99]}, "OR002", "ID-PUB 99") for s in ("store", "app")],
    ("ortes_erp.create_order", {"p_autore_cod": None}, "OR007", "autore_cod"),
    ("ortes_erp.export_order", {"p_if_sincro": -1}, "OR007", "if_sincro"),
    ("ortes_erp.export_order", {"p_if_sincro": MAX}, "OR009", f"not {MAX}"),
    ("ortes_erp.export_order", {"p_id_pub": None, "p_tor_chia": "G9"}, "OR007", "if_sincro"),
    ("ortes_ops.set_counter", {"p_valore": None}, "OR007", "p_valore"),
    ("ortes_ops.set_counter", {"p_valore": -1}, "OR007", "p_valore"),
    ("ortes_ops.set_counter", {"p_valore": 1}, "OR004", "ID-SINCRO"),
    *[("ortes_ops.set_counter", {"p_contatore": c}, "OR007", "p_contatore") for c in (None, "", "id-pub", "ID-INT")],
    *[("ortes_ops.grant_access", {"p_login": login}, "OR007", "p_login") for login in (None, "", "nobody here")],
    *[("ortes_ops.grant_access", {"p_device": n}, "OR007", "p_device") for n in (0, -1)],
    ("ortes_ops.revoke_access", {"p_login": None}, "OR007", "p_login"),
    ("ortes_ops.set_audit", {"p_on": None}, "OR007", "p_on"),
    ("ortes_ops.set_notify", {"p_on": None}, "OR007", "p_on"),
    *[
        (door, {"p_before": t}, "OR007", "p_before")
        for door in ("ortes_ops.count_history", "ortes_ops.purge_history")
        for t in (None, "infinity", "9999-01-01")
    ],
    *[("ortes_ops.rewind_reader", {"p_prov_tipo": t}, "OR007", "reader") for t in (None, "", "G", "S")],
]
TEXTS = [
    (door, {"p_tor_chia": text}, "OR007", "tor_chia")
    for door, given in DOORS.items()
    if "p_tor_chia" in given
    for text in (None, "", "T" * 201, "T" * 1_000_000)
] + [("ortes_erp.export_order", {"p_conferma": text}, "OR007", "conferma") for text in ("", "C" * 201)]


def name_case(value: Any) -> str | None:
    return str({k: str(v)[:20] for k, v in value.items()}) if isinstance(value, dict) else None


@pytest.mark.parametrize(("door", "bad", "code", "naming"), NUMBERS + TEXTS, ids=name_case)
def test_an_argument_of_no_use(hub: Hub, door: str, bad: dict[str, Any], code: str, naming: str) -> None:
    before = hub.everything()
    with refused(code, naming=naming):
        call(hub, door, **bad)
    assert hub.everything() == before


GOOD = {
    "ortes_store.save_orders": {"id_int": 9},
    "ortes_app.save_orders": {"id_int": 9},
    "ortes_erp.acquire_orders": {"id_pub": 1, "tor_chia": "T1"},
    "ortes_erp.export_orders": {"tor_chia": "G9"},
}
INTEGERS = {
    "ortes_store.save_orders": ("id_int", "autore_cod"),
    "ortes_app.save_orders": ("id_int", "autore_cod"),
    "ortes_erp.acquire_orders": ("id_pub",),
    "ortes_erp.export_orders": ("autore_cod", "id_pub", "if_sincro"),
}


@pytest.mark.parametrize("door", GOOD)
def test_json_of_the_wrong_shape(hub: Hub, door: str) -> None:
    before = hub.everything()
    for sent in (None, "null", "{}", '"x"', "1", "true"):
        with refused("OR007", naming="p_orders"):
            call(hub, door, p_orders=sent)
    with refused("OR007", naming="10001 elements"):
        call(hub, door, p_orders=to_json([GOOD[door]] * 10_001))
    for element in (None, 1, "x", True, [], [GOOD[door]]):
        with refused("OR007", naming="element 2"):
            call(hub, door, p_orders=to_json([GOOD[door], element]))
    for key in ("idint", "ID_INT", "", NASTY.replace("\u0001", ""), "azi", "id_sincro", "ack_gest"):
        with refused("OR007", naming="element 3"):
            call(hub, door, p_orders=to_json([GOOD[door], GOOD[door], GOOD[door] | {key: 1}]))
    assert hub.everything() == before


@pytest.mark.parametrize("door", GOOD)
def test_json_values_of_the_wrong_kind(hub: Hub, door: str) -> None:
    before = hub.everything()
    for key in INTEGERS[door]:
        for value in ("1", "x", "", True, [], [1], {}, 1.5, 2**63, -(2**63) - 1, 10**400, -1, -MAX):
            with refused("OR007", naming=key):
                call(hub, door, p_orders=to_json([GOOD[door], GOOD[door] | {key: value}]))
    for key in ("tor_chia", "conferma"):
        if "erp" in door and (key == "tor_chia" or "export" in door):
            for value in (1, True, [], {}, ["x"], "", "T" * 201):
                with refused("OR007", naming=f"element 2, {key}"):
                    call(hub, door, p_orders=to_json([GOOD[door], GOOD[door] | {key: value}]))
    assert hub.everything() == before


@pytest.mark.parametrize("door", GOOD)
def test_json_with_a_key_missing_or_null(hub: Hub, door: str) -> None:
    before = hub.everything()
    for key in GOOD[door]:
        for wrong in ({k: v for k, v in GOOD[door].items() if k != key}, GOOD[door] | {key: None}):
            with refused("OR007", naming=f"element 2, {key}"):
                call(hub, door, p_orders=to_json([GOOD[door], wrong]))
    assert hub.everything() == before


def test_a_long_bad_value_is_cut_in_the_message(hub: Hub) -> None:
    with pytest.raises(Exception, match="p_azi") as caught:
        call(hub, "ortes_erp.pending", p_azi="C" * 1_000_000)
    assert len(str(caught.value)) < 1000


def test_content_stays_out_of_messages(hub: Hub) -> None:
    with pytest.raises(Exception, match="other content") as caught:
        call(hub, "ortes_store.save_order", p_id_int=1, p_store=None, p_dati='{"iban": "SECRET"}')
    assert "SECRET" not in str(caught.value)


def test_nothing_of_all_this_was_written(hub: Hub) -> None:
    assert one(hub.dba, "SELECT count(*) FROM ortes.arportes") == 3
    assert hub.counters() == (3, 2)
