"""`doctor`: what in a live hub is not as docs/security.md wants it, each with the statement that mends it. Reads only."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from ortes_db.hub import connection_parameters, unreachable_is_said
from ortes_db.manifest import sql_text
from ortes_db.status import Drift, Status, may_read, status
from ortes_db.tree import DeployError

# (kind, object, role, privilege)
Grant = tuple[str, str, str, str]

GRANTED = sql_text("granted.sql")

# A query gives (what, statement) a row. The statement is to be run as it stands, by a superuser or as said in `what`.
_ROLES: LiteralString = """
SELECT format('role %I is missing', w.name), format('CREATE ROLE %I NOLOGIN', w.name)
FROM unnest(ARRAY['ortes_owner', 'ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor']) AS w (name)
WHERE to_regrole(w.name) IS NULL
UNION ALL
SELECT
    format('role %I has rights of its own: %s', r.rolname, concat_ws(', ',
        CASE WHEN r.rolcanlogin THEN 'LOGIN' END, CASE WHEN r.rolsuper THEN 'SUPERUSER' END,
        CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN r.rolcreatedb THEN 'CREATEDB' END,
        CASE WHEN r.rolreplication THEN 'REPLICATION' END, CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END)),
    format('ALTER ROLE %I NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS', r.rolname)
FROM pg_roles AS r
WHERE r.rolname IN ('ortes_owner', 'ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor')
    AND (r.rolcanlogin OR r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls)
UNION ALL
SELECT format('role %I is a member of %I', m.rolname, r.rolname), format('REVOKE %I FROM %I', r.rolname, m.rolname)
FROM pg_auth_members AS a
INNER JOIN pg_roles AS r ON a.roleid = r.oid
INNER JOIN pg_roles AS m ON a.member = m.oid
WHERE m.rolname IN ('ortes_owner', 'ortes_store', 'ortes_app', 'ortes_erp', 'ortes_ops', 'ortes_monitor')
"""

_OWNERS: LiteralString = """
SELECT
    format('%s %s belongs to %I', o.kind, o.name, pg_get_userbyid(o.owner)),
    format('ALTER %s %s OWNER TO ortes_owner', o.kind, o.name)
FROM (
    SELECT 'SCHEMA' AS kind, format('%I', n.nspname) AS name, n.nspowner AS owner
    FROM pg_namespace AS n WHERE n.nspname ~ '^ortes(_|$)'
    UNION ALL
    SELECT CASE p.prokind WHEN 'a' THEN 'AGGREGATE' WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::regprocedure::text,
        p.proowner
    FROM pg_proc AS p INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid WHERE n.nspname ~ '^ortes(_|$)'
    UNION ALL
    SELECT
        CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' WHEN 'c' THEN 'TYPE'
            ELSE 'TABLE' END,
        c.oid::regclass::text, c.relowner
    FROM pg_class AS c INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
    WHERE n.nspname ~ '^ortes(_|$)' AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
) AS o
WHERE o.owner IS DISTINCT FROM to_regrole('ortes_owner')
"""

_SEARCH_PATHS: LiteralString = """
SELECT
    format('function %s runs with its owner''s rights, and without a pinned search_path', p.oid::regprocedure),
    format('ALTER FUNCTION %s SET search_path = pg_catalog, pg_temp', p.oid::regprocedure)
FROM pg_proc AS p
INNER JOIN pg_namespace AS n ON p.pronamespace = n.oid
WHERE n.nspname ~ '^ortes(_|$)' AND p.prosecdef
    AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}'))
"""

_DEFAULT_PRIVILEGES: LiteralString = """
SELECT
    'what ortes_owner creates later, everybody may execute',
    'ALTER DEFAULT PRIVILEGES FOR ROLE ortes_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC'
WHERE NOT EXISTS (
    SELECT FROM pg_default_acl AS d
    WHERE d.defaclrole = to_regrole('ortes_owner') AND d.defaclnamespace = 0 AND d.defaclobjtype = 'f'
        AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) AS a WHERE a.grantee = 0)
)
UNION ALL
SELECT
    format('what ortes_owner creates later, %s gets %s on', g.role, a.privilege_type),
    format('ALTER DEFAULT PRIVILEGES FOR ROLE ortes_owner%s REVOKE %s ON %s FROM %s',
        ' IN SCHEMA ' || d.defaclnamespace::regnamespace, a.privilege_type,
        CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
            ELSE 'SCHEMAS' END, g.role)
FROM (
    SELECT d.defaclrole, nullif(d.defaclnamespace, 0) AS defaclnamespace, d.defaclobjtype, d.defaclacl FROM pg_default_acl AS d
) AS d
CROSS JOIN LATERAL aclexplode(d.defaclacl) AS a
CROSS JOIN LATERAL (SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS role) AS g
WHERE d.defaclrole = to_regrole('ortes_owner') AND a.grantee <> d.defaclrole
    AND NOT (d.defaclobjtype = 'f' AND d.defaclnamespace IS NULL AND a.grantee = 0)
    AND NOT (d.defaclobjtype = 'T' AND a.grantee = 0)
