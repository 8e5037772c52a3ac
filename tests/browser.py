"""A real Chromium for the tests of what people look at: `visit` opens pages in it, `violations` asks axe-core.

Each page opened by `visit` is held to two things at the end of its test: it has asked nobody but its own origin for anything,
and neither its console nor its scripts have reported an error.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
WIDER_THAN_THE_WINDOW = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program. A user's machine may lack it; CI may not."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail("there is no chromium: .ci/run installs it")
    return found or pytest.skip("there is no chromium: install it (Debian, Ubuntu: apt install chromium)")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser a module: Playwright keeps an event loop running, which later tests of the session must not inherit."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium)
        yield running
        running.close()


@dataclass
class _Watched:
    url: str
    context: BrowserContext
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Visit(Protocol):
    """How a test opens a page."""

    def __call__(self, url: str, *, errors: bool = False, **options: Any) -> Page:
        """Open `url` in a context of its own. `errors`: the page may report some. `options`: as for `new_context`."""


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens pages, and holds them to what the module promises."""
    opened: list[_Watched] = []

    def visit(url: str, *, errors: bool = False, **options: Any) -> Page:
        watched = _Watched(url, browser.new_context(**options))
        opened.append(watched)
        page = watched.context.new_page()
        page.set_default_timeout(10_000)
        page.on("request", lambda request: watched.requests.append(request.url))
        if not errors:
            page.on("console", lambda line: watched.errors.append(line.text) if line.type == "error" else None)
            page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.goto(url)
        return page

    yield visit
    for watched in opened:
        watched.context.close()
    for watched in opened:
        assert [asked for asked in watched.requests if not _same_origin(asked, watched.url)] == []
        assert watched.errors == []


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands, as `rule: element: what it says`."""
    # Not by page.evaluate, which a strict Content-Security-Policy forbids to a page's own scripts and so to axe.
    session = page.context.new_cdp_session(page)
    for expression in (AXE_SCRIPT, "axe.run({resultTypes: ['violations']})"):
        answer = session.send(
            "Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True}
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    session.detach()
    return [
        f"{violation['id']}: {node['target'][0]}: {node['failureSummary']}"
        for violation in answer["result"]["value"]["violations"]
        for node in violation["nodes"]
    ]


def _same_origin(asked: str, url: str) -> bool:
    if asked.startswith(("data:", "blob:")):
        return True
    there, here = urlsplit(asked), urlsplit(url)
    # A file's origin is nothing but itself.
    return asked.partition("#")[0] == url.partition("#")[0] if here.scheme == "file" else there[:2] == here[:2]
