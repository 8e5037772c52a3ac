"""docs/router.md: its commands exist, its errors are the router's, its links lead somewhere."""

import re
import shlex
from pathlib import Path

import click
import pytest

from ortes_db.cli import main
from ortes_db.router.deploy import OWN_SQL

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "router.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", sorted(set(re.findall(r"^\$ (ortes .*?)(?:  +#.*)?$", TEXT + README, re.MULTILINE))))
def test_every_command_can_be_typed_like_that(line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    command.make_context(command.name, words, resilient_parsing=False)


def test_the_router_s_own_errors_are_in_its_table() -> None:
    conditions = {
        "sqlclient_unable_to_establish_sqlconnection": "08001",
        "connection_failure": "08006",
        "lock_not_available": "55P03",
        "serialization_failure": "40001",
        "object_not_in_prerequisite_state": "55000",
    }
    sql = "".join(file.read_text(encoding="utf-8") for file in OWN_SQL.rglob("*.sql"))
    raised = {conditions[name] for line in re.findall(r"ERRCODE = (.*)", sql) for name in re.findall(r"'(\w+)'", line)}
    assert raised == set(conditions.values())
    for code in raised:
        assert f"| `{code}` |" in TEXT


def test_its_links_lead_somewhere() -> None:
    for file, anchor in re.findall(r"\]\(([\w/.]*)#([\w-]+)\)", TEXT):
        text = TEXT if not file else (ROOT / "docs" / file).read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w -]", "", line.lower()).replace(" ", "-")
            for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        }
        assert anchor in headings
