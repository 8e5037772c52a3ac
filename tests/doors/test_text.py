"""Text with quotes, line breaks and any Unicode passes unharmed; so do numbers at the end of their range."""

import pytest
from psycopg.types.json import Jsonb

from tests.hub import NASTY, Hub, one, rows, to_json

TEXTS = {
    "quotes and escapes": NASTY,
    "what looks like SQL": "'; DROP TABLE ortes.arportes; --",
    "line breaks at both ends": "\n\r\n x \n",
    "spaces": "   ",
    "null in letters": "null",
    "a backslash": "\\",
    "200 characters outside the basic plane": "😀" * 200,
    "combining characters, two ways": "é e\u0301",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_text_passes_through_dati_conferma_and_tor_chia(hub: Hub, text: str) -> None:
    dati = {"text": text, text: [text]}
    assert one(hub.store, "SELECT ortes_store.save_order(%s, 1, 0, %s)", hub.azi, Jsonb(dati)) == 1
    assert hub.acquire(1, text) == 1
    assert hub.acquire(1, text) == 1, "and is recognised"
    assert hub.export(text, id_pub=1, conferma=text) == (1, 2)
    found = rows(hub.store, "SELECT tor_chia, conferma, dati FROM ortes_store.changes(%s, 0)", hub.azi)
    assert found == [(text, text, dati)]
    batch = to_json([{"tor_chia": text + "2", "conferma": text, "dati": dati}]) if len(text) < 200 else None
    if batch:
        assert rows(hub.erp, "SELECT * FROM ortes_erp.export_orders(%s, %s)", hub.azi, batch) == [(2, 3)]
        assert hub.order(2)["tor_chia"] == text + "2"
        assert (hub.order(2)["conferma"], hub.order(2)["dati"]) == (text, dati)


@pytest.mark.parametrize("azi", ["C'1", 'C"1', "a b", "😀" * 32, "C\n1", "%s", "\\"])
def test_a_company_code_may_be_any_text(hub: Hub, azi: str) -> None:
    hub.db.company(azi)
    hub.dba.execute("SELECT ortes_ops.grant_access(%s, %s)", (hub.store.info.user, azi))
    assert [one(hub.store, "SELECT ortes_store.save_order(%s, %s)", azi, n) for n in (1, 2, 1)] == [1, 2, 1]
    assert hub.counters(azi) == (2, 0)


def test_any_json_is_content(hub: Hub) -> None:
    contents = [{}, [], "", "x", 0, -1.5, True, False, {"deep": [[[{"x": None}]]]}, "x" * 100_000, [NASTY] * 100]
    for n, content in enumerate(contents, 1):
        assert hub.save(n, content) == n
        assert hub.order(n)["dati"] == content
        assert hub.save(n, content) == n


def test_numbers_at_the_end_of_their_range(hub: Hub) -> None:
    top = 2**63 - 1
    assert one(hub.store, "SELECT ortes_store.save_order(%s, %s, %s, p_store => %s)", hub.azi, top, top, 2**31 - 1) == 1
    batch = to_json([{"id_int": top, "autore_cod": top}])
    assert rows(hub.store, "SELECT * FROM ortes_store.save_orders(%s, %s, %s)", hub.azi, batch, 2**31 - 1) == [(top, 1)]
    order = hub.order(1)
    assert (order["id_int"], order["autore_cod"], order["prov_id"]) == (top, top, 2**31 - 1)
