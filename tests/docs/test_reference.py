"""The reference that is checked in is what the database says today."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]


def test_the_reference_is_not_stale() -> None:
    command = [sys.executable, ROOT / ".ci" / "reference.py", "--check"]
    told = subprocess.run(command, capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
