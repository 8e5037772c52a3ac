"""Where is my order? What `ortes_ops` says of one order: all of one moment, on a standby too."""

import asyncio
from typing import Any

import psycopg
from psycopg.rows import dict_row

from ortes_db.hub import connection_parameters

Row = dict[str, Any]

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_FIND = """
SELECT o.* FROM ortes_ops.find_order(
    p_azi => %(azi)s, p_id_pub => %(id_pub)s, p_tor_chia => %(tor_chia)s,
    p_id_int => %(id_int)s, p_prov_tipo => %(prov_tipo)s, p_prov_id => %(prov_id)s) AS o
"""
_READERS = "SELECT r.* FROM ortes_ops.order_readers(%s, %s) AS r"
_HISTORY = "SELECT h.* FROM ortes_ops.order_history(%s, %s) AS h"


def find_order(
    dsn: str,
    azi: str,
    *,
    id_pub: int | None = None,
    tor_chia: str | None = None,
    id_int: int | None = None,
    prov_tipo: str | None = None,
    prov_id: int | None = None,
) -> Row | None:
    """The order, with its `readers` and its `history`; None if there is no such order."""
    key = {"id_pub": id_pub, "tor_chia": tor_chia, "id_int": id_int, "prov_tipo": prov_tipo, "prov_id": prov_id}

    async def once() -> Row | None:
        async with await psycopg.AsyncConnection.connect(**connection_parameters(dsn), autocommit=True) as connection:
            await connection.execute(_BEGIN)
            return await ask(connection, azi, key)

    return asyncio.run(once())


async def ask(connection: psycopg.AsyncConnection[Any], azi: str, key: dict[str, Any]) -> Row | None:
    """The same on a connection, in the transaction that it is in. `key`: find_order's other arguments, all of them."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_FIND, {"azi": azi, **key})
        order = await cursor.fetchone()
        if order is None:
            return None
        await cursor.execute(_READERS, (azi, order["id_pub"]))
        order["readers"] = await cursor.fetchall()
        await cursor.execute(_HISTORY, (azi, order["id_pub"]))
        order["history"] = await cursor.fetchall()
        return order
