import os

import pytest

from tests.conftest import Db
from tests.hub import Hub

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "COLUMNS", "LINES"))}


@pytest.fixture
def hub(db: Db) -> Hub:
    """A hub of this test's own, with company C00001 and nothing in it."""
    return Hub(db)
