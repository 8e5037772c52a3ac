"""`ortes order`: where is my order?"""

import json
from datetime import datetime
from typing import Any

import click
import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from ortes_db.commands._options import dsn_option
from ortes_db.commands._output import CannotTell, why
from ortes_db.order import Row, find_order

_MADE_BY = {"S": "store", "A": "device", "G": "the ERP"}
_AUTHOR = {"C": "customer", "T": "app user", "O": "ERP operator"}
_NO_NUMBER = 0


@click.command(short_help="Where is my order, and what is it waiting for")
@click.argument("azi", metavar="COMPANY")
@click.option("--id-pub", type=click.IntRange(1), metavar="N", help="Its public id.")
@click.option("--tor-chia", metavar="KEY", help="The ERP's key of it.")
@click.option("--id-int", type=click.IntRange(1), metavar="N", help="Its id in the store or device that made it.")
@click.option(
    "--store",
    type=click.IntRange(0),
    is_flag=False,
    flag_value=_NO_NUMBER,
    metavar="[N]",
    help="With --id-int: made by the store (the store N, where a company has several).",
)
@click.option("--device", type=click.IntRange(1), metavar="N", help="With --id-int: made by that device of the app.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@dsn_option
@click.pass_context
def order(
    context: click.Context,
    azi: str,
    id_pub: int | None,
    tor_chia: str | None,
    id_int: int | None,
    store: int | None,
    device: int | None,
    as_json: bool,
    dsn: str,
) -> None:
    """Where is my order? Who made it, who has it, what each reader has confirmed, and what it is waiting for.

    \b
    Example:
        ortes order C00001 --id-pub 4
        ortes order C00001 --tor-chia C201700001760
        ortes order C00001 --id-int 150 --device 50
        ortes order C00001 --id-int 150 --store

    For logins with the role ortes_ops or ortes_monitor. Shows nothing of an order's content.

    Exit code 0: found. 1: there is no such order. 2: it cannot be told.
    """
    if sum(given is not None for given in (id_pub, tor_chia, id_int)) != 1:
        raise click.UsageError("name the order by one of --id-pub, --tor-chia and --id-int")
    if (id_int is not None) != ((store is not None) != (device is not None)) or None not in (store, device):
        raise click.UsageError("--id-int goes together with --store or --device")
    prov_tipo = None if id_int is None else "S" if device is None else "A"
    try:
        found = find_order(
            dsn,
            azi,
            id_pub=id_pub,
            tor_chia=tor_chia,
            id_int=id_int,
            prov_tipo=prov_tipo,
            prov_id=device or store or None,
        )
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise CannotTell(why(error, "ortes_monitor or ortes_ops")) from None
    if found is None:
        click.echo(f"ortes: company {azi} has no such order", err=True)
        context.exit(1)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, default=_plain))
    else:
        _print(found)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _print(found: Row) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"order {found['id_pub']} of company {found['azi']}: {found['state']}", style="bold")
    console.print(found["waiting_for"])
    maker = " ".join(str(part) for part in (_MADE_BY[found["prov_tipo"]], found["prov_id"]) if part is not None)
    own = f", as its order {found['id_int']}" if found["id_int"] is not None else ""
    author = f"{_AUTHOR[found['autore_tipo']]} {found['autore_cod'] or '(no code yet)'}"
    has = {"store": found["ack_store"], "ERP": found["ack_gest"], "app": found["ack_app"]}
    facts = Table.grid(padding=(0, 2))
    facts.add_row("made by", f"{maker}{own}, {_time(found['created_at'])}, by {author}")
    facts.add_row("ERP's key", f"{found['tor_chia'] or '-'}, confirmation number {found['conferma'] or '-'}")
    facts.add_row("who has it", ", ".join(f"{who} {'yes' if it_has else 'no'}" for who, it_has in has.items()))
    facts.add_row("ID-SINCRO", f"{found['id_sincro']}, row last written {_time(found['updated_at'])}")
    console.print()
    console.print(facts)
    if found["readers"]:
        table = Table("reader", "confirmed", "when", "this order", box=box.SIMPLE_HEAD, pad_edge=False)
        for reader in found["readers"]:
            name = " ".join(
                str(part) for part in (_MADE_BY[reader["prov_tipo"]], reader["prov_id"]) if part is not None
            )
            state = "nothing to read yet" if not found["id_sincro"] else "read" if reader["up_to_date"] else "not yet"
            table.add_row(name, str(reader["confirmed"]), _time(reader["confirmed_at"]), state)
        console.print(table)
    if found["history"]:
        # No table: its columns would be cut to the terminal's width.
        doors = [line["door"] or "by hand" for line in found["history"]]
        for line, door in zip(found["history"], doors, strict=True):
            console.print(f"{_time(line['at'])}  {line['login']}  {door.ljust(max(map(len, doors)))}  {line['change']}")
    else:
        console.print("No history of it was kept; ortes_ops.set_audit switches that on, per company.")


def _time(value: Any) -> str:
    return f"{value:%Y-%m-%d %H:%M:%S}" if isinstance(value, datetime) else str("-" if value is None else value)
