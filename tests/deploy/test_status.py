"""Status: every drift by name, and nothing touched to find it."""

import subprocess
from pathlib import Path

import psycopg
import pytest

from ortes_db.deploy import DeployError
from ortes_db.manifest import DEPLOY_LOCK
from ortes_db.replica import embedded_replica
from ortes_db.server import Server
from tests.deploy.conftest import Release, ask, run

SAVE = "ortes_store.save_order(text, bigint, bigint, jsonb, integer)"

BODY_BY_HAND = """
DO $$ BEGIN
    EXECUTE replace(pg_get_functiondef('ortes_store.position'::regproc), 'AS $function$', E'AS $function$ -- by hand\\n');
END $$
"""


def drift(release: Release, dsn: str) -> list[tuple[str, str, str]]:
    return [(one.what, one.kind, one.name.split("(")[0]) for one in release.status(dsn).drift]


@pytest.mark.parametrize(
    ("by_hand", "expected"),
    [
        (f"ALTER FUNCTION {SAVE} COST 7", ("changed", "function", "ortes_store.save_order")),
        (f"ALTER FUNCTION {SAVE} RESET search_path", ("changed", "function", "ortes_store.save_order")),
        (f"ALTER FUNCTION {SAVE} SECURITY INVOKER", ("changed", "function", "ortes_store.save_order")),
        (f"COMMENT ON FUNCTION {SAVE} IS 'mine'", ("changed", "function", "ortes_store.save_order")),
        (f"REVOKE EXECUTE ON FUNCTION {SAVE} FROM ortes_store", ("changed", "function", "ortes_store.save_order")),
        (f"GRANT EXECUTE ON FUNCTION {SAVE} TO PUBLIC", ("changed", "function", "ortes_store.save_order")),
        (f"DROP FUNCTION {SAVE}", ("missing", "function", "ortes_store.save_order")),
        (BODY_BY_HAND, ("changed", "function", "ortes_store.position")),
        ("CREATE FUNCTION ortes.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", ("extra", "function", "ortes.mine")),
        (
            "ALTER TABLE ortes.arportes DISABLE TRIGGER arportes_delete",
            ("changed", "trigger", "ortes.arportes_delete on arportes"),
        ),
        (
            "ALTER TABLE ortes.arportes ENABLE ALWAYS TRIGGER arportes_delete",
            ("changed", "trigger", "ortes.arportes_delete on arportes"),
        ),
        ("DROP TRIGGER arportes_delete ON ortes.arportes", ("missing", "trigger", "ortes.arportes_delete on arportes")),
        (
            "CREATE TRIGGER mine BEFORE UPDATE ON ortes.arportes FOR EACH ROW EXECUTE FUNCTION ortes.arportes_delete()",
            ("extra", "trigger", "ortes.mine on arportes"),
        ),
        ("ALTER VIEW ortes_ops.status SET (security_barrier = true)", ("changed", "view", "ortes_ops.status")),
        ("DROP VIEW ortes_ops.holders", ("missing", "view", "ortes_ops.holders")),
        ("CREATE VIEW ortes_ops.mine AS SELECT 1 AS one", ("extra", "view", "ortes_ops.mine")),
        ("GRANT SELECT (dati) ON ortes_ops.orders TO ortes_monitor", ("changed", "view", "ortes_ops.orders")),
        ("GRANT SELECT ON ortes.arportes TO ortes_store", ("changed", "table", "ortes.arportes")),
        ("REVOKE USAGE ON SCHEMA ortes_erp FROM ortes_erp", ("changed", "schema", "ortes_erp")),
    ],
)
def test_drift_is_found_by_name_and_put_right(
    release: Release, deployed: str, by_hand: str, expected: tuple[str, str, str]
) -> None:
    run(deployed, by_hand)
    (found,) = drift(release, deployed)
    assert found == expected
    assert not release.status(deployed).good
    if found[0] != "extra":
        release.deploy(deployed)
        assert release.status(deployed).good


def test_a_view_replaced_by_hand_is_found(release: Release, deployed: str) -> None:
    ((text,),) = ask(deployed, "SELECT pg_get_viewdef('ortes_ops.counters'::regclass)")
    run(deployed, f"CREATE OR REPLACE VIEW ortes_ops.counters AS SELECT * FROM ({text.rstrip(';')}) AS v WHERE true")
    assert drift(release, deployed) == [("changed", "view", "ortes_ops.counters")]
    release.deploy(deployed)
    assert release.status(deployed).good


def test_the_order_of_grants_is_no_drift(release: Release, deployed: str) -> None:
    run(
        deployed,
        "REVOKE SELECT ON ortes_ops.status FROM ortes_ops, ortes_monitor",
        "GRANT SELECT ON ortes_ops.status TO ortes_monitor",
        "GRANT SELECT ON ortes_ops.status TO ortes_ops",
    )
    assert drift(release, deployed) == []


