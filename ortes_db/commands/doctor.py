"""`ortes doctor`: is this hub as safe as docs/security.md wants it?"""

import json
from dataclasses import asdict

import click

from ortes_db.commands._options import dsn_option
from ortes_db.commands._output import Refused
from ortes_db.doctor import doctor as examine
from ortes_db.tree import DeployError


@click.command(short_help="Check who may do what in a live hub")
@dsn_option
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.pass_context
def doctor(context: click.Context, dsn: str, as_json: bool) -> None:
    """Check who may do what in a live hub: roles, grants, owners, search_path, logins and their limits, drift.

    Only reads. Each finding comes with the statement that mends it. Connect as a superuser, or as a member of
    ortes_owner.

    \b
    Example:
        ortes doctor --dsn service=hub

    Exit code 0: nothing is open. 1: something is. 2: it cannot be told.
    """
    try:
        findings = examine(dsn)
    except DeployError as error:
        raise Refused(error) from None
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            click.echo(f"{finding.check}: {finding.what}\n    {finding.mend}")
        click.echo(f"{len(findings)} open" if findings else "Nothing is open.")
    context.exit(1 if findings else 0)
