"""Both promises under load; and what the checker would find if they weren't kept."""

import copy
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import sql

from ortes_db.server import Server
from ortes_db.soak.check import KINDS, check
from ortes_db.soak.record import History, Order, Reading, Told
from ortes_db.soak.run import Scene, run_and_check
from tests.conftest import Db

DOORS = {
    "ortes_store.save_order",
    "ortes_store.save_orders",
    "ortes_app.save_order",
    "ortes_app.save_orders",
    "ortes_store.changes",
    "ortes_store.import_orders",
    "ortes_store.confirm",
    "ortes_erp.pending",
    "ortes_erp.create_order",
    "ortes_erp.acquire_order",
    "ortes_erp.acquire_orders",
    "ortes_erp.export_order",
    "ortes_erp.export_orders",
    "INSERT by hand",
    "UPDATE by hand",
    "SELECT by hand",
}


@pytest.mark.parametrize("seconds", [4, pytest.param(20, marks=pytest.mark.long)])
def test_nobody_misses_a_change_and_nobody_makes_an_order_twice(wide_scene: Scene, seconds: float) -> None:
    history, findings = run_and_check(wide_scene, seconds)
    assert findings == []

    # All that can go wrong was tried.
    assert {told.door for told in history.told} == DOORS
    assert history.unheard
    assert history.transactions
    assert any(not told.kept for told in history.told), "nothing was rolled back"
    assert any(told.expected for told in history.told), "nothing was repeated"
    assert len(history.readings) == 10
    for company in history.companies:
        for reading in history.readings:
            assert reading.azi != company.azi or max(seen.id_sincro for seen in reading.seen) == company.id_sincro


# What must not pass: a true history, with one thing in it made untrue.


@pytest.fixture(scope="module")
def recorded(server: Server, template: str) -> Iterator[History]:
    """A short true history."""
    database = Db(server, "recorded")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database.name), sql.Identifier(template))
        )
    try:
        history, findings = run_and_check(Scene(database.dsn(), database.dsn), 1.5, companies=1)
        assert findings == []
        yield history
    finally:
        database.close()


@pytest.fixture
def history(recorded: History) -> History:
    return copy.deepcopy(recorded)


def replace_told(history: History, suits: Callable[[Told], object], **changes: object) -> Told:
    """Change the last answer that suits; returns it as it was."""
    at = max(n for n, told in enumerate(history.told) if suits(told))
    was = history.told[at]
    history.told[at] = was._replace(**changes)  # type: ignore[arg-type]
    return was


def forget_a_change(history: History) -> None:
    history.readings[1].seen.pop()


def see_other_content(history: History) -> None:
    seen = history.readings[1].seen
    seen[-1] = seen[-1]._replace(conferma="of the change before")


def see_in_another_order(history: History) -> None:
    seen = history.readings[1].seen
    seen[-1], seen[-2] = seen[-2], seen[-1]


def see_a_superseded_change_late(history: History) -> None:
    last = history.readings[1].seen
    superseded = next(one for one in last if one.id_pub in {other.id_pub for other in last if other is not one})
    last.remove(superseded)
    last.insert(-1, superseded)


def skip_a_public_id(history: History) -> None:
    company = history.companies[0]
    company.orders = [
        order._replace(id_pub=order.id_pub + 1) if order.id_pub == company.id_pub else order for order in company.orders
    ]
    company.id_pub += 1


def give_a_public_id_twice(history: History) -> None:
    company = history.companies[0]
    company.orders = [order._replace(id_pub=1) if order.id_pub == company.id_pub else order for order in company.orders]


def count_too_far(history: History) -> None:
    history.companies[0].id_pub += 1


def tell_nobody_of_a_number(history: History) -> None:
    current = {order.id_sincro for order in history.companies[0].orders}
    lost = next(
        number
        for told in history.told
        for _, number in told.pairs
        if told.changes and told.kept and number not in current
    )
    history.told = [
        told._replace(pairs=tuple(pair for pair in told.pairs if pair[1] != lost)) if told.changes else told
        for told in history.told
    ]


