"""The replay's page in a real Chromium, as a person uses it.

What must be seen at each step comes from the scenario's files alone, not from what made the page.
"""

import csv
import re
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ortes_db.replay.scenario import COLUMNS
from ortes_db.resources import scenarios_dir
from tests.browser import PHONE, WIDER_THAN_THE_WINDOW, Visit, violations

from .conftest import Replay, write_scenario

pytestmark = pytest.mark.once

DESKTOP = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB"}
DOORS = {
    "store-save": ["save_order"],
    "app-save": ["save_order"],
    "erp-create-order": ["pending", "create_order"],
    "erp-acquire": ["acquire_order"],
    "erp-re-export": ["export_order"],
    "erp-export": ["export_order"],
    "store-import": ["changes", "changes", "import_order", "confirm"],
}


@dataclass
class Step:
    """What the files say of one operation."""

    row: dict[str, str]
    cells: dict[str, str]  # with the errata applied
    changed: set[str]
    errata: list[dict[str, str]]
    hub: list[list[str]]  # what it holds then: ID-PUB, TOR-CHIA, CONFERMA, ID-SINCRO


def read(name: str) -> list[dict[str, str]]:
    with (scenarios_dir() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def history() -> list[Step]:
    errata, last, steps = read("orders.errata.csv"), {}, []
    for row in sorted(read("orders.csv"), key=lambda row: int(row["history"])):
        its = [e for e in errata if (e["section"], e["row"]) == (row["section"], row["row"])]
        cells = {column: row[column] for column in COLUMNS} | {e["column"]: e["expected"] for e in its}
        before = last.get(row["section"], dict.fromkeys(COLUMNS, ""))
        last[row["section"]] = cells
        held = sorted((c for c in last.values() if c["id_pub"] and c["azi"]), key=lambda c: int(c["id_pub"]))
        hub = [[c[name] for name in ("id_pub", "tor_chia", "conferma", "id_sincro")] for c in held]
        steps.append(Step(row, cells, {c for c in COLUMNS if cells[c] != before[c]}, its, hub))
    return steps


STEPS = history()
TRANSLATIONS = {row["text"]: row["translation"] for row in read("orders.it.csv")}


def texts(page: Page, selector: str) -> list[str]:
    return [" ".join(text.split()) for text in page.locator(selector).all_inner_texts()]


def current(page: Page) -> dict[str, str]:
    """The cells of the row in question, without the marks of errata."""
    cells = page.locator("tr.current > td").all_inner_texts()
    return dict(zip(COLUMNS, (re.sub(r"[*!]$", "", cell.strip()) for cell in cells), strict=True))


def stands_at(page: Page, number: int) -> None:
    expect(page.locator("#kicker")).to_contain_text(re.compile(rf" {number} (of|di) "))
    expect(page.get_by_role("slider")).to_have_value(str(number))


def test_each_step_by_keyboard_shows_what_it_did(visit: Visit, document_page: Path) -> None:
    page = visit(document_page.as_uri(), **DESKTOP)
    for number, step in enumerate(STEPS, 1):
        stands_at(page, number)
        expect(page.get_by_role("heading", level=2).first).to_have_text(step.row["description"])
        assert current(page) == step.cells
        new = page.locator("tr.current > td").evaluate_all("cells => cells.map(cell => cell.classList.contains('new'))")
        assert {column for column, is_new in zip(COLUMNS, new, strict=True) if is_new} == step.changed

        # Seen without scrolling, and unlike its neighbours.
        row = page.locator("tr.current")
        expect(row).to_have_attribute("aria-current", "step")
        expect(row).to_be_in_viewport(ratio=1)
        grounds = row.locator("td").evaluate_all("cells => cells.map(cell => getComputedStyle(cell).backgroundColor)")
        assert len({ground for ground, is_new in zip(grounds, new, strict=True) if is_new}) == bool(step.changed)
        assert not {g for g, is_new in zip(grounds, new, strict=True) if is_new} & {
            g for g, is_new in zip(grounds, new, strict=True) if not is_new
        }

        notes = texts(page, ".note p:visible")
        assert len(notes) == len({erratum["reason"] for erratum in step.errata})
        for erratum in step.errata:
            column, said = erratum["column"].upper().replace("_", "-"), "\n".join(notes)
            documented, expected = erratum["documented"] or "(blank)", erratum["expected"] or "(blank)"
            assert f"Erratum {column}: documented {documented}, expected {expected}" in said
            assert erratum["reason"] in said

        verb = step.row["verb"].partition(" ")[0]
        assert texts(page, ".call .ask code") == DOORS.get(verb, [])
        assert page.get_by_text("the hub is not called").is_visible() == (verb not in DOORS)
        heads = texts(page, "#holds-hub th")
        held = [dict(zip(heads, texts_of_row, strict=True)) for texts_of_row in rows_of(page, "#holds-hub")]
        names = ("ID-PUB", "TOR-CHIA", "CONFERMA", "ID-SINCRO")
        assert [[row[name] for name in names] for row in held] == step.hub
        page.keyboard.press("ArrowRight")
    stands_at(page, len(STEPS))


def rows_of(page: Page, selector: str) -> list[list[str]]:
    return page.locator(f"{selector} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_what_passed_and_what_each_one_holds(visit: Visit, document_page: Path) -> None:
    page = visit(f"{document_page.as_uri()}#step-14", **DESKTOP)
    assert texts(page, ".call .told") == ["id_pub 2, tor_chia C201700001760"]
    assert page.locator(".call .say").inner_text().endswith("678")
    expect(page.locator(".aside")).to_contain_text("ID-SINCRO 676 to 677")
    assert rows_of(page, "#holds-store") == [["150", "1"]]
    assert rows_of(page, "#holds-app") == [["50", "150", "2"], ["51", "150", "3"]]
    assert rows_of(page, "#holds-erp") == [
        ["C201700001230", "ABCD", "1"],
        ["C201700001760", "", "2"],
        ["C201700001810", "", "3"],
    ]
    assert texts(page, "#holds-hub td.new") == ["C201700001760", "GA", "678"]
    expect(page.locator(".counters")).to_contain_text("ID-SINCRO 678")
    page.keyboard.press("End")
    assert texts(page, ".call .say") == [
        "answer: ID-PUB 1, 2, 3, 4 · ID-SINCRO 562, 699, 701, 743",
        "answer: nothing",
        "answer: 1",
        "answer: 743",
    ]
    assert ["213", "4"] in rows_of(page, "#holds-store")


def at_each_step(page: Page, function: str) -> list[Any]:
    """What a function in the page returns at each step, all in one go."""
    return page.evaluate(
        f"""() => Array.from({{length: {len(STEPS)}}}, (_, n) => {{
            const slider = document.getElementById("slider");
            slider.value = n + 1;
            slider.dispatchEvent(new Event("input"));
            return ({function})();
        }})"""
    )


# Where things are. What a scrolling box does not show has no size; a cell behind the column that stays is not seen either.
PLACES = """() => {
    const shown = (element, within) => {
        const box = element.getBoundingClientRect();
        const edge = within?.getBoundingClientRect() ?? {left: 0, top: 0, right: innerWidth, bottom: innerHeight};
        const side = within ? document.querySelector("tr.current th").getBoundingClientRect().right : 0;
        return box.left >= Math.max(edge.left, side) - 1 && box.right <= edge.right + 1
            && box.top >= edge.top - 1 && box.bottom <= Math.min(edge.bottom, innerHeight) + 1;
    };
    const box = (element) => {
        const {left, top, right, bottom} = element.getBoundingClientRect();
        return {left, top, right, bottom};
    };
    const all = (selector) => [...document.querySelectorAll(selector)];
    const table = document.getElementById("document");
    const calls = document.getElementById("calls");
    const [ask, answer] = ["::before", "::after"].map((way) => getComputedStyle(calls, way));
    return {
        wider: WIDER,
        table: box(table),
        lanes: box(document.getElementById("lanes")),
        parts: Object.fromEntries(all(".lane, .holds, .calls").map((part) => [part.id, box(part)])),
        cells: all("tr.current :is(.new, .erratum)").map((cell) => shown(cell, table)),
        said: all("#calls > li:not(.life)").map((line) => shown(line)),
        text: all("#calls > li:not(.life)").map(box),
        held: all(".holds").map((part) => shown(part) && part.scrollHeight <= part.clientHeight && part.scrollWidth <= part.clientWidth),
        acting: all(".lane.acting").map((lane) => lane.id),
        arrows: ask.content === "none" ? null : {
            left: parseFloat(ask.left), height: parseFloat(ask.height), other: parseFloat(answer.height), turned: ask.rotate,
        },
    };
}""".replace("WIDER", WIDER_THAN_THE_WINDOW)


def apart(one: dict[str, float], other: dict[str, float]) -> bool:
    """Two boxes that do not cover each other."""
    beside = one["right"] <= other["left"] + 1 or other["right"] <= one["left"] + 1
    return beside or one["bottom"] <= other["top"] + 1 or other["bottom"] <= one["top"] + 1


@pytest.mark.parametrize("locale", ["en-GB", "it-IT"])
@pytest.mark.parametrize("size", [(1280, 800), (1440, 900), (1920, 1080)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_desktop_shows_the_table_and_the_parties_beside_it(
    visit: Visit, document_page: Path, size: tuple[int, int], locale: str
) -> None:
    width, height = size
    page = visit(document_page.as_uri(), viewport={"width": width, "height": height}, locale=locale)
    tiers = []
    for step, seen in zip(STEPS, at_each_step(page, PLACES), strict=True):
        table, lanes, parts = seen["table"], seen["lanes"], seen["parts"]
        assert table["right"] < lanes["left"]
        assert lanes["right"] <= width - 16
        assert table["top"] == pytest.approx(lanes["top"], abs=2)
        assert table["bottom"] == pytest.approx(lanes["bottom"], abs=2)
        assert (table["bottom"] <= height, lanes["bottom"] <= height) == (True, True)
        assert [pair for pair in combinations(parts, 2) if not apart(*(parts[part] for part in pair))] == []
        texts = [parts["calls"], *seen["text"]]
        assert all(line["top"] >= texts[0]["top"] and line["bottom"] <= texts[0]["bottom"] + 1 for line in texts[1:])
        # The first of them, where they are further apart than the region is wide.
        spanning = width < 1440 and {"azi", "area.tor_id_web"} <= step.changed
        assert seen["cells"][: 1 if spanning else None] == [True] * (1 if spanning else len(seen["cells"]))
        assert len(seen["cells"]) >= len(step.changed)
        assert seen["said"] == [True] * len(seen["said"])
        assert len(seen["said"]) >= 1
        assert seen["held"] == [True] * 4
        assert seen["wider"] is False
        tiers.append((parts["lane-hub"]["top"], parts["lane-erp"]["top"]))
    # From step to step, each stays where it was, but for a few lines.
    for place in (0, 1):
        assert max(tier[place] for tier in tiers) - min(tier[place] for tier in tiers) <= 24


@pytest.mark.parametrize(
    ("step", "party", "side"),
    [(2, "store", "above"), (10, "app", "above"), (14, "erp", "below"), (21, "store", "above"), (15, None, "below")],
)
def test_what_passes_is_an_arrow_between_its_party_and_the_hub(
    visit: Visit, document_page: Path, step: int, party: str | None, side: str
) -> None:
    page = visit(f"{document_page.as_uri()}#step-{step}", **DESKTOP)
    seen = page.evaluate(PLACES)
    parts, arrows, calls = seen["parts"], seen["arrows"], seen["parts"]["calls"]
    between = ("holds-store", "lane-hub") if side == "above" else ("holds-hub", "lane-erp")
    assert calls["top"] == pytest.approx(parts[between[0]]["bottom"], abs=1)
    assert calls["bottom"] == pytest.approx(parts[between[1]]["top"], abs=1)
    if party is None:
        assert arrows is None
        return
    assert set(seen["acting"]) == {f"lane-{party}", "lane-hub"}
    whole = calls["bottom"] - calls["top"]
    assert (arrows["height"], arrows["other"]) == (pytest.approx(whole, abs=1), pytest.approx(whole, abs=1))
    assert arrows["turned"] == ("180deg" if party == "erp" else "none"), "the ERP's calls go up"
    party_box = parts[f"holds-{party}"]
    assert party_box["left"] < calls["left"] + arrows["left"] < party_box["right"] - 10


def test_a_short_table_ends_with_its_rows_and_the_parties_stand_close(visit: Visit, faults_page: Path) -> None:
    page = visit(f"{faults_page.as_uri()}#step-2", **DESKTOP)
    seen = page.evaluate(PLACES)
    rows = page.locator(".cells").bounding_box()
    assert rows is not None
    assert seen["table"]["bottom"] - rows["y"] - rows["height"] <= 2
    assert seen["table"]["right"] < seen["lanes"]["left"]
    assert seen["lanes"]["bottom"] < 620
    assert seen["held"] == [True] * 4
    assert seen["said"] == [True]


def test_below_a_desktops_width_the_parties_stand_below(visit: Visit, document_page: Path) -> None:
    shape = {"viewport": {"width": 1000, "height": 900}, "locale": "en-GB"}
    page = visit(f"{document_page.as_uri()}#step-14", **shape)
    seen = page.evaluate(PLACES)
    assert seen["lanes"]["top"] > seen["table"]["bottom"]
    assert seen["cells"] == [True] * 3
    # The arrow runs from the lane of the ERP to the hub's, from right to left.
    arrow, hub, erp = (page.locator(s).bounding_box() for s in (".call.erp .ask", "h3.hub", "h3.erp"))
    assert arrow
    assert hub
    assert erp
    assert arrow["x"] == pytest.approx(hub["x"] + hub["width"] / 2, abs=2)
    assert arrow["x"] + arrow["width"] == pytest.approx(erp["x"] + erp["width"] / 2, abs=2)


def test_a_row_without_room_for_its_description_says_it_all_the_same(visit: Visit, document_page: Path) -> None:
    page = visit(document_page.as_uri(), **DESKTOP)
    rows = page.locator("tr[data-step]")
    for step, row in zip(sorted(STEPS, key=in_the_table), rows.all(), strict=True):
        said = step.row["description"]
        assert row.get_attribute("title") == said
        assert row.get_by_role("rowheader").inner_text().split("\n")[-1].endswith(said)
        assert row.get_by_role("rowheader").bounding_box()["width"] < 60
    page.get_by_role("button", name="IT", exact=True).click()
    assert rows.first.get_attribute("title") == TRANSLATIONS["A customer places an order in the store"]
    page.set_viewport_size({"width": 1920, "height": 1080})
    assert rows.first.get_by_role("rowheader").bounding_box()["width"] > 200


def in_the_table(step: Step) -> tuple[int, int]:
    sections = list(dict.fromkeys(row["section"] for row in read("orders.csv")))
    return sections.index(step.row["section"]), int(step.row["row"])


def test_slider_buttons_rows_and_address_lead_to_steps(visit: Visit, document_page: Path) -> None:
    page = visit(document_page.as_uri(), **DESKTOP)
    stands_at(page, 1)
    expect(page.get_by_role("button", name="Previous step")).to_be_disabled()
    page.get_by_role("button", name="Next step").click()
    stands_at(page, 2)
    slider = page.get_by_role("slider", name="Step")
    slider.focus()
    for key, number in (("ArrowRight", 3), ("End", 21), ("Home", 1)):
        page.keyboard.press(key)
        stands_at(page, number)
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 10, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    stands_at(page, 11)
    expect(slider).to_have_attribute("aria-valuetext", "Step 11 of 21: app-50, row 3")
    page.locator("tr[data-step='10'] td").nth(2).click()
    stands_at(page, 10)
    assert page.url.endswith("#step-10")
    page.reload()
    stands_at(page, 10)
    page.get_by_role("link", name="8 errata").click()
    expect(page.get_by_role("heading", name="Errata")).to_be_in_viewport()
    page.get_by_role("link", name="app-51 6").click()
    stands_at(page, 18)
    page.goto(f"{document_page.as_uri()}#step-99")
    stands_at(page, 21)


def test_who_cannot_see_it_is_told(visit: Visit, document_page: Path) -> None:
    page = visit(document_page.as_uri(), **DESKTOP)
    page.get_by_role("button", name="Next step").focus()
    for _ in range(13):
        page.keyboard.press("Enter")
    live = page.locator("[aria-live=polite]")
    assert live.inner_text() == (
        "The ERP tells the hub that it has the order. Changed: TOR-CHIA C201700001760; ACK-GEST 1; ID-SINCRO 678."
    )
    expect(page.get_by_role("region", name="The document's table")).to_be_visible()
    expect(page.get_by_role("columnheader", name="AUTORE-COD")).to_have_count(1)
    # All that acts is reached by Tab, the last thing too.
    page.locator("h1").click()
    reached = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
    assert {"IT", "dark", "slider", "next", "document", "8 errata", "app-51 6"} <= reached


@pytest.mark.parametrize(
    ("theme", "shape", "steps", "with_faults"),
    [
        ("light", DESKTOP, (14, 21), True),
        ("dark", DESKTOP, (14,), True),
        ("light", PHONE, (14,), True),
        ("dark", PHONE, (21,), False),
    ],
    ids=["desktop", "dark desktop", "phone", "dark phone"],
)
def test_axe_finds_nothing(
    visit: Visit,
    document_page: Path,
    faults_page: Path,
    theme: str,
    shape: dict,
    steps: tuple[int, ...],
    with_faults: bool,
) -> None:
    addresses = [f"{document_page.as_uri()}#step-{step}" for step in steps] + [faults_page.as_uri()] * with_faults
    for address in addresses:
        page = visit(address, **{**shape, "color_scheme": theme})
        assert violations(page) == []


def test_italian_by_the_browsers_language_and_by_the_switch(visit: Visit, document_page: Path) -> None:
    page = visit(f"{document_page.as_uri()}#step-14", locale="it-IT")
    expect(page.locator("html")).to_have_attribute("lang", "it")
    expect(page.locator("#sentence")).to_have_text("Il gestionale comunica all'hub che ha l'ordine")

    page = visit(f"{document_page.as_uri()}#step-14", locale="fr-FR")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="IT", exact=True).click()
    for text in ("Passo 14 di 21", "Come documentato", "documentato (vuoto), atteso", "Gestionale", "dispositivo"):
        expect(page.locator("body")).to_contain_text(text)
    shown = page.locator("body").inner_text()
    english = [text for text in TRANSLATIONS if text in shown]
    assert english == []
    assert all(TRANSLATIONS[step.row["description"]] in shown for step in STEPS)
    expect(page.get_by_role("button", name="Passo successivo")).to_be_visible()
    assert page.title() == "Replay di orders.csv"
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "it")
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.locator("#sentence")).to_have_text("The ERP tells the hub that it has the order")
    expect(page.locator("h1")).to_have_text("Replay of orders.csv")


def brightness(page: Page) -> float:
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3


def test_dark_by_the_system_and_by_the_switch(visit: Visit, document_page: Path) -> None:
    page = visit(document_page.as_uri(), color_scheme="dark", **DESKTOP)
    dark = page.get_by_role("button", name="Dark")
    assert brightness(page) < 50
    expect(dark).to_have_attribute("aria-pressed", "true")
    dark.click()
    assert brightness(page) > 200
    page.reload()
    assert brightness(page) > 200
    page = visit(document_page.as_uri(), color_scheme="light", **DESKTOP)
    assert brightness(page) > 200
    page.emulate_media(color_scheme="dark")
    assert brightness(page) < 50
    expect(page.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", [320, 360, 768, 861, 1100, 1920])
def test_no_width_makes_the_page_scroll_sideways(
    visit: Visit, document_page: Path, faults_page: Path, width: int
) -> None:
    shape = {**PHONE, "viewport": {"width": width, "height": 740}, "is_mobile": width < 500}
    page = visit(document_page.as_uri(), **shape, locale="it-IT")
    seen = at_each_step(
        page,
        f"""() => {{
        const {{top, bottom}} = document.getElementById("slider").getBoundingClientRect();
        return [{WIDER_THAN_THE_WINDOW}, top >= 0 && bottom <= innerHeight];
    }}""",
    )
    assert seen == [[False, True]] * len(STEPS)
    assert visit(faults_page.as_uri(), **shape).evaluate(WIDER_THAN_THE_WINDOW) is False


def test_a_phone_shows_what_changed_first(visit: Visit, document_page: Path) -> None:
    page = visit(f"{document_page.as_uri()}#step-14", **PHONE)
    assert texts(page, "#chips li") == ["TOR-CHIA C201700001760", "ACK-GEST 1", "ID-SINCRO 678"]
    for selector in ("#sentence", "#chips", "#slider", "tr.current"):
        expect(page.locator(selector)).to_be_in_viewport()
    expect(page.locator("tr.current td.new").first).to_be_in_viewport(ratio=1)
    assert texts(page, ".section th span:visible") == ["app-50"], "the life of one order at a time"


def test_print_shows_all_of_it(visit: Visit, document_page: Path, faults_page: Path) -> None:
    page = visit(f"{document_page.as_uri()}#step-14", color_scheme="dark", **DESKTOP)
    assert pages(page.pdf(prefer_css_page_size=True)) == 2
    # A sheet of A4, landscape, without its margins, in CSS pixels.
    page.set_viewport_size({"width": 1039, "height": 710})
    page.emulate_media(media="print")
    assert brightness(page) > 200
    expect(page.get_by_role("slider")).to_be_hidden()
    expect(page.get_by_role("button", name="Dark")).to_be_hidden()
    for row in page.locator("tr[data-step]").all():
        expect(row).to_be_visible()
    assert page.locator(".document .scroll").evaluate("box => box.scrollWidth <= box.clientWidth + 1")
    assert texts(page, ".deviations li > a") == ["store 1", "app-50 4", "app-51 4", "app-51 5", "app-51 6"]
    assert pages(visit(faults_page.as_uri()).pdf(prefer_css_page_size=True)) == 2


def pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def test_without_scripts_the_table_is_whole(visit: Visit, document_page: Path) -> None:
    page = visit(document_page.as_uri(), java_script_enabled=False, **DESKTOP)
    assert len(page.locator("tr[data-step]").all()) == 21
    expect(page.get_by_text("The slider needs JavaScript")).to_be_visible()
    expect(page.get_by_role("slider")).to_be_hidden()
    expect(page.get_by_role("heading", name="Errata")).to_be_visible()


def test_the_grid_of_faults(visit: Visit, faults_page: Path) -> None:
    page = visit(faults_page.as_uri(), **DESKTOP)
    page.get_by_role("link", name="16/16 interruptions survived").click()
    grid = page.get_by_role("region", name="Interrupted in every way")
    expect(grid).to_be_in_viewport()
    lines = grid.get_by_role("row").all_inner_texts()
    assert [line.count("survived") for line in lines] == [0, 0, 4, 4, 4, 0, 4]
    assert "the backend is killed before commit" in lines[0]
    assert "server" not in lines[0], "not ours to stop"
    page.get_by_role("button", name="IT", exact=True).click()
    grid = page.get_by_role("region", name="Interrotto in ogni modo")
    expect(grid).to_contain_text("il backend viene terminato prima del commit")


NASTY = "</script><script>document.title='taken'</script><img src=x onerror=alert(1)> {{ 7*7 }} 'x' \"y\" & שלום"


def test_nothing_that_a_scenario_says_is_markup(visit: Visit, replay: Replay, tmp_path: Path) -> None:
    file = tmp_path / "a&b <i>.csv"
    rows = [
        {"section": NASTY, "verb": "store-create", "store.id": "150", "description": NASTY, "conferma": "<b>&amp;"},
        {"section": NASTY, "verb": "erp-acquire", "azi": "C1", "description": ""},
    ]
    write_scenario(file, rows)
    html = tmp_path / "page.html"
    done = replay(file, "--html", html)
    assert done.returncode == 1
    page = visit(html.as_uri(), locale="en-GB")
    assert page.title() == "Replay of a&b <i>.csv"
    expect(page.locator("#sentence")).to_have_text(" ".join(NASTY.split()))
    assert page.locator("img, .note b b").count() == 0
    expect(page.locator(".note.open")).to_contain_text("documented <b>&amp;, expected <b>&amp;, found (blank)")


def test_what_does_not_match_is_shown_first(visit: Visit, replay: Replay, tmp_path: Path) -> None:
    rows = read("orders.csv")
    (wrong,) = [row for row in rows if (row["section"], row["row"]) == ("store", "5")]
    wrong["conferma"] = "QQ"
    html = tmp_path / "page.html"
    errata = scenarios_dir() / "orders.errata.csv"
    assert replay(write_scenario(tmp_path / "own.csv", rows), "--errata", errata, "--html", html).returncode == 1
    page = visit(html.as_uri(), **DESKTOP)
    stands_at(page, 5)
    expect(page.locator(".verdict")).to_contain_text("Not as documented")
    expect(page.locator(".note.open")).to_contain_text("CONFERMA: documented QQ, expected QQ, found (blank)")
    expect(page.get_by_role("heading", name="Mismatches")).to_be_visible()
    assert violations(page) == []


def test_several_companies_and_stores_are_told_apart(visit: Visit, replay: Replay, tmp_path: Path) -> None:
    rows = []
    for section, azi, store in (("a", "C1", "1"), ("b", "C1", "2"), ("c", "C2", "1")):
        rows += [
            {"section": section, "verb": f"store-create {store}", "store.id": "7"},
            {"section": section, "verb": f"store-save {store}", "azi": azi, "autore_cod": "0", "id_pub": "1"},
        ]
    html = tmp_path / "page.html"
    replay(write_scenario(tmp_path / "own.csv", rows), "--html", html)
    page = visit(f"{html.as_uri()}#step-6", locale="en-GB")
    assert rows_of(page, "#holds-store") == [["C1", "1", "7", "1"], ["C1", "2", "7", "2"], ["C2", "1", "7", "1"]]
    assert [row[:3] for row in rows_of(page, "#holds-hub")] == [
        ["C1", "1", "S 1"], ["C1", "2", "S 2"], ["C2", "1", "S 1"],
    ]  # fmt: skip
    expect(page.locator(".call .told")).to_contain_text("azi C2")


# On a page with the mistake in it, the test that is there for it fails.
WRONG = {
    "what comes later is held already": (
        "holdingsUpTo(current)",
        "holdingsUpTo(steps.length)",
        test_each_step_by_keyboard_shows_what_it_did,
    ),
    "a key leads nowhere": (
        "ArrowRight: () => current + 1",
        "ArrowRight: () => current",
        test_each_step_by_keyboard_shows_what_it_did,
    ),
    "what changed does not stand out": (
        'names.includes(name) ? "new" : ""',
        '""',
        test_what_passed_and_what_each_one_holds,
    ),
    "the answer is not shown": (
        'element("span", "unseen", `${text("answers")}: `), answer(call)',
        'element("span", "unseen", `${text("answers")}: `)',
        test_what_passed_and_what_each_one_holds,
    ),
    "the address is not read": (
        "/^#step-(\\d+)$/",
        "/^#(\\d+)$/",
        test_slider_buttons_rows_and_address_lead_to_steps,
    ),
    "the parties stand below the table at every width": (
        "(min-width: 1200px)",
        "(min-width: 9000px)",
        partial(test_a_desktop_shows_the_table_and_the_parties_beside_it, size=(1440, 900), locale="en-GB"),
    ),
    "what changed is not scrolled to": (
        "if (!seen) view.scrollLeft",
        "if (false) view.scrollLeft",
        partial(test_a_desktop_shows_the_table_and_the_parties_beside_it, size=(1280, 800), locale="en-GB"),
    ),
    "an empty lane takes no more than it needs": (
        "  reserve();",
        "",
        partial(test_a_desktop_shows_the_table_and_the_parties_beside_it, size=(1440, 900), locale="en-GB"),
    ),
    "the ERP's arrow points at the ERP": (
        "rotate: 180deg",
        "rotate: none",
        partial(test_what_passes_is_an_arrow_between_its_party_and_the_hub, step=14, party="erp", side="below"),
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_each_of_these_mistakes_would_be_found(visit: Visit, document_page: Path, tmp_path: Path, wrong: str) -> None:
    right, mistake, shows = WRONG[wrong]
    text = document_page.read_text(encoding="utf-8")
    assert right in text
    page = tmp_path / "wrong.html"
    # Without the policy, which runs no script but the one it was made for.
    text, policies = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert policies == 1
    page.write_text(text.replace(right, mistake), encoding="utf-8")
    expect.set_options(timeout=1_000)  # for what will not come
    try:
        with pytest.raises(AssertionError):
            shows(visit, page)
    finally:
        expect.set_options(timeout=5_000)
