"""Logins that could hold a company up: they can use a door, and nothing ends a transaction in which they stall."""

from dataclasses import dataclass
from typing import Any

import psycopg

# What PostgreSQL applies when such a login connects: its own setting for this database, its own, the database's, the
# server's. DBAs are left out: superusers, and who may act as the owner.
_LACKING = """
SELECT r.rolname, s.name
FROM pg_roles AS r
CROSS JOIN (VALUES ('idle_in_transaction_session_timeout'), ('lock_timeout')) AS s (name)
WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT pg_has_role(r.oid, 'ortes_owner', 'MEMBER')
    AND has_database_privilege(r.oid, current_database(), 'CONNECT')
    AND (
        SELECT bool_or(has_schema_privilege(r.oid, n.oid, 'USAGE')) FROM pg_namespace AS n
        WHERE n.nspname IN ('ortes_store', 'ortes_app', 'ortes_erp')
    )
    AND coalesce(
        (
            SELECT split_part(c.setting, '=', 2)
            FROM pg_db_role_setting AS d
            CROSS JOIN unnest(d.setconfig) AS c (setting)
            WHERE d.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                AND d.setrole IN (0, r.oid) AND split_part(c.setting, '=', 1) = s.name
            ORDER BY d.setrole = 0, d.setdatabase = 0
            LIMIT 1
        ),
        (
            SELECT p.setting FROM pg_settings AS p
            WHERE p.name = s.name AND p.source IN ('configuration file', 'command line')
        ),
        '0'
    ) ~ '^0*( ?[a-z]+)?$'
ORDER BY r.rolname, s.name
"""


@dataclass
class Login:
    """A login, and which settings it lacks."""

    name: str
    lacks: list[str]


def unbounded_logins(connection: psycopg.Connection[Any]) -> list[Login]:
    """Logins that can use a door of store, app or ERP, and lack a timeout. The hub has to be deployed here.

    `connection` must not have set the timeouts itself, or the server's own are hidden.
    """
    found: dict[str, Login] = {}
    for name, setting in connection.execute(_LACKING).fetchall():
        found.setdefault(name, Login(name, [])).lacks.append(setting)
    return list(found.values())