def give_a_number_to_two_orders(history: History) -> None:
    one = next(told for told in history.told if told.changes and told.kept and len(told.pairs) == 1)
    history.told.append(one._replace(pairs=((one.pairs[0][0] + 1, one.pairs[0][1]),)))


def count_numbers_nobody_got(history: History) -> None:
    history.companies[0].id_sincro += 1


def make_an_order_twice(history: History) -> None:
    company = history.companies[0]
    order = next(order for order in company.orders if order.id_int)
    company.id_pub += 1
    company.orders.append(order._replace(id_pub=company.id_pub, id_sincro=0))


def lose_an_order(history: History) -> None:
    orders = history.companies[0].orders
    orders.remove(next(order for order in orders if order.id_int))


def keep_what_was_rolled_back(history: History) -> None:
    company = history.companies[0]
    company.id_pub += 1
    company.orders.append(Order(company.id_pub, "S", 1, 10**6, 0, None))


def tell_another_public_id(history: History) -> None:
    replace_told(history, lambda told: told.origin and told.kept and len(told.pairs) == 1, pairs=((1, 10**6),))


def tell_a_number_that_is_not_there(history: History) -> None:
    replace_told(history, lambda told: told.changes and told.kept and told.pairs, pairs=((1, 10**6),))


def answer_a_repeat_otherwise(history: History) -> None:
    was = replace_told(history, lambda told: told.changes and told.kept and told.pairs)
    replace_told(
        history, lambda told: told is not was and told == was, expected=((was.pairs[0][0], was.pairs[0][1] - 1),)
    )


def make_another_order_of_a_repeat(history: History) -> None:
    saves = [told for told in history.told if told.origin and told.kept and len(told.pairs) == 1]
    replace_told(history, lambda told: told == saves[-1], pairs=((saves[-1].pairs[0][0], saves[0].pairs[0][1]),))
    history.told.append(saves[-1])


def deadlock_that_was_told(history: History) -> None:
    replace_told(history, lambda told: told.kept, error="40P01")


def deadlock_that_was_counted(history: History) -> None:
    history.deadlocks = 1


def fail(history: History) -> None:
    replace_told(history, lambda told: told.kept, error="23505", text="duplicate key")


def dawdle(history: History) -> None:
    replace_told(history, lambda told: told.kept, seconds=5.6)


UNTRUE = {
    forget_a_change: "missed",
    see_other_content: "missed",
    see_in_another_order: "out of order",
    see_a_superseded_change_late: "out of order",
    skip_a_public_id: "public ids",
    give_a_public_id_twice: "public ids",
    count_too_far: "public ids",
    tell_nobody_of_a_number: "numbers",
    give_a_number_to_two_orders: "numbers",
    count_numbers_nobody_got: "numbers",
    make_an_order_twice: "made twice",
    lose_an_order: "made twice",
    keep_what_was_rolled_back: "made twice",
    tell_another_public_id: "answer",
    tell_a_number_that_is_not_there: "answer",
    answer_a_repeat_otherwise: "repeat",
    make_another_order_of_a_repeat: "repeat",
    deadlock_that_was_told: "deadlock",
    deadlock_that_was_counted: "deadlock",
    fail: "error",
    dawdle: "slow",
}


@pytest.mark.once
@pytest.mark.parametrize("untruth", UNTRUE, ids=lambda untruth: untruth.__name__)
def test_an_untrue_history_is_found(history: History, untruth: Callable[[History], None]) -> None:
    untruth(history)
    assert UNTRUE[untruth] in {finding.kind for finding in check(history)}


@pytest.mark.once
def test_each_check_was_seen_failing() -> None:
    assert set(UNTRUE.values()) == KINDS.keys()


@pytest.mark.once
def test_a_reader_that_saw_nothing_missed_all(history: History) -> None:
    azi = history.companies[0].azi
    history.readings = [Reading("blind", azi)]
    assert {finding.kind for finding in check(history)} == {"missed"}
