"""What a shard offers, read from its catalogue: doors, views, the types of their results, and who may use them."""

from dataclasses import dataclass
from typing import Any

import psycopg

from ortes_db.manifest import SESSION
from ortes_db.tree import DeployError

SYSTEMS = ("ortes_store", "ortes_app", "ortes_erp", "ortes_ops")

# Of a relation c: its columns; of whatever has an acl: who of the hub's roles may use it.
_COLUMNS = """CROSS JOIN LATERAL (
    SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names,
        array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum) AS types
    FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
) AS a"""
_GRANTEES = """CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(DISTINCT r.rolname::text), '{{}}') AS grantees
    FROM aclexplode(coalesce({acl}, acldefault('{kind}', {owner}))) AS e
    INNER JOIN pg_roles AS r ON e.grantee = r.oid AND e.privilege_type = '{privilege}'
    WHERE r.rolname = ANY (%(roles)s)
) AS g"""
_DOORS = f"""
SELECT n.nspname, p.proname, pg_get_function_arguments(p.oid), pg_get_function_identity_arguments(p.oid),
    oidvectortypes(p.proargtypes), pg_get_function_result(p.oid), p.proretset, p.prorows::integer,
    coalesce(p.proargnames[1:p.pronargs], '{{}}'), obj_description(p.oid, 'pg_proc'), g.grantees
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
{_GRANTEES.format(acl="p.proacl", kind="f", owner="p.proowner", privilege="EXECUTE")}
WHERE n.nspname = ANY (%(systems)s) AND p.prokind = 'f'
ORDER BY n.nspname, p.proname, p.oid
"""
_VIEWS = f"""
SELECT n.nspname, c.relname, a.names, a.types, obj_description(c.oid, 'pg_class'), g.grantees
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
{_COLUMNS}
{_GRANTEES.format(acl="c.relacl", kind="r", owner="c.relowner", privilege="SELECT")}
WHERE n.nspname = ANY (%(systems)s) AND c.relkind = 'v'
ORDER BY n.nspname, c.relname
"""
# Types of our own that a door takes or returns; an element's too, where it is an array. Whoever may use the door may use them.
_TYPES = f"""
SELECT n.nspname, t.typname, a.names, a.types, obj_description(t.oid, 'pg_type'), '{{}}'::text[]
FROM pg_type AS t
INNER JOIN pg_namespace AS n ON t.typnamespace = n.oid
INNER JOIN pg_class AS c ON t.typrelid = c.oid AND c.relkind = 'c'
{_COLUMNS}
WHERE n.nspname LIKE 'ortes%%' AND EXISTS (
    SELECT FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text = ANY (%(systems)s)
        AND (t.oid = p.prorettype OR t.oid = ANY (p.proargtypes) OR t.oid = ANY (p.proallargtypes)))
ORDER BY n.nspname, t.typname
"""
_SCHEMAS = """
SELECT n.nspname, obj_description(n.oid, 'pg_namespace'), coalesce(array_agg(DISTINCT r.rolname::text)
    FILTER (WHERE r.rolname = ANY (%(roles)s)), '{}')
FROM pg_namespace AS n
LEFT JOIN LATERAL aclexplode(n.nspacl) AS a ON a.privilege_type = 'USAGE'
LEFT JOIN pg_roles AS r ON a.grantee = r.oid
WHERE n.nspname = ANY (%(systems)s)
GROUP BY n.oid, n.nspname
ORDER BY n.nspname
"""
# What was deployed, whatever the server's version: of every file its content.
_RELEASE = """
SELECT md5(string_agg(concat_ws(' ', o.kind, o.schema, o.name, o.file_sha256), E'\\n' ORDER BY o.kind, o.schema, o.name))
FROM ortes_deploy.object AS o
"""

_DATABASE = """
SELECT concat_ws('/', s.system_identifier, d.oid) FROM pg_control_system() AS s
INNER JOIN pg_database AS d ON d.datname = current_database()
"""

ROLES = ("ortes_store", "ortes_app", "ortes_erp", "ortes_ops", "ortes_monitor")


@dataclass(frozen=True)
class Named:
    """What a shard offers has a name."""

    schema: str
    name: str

    @property
    def title(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Door(Named):
    """One function. `arguments` with their defaults, `identity` without, `types` alone."""

    arguments: str
    identity: str
    types: str
    result: str
    is_set: bool
    rows: int
    names: list[str]
    comment: str | None
    grantees: list[str]

    @property
    def title(self) -> str:
        return f"{super().title}({self.types})"


@dataclass(frozen=True)
class Columns(Named):
    """A view, or a composite type."""

    names: list[str]
    types: list[str]
    comment: str | None
    grantees: list[str]


@dataclass(frozen=True)
class Catalogue:
    """All that a shard offers. `release` tells its content apart from others', `version` is its name; `database`: which one."""

    release: str
    version: str
    database: str
    schemas: list[tuple[str, str | None, list[str]]]
    doors: list[Door]
    views: list[Columns]
    types: list[Columns]
    companies: list[str]
    logins: list[str]


def read_catalogue(connection: psycopg.Connection[Any], shard: str) -> Catalogue:
    """Read a shard. Raises DeployError when the hub is not deployed there."""
    given = {"roles": list(ROLES), "systems": list(SYSTEMS)}
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(SESSION)
        if connection.execute("SELECT to_regclass('ortes_deploy.object') IS NULL").fetchone() == (True,):
            raise DeployError(f"shard {shard}: the hub is not deployed there; `ortes deploy` it first")
        try:
            release = (connection.execute(_RELEASE).fetchone() or ("",))[0] or ""
            version = (connection.execute("SELECT r.release FROM ortes_ops.release AS r").fetchone() or ("",))[0]
            companies = connection.execute("SELECT c.azi FROM ortes.company AS c ORDER BY c.azi").fetchall()
        except psycopg.errors.InsufficientPrivilege:
            user = connection.info.user
            raise DeployError(f"shard {shard}: role {user} may not read the hub: GRANT ortes_owner TO {user}") from None
        return Catalogue(
            release,
            version,
            (connection.execute(_DATABASE).fetchone() or ("",))[0],
            connection.execute(_SCHEMAS, given).fetchall(),
            [Door(*row) for row in connection.execute(_DOORS, given).fetchall()],
            [Columns(*row) for row in connection.execute(_VIEWS, given).fetchall()],
            [Columns(*row) for row in connection.execute(_TYPES, given).fetchall()],
            [azi for (azi,) in companies],
            [
                name
                for (name,) in connection.execute("SELECT r.rolname FROM pg_roles AS r WHERE r.rolcanlogin").fetchall()
            ],
        )
