"""The hub's own tests of doors, errors and rules, their callers coming through the router."""
# ruff: noqa: F403

import pytest

from tests.doors.test_ops import *
from tests.doors.test_readers import *
from tests.doors.test_set_based import *
from tests.doors.test_text import *
from tests.errors.test_catalogue import *
from tests.rules.test_id_pub import *
from tests.rules.test_id_sincro import *
from tests.rules.test_repeats import *

pytestmark = pytest.mark.once

# Each call commits on its shard: a transaction of the caller neither holds it open nor takes it back
# (docs/router.md, What is different).
IN_A_TRANSACTION = [
    "test_set_counter_waits_for_numbers_under_way",
    "test_a_rollback_leaves_no_gap",
    "test_a_rollback_skips_no_number",
    "test_two_simultaneous_saves_of_the_same_order_make_one",
    "test_two_simultaneous_saves_of_which_the_first_fails_make_one",
    "test_two_simultaneous_exports_of_the_same_new_order_make_one",
    "test_two_simultaneous_acquisitions_bump_once",
    "test_an_old_re_export_waiting_behind_a_newer_one_does_not_undo_it",
    "test_these_tests_would_notice_a_lookup_before_the_lock",
]
# The router has no view ortes_ops.orders.
ON_ALL_ORDERS = [
    "test_ops_views_tell_the_state",
    "test_the_monitor_sees_no_content",
    "test_nobody_writes_through_a_view",
    "test_an_order_is_shown_with_the_columns_for_outsiders_in_their_order",
]
# Pages and plans are the shard's, and its own tests look at them; and a company that the test's DBA made by hand on the
# shard is not the router's.
OF_THE_SHARD = [
    "test_who_looks_every_few_seconds_reads_no_order_that_is_done",
    "test_pending_and_changes_read_no_rows_that_they_do_not_return",
    "test_a_batch_moves_each_counter_at_most_twice",
    "test_create_company_makes_it_ready_and_is_repeatable",
]
for _name in IN_A_TRANSACTION + ON_ALL_ORDERS + OF_THE_SHARD:
    del globals()[_name]
