"""How far long work is: a bar on a terminal, elsewhere a plain line now and then. On standard error, beside the result."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

# Without a terminal, a line every so many seconds; the first step and the last one get theirs anyway.
LINE_EVERY = 10.0

Step = Callable[[float, float, str], None]


@contextmanager
def progress() -> Iterator[Step]:
    """Gives what is to be called with done, of how much, and a text that says both for a person."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = [BarColumn(bar_width=20), TimeElapsedColumn(), text]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, text: bar.update(task, completed=done, total=total, description=text)


def _lines() -> Step:
    said: float | None = None
    finished = False

    def line(done: float, total: float, text: str) -> None:
        nonlocal said, finished
        now = time.monotonic()
        last = done >= total and not finished
        if said is None or now - said >= LINE_EVERY or last:
            said, finished = now, finished or last
            click.echo(text, err=True)

    return line
