"""The feed as it is followed: what comes, when it is looked for, up to where it is confirmed."""

import json
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from ortes_db import follow as module
from ortes_db.follow import Reader, follow
from tests.backup.places import wait_for
from tests.hub import DEVICE, Hub, one, rows, to_json

Pages = Generator[list[str], None, None]

STORE = Reader("store", "C00001")
POSITION = "SELECT ortes_store.position('C00001')"
# Longer than any notification takes, on a loaded machine too.
LONG = 20.0


def start(hub: Hub, reader: Reader = STORE, **given: Any) -> Pages:
    given.setdefault("poll", LONG)
    return follow(reader, hub.db.dsn(hub.login(reader.door)), **given)


def numbers(page: list[str]) -> list[int]:
    return [json.loads(line)["id_sincro"] for line in page]


def until(pages: Pages, count: int) -> list[int]:
    """So many ID-SINCRO, in the order in which they come."""
    found: list[int] = []
    while len(found) < count:
        found += numbers(next(pages))
    assert len(found) == count
    return found


def within(seconds: float, pages: Pages) -> list[int]:
    """The next page that is not empty, which something must have woken it for."""
    begun = time.monotonic()
    while not (page := next(pages)):
        pass
    assert time.monotonic() - begun < seconds, "it was not woken"
    return numbers(page)


def test_a_line_is_the_order_as_the_door_shows_it(hub: Hub) -> None:
    content = {"a": "\n\u2028 è 漢 \x7f \\", "n": 1}
    hub.acquire(hub.save(7, content), "T1")
    hub.dba.execute("""UPDATE ortes.arportes SET dati = dati || '{"price": 1.10, "big": 12345678901234567890.5}'""")
    ((line,),) = (next(start(hub)),)
    order = json.loads(line)
    assert list(order) == [
        column.name for column in hub.store.execute("SELECT * FROM ortes_store.changes('C00001')").description or ()
    ]
    assert (order["azi"], order["id_pub"], order["tor_chia"], order["id_int"]) == ("C00001", 1, "T1", 7)
    assert order["dati"]["a"] == content["a"]
    assert '"price": 1.10' in line
    assert "12345678901234567890.5" in line
    assert "\n" not in line


def test_pages_are_read_until_nothing_is_left(hub: Hub) -> None:
    hub.erp.execute(
        "SELECT ortes_erp.export_orders('C00001', %s)", (to_json([{"tor_chia": f"G{n}"} for n in range(2500)]),)
    )
    pages = start(hub)
    got = [numbers(next(pages)) for _ in range(4)]
    assert [len(page) for page in got] == [1000, 1000, 500, 0]
    assert [n for page in got for n in page] == list(range(1, 2501))
    hub.export("G2500")
    assert within(LONG, pages) == [2501]


@pytest.mark.parametrize("reader", [Reader("store", "C00001", 3), Reader("app", "C00001", DEVICE)])
def test_a_store_with_a_number_and_a_device_have_positions_of_their_own(hub: Hub, reader: Reader) -> None:
    hub.export("G1")
    hub.export("G2")
    pages = start(hub, reader, confirm=True)
    assert until(pages, 2) == [1, 2]
    next(pages)
    pages.close()
    kept = rows(hub.ops, "SELECT prov_tipo, prov_id, position FROM ortes_ops.readers")
    assert kept == [("S" if reader.door == "store" else "A", reader.number, 2)]
    assert next(start(hub, reader)) == []


def test_a_notification_wakes_it(hub: Hub) -> None:
    pages = start(hub)
    assert next(pages) == []
    for n in range(1, 4):
        hub.export(f"G{n}")
        assert within(LONG, pages) == [n]
        assert next(pages) == []


