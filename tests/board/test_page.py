"""The board in a real Chromium, as a person uses it."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.board.running import Board, running
from tests.browser import PHONE, WIDER_THAN_THE_WINDOW, Visit, violations
from tests.hub import Hub

# After a slow reading the board gives the database nine times as long a rest: on a busy machine several seconds.
expect.set_options(timeout=30_000)

pytestmark = pytest.mark.once

EVIL = "<img src=x onerror=alert(1)>"
EVIL_KEY = "\"'><script>alert(1)</script>{{7*7}}"
EVIL_LOGIN = "<b onclick=alert(1)>ops</b>"


@pytest.fixture(scope="module")
def board(kept: Hub) -> Iterator[Board]:
    """What is read without being notified of is read once an hour: what moves, moves by a notification."""
    with running(kept.db.dsn(kept.login("monitor")), "--poll", "3600") as started:
        yield started


def row(page: Page, azi: str) -> Locator:
    return page.locator(f"li.company[data-azi={json.dumps(azi)}]")


def company(hub: Hub, azi: str, *, notify: bool = True) -> str:
    hub.dba.execute("SELECT ortes_ops.create_company(%s), ortes_ops.set_notify(%s, %s)", (azi, azi, notify))
    return azi


def save(hub: Hub, azi: str, id_int: int) -> None:
    hub.dba.execute("SELECT ortes_store.save_order(%s, %s, 7, '\"secret content\"')", (azi, id_int))


def acquire(hub: Hub, azi: str, id_pub: int, tor_chia: str) -> None:
    hub.dba.execute("SELECT ortes_erp.acquire_order(%s, %s, %s)", (azi, id_pub, tor_chia))


def find(page: Page, azi: str, kind: str, number: str, whose: str = "") -> None:
    page.get_by_label("Company").fill(azi)
    page.get_by_label("Its").select_option(kind)
    page.get_by_label("Number or key").fill(number)
    if kind in ("store", "device"):
        page.get_by_label("Store or device no.").fill(whose)
    page.get_by_role("button", name="Find").click()


def test_a_number_moves_when_an_order_arrives_and_the_page_stays(kept: Hub, board: Board, visit: Visit) -> None:
    azi = company(kept, "LIVE")
    page = visit(board.url)
    expect(page.locator("#link")).to_have_text("live")
    page.evaluate("window.before = 'all'")
    save(kept, azi, 1)
    expect(row(page, azi).locator(".pending b")).to_have_text("1")
    expect(row(page, azi).locator(".saved b")).to_have_text("1")
    expect(row(page, azi).locator(".changed b")).to_have_text("0")
    expect(row(page, azi).locator(".saved path")).to_have_attribute("d", re.compile("^M.* 24v-22.0$"))  # one bar
    save(kept, azi, 2)
    expect(row(page, azi).locator(".pending b")).to_have_text("2")
    acquire(kept, azi, 1, "T1")
    expect(row(page, azi).locator(".pending b")).to_have_text("1")
    expect(row(page, azi).locator(".changed b")).to_have_text("1")
    assert page.evaluate("window.before") == "all"


def test_what_needs_attention_is_the_first_thing_seen(kept: Hub, visit: Visit) -> None:
    """Calm first; then an order that waits, and a reader that lags."""
    calm, waits, lags = (company(kept, azi) for azi in ("ATT-CALM", "ATT-WAITS", "ATT-LAGS"))
    with running(kept.db.dsn(kept.login("monitor")), "--poll", "1", "--late", "3600") as board:
        page = visit(board.url)
        expect(page.get_by_role("heading", level=1)).to_have_text("All calm")
        expect(page.get_by_role("region", name="Need attention")).to_be_hidden()
        for azi in (calm, waits, lags):
            save(kept, azi, 1)
        acquire(kept, calm, 1, "T1")
        acquire(kept, lags, 1, "T1")
        kept.dba.execute("SELECT ortes_app.confirm(%s, 50, 1)", (lags,))
        save(kept, lags, 2)
        acquire(kept, lags, 2, "T2")
        kept.dba.execute("SELECT ortes_store.confirm(%s, 2)", (lags,))
        # As if it were two hours ago: a DBA may, past the triggers.
        kept.dba.execute("SET session_replication_role = replica")
        kept.dba.execute(
            "UPDATE ortes.arportes SET created_at = now() - interval '2 hours 3 minutes', updated_at = now() - interval '3 days' "
            "WHERE azi IN (%s, %s)",
            (waits, lags),
        )
        kept.dba.execute("RESET session_replication_role")
        expect(page.get_by_role("heading", level=1)).to_have_text("2 companies need attention")
        late = page.get_by_role("region", name="Need attention").get_by_role("listitem").locator(".azi bdi")
        expect(late).to_have_text([waits, lags])
        expect(row(page, waits).locator(".why")).to_have_text("1 order waits for the ERP, the oldest for 2 h 3 min")
        expect(row(page, lags).locator(".why")).to_have_text("device 50 has not read 1 change for 3 days")
        expect(row(page, lags).locator(".readers li")).to_have_text(["device 50: 1 row, 3 days", "✓ store"])
        expect(page).to_have_title("(2) ortes board")
        box = page.get_by_role("heading", level=1).bounding_box()
        assert box is not None
        assert box["y"] < 200
        # Both are served: calm again.
        acquire(kept, waits, 1, "T1")
        kept.dba.execute("SELECT ortes_app.confirm(%s, 50, 2)", (lags,))
        expect(page.get_by_role("heading", level=1)).to_have_text("All calm")
        page.close()  # before the board ends, which is an error to its console


def test_the_answer_follows_its_order(kept: Hub, board: Board, visit: Visit) -> None:
    azi = company(kept, "SEARCH")
    kept.dba.execute("SELECT ortes_ops.set_audit(%s, true)", (azi,))
    save(kept, azi, 150)
    page = visit(board.url)
    expect(row(page, azi)).to_be_visible()
    answer = page.locator("#answer")
    for kind, number, whose in (("id_pub", "1", ""), ("store", "150", "")):
        find(page, azi, kind, number, whose)
        expect(page).to_have_url(re.compile(f"kind={kind}&number={number}"))  # it has been answered
        expect(answer.get_by_role("heading", level=3)).to_have_text(f"Order 1 of {azi} saved")
        expect(answer).to_contain_text("Waiting for the ERP to acquire it.")
    acquire(kept, azi, 1, "C201700001230")
    expect(answer.get_by_role("heading", level=3)).to_have_text(f"Order 1 of {azi} acquired")
    expect(answer).to_contain_text("Waiting for the store to confirm the order's last change (ID-SINCRO 1)")
    expect(answer.locator(".history li")).to_have_count(2)
    find(page, azi, "tor_chia", "C201700001230")
    expect(answer.get_by_role("heading", level=3)).to_have_text(f"Order 1 of {azi} acquired")
    assert "secret content" not in page.content()
    # The address is the answer's: who opens it has it at once, with or without scripts.
    for scripts in (True, False):
        again = visit(page.url, java_script_enabled=scripts)
        expect(again.locator("#answer")).to_contain_text("Waiting for the store to confirm")


def test_a_wrong_question_says_what_is_wrong(kept: Hub, board: Board, visit: Visit) -> None:
    page = visit(board.url)
    answer = page.locator("#answer")
    for asked, said in (
        (("C00001", "id_pub", "99"), "Company C00001 has no such order."),
        (("NOWHERE", "id_pub", "1"), "Unknown company"),
        (("C00001", "id_pub", "abc"), "The public id is a whole number, such as 150."),
        (("C00001", "id_pub", "9223372036854775808"), "The public id is a whole number"),
        (("C00001", "id_pub", "٣"), "The public id is a whole number"),
        (("C00001", "store", "1", "x"), "The store's number is a whole number"),
        (("C00001", "device", "1"), "The device's number is a whole number"),
        (("C00001", "device", "1", "2147483648"), "The device's number is a whole number"),
        (("C00001", "tor_chia", "x" * 200), "Company C00001 has no such order."),
        ((EVIL, "tor_chia", EVIL_KEY), "Unknown company"),
    ):
        find(page, *asked)
        expect(answer).to_contain_text(said)
    for query in (
        "",
        "?azi=C00001",
        "?azi=C00001&kind=nothing&number=1",
        "?azi=%00&kind=id_pub&number=1",
        "?azi=%ff&kind=tor_chia&number=%00",
    ):
        page.goto(f"{board.url}/order{query}")
        expect(answer.locator(".said")).not_to_be_empty()


def test_what_others_write_stays_text(kept: Hub, board: Board, visit: Visit) -> None:
    azi = company(kept, EVIL)
    kept.dba.execute("SELECT ortes_ops.set_audit(%s, true)", (azi,))
    name = '"' + EVIL_LOGIN + '"'
    kept.dba.execute(f"CREATE ROLE {name} LOGIN SUPERUSER")
    try:
        other = kept.db.connect(EVIL_LOGIN)
        other.execute("SELECT ortes_store.save_order(%s, 1, 0, '1')", (azi,))
        other.execute("SELECT ortes_erp.acquire_order(%s, 1, %s)", (azi, EVIL_KEY))
        other.execute("SELECT ortes_erp.export_order(%s, %s, %s, p_id_pub => 1)", (azi, EVIL_KEY, "<i>conferma</i>"))
        other.close()
        page = visit(board.url)
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        expect(row(page, azi).get_by_role("button", name=EVIL)).to_be_visible()
        row(page, azi).get_by_role("button").click()
        expect(page.get_by_label("Company")).to_have_value(EVIL)
        find(page, azi, "id_pub", "1")
        answer = page.locator("#answer")
        expect(answer.get_by_role("heading", level=3)).to_have_text(f"Order 1 of {EVIL} confirmed")
        for text in (EVIL_LOGIN, EVIL_KEY, "<i>conferma</i>"):
            expect(answer).to_contain_text(text)
        page.goto(page.url)  # as the server writes it into a page
        for text in (EVIL_LOGIN, EVIL_KEY, "<i>conferma</i>"):
            expect(answer).to_contain_text(text)
        assert page.locator("img, main script, i, [onclick], [onerror]").count() == 0
        assert dialogs == []
    finally:
        kept.dba.execute(f"DROP ROLE {name}")


def test_the_policy_is_in_force(board: Board, visit: Visit) -> None:
    page = visit(board.url, errors=True)
    refused = page.evaluate("""() => new Promise((resolve) => {
        const refused = [];
        document.addEventListener("securitypolicyviolation", (event) => {
            refused.push(event.effectiveDirective);
            if (refused.length === 2) resolve(refused);
        });
        const script = document.createElement("script");
        script.textContent = "window.ran = true";
        document.head.append(script);
        document.body.setAttribute("style", "color: red");
        setTimeout(() => resolve(refused), 5000);
    })""")
    assert refused == ["script-src-elem", "style-src-attr"]
    assert page.evaluate("window.ran") is None


DARK = {"color_scheme": "dark"}


@pytest.mark.parametrize("options", [{}, DARK, PHONE, PHONE | DARK], ids=["light", "dark", "phone", "dark phone"])
def test_it_can_be_read(kept: Hub, board: Board, visit: Visit, options: dict[str, object]) -> None:
    save(kept, company(kept, "READABLE-WITH-A-LONG-CODE-AS-ANY"), 1)
    page = visit(board.url, **options)
    expect(row(page, "READABLE-WITH-A-LONG-CODE-AS-ANY")).to_be_visible()
    find(page, "READABLE-WITH-A-LONG-CODE-AS-ANY", "id_pub", "1")
    expect(page.locator("#answer h3")).to_be_visible()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 23)"
    assert dark is ("color_scheme" in options)
    assert page.evaluate(WIDER_THAN_THE_WINDOW) is False
    page.evaluate("document.getAnimations().forEach((one) => one.finish())")
    assert violations(page) == []
    # By hand to the other, and it is remembered.
    page.get_by_role("button", name="Light or dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light" if dark else "dark")
    assert (page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 18, 23)") is not dark


def test_everything_can_be_done_from_the_keyboard(kept: Hub, board: Board, visit: Visit) -> None:
    azi = company(kept, "KEYS")
    save(kept, azi, 1)
    page = visit(board.url)
    expect(row(page, azi)).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type(azi)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("1")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_contain_text("Waiting for the ERP")
    page.get_by_label("Show companies with").focus()
    page.keyboard.type("keys")
    expect(page.locator("li.company")).to_have_count(1)
    page.keyboard.press("Tab")
    expect(row(page, azi).get_by_role("button")).to_be_focused()
    save(kept, azi, 2)  # what arrives does not take the focus away
    expect(row(page, azi).locator(".pending b")).to_have_text("2")
    expect(row(page, azi).get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Number or key")).to_be_focused()
    page.get_by_label("Show companies with").fill("no such company")
    expect(page.locator("#none")).to_have_text("No company has “no such company” in its code.")


def test_without_notifications_it_is_read_every_second_and_says_so(kept: Hub, visit: Visit) -> None:
    off = company(kept, "OFF", notify=False)
    with running(kept.db.dsn(kept.login("monitor")), "--poll", "1") as board:
        page = visit(board.url)
        expect(row(page, off).locator(".how")).to_have_text("every 1 s")
        expect(row(page, "C00001").locator(".how")).to_have_text("")
        save(kept, off, 1)
        expect(row(page, off).locator(".pending b")).to_have_text("1")
        # A reader that confirms notifies nobody.
        acquire(kept, off, 1, "T1")
        kept.dba.execute("SELECT ortes_store.confirm(%s, 1)", (off,))
        expect(row(page, off).locator(".readers li")).to_have_text(["✓ store"])
        save(kept, off, 2)
        acquire(kept, off, 2, "T2")
        expect(row(page, off).locator(".readers li").first).to_contain_text("store: 1 row, ")
        kept.dba.execute("SELECT ortes_store.confirm(%s, 2)", (off,))
        expect(row(page, off).locator(".readers li")).to_have_text(["✓ store"])
        expect(page.locator("#how")).to_have_text(
            re.compile(
                r"readers, and \d+ compan(y that does|ies that do) not notify \(ortes_ops.set_notify\), are read every 1 s\.$"
            )
        )
        page.close()
        page.close()  # before the board ends


def test_the_token_opens_the_page(kept: Hub, visit: Visit) -> None:
    token = "sixteen and more"
    with running(kept.db.dsn(kept.login("monitor")), ORTES_BOARD_TOKEN=token) as board:
        page = visit(board.url, errors=True)  # a 401 is an error to the console
        assert violations(page) == []
        page.get_by_label("Token").fill("not this one, no")
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("alert")).to_have_text("That is not this board's token.")
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")
        expect(page.locator("li.company").first).to_be_visible()
        assert page.url == f"{board.url}/"
        assert page.evaluate("document.cookie") == ""  # HttpOnly
        by_link = visit(f"{board.url}/?token=sixteen%20and%20more")
        expect(by_link.locator("li.company").first).to_be_visible()
        assert by_link.url == f"{board.url}/"
        by_link.close()


def test_a_board_that_is_started_again_is_found_again(kept: Hub, visit: Visit) -> None:
    azi = company(kept, "AGAIN")
    dsn = kept.db.dsn(kept.login("monitor"))
    with running(dsn) as board:
        page = visit(board.url, errors=True)  # that nobody answers is an error to the console
        expect(row(page, azi).locator(".pending b")).to_have_text("0")
    expect(page.locator("#down:visible")).to_contain_text("The board itself is not reachable since ")
    expect(page).to_have_title("⚠ ortes board")
    save(kept, azi, 1)
    with running(dsn, "--port", board.url.rpartition(":")[2]):
        expect(row(page, azi).locator(".pending b")).to_have_text("1", timeout=15_000)
        expect(page.locator("#down")).to_be_hidden()


def test_a_stream_that_says_nothing_is_opened_anew(kept: Hub, board: Board, visit: Visit) -> None:
    page = visit(board.url)
    page.clock.install()
    page.route("**/events", lambda _: None)  # taken, and never answered
    page.reload()
    expect(page.locator("#link")).to_have_text("connecting")
    page.clock.fast_forward(60_000)
    expect(page.locator("#down:visible")).to_contain_text("The board itself is not reachable since ")
    page.unroute("**/events")
    page.clock.fast_forward(60_000)
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#down")).to_be_hidden()


def test_a_stream_that_was_refused_is_asked_for_again(kept: Hub, board: Board, visit: Visit) -> None:
    page = visit(board.url, errors=True)
    page.route("**/events", lambda route: route.fulfill(status=503))
    page.reload()
    expect(page.locator("#down:visible")).to_contain_text("The board itself is not reachable since ")
    page.unroute("**/events")
    expect(page.locator("#link")).to_have_text("live")
    expect(page.locator("#down")).to_be_hidden()
