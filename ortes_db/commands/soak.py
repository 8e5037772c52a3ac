"""`ortes soak`: many clients at work on a hub at once, and the check of all that they were told."""

import json
from typing import Any

import click
import psycopg

from ortes_db.commands._options import pg_bin_option
from ortes_db.commands._progress import progress
from ortes_db.deploy import deploy
from ortes_db.replica import embedded_replica
from ortes_db.server import embedded_server
from ortes_db.soak.run import Progress, Scene, run_and_check, summary


@click.command(short_help="Check the two promises under load")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=5, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="What the clients do is drawn from it.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures and findings as JSON.")
@pg_bin_option
@click.pass_context
def soak(context: click.Context, minutes: float, seed: int, as_json: bool, pg_bin: str | None) -> None:
    """Check the two promises under load: nobody misses a change, nobody makes an order twice.

    Starts a server and a streaming replica of it, lets stores, devices, ERP workers, somebody who writes by hand and
    readers on both servers work at once, and then checks all that they were told. The clients hold transactions, roll
    back, use savepoints, don't hear answers and repeat. (The servers run with fsync off, as nobody needs their data.)

    \b
    Example:
        ortes soak --minutes 1 --pg-bin 16

    Exit code 0: both promises kept. 1: something was found. 2: it could not be run.
    """
    with embedded_server(pg_bin) as primary:
        with psycopg.connect(primary.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hub")
        deploy(primary.dsn("hub"))
        with embedded_replica(primary) as replica, progress() as step:
            scene = Scene(
                primary.dsn("hub"),
                lambda login: primary.dsn("hub", login),
                lambda login: replica.dsn("hub", login),
            )

            def show(now: Progress) -> None:
                text = f"{now.seconds:.0f} of {now.of:.0f} s, {now.calls:,} calls, {now.failed} failed"
                step(now.seconds, now.of, text)

            history, findings = run_and_check(scene, minutes * 60, seed=seed, progress=show)
        figures = {"postgresql": primary.version, **summary(history, findings)}
    if as_json:
        click.echo(json.dumps({**figures, "good": not findings}, ensure_ascii=False))
    else:
        click.echo(_text(figures), nl=False)
    context.exit(1 if findings else 0)


def _text(figures: dict[str, Any]) -> str:
    text = (
        f"PostgreSQL {figures['postgresql']}, {figures['seconds']} s: {figures['calls']:,} calls "
        f"({figures['calls_per_second']:,} a second), {figures['saves_and_changes']:,} of them saves and changes; the "
        f"slowest took {figures['slowest_call']} s\n"
        f"{figures['orders']:,} orders, {figures['id_sincro_given']:,} ID-SINCRO given, {figures['rows_read']:,} changes "
        f"read by {figures['readers']} readers\n"
        f"{figures['transactions_held']:,} transactions held, {figures['answers_lost']:,} answers lost\n"
    )
    for finding in figures["findings"]:
        text += f"FOUND, {finding['kind']}: {finding['text']}\n"
    return text + ("nothing missed, nothing made twice\n" if not figures["findings"] else "")
