"""`ortes top`: the hub, live."""

import json
import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import strftime

import click
import psycopg
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ortes_db.commands._options import azi_option, dsn_option, seconds_option
from ortes_db.commands._output import CannotTell, say, why
from ortes_db.top import SORTS, Line, document, lines, plain, screen
from ortes_db.watch import Look, Watch

_KEYS = "q quit   sort by: a attention, c company, p pending, r rate"


@click.command(short_help="Watch the hub live, what needs attention first")
@seconds_option("--interval", default=2, least=0.1, most=3600, says="From one look to the next.")
@click.option("--once", is_flag=True, help="Print one table, of two looks --interval apart.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, of two looks --interval apart.")
@seconds_option(
    "--late", default=600, least=0, says="An order pending, or a reader behind, for longer needs attention."
)
@azi_option
@dsn_option
def top(interval: float, once: bool, as_json: bool, late: float, azi: tuple[str, ...], dsn: str) -> None:
    """Watch the hub: per company the orders pending for the ERP and the age of the oldest, ID-PUB (new/s) and ID-SINCRO
    (chg/s) given out a second, the reader that is furthest behind (orders, and for how long), and the sessions that wait
    for the company. What needs attention comes first, with a mark.

    \b
    Example:
        ortes top --dsn service=hub
        ortes top --once --azi 'C0*'
        ortes top --json

    Keys: q quits; a, c, p and r sort by attention, company, pending and rate. Without a terminal it prints a table at
    each look. It goes on when the hub is away for a while. For logins with the role ortes_monitor; how long a company
    has been held is shown to members of pg_monitor.

    Exit code 0: shown. 2: the hub could not be looked at in the first place.
    """
    watch = Watch(dsn, azi)
    try:
        view = _View(watch.look(), None, late)
        if once or as_json:
            # A rate is of some time.
            threading.Event().wait(interval)
            view.add(watch.look())
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise CannotTell(why(error, "ortes_monitor")) from None
    console = Console(highlight=False, markup=False, width=_width())
    if as_json:
        click.echo(json.dumps(document(view.now, view.lines()), ensure_ascii=False, default=plain))
    elif once:
        console.print(screen(view.now, view.lines(), console.width))
    else:
        _live(watch, view, interval, console)


@dataclass
class _View:
    """What is on the screen."""

    now: Look
    before: Look | None
    late: float
    sort: str = "a"
    trouble: str = ""

    def add(self, look: Look) -> None:
        self.before, self.now, self.trouble = self.now, look, ""

    def lines(self) -> list[Line]:
        return sorted(lines(self.before, self.now, self.late), key=SORTS[self.sort][1])


class _Looker(threading.Thread):
    """Looks in the background, so that keys are heard meanwhile. `rings` a pipe when there is something new."""

    def __init__(self, watch: Watch, interval: float, ring: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._watch, self._interval, self._ring = watch, interval, ring
        self._stop_asked = threading.Event()
        self.seen: list[Look | psycopg.Error] = []

    def run(self) -> None:
        while not self._stop_asked.wait(self._interval):
            try:
                self.seen.append(self._watch.look())
            except psycopg.Error as error:
                self.seen.append(error)
            self._ring()

    def stop(self) -> None:
        self._stop_asked.set()


def _live(watch: Watch, view: _View, interval: float, console: Console) -> None:
    """Until q, Ctrl-C or the end of who reads."""
    hear, speak = os.pipe()
    os.set_blocking(speak, False)

    def ring() -> None:
        with suppress(BlockingIOError):  # full: it has been rung
            os.write(speak, b".")

    looker = _Looker(watch, interval, ring)
    looker.start()
    try:
        with _keyboard() as keyboard, _shown(console, ring) as show:
            show(view)
            while True:
                ready, _, _ = select.select([hear, *keyboard], [], [])
                if hear in ready:
                    os.read(hear, 4096)
                    while looker.seen:
                        _take(view, looker.seen.pop(0))
                if keyboard and keyboard[0] in ready:
                    key = os.read(keyboard[0], 1).decode(errors="replace").lower()
                    if key in ("q", ""):
                        return
                    view.sort = key if key in SORTS else view.sort
                show(view)
    finally:
        looker.stop()


def _take(view: _View, seen: Look | psycopg.Error) -> None:
    if isinstance(seen, Look):
        view.add(seen)
    elif not view.trouble:
        view.trouble = f"since {strftime('%H:%M:%S')} no answer, trying again: {why(seen, 'ortes_monitor')}"


@contextmanager
def _keyboard() -> Iterator[list[int]]:
    """Standard input, key by key; nothing where there is no terminal, or it is not ours to read."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        yield []
        return
    kept = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield [sys.stdin.fileno()]
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, kept)


@contextmanager
def _shown(console: Console, resized: Callable[[], None]) -> Iterator[Callable[[_View], None]]:
    """A screen that is drawn anew, or a table after the other."""
    if not console.is_terminal:
        yield _printer(console)
        return
    kept = signal.signal(signal.SIGWINCH, lambda *_: resized())
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:

            def draw(view: _View) -> None:
                footer = Text(_KEYS, "dim", no_wrap=True, overflow="ellipsis")
                table = screen(view.now, view.lines(), console.width, console.height - 1, view.trouble)
                live.update(Group(table, footer), refresh=True)

            yield draw
    finally:
        signal.signal(signal.SIGWINCH, kept)


def _printer(console: Console) -> Callable[[_View], None]:
    last: Look | None = None
    trouble = ""

    def show(view: _View) -> None:
        nonlocal last, trouble
        if view.trouble and view.trouble != trouble:
            say(f"ortes: {view.trouble}")
        trouble = view.trouble
        if view.now is not last:
            last = view.now
            console.print(screen(view.now, view.lines(), console.width))
            console.print()
            sys.stdout.flush()

    return show


def _width() -> int | None:
    """None: the terminal's own, or what COLUMNS says."""
    return None if sys.stdout.isatty() or os.environ.get("COLUMNS") else 120
