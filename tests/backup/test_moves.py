"""The hub moved by dump, by failover, by logical replication and by pg_upgrade: numbering goes on, nothing is lost."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ortes_db.deploy import deploy
from ortes_db.replica import embedded_replica
from ortes_db.server import Server, ServerError, embedded_server, find_binaries
from tests.backup.places import AZI, Live, all_arrived, content, goes_on, kept, promote, run, wait_for
from tests.conftest import Db
from tests.hub import one, rows


@pytest.fixture
def own(pg_bin: str | None) -> Iterator[Server]:
    """A server of the test's own, ready for logical replication."""
    with embedded_server(pg_bin, {"wal_level": "logical"}) as server:
        yield server


def hub_on(server: Server) -> Live:
    with psycopg.connect(server.dsn(), autocommit=True) as dba:
        dba.execute("CREATE DATABASE hub")
    deploy(server.dsn("hub"))
    return Live(Db(server, "hub"))


def test_dump_and_restore_into_an_empty_server(own: Server, pg_bin: str | None, tmp_path: Path) -> None:
    live = hub_on(own)
    before = content(own.dsn("hub"))
    roles = run(own, "pg_dumpall", "--roles-only", "-d", own.dsn())
    with embedded_server(pg_bin) as other:
        # The superuser is there already; psql goes on after that one error.
        run(other, "psql", "-q", "-X", "-d", other.dsn(), input=roles)
        dump = Path(own.base_dir, "hub.dump")
        run(own, "pg_dump", "-Fc", "-f", dump, "-d", own.dsn("hub"))
        run(other, "pg_restore", "--exit-on-error", "--create", "-d", other.dsn(), dump)
        kept(before, content(other.dsn("hub")))
        goes_on(live, lambda login: other.dsn("hub", login))


def test_promoting_a_streaming_replica(own: Server) -> None:
    live = hub_on(own)
    with embedded_replica(own) as standby:
        all_arrived(own, standby)
        before = content(own.dsn("hub"))
        own.stop("immediate")
        promote(standby)
        kept(before, content(standby.dsn("hub")))
        goes_on(live, lambda login: standby.dsn("hub", login))


def test_a_replica_that_lacks_the_last_moments_says_so(own: Server) -> None:
    live = hub_on(own)
    with embedded_replica(own) as standby:
        all_arrived(own, standby)
        standby.stop()
        live.work(lambda login: own.dsn("hub", login), 101)
        with psycopg.connect(own.dsn("hub", live.logins["store"]), autocommit=True) as store:
            read = one(store, "SELECT max(id_sincro) FROM ortes_store.changes(%s, 0)", AZI)
        own.stop("immediate")
        standby.start()
        for promoted in (False, True):
            if promoted:
                promote(standby)
            with psycopg.connect(standby.dsn("hub", live.logins["store"]), autocommit=True) as store:
                with pytest.raises(psycopg.Error) as caught:
                    rows(store, "SELECT * FROM ortes_store.changes(%s, %s)", AZI, read)
                assert caught.value.sqlstate == "OR008"
                # One may catch up yet, the other never will.
                assert ("replica may lag" in str(caught.value.diag.message_hint)) is not promoted


def test_logical_replication_into_a_second_server(own: Server, pg_bin: str | None) -> None:
    live = hub_on(own)
    with embedded_server(pg_bin) as other:
        run(other, "psql", "-q", "-X", "-d", other.dsn(), input=run(own, "pg_dumpall", "--roles-only", "-d", own.dsn()))
        with psycopg.connect(other.dsn(), autocommit=True) as dba:
            dba.execute("CREATE DATABASE hub")
        deploy(other.dsn("hub"))
        with (
            psycopg.connect(own.dsn("hub"), autocommit=True) as source,
            psycopg.connect(other.dsn("hub"), autocommit=True) as target,
        ):
            source.execute("CREATE PUBLICATION hub FOR TABLES IN SCHEMA ortes")
            target.execute(
                sql.SQL("CREATE SUBSCRIPTION hub CONNECTION {} PUBLICATION hub").format(sql.Literal(own.dsn("hub")))
            )
            wait_for(target, "SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")
            # What happens after the first copy travels too: a position, grants, orders, counters.
            store, app = live.logins["store"], live.logins["app"]
            source.execute("SELECT ortes_ops.grant_access(%s, 'C00001', 51)", (app,))
            source.execute("SELECT ortes_ops.revoke_access(%s, 'C00001', 51)", (app,))
            with psycopg.connect(own.dsn("hub", store), autocommit=True) as connection:
                connection.execute("SELECT ortes_store.confirm('C00001', 2)")
                connection.execute("SELECT ortes_store.save_order('C00001', 77)")
            row = source.execute("SELECT pg_current_wal_lsn()").fetchone()
            assert row is not None
            wait_for(source, f"SELECT bool_and(replay_lsn >= '{row[0]}') FROM pg_stat_replication")
            kept(content(own.dsn("hub")), content(other.dsn("hub")))
            target.execute("DROP SUBSCRIPTION hub")
        goes_on(live, lambda login: other.dsn("hub", login))


@pytest.mark.once
def test_pg_upgrade_from_16_to_18() -> None:
    for version in ("16", "18"):
        try:
            find_binaries(version)
        except ServerError as error:
            pytest.skip(f"needs the programs of PostgreSQL 16 and 18: {error}")
    with embedded_server("16") as old, embedded_server("18") as new:
        live = hub_on(old)
        before = content(old.dsn("hub"))
        old.stop("fast")
        new.stop("fast")
        shutil.rmtree(new.data_dir)
        # PostgreSQL 18 makes checksums by default, and a cluster is upgraded to one that has them like itself.
        initdb: list[Any] = ["-D", new.data_dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
        run(new, "initdb", *initdb, "--no-sync", "--no-data-checksums")
        folders = ["-b", old.bin_dir, "-B", new.bin_dir, "-d", old.data_dir, "-D", new.data_dir]
        run(new, "pg_upgrade", *folders, "-U", "postgres", "--link", "--no-sync", "-s", new.socket_dir)
        new.start()
        kept(before, content(new.dsn("hub")))
        goes_on(live, lambda login: new.dsn("hub", login))


def test_a_sequence_would_not_have_travelled(own: Server, pg_bin: str | None) -> None:
    """What the counters are rows for: numbers from a sequence start anew behind logical replication."""
    with (
        embedded_server(pg_bin) as other,
        psycopg.connect(own.dsn(), autocommit=True) as source,
        psycopg.connect(other.dsn(), autocommit=True) as target,
    ):
        for connection in (source, target):
            connection.execute("CREATE TABLE wrong (id_pub bigserial PRIMARY KEY, id_int bigint)")
        source.execute("CREATE PUBLICATION wrong FOR TABLE wrong")
        target.execute(
            sql.SQL("CREATE SUBSCRIPTION wrong CONNECTION {} PUBLICATION wrong").format(sql.Literal(own.dsn()))
        )
        source.execute("INSERT INTO wrong (id_int) VALUES (150)")
        wait_for(target, "SELECT count(*) = 1 FROM wrong")
        target.execute("DROP SUBSCRIPTION wrong")
        with pytest.raises(psycopg.errors.UniqueViolation):
            target.execute("INSERT INTO wrong (id_int) VALUES (151)")
