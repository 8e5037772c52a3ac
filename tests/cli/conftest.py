import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.conftest import Db
from tests.hub import Hub

Told = subprocess.CompletedProcess[str]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "COLUMNS", "LINES"))}


@pytest.fixture
def hub(db: Db) -> Hub:
    """A hub of this test's own, with company C00001 and nothing in it."""
    return Hub(db)


@pytest.fixture
def ortes() -> Callable[..., Told]:
    """The command, as one types it where there is no terminal."""

    def run(*arguments: str) -> Told:
        command = [sys.executable, "-m", "ortes_db", *arguments]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=ENVIRONMENT)

    return run
