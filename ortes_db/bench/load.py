"""Filling the hub to a size quickly: past its triggers, the indexes built afterwards."""

from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ortes_db.bench.content import DATI

_DEFINITIONS = """
SELECT format('ALTER TABLE ortes.arportes DROP CONSTRAINT %I', conname),
    format('ALTER TABLE ortes.arportes ADD CONSTRAINT %I %s', conname, pg_get_constraintdef(c.oid))
        || coalesce(' WITH (' || array_to_string(i.reloptions, ', ') || ')', '')
FROM pg_constraint AS c INNER JOIN pg_class AS i ON c.conindid = i.oid
WHERE conrelid = 'ortes.arportes'::regclass AND contype IN ('p', 'u')
UNION ALL
SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid = 'ortes.arportes'::regclass
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""


def pending(orders: int) -> int:
    """How many of the loaded orders the ERP has still to acquire."""
    return max(1000, orders // 1000)


def load(admin: psycopg.Connection[Any], orders: int) -> None:
    """Empty the hub, then give company 1 so many orders."""
    indexes = admin.execute(_DEFINITIONS).fetchall()
    with admin.transaction():
        admin.execute("SET LOCAL session_replication_role = replica")
        admin.execute("TRUNCATE ortes.arportes, ortes.reader")
        for drop, _ in indexes:
            admin.execute(drop)
        query = (Path(__file__).parent / "load.sql").read_text(encoding="utf-8")
        admin.execute(query.encode(), {"orders": orders, "pending": pending(orders), "dati": DATI})
        for _, create in indexes:
            admin.execute(create)
        admin.execute("UPDATE ortes.apstatosyn SET valore = 0")
        for counter, value in (("ID-PUB", orders), ("ID-SINCRO", orders - pending(orders))):
            admin.execute(
                "UPDATE ortes.apstatosyn SET valore = %s WHERE azi = '1' AND contatore = %s", (value, counter)
            )
    admin.execute("VACUUM (ANALYZE) ortes.arportes")
    admin.execute("VACUUM FULL ortes.apstatosyn")
    # What the vacuum noted is written out now, not in the middle of a measurement.
    admin.execute("CHECKPOINT")


def copy_beside(admin: psycopg.Connection[Any]) -> None:
    """Give the tables beside the hub the same orders, past their triggers."""
    with admin.transaction():
        admin.execute("SET LOCAL session_replication_role = replica")
        for schema in ("plain", "bare"):
            table = sql.Identifier(schema, "arportes")
            admin.execute(sql.SQL("TRUNCATE {}").format(table))
            admin.execute(sql.SQL("INSERT INTO {} SELECT * FROM ortes.arportes").format(table))
        admin.execute(
            "SELECT setval('plain.id_pub', max(id_pub)), setval('plain.id_sincro', max(id_sincro)) FROM ortes.arportes"
        )
        admin.execute(
            "UPDATE bare.apstatosyn AS l SET valore = s.valore FROM ortes.apstatosyn AS s "
            "WHERE (s.azi, s.contatore) = (l.azi, l.contatore)"
        )
    admin.execute("VACUUM (ANALYZE) plain.arportes, bare.arportes")
    admin.execute("VACUUM FULL bare.apstatosyn")
    admin.execute("CHECKPOINT")
