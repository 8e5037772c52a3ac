"""What these tests share: a hub that notifies, and a follower as a process of its own."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub import Hub


class Follower:
    """`ortes follow`, run as a user runs it. Its lines are read as they come, unless `out` says where else they go."""

    def __init__(self, log: Path, *arguments: str, out: int = subprocess.PIPE) -> None:
        self._log = log
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ortes_db", "follow", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
            )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        if out == subprocess.PIPE:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def take(self, count: int, seconds: float = 30) -> list[dict[str, Any]]:
        """The next so many orders."""
        try:
            return [json.loads(self._lines.get(timeout=seconds)) for _ in range(count)]
        except queue.Empty:
            raise AssertionError(f"not so many lines within {seconds} s; {self.said()!r}") from None

    def said(self) -> str:
        """What it wrote to stderr so far."""
        return self._log.read_text().strip()  # a line break after ^C

    def end(self, number: int = signal.SIGINT) -> int:
        """Send a signal; its exit code. Nothing must have come that nobody took."""
        self.process.send_signal(number)
        code = self.process.wait(20)
        assert self._lines.empty(), self._lines.get()
        return code


@pytest.fixture
def follower(tmp_path: Path) -> Iterator[Callable[..., Follower]]:
    """Starts followers, which end with the test."""
    started: list[Follower] = []

    def start(*arguments: str, **options: Any) -> Follower:
        started.append(Follower(tmp_path / f"errors{len(started)}", *arguments, **options))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


@pytest.fixture
def hub(hub: Hub) -> Hub:
    """With company C00001's notifications on."""
    hub.ops.execute("SELECT ortes_ops.set_notify('C00001', true)")
    return hub