def test_what_users_do_is_no_drift(release: Release, deployed: str) -> None:
    run(
        deployed,
        "SELECT ortes_ops.create_company('C1')",
        "SELECT ortes_store.save_order('C1', 1)",
        "ANALYZE",
        "CREATE SCHEMA elsewhere",
        "CREATE TABLE elsewhere.t (a int)",
    )
    assert release.status(deployed).good


def test_a_newer_release_is_pending_by_name(release: Release, deployed: str) -> None:
    name = release.add_migration()
    release.write("sql/ortes_erp/pending.sql", release.read("sql/ortes_erp/pending.sql") + "\n")
    release.write("sql/ortes/added.sql", "CREATE FUNCTION ortes.added() RETURNS int LANGUAGE sql AS 'SELECT 1';\n")
    found = release.status(deployed)
    assert found.pending == [name]
    assert found.outdated == ["ortes/added.sql", "ortes_erp/pending.sql"]
    assert found.drift == []
    assert not found.good


def test_an_empty_database_has_everything_pending(release: Release, empty_dsn: str) -> None:
    found = release.status(empty_dsn)
    assert not found.installed
    assert not found.good
    assert found.pending[:2] == ["0001.roles", "0002.tables"]


def test_another_major_version_is_no_false_alarm(release: Release, deployed: str) -> None:
    """After pg_upgrade, PostgreSQL may write the same definition differently."""
    run(deployed, "UPDATE ortes_deploy.object SET taken_on = taken_on - 1, fingerprint = md5(fingerprint)")
    found = release.status(deployed)
    assert found.drift == []
    assert found.upgraded_from
    assert not found.good
    release.deploy(deployed)
    assert release.status(deployed).good


def test_it_neither_disturbs_a_deploy_or_writers_nor_waits_for_them(release: Release, deployed: str) -> None:
    with psycopg.connect(deployed) as other:
        other.execute("LOCK TABLE ortes.arportes, ortes.apstatosyn IN EXCLUSIVE MODE")
        other.execute("SELECT pg_advisory_xact_lock(%s)", (DEPLOY_LOCK,))
        assert release.status(deployed + " options='-c lock_timeout=1s -c default_transaction_read_only=on'").good


def test_behind_an_alter_table_it_does_not_wait_for_long(release: Release, deployed: str) -> None:
    with psycopg.connect(deployed) as other:
        other.execute("LOCK TABLE ortes.arportes IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DeployError, match="locked exclusively") as caught:
            release.status(deployed)
    assert caught.value.exit_code == 2


def test_a_role_without_the_right_is_told_which(release: Release, deployed: str) -> None:
    run(deployed, "DROP ROLE IF EXISTS passerby", "CREATE ROLE passerby LOGIN")
    passerby = psycopg.conninfo.make_conninfo(deployed, user="passerby")
    try:
        with pytest.raises(DeployError, match="role passerby may not read ortes_deploy: GRANT ortes_owner TO passerby"):
            release.status(passerby)
        run(deployed, "ALTER ROLE passerby NOINHERIT", "GRANT ortes_owner TO passerby")
        assert release.status(passerby).good
    finally:
        run(deployed, "DROP ROLE passerby")


@pytest.mark.parametrize("form", ["keys", "uri", "service", "variables"])
def test_every_way_to_name_a_database_works(
    release: Release, deployed: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(deployed)
    match form:
        case "keys":
            dsn = deployed
        case "uri":
            dsn = f"postgresql://{parts['user']}@/{parts['dbname']}?host={parts['host']}&port={parts['port']}"
        case "service":
            lines = [f"{name}={value}" for name, value in parts.items()]
            (tmp_path / "services").write_text("\n".join(["[hub]", *lines, ""]))
            monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
            dsn = "service=hub"
        case _:
            for name, variable in {
                "host": "PGHOST",
                "port": "PGPORT",
                "dbname": "PGDATABASE",
                "user": "PGUSER",
            }.items():
                monkeypatch.setenv(variable, str(parts[name]))
            dsn = ""
    assert release.status(dsn).good
    assert release.deploy(dsn).nothing


def test_a_restored_backup_has_no_drift(release: Release, deployed: str, server: Server, tmp_path: Path) -> None:
    dumped = tmp_path / "hub.dump"
    subprocess.run([server.bin_dir / "pg_dump", "--format=c", "--dbname", deployed, "--file", dumped], check=True)
    run(server.dsn(), "CREATE DATABASE restored")
    try:
        restored = server.dsn("restored")
        subprocess.run([server.bin_dir / "pg_restore", "--exit-on-error", "--dbname", restored, dumped], check=True)
        assert release.status(restored).good
        assert release.deploy(restored).nothing
    finally:
        run(server.dsn(), "DROP DATABASE restored WITH (FORCE)")


def test_it_works_on_a_standby_where_deploy_says_to_use_the_primary(release: Release, bare: Server) -> None:
    release.deploy(bare.dsn())
    with embedded_replica(bare) as standby:
        assert ask(standby.dsn(), "SELECT pg_is_in_recovery()") == [(True,)]
        assert release.status(standby.dsn()).good
        with pytest.raises(DeployError, match="this server is a standby: use the primary"):
            release.deploy(standby.dsn())
