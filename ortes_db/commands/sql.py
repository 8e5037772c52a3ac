"""`ortes sql`: the whole installation as one script."""

import click

from ortes_db.commands._output import Refused
from ortes_db.script import script
from ortes_db.tree import DeployError


@click.command(short_help="Print the whole installation as one psql script")
def sql() -> None:
    """Print what `ortes deploy` does as one script for psql.

    It installs into an empty database and upgrades any earlier release, in one transaction:

    \b
    Example:
        ortes sql > hub.sql; psql -X -v ON_ERROR_STOP=1 -d DATABASE -f hub.sql
    """
    try:
        click.echo(script(), nl=False)
    except DeployError as error:
        raise Refused(error) from None
