"""`ortes order`, as the support desk types it."""

import json

import pytest

from tests.command import ortes
from tests.hub import Hub

pytestmark = pytest.mark.once


def test_an_order_is_told_in_full_to_the_monitor(hub: Hub) -> None:
    hub.dba.execute("SELECT ortes_ops.set_audit('C00001', true)")
    hub.dba.execute("""SELECT ortes_app.save_order('C00001', 50, 150, 12, '"[bold]secret"')""")
    hub.acquire(1, "C[red]1")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 1)")
    dsn = hub.db.dsn(hub.login("monitor"))
    told = ortes("order", "C00001", "--id-int", "150", "--device", "50", "--dsn", dsn)
    assert (told.returncode, told.stderr) == (0, "")
    for line in (
        "order 1 of company C00001: acquired",
        "Waiting for device 50 to confirm the order's last change (ID-SINCRO 1), and for the store to import it, "
        "and for the ERP to give it a confirmation number.",
        "device 50, as its order 150",
        "by app user 12",
        "C[red]1, confirmation number -",
        "store no, ERP yes, app yes",
        "ortes_app.save_order     created",
        "ortes_erp.acquire_order  ack_gest true, id_sincro 1 (was 0), tor_chia C[red]1",
    ):
        assert line in told.stdout
    assert "secret" not in told.stdout
    assert "\x1b" not in told.stdout
    assert [
        line.split()[-1] for line in told.stdout.splitlines() if line.strip().startswith(("store  ", "device 50  "))
    ] == [
        "read",
        "yet",
    ]

    found = json.loads(ortes("order", "C00001", "--tor-chia", "C[red]1", "--json", "--dsn", dsn).stdout)
    assert (found["id_pub"], found["state"], found["id_int"]) == (1, "acquired", 150)
    assert found["waiting_for"] in told.stdout
    assert [(r["prov_tipo"], r["confirmed"], r["up_to_date"]) for r in found["readers"]] == [
        ("S", 1, True),
        ("A", 0, False),
    ]
    assert "dati" not in found
    assert [line["door"] for line in found["history"]] == ["ortes_app.save_order", "ortes_erp.acquire_order"]


def test_the_store_is_meant_with_and_without_a_number(hub: Hub) -> None:
    hub.save(150)
    hub.store.execute("SELECT ortes_store.save_order('C00001', 150, p_store => 2)")
    for store, id_pub in (([], 1), (["2"], 2)):
        told = ortes("order", "C00001", "--id-int", "150", "--dsn", hub.db.dsn(), "--store", *store)
        assert told.stdout.startswith(f"order {id_pub} of company C00001: saved\n")


def test_what_is_not_there_or_not_allowed_is_said(hub: Hub, empty_dsn: str) -> None:
    for arguments, code, text in (
        (["C00001", "--id-pub", "1", "--dsn", hub.db.dsn()], 1, "company C00001 has no such order"),
        (["NOWHERE", "--id-pub", "1", "--dsn", hub.db.dsn()], 2, "unknown company"),
        (["C00001", "--id-pub", "1", "--dsn", hub.db.dsn(hub.login("store"))], 2, "grants it the role ortes_monitor"),
        (["C00001", "--id-pub", "1", "--dsn", empty_dsn], 2, "ortes deploy"),
        (["C00001", "--id-pub", "1", "--dsn", "host=/nowhere"], 2, "/nowhere"),
        (["C00001"], 2, "one of --id-pub, --tor-chia and --id-int"),
        (["C00001", "--id-int", "1"], 2, "--store or --device"),
        (["C00001", "--id-pub", "1", "--store"], 2, "--store or --device"),
        (["C00001", "--id-int", "1", "--store", "--device", "1"], 2, "--store or --device"),
    ):
        told = ortes("order", *arguments)
        assert (told.returncode, told.stdout) == (code, "")
        assert text in told.stderr
        assert "Traceback" not in told.stderr


def test_the_help_has_an_example() -> None:
    assert "ortes order C00001 --id-pub 4\n" in ortes("order", "--help").stdout
