import pytest

from tests.hub import Hub


@pytest.fixture
def monitor(hub: Hub) -> str:
    """The connection string of a login with the role ortes_monitor and nothing else."""
    return hub.db.dsn(hub.login("monitor"))
