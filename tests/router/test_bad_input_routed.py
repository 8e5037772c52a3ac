"""The hub's tests of bad input, its callers coming through the router: the same code, DETAIL and HINT, nothing written."""
# ruff: noqa: F403

from collections.abc import Iterator

import pytest

from ortes_db.server import Server
from tests.doors.test_bad_input import *
from tests.doors.test_bad_input import with_three_orders
from tests.hub import Hub
from tests.router.conftest import Routed, new_cluster

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def hub(router_server: Server, templates: None) -> Iterator[Hub]:
    """One router for all of these: none of them writes anything."""
    with new_cluster(router_server) as cluster:
        routed = Routed(cluster)
        try:
            yield with_three_orders(routed)
        finally:
            routed.disconnect()
