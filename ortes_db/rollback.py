"""`rollback`: takes migrations back, and with the last one everything that a deploy made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from ortes_db.deploy import applied_migrations, check_history
from ortes_db.hub import (
    Backend,
    connection_parameters,
    in_one_transaction,
    raise_located,
    unreachable_is_said,
    yoyo_migrations,
)
from ortes_db.manifest import Key, lock_tables, recorded, title
from ortes_db.tree import DeployError, Tree, read_tree
from ortes_db.words import did_you_mean

_PREPARE = """
DO $installed$
BEGIN
    IF to_regnamespace('ortes_deploy') IS NULL THEN
        RAISE EXCEPTION 'nothing is deployed in this database';
    END IF;
    IF NOT pg_has_role(current_user, 'ortes_owner', 'MEMBER') THEN
        RAISE EXCEPTION 'role % lacks: membership in ortes_owner (GRANT ortes_owner TO %)',
            current_user, quote_ident(current_user) USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$installed$;
SET LOCAL ROLE ortes_owner;
SET LOCAL client_min_messages = notice;
"""

# What the manifest knows, in an order in which nothing is needed any more by what is still there.
_DROPS = """
SELECT format('DROP TRIGGER %I ON %I.%I', t.tgname, n.nspname, c.relname)
  FROM ortes_deploy.object AS o
  JOIN pg_namespace AS n ON n.nspname = o.schema
  JOIN pg_class AS c ON c.relnamespace = n.oid
  JOIN pg_trigger AS t ON t.tgrelid = c.oid AND o.name = t.tgname || ' on ' || c.relname
 WHERE o.kind = 'trigger' AND NOT t.tgisinternal
UNION ALL
SELECT 'DROP VIEW ' || string_agg(format('%I.%I', n.nspname, c.relname), ', ')
  FROM ortes_deploy.object AS o
  JOIN pg_namespace AS n ON n.nspname = o.schema
  JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = o.name AND c.relkind = 'v'
 WHERE o.kind = 'view'
HAVING count(*) > 0
UNION ALL
SELECT 'DROP ROUTINE ' || string_agg(p.oid::regprocedure::text, ', ')
  FROM ortes_deploy.object AS o
  JOIN pg_namespace AS n ON n.nspname = o.schema
  JOIN pg_proc AS p ON p.pronamespace = n.oid
       AND o.name = p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
 WHERE o.kind = 'function'
HAVING count(*) > 0
"""

# A role may be another hub's of this server, or not ours to drop; then it stays.
_REMOVE_BOOKKEEPING = """
DROP TABLE ortes_deploy.object, ortes_deploy._yoyo_migration, ortes_deploy._yoyo_log, ortes_deploy._yoyo_version;
DROP SCHEMA ortes_deploy;
RESET ROLE;
DO $owner$
BEGIN
    DROP ROLE ortes_owner;
EXCEPTION
    WHEN dependent_objects_still_exist OR insufficient_privilege THEN
        RAISE NOTICE 'role ortes_owner stays: it is used elsewhere, or was not made by this login';
END
$owner$;
"""


@dataclass
class RollbackResult:
    """What a rollback took away, by name."""

    migrations: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def rollback(
    dsn: str,
    to: str | None = None,
    all: bool = False,  # noqa: A002
    *,
    migrations: Path | None = None,
    sql: Path | None = None,
    wait: float = 60,
    report: Callable[[str], None] | None = None,
) -> RollbackResult:
    """Take back the last migration, those after `to`, or all; first all of sql/, which needs what they made.

    In one transaction. Raises DeployError.
    """
    tree = read_tree(migrations, sql)
    if to is not None and to.removesuffix(".sql") not in {one.id for one in tree.migrations}:
        there = [one.id for one in tree.migrations]
        raise DeployError(f"no migration {to}; there are {', '.join(there)}. {did_you_mean(to, there)}".rstrip())
    target = to.removesuffix(".sql") if to is not None else None
    return in_one_transaction(
        dsn,
        lambda hub: _rollback(hub, tree, target, all),
        prepare=_PREPARE + lock_tables(None),
        wait=wait,
        report=report or (lambda _: None),
    )


def holds_orders(dsn: str) -> bool:
    """Whether a rollback could lose orders."""
    parameters = connection_parameters(dsn)
    with unreachable_is_said(parameters):
        connection = psycopg.connect(**parameters)
    with connection:
        if connection.execute("SELECT to_regclass('ortes.arportes')").fetchone() == (None,):
            return False
        try:
            return connection.execute("SELECT EXISTS (SELECT FROM ortes.arportes)").fetchone() == (True,)
        except psycopg.errors.InsufficientPrivilege:
            return True


def _rollback(hub: Backend, tree: Tree, to: str | None, everything: bool) -> RollbackResult:
    connection: psycopg.Connection[Any] = hub.connection
    applied = list(applied_migrations(connection).values())
    manifest: dict[Key, Any] = recorded(connection)
    check_history(tree, applied_migrations(connection), manifest)
    going = [one for one in reversed(tree.migrations) if one.id in applied]
    if to is not None:
        if to not in applied:
            raise DeployError(f"migration {to} is not applied")
        going = going[: [one.id for one in going].index(to)]
    elif not everything:
        going = going[:1]
    for one in going:
        if one.rollback is None:
            raise DeployError(f"migrations/{one.id}.rollback.sql is missing: {one.id} cannot be taken back")
    if not going and applied:
        return RollbackResult(left=applied)
    result = RollbackResult(left=[name for name in applied if name not in {one.id for one in going}])
    result.dropped = [title(key) for key in sorted(manifest) if key[0] in ("function", "view", "trigger")]
    try:
        for (statement,) in connection.execute(_DROPS).fetchall():
            hub.send(statement)
    except psycopg.errors.DependentObjectsStillExist as error:
        raise DeployError(_in_the_way(error), 1) from None
    hub.send("DELETE FROM ortes_deploy.object WHERE kind <> 'migration'")
    _take_back(hub, tree, [one.id for one in going])
    result.migrations = [one.id for one in going]
    if not result.left:
        try:
            hub.send(_REMOVE_BOOKKEEPING)
        except psycopg.errors.DependentObjectsStillExist as error:
            raise DeployError(_in_the_way(error), 1) from None
    return result


def _take_back(hub: Backend, tree: Tree, going: list[str]) -> None:
    hub.send("SET LOCAL search_path = ortes_deploy, pg_temp")
    yoyos = {one.id: one for one in yoyo_migrations(tree)}
    files = {one.id: one.rollback for one in tree.migrations}
    for name in going:
        file = files[name]
        assert file is not None
        try:
            hub.rollback_one(yoyos[name])
        except psycopg.errors.DependentObjectsStillExist as error:
            raise DeployError(f"migrations/{file.path}: {_in_the_way(error)}", 1) from None
        except psycopg.Error as error:
            raise_located(error, "migrations", file)
        hub.send("SET LOCAL ROLE ortes_owner")
        hub.connection.execute("DELETE FROM ortes_deploy.object WHERE kind = 'migration' AND name = %s", (name,))


def _in_the_way(error: psycopg.Error) -> str:
    detail = "; ".join((error.diag.message_detail or "").splitlines())
    return f"{error.diag.message_primary}: {detail}. Drop that first. Nothing was changed."
