"""`ortes router deploy`: what the shards offer, as they offer it, again and again; and what it refuses."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import psycopg
import pytest

from ortes_db.deploy import deploy
from ortes_db.router.catalogue import ROLES
from ortes_db.router.deploy import deploy_router
from ortes_db.router.shards import read_shard
from ortes_db.tree import DeployError
from tests.hub import Connection, one, rows
from tests.router.conftest import SHARDS, Cluster

pytestmark = pytest.mark.once

OFFERED = """
SELECT p.pronamespace::regnamespace::text, p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
    (SELECT array_agg(r.rolname::text ORDER BY r.rolname) FROM pg_roles AS r
     WHERE r.rolname = ANY (%s) AND has_function_privilege(r.oid, p.oid, 'EXECUTE')),
    p.prosecdef, pg_get_userbyid(p.proowner), obj_description(p.oid, 'pg_proc')
FROM pg_proc AS p
WHERE p.pronamespace::regnamespace::text ~ '^ortes_(store|app|erp|ops)$' AND p.proname NOT LIKE 'create_company%%'
ORDER BY 1, 2, 3
"""
USED = """
SELECT r.rolname, n.nspname FROM pg_roles AS r CROSS JOIN pg_namespace AS n
WHERE r.rolname = ANY (%s) AND n.nspname LIKE 'ortes%%' AND has_schema_privilege(r.oid, n.oid, 'USAGE') ORDER BY 1, 2
"""
READ = """
SELECT r.rolname, c.oid::regclass::text FROM pg_roles AS r CROSS JOIN pg_class AS c
WHERE r.rolname = ANY (%s) AND c.relnamespace = 'ortes_ops'::regnamespace AND c.relkind = 'v'
    AND c.relname NOT IN ('orders', 'shards') AND has_table_privilege(r.oid, c.oid, 'SELECT') ORDER BY 1, 2
