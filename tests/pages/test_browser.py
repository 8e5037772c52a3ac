"""The fixture itself: what it promises to catch, it catches."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests import browser as fixture
from tests.browser import WIDER_THAN_THE_WINDOW, Visit, violations

pytestmark = pytest.mark.once

GOOD = '<!doctype html><html lang="en"><title>x</title><main><h1>A page</h1><p>Some words</p></main></html>'


@pytest.mark.parametrize(
    ("body", "caught"),
    [
        ("", False),
        ('<img src="http://127.0.0.1:9/x.png" alt="">', True),
        ("<script>console.error('x')</script>", True),
        ("<script>throw new Error('x')</script>", True),
    ],
    ids=["nothing", "a request", "a console error", "an exception"],
)
def test_what_a_page_may_not_do_is_caught(browser: Browser, tmp_path: Path, body: str, caught: bool) -> None:
    file = tmp_path / "page.html"
    file.write_text(GOOD.replace("<p>Some words</p>", body))
    visiting = fixture.visit.__wrapped__(browser)  # as pytest runs it
    next(visiting)(file.as_uri())
    if not caught:
        assert next(visiting, "the end") == "the end"
    else:
        with pytest.raises(AssertionError):
            next(visiting, None)


def test_axe_says_what_is_wrong(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'
    file.write_text(GOOD.replace("<title>", f"{policy}<title>"))
    assert violations(visit(file.as_uri())) == []
    file.write_text(GOOD.replace("<p>Some words</p>", '<button></button><p style="color: #aaa">Some words</p>'))
    found = violations(visit(file.as_uri()))
    assert {line.partition(":")[0] for line in found} == {"button-name", "color-contrast"}


def test_a_page_that_is_too_wide_is_seen(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(GOOD)
    assert visit(file.as_uri()).evaluate(WIDER_THAN_THE_WINDOW) is False
    file.write_text(GOOD.replace("<p>Some words</p>", '<div style="width: 3000px">x</div>'))
    assert visit(file.as_uri()).evaluate(WIDER_THAN_THE_WINDOW) is True
