"""Sessions that listen while others save, as followers do."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import psycopg

from ortes_db.bench.place import Bench


@contextmanager
def notifying(bench: Bench, on: bool, listeners: int) -> Iterator[None]:
    """Notifications of all companies switched on or off, and so many sessions that hear them; off at the end."""
    if not (on or listeners):
        yield
        return
    stop = Event()
    with bench.admin() as admin, ThreadPoolExecutor(max(1, listeners)) as pool:
        query = "SELECT ortes_ops.set_notify(c.azi, %s) FROM ortes.company AS c"
        admin.execute(query, (on,))
        ready = [Event() for _ in range(listeners)]
        heard = [pool.submit(_listen, bench.user_dsn, one, stop) for one in ready]
        try:
            for one in ready:
                one.wait(30)
            yield
        finally:
            stop.set()
            admin.execute(query, (False,))
        for one_heard in heard:
            one_heard.result()


def _listen(dsn: str, ready: Event, stop: Event) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("LISTEN ortes")
        ready.set()
        while not stop.is_set():
            for _ in connection.notifies(timeout=0.1, stop_after=100):
                pass
