"""A server that hangs, as a machine without memory left makes it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ortes_db.server import Server


@contextmanager
def hanging(server: Server) -> Iterator[None]:
    """None of the server's processes runs, not even for a timeout of its own."""
    process = server.child_process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)  # from now on it starts none
    told = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout
    children = [int(child) for child in told.split()]
    try:
        for pid in children:
            with suppress(ProcessLookupError):  # one may have been about to end
                os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in (process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
