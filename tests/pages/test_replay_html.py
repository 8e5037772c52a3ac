"""`--html` as an option: what it goes together with, what it refuses, and that the file is written whole or not at all."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest

import ortes_db.replay
from ortes_db.commands._output import replace_file
from ortes_db.replay.faults import FAULTS
from ortes_db.replay.scenario import InputError, read_scenario, read_translations
from ortes_db.resources import scenarios_dir

from .conftest import Replay, write_scenario

pytestmark = pytest.mark.once

PAGES = Path(ortes_db.replay.__file__).parent / "pages"
ONE_STEP = [{"section": "o", "verb": "store-create", "store.id": "1"}]
SUMMARY = "20 cells of 1 operation: 20 match, 0 errata, 0 mismatches\n"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """The shortest there is: no call, every cell as documented."""
    return write_scenario(tmp_path / "own.csv", ONE_STEP)


def test_alone_it_says_one_line_and_with_a_format_both_are_there(replay: Replay, scenario: Path) -> None:
    html, junit = scenario.with_suffix(".html"), scenario.with_suffix(".xml")
    done = replay(scenario, "--html", html)
    assert (done.returncode, done.stdout, done.stderr) == (0, SUMMARY, "")
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    done = replay(scenario, "--html", html, "--format", "json")
    assert json.loads(done.stdout)["summary"]["match"] == 20
    done = replay(scenario, "--html", html, "--format", "table")
    assert "A cell without a mark" in done.stdout
    done = replay(scenario, "--html", html, "--format", "junit", "--output", junit)
    assert done.stdout == SUMMARY
    assert "<testsuites>" in junit.read_text(encoding="utf-8")


def test_the_exit_code_stays_and_the_page_is_written(replay: Replay, tmp_path: Path) -> None:
    html = tmp_path / "page.html"
    wrong = write_scenario(tmp_path / "wrong.csv", [ONE_STEP[0] | {"conferma": "X"}])
    for options in ([], ["--faults"]):  # with --faults: not even ready for them
        html.unlink(missing_ok=True)
        assert replay(wrong, "--html", html, *options).returncode == 1
        assert "Not as documented" in html.read_text(encoding="utf-8")


@pytest.mark.parametrize("case", ["no folder", "a folder", "a device", "stdout", "nothing", "the output"])
def test_what_cannot_be_written_is_refused_before_the_work(
    replay: Replay, scenario: Path, tmp_path: Path, case: str
) -> None:
    arguments = {
        "no folder": ["--html", tmp_path / "none" / "page.html"],
        "a folder": ["--html", tmp_path],
        "a device": ["--html", "/dev/null"],
        "stdout": ["--html", "-"],
        "nothing": ["--html", ""],
        "the output": ["--html", tmp_path / "x", "--output", f"{tmp_path}/../{tmp_path.name}/x"],
    }[case]
    # A server that nobody could reach: what is refused before the work never asks for it.
    done = replay(scenario, *arguments, "--pg-bin", tmp_path / "no-postgres")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "--html" in done.stderr or "cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == [scenario]


def test_a_translation_that_cannot_be_read_is_refused(replay: Replay, scenario: Path, tmp_path: Path) -> None:
    translation = scenario.with_suffix(".it.csv")
    translation.write_text("text,italian\nx,y\n")
    done = replay(scenario, "--html", tmp_path / "page.html", "--pg-bin", tmp_path / "no-postgres")
    assert done.returncode == 2
    assert f"{translation}, line 1" in done.stderr
    assert not (tmp_path / "page.html").exists()
    with pytest.raises(InputError):
        read_translations(scenario, ["it"])


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, link = tmp_path / "page.html", tmp_path / "link.html"
    file.write_text("old")
    file.chmod(0o640)
    link.symlink_to(file)
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            replace_file(file, "new")
    assert file.read_text() == "old"
    assert {entry.name for entry in tmp_path.iterdir()} == {"page.html", "link.html"}
    replace_file(link, "new")
    assert (file.read_text(), link.is_symlink(), file.stat().st_mode & 0o777) == ("new", True, 0o640)


def test_the_page_asks_nobody_and_allows_itself_nothing_more(document_page: Path) -> None:
    text = document_page.read_text(encoding="utf-8")
    assert re.findall(r'(?:src|href)=(?!"#|"data:,")[^ >]*', text) == []
    assert not re.search(r"https?://|@import|url\(|fetch\(|XMLHttpRequest", text)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy


def test_every_word_is_there_in_both_languages_and_none_too_many() -> None:
    texts = tomllib.loads((PAGES / "texts.toml").read_text(encoding="utf-8"))
    assert all(set(text) == {"en", "it"} and all(text.values()) for text in texts["text"].values())
    assert set(texts["fault"]) == set(FAULTS)
    assert all(
        sorted(re.findall(r"\{\d\}", text["en"])) == sorted(re.findall(r"\{\d\}", text["it"]))
        for text in texts["text"].values()
    )
    sources = "".join((PAGES / name).read_text(encoding="utf-8") for name in ("replay.html", "replay.js"))
    used = set(re.findall(r"""["'](\w+)["']""", sources)) | set(re.findall(r"texts\.(\w+)\.", sources))
    used |= {f"party_{party}" for party in ("store", "app", "hub", "erp")}
    assert set(texts["text"]) - used == set()


def test_the_documents_scenario_is_translated_as_a_whole() -> None:
    folder = scenarios_dir()
    read = read_scenario(folder / "orders.csv", folder / "orders.errata.csv")
    (translated,) = read_translations(read.file, ["en", "it"]).values()
    said = {operation.description for operation in read.operations} | set(read.reasons.values())
    assert set(translated) == said
