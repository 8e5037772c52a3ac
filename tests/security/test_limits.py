"""How much an order and a call may hold, and that no content gets into messages and logs."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from ortes_db.server import Server
from tests.hub import Hub, one, refused, rows
from tests.security.test_matrix import ARGUMENTS, functions

MB = 1_048_576
# As text 1 MB to the byte: PostgreSQL writes {"a": "…"}.
FULL = {"a": "x" * (MB - 9)}
FULL["a"] = "x" * (MB - len(json.dumps({"a": ""})))
OVER = {"a": FULL["a"] + "x"}
# Some hundred bytes in jsonb, megabytes as text: what the hub would have to send to everybody who reads the order.
BOMB = "[" + ", ".join(["1e131071"] * 9) + "]"
MARK = "IBAN-IT60X0542811101"


def test_an_order_of_a_megabyte_goes_through(hub: Hub) -> None:
    assert hub.save(1, FULL) == 1
    hub.acquire(1, "T1")
    assert rows(hub.store, "SELECT length(dati::text) FROM ortes_store.changes('C00001', 0)") == [(MB,)]
    assert hub.export("T1", id_pub=1, dati=FULL | {"b": None} if len(json.dumps(FULL)) < MB - 20 else FULL)[0] == 1


@pytest.mark.parametrize("content", [json.dumps(OVER), BOMB], ids=["a byte more", "numbers that grow"])
def test_one_byte_more_is_refused_by_every_door_that_takes_content(hub: Hub, content: str) -> None:
    hub.acquire(hub.save(1), "T1")
    before = hub.everything()
    batch = f'[{{"id_int": 7}}, {{"id_int": 8, "dati": {content}}}]'
    erp = f'[{{"tor_chia": "G1"}}, {{"tor_chia": "G2", "dati": {content}}}]'
    calls: list[tuple[Any, str, str]] = [
        (hub.store, "ortes_store.save_order('C00001', 9, 0, %s)", content),
        (hub.app, "ortes_app.save_order('C00001', 50, 9, 0, %s)", content),
        (hub.store, "ortes_store.save_orders('C00001', %s)", batch),
        (hub.app, "ortes_app.save_orders('C00001', 50, %s)", batch),
        (hub.erp, "ortes_erp.export_order('C00001', 'G1', p_dati => %s)", content),
        (hub.erp, "ortes_erp.export_order('C00001', 'T1', p_dati => %s, p_id_pub => 1)", content),
        (hub.erp, "ortes_erp.export_orders('C00001', %s)", erp),
    ]
    for connection, call, sent in calls:
        with refused("OR007", naming="element 2, dati" if sent in (batch, erp) else "dati"):
            connection.execute(f"SELECT * FROM {call}", (sent,))
    assert hub.everything() | {"access": 0} == before | {"access": 0}


def test_a_call_takes_ten_thousand_orders(hub: Hub) -> None:
    orders = [{"id_int": n} for n in range(1, 10_001)]
    assert one(hub.store, "SELECT count(*) FROM ortes_store.save_orders('C00001', %s)", json.dumps(orders)) == 10_000
    with refused("OR007", naming="10001 elements"):
        hub.store.execute("SELECT ortes_store.save_orders('C00001', %s)", (json.dumps([*orders, {"id_int": 10_001}]),))


@pytest.fixture
def log(server: Server) -> Iterator[Any]:
    """What the server logs from here on."""
    start = server._log_file.stat().st_size

    def read() -> str:
        with server._log_file.open(errors="replace") as file:
            file.seek(start)
            return file.read()

    return read


def content_calls(hub: Hub) -> Iterator[tuple[Any, str, dict[str, Any]]]:
    """Every door that takes JSON, with each argument in turn bad, and content in the JSON."""
    bad: dict[str, list[Any]] = {
        "text": [None, "", "x" * 300], "integer": [None, -1], "bigint": [None, -1, 2**62], "jsonb": [None, f'["{MARK}"]', f'"{MARK}"'],
    }  # fmt: skip
    content = {"iban": MARK}
    for schema, signature, names, with_nulls in functions(hub):
        if "jsonb" not in signature or schema in ("ortes", "ortes_deploy"):
            continue
        connection = getattr(hub, schema.removeprefix("ortes_"))
        types = [t.strip() for t in signature.partition("(")[2].rstrip(")").split(",")]
        good = {n: ARGUMENTS.get(n, hub.azi) for n in names}
        good |= {n: json.dumps(content) for n in names if n == "p_dati"}
        element = {"id_int": 1, "dati": content} if "save" in signature else {"tor_chia": "T1", "dati": content}
        call = f"SELECT * FROM {with_nulls.partition('(')[0]}({', '.join(f'%({n})s' for n in names)})"
        for n in names:
            if n == "p_orders":
                wrong = (
                    element | {"x": 1},
                    element | {"id_int": {"y": 1}},
                    element | {"tor_chia": 7},
                    {"dati": content},
                    element,
                )
                for one_of in wrong:
                    yield connection, call, good | {n: json.dumps([one_of])}
        for n, kind in zip(names, types, strict=True):
            for value in bad.get(kind, []):
                yield connection, call, good | {n: value}


def test_content_reaches_neither_messages_nor_the_log(hub: Hub, log: Any) -> None:
    hub.acquire(hub.save(1, {"first": MARK}), "T1")
    refusals = 0
    for connection, call, given in content_calls(hub):
        try:
            connection.execute(call, given)
        except psycopg.Error as error:
            refusals += 1
            told = "\n".join(str(getattr(error.diag, part)) for part in dir(error.diag) if not part.startswith("__"))
            assert MARK not in told, call
    assert refusals > 30
    hub.dba.execute("DO $$ BEGIN RAISE LOG 'the end of the log'; END $$")
    written = log()
    assert "the end of the log" in written
    assert "bad argument" in written, "refusals are logged"
    assert MARK not in written


def test_with_the_content_in_the_statement_itself_it_would(hub: Hub, log: Any) -> None:
    """Why docs/security.md asks for parameters: PostgreSQL logs the statement that failed."""
    with pytest.raises(psycopg.Error):
        hub.store.execute(f"SELECT ortes_store.save_order('C00001', -1, 0, '{{\"iban\": \"{MARK}\"}}')")
    assert MARK in log()
