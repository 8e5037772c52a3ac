import os
import subprocess

import pytest

from tests.conftest import Db
from tests.hub import Hub

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "COLUMNS", "LINES"))}


@pytest.fixture
def hub(db: Db) -> Hub:
    """A hub of this test's own, with company C00001 and nothing in it."""
    return Hub(db)


@pytest.fixture
def monitor(hub: Hub) -> str:
    """The connection string of a login with the role ortes_monitor and nothing else."""
    return hub.db.dsn(hub.login("monitor"))


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    told = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [int(child) for child in told.split()]
