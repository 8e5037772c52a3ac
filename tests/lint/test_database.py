"""What is checked of every object in the database, so that a new one cannot be forgotten."""

import os

import pytest

from tests.hub import Hub, one, rows

SCHEMAS = "^ortes(_(store|app|erp|ops))?$"
OURS = f"pronamespace::regnamespace::text ~ '{SCHEMAS}'"


def test_everything_has_a_comment(hub: Hub) -> None:
    query = f"""
        SELECT p.oid::regprocedure::text FROM pg_proc AS p
        WHERE {OURS} AND obj_description(p.oid, 'pg_proc') IS NULL
        UNION ALL
        SELECT c.oid::regclass::text FROM pg_class AS c
        WHERE c.relnamespace::regnamespace::text ~ '{SCHEMAS}' AND c.relkind IN ('r', 'v', 'm', 'S')
            AND obj_description(c.oid, 'pg_class') IS NULL
        UNION ALL
        SELECT c.oid::regclass || '.' || a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE c.relnamespace::regnamespace::text ~ '{SCHEMAS}' AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
            AND col_description(c.oid, a.attnum) IS NULL
        UNION ALL
        SELECT t.tgrelid::regclass || ' ' || t.tgname FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace::regnamespace::text ~ '{SCHEMAS}' AND NOT t.tgisinternal
            AND obj_description(t.oid, 'pg_trigger') IS NULL
        UNION ALL
        SELECT n.nspname FROM pg_namespace AS n
        WHERE n.nspname ~ '{SCHEMAS}' AND obj_description(n.oid, 'pg_namespace') IS NULL
    """
    assert rows(hub.dba, query) == []


def test_every_door_is_security_definer_with_its_search_path_pinned(hub: Hub) -> None:
    query = """
        SELECT p.oid::regprocedure::text FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text ~ '^ortes_'
            AND NOT (p.prosecdef AND 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig))
    """
    assert rows(hub.dba, query) == []


def test_nothing_but_the_doors_is_security_definer(hub: Hub) -> None:
    assert (
        rows(
            hub.dba,
            "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE pronamespace = 'ortes'::regnamespace AND prosecdef",
        )
        == []
    )


def test_the_public_may_execute_and_read_nothing(hub: Hub) -> None:
    functions = (
        f"SELECT p.oid::regprocedure::text FROM pg_proc AS p, aclexplode(p.proacl) AS a WHERE {OURS} AND a.grantee = 0"
    )
    assert rows(hub.dba, functions) == []
    assert rows(hub.dba, f"SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE {OURS} AND p.proacl IS NULL") == []
    relations = "SELECT c.oid::regclass::text FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE a.grantee = 0 AND {}"
    assert rows(hub.dba, relations.format(f"c.relnamespace::regnamespace::text ~ '{SCHEMAS}'")) == []


def test_everything_belongs_to_ortes_owner_who_cannot_log_in(hub: Hub) -> None:
    query = f"""
        SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE {OURS} AND p.proowner <> 'ortes_owner'::regrole
        UNION ALL
        SELECT c.oid::regclass::text FROM pg_class AS c
        WHERE c.relnamespace::regnamespace::text ~ '{SCHEMAS}' AND c.relowner <> 'ortes_owner'::regrole
        UNION ALL
        SELECT n.nspname FROM pg_namespace AS n WHERE n.nspname ~ '{SCHEMAS}' AND n.nspowner <> 'ortes_owner'::regrole
        UNION ALL
        SELECT r.rolname FROM pg_roles AS r
        WHERE r.rolname IN ('ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor', 'ortes_owner')
            AND (r.rolcanlogin OR r.rolsuper)
    """
    assert rows(hub.dba, query) == []


def test_every_parameter_says_so(hub: Hub) -> None:
    query = f"""
        SELECT p.oid::regprocedure::text, name FROM pg_proc AS p, unnest((p.proargnames)[1:p.pronargs]) AS name
        WHERE {OURS} AND name NOT LIKE 'p\\_%'
    """
    assert rows(hub.dba, query) == []


def test_what_writes_is_volatile_and_what_reads_is_stable(hub: Hub) -> None:
    query = """
        SELECT p.proname::text, array_agg(DISTINCT p.provolatile::text) FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text ~ '^ortes_' AND p.provolatile <> 'v' GROUP BY p.proname ORDER BY 1
    """
    assert rows(hub.dba, query) == [
        (name, ["s"])
        for name in (
            "changes",
            "count_history",
            "find_order",
            "history",
            "order_history",
            "order_readers",
            "pending",
            "position",
        )
    ]


def test_plpgsql_check_finds_nothing_not_even_a_warning(hub: Hub) -> None:
    if not one(hub.dba, "SELECT count(*) FROM pg_available_extensions WHERE name = 'plpgsql_check'"):
        reason = "plpgsql_check is missing (Debian: postgresql-15-plpgsql-check)"
        if os.environ.get("CI") == "true" and hub.dba.info.server_version // 10000 == 15:
            pytest.fail(reason)
        pytest.skip(reason)
    hub.dba.execute("CREATE EXTENSION plpgsql_check")
    query = f"""
        SELECT p.oid::regprocedure || coalesce(' on ' || nullif(t.tgrelid, 0)::regclass, ''), c.*
        FROM pg_proc AS p
        JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
        LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid AND NOT t.tgisinternal
        CROSS JOIN LATERAL plpgsql_check_function(
            p.oid, coalesce(t.tgrelid, 0), format => 'text', fatal_errors => false, extra_warnings => true,
            performance_warnings => true, security_warnings => true, compatibility_warnings => true,
            oldtable => t.tgoldtable, newtable => t.tgnewtable) AS c
        WHERE {OURS} AND c !~ 'never read variable "v_none"' AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
    """
    assert rows(hub.dba, query) == []
