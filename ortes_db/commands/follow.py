"""`ortes follow`: the change feed as JSON lines."""

import os
import select
import sys
from contextlib import closing
from typing import Literal

import click
import psycopg

from ortes_db.commands._options import Choice, checked_dsn, dsn_option, seconds_option
from ortes_db.commands._output import CannotTell, say, why
from ortes_db.follow import Reader
from ortes_db.follow import follow as follow_changes

_INTEGER, _BIGINT = 2**31 - 1, 2**63 - 1


@click.command(short_help="Follow what the ERP changes, as JSON lines")
@click.option("--azi", required=True, metavar="COMPANY", help="Of which company.")
@click.option("--door", required=True, type=Choice(["store", "app"]), help="Who reads: the store, or a device.")
@click.option("--device", type=click.IntRange(1, _INTEGER), metavar="N", help="Which device. With --door app.")
@click.option(
    "--store", type=click.IntRange(1, _INTEGER), metavar="N", help="Which store, where the company has several."
)
@click.option(
    "--since",
    type=click.IntRange(0, _BIGINT),
    metavar="N",
    help="What came after this ID-SINCRO. Without: after what this reader confirmed last.",
)
@click.option("--confirm", is_flag=True, help="Confirm to the hub what was written out, page by page.")
@seconds_option("--poll", default=1.0, least=0.01, says="Look so often where no notification comes.")
@dsn_option
@click.option(
    "--read-dsn",
    default="",
    metavar="TEXT",
    callback=checked_dsn,
    help="Read from this standby; --dsn is then for being woken and for --confirm.",
)
def follow(
    azi: str,
    door: Literal["store", "app"],
    device: int | None,
    store: int | None,
    since: int | None,
    confirm: bool,
    poll: float,
    dsn: str,
    read_dsn: str,
) -> None:
    """Follow what the ERP changes: one order a line, as JSON, as soon as it is committed. Ends when you end it.

    \b
    Example:
        ortes follow --azi C00001 --door store --confirm --dsn postgresql://shop@hub/hub
        ortes follow --azi C00001 --door app --device 50 --since 0 | jq .conferma

    Woken by the hub's notifications where the company has them (ortes_ops.set_notify) and they can come; looks every
    --poll seconds where not: through a pooler, on a standby. Lost connections are made again, for good, and it goes on
    after the last order that it wrote out.

    With --confirm the hub keeps the position, and the next start goes on from there: what was written out but not
    confirmed yet comes again. (Written into a pipe is not read from it: who must not miss an order even when the reader
    of the pipe dies keeps the last id_sincro with the data, and gives it with --since.)

    Exit code 2: it cannot be followed, for a reason that waiting does not mend.
    """
    if door == "app" and (device is None or store is not None):
        raise click.UsageError("--door app goes with --device, and without --store")
    if door == "store" and device is not None:
        raise click.UsageError("--device goes with --door app")
    reader = Reader(door, azi, device if door == "app" else store)
    pages = follow_changes(reader, dsn, read_dsn or None, since=since, confirm=confirm, poll=poll, say=_say)
    try:
        with closing(pages):
            for page in pages:
                _write(page)
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise CannotTell(why(error, f"ortes_{door}")) from None


def _say(text: str) -> None:
    say(f"ortes: {text}")


def _write(lines: list[str]) -> None:
    """Write out, past all buffers: whatever ends us, nothing is left to be written."""
    output = sys.stdout.fileno()
    if not lines:
        # Whether anybody reads a pipe is told by an error, which writing nothing does not give.
        watched = select.poll()
        watched.register(output, 0)
        if any(event & select.POLLERR for _, event in watched.poll(0)):
            raise BrokenPipeError
    left = memoryview("".join(f"{line}\n" for line in lines).encode())
    while left:
        left = left[os.write(output, left) :]
