"""Rolling back: what a deploy made goes, what is somebody else's stays."""

from collections.abc import Callable

import pytest

from ortes_db.deploy import DeployError
from ortes_db.rollback import holds_orders
from ortes_db.server import Server
from tests.deploy.conftest import Release, ask, dump_schema, run

Dump = Callable[[str], str]


def test_deploy_rollback_all_deploy_is_the_first_deploy(release: Release, empty_dsn: str, dump: Dump) -> None:
    empty = dump(empty_dsn)
    release.deploy(empty_dsn)
    first = dump(empty_dsn)
    result = release.rollback(empty_dsn, everything=True)
    assert result.migrations[-1] == "0001.roles"
    assert result.left == []
    assert dump(empty_dsn) == empty
    release.deploy(empty_dsn)
    assert dump(empty_dsn) == first


def test_the_last_rollback_on_a_server_takes_the_roles_along(release: Release, bare: Server) -> None:
    release.deploy(bare.dsn())
    release.rollback(bare.dsn(), everything=True)
    assert ask(bare.dsn(), "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ortes%'") == []


def test_another_hub_on_the_server_keeps_its_roles(release: Release, bare: Server) -> None:
    run(bare.dsn(), "CREATE DATABASE other")
    release.deploy(bare.dsn())
    release.deploy(bare.dsn("other"))
    before = dump_schema(bare, bare.dsn("other"))
    release.rollback(bare.dsn(), everything=True)
    assert "role ortes_store stays: it is used elsewhere, or was not made by this login" in release.said
    assert "role ortes_owner stays: it is used elsewhere, or was not made by this login" in release.said
    assert dump_schema(bare, bare.dsn("other")) == before
    assert release.deploy(bare.dsn("other")).nothing


def test_by_default_only_the_last_migration(release: Release, deployed: str) -> None:
    name = release.add_migration()
    release.deploy(deployed)
    run(deployed, "SELECT ortes_ops.create_company('C1')", "SELECT ortes_store.save_order('C1', 1)")
    result = release.rollback(deployed)
    assert result.migrations == [name]
    assert ask(deployed, "SELECT to_regclass('ortes.note')") == [(None,)]
    assert ask(deployed, "SELECT count(*) FROM ortes.arportes") == [(1,)]
    found = release.status(deployed)
    assert found.pending == [name]
    assert release.deploy(deployed).migrations == [name]
    assert release.status(deployed).good


def test_to_a_migration(release: Release, deployed: str) -> None:
    release.add_migration()
    release.deploy(deployed)
    assert release.rollback(deployed, to="0001.roles").left == ["0001.roles"]
    with pytest.raises(DeployError, match=r"no migration 0009; there are 0001\.roles"):
        release.rollback(deployed, to="0009")
    with pytest.raises(DeployError, match=r"migration 9000\.note is not applied"):
        release.rollback(deployed, to="9000.note")
    release.deploy(deployed)
    assert release.status(deployed).good


def test_a_migration_without_its_rollback_file_is_refused_before_anything(
    release: Release, deployed: str, dump: Dump
) -> None:
    before = dump(deployed)
    release.remove("migrations/0001.roles.rollback.sql")
    with pytest.raises(DeployError, match=r"migrations/0001.roles.rollback.sql is missing"):
        release.rollback(deployed, everything=True)
    assert dump(deployed) == before


@pytest.mark.parametrize(
    ("theirs", "name"),
    [
        ("CREATE VIEW public.report AS SELECT * FROM ortes_ops.status", r"view public\.report"),
        ("CREATE VIEW public.report AS SELECT * FROM ortes.arportes", r"view public\.report"),
        ("CREATE FUNCTION ortes.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", r"function ortes.mine\(\)"),
        ("CREATE TABLE ortes_deploy.mine ()", "table mine"),
    ],
)
def test_what_depends_on_the_hub_is_named_and_stays(
    release: Release, deployed: str, dump: Dump, theirs: str, name: str
) -> None:
    run(deployed, theirs)
    before = dump(deployed)
    with pytest.raises(DeployError, match=rf"{name} depends on .*Nothing was changed"):
        release.rollback(deployed, everything=True)
    assert dump(deployed) == before


def test_a_failing_rollback_leaves_everything_as_it_was(release: Release, deployed: str, dump: Dump) -> None:
    before = dump(deployed)
    release.write("migrations/0001.roles.rollback.sql", "SELECT 1/0;\n")
    with pytest.raises(DeployError, match=r"migrations/0001.roles.rollback.sql: division by zero"):
        release.rollback(deployed, everything=True)
    assert dump(deployed) == before
    assert release.status(deployed).good


def test_where_nothing_is_deployed_it_says_so(release: Release, empty_dsn: str) -> None:
    with pytest.raises(DeployError, match="nothing is deployed in this database"):
        release.rollback(empty_dsn, everything=True)


def test_it_knows_whether_orders_can_be_lost(deployed: str) -> None:
    run(deployed, "SELECT ortes_ops.create_company('C1')")
    assert not holds_orders(deployed)
    run(deployed, "SELECT ortes_store.save_order('C1', 1)")
    assert holds_orders(deployed)
