"""Who gets the page: names of this machine on loopback, elsewhere who has the token; and with which headers."""

import hmac
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SHORTEST_TOKEN = 16
MOST_FORM_BYTES = 4096
ENTER = "/enter"
STATIC = "/static/"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine reaches that address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Guard:
    """Stands before the app. `token` "": none is asked for."""

    def __init__(self, app: ASGIApp, *, host: str, token: str, enter: ASGIApp) -> None:
        self._app = app
        self._enter = enter
        self._token = token.encode()
        # A page elsewhere may give its own name this machine's address, and would then be of the board's origin. Any
        # port: a tunnel ends in another one.
        self._names = {"localhost", "127.0.0.1", "::1", host.lower()} if is_loopback(host) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith(STATIC)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-cache" if static else "no-store")
            await send(message)

        answer = await self._answer(Request(scope, receive), static)
        await (answer or self._app)(scope, receive, with_headers)

    async def _answer(self, request: Request, static: bool) -> ASGIApp | None:
        """What to say instead of the app, if anything."""
        if self._names is not None and _host(request) not in self._names:
            return PlainTextResponse("This board answers to the names of its own machine only.\n", 421)
        foreign = request.headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if foreign and request.headers.get("sec-fetch-mode") != "navigate":
            return PlainTextResponse("Not for other sites.\n", 403)
        if not self._token or static:
            return None
        if request.url.path == ENTER and request.method == "POST":
            return self._let_in(request, await _posted_token(request))
        if "token" in request.query_params:
            return self._let_in(request, request.query_params["token"])
        if _same(request.cookies.get(_cookie_name(request), ""), self._cookie()):
            return None
        if request.url.path in ("/", "/order"):
            return self._enter
        return PlainTextResponse("The token is missing.\n", 401)

    def _let_in(self, request: Request, token: str) -> ASGIApp:
        if not _same(token, self._token.decode()):
            request.scope["state"] = {"wrong": True}
            return self._enter
        response: Response = RedirectResponse("/", 303)
        response.set_cookie(
            _cookie_name(request),
            self._cookie(),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return response

    def _cookie(self) -> str:
        """Not the token itself, and the same after a restart."""
        return hmac.digest(self._token, b"ortes board: cookie", "sha256").hex()


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _cookie_name(request: Request) -> str:
    # Cookies do not tell ports apart, and two boards may stand on one machine.
    return f"ortes_board_{request.scope['server'][1]}"


async def _posted_token(request: Request) -> str:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_FORM_BYTES:
            return ""
    return parse_qs(body.decode(errors="replace")).get("token", [""])[0]
