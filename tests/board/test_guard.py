"""Who gets the page: the rules of host and token, and what every answer carries."""

import asyncio
from base64 import b64encode
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from ortes_db.board.app import make_app
from ortes_db.board.guard import is_loopback
from ortes_db.board.watch import Watcher
from ortes_db.board.world import World

pytestmark = pytest.mark.once

TOKEN = "a token of 26 characters: à"
PATHS = ("/", "/order?azi=C00001&kind=id_pub&number=1", "/events", "/static/board.css", "/nowhere")


def ask(host: str, token: str, *requests: tuple[str, str, dict[str, Any]], base: str = "") -> list[httpx.Response]:
    """Requests one after the other, as one browser makes them; the database is never reached."""
    world = World(600, 5)
    world.close()  # its streams end at once
    app = make_app(world, Watcher("host=/nowhere", world), host=host, token=token)

    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=base or f"http://{host}:8400") as client:
            return [await client.request(method, path, **options) for method, path, options in requests]

    return asyncio.run(all_of_them())


def get(path: str, **options: Any) -> tuple[str, str, dict[str, Any]]:
    return "GET", path, options


def statuses(answers: list[httpx.Response]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_on_loopback_the_names_of_this_machine_are_enough() -> None:
    for base in ("http://localhost:8400", "http://127.0.0.1:1", "http://[::1]:8400", "http://LOCALHOST"):
        answers = ask("127.0.0.1", "", *map(get, PATHS), base=base)
        assert statuses(answers) == [200, 200, 200, 200, 404]
        kinds = [answer.headers["content-type"].partition(";")[0] for answer in answers]
        assert kinds == ["text/html", "text/html", "text/event-stream", "text/css", "text/plain"]


@pytest.mark.parametrize(
    "host",
    ["evil.example:8400", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "", "["],
)
def test_on_loopback_no_other_name_is(host: str) -> None:
    """Another site's name that points here (DNS rebinding) would make its pages the board's origin."""
    for token in ("", TOKEN):
        assert set(statuses(ask("127.0.0.1", token, *(get(p, headers={"host": host}) for p in PATHS)))) == {421}


def test_another_site_gets_nothing_but_a_link() -> None:
    for site in ("cross-site", "same-site"):
        foreign = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors"}
        assert set(statuses(ask("127.0.0.1", "", *(get(path, headers=foreign) for path in PATHS)))) == {403}
        link = {"sec-fetch-site": site, "sec-fetch-mode": "navigate"}
        assert statuses(ask("127.0.0.1", "", get("/", headers=link))) == [200]


@pytest.mark.parametrize("host", ["127.0.0.1", "10.1.2.3"])
def test_without_the_token_there_is_the_door_and_its_paint(host: str) -> None:
    answers = ask(host, TOKEN, *map(get, PATHS))
    assert statuses(answers) == [401, 401, 401, 200, 401]
    assert 'name="token"' in answers[0].text
    assert "board.js" not in answers[0].text


def entries(token: str) -> list[tuple[str, str, dict[str, Any]]]:
    """A token as a form and as a link bring it. Escaped here: httpx makes a text of bytes that are no UTF-8."""
    field = "token=" + quote_from_bytes(token.encode(errors="surrogateescape"))
    form = {"content": field, "headers": {"content-type": "application/x-www-form-urlencoded"}}
    return [("POST", "/enter", form), get(f"/?{field}")]


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:16], TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "\udcff", "x" * 5000])
def test_a_wrong_token_opens_nothing(wrong: str) -> None:
    cookie = get("/", headers={"cookie": b"ortes_board_8400=" + wrong.encode(errors="surrogateescape")})
    answers = ask("10.1.2.3", TOKEN, *entries(wrong), cookie, get("/"))
    assert statuses(answers) == [401] * 4
    assert not any("set-cookie" in answer.headers for answer in answers)
    assert TOKEN not in "".join(answer.text for answer in answers)


@pytest.mark.parametrize("entry", entries(TOKEN), ids=["form", "link"])
def test_the_token_enters_once_then_it_is_a_cookie(entry: tuple[str, str, dict[str, Any]]) -> None:
    entered, *later = ask("10.1.2.3", TOKEN, entry, *map(get, PATHS))
    assert (entered.status_code, entered.headers["location"]) == (303, "/")  # the address loses it
    cookie = entered.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    word = b"characters"  # of the token
    assert not any(known.decode() in cookie for known in (word, word.hex().encode(), b64encode(TOKEN.encode())[:12]))
    assert statuses(later) == [200, 200, 200, 200, 404]
    # Of another token, of another port, and not all of it.
    value = cookie.partition(";")[0].partition("=")[2]
    for base, token, given in (
        ("http://10.1.2.3:8400", TOKEN + "!", value),
        ("http://10.1.2.3:8401", TOKEN, value),
        ("http://10.1.2.3:8400", TOKEN, value[:-1]),
    ):
        assert statuses(
            ask("10.1.2.3", token, get("/", headers={"cookie": f"ortes_board_8400={given}"}), base=base)
        ) == [401]


def test_every_answer_forbids_the_browser_everything_else() -> None:
    requests = [*map(get, PATHS), get("/", headers={"host": "evil.example"}), ("POST", "/", {})]
    for answer in ask("127.0.0.1", "", *requests) + ask("10.1.2.3", TOKEN, *requests):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; ")
        assert "unsafe" not in policy
        assert "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] in ("no-store", "no-cache")
        assert not any(name.startswith("access-control") for name in answer.headers)
        assert not any(inline in answer.text for inline in ("<style", "style=", " onclick", "javascript:", "https://"))


def test_what_was_asked_is_written_back_as_text() -> None:
    evil = '"><img src=x onerror=alert(1)>'
    for names in (["azi"], ["azi", "number"], ["azi", "number", "whose"], ["kind", "number"]):
        (answer,) = ask("127.0.0.1", "", get("/order", params={"kind": "store"} | dict.fromkeys(names, evil)))
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<img" not in answer.text
        assert answer.text.count('value="&#34;&gt;&lt;img src=x') == len({"azi", "number", "whose"} & set(names))


@pytest.mark.parametrize(("host", "it_is"), [
    ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
    ("10.1.2.3", False), ("myhost", False), ("localhost.example", False), ("", False),
])  # fmt: skip
def test_what_loopback_is(host: str, it_is: bool) -> None:
    assert is_loopback(host) is it_is
