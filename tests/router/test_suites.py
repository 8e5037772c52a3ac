"""The hub's own tests of errors and repeats, their callers coming through the router."""
# ruff: noqa: F403

from collections.abc import Iterator

import pytest

from ortes_db.server import Server
from tests.doors.test_text import *
from tests.errors.test_catalogue import *
from tests.router.conftest import Cluster, Routed, new_cluster
from tests.rules.test_repeats import *

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def used(router_server: Server, templates: None) -> Iterator[Cluster]:
    with new_cluster(router_server) as cluster:
        yield cluster


@pytest.fixture
def db(used: Cluster) -> Iterator[Routed]:
    """One cluster for them all, emptied: they do nothing to what it is made of."""
    yield Routed(used)
    used.empty()


# Each call commits on its shard: a transaction of the caller neither holds it open nor takes it back
# (docs/router.md, What is different).
for _name in (
    "test_two_simultaneous_saves_of_the_same_order_make_one",
    "test_two_simultaneous_saves_of_which_the_first_fails_make_one",
    "test_two_simultaneous_exports_of_the_same_new_order_make_one",
    "test_two_simultaneous_acquisitions_bump_once",
    "test_an_old_re_export_waiting_behind_a_newer_one_does_not_undo_it",
    "test_these_tests_would_notice_a_lookup_before_the_lock",
):
    del globals()[_name]