def test_what_is_not_its_company_s_does_not(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.db.company("C00002")
    hub.ops.execute("SELECT ortes_ops.set_notify('C00002', true)")
    pages = start(hub, poll=0.5)
    assert next(pages) == []
    hub.dba.execute("SELECT ortes_erp.export_order('C00002', 'G1')")
    begun = time.monotonic()
    assert next(pages) == []
    assert time.monotonic() - begun >= 0.5


def listens_before_it_looks(hub: Hub, poll: float) -> None:
    """A change is committed while the first look is under way, too late to be seen by it."""
    hub.export("G1")
    slow = hub.connect("dba", autocommit=False)
    slow.execute("LOCK TABLE ortes.arportes IN ACCESS EXCLUSIVE MODE")
    hub.export("G2", connection=slow)
    pages = start(hub, since=0, poll=poll)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(next, pages)
        blocked = "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ 'store.changes'"
        wait_for(hub.dba, blocked)
        slow.commit()
        assert numbers(first.result(20)) == [1]
    assert within(poll, pages) == [2]


def test_it_listens_before_it_looks(hub: Hub) -> None:
    listens_before_it_looks(hub, LONG)


def test_listening_after_the_look_would_miss_a_wake_up(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    wait, listen = module.wait, module.listen

    def late(connection: psycopg.Connection[Any], azi: str, seconds: float) -> bool:
        listen(connection)
        return wait(connection, azi, seconds)

    monkeypatch.setattr(module, "listen", lambda _: None)
    monkeypatch.setattr(module, "wait", late)
    with pytest.raises(AssertionError, match="not woken"):
        listens_before_it_looks(hub, 1.0)


def test_where_nothing_is_notified_it_looks_by_the_clock(hub: Hub) -> None:
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', false)")
    pages = start(hub, poll=0.05)
    assert next(pages) == []
    hub.export("G1")
    assert until(pages, 1) == [1]


def test_how_often_it_looks_follows_what_it_hears(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    wait = module.wait

    def noted(connection: psycopg.Connection[Any], azi: str, seconds: float) -> bool:
        waits.append(seconds)
        return wait(connection, azi, 0.2)

    monkeypatch.setattr(module, "wait", noted)
    pages = start(hub, poll=2.0)
    next(pages)
    hub.export("G1")
    assert until(pages, 1) == [1]
    next(pages)
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', false)")
    hub.export("G2")
    assert until(pages, 1) == [2]
    next(pages)
    next(pages)
    assert waits == [2.0, module.SELDOM, 2.0]


def test_since_is_counted_on_in_memory_and_the_kept_position_stays(hub: Hub) -> None:
    for n in range(1, 5):
        hub.export(f"G{n}")
    hub.store.execute("SELECT ortes_store.confirm('C00001', 3)")
    pages = start(hub, since=1)
    assert until(pages, 3) == [2, 3, 4]
    assert next(pages) == []
    assert one(hub.store, POSITION) == 3
    # Without: from the kept position, once.
    pages = start(hub)
    assert until(pages, 1) == [4]
    assert next(pages) == []
    hub.export("G5")
    assert within(LONG, pages) == [5]
    assert one(hub.store, POSITION) == 3


def test_with_since_too_what_was_written_is_confirmed(hub: Hub) -> None:
    for n in range(1, 5):
        hub.export(f"G{n}")
    pages = start(hub, since=2, confirm=True)
    assert until(pages, 2) == [3, 4]
    assert one(hub.store, POSITION) == 0
    assert next(pages) == []
    assert one(hub.store, POSITION) == 4


def confirms_after_writing(hub: Hub) -> None:
    """Whoever took a page and died before he took the next one, gets it again."""
    hub.export("G1")
    for _ in range(2):
        pages = start(hub, confirm=True)
        assert numbers(next(pages)) == [1]
        pages.close()
        assert one(hub.store, POSITION) == 0
    pages = start(hub, confirm=True)
    assert numbers(next(pages)) == [1]
    assert next(pages) == []
    assert one(hub.store, POSITION) == 1
    assert next(start(hub, confirm=True)) == []


def test_a_page_is_confirmed_after_it_was_written(hub: Hub) -> None:
    confirms_after_writing(hub)


def test_confirming_before_writing_would_lose_it(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    read = module._Session.read

    def hasty(self: module._Session, since: int) -> list[tuple[int, str]]:
        page = read(self, since)
        if page:
            self.confirm(page[-1][0])
        return page

    monkeypatch.setattr(module._Session, "read", hasty)
    with pytest.raises((AssertionError, StopIteration)):
        confirms_after_writing(hub)


def test_a_confirmation_that_was_not_answered_is_made_again_before_anything_else(hub: Hub) -> None:
    """The company is busy for longer than it waits: the page was written out, and does not come a second time."""
    hub.export("G1")
    login = hub.login("store")
    hub.dba.execute(f"ALTER ROLE {login} SET lock_timeout = '50ms'")
    said: list[str] = []
    busy = hub.connect("store", autocommit=False)
    pages = follow(STORE, hub.db.dsn(login), confirm=True, poll=LONG, say=said.append)
    assert numbers(next(pages)) == [1]
    hub.save(1, connection=busy)
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(next, pages)
        while not said:
            assert not later.done()
            time.sleep(0.01)  # the process itself says when it gives up a try, and there is nothing to wait on
        busy.rollback()
        assert later.result(30) == []
    assert one(hub.store, POSITION) == 1
    assert len(said) == 1
    assert "busy" in said[0]
    hub.export("G2")
    assert within(LONG, pages) == [2]


def test_a_reader_that_is_taken_back_is_shown_it_again(hub: Hub) -> None:
    for n in (1, 2):
        hub.export(f"G{n}")
    pages = start(hub, confirm=True, poll=0.1)
    assert until(pages, 2) == [1, 2]
    assert next(pages) == []
    hub.ops.execute("SELECT ortes_ops.rewind_reader('C00001', 'S', 0)")
    assert until(pages, 2) == [1, 2]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("SELECT ortes_ops.revoke_access(%(login)s, 'C00001')", "OR003"),
        ("REVOKE USAGE ON SCHEMA ortes_store FROM ortes_store", "42501"),
    ],
)
def test_what_waiting_does_not_mend_ends_it(hub: Hub, change: str, code: str) -> None:
    login = hub.login("store")
    pages = follow(STORE, hub.db.dsn(login), poll=0.1)
    assert next(pages) == []
    hub.dba.execute(change, {"login": login} if "%" in change else None)
    with pytest.raises(psycopg.Error) as caught:
        next(pages)
    assert caught.value.sqlstate == code


def test_a_position_beyond_the_counter_ends_it(hub: Hub) -> None:
    with pytest.raises(psycopg.Error) as caught:
        next(start(hub, since=5))
    assert caught.value.sqlstate == "OR008"
