"""`ortes board`: the hub, live, on a page for the control room."""

import asyncio
import webbrowser

import click

from ortes_db.commands._options import dsn_option, seconds_option


class _Cannot(click.ClickException):
    exit_code = 2


@click.command(short_help="The same as a web page for the control room")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8400, show_default=True, help="0: any free one.")
@click.option(
    "--token",
    envvar="ORTES_BOARD_TOKEN",
    default="",
    metavar="TEXT",
    help="What a browser has to know, once; needed on any address but loopback. Better in ORTES_BOARD_TOKEN: others see "
    "a command's options.",
)
@seconds_option(
    "--late",
    default=600,
    least=1,
    says="An order waiting for the ERP longer, or a change unread for longer, needs attention.",
)
@seconds_option("--poll", default=5, least=1, says="How often to read what the database does not notify of.")
@click.option("--open", "open_it", is_flag=True, help="Open the page in the browser.")
@dsn_option
def board(host: str, port: int, token: str, late: float, poll: float, open_it: bool, dsn: str) -> None:
    """The hub on a page for the control room: what waits for the ERP, how fast orders come, which reader lags.

    \b
    Example:
        ortes board --dsn 'dbname=hub user=board'
        ORTES_BOARD_TOKEN=$(openssl rand -hex 16) ortes board --host 0.0.0.0

    Only reads, as ortes_monitor: CREATE ROLE board LOGIN IN ROLE ortes_monitor. Moves at once for companies whose
    notifications are on (ortes_ops.set_notify), every few seconds for the others. Ctrl-C ends it.

    Exit code 2: it cannot be started.
    """
    try:
        from ortes_db.board.guard import SHORTEST_TOKEN, is_loopback
        from ortes_db.board.login import NotAllowed
        from ortes_db.board.serve import bind, look_once, serve, url_of
    except ModuleNotFoundError as error:
        raise _Cannot(f"{error.name} is missing: pip install 'ortes-db[board]'") from None
    if not token and not is_loopback(host):
        raise _Cannot(f"{host} is reached from elsewhere: give it a token (--token, or ORTES_BOARD_TOKEN)")
    if token and len(token) < SHORTEST_TOKEN:
        raise _Cannot(
            f"the token is too easy to guess: {SHORTEST_TOKEN} characters at least, say `openssl rand -hex 16`"
        )
    try:
        warning = asyncio.run(look_once(dsn))
    except NotAllowed as error:
        raise _Cannot(str(error)) from None
    if warning:
        click.echo(f"ortes: {warning}", err=True)
    try:
        listening = bind(host, port)
    except OSError as error:
        raise _Cannot(f"cannot listen on {host} port {port}: {error.strerror or error}") from None
    url = url_of(listening)

    def ready() -> None:
        click.echo(f"The board is at {url}{' (it asks for the token)' if token else ''}")
        if open_it:
            webbrowser.open(url)

    serve(dsn, listening, host=host, token=token, late=late, poll=poll, ready=ready)
