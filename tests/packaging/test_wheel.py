"""The wheel carries all that it needs: installed in an empty environment, it replays the document from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from ortes_db import resources

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    # Nothing of the checkout's, nor of a chosen PostgreSQL's, may help.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PG", "ORTES", "VIRTUAL_ENV"))}
    return subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)


def pip(python: str | Path, *arguments: str | Path, cwd: Path) -> None:
    answer = run(python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments, cwd=cwd)
    if answer.returncode and "No matching distribution" in answer.stderr and os.environ.get("CI") != "true":
        pytest.skip("no package index reached")
    assert answer.returncode == 0, answer.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    return next(folder.glob("ortes_db-*.whl"))


def test_wheel_contains_migrations_rules_and_scenarios(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    for name, folder in [
        ("migrations", resources.migrations_dir()),
        ("sql", resources.sql_dir()),
        ("scenarios", resources.scenarios_dir()),
    ]:
        files = [file for file in folder.rglob("*") if file.suffix in (".sql", ".csv", ".py")]
        assert files
        assert {f"ortes_db/{name}/{file.relative_to(folder).as_posix()}" for file in files} <= packed


@pytest.mark.long
def test_wheel_replays_the_document_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment, elsewhere = tmp_path / "environment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run(sys.executable, "-m", "venv", environment, cwd=elsewhere).returncode == 0
    pip(environment / "bin" / "python", "install", wheel, cwd=elsewhere)
    answer = run(environment / "bin" / "ortes", "replay", cwd=elsewhere)
    assert answer.returncode == 0, answer.stderr
    assert "412" in answer.stdout
    assert list(elsewhere.iterdir()) == []