"""

_SETTINGS: LiteralString = """
SELECT
    format('%s is %s: %s', s.name, s.setting, w.why),
    format('ALTER DATABASE %I SET %s = %L', current_database(), s.name, w.good)
FROM (
    VALUES
    ('log_statement', 'none|ddl', 'ddl', 'statements with content in them go to the log'),
    ('log_parameter_max_length_on_error', '0', '0', 'the content of a call that fails goes to the log'),
    ('log_parameter_max_length', '0', '0', 'the content of a slow call goes to the log'),
    ('password_encryption', 'scram-sha-256', 'scram-sha-256', 'new passwords are kept as MD5')
) AS w (name, fine, good, why)
INNER JOIN pg_settings AS s ON w.name = s.name
WHERE s.setting !~ ('^(' || w.fine || ')$')
    -- Parameters are logged with the statement, so only where statements are.
    AND NOT (
        s.name = 'log_parameter_max_length'
        AND current_setting('log_min_duration_statement') = '-1' AND current_setting('log_min_duration_sample') = '-1'
        AND current_setting('log_transaction_sample_rate') = '0' AND current_setting('log_statement') IN ('none', 'ddl')
    )
"""

# Logins that can use a door, and their rights beside it.
_DOORS: LiteralString = """
WITH logins AS (
    SELECT r.oid, r.rolname, r.rolsuper, r.rolcreaterole, r.rolbypassrls, r.rolreplication, r.rolconnlimit,
        d.roles, pg_has_role(r.oid, 'ortes_ops', 'MEMBER') AS is_ops
    FROM pg_roles AS r
    CROSS JOIN LATERAL (
        SELECT array_agg(m.roleid::regrole::text ORDER BY 1) AS roles FROM pg_auth_members AS m
        WHERE m.member = r.oid AND m.roleid::regrole::text IN ('ortes_store', 'ortes_app', 'ortes_erp')
    ) AS d
    WHERE r.rolcanlogin AND d.roles IS NOT NULL
)
"""

_LIMITS: LiteralString = """
SELECT format('login %I has no limit of connections', l.rolname), format('ALTER ROLE %I CONNECTION LIMIT 20', l.rolname)
FROM logins AS l WHERE l.rolconnlimit = -1
"""

_POWERS: LiteralString = """
SELECT
    format('login %I can use a door, and is %s', l.rolname, concat_ws(', ', CASE WHEN l.rolsuper THEN 'SUPERUSER' END,
        CASE WHEN l.rolcreaterole THEN 'CREATEROLE' END, CASE WHEN l.rolbypassrls THEN 'BYPASSRLS' END,
        CASE WHEN l.rolreplication THEN 'REPLICATION' END)),
    format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE NOBYPASSRLS NOREPLICATION', l.rolname)
FROM logins AS l WHERE l.rolsuper OR l.rolcreaterole OR l.rolbypassrls OR l.rolreplication
UNION ALL
SELECT
    format('login %I can use a door, and is a member of %I', l.rolname, r.rolname), format('REVOKE %I FROM %I', r.rolname, l.rolname)
FROM logins AS l
INNER JOIN pg_auth_members AS a ON l.oid = a.member
INNER JOIN pg_roles AS r ON a.roleid = r.oid
WHERE r.rolsuper OR r.rolcreaterole OR r.rolname IN ('ortes_owner', 'pg_read_all_data', 'pg_write_all_data', 'pg_monitor',
    'pg_read_all_stats', 'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program')
"""

_ACCESS: LiteralString = """
SELECT
    format('login %I can use a door, and acts for no company (ortes_ops.grant_access lets it)', l.rolname),
    format('REVOKE %s FROM %I', array_to_string(l.roles, ', '), l.rolname)
FROM logins AS l
WHERE NOT l.is_ops AND NOT l.rolsuper AND NOT EXISTS (SELECT FROM ortes.access AS a WHERE a.login = l.rolname)
UNION ALL
SELECT
    format('%s acts for company %L%s, but %s', a.login, a.azi, ' as device ' || a.device,
        CASE WHEN r.oid IS NULL THEN 'there is no such login' ELSE 'can use no door' END),
    format('SELECT ortes_ops.revoke_access(%L, %L%s)', a.login, a.azi, ', ' || a.device)
FROM ortes.access AS a
LEFT JOIN pg_roles AS r ON a.login = r.rolname
WHERE r.oid IS NULL OR NOT r.rolsuper AND NOT pg_has_role(r.oid, 'ortes_store', 'MEMBER')
    AND NOT pg_has_role(r.oid, 'ortes_app', 'MEMBER') AND NOT pg_has_role(r.oid, 'ortes_erp', 'MEMBER')
