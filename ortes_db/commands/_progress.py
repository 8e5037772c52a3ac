"""How far long work is: a bar on a terminal, elsewhere a plain line now and then. On standard error, beside the result."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column

# Without a terminal, a line every so many seconds; the beginning and the end of a part get theirs anyway.
LINE_EVERY = 10.0


class Step(Protocol):
    """What is to be called with done, of how much, and a text that says both for a person."""

    def __call__(self, done: float, total: float, text: str, part: str = "") -> None:
        """`part`: which part of the work it is, where there are several."""


@contextmanager
def progress() -> Iterator[Step]:
    """Shows how far it is, as long as it lasts."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    text = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    columns = [BarColumn(bar_width=20), TimeElapsedColumn(), text]
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)

        def show(done: float, total: float, text: str, part: str = "") -> None:
            bar.update(task, completed=done, total=total, description=text)

        yield show


def _lines() -> Step:
    said = 0.0
    known: str | None = None
    finished = False

    def line(done: float, total: float, text: str, part: str = "") -> None:
        nonlocal said, known, finished
        now = time.monotonic()
        first = part != known
        last = done >= total and (first or not finished)
        if first or last or now - said >= LINE_EVERY:
            said, known, finished = now, part, last or (finished and not first)
            click.echo(text, err=True)

    return line
