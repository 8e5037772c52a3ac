"""Text goes in as text: SQL, quotes, format directives, escapes and a megabyte of it, in every text argument of every door."""

import json
from typing import Any

import psycopg
import pytest

from tests.hub import Connection, Hub, one, rows
from tests.security.test_matrix import ARGUMENTS, functions

TEXTS = {
    "a quote": "'",
    "a statement": "'; DROP TABLE ortes.arportes; --",
    "an expression": "' || (SELECT rolpassword FROM pg_authid LIMIT 1) || '",
    "a dollar quote": "$$; DELETE FROM ortes.arportes; $$",
    "a function's own dollar quote": "$save_order$; SELECT 1; $save_order$",
    "double quotes": '"; DROP SCHEMA ortes CASCADE; --',
    "format directives": "%s %I %L %n %1$s %99$s %",
    "backslashes": "\\'; \\x00 \\u0000 \\0 \\",
    "a jsonb escape of NUL": "\\u0000",
    "a jsonpath": '$[*] ? (@ like_regex ".*")',
    "a regular expression": "(((((.*)*)*)*)*)$",
    "a LIKE pattern": "%_%",
    "placeholders": "$1 %(p_azi)s :azi {0}",
    "line breaks and controls": "a\r\nb\t\x01\x7f\u2028",
    "right to left": "\u202eabc\u202c",
    "a megabyte": "x" * 1_048_576,
    "a megabyte of quotes": "'" * 1_048_576,
    "a megabyte of directives": "%s" * 524_288,
}


def refusal(connection: Connection, call: str, given: dict[str, Any]) -> psycopg.Error | None:
    """The error of a call that leaves nothing behind."""
    with connection.transaction(force_rollback=True):
        try:
            with connection.transaction():
                connection.execute(call, given)
        except psycopg.Error as error:
            return error
    return None


def test_every_text_argument_of_every_door(hub: Hub) -> None:
    """Each ends in success or in one of the hub's own errors, and changes nothing that it should not."""
    hub.acquire(hub.save(1), "T1")
    tables = rows(hub.dba, "SELECT count(*) FROM pg_class WHERE relnamespace = 'ortes'::regnamespace")
    company = hub.everything()["company"]
    tried = 0
    for schema, signature, names, with_nulls in functions(hub):
        if schema in ("ortes", "ortes_deploy"):
            continue
        types = [t.strip() for t in signature.partition("(")[2].rstrip(")").split(",")]
        connection = getattr(hub, schema.removeprefix("ortes_"))
        for name, kind in zip(names, types, strict=True):
            if kind not in ("text", "text[]"):
                continue
            for what, text in TEXTS.items():
                tried += 1
                given = {n: ARGUMENTS.get(n, hub.azi) for n in names} | {name: text}
                call = f"SELECT * FROM {with_nulls.partition('(')[0]}({', '.join(f'%({n})s' for n in names)})"
                said = refusal(connection, call, given)
                assert said is None or (said.sqlstate or "").startswith("OR"), f"{signature}, {name}, {what}: {said}"
                assert len(str(said)) < 4000, f"{signature}, {name}, {what}: a long message"
    assert tried > 300
    assert rows(hub.dba, "SELECT count(*) FROM pg_class WHERE relnamespace = 'ortes'::regnamespace") == tables
    assert hub.everything()["company"] == company


@pytest.mark.parametrize(
    "text", [t for t in TEXTS.values() if len(t) <= 200], ids=[w for w, t in TEXTS.items() if len(t) <= 200]
)
def test_text_comes_back_as_it_went_in(hub: Hub, text: str) -> None:
    id_pub = one(hub.store, "SELECT ortes_store.save_order('C00001', 1, 0, %s)", json.dumps({"t": text}))
    hub.acquire(id_pub, text)
    hub.export(text, id_pub=id_pub, conferma=text)
    stored = rows(hub.store, "SELECT tor_chia, conferma, dati ->> 't' FROM ortes_store.changes('C00001', 0)")
    assert stored == [(text, text, text)]
    with pytest.raises(psycopg.Error) as caught:
        hub.export(text, dati={"other": 1})
    assert caught.value.sqlstate == "OR005"


@pytest.mark.parametrize("door", ["ortes_store.save_orders('C00001', %s)", "ortes_app.save_orders('C00001', 50, %s)"])
def test_text_in_the_keys_and_values_of_a_batch(hub: Hub, door: str) -> None:
    connection = hub.store if "store" in door else hub.app
    for text in TEXTS.values():
        for element in ({"id_int": text}, {text: 1}, text):
            with pytest.raises(psycopg.Error) as caught:
                connection.execute(f"SELECT * FROM {door}", (json.dumps([element]),))
            assert caught.value.sqlstate == "OR007"
            assert len(str(caught.value)) < 4000


def test_a_nul_in_json_is_refused_before_it_is_here(hub: Hub) -> None:
    for query in (
        "SELECT ortes_store.save_order('C00001', 1, 0, %s)",
        "SELECT * FROM ortes_store.save_orders('C00001', %s)",
    ):
        with pytest.raises(psycopg.errors.UntranslatableCharacter):
            hub.store.execute(query, ('{"a": "\\u0000"}',))
    assert hub.id_pubs() == []


def test_a_login_of_any_name(hub: Hub) -> None:
    for name in ("o'brien", 'a "b"', "%s %I", "x; DROP TABLE y", "è 漢字"):
        quoted = name.replace('"', '""')
        hub.dba.execute(f'CREATE ROLE "{quoted}" LOGIN IN ROLE ortes_store')
        try:
            hub.ops.execute("SELECT ortes_ops.grant_access(%s, 'C00001')", (name,))
            with psycopg.connect(hub.db.dsn(name), autocommit=True) as connection:
                assert one(connection, "SELECT ortes_store.position('C00001')") == 0
                with pytest.raises(psycopg.Error) as caught:
                    connection.execute("SELECT ortes_store.position('OTHER')")
                assert caught.value.sqlstate == "OR003"
        finally:
            hub.dba.execute(f'DROP ROLE "{quoted}"')
