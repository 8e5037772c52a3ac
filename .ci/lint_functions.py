"""plpgsql_check over every PL/pgSQL function of a fresh installation; any finding, a mere warning too, is an error."""

import os
import sys

import psycopg

from ortes_db.deploy import deploy
from ortes_db.router.deploy import deploy_router
from ortes_db.router.shards import read_shard
from ortes_db.server import ServerError, embedded_server

# Each function, and each trigger function once for every table it is on. What goes into v_none is a call made
# for its effect: PERFORM would start a query for it.
FINDINGS = """
SELECT p.oid::regprocedure || coalesce(' on ' || nullif(t.tgrelid, 0)::regclass, ''), c.*
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
  LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid AND NOT t.tgisinternal
 CROSS JOIN LATERAL plpgsql_check_function(
           p.oid, coalesce(t.tgrelid, 0), format => 'text', fatal_errors => false,
           extra_warnings => true, performance_warnings => true, security_warnings => true,
           compatibility_warnings => true, oldtable => t.tgoldtable, newtable => t.tgnewtable) AS c
 WHERE n.nspname LIKE 'ortes%' AND c !~ 'never read variable "v_none"' AND (p.prorettype <> 'trigger'::regtype OR t.oid IS NOT NULL)
"""
CHECKED = """
SELECT count(*) FILTER (WHERE l.lanname = 'plpgsql'),
       array_agg(p.oid::regprocedure::text) FILTER (
           WHERE p.prorettype = 'trigger'::regtype AND NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgfoid = p.oid))
  FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
 WHERE p.pronamespace::regnamespace::text LIKE 'ortes%'
"""


def main() -> int:
    try:
        with embedded_server("15") as server:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                for name in ("lint", "router"):
                    connection.execute(f"CREATE DATABASE {name}")
                present = dict(connection.execute("SELECT name, true FROM pg_available_extensions").fetchall())
            if "plpgsql_check" not in present:
                return skip("the extension plpgsql_check")
            deploy(server.dsn("lint"))
            found = check(server.dsn("lint"))
            if "plproxy" not in present:
                return skip("the extension plproxy") or found
            deploy_router(server.dsn("router"), [read_shard(server.dsn("lint"))])
            return check(server.dsn("router")) or found
    except ServerError as error:
        return skip(f"PostgreSQL 15 ({error})")


def check(dsn: str) -> int:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION plpgsql_check")
        findings = connection.execute(FINDINGS).fetchall()
        count, unused = connection.execute(CHECKED).fetchone() or (0, None)
        database = connection.info.dbname
    for function, finding in findings:
        print(f"{database}: {function}: {finding}")
    for function in unused or []:
        print(f"{database}: {function}: a trigger function that no trigger uses")
    print(f"plpgsql_check: {database}: {count} functions, {len(findings)} finding(s)")
    return bool(findings or unused or not count)


def skip(missing: str) -> int:
    print(f"plpgsql_check: NOT RUN, {missing} is missing (Debian: postgresql-15-plpgsql-check, postgresql-15-plproxy)")
    return os.environ.get("CI") == "true"


if __name__ == "__main__":
    sys.exit(main())
