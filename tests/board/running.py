"""`ortes board` as a process of its own, as one starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer

from click.testing import CliRunner

from ortes_db.cli import main

PLAIN = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "ORTES_BOARD"))}


@dataclass
class Board:
    """A board that answers at `url`."""

    process: "subprocess.Popen[str]"
    url: str

    def memory(self) -> int:
        """Bytes of it that are in memory."""
        with open(f"/proc/{self.process.pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(dsn: str, *options: str, **environment: str) -> Iterator[Board]:
    """Start a board on a free port, and end it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ortes_db", "board", "--dsn", dsn, "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
        env=PLAIN | environment,
    )
    late = Timer(30, process.kill)
    late.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        late.cancel()
        assert line.startswith("The board is at http://"), line
        yield Board(process, line.split()[4].rstrip("/"))
    finally:
        late.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()


def refusal(dsn: str, *options: str, **environment: str) -> tuple[int, str]:
    """A board that does not start: its exit code and what it says."""
    cleared: dict[str, str | None] = dict.fromkeys(os.environ.keys() - PLAIN.keys())
    ended = CliRunner(env=cleared | environment).invoke(main, ["board", "--dsn", dsn, "--port", "0", *options])
    assert ended.stdout == ""
    return ended.exit_code, ended.stderr
