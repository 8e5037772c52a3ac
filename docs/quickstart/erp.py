"""The ERP in Python (psycopg 3): exports an order of its own, then takes over what store and app save.

pip install "psycopg[binary]"
PGDATABASE=hub PGUSER=erp python erp.py        until it is stopped
PGDATABASE=hub PGUSER=erp python erp.py 1      until one order is confirmed
ORTES_READ_DSN='host=… dbname=…'               a standby to read from, besides
"""

import os
import sys
import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

AZI = "C00001"
# By address; "": what the variables PGHOST, PGDATABASE, PGUSER and so on say.
connections: dict[str, psycopg.Connection[Any]] = {}


def call(query: str, address: str = "", **arguments: Any) -> list[dict[str, Any]]:
    """Call a door until it answers. A repeat is always safe: it finds what the first try did."""
    for attempt in range(1, 11):
        try:
            if address not in connections or connections[address].closed:
                # One call is one transaction: nothing stays locked between them.
                connections[address] = psycopg.connect(address, autocommit=True, row_factory=dict_row)
            return connections[address].execute(query, {"azi": AZI, **arguments}).fetchall()
        except psycopg.OperationalError as error:
            # The company is busy (55P03), a deadlock or serialization failure, or the connection is lost: again.
            print(f"again, {error.sqlstate or 'connection lost'}", file=sys.stderr)
            if attempt == 10:
                raise
            time.sleep(min(0.05 * 2**attempt, 5))
    raise AssertionError("unreachable")


def take_over(order: dict[str, Any]) -> None:
    """Create the order in AREA, tell the hub, and confirm it."""
    id_pub = order["id_pub"]
    # AREA stores the key with TOR-ID-WEB = id_pub before it tells the hub: after a crash it finds it and says the same.
    tor_chia = f"C2017{id_pub:08d}"
    if order["autore_cod"] == 0:
        call("SELECT ortes_erp.create_order(%(azi)s, %(id_pub)s, p_autore_cod => 123)", id_pub=id_pub)
    acquire = "SELECT ortes_erp.acquire_order(%(azi)s, %(id_pub)s, %(tor_chia)s) AS id_sincro"
    id_sincro = call(acquire, id_pub=id_pub, tor_chia=tor_chia)[0]["id_sincro"]
    export = """
        SELECT id_sincro FROM ortes_erp.export_order(%(azi)s, %(tor_chia)s, p_conferma => %(conferma)s,
            p_id_pub => %(id_pub)s, p_if_sincro => %(id_sincro)s)"""
    while True:
        try:
            call(export, tor_chia=tor_chia, conferma=f"CNF{id_pub}", id_pub=id_pub, id_sincro=id_sincro)
            break
        except psycopg.Error as error:
            if error.sqlstate != "OR009":
                raise
            # Somebody else of the ERP changed it. Look at AREA's order again, here: nothing to merge; then with the
            # current number, which a repeated acquisition returns.
            print("again, OR009", file=sys.stderr)
            id_sincro = call(acquire, id_pub=id_pub, tor_chia=tor_chia)[0]["id_sincro"]
    print(f"order {id_pub} confirmed as {tor_chia}", flush=True)


def main(count: int | None) -> int:
    try:
        own = call("SELECT * FROM ortes_erp.export_order(%(azi)s, 'C201700002150', 'CK3', p_autore_cod => 75)")
        print(f"own order exported as {own[0]['id_pub']}", flush=True)
        done = 0
        # A standby shows for a moment longer what is done.
        taken: set[int] = set()
        while count is None or done < count:
            pending = "SELECT id_pub, autore_cod, dati FROM ortes_erp.pending(%(azi)s, p_limit => 100)"
            shown = call(pending, os.environ.get("ORTES_READ_DSN", ""))
            taken &= {order["id_pub"] for order in shown}
            orders = [order for order in shown if order["id_pub"] not in taken]
            for order in orders:
                take_over(order)
                taken.add(order["id_pub"])
                done += 1
            if not orders:
                time.sleep(0.2)
    except psycopg.Error as error:
        # OR003: a DBA grants access. OR004, OR005, OR006, OR007: a mistake of ours; a repeat would end the same.
        said = filter(
            None, (error.sqlstate, error.diag.message_primary, error.diag.message_detail, error.diag.message_hint)
        )
        print(". ".join(said) or error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else None))
