"""`ortes router watch`: a shard that hangs is closed until it answers."""

import json
from dataclasses import asdict
from datetime import datetime

import click

from ortes_db.commands._options import router_option, seconds_option
from ortes_db.commands._output import Refused, say
from ortes_db.router.watch import watch as watch_shards
from ortes_db.router.watch import watch_once
from ortes_db.tree import DeployError


@click.command(short_help="Close a shard that hangs until it answers")
@router_option
@seconds_option("--every", default=5, least=0.1, says="How often to ask each shard.")
@seconds_option("--patience", default=10, least=0.1, says="A shard that has not answered by then hangs.")
@click.option("--once", is_flag=True, help="Ask once, and end.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print what was seen as JSON.")
@click.pass_context
def watch(context: click.Context, dsn: str, every: float, patience: float, once: bool, as_json: bool) -> None:
    """Close a shard that hangs: its calls end and are refused at once, until it answers again.

    Asks each shard to let it in, as the router would, with the user and password of --router. Who takes the connection and
    says nothing hangs; a refusal is an answer, and calls that get it end by themselves. What it has closed it opens, and
    never what a DBA has closed. A line for each change. Run it on the router's machine, under systemd (docs/router.md).

    --every and --patience together must be less than the callers' statement_timeout (30 s for the router's database).

    \b
    Example:
        ortes router watch --router 'host=r dbname=router'
        ortes router watch --once --json --router 'host=r dbname=router'    # by cron

    Exit code, with --once: 0: all answer. 1: one hangs. 2: it cannot be told.
    """
    if as_json and not once:
        raise click.UsageError("--json goes together with --once")
    try:
        if not once:
            watch_shards(dsn, every, patience, _tell)
        seen = watch_once(dsn, patience, _tell)
    except DeployError as error:
        raise Refused(error) from None
    if as_json:
        click.echo(json.dumps([asdict(one) for one in seen], ensure_ascii=False))
    if any(one.answers is False for one in seen):
        context.exit(1)
    context.exit(2 if any(one.answers is None for one in seen) else 0)


def _tell(text: str) -> None:
    say(f"{datetime.now().astimezone().isoformat(sep=' ', timespec='seconds')} {text}")
