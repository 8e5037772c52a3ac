"""A router beside its shards, as `ortes router status` and `ortes status` print it."""

import json
from dataclasses import asdict

import click
from rich import box
from rich.console import Console
from rich.table import Table

from ortes_db.commands._output import names
from ortes_db.router.status import RouterStatus


def print_router_status(found: RouterStatus, as_json: bool) -> None:
    """As `ortes status` prints it too, where the database is a router."""
    if as_json:
        more = {"other_release": found.other_release, "good": found.good}
        click.echo(json.dumps({**asdict(found), **more}, ensure_ascii=False))
        return
    click.echo(
        f"router {found.database}, PostgreSQL {found.server}; doors of release {found.release}, made {found.made_at}"
    )
    table = Table("shard", "state", "companies", "weight", "new ones", "release", "PostgreSQL", box=box.SIMPLE_HEAD)
    for one in found.shards:
        state = "up" if one.up else "closed" if one.closed else "HANGS" if one.hangs_since else "DOWN"
        accepts = "yes" if one.accepts else "no"
        version = (one.server_version or "-").split()[0]
        table.add_row(one.name, state, str(one.companies), f"{one.weight:g}", accepts, one.release or "-", version)
    Console(highlight=False, markup=False, soft_wrap=True).print(table)
    for one in found.shards:
        if one.error and not one.closed:
            click.echo(f"{one.name}: {one.error}")
    click.echo(names("moves not finished", found.moves), nl=False)
    if found.changed_by_hand:
        click.echo("Functions or views of the router were changed by hand: `ortes router deploy` makes them anew.")
    if found.other_release:
        click.echo(f"At another release: {', '.join(found.other_release)}. `ortes deploy` all shards, then the router.")
    up = sum(one.up for one in found.shards)
    click.echo("All shards answer." if up == len(found.shards) else f"{up} of {len(found.shards)} shards answer.")
