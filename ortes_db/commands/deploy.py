"""`ortes deploy`: brings a database to this release."""

import json
from dataclasses import asdict

import click

from ortes_db.commands._options import dsn_option, wait_option
from ortes_db.commands._output import Refused, names, say
from ortes_db.deploy import DeployResult
from ortes_db.deploy import deploy as run_deploy
from ortes_db.status import Status
from ortes_db.status import status as read_status
from ortes_db.tree import DeployError


@click.command(short_help="Bring a database to this release")
@dsn_option
@wait_option
@click.option(
    "--dry-run", is_flag=True, help="Say what is pending and what would be put right; change and lock nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def deploy(dsn: str, wait: float, dry_run: bool, as_json: bool) -> None:
    """Bring the database to this release: pending migrations, then functions, triggers, views and privileges.

    One transaction: after an error or an interruption the database is as it was. Never queues behind others: gives way
    and tries again. Needs CREATEROLE and CREATE on the database the first time, and no superuser.

    \b
    Example:
        ortes deploy --dsn dbname=hub
        ortes deploy --dsn service=hub --dry-run

    Exit code 0: the database is at this release. 1: it could not be done now. 2: something has to be put right first.
    """
    try:
        if dry_run:
            planned = read_status(dsn)
            click.echo(json.dumps(asdict(planned), ensure_ascii=False) if as_json else _plan(planned), nl=as_json)
            return
        result = run_deploy(dsn, wait=wait, report=say)
    except DeployError as error:
        raise Refused(error) from None
    click.echo(json.dumps(asdict(result), ensure_ascii=False) if as_json else _text(result), nl=as_json)


def _text(result: DeployResult) -> str:
    text = "" if not result.nothing else f"nothing to do, {result.unchanged} objects are as they should be\n"
    text += names("applied migration", result.migrations)
    text += names("created", result.created)
    text += names("changed", result.changed)
    text += names("dropped", result.dropped)
    if not result.nothing:
        text += f"unchanged: {result.unchanged}\n"
    return text + names("left over, in the database but not in sql/; drop it if nobody needs it", result.leftovers)


def _plan(found: Status) -> str:
    repair = [f"{one.kind} {one.name} ({one.what})" for one in found.drift if one.what != "extra"]
    extra = [f"{one.kind} {one.name}" for one in found.drift if one.what == "extra"]
    text = names("would apply migration", found.pending)
    text += names("would run for its new content", [f"sql/{file}" for file in found.outdated])
    text += names("would put right", repair) + names("would leave, as not ours", extra)
    text += names("would refuse, applied by a later release", found.unknown)
    text += names("would refuse, edited after it was applied", found.edited)
    return text or "nothing to do\n"
