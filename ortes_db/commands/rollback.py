"""`ortes rollback`: takes migrations back."""

import json
import sys
from dataclasses import asdict

import click

from ortes_db.commands._options import dsn_option, wait_option
from ortes_db.commands._output import Refused, names, say
from ortes_db.rollback import RollbackResult, holds_orders
from ortes_db.rollback import rollback as run_rollback
from ortes_db.tree import DeployError


@click.command(short_help="Take migrations back")
@dsn_option
@click.option("--all", "everything", is_flag=True, help="Take back everything: nothing of the hub is left.")
@click.option("--to", metavar="MIGRATION", help="Take back what came after this migration.")
@click.option("--yes", is_flag=True, help="Don't ask, even if orders are lost.")
@wait_option
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def rollback(dsn: str, everything: bool, to: str | None, yes: bool, wait: float, as_json: bool) -> None:
    """Take back the last migration, those after --to, or --all, and the functions, triggers and views with them.

    After a partial rollback, the release that fits the remaining migrations has to be deployed. One transaction: after
    an error the database is as it was.

    \b
    Example:
        ortes rollback --dsn service=hub
        ortes rollback --to 0003.history
        ortes rollback --all --yes
    """
    if everything and to:
        raise click.UsageError("--all or --to, not both")
    try:
        if not yes and holds_orders(dsn):
            if not sys.stdin.isatty():
                raise DeployError("the database holds orders, which a rollback can destroy: repeat with --yes")
            click.confirm("The database holds orders, which a rollback can destroy. Go on?", abort=True, err=True)
        result = run_rollback(dsn, to, everything, wait=wait, report=say)
    except DeployError as error:
        raise Refused(error) from None
    click.echo(json.dumps(asdict(result), ensure_ascii=False) if as_json else _text(result), nl=as_json)


def _text(result: RollbackResult) -> str:
    text = names("took back migration", result.migrations) + names("dropped", result.dropped)
    if not text:
        return "nothing to take back\n"
    if result.left:
        return text + f"migrations up to {result.left[-1]} remain, without functions: deploy the release that fits\n"
    return text + "nothing of the hub is left in this database\n"
