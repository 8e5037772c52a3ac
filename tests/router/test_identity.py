"""Who the shard believes is calling: the login of the router's session, and nobody else. Shards that ask for passwords."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ortes_db.deploy import deploy
from ortes_db.router.deploy import deploy_router
from ortes_db.router.manage import set_password
from ortes_db.router.shards import read_shard
from ortes_db.server import Server, embedded_server
from tests.hub import Connection, one, rows

pytestmark = pytest.mark.once

# The password of each, here and on the shards. What is nasty in them must stay one word to libpq.
PASSWORDS = {
    "shop": "'; host=/nowhere user='postgres",
    "rival": "ri\\val'",
    "ops": "o p s",
    'it\'s "me" user=postgres': "x",
}
NASTY = 'it\'s "me" user=postgres'
HBA = """
local all postgres trust
local router all trust
local all all scram-sha-256
"""


class Guarded:
    """Router and shards of one server, which lets nobody but the superuser into a shard without a password."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def connect(self, login: str = "postgres", dbname: str = "router") -> Connection:
        return psycopg.connect(
            make_conninfo(self.server.dsn(dbname, login), password=PASSWORDS.get(login, "")), autocommit=True
        )


@pytest.fixture(scope="module")
def guarded(router_server: Server) -> Iterator[Guarded]:
    with embedded_server("15") as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            for name in ("router", "s0", "s1"):
                connection.execute(f"CREATE DATABASE {name}")
        for name in ("s0", "s1"):
            deploy(server.dsn(name))
        deploy_router(server.dsn("router"), [read_shard(server.dsn(name)) for name in ("s0", "s1")])
        here = Guarded(server)
        with here.connect() as dba:
            for login, password in PASSWORDS.items():
                role = "ortes_ops" if login == "ops" else "ortes_store"
                dba.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE {}").format(
                        sql.Identifier(login), sql.Literal(password), sql.Identifier(role)
                    )
                )
                for azi, acts in (("C1", "shop"), ("C2", "rival"), ("C3", NASTY)):
                    dba.execute("SELECT ortes_ops.create_company(%s)", (azi,))
                    if acts == login:
                        dba.execute("SELECT ortes_ops.grant_access(%s, %s)", (login, azi))
            (server.data_dir / "pg_hba.conf").write_text(HBA)
            dba.execute("SELECT pg_reload_conf()")
        for login, password in PASSWORDS.items():
            assert set_password(server.dsn("router"), login, password) == []
        yield here


def acts_for(connection: Connection) -> set[str]:
    """The companies that a session's calls get through for. The others are refused, to the very login."""
    said = {}
    for azi in ("C1", "C2", "C3"):
        try:
            connection.execute("SELECT ortes_store.save_order(%s, 1)", (azi,))
            said[azi] = None
        except psycopg.Error as error:
            said[azi] = error.sqlstate
    assert set(said.values()) <= {None, "OR003"}, said
    return {azi for azi, code in said.items() if code is None}


def test_each_login_acts_for_its_own_company(guarded: Guarded) -> None:
    for login, azi in (("shop", "C1"), ("rival", "C2"), (NASTY, "C3")):
        with guarded.connect(login) as connection:
            assert acts_for(connection) == {azi}
            with pytest.raises(psycopg.Error, match="may not act") as caught:
                connection.execute("SELECT ortes_store.save_order('NOWHERE', 1)")
            name = one(connection, "SELECT quote_literal(session_user)")
            assert caught.value.diag.message_detail == f"Login {name}, company 'NOWHERE'."
    with guarded.connect("ops") as ops:
        assert {azi for (azi,) in rows(ops, "SELECT azi FROM ortes_ops.status")} == {"C1", "C2", "C3"}


