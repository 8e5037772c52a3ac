"""`ortes metrics`: the hub's metrics for Prometheus."""

import socket
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import click
import psycopg
from prometheus_client import generate_latest, make_wsgi_app, write_to_textfile
from prometheus_client.exposition import ThreadingWSGIServer

from ortes_db.commands._options import azi_option, dsn_option, seconds_option
from ortes_db.commands._output import CannotTell, say, why
from ortes_db.metrics import Hub
from ortes_db.watch import Watch

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


@click.command(short_help="Serve the hub's metrics to Prometheus")
@click.option(
    "--listen",
    default="127.0.0.1:9699",
    show_default=True,
    metavar="HOST:PORT",
    help="Where to answer, at /metrics. Port 0: any that is free.",
)
@click.option("--once", is_flag=True, help="Print them, and serve nothing.")
@click.option(
    "--textfile",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.prom",
    help="Write them to that file, all at once, for node_exporter's textfile collector, and serve nothing.",
)
@azi_option
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    metavar="N",
    help="Tell of at most so many companies, and of at most so many readers.",
)
@seconds_option("--timeout", default=5, least=1, says="A hub that does not answer within that counts as down.")
@dsn_option
@click.pass_context
def metrics(
    context: click.Context,
    listen: str,
    once: bool,
    textfile: Path | None,
    azi: tuple[str, ...],
    limit: int,
    timeout: float,
    dsn: str,
) -> None:
    """Tell Prometheus how the hub is: pending orders, counters, readers' lag, who holds companies and who waits.

    \b
    Example:
        ortes metrics --dsn service=hub
        ortes metrics --once --azi 'C0*'
        ortes metrics --textfile /var/lib/prometheus/node-exporter/ortes.prom

    For logins with the role ortes_monitor. When the hub cannot be looked at, it says ortes_up 0 and goes on. Alerts and
    a dashboard to copy: docs/monitoring. A scrape takes at most --timeout and a second: set scrape_timeout above that.

    Exit code 0: told. 2: the hub could not be looked at (then with ortes_up 0), or it cannot be served or written.
    """
    if once and textfile:
        raise click.UsageError("--once or --textfile, not both")
    watch = Watch(dsn, azi, limit, timeout)
    hub = Hub(watch, _tell)
    try:
        if once:
            click.echo(generate_latest(hub.registry()).decode(), nl=False)
        elif textfile:
            _write(hub, textfile)
        else:
            _serve(hub, *_address(listen))
    finally:
        watch.close()
    context.exit(2 if hub.failed else 0)


def _tell(error: psycopg.Error | None) -> None:
    if error is None:
        say("the hub can be looked at again")
    else:
        say(f"ortes: the hub cannot be looked at: {why(error, 'ortes_monitor')}")


def _write(hub: Hub, file: Path) -> None:
    try:
        write_to_textfile(str(file), hub.registry())
    except OSError as error:
        raise CannotTell(f"{file}: cannot be written: {error.strerror}") from None


def _address(listen: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or port is None or parts.netloc != listen:
        raise click.BadParameter("expected HOST:PORT, such as 127.0.0.1:9699 or [::1]:9699", param_hint="--listen")
    return host, port


def _only_metrics(hub: Hub) -> "WSGIApplication":
    told: WSGIApplication = make_wsgi_app(hub.registry())

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            return told(environ, start_response)
        start_response("404 Not Found", [("Content-Type", "text/plain; charset=utf-8")])
        return [b"the metrics are at /metrics\n"]

    return answer


class _Quiet(WSGIRequestHandler):
    # Who connects and says nothing does not keep a thread.
    timeout = 10

    def log_message(self, *_: object) -> None:
        """No line for each scrape."""


def _serve(hub: Hub, host: str, port: int) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        family = type("Server", (ThreadingWSGIServer,), {"address_family": found[0]})
        assert issubclass(family, WSGIServer)
        server = make_server(str(found[4][0]), port, _only_metrics(hub), family, _Quiet)
    except OSError as error:
        raise CannotTell(f"cannot listen on {host}:{port}: {error.strerror}") from None
    with server:
        shown = f"[{host}]" if ":" in host else host
        say(f"serving http://{shown}:{server.server_port}/metrics; Ctrl-C ends it")
        server.serve_forever()