"""

_BEFORE: dict[str, LiteralString] = {
    "roles": _ROLES,
    "owners": _OWNERS,
    "search_path": _SEARCH_PATHS,
    "default privileges": _DEFAULT_PRIVILEGES,
    "settings": _SETTINGS,
}
_LOGINS: dict[str, LiteralString] = {
    "limits": _DOORS + _LIMITS,
    "powers": _DOORS + _POWERS,
    "access": _DOORS + _ACCESS,
}


@dataclass
class Finding:
    """Something that is open. `mend`: the statement, or the command, that closes it."""

    check: str
    what: str
    mend: str


def doctor(dsn: str) -> list[Finding]:
    """What is open in the hub's database. Raises DeployError where that cannot be told."""
    found = status(dsn)
    if not found.installed:
        raise DeployError("the hub is not deployed here: run `ortes deploy`; of a router, ask its shards")
    parameters = connection_parameters(dsn)
    with unreachable_is_said(parameters):
        connection = psycopg.connect(**parameters, autocommit=True)
    with connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        roles = list(_ask(connection, "roles", _ROLES))
        if any(finding.mend.startswith("CREATE ROLE") for finding in roles):
            return roles  # the rest asks for them
        findings = [finding for check, query in _BEFORE.items() for finding in _ask(connection, check, query)]
        findings += _privileges(connection)
        may_read(connection)
        findings += [finding for check, query in _LOGINS.items() for finding in _ask(connection, check, query)]
    # Settings of a function have an order: put back by hand, they would still not be what was deployed.
    changed = {one.name.partition("(")[0] for one in found.drift if one.what == "changed"}
    for finding in findings:
        if finding.check == "search_path" and changed & set(finding.what.replace("(", " ").split()):
            finding.mend = "ortes deploy"
    return [*findings, *_timeouts(found), *_drift(found, findings)]


def intended() -> set[Grant]:
    """Every object, and every grant that there shall be: ortes_db/intended.csv."""
    rows = csv.reader(sql_text("intended.csv").splitlines())
    next(rows)
    return {(kind, name, role, privilege) for kind, name, role, privilege in rows}


def granted(connection: psycopg.Connection[Any]) -> set[Grant]:
    """Every object, and every grant that there is. Needs an empty search_path, for the names."""
    return set(connection.execute(GRANTED).fetchall())


def _ask(connection: psycopg.Connection[Any], check: str, query: LiteralString) -> Iterator[Finding]:
    for what, mend in connection.execute(query).fetchall():
        yield Finding(check, what, f"{mend};")


def _privileges(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    there, wanted = granted(connection), intended()
    known = {name for _, name, _, _ in there}
    for kind, name, role, privilege in sorted(there - wanted):
        if role:
            yield Finding(
                "privileges",
                f"{role} has {privilege} on {kind} {name}",
                f"REVOKE {_spoken(privilege)} ON {_kind(kind)} {name} FROM {_role(role)};",
            )
    for kind, name, role, privilege in sorted(wanted - there):
        if role and name in known:
            yield Finding(
                "privileges",
                f"{role} lacks {privilege} on {kind} {name}",
                f"GRANT {privilege} ON {_kind(kind)} {name} TO {_role(role)};",
            )


def _spoken(privilege: str) -> str:
    return privilege.removesuffix(" WITH GRANT OPTION")


def _kind(kind: str) -> str:
    return kind.upper() if kind in ("schema", "function", "sequence") else "TABLE"


def _role(role: str) -> str:
    return role if role == "PUBLIC" else sql.Identifier(role).as_string(None)


def _timeouts(found: Status) -> Iterator[Finding]:
    good = {"idle_in_transaction_session_timeout": "1min", "lock_timeout": "5s"}
    for login in found.unbounded_logins:
        for setting in login.lacks:
            role = sql.Identifier(login.name).as_string(None)
            yield Finding(
                "limits", f"login {role} has no {setting}", f"ALTER ROLE {role} SET {setting} = '{good[setting]}';"
            )


def _drift(found: Status, others: list[Finding]) -> Iterator[Finding]:
    """What `ortes status` finds, but for what is among the others already."""
    pending = [*found.pending, *found.edited, *found.unknown, *found.outdated]
    if pending or found.upgraded_from:
        yield Finding(
            "drift", f"not at this release: {', '.join(pending) or 'the server was upgraded'}", "ortes deploy"
        )
    told = " ".join(finding.what for finding in others)
    for one in found.drift:
        name = one.name.split("(")[0]
        if one.kind == "grant" or (one.what == "changed" and name in told):
            continue
        state = {"changed": "was changed by hand", "missing": "was dropped by hand", "extra": "is not the hub's"}[
            one.what
        ]
        yield Finding("drift", f"{one.kind} {one.name} {state}", _undo(one))


def _undo(one: Drift) -> str:
    if one.what != "extra":
        return "ortes deploy"
    if one.kind == "trigger":
        schema, _, rest = one.name.partition(".")
        name, _, table = rest.rpartition(" on ")
        return f"DROP TRIGGER {name} ON {schema}.{table};"
    return f"DROP {one.kind.upper()} {one.name};"
