"""`ortes router`: several hubs behind one address."""

import json
import os
from dataclasses import asdict

import click

from ortes_db.commands._options import router_option
from ortes_db.commands._output import Refused, names, say
from ortes_db.commands._router_move import move
from ortes_db.commands._router_status import print_router_status
from ortes_db.commands._router_watch import watch
from ortes_db.router.deploy import RouterResult, deploy_router
from ortes_db.router.manage import end_calls as end_calls_of
from ortes_db.router.manage import forget_password, remove_shard, set_password, set_shard
from ortes_db.router.shards import read_shard
from ortes_db.router.status import router_status
from ortes_db.tree import DeployError


@click.group(short_help="Several hubs behind one address")
def router() -> None:
    """Several hubs behind one address: a router database sends each call to the shard that its company lives on.

    PL/Proxy does (Debian: postgresql-15-plproxy, on the router's server). docs/router.md tells it all.

    \b
    Example:
        ortes router deploy --router 'host=r dbname=router' --shard 'host=a dbname=hub_a' --shard 'host=b dbname=hub_b'
    """


router.add_command(move)
router.add_command(watch)

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@router.command(short_help="Make the doors of the shards on the router")
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
    Example:
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


@router.command(short_help="Do all shards answer, at the same release")
@router_option
@json_option
@click.pass_context
def status(context: click.Context, dsn: str, as_json: bool) -> None:
    """Do all shards answer, at the release that the router's doors were made from?

    \b
    Example:
        ortes router status --router 'host=r dbname=router'

    Exit code 0: they do. 1: a shard is down or at another release, or something was changed by hand. 2: it cannot be told.
    """
    try:
        found = router_status(dsn)
    except DeployError as error:
        raise Refused(error) from None
    print_router_status(found, as_json)
    context.exit(0 if found.good else 1)


@router.command(short_help="Give the router a login's password for the shards")
@click.argument("name", metavar="LOGIN")
@router_option
@click.option("--forget", is_flag=True, help="Forget its password.")
@click.pass_context
def login(context: click.Context, name: str, dsn: str, forget: bool) -> None:
    """Give the router the password with which LOGIN reaches the shards.

    Asked for at the terminal, or taken from the variable ORTES_LOGIN_PASSWORD. The router connects to a shard as the very
    login that called, so that the shard itself checks who it is and what it may do. Without a password here, the shards'
    pg_hba.conf decides what lets the router's server in.

    \b
    Example:
        ortes router login shop --router 'host=r dbname=router'

    Exit code 0: it opens every shard. 1: kept, but some shard does not let it in (from this machine). 2: not kept.
    """
    try:
        if forget:
            click.echo("forgotten" if forget_password(dsn, name) else "there was none")
            return
        password = os.environ.get("ORTES_LOGIN_PASSWORD") or click.prompt(
            f"Password of {name} on the shards", hide_input=True, err=True
        )
        closed = set_password(dsn, name, password)
    except DeployError as error:
        raise Refused(error) from None
    click.echo(f"kept\n{names('does not let it in', closed)}", nl=False)
    context.exit(1 if closed else 0)


@router.command(name="set", short_help="Change what the router does with a shard")
@click.argument("name", metavar="SHARD")
@router_option
@click.option("--accepts/--full", default=None, help="Whether new companies may be put there.")
@click.option("--close/--open", "closed", default=None, help="Refuse calls for its companies at once, without trying.")
@click.option(
    "--weight", type=click.FloatRange(0, min_open=True), help="Its room beside the others' (1 in the beginning)."
)
@click.option("--address", "options", metavar="TEXT", help="Where it is now: 'host=… dbname=…'.")
@click.option(
    "--end-calls", is_flag=True, help="With --close: end the router's sessions that wait for its answer, too."
)
def set_(name: str, dsn: str, end_calls: bool, **given: bool | float | str | None) -> None:
    """Change what the router does with a shard.

    \b
    Example:
        ortes router set hub_a --full                            # no new companies
        ortes router set hub_a --close --end-calls               # it is down, or hangs: say so at once
        ortes router set hub_a --open --address 'host=a2 dbname=hub_a'
    """
    settings = {column: value for column, value in given.items() if value is not None}
    if not settings:
        raise click.UsageError("nothing to set: --accepts, --full, --close, --open, --weight or --address")
    if end_calls and not settings.get("closed"):
        raise click.UsageError("--end-calls goes together with --close")
    try:
        set_shard(dsn, name, settings)
        ended = end_calls_of(dsn, name) if end_calls else 0
    except DeployError as error:
        raise Refused(error) from None
    click.echo(
        f"shard {name}: {', '.join(f'{column} {value}' for column, value in settings.items())}"
        + (f", {ended} sessions ended" if end_calls else "")
    )


@router.command(short_help="Forget a shard on which no company lives")
@click.argument("name", metavar="SHARD")
@router_option
def remove(name: str, dsn: str) -> None:
    """Forget a shard on which no company lives any more. Its database stays as it is.

    \b
    Example:
        ortes router remove hub_a --router 'host=r dbname=router'
    """
    try:
        remove_shard(dsn, name)
    except DeployError as error:
        raise Refused(error) from None
    click.echo(f"shard {name} removed")
