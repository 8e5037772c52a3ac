"""Whether a company can be moved between two shards: what has to be put right first, with the statement that does."""

from typing import Any

import psycopg

from ortes_db.router.move_copy import LARGE, NEEDS_SLOTS, SMALL
from ortes_db.router.move_rows import company_tables, lacking_logins, tables_with

Connection = psycopg.Connection[Any]


def unready(azi: str, source_name: str, source: Connection, target_name: str, target: Connection) -> str | None:
    """The first thing that stands in the way, in words; None: nothing."""
    for name, shard in ((source_name, source), (target_name, target)):
        if _one(shard, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is not True:
            return (
                f"the directory's login on {name}, {shard.info.user!r}, is no superuser: a subscription and the copy of rows "
                "need one"
            )
    if _one(source, "SHOW wal_level") != "logical":
        return (
            f"{source_name} has wal_level = {_one(source, 'SHOW wal_level')}, and the copy needs logical: there, "
            "ALTER SYSTEM SET wal_level = 'logical'; then restart it"
        )
    query = "SELECT current_setting('max_replication_slots')::integer - count(*) FROM pg_replication_slots"
    if (free := _one(source, query)) < NEEDS_SLOTS:
        return (
            f"{source_name} has {free} free replication slots, and the copy needs {NEEDS_SLOTS}: drop those that nobody needs "
            "(pg_replication_slots), or raise max_replication_slots and restart it"
        )
    query = """
        SELECT current_setting('max_wal_senders')::integer - count(*) FROM pg_stat_activity WHERE backend_type = 'walsender'
    """
    if (free := _one(source, query)) < NEEDS_SLOTS:
        return f"{source_name} has {free} free WAL senders, and the copy needs {NEEDS_SLOTS}: raise max_wal_senders, restart it"
    tables, others = company_tables(source), company_tables(target)
    if tables != others or not tables:
        return (
            f"{source_name} and {target_name} do not have the same tables: `ortes deploy` brings both to this release"
        )
    if unknown := tables.keys() - {*LARGE, *SMALL}:
        return f"this release cannot move the rows of ortes.{', ortes.'.join(sorted(unknown))}"
    if there := tables_with(target, azi):
        return (
            f"{target_name} has rows of company {azi!r} already, in ortes.{', ortes.'.join(there)}: it is not the one that the "
            "directory knows. Find out whose they are"
        )
    if lacking := lacking_logins(source, target, azi):
        return (
            f"logins with access to company {azi!r} are not on {target_name} as they are on {source_name}: "
            f"{', '.join(lacking)}. There: CREATE ROLE … LOGIN IN ROLE …, with the same password"
        )
    return None


def _one(connection: Connection, query: Any) -> Any:
    row = connection.execute(query).fetchone()
    return row[0] if row else None
