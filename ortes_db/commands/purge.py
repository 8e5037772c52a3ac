"""`ortes purge`: gives up the old part of the history of changes."""

import json
from dataclasses import asdict

import click
import psycopg

from ortes_db.commands._options import dsn_option
from ortes_db.commands._output import CannotTell, why
from ortes_db.commands._progress import progress
from ortes_db.purge import Purge, interval
from ortes_db.purge import purge as run_purge


def _interval(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    try:
        return value and interval(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(short_help="Delete the old part of the history of changes")
@click.option("--before", metavar="TIME", help="Delete what is older: 2026-01-31, '2026-01-31 18:00+01', yesterday.")
@click.option("--keep", metavar="N{d|w|y}", callback=_interval, help="Delete what is older than days, weeks or years.")
@click.option("--yes", is_flag=True, help="Do it. Without, only say how much it would be.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@dsn_option
def purge(before: str | None, keep: str | None, yes: bool, as_json: bool, dsn: str) -> None:
    """Delete the old part of the history of changes, of all companies (ortes_ops.purge_history). Orders stay.

    \b
    Example:
        ortes purge --keep 2y
        ortes purge --before 2026-01-31 --yes

    Without --yes it only counts. It deletes in batches that commit each by itself, the oldest first, and disturbs nobody
    at work: stop it with Ctrl-C whenever you like, and repeat the command to go on. That the time before was given up
    stays on record. For logins with the role ortes_ops.

    Exit code 0: done, or counted. 2: it could not be done.
    """
    if (before is None) == (keep is None):
        raise click.UsageError("say how far back: one of --before and --keep")
    done: Purge | None = None
    try:
        with progress() as step:

            def show(now: Purge) -> None:
                nonlocal done
                done = now
                if yes and now.entries:
                    text = f"{now.deleted:,} of {now.entries:,} entries deleted"
                    step(now.deleted, now.entries, text)

            done = run_purge(dsn, before=before, keep=keep, really=yes, progress=show)
    except (KeyboardInterrupt, SystemExit):
        if done and yes:
            click.echo(f"stopped: {done.deleted:,} entries are gone; repeat the command to go on", err=True)
        raise
    except psycopg.OperationalError:
        if done and done.deleted:
            click.echo(f"{done.deleted:,} entries are gone; repeat the command to go on", err=True)
        raise
    except psycopg.Error as error:
        raise CannotTell(why(error, "ortes_ops")) from None
    if as_json:
        click.echo(json.dumps(asdict(done)))
    elif yes:
        click.echo(f"deleted {done.deleted:,} entries of the history before {done.before}")
    elif done.entries:
        click.echo(
            f"would delete {done.entries:,} entries of the history before {done.before}; repeat with --yes to do it"
        )
    else:
        click.echo(f"nothing to delete: the history has no entry before {done.before}")
