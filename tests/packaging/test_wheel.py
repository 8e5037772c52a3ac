"""The wheel carries all that it needs: installed in an empty environment, it replays the document from any folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]
MOVED = ("migrations", "sql")  # at the checkout's top, in the wheel inside the package


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


def test_wheel_contains_the_package_as_git_has_it_no_more_and_no_less(wheel: Path) -> None:
    """Rules, migrations and scenarios; the board's pages and what they show; the replay's page; the router's SQL."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", "ortes_db", *MOVED, cwd=ROOT)
    if listed.returncode:
        pytest.skip("not a git checkout")
    wanted = {
        f"ortes_db/{name}" if name.startswith(MOVED) else name
        for name in listed.stdout.splitlines()
        if (ROOT / name).exists()
    }
    folders = ("board/static", "board/templates", "replay/pages", "router/sql", "scenarios", "migrations", "sql")
    assert all(any(name.startswith(f"ortes_db/{folder}/") for name in wanted) for folder in folders)
    assert {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("ortes_db/")} == wanted


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
