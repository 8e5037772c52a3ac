"""Deploying: all or nothing, repeatable, and never in anybody's way."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ortes_db.deploy import DeployError
from ortes_db.hub import Backend
from ortes_db.manifest import DEPLOY_LOCK
from ortes_db.server import Server, embedded_server
from tests.deploy.conftest import Release, ask, dump_schema, in_background, run

Dump = Callable[[str], str]
BROKEN = "CREATE OR REPLACE FUNCTION ortes.check_azi() RETURNS text\nLANGUAGE sql\nAS $$ SELECT 1 $$ nonsense;\n"


def everything(dsn: str) -> list[object]:
    return ask(dsn, "SELECT * FROM ortes_deploy.object ORDER BY 1, 2, 3") + ask(
        dsn, "SELECT * FROM ortes_deploy._yoyo_log ORDER BY 1"
    )


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_first_deploy_says_what_it_made(release: Release, empty_dsn: str) -> None:
    result = release.deploy(empty_dsn)
    assert result.migrations[:2] == ["0001.roles", "0002.tables"]
    assert "function ortes_store.save_order(p_azi text, p_id_int bigint, p_autore_cod bigint, p_dati jsonb, " in str(
        result.created
    )
    assert "view ortes_ops.status" in result.created
    assert "trigger ortes.arportes_insert on arportes" in result.created
    assert result.changed == result.dropped == result.leftovers == []
    assert release.status(empty_dsn).good


def test_everything_belongs_to_the_owner(deployed: str) -> None:
    owners = ask(deployed, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname LIKE 'ortes%'")
    owners += ask(
        deployed,
        "SELECT DISTINCT proowner::regrole::text FROM pg_proc WHERE pronamespace::regnamespace::text LIKE 'ortes%'",
    )
    assert set(owners) == {("ortes_owner",)}


def test_a_second_deploy_finds_nothing_to_do(release: Release, deployed: str, dump: Dump) -> None:
    before = dump(deployed)
    result = release.deploy(deployed)
    assert result.nothing
    assert result.unchanged > 80
    assert dump(deployed) == before


def test_a_change_of_a_function_alone_is_deployed(release: Release, deployed: str) -> None:
    text = release.read("sql/ortes_store/position.sql")
    release.write("sql/ortes_store/position.sql", text.replace("AS $position$\n", "AS $position$\n-- another word\n"))
    result = release.deploy(deployed)
    assert [name.split("(")[0] for name in result.changed] == ["function ortes_store.position"]
    assert not result.migrations
    assert not result.created
    assert release.status(deployed).good


def test_a_new_migration_is_applied_to_what_is_there(release: Release, deployed: str) -> None:
    name = release.add_migration()
    assert release.deploy(deployed).migrations == [name]
    assert ask(deployed, "SELECT to_regclass('ortes.note')::text") == [("ortes.note",)]


def test_a_failing_file_leaves_everything_as_it_was(release: Release, deployed: str, dump: Dump) -> None:
    before = dump(deployed), everything(deployed)
    release.add_migration()
    release.write("sql/ortes_store/position.sql", BROKEN)
    with pytest.raises(DeployError, match=r"sql/ortes_store/position.sql:3: syntax error") as caught:
        release.deploy(deployed)
    assert caught.value.exit_code == 1
    assert (dump(deployed), everything(deployed)) == before


def test_a_failing_migration_leaves_everything_as_it_was(release: Release, deployed: str, dump: Dump) -> None:
    before = dump(deployed), everything(deployed)
    release.add_migration("CREATE TABLE ortes.note ();\nSELECT 1/0;")
    with pytest.raises(DeployError, match=r"migrations/9000.note.sql: division by zero"):
        release.deploy(deployed)
    assert (dump(deployed), everything(deployed)) == before


def test_a_first_deploy_that_fails_leaves_nothing(release: Release, bare: Server) -> None:
    before = dump_schema(bare, bare.dsn())
    release.write("sql/privileges.sql", "GRANT USAGE ON SCHEMA ortes TO nobody_at_all;\n")
    with pytest.raises(DeployError, match="nobody_at_all"):
        release.deploy(bare.dsn())
    assert dump_schema(bare, bare.dsn()) == before
    assert ask(bare.dsn(), "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ortes%'") == []


def test_two_at_once_both_succeed(release: Release, empty_dsn: str) -> None:
    barrier = threading.Barrier(4)

    def go() -> object:
        barrier.wait()
        return release.deploy(empty_dsn)

    with ThreadPoolExecutor(4) as pool:
        results = [future.result() for future in [pool.submit(go) for _ in range(4)]]
    assert sorted(result.nothing for result in results) == [False, True, True, True]
    assert release.status(empty_dsn).good


def test_two_hubs_on_one_server_are_deployed_at_once(release: Release, bare: Server) -> None:
    names = [f"hub_{number}" for number in range(4)]
    for name in names:
        run(bare.dsn(), f"CREATE DATABASE {name}")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: release.deploy(bare.dsn(name)), names))
    assert all(release.status(bare.dsn(name)).good for name in names)


@pytest.mark.parametrize("isolation", ["read committed", "serializable"])
def test_the_second_waits_and_says_so(release: Release, deployed: str, isolation: str) -> None:
    run(
        deployed,
        f"ALTER DATABASE {psycopg.conninfo.conninfo_to_dict(deployed)['dbname']} "
        f"SET default_transaction_isolation = '{isolation}'",
    )
    with psycopg.connect(deployed, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", (DEPLOY_LOCK,))
        second = in_background(release.deploy, deployed)
        until(lambda: release.said)
        assert f"another deploy is at work in this database (pid {first.info.backend_pid}); waiting" in release.said[0]
        assert not second.done()
        first.execute("SELECT pg_advisory_unlock_all()")
        assert second.result(20).nothing


def test_it_gives_up_on_another_deploy_after_wait(release: Release, deployed: str) -> None:
    with psycopg.connect(deployed, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", (DEPLOY_LOCK,))
        with pytest.raises(DeployError, match="another deploy is still at work") as caught:
            release.deploy(deployed, wait=0.2)
    assert caught.value.exit_code == 1


def test_blocked_by_a_long_transaction_it_gives_up_and_names_it(release: Release, deployed: str, dump: Dump) -> None:
    before = dump(deployed)
    with psycopg.connect(deployed) as long, psycopg.connect(deployed, autocommit=True) as other:
        long.execute("LOCK TABLE ortes.arportes IN ROW EXCLUSIVE MODE")
        started = time.monotonic()
        blocked = in_background(release.deploy, deployed, 2)
        # Everybody else gets through meanwhile: the longest any of them waits is one try of the deploy.
        slowest = 0.0
        while not blocked.done():
            begin = time.monotonic()
            other.execute("UPDATE ortes.arportes SET conferma = conferma WHERE false")
            slowest = max(slowest, time.monotonic() - begin)
        with pytest.raises(DeployError, match=rf"pid {long.info.backend_pid} .*holds ortes.arportes") as caught:
            blocked.result()
        assert time.monotonic() - started < 6
        assert slowest < 1
    assert caught.value.exit_code == 1
    assert dump(deployed) == before


def test_it_goes_on_when_the_long_transaction_ends(release: Release, deployed: str) -> None:
    with psycopg.connect(deployed) as long:
        long.execute("LOCK TABLE ortes.apstatosyn IN ROW EXCLUSIVE MODE")
        blocked = in_background(release.deploy, deployed)
        until(lambda: release.said)
        assert f"pid {long.info.backend_pid}" in release.said[0]
        long.rollback()
        assert blocked.result(20).nothing


def test_a_reader_of_a_view_is_given_way_to(release: Release, deployed: str) -> None:
    with psycopg.connect(deployed) as reader:
        reader.execute("SELECT * FROM ortes_ops.status")
        with pytest.raises(DeployError, match=rf"pid {reader.info.backend_pid} .*holds ortes"):
            release.deploy(deployed, wait=0.5)


def test_a_writer_under_way_waits_for_the_deploy_not_the_deploy_for_a_deadlock(release: Release, deployed: str) -> None:
    """Writer holds one table, deploy the other: it is the deploy that lets go."""
    run(deployed, "SELECT ortes_ops.create_company('C1')")
    with psycopg.connect(deployed) as writer, psycopg.connect(deployed, autocommit=True) as watch:
        writer.execute("LOCK TABLE ortes.apstatosyn IN ROW EXCLUSIVE MODE")
        blocked = in_background(release.deploy, deployed)
        until(
            lambda: watch.execute(
                "SELECT FROM pg_locks WHERE relation = 'ortes.arportes'::regclass AND mode = 'ShareRowExclusiveLock'"
            ).fetchall()
        )
        writer.execute("UPDATE ortes.company SET created_at = created_at")
        writer.execute("LOCK TABLE ortes.arportes IN ROW EXCLUSIVE MODE")
        writer.commit()
        assert blocked.result(20).nothing


def test_settings_of_the_database_change_nothing(release: Release, deployed: str, dump: Dump, server: Server) -> None:
    run(server.dsn(), "CREATE DATABASE odd")
    try:
        odd = server.dsn("odd")
        for setting in (
            "default_transaction_read_only = on",
            "default_transaction_isolation = 'serializable'",
            "search_path = nowhere",
            "statement_timeout = '200ms'",
            "check_function_bodies = on",
            "quote_all_identifiers = on",
            "intervalstyle = 'iso_8601'",
            "client_encoding = 'LATIN1'",
        ):
            run(odd, "SET default_transaction_read_only = off", "SET statement_timeout = 0")
            with psycopg.connect(odd, autocommit=True, options="-c default_transaction_read_only=off") as connection:
                connection.execute(f"ALTER DATABASE odd SET {setting}")
        release.deploy(odd)
        assert release.status(odd).good
        with psycopg.connect(odd, autocommit=True, options="-c default_transaction_read_only=off") as connection:
            connection.execute("ALTER DATABASE odd RESET ALL")
        assert dump(odd) == dump(deployed)
    finally:
        run(server.dsn(), "DROP DATABASE odd WITH (FORCE)")


def test_the_session_is_yoyos_and_its_tables_are_as_yoyo_makes_them(deployed: str, empty_dsn: str) -> None:
    from yoyo.connections import DatabaseURI
    from yoyo.internalmigrations import needs_upgrading, upgrade

    parameters = psycopg.conninfo.conninfo_to_dict(deployed)
    shape = """
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p')
          FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
         WHERE c.relkind = 'r' AND c.relname LIKE '\\_yoyo%' AND c.relnamespace = '{}'::regnamespace ORDER BY 1, a.attnum
    """
    run(deployed, "CREATE SCHEMA theirs")
    with Backend(
        DatabaseURI("", None, None, None, None, None, {**parameters, "options": "-c search_path=theirs"}),
        "_yoyo_migration",
    ) as backend:
        upgrade(backend)
    assert ask(deployed, shape.format("ortes_deploy")) == ask(deployed, shape.format("theirs"))
    with Backend(
        DatabaseURI("", None, None, None, None, None, {**parameters, "options": "-c search_path=ortes_deploy"}),
        "_yoyo_migration",
    ) as backend:
        assert not needs_upgrading(backend)


def test_a_leftover_is_reported_and_stays_until_it_is_dropped_by_name(release: Release, deployed: str) -> None:
    old = "function ortes_store.position(p_azi text)"
    run(deployed, "CREATE FUNCTION ortes_store.position(p_azi text) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    result = release.deploy(deployed)
    assert result.leftovers == [old]
    assert [(one.what, f"{one.kind} {one.name}") for one in release.status(deployed).drift] == [("extra", old)]
    release.write("sql/drop.sql", "DROP FUNCTION IF EXISTS ortes_store.position(text);\n")
    result = release.deploy(deployed)
    assert result.dropped == [old]
    assert not result.leftovers
    assert release.status(deployed).good


def test_a_file_that_makes_another_object_than_its_name_says_is_refused(release: Release, empty_dsn: str) -> None:
    release.write("sql/ortes/misnamed.sql", "CREATE FUNCTION ortes.other() RETURNS int LANGUAGE sql AS 'SELECT 1';\n")
    with pytest.raises(DeployError, match=r"sql/ortes/misnamed.sql: makes no function or view ortes.misnamed"):
        release.deploy(empty_dsn)
    text = release.read("sql/ortes/check_azi.sql")
    release.remove("sql/ortes/misnamed.sql")
    release.write(
        "sql/ortes/check_azi.sql", text + "CREATE FUNCTION ortes.other() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
    )
    with pytest.raises(DeployError, match=r"function ortes.other\(\) is made, but not in a file named after it"):
        release.deploy(empty_dsn)


def test_a_file_that_nothing_would_run_is_refused(release: Release, empty_dsn: str) -> None:
    release.write("sql/extra.sql", "SELECT 1;\n")
    with pytest.raises(DeployError, match=r"sql/extra.sql: nothing runs it"):
        release.deploy(empty_dsn)


def test_a_database_of_a_later_release_is_refused(release: Release, deployed: str) -> None:
    release.add_migration()
    release.deploy(deployed)
    release.remove("migrations/9000.note.sql")
    release.remove("migrations/9000.note.rollback.sql")
    with pytest.raises(DeployError, match=r"does not know: 9000.note"):
        release.deploy(deployed)
    assert release.status(deployed).unknown == ["9000.note"]


def test_a_migration_edited_after_it_was_applied_is_refused(release: Release, deployed: str) -> None:
    release.write("migrations/0002.tables.sql", release.read("migrations/0002.tables.sql") + "SELECT 1;\n")
    with pytest.raises(DeployError, match=r"0002.tables.sql is not what was applied"):
        release.deploy(deployed)
    assert release.status(deployed).edited == ["0002.tables"]


def test_a_released_migration_is_frozen(release: Release, empty_dsn: str) -> None:
    release.write("migrations/RELEASED", f"{'0' * 64}  0001.roles.sql\n")
    with pytest.raises(DeployError, match=r"migrations/0001.roles.sql was released and is never edited"):
        release.deploy(empty_dsn)
    release.write("migrations/RELEASED", f"{'0' * 64}  0000.gone.sql\n")
    with pytest.raises(DeployError, match=r"migrations/0000.gone.sql was released and is missing"):
        release.deploy(empty_dsn)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("-- transactional: false\nSELECT 1;", "a deploy is one transaction"),
        ("-- depends: 0000.nothing\nSELECT 1;", "depends on 0000.nothing"),
    ],
)
def test_a_migration_that_cannot_be_part_of_it_is_refused(
    release: Release, empty_dsn: str, text: str, said: str
) -> None:
    release.write("migrations/9001.odd.sql", text)
    with pytest.raises(DeployError, match=said):
        release.deploy(empty_dsn)


def test_autovacuum_gives_way(release: Release, pg_bin: str | None) -> None:
    """PostgreSQL cancels it for who waits longer than deadlock_timeout, so a deploy then does."""
    slow = {"vacuum_cost_limit": "1", "autovacuum_vacuum_cost_limit": "1", "autovacuum_vacuum_cost_delay": "100ms"}
    # So eager that it comes soon, but for few tables besides this one, each of which it is as slow with.
    eager = {"autovacuum_naptime": "1s", "autovacuum_vacuum_insert_threshold": "4000"}
    eager |= {"autovacuum_vacuum_insert_scale_factor": "0", "autovacuum_vacuum_threshold": "1000000"}
    eager |= {"autovacuum_analyze_threshold": "1000000"}
    vacuuming = (
        "SELECT FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) WHERE a.backend_type = 'autovacuum worker' "
        "AND l.relation = 'ortes.arportes'::regclass AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted"
    )
    with embedded_server(pg_bin, settings=slow | eager) as server:
        release.deploy(server.dsn())
        run(
            server.dsn(),
            "SELECT ortes_ops.create_company('C1')",
            "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo, dati) "
            "SELECT 'C1', 'S', i, 'C', to_jsonb(repeat(md5(i::text), 20)) FROM generate_series(1, 5000) AS i",
        )
        with psycopg.connect(server.dsn(), autocommit=True) as watch:
            until(lambda: watch.execute(vacuuming).fetchall(), seconds=60)
        assert release.deploy(server.dsn(), wait=20).nothing
        assert "a background process" in release.said[0]


def test_a_lost_connection_is_said_and_undone(release: Release, deployed: str, dump: Dump) -> None:
    before = dump(deployed)
    release.add_migration("RESET ROLE; SELECT pg_terminate_backend(pg_backend_pid());")
    with pytest.raises(DeployError, match=r"the connection was lost .*`ortes status` tells") as caught:
        release.deploy(deployed)
    assert caught.value.exit_code == 1
    assert dump(deployed) == before


def test_a_grant_that_is_not_on_the_page_is_reported_as_long_as_it_is_there(release: Release, deployed: str) -> None:
    run(
        deployed,
        "DROP ROLE IF EXISTS visitor",
        "CREATE ROLE visitor",
        "GRANT SELECT, DELETE ON ortes.arportes TO visitor",
        "GRANT SELECT (dati) ON ortes_ops.orders TO visitor",
        "GRANT USAGE ON SCHEMA ortes_erp TO visitor",
    )
    expected = [
        "grant DELETE, SELECT on table ortes.arportes to visitor",
        "grant SELECT (dati) on view ortes_ops.orders to visitor",
        "grant USAGE on schema ortes_erp to visitor",
    ]
    try:
        assert [(one.what, f"{one.kind} {one.name}") for one in release.status(deployed).drift] == [
            ("extra", name) for name in expected
        ]
        result = release.deploy(deployed)
        assert result.nothing
        assert result.leftovers == expected
        assert not release.status(deployed).good
    finally:
        run(deployed, "DROP OWNED BY visitor", "DROP ROLE visitor")
    assert release.status(deployed).good
