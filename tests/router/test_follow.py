"""`ortes follow` through the router: polled, since a shard notifies nobody but itself; a shard that is away is waited for."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ortes_db.follow import Reader, follow
from tests.follow.test_follow import until
from tests.router.conftest import Cluster

pytestmark = pytest.mark.once


def test_the_feed_of_a_company_through_the_router(cluster: Cluster) -> None:
    azi = cluster.company("C00001", "s1")
    login, erp = cluster.login("ortes_store", azi), cluster.login("ortes_erp", azi)
    cluster.connect().execute("SELECT ortes_ops.set_notify(%s, true)", (azi,))
    said: list[str] = []
    pages = follow(Reader("store", azi), cluster.dsn(login=login), confirm=True, poll=0.1, say=said.append)
    assert next(pages) == []

    def export(n: int) -> None:
        with psycopg.connect(cluster.dsn(login=erp), autocommit=True) as connection:
            connection.execute("SELECT ortes_erp.export_order(%s, %s)", (azi, f"G{n}"))

    for n in range(1, 4):
        export(n)
        assert until(pages, 1) == [n]
    assert next(pages) == []
    cluster.stop("s1")
    pool = ThreadPoolExecutor(1)
    later = pool.submit(until, pages, 1)
    try:
        while not said and not later.done():
            time.sleep(0.01)  # it says so itself, and there is nothing to wait on
    finally:
        cluster.start("s1")
        export(4)
        assert later.result(30) == [4]
    assert len(said) == 1, said
