"""`ortes status`: is the database at this release, and is it as it was left?"""

import json
from dataclasses import asdict

import click
from rich import box
from rich.console import Console
from rich.table import Table

from ortes_db.commands._options import dsn_option
from ortes_db.commands._output import Refused
from ortes_db.commands._router_status import print_router_status
from ortes_db.logins import Login
from ortes_db.router.status import find_router
from ortes_db.status import Status
from ortes_db.status import status as read_status
from ortes_db.tree import DeployError


@click.command(short_help="Compare a database with this release")
@dsn_option
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.pass_context
def status(context: click.Context, dsn: str, as_json: bool) -> None:
    """Compare the database with this release and with what the last deploy left: migrations, functions, triggers, views.

    On a router: what `ortes router status` tells. Only reads, also on a standby, and blocks nobody.

    \b
    Example:
        ortes status --dsn service=hub
        ortes status --json

    Exit code 0: all as it should be. 1: something is pending, or was changed by hand. 2: it cannot be told.
    """
    try:
        if (at_router := find_router(dsn)) is not None:
            print_router_status(at_router, as_json)
            context.exit(0 if at_router.good else 1)
        found = read_status(dsn)
    except DeployError as error:
        raise Refused(error) from None
    if as_json:
        click.echo(json.dumps({**asdict(found), "good": found.good}, ensure_ascii=False))
    else:
        _print(found)
    context.exit(0 if found.good else 1)


def _print(found: Status) -> None:
    click.echo(f"database {found.database}, PostgreSQL {found.server}")
    table = Table("what", "name", "state", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in found.applied:
        state = "applied, by a later release" if name in found.unknown else "applied"
        table.add_row("migration", name, "applied, edited since" if name in found.edited else state)
    for name in found.pending:
        table.add_row("migration", name, "pending")
    if found.installed:
        for file in found.outdated:
            table.add_row("file", f"sql/{file}", "other content than deployed")
        for one in found.drift:
            state = {"changed": "changed by hand", "missing": "dropped by hand", "extra": "not in sql/"}[one.what]
            table.add_row(one.kind, one.name, state)
    Console(highlight=False, markup=False, soft_wrap=True).print(table)
    if found.upgraded_from:
        click.echo(
            f"The last deploy was on PostgreSQL {found.upgraded_from}, which may write definitions differently: whether "
            "one was changed by hand cannot be told until the next `ortes deploy`."
        )
    if not found.installed:
        click.echo("The hub is not deployed here: run `ortes deploy`.")
    elif found.good:
        click.echo("Up to date, no drift.")
    elif any(one.what == "extra" for one in found.drift):
        click.echo("`ortes deploy` brings it to this release; what is not in sql/ stays until somebody drops it.")
    else:
        click.echo("`ortes deploy` brings it to this release.")
    _warn(found.unbounded_logins)


def _warn(logins: list[Login]) -> None:
    for setting in sorted({setting for login in logins for setting in login.lacks}):
        lacking = [login.name for login in logins if setting in login.lacks]
        more = f" and {len(lacking) - 5} more" if len(lacking) > 5 else ""
        click.echo(
            f"Warning: no {setting} for login {', '.join(lacking[:5])}{more}. A client that stalls would hold its company "
            "up: see docs/runbook.md, A client that stalls."
        )