"""
MADE = "SELECT p.oid, p.oid::regprocedure::text FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^ortes_' ORDER BY 1"


def redeploy(cluster: Cluster) -> list[str]:
    return deploy_router(cluster.dsn()).dropped


@pytest.mark.parametrize("query", [OFFERED, USED, READ], ids=["doors", "schemas", "views"])
def test_router_and_shard_offer_the_same_to_the_same(cluster: Cluster, query: str) -> None:
    router, shard = (cluster.connect(part=part) for part in ("router", "s0"))
    offered = rows(router, query, list(ROLES))
    assert offered == rows(shard, query, list(ROLES))
    assert len(offered) >= 5


def test_a_repeat_leaves_every_function_what_it_is(cluster: Cluster) -> None:
    before = rows(cluster.connect(), MADE)
    assert redeploy(cluster) == []
    assert rows(cluster.connect(), MADE) == before


@contextmanager
def on_both(cluster: Cluster) -> Iterator[list[Connection]]:
    yield [cluster.connect(part=shard) for shard in SHARDS]


def test_what_the_shards_change_the_router_changes(cluster: Cluster) -> None:
    cluster.company("C1", "s1")
    caller = cluster.connect()
    with on_both(cluster) as shards:
        for shard in shards:
            shard.execute(
                "CREATE FUNCTION ortes_erp.extra(p_azi text, p_n integer = 2) RETURNS bigint LANGUAGE sql RETURN p_n"
            )
            shard.execute("GRANT EXECUTE ON FUNCTION ortes_erp.extra TO ortes_erp")
            shard.execute("DROP VIEW ortes_ops.backlog")
            shard.execute("CREATE VIEW ortes_ops.backlog AS SELECT 'C1'::text AS azi, 7 AS more")
        assert redeploy(cluster) == ["ortes_ops.backlog, to be made with other columns or results"]
        assert one(caller, "SELECT ortes_erp.extra('C1')") == 2
        assert rows(caller, "SELECT azi, more, shard FROM ortes_ops.backlog") == [("C1", 7, "s1")]
        for shard in shards:
            shard.execute("DROP FUNCTION ortes_erp.extra")
            shard.execute(
                "CREATE FUNCTION ortes_erp.extra(p_azi text, p_m integer) RETURNS TABLE (n text) LANGUAGE sql RETURN p_m"
            )
            shard.execute("ALTER TYPE ortes.orders ADD ATTRIBUTE more text CASCADE")
        dropped = redeploy(cluster)
        assert [name.partition(",")[0] for name in dropped] == ["ortes.orders", "ortes_erp.extra"]
        assert rows(cluster.connect(), "SELECT * FROM ortes_erp.extra('C1', 3)") == [("3",)]
        assert "more" in [
            c.name for c in cluster.connect().execute("SELECT * FROM ortes_erp.pending('C1') LIMIT 0").description or ()
        ]
        for shard in shards:
            shard.execute("DROP FUNCTION ortes_erp.extra")
            shard.execute("DROP VIEW ortes_ops.backlog")
        assert redeploy(cluster) == ["view ortes_ops.backlog", "function ortes_erp.extra(text,integer)"]


def test_one_shard_more_while_the_router_is_in_use(cluster: Cluster) -> None:
    for number in range(4):
        cluster.company(f"C{number}")
    caller = cluster.connect()
    assert one(caller, "SELECT ortes_store.save_order('C0', 1)") == 1
    name = f"more_{cluster.names['router']}"
    cluster.names["more"] = name
    with psycopg.connect(cluster.server.dsn(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    deploy(cluster.dsn("more"))
    with cluster.connect(part="more") as hub:
        hub.execute("SELECT ortes_ops.create_company('OLD')")
    result = deploy_router(cluster.dsn(), [read_shard(f"more={cluster.dsn('more')}")])
    assert (result.shards, result.companies) == (["s0", "s1", "more"], 1)
    cluster.company("C4")
    assert rows(caller, "SELECT azi FROM ortes_router.company WHERE shard = 'more' ORDER BY 1") == [("C4",), ("OLD",)]
    for azi in ("OLD", "C4", "C0"):
        assert one(caller, f"SELECT ortes_store.save_order('{azi}', 1)") == 1


def test_a_company_that_two_shards_have_needs_somebody_to_say_which(cluster: Cluster) -> None:
    with on_both(cluster) as shards:
        for shard in shards:
            shard.execute("SELECT ortes_ops.create_company('BOTH')")
    with pytest.raises(DeployError, match="BOTH is on shard s0 and on shard s1"):
        redeploy(cluster)
    cluster.connect().execute("INSERT INTO ortes_router.company (azi, shard) VALUES ('BOTH', 's1')")
    assert deploy_router(cluster.dsn()).stray == ["BOTH on s0"]
    assert rows(cluster.connect(), "SELECT azi, shard FROM ortes_ops.status") == [("BOTH", "s1")]


def test_shards_at_different_releases_are_refused_and_nothing_is_changed(cluster: Cluster) -> None:
    before = rows(cluster.connect(), MADE)
    with cluster.connect(part="s1") as shard:
        shard.execute("UPDATE ortes_deploy.object SET file_sha256 = 'x' WHERE file = 'ortes/check_azi.sql'")
        shard.execute("DROP FUNCTION ortes_ops.order_history")
    with pytest.raises(DeployError, match=r"different releases \(s0; s1\)") as caught:
        redeploy(cluster)
    assert caught.value.exit_code == 2
    assert rows(cluster.connect(), MADE) == before


def test_an_error_in_the_middle_leaves_the_router_as_it_was(cluster: Cluster) -> None:
    before = rows(cluster.connect(), MADE)
    cluster.connect().execute("CREATE VIEW public.mine AS SELECT * FROM ortes_ops.backlog")
    with on_both(cluster) as shards:
        for shard in shards:
            shard.execute("DROP VIEW ortes_ops.backlog")
    with pytest.raises(DeployError, match=r"public\.mine depends on view ortes_ops\.backlog\. Nothing was changed"):
        redeploy(cluster)
    assert rows(cluster.connect(), MADE) == before


def test_a_shard_that_is_down_is_named_and_can_be_skipped(cluster: Cluster) -> None:
    cluster.stop("s1")
    with pytest.raises(DeployError, match="shard s1 cannot be reached") as caught:
        redeploy(cluster)
    assert caught.value.exit_code == 1
    assert deploy_router(cluster.dsn(), skip=["s1"]).shards == ["s0", "s1 (skipped)"]
    with pytest.raises(DeployError, match="no such shard"):
        deploy_router(cluster.dsn(), skip=["s9"])
    cluster.start("s1")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nonsense", "not a connection string"),
        ("s1=nonsense", "not a connection string"),
        ("dbname=hub", "host missing"),
        ("host=a", "dbname missing"),
        ("service=x", "service"),
    ],
)
def test_an_address_that_says_nothing_to_the_router_is_refused(given: str, says: str) -> None:
    with pytest.raises(DeployError, match=says):
        read_shard(given)


def test_what_the_router_keeps_of_an_address_is_no_secret() -> None:
    kept = read_shard("east=postgresql://dba:s3cret@h:5433/hub?sslmode=require&connect_timeout=3").options
    assert {"host=h", "port=5433", "dbname=hub", "sslmode=require"} <= set(kept.split())
    assert not any(secret in kept for secret in ("s3cret", "dba", "connect_timeout"))


def test_a_shard_is_named_like_its_database_or_as_told() -> None:
    assert read_shard("host=h dbname=hub_a").name == "hub_a"
    assert read_shard("postgresql://h/hub_b").name == "hub_b"
    assert read_shard("east=postgresql://h/hub_b").name == "east"
    assert read_shard("east=host=h dbname=hub_b").name == "east"


def test_what_is_no_router_s_place(cluster: Cluster) -> None:
    shard = read_shard(cluster.dsn("s0"))
    with pytest.raises(DeployError, match="is a hub itself"):
        deploy_router(cluster.dsn("s1"), [shard])
    with pytest.raises(DeployError, match="one and the same database"):
        deploy_router(cluster.dsn(), [read_shard(f"again={cluster.dsn('s0')}")])
    with pytest.raises(DeployError, match="two shards named"):
        deploy_router(cluster.dsn(), [shard, shard])
    with pytest.raises(DeployError, match="not deployed there"):
        deploy_router(cluster.dsn(), [read_shard(cluster.server.dsn("postgres"))])
    cluster.connect().execute("DELETE FROM ortes_router.shard")
    with pytest.raises(DeployError, match="no shard"):
        redeploy(cluster)


def test_a_router_is_no_place_for_a_hub(cluster: Cluster) -> None:
    with pytest.raises(DeployError, match="this database is a router"):
        deploy(cluster.dsn())
    assert rows(cluster.connect(), "SELECT FROM pg_namespace WHERE nspname = 'ortes_deploy'") == []


def test_nobody_notices_a_deploy_of_the_router(cluster: Cluster) -> None:
    cluster.company("C1")
    caller, done = cluster.connect(), Event()

    def call() -> int:
        calls = 0
        while not done.is_set():
            calls += 1
            assert one(caller, "SELECT ortes_store.save_order('C1', %s)", calls) == calls
            assert len(rows(caller, "SELECT * FROM ortes_erp.pending('C1', 1)")) == 1
            assert len(rows(caller, "SELECT * FROM ortes_ops.backlog")) == 1
        return calls

    with ThreadPoolExecutor(1) as pool:
        calling = pool.submit(call)
        try:
            for _ in range(3):
                redeploy(cluster)
        finally:
            done.set()
        assert calling.result() > 3


def test_a_router_of_before_gets_its_new_columns_and_only_then_locks_callers_out(cluster: Cluster) -> None:
    cluster.company("C1")
    cluster.connect().execute("ALTER TABLE ortes_router.shard DROP COLUMN hangs_since CASCADE")
    redeploy(cluster)
    caller = cluster.connect(autocommit=False)
    assert one(caller, "SELECT ortes_store.save_order('C1', 1)") == 1
    assert rows(caller, "SELECT name, hangs_since FROM ortes_ops.shards ORDER BY 1") == [("s0", None), ("s1", None)]
    redeploy(cluster)  # past a transaction that goes on
    caller.commit()


def test_what_a_dba_has_set_for_the_database_stays(cluster: Cluster) -> None:
    dba = cluster.connect()
    name = cluster.names["router"]
    shown = "SELECT current_setting('statement_timeout'), current_setting('client_connection_check_interval')"
    redeploy(cluster)
    assert rows(cluster.connect(), shown) == [("30s", "2s")]
    dba.execute(f"ALTER DATABASE {name} SET client_connection_check_interval = 0")
    dba.execute(f"ALTER DATABASE {name} RESET statement_timeout")
    redeploy(cluster)
    assert rows(cluster.connect(), shown) == [("30s", "0")]


def test_it_takes_a_superuser(cluster: Cluster) -> None:
    login = cluster.login("ortes_ops")
    with pytest.raises(DeployError, match=f"role {login} is no superuser"):
        deploy_router(cluster.dsn(login=login))


def test_who_does_not_get_through_yet_is_named(cluster: Cluster) -> None:
    login = cluster.login("ortes_store")
    assert any(f"ortes router login {login}" in text for text in deploy_router(cluster.dsn()).todo)


def test_no_rule_of_the_hub_is_written_twice() -> None:
    """The router's own SQL words none of the OR errors: it uses the hub's."""
    own = Path(deploy_router.__code__.co_filename).with_name("sql")
    for file in own.rglob("*.sql"):
        assert "ERRCODE = 'OR" not in file.read_text(encoding="utf-8"), file
