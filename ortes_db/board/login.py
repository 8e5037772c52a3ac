"""As whom the board looks: always as ortes_monitor, and only where that role sees no content."""

import psycopg
from psycopg import errors

from ortes_db.board.reading import Connection, as_monitor, read
from ortes_db.hub import one_line

# Asked by ortes_monitor: does anything show it what orders contain?
_SEES_CONTENT = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_attribute AS a
    INNER JOIN pg_catalog.pg_class AS c ON a.attrelid = c.oid
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid
    WHERE n.nspname ~ '^ortes' AND a.attname IN ('dati', 'was', 'became')
        AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
) OR EXISTS (
    SELECT FROM pg_catalog.pg_proc AS p
    INNER JOIN pg_catalog.pg_namespace AS n ON p.pronamespace = n.oid
    WHERE n.nspname ~ '^ortes' AND p.proname IN ('changes', 'pending', 'history')
        AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
) AS it_does
"""
_CAN_DO_MORE = """
SELECT session_user::text AS login, pg_catalog.array_agg(r.rolname::text ORDER BY r.rolname)
    FILTER (WHERE r.rolname <> 'ortes_monitor' AND pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')) AS roles,
    pg_catalog.bool_or(r.rolname = session_user AND r.rolsuper) AS superuser
FROM pg_catalog.pg_roles AS r
WHERE r.rolname ~ '^ortes_' OR r.rolname = session_user
"""


class NotAllowed(Exception):
    """The board may not or cannot look at this database; the message says why, and what to do."""


async def check(connection: Connection) -> str:
    """Refuse a login that cannot become ortes_monitor, and a hub that shows that role content.

    Returns a warning about a login that can do more than the board needs, or "".
    """
    try:
        async with as_monitor(connection):
            sees = await (await connection.execute(_SEES_CONTENT)).fetchone()
        await read(connection, [])
    except errors.InsufficientPrivilege as error:
        raise NotAllowed(
            f"{one_line(error)}: the board looks as ortes_monitor. Let a DBA say "
            f"GRANT ortes_monitor TO {connection.info.user};"
        ) from None
    except (errors.InvalidParameterValue, errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName):
        raise NotAllowed(
            "the hub, or a release of it that the board can show, is not here: run `ortes deploy`"
        ) from None
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise NotAllowed(one_line(error)) from None
    if sees is not None and sees["it_does"]:
        raise NotAllowed("in this database ortes_monitor can see the orders' content: `ortes doctor` names the grant")
    more = await (await connection.execute(_CAN_DO_MORE)).fetchone()
    assert more is not None
    roles = [role for role in more["roles"] or () if role != more["login"]]
    if not more["superuser"] and not roles:
        return ""
    what = "is a superuser" if more["superuser"] else f"is a member of {', '.join(roles)}, too"
    return (
        f"the login {more['login']} {what}; the board acts as ortes_monitor, but needs no more than "
        "CREATE ROLE board LOGIN IN ROLE ortes_monitor"
    )
