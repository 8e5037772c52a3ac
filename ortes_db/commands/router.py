"""`ortes router`: several hubs behind one address."""

import json
from dataclasses import asdict

import click

from ortes_db.commands._options import checked_dsn
from ortes_db.commands._output import Refused, names, say
from ortes_db.commands._router_move import move
from ortes_db.router.deploy import RouterResult, deploy_router
from ortes_db.router.shards import read_shard
from ortes_db.tree import DeployError


@click.group()
def router() -> None:
    """Several hubs behind one address: a router database sends each call to the shard that its company lives on.

    PL/Proxy does (Debian: postgresql-15-plproxy, on the router's server). docs/router.md tells it all.

    \b
        ortes router deploy --router 'host=r dbname=router' --shard 'host=a dbname=hub_a' --shard 'host=b dbname=hub_b'
    """


router.add_command(move)

router_option = click.option(
    "--router",
    "dsn",
    default="",
    metavar="TEXT",
    callback=checked_dsn,
    help="The router's database: 'host=… dbname=…' or postgresql://…; without it, the variables PGHOST, PGDATABASE and so on.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@router.command()
@router_option
@click.option(
    "--shard",
    "shards",
    multiple=True,
    metavar="[NAME=]TEXT",
    help="A shard: 'host=… dbname=…', named like its database or by a NAME= before it. The router knows those it was "
    "given before: only new ones are named, or new addresses.",
)
@click.option("--skip", multiple=True, metavar="NAME", help="A shard that cannot be reached now: go on without it.")
@json_option
def deploy(dsn: str, shards: tuple[str, ...], skip: tuple[str, ...], as_json: bool) -> None:
    """Make the doors of the shards on the router, in one transaction. Again after each `ortes deploy` of the shards.

    Reads a shard's catalogue and makes the same functions and views, with the same rights, that pass calls on. What the
    shards no longer have is dropped. Companies that a shard has already are written into the directory.

    Needs a superuser on the router's database (nobody else may make PL/Proxy functions), and on each shard whoever
    deploys it. User and password of --shard are for this command; the router keeps the address only.

    \b
        ortes router deploy --router 'host=r dbname=router' --shard 'host=a dbname=hub_a' --shard 'host=b dbname=hub_b'
        ortes router deploy --router 'host=r dbname=router' --shard 'host=c dbname=hub_c'    # one more

    Exit code 0: done. 1: it could not be done now. 2: something has to be put right first.
    """
    try:
        result = deploy_router(dsn, [read_shard(text) for text in shards], skip=skip, report=say)
    except DeployError as error:
        raise Refused(error) from None
    click.echo(json.dumps(asdict(result), ensure_ascii=False) if as_json else _text(result), nl=as_json)


def _text(result: RouterResult) -> str:
    text = names("shard", result.shards)
    text += f"doors: {result.doors}\n" + names("view over all shards", result.views)
    text += names("dropped", result.dropped)
    text += names("left out", [f"{name}: {reason}" for name, reason in result.left_out.items()])
    if result.companies:
        text += f"companies written into the directory: {result.companies}\n"
    text += names("copy that the directory does not point to", result.stray)
    return text + names("to do", result.todo)
