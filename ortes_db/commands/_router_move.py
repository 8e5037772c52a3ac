"""`ortes router move`: a company goes to another shard."""

import json
from dataclasses import asdict

import click
import psycopg

from ortes_db.commands._options import router_option, seconds_option
from ortes_db.commands._output import CannotTell, Refused, say, why
from ortes_db.commands._progress import progress
from ortes_db.router.move import STEPS, Moved, Progress
from ortes_db.router.move import move as run_move
from ortes_db.router.move import undo as run_undo
from ortes_db.router.shards import read_shard
from ortes_db.tree import DeployError

CONTINUE = "The same command continues where this one ended; --undo takes back a move that has not switched."


@click.command(short_help="Move a company to another shard while it is in use")
@click.argument("azi")
@click.option("--to", metavar="SHARD", help="Where the company is to live.")
@click.option("--undo", is_flag=True, help="Take back a move that was interrupted before it switched.")
@router_option
@click.option(
    "--shard",
    "shards",
    multiple=True,
    metavar="[NAME=]TEXT",
    help="How to reach a shard as a superuser, where the router's user and password do not. The new shard's server reaches "
    "the old one by the same string.",
)
@seconds_option(
    "--pause",
    default=3,
    least=0.2,
    most=30,
    says="How long an attempt to switch may keep the company's callers waiting before it gives way.",
)
@seconds_option("--patience", default=60, least=0, says="How long to try to switch in all.")
@click.option("--discard", is_flag=True, help="Delete the old copy although somebody wrote to it after the switch.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def move(
    azi: str,
    to: str | None,
    undo: bool,
    dsn: str,
    shards: tuple[str, ...],
    pause: float,
    patience: float,
    discard: bool,
    as_json: bool,
) -> None:
    """Move company AZI to another shard while it is in use: its orders, counters, positions, access and history.

    Copies first, then catches up, compares every row on both shards, and switches; only the switch makes the company's
    callers wait, a moment. Then the old copy is deleted. Interrupted at any point, the same command continues.

    Needs a superuser on both shards, and wal_level = logical on the one that the company leaves.

    \b
    Example:
        ortes router move C00001 --to hub_b --router 'host=r dbname=router'
        ortes router move C00001 --undo --router 'host=r dbname=router'

    Exit code 0: the company lives there and nowhere else. 1: not now, or a difference was found; the message says where
    the company is. 2: something has to be put right first.
    """
    if undo == (to is not None):
        raise click.UsageError("expected --to SHARD, or --undo")
    try:
        given = {shard.name: shard.dsn for shard in map(read_shard, shards)}
        with progress() as show:

            def report(now: Progress) -> None:
                show(now.done, max(now.of, now.done) or 1, _line(now), _part(now))

            if to is None:
                moved = run_undo(dsn, azi, shards=given, report=report)
            else:
                moved = run_move(
                    dsn, azi, to, shards=given, patience=patience, pause=pause, discard=discard, report=report
                )
    except DeployError as error:
        raise Refused(error) from None
    except KeyboardInterrupt:
        say(f"Interrupted. {CONTINUE}")
        raise
    except psycopg.Error as error:
        if isinstance(error, psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName):
            raise CannotTell("this database is no router of this release: run `ortes router deploy`") from None
        raise CannotTell(f"{why(error, 'superuser').rstrip('.?')}. {CONTINUE}") from None
    click.echo(json.dumps(asdict(moved), ensure_ascii=False) if as_json else _text(moved))


def _text(moved: Moved) -> str:
    if moved.undone:
        return f"{moved.azi} stays on {moved.source}; the copy on {moved.target} is gone ({moved.cleared:,} rows)"
    if moved.source == moved.target:
        return f"{moved.azi} lives on {moved.target} already"
    text = f"{moved.azi} lives on {moved.target} now"
    if moved.waited is not None:
        text += (
            f": {moved.orders:,} orders and {moved.history:,} entries of their history, the same on both shards by count and "
            f"checksum; callers waited {moved.waited:.2f} s"
        )
    return text + f"\nthe old copy on {moved.source} is gone ({moved.cleared:,} rows)"


def _part(now: Progress) -> str:
    # How much is copied, and how much is still to be applied, changes all the time.
    return now.step if now.step in ("copy", "clear") else now.step + now.note


def _line(now: Progress) -> str:
    counted = f", {now.done:,} of about {now.of:,} rows" if now.of else ""
    return STEPS[now.step] + counted + (f" ({now.note})" if now.note else "")
