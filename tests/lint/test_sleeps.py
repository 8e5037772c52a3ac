"""Who waits for something waits for it, or says why it has to ask again and again."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
PACKAGE = Path(__file__).parents[2] / "ortes_db"


def test_every_sleep_has_its_reason() -> None:
    """On its line, or on the one above it."""
    found, without = 0, []
    for file in sorted(PACKAGE.rglob("*.py")):
        lines = file.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines):
            if re.search(r"\btime\.sleep\(", line):
                found += 1
                if not any("# " in near for near in lines[max(0, number - 1) : number + 1]):
                    without.append(f"{file.relative_to(PACKAGE.parent)}:{number + 1}")
    assert found
    assert without == []
