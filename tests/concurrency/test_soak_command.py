"""`ortes soak`, as one types it."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from ortes_db.cli import main
from ortes_db.commands import soak as command
from ortes_db.soak.check import Finding
from ortes_db.soak.record import History

pytestmark = pytest.mark.once


def soak(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["soak", "--minutes", "0.02", *arguments])


def test_the_figures_of_a_run() -> None:
    result = soak()
    assert result.exit_code == 0, result.output
    assert " a second)" in result.stdout
    assert result.stdout.endswith("nothing missed, nothing made twice\n")
    assert "of 1 s, " in result.stderr, "no progress"
    assert "\x1b" not in result.output


def test_json() -> None:
    result = soak("--json", "--seed", "7")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert figures["good"] is True
    assert figures["findings"] == []
    assert figures["readers"] == 10
    assert figures["calls"] > figures["saves_and_changes"] > 0


def test_what_is_found_is_printed_and_is_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    untrue = History(seconds=1.0), [Finding("missed", "a change")]
    monkeypatch.setattr(command, "run_and_check", lambda *_, **__: untrue)
    result = soak()
    assert result.exit_code == 1
    assert "FOUND, missed: a change\n" in result.stdout
    assert "nothing missed" not in result.stdout


def test_minutes_have_to_be_some() -> None:
    assert soak("--minutes", "0").exit_code == 2
