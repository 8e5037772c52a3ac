"""The error catalogue: SQL, documentation and tests name the same codes, and each is triggered here."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ortes_db.resources import sql_dir
from tests.hub import Hub, one, refused, rows

CODES = {f"OR00{n}" for n in range(1, 10)}
ROOT = Path(__file__).parents[2]
SQL = {file.relative_to(sql_dir()).as_posix(): file.read_text(encoding="utf-8") for file in sql_dir().rglob("*.sql")}


def named(text: str) -> set[str]:
    return set(re.findall(r"\bOR\d{3}\b", text))


def raised() -> set[str]:
    return {code for text in SQL.values() for code in re.findall(r"ERRCODE = '(\w+)'", text)}


def test_the_sql_raises_the_codes_of_the_catalogue_and_no_others() -> None:
    assert raised() - {"lock_not_available", "read_only_sql_transaction"} == CODES


def test_the_documentation_has_a_row_for_each_code() -> None:
    documented = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(OR\d{3})` \|", documented, re.MULTILINE)) == CODES
    assert named(documented) == CODES


def test_the_readme_names_each_code() -> None:
    assert named((ROOT / "README.md").read_text(encoding="utf-8")) == CODES


def test_the_tests_expect_each_code() -> None:
    tests = "".join(
        file.read_text(encoding="utf-8")
        for folder in ("rules", "doors")
        for file in (ROOT / "tests" / folder).glob("*.py")
    )
    assert named(tests) == CODES


def test_the_comments_of_the_functions_name_no_other_code(hub: Hub) -> None:
    comments = one(hub.dba, "SELECT string_agg(description, ' ') FROM pg_description WHERE description LIKE '%OR0%'")
    assert named(comments) == CODES


def test_every_raise_has_code_message_detail_and_hint() -> None:
    for name, text in SQL.items():
        for statement in re.findall(r"\bRAISE\b(?!_)(.*?;)\n", text, re.DOTALL):
            for part in ("USING", "ERRCODE = ", "MESSAGE = ", "DETAIL = ", "HINT = "):
                assert part in statement, f"{name}: a RAISE without {part}"


def test_no_handler_catches_everything() -> None:
    for name, text in SQL.items():
        assert "WHEN OTHERS" not in text.upper(), name
        assert all(m == "lock_not_available" for m in re.findall(r"EXCEPTION\s+WHEN (\w+)", text)), name


TRIGGERS: dict[str, Callable[[Hub], object]] = {
    "OR001": lambda hub: hub.dba.execute("SELECT ortes_store.save_order('NOWHERE', 1)"),
    "OR002": lambda hub: hub.acquire(9, "T9"),
    "OR003": lambda hub: hub.store.execute("SELECT ortes_store.save_order('NOWHERE', 1)"),
    "OR004": lambda hub: hub.dba.execute("DELETE FROM ortes.arportes"),
    "OR005": lambda hub: hub.export("T1"),
    "OR006": lambda hub: hub.save(1, "other"),
    "OR007": lambda hub: hub.save(0),
    "OR008": lambda hub: hub.changes(99),
    "OR009": lambda hub: hub.export("T1", id_pub=1, conferma="A", if_sincro=0),
}


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_is_triggered_with_detail_and_hint(hub: Hub, code: str) -> None:
    hub.acquire(hub.save(1), "T1")
    with refused(code):
        TRIGGERS[code](hub)
    assert rows(hub.dba, "SELECT id_sincro FROM ortes.arportes") == [(1,)]
