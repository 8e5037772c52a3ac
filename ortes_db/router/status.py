"""`ortes router status`: do all shards answer, at the release that the router's doors were made from, and untouched?"""

from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import class_row

from ortes_db.hub import connection_parameters, unreachable_is_said
from ortes_db.manifest import SESSION
from ortes_db.tree import DeployError

# Of everything that a deploy of the router makes: what it does, whose it is, who may use it.
FINGERPRINT = """
SELECT md5(string_agg(o.said, E'\\n' ORDER BY o.said))
FROM (
    SELECT concat_ws(' ', p.oid::regprocedure, md5(pg_get_functiondef(p.oid)), p.proowner::regrole, a.acl)
    FROM pg_proc AS p
    CROSS JOIN LATERAL (SELECT string_agg(e::text, ' ' ORDER BY e::text) AS acl FROM unnest(p.proacl) AS e) AS a
    WHERE p.pronamespace::regnamespace::text ~ '^(ortes|plproxy)' AND p.prokind = 'f'
    UNION ALL
    SELECT concat_ws(' ', c.oid::regclass, md5(pg_get_viewdef(c.oid)), c.relowner::regrole, a.acl)
    FROM pg_class AS c
    CROSS JOIN LATERAL (SELECT string_agg(e::text, ' ' ORDER BY e::text) AS acl FROM unnest(c.relacl) AS e) AS a
    WHERE c.relnamespace::regnamespace::text ~ '^ortes' AND c.relkind = 'v'
) AS o (said)
"""
_SHARDS = """
SELECT s.name, s.up, s.error, s.accepts, s.closed, s.weight, s.companies, s.server_version, r.release, s.options,
    s.hangs_since::text
FROM ortes_ops.shards AS s
LEFT JOIN ortes_router."ortes_ops.release everywhere"() AS r ON s.name = r.shard
ORDER BY s.name
"""


@dataclass
class ShardStatus:
    """One shard, as it answers now."""

    name: str
    up: bool
    error: str | None
    accepts: bool
    closed: bool
    weight: float
    companies: int
    server_version: str | None
    release: str | None
    options: str
    hangs_since: str | None


@dataclass
class RouterStatus:
    """The router beside its shards. `release`: what its doors were made from."""

    database: str
    server: str
    release: str
    made_at: str
    changed_by_hand: bool
    shards: list[ShardStatus] = field(default_factory=list)
    # Moves of companies that are not finished, as "company from source to target (step)".
    moves: list[str] = field(default_factory=list)

    @property
    def other_release(self) -> list[str]:
        """Shards that answer, at another release than the router's doors are for."""
        return [one.name for one in self.shards if one.up and one.release != self.release]

    @property
    def good(self) -> bool:
        return not (self.changed_by_hand or self.other_release or any(not one.up for one in self.shards))


def is_router(connection: psycopg.Connection[Any]) -> bool:
    """Whether this database is a router."""
    return connection.execute("SELECT to_regclass('ortes_router.made') IS NOT NULL").fetchone() == (True,)


def router_status(dsn: str) -> RouterStatus:
    """Ask the router and, through it, its shards. Raises DeployError."""
    found = find_router(dsn)
    if found is None:
        raise DeployError("this database is no router: make it one with `ortes router deploy`")
    return found


def find_router(dsn: str) -> RouterStatus | None:
    """The same; None where the database is no router."""
    parameters = connection_parameters(dsn)
    with unreachable_is_said(parameters):
        connection = psycopg.connect(**parameters, autocommit=True)
    with connection:
        if not is_router(connection):
            return None
        try:
            with connection.transaction():
                connection.execute(SESSION)
                return _status(connection)
        except psycopg.errors.InsufficientPrivilege:
            user = connection.info.user
            raise DeployError(f"role {user} may not read the router: GRANT ortes_owner, ortes_ops TO {user}") from None


def _status(connection: psycopg.Connection[Any]) -> RouterStatus:
    release, made_at, same = connection.execute(
        f"SELECT m.release, m.at::text, m.fingerprint = ({FINGERPRINT}) FROM ortes_router.made AS m"
    ).fetchone() or ("", "", False)
    found = RouterStatus(
        connection.info.dbname, connection.info.parameter_status("server_version") or "", release, made_at, not same
    )
    with connection.cursor(row_factory=class_row(ShardStatus)) as cursor:
        found.shards = cursor.execute(_SHARDS).fetchall()
    moves = connection.execute(
        "SELECT format('%s from %s to %s (%s)', m.azi, m.source, m.target, m.step) FROM ortes_router.move AS m ORDER BY m.azi"
    ).fetchall()
    found.moves = [text for (text,) in moves]
    return found
