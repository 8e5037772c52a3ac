import subprocess

import pytest

from tests.hub import Hub


@pytest.fixture
def monitor(hub: Hub) -> str:
    """The connection string of a login with the role ortes_monitor and nothing else."""
    return hub.db.dsn(hub.login("monitor"))


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    told = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout
    return [int(child) for child in told.split()]
