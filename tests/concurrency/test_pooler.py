"""Through pgbouncer in transaction mode, where each transaction may run in another session of the server."""

import psycopg
from psycopg.conninfo import make_conninfo

from ortes_db.server import Server
from ortes_db.soak.check import check
from ortes_db.soak.run import Scene, hired, run
from tests.concurrency.pooler import pooler
from tests.conftest import Db

SIZE = 2
SESSIONS = """
    SELECT usename, count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = ANY(%s) GROUP BY usename
"""


def test_both_promises_hold_through_a_pooler(db: Db, server: Server, replica: Server) -> None:
    with hired(db.dsn()) as logins, pooler(server, logins.all, SIZE) as pool:
        scene = Scene(
            db.dsn(),
            lambda login: make_conninfo(pool, dbname=db.name, user=login),
            lambda login: replica.dsn(db.name, login),
        )
        sessions: dict[str, int] = {}

        def count_sessions() -> None:
            with psycopg.connect(db.dsn(), autocommit=True) as dba:
                at_work = [logins.name(who) for who in ("store", "app", "erp", "reader")]
                while not sessions or min(sessions.values()) < SIZE:
                    sessions.update(dba.execute(SESSIONS, (at_work,)).fetchall())

        history = run(scene, logins, 3, meanwhile=count_sessions)
    assert check(history) == []
    # Two companies with two clients of each system, and more for what they do twice at a time.
    assert set(sessions.values()) == {SIZE}, "nothing was pooled"
