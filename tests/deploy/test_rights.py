"""Deploying without a superuser, and the message when a right is missing."""

import psycopg
import pytest

from ortes_db.deploy import DeployError
from ortes_db.server import Server
from tests.deploy.conftest import Release, ask, dump_schema, run

ROLES = ["ortes_owner", "ortes_store", "ortes_app", "ortes_erp", "ortes_ops", "ortes_monitor"]


def deployer(server: Server, attributes: str = "") -> str:
    run(server.dsn(), f"CREATE ROLE deployer LOGIN {attributes}", "CREATE DATABASE hub")
    return server.dsn("hub", "deployer")


def test_createrole_and_create_on_the_database_suffice(release: Release, bare: Server) -> None:
    dsn = deployer(bare, "CREATEROLE")
    run(bare.dsn(), "GRANT CREATE ON DATABASE hub TO deployer")
    empty = dump_schema(bare, bare.dsn("hub"))
    release.deploy(dsn)
    first = dump_schema(bare, bare.dsn("hub"))
    assert release.deploy(dsn).nothing
    assert release.status(dsn).good
    release.rollback(dsn, everything=True)
    assert dump_schema(bare, bare.dsn("hub")) == empty
    assert ask(bare.dsn(), "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ortes%'") == []
    release.deploy(dsn)
    assert dump_schema(bare, bare.dsn("hub")) == first


def test_a_superusers_deploy_makes_the_same(release: Release, bare: Server) -> None:
    dsn = deployer(bare, "CREATEROLE")
    run(bare.dsn(), "GRANT CREATE ON DATABASE hub TO deployer", "CREATE DATABASE other")
    release.deploy(dsn)
    release.deploy(bare.dsn("other"))
    assert dump_schema(bare, bare.dsn("hub")) == dump_schema(bare, bare.dsn("other"))


@pytest.mark.parametrize("inherit", ["", "NOINHERIT"])
def test_roles_made_beforehand_spare_createrole(release: Release, bare: Server, inherit: str) -> None:
    dsn = deployer(bare, inherit)
    run(bare.dsn(), *(f"CREATE ROLE {role}" for role in ROLES), "GRANT ortes_owner TO deployer")
    run(bare.dsn(), "GRANT CREATE ON DATABASE hub TO deployer")
    empty = dump_schema(bare, bare.dsn("hub"))
    release.deploy(dsn)
    run(bare.dsn(), "REVOKE CREATE ON DATABASE hub FROM deployer")
    assert release.deploy(dsn).nothing
    assert release.status(dsn).good
    run(bare.dsn(), "GRANT CREATE ON DATABASE hub TO deployer")
    release.rollback(dsn, everything=True)
    assert dump_schema(bare, bare.dsn("hub")) == empty


def test_all_missing_rights_are_named_at_once(release: Release, bare: Server) -> None:
    dsn = deployer(bare)
    with pytest.raises(DeployError) as caught:
        release.deploy(dsn)
    assert caught.value.exit_code == 2
    said = str(caught.value)
    assert "role deployer lacks: CREATEROLE, or the roles ortes_app, ortes_erp, " in said
    assert "GRANT CREATE ON DATABASE hub TO deployer" in said
    run(bare.dsn(), *(f"CREATE ROLE {role}" for role in ROLES), "GRANT CREATE ON DATABASE hub TO deployer")
    with pytest.raises(DeployError, match=r"lacks: membership in ortes_owner \(GRANT ortes_owner TO deployer\)\."):
        release.deploy(dsn)
    run(bare.dsn(), "GRANT ortes_owner TO deployer")
    assert release.deploy(dsn).migrations


def test_another_login_may_go_on_once_it_is_a_member(release: Release, bare: Server) -> None:
    release.deploy(bare.dsn())
    run(bare.dsn(), "CREATE ROLE second LOGIN")
    second = bare.dsn("postgres", "second")
    for act in (release.deploy, release.rollback):
        with pytest.raises(DeployError, match="GRANT ortes_owner TO second"):
            act(second)
    run(bare.dsn(), "GRANT ortes_owner TO second")
    assert release.deploy(second).nothing


def test_an_older_server_is_refused_by_its_version(release: Release, bare: Server) -> None:
    """As far as one can without such a server: the check reads a setting that can be overlaid."""
    from ortes_db.manifest import BOOKKEEPING

    text = BOOKKEEPING.replace("current_setting('server_version_num')::integer;", "140009;")
    with (
        psycopg.connect(bare.dsn()) as connection,
        pytest.raises(psycopg.errors.FeatureNotSupported, match="15 or later"),
    ):
        connection.execute(text)
