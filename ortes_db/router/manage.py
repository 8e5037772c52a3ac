"""What a DBA does with a router between deploys: a login's password for the shards, a shard's settings, a shard's end."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from ortes_db.hub import connection_parameters, one_line, unreachable_is_said
from ortes_db.router.shards import read_address
from ortes_db.router.status import is_router
from ortes_db.tree import DeployError

# Who has a company of the shard (shard_of), or has asked it (open_part), and a statement under way. A superuser's session
# is a superuser's to end.
_END_CALLS = """
SELECT pg_terminate_backend(a.pid)
FROM pg_stat_activity AS a
INNER JOIN pg_roles AS r ON a.usesysid = r.oid
INNER JOIN pg_roles AS me ON me.rolname = current_user
WHERE a.state = 'active' AND a.pid <> pg_backend_pid() AND a.datname = current_database() AND me.rolsuper >= r.rolsuper
    AND a.pid IN (
        SELECT l.pid FROM pg_locks AS l
        WHERE l.locktype = 'advisory' AND l.granted AND l.database = a.datid AND (l.classid::bigint, l.objid::bigint) IN (
            SELECT 1330795589, hashtext(c.azi)::bigint & 4294967295 FROM ortes_router.company AS c WHERE c.shard = %(shard)s
            UNION ALL
            SELECT 1330795336, s.part FROM ortes_router.shard AS s WHERE s.name = %(shard)s
        )
    )
"""
_LACKING = """
SELECT current_user, array(
    SELECT r.name FROM unnest(ARRAY['ortes_owner', 'pg_signal_backend', 'pg_read_all_stats']) AS r (name)
    WHERE NOT pg_has_role(r.name, 'USAGE'))
"""


def connect_router(dsn: str) -> psycopg.Connection[Any]:
    """A session of the router's database, in autocommit. Raises DeployError."""
    parameters = connection_parameters(dsn)
    with unreachable_is_said(parameters):
        connection = psycopg.connect(**parameters, autocommit=True)
    if not is_router(connection):
        connection.close()
        raise DeployError("this database is no router: make it one with `ortes router deploy`")
    return connection


def set_password(dsn: str, login: str, password: str) -> list[str]:
    """Keep a login's password for the shards; returns, from this machine, which shards it does not open, and why."""
    with connect_router(dsn) as router:
        if router.execute("SELECT to_regrole(quote_ident(%s)) IS NULL", (login,)).fetchone() == (True,):
            raise DeployError(f"there is no login {login} on the router")
        _changed(
            router,
            "INSERT INTO ortes_router.login AS l (name, password) VALUES (%s, %s) "
            "ON CONFLICT (name) DO UPDATE SET password = excluded.password, set_at = now()",
            (login, password),
        )
        rows = router.execute("SELECT s.name, s.options FROM ortes_router.shard AS s ORDER BY s.part").fetchall()
    return [said for name, options in rows if (said := _closed_to(name, options, login, password))]


def _closed_to(name: str, options: str, login: str, password: str) -> str | None:
    try:
        psycopg.connect(make_conninfo(options, user=login, password=password, connect_timeout=5)).close()
    except psycopg.OperationalError as error:
        return f"{name}: {one_line(error)}"
    return None


def forget_password(dsn: str, login: str) -> bool:
    """Forget a login's password; whether there was one."""
    with connect_router(dsn) as router:
        return _changed(router, "DELETE FROM ortes_router.login AS l WHERE l.name = %s", (login,)) > 0


def set_shard(dsn: str, name: str, settings: Mapping[str, Any]) -> None:
    """Change a shard's `accepts`, `closed`, `weight` or `options` (its address). Who opens or closes it has looked at it:
    then it does not count as hanging any more.
    """
    values = dict(settings)
    if "closed" in values:
        values["hangs_since"] = None
    if "options" in values:
        values["options"] = read_address(values["options"])
    assignments = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(column)) for column in values)
    query = sql.SQL("UPDATE ortes_router.shard AS s SET {} WHERE s.name = %s").format(assignments)
    with connect_router(dsn) as router:
        if not _changed(router, query, (*values.values(), name)):
            raise DeployError(f"there is no shard {name}")


def end_calls(dsn: str, name: str) -> int:
    """End the router's sessions that wait for an answer of a shard; returns how many. Their callers lose the connection."""
    with connect_router(dsn) as router:
        return end_calls_at(router, name)


def end_calls_at(router: psycopg.Connection[Any], name: str) -> int:
    """The same, where there is a connection. Raises DeployError."""
    check_may_end_calls(router)
    return len(router.execute(_END_CALLS, {"shard": name}).fetchall())


def check_may_end_calls(router: psycopg.Connection[Any]) -> None:
    """Who may not see what sessions do would find none. Raises DeployError."""
    user, lacking = router.execute(_LACKING).fetchone() or ("", [])
    if lacking:
        raise DeployError(f"role {user} may not end the calls of a shard: GRANT {', '.join(lacking)} TO {user}")


def remove_shard(dsn: str, name: str) -> None:
    """Forget a shard on which no company lives."""
    with connect_router(dsn) as router:
        try:
            if not _changed(router, "DELETE FROM ortes_router.shard AS s WHERE s.name = %s", (name,)):
                raise DeployError(f"there is no shard {name}")
        except psycopg.errors.ForeignKeyViolation:
            row = router.execute(
                "SELECT count(*) FROM ortes_router.company AS c WHERE c.shard = %s", (name,)
            ).fetchone()
            left = row[0] if row else 0
            raise DeployError(
                f"shard {name} is still needed: {left} companies live on it. Move them first (ortes router move)"
                if left
                else f"shard {name} is still needed: a company's move to or from it is not finished"
            ) from None


def _changed(router: psycopg.Connection[Any], query: str | sql.Composed, given: tuple[Any, ...]) -> int:
    try:
        return router.execute(query, given).rowcount
    except psycopg.errors.InsufficientPrivilege:
        user = router.info.user
        raise DeployError(f"role {user} may not change the router: GRANT ortes_owner TO {user}") from None