def test_another_s_role_or_rights_are_not_its_identity(guarded: Guarded) -> None:
    """A member of another login, a definer function of the superuser's, and settings of the session."""
    with guarded.connect() as dba, guarded.connect("shop") as shop:
        dba.execute("GRANT rival TO shop")
        dba.execute(
            "CREATE FUNCTION public.as_dba(text) RETURNS bigint LANGUAGE sql SECURITY DEFINER "
            "AS 'SELECT ortes_store.save_order($1, 7)'"
        )
        try:
            shop.execute("SET ROLE rival")
            assert acts_for(shop) == {"C1"}
            shop.execute("RESET ROLE")
            assert one(shop, "SELECT public.as_dba('C1')")
            with pytest.raises(psycopg.Error, match="may not act") as caught:
                shop.execute("SELECT public.as_dba('C2')")
            assert caught.value.sqlstate == "OR003"
            for statement in (
                "SET SESSION AUTHORIZATION rival",
                "SET SESSION AUTHORIZATION postgres",
                "SET ROLE ortes_owner",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    shop.execute(statement)
        finally:
            dba.execute("DROP FUNCTION public.as_dba(text)")
            dba.execute("REVOKE rival FROM shop")


def switches(dba: Connection) -> list[set[str]]:
    """For whom calls get through, of one session that its superuser turns into one login after the other."""
    found = []
    for login in ("shop", "rival", "shop"):
        dba.execute(f"SET SESSION AUTHORIZATION {login}")
        found.append(acts_for(dba))
        dba.execute("RESET SESSION AUTHORIZATION")
    return found


def test_a_session_s_connections_are_of_one_login_each(guarded: Guarded) -> None:
    with guarded.connect() as dba:
        assert switches(dba) == [{"C1"}, {"C2"}, {"C1"}]


WRONG = {
    "connections kept under one name": (
        "ortes_router.cluster()",
        "CREATE OR REPLACE FUNCTION ortes_router.cluster() RETURNS text LANGUAGE sql AS $$ SELECT 'ortes'::text $$",
    ),
    "the owner of the doors instead of the session's login": (
        "ortes_router.cluster()",
        "CREATE OR REPLACE FUNCTION ortes_router.cluster() RETURNS text LANGUAGE sql AS $$ SELECT 'ortes ' || current_user::text $$",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_these_tests_would_notice(guarded: Guarded, wrong: str) -> None:
    signature, variant = WRONG[wrong]
    with guarded.connect() as dba:
        right = one(dba, "SELECT pg_get_functiondef(%s::regprocedure)", signature)
        dba.execute(variant)
        try:
            with guarded.connect() as other, pytest.raises(AssertionError):
                assert switches(other) == [{"C1"}, {"C2"}, {"C1"}]
        finally:
            dba.execute(right)


FORBIDDEN = [
    "SELECT ortes_router.shard_of('C2')",
    "SELECT ortes_router.cluster()",
    "SELECT plproxy.get_cluster_partitions('ortes rival')",
    "SELECT plproxy.get_cluster_partitions('ortes shop')",
    "SELECT ortes_router.\"ortes_store.save_order\"('C2', 1, 0, NULL, NULL)",
    "SELECT ortes_router.company_at(0, 'C1')",
    "SELECT * FROM ortes_router.login",
    "SELECT * FROM ortes_router.company",
    "SELECT * FROM ortes_router.shard",
    "UPDATE ortes_router.company SET shard = 's1'",
    "SELECT ortes.check_azi('C1')",
    "SELECT ortes_erp.pending('C1')",
    "SELECT ortes_ops.create_company('C9')",
    "SELECT ortes_ops.create_company_on('C9', 's0')",
    "SELECT * FROM ortes_ops.status",
    "SELECT * FROM ortes_ops.shards",
    "CREATE FUNCTION pg_temp.mine() RETURNS text LANGUAGE plproxy AS $$ CONNECT 'dbname=s0 user=postgres'; SELECT 1; $$",
    "CREATE SERVER mine FOREIGN DATA WRAPPER plproxy OPTIONS (p0 'dbname=s0')",
    "CREATE USER MAPPING FOR CURRENT_USER SERVER mine OPTIONS (user 'postgres')",
    "CREATE OR REPLACE FUNCTION ortes_router.cluster() RETURNS text LANGUAGE sql AS $$ SELECT 'ortes rival' $$",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
def test_nobody_gets_behind_the_doors(guarded: Guarded, statement: str) -> None:
    with guarded.connect("shop") as shop, pytest.raises(psycopg.Error) as caught:
        shop.execute(statement)
    assert caught.value.sqlstate in ("42501", "42704"), caught.value


def test_what_a_session_puts_in_the_way_is_not_used(guarded: Guarded) -> None:
    """Its own functions, operators' schemas and tables, first in its search_path."""
    with guarded.connect("shop") as shop:
        shop.execute("CREATE TEMP TABLE company (azi text, shard text)")
        shop.execute("CREATE TEMP TABLE login AS SELECT 'shop'::text AS name, 'x'::text AS password")
        for signature in ("shard_of(text, integer)", "hashtext(text)", "cluster()", "quote_literal(text)"):
            shop.execute(f"CREATE FUNCTION pg_temp.{signature} RETURNS integer LANGUAGE sql AS 'SELECT 1'")
        shop.execute("SET search_path = pg_temp, ortes_router, plproxy, pg_catalog")
        assert acts_for(shop) == {"C1"}


def test_without_the_right_password_a_shard_lets_nobody_in_and_no_password_is_shown(guarded: Guarded) -> None:
    with guarded.connect() as dba, guarded.connect("shop") as shop:
        kept = one(dba, "DELETE FROM ortes_router.login WHERE name = 'shop' RETURNING password")
        for password in (None, "not s3cret", "' user='postgres"):
            if password is not None:
                dba.execute("DELETE FROM ortes_router.login WHERE name = 'shop'")
                dba.execute("INSERT INTO ortes_router.login (name, password) VALUES ('shop', %s)", (password,))
            with pytest.raises(psycopg.Error) as caught:
                shop.execute("SELECT ortes_store.save_order('C1', 1)")
            assert caught.value.sqlstate == "08001"
            assert "s3cret" not in str(caught.value)
            assert "password" in (caught.value.diag.message_detail or "")
        dba.execute("UPDATE ortes_router.login SET password = %s WHERE name = 'shop'", (kept,))
        # In the very next call, on the same connection.
        assert acts_for(shop) == {"C1"}


def test_a_login_that_is_taken_off_a_shard_is_out(guarded: Guarded) -> None:
    with guarded.connect() as dba, closing(guarded.connect("shop")) as shop:
        assert acts_for(shop) == {"C1"}
        dba.execute("SELECT ortes_ops.revoke_access('shop', 'C1')")
        assert acts_for(shop) == set()
        dba.execute("SELECT ortes_ops.grant_access('shop', 'C1')")
        assert acts_for(shop) == {"C1"}
