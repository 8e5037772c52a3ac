"""`ortes bench`: what the hub costs beside plain SQL."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ortes_db.bench import report
from ortes_db.bench.chart import draw
from ortes_db.bench.figures import Figure
from ortes_db.bench.pgbench import BenchError
from ortes_db.bench.plan import FULL, QUICK
from ortes_db.bench.run import Listener, measure, names
from ortes_db.commands._options import dsn_option, pg_bin_option
from ortes_db.words import did_you_mean


@click.command(short_help="Measure the hub beside plain SQL")
@dsn_option
@pg_bin_option
@click.option("--only", default="", metavar="NAME,NAME", help="Measure only these; --list names them.")
@click.option("--list", "list_names", is_flag=True, help="Name the measurements, and measure nothing.")
@click.option("--quick", is_flag=True, help="Fewer rounds, smaller sizes: for CI, where times say little.")
@click.option("--rounds", type=click.IntRange(min=1), metavar="N", help="Rounds of each timed measurement.")
@click.option("--seconds", type=click.IntRange(min=1), metavar="N", help="Length of each timed run.")
@click.option("--check", is_flag=True, help="End with exit code 1 when a noise-free figure misses its target.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write benchmark.md and benchmark.svg there.",
)
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write the chart: .svg or .png."
)
@click.pass_context
def bench(
    context: click.Context,
    dsn: str,
    pg_bin: str | None,
    only: str,
    list_names: bool,
    quick: bool,
    rounds: int | None,
    seconds: int | None,
    check: bool,
    as_json: bool,
    folder: Path | None,
    chart: Path | None,
) -> None:
    """Measure the hub beside the same work in plain SQL, on the same server in the same run.

    Runs on an embedded server that syncs to disk; with --dsn on that server, as a superuser, in a database that it
    creates there and drops afterwards. Times are ratios, hub to baseline, of rounds that take turns. The other figures
    (buffers, WAL, rows read) are counted, and no noisy machine disturbs them.

    \b
    Example:
        ortes bench --list
        ortes bench --quick --only save_order,changes --check

    Exit code 0: measured. 1: with --check, a noise-free figure misses its target. 2: it cannot be run.
    """
    if list_names:
        click.echo("\n".join(names()))
        return
    wanted = {name.strip() for name in only.split(",") if name.strip()}
    if unknown := wanted - set(names()):
        meant = did_you_mean(min(unknown), names())
        raise click.BadParameter(
            f"{', '.join(sorted(unknown))}: expected some of {', '.join(names())}. {meant}".rstrip(),
            param_hint="--only",
        )
    plan = QUICK if quick else FULL
    plan = replace(plan, rounds=rounds or plan.rounds, seconds=seconds or plan.seconds)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    given = context.get_parameter_source("dsn") is not click.core.ParameterSource.DEFAULT
    try:
        with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("", total=None)

            def show(figure: Figure) -> None:
                if as_json:
                    return
                text = report.line(figure)
                # Above the progress bar, where there is one.
                if sys.stderr.isatty() and sys.stdout.isatty():
                    progress.console.print(text, highlight=False, markup=False, soft_wrap=True)
                else:
                    click.echo(text)

            def step(what: str, done: int, total: int) -> None:
                if not sys.stderr.isatty() and done == 0:
                    click.echo(f"measuring {what}", err=True)
                progress.update(task, description=what, completed=done, total=total)

            told = Listener(lambda text: click.echo(text, err=True), show, step)
            result = measure(dsn if given else None, pg_bin, plan, wanted, told)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "benchmark.md").write_text(report.page(result, _command(context)), encoding="utf-8")
        for path in filter(None, (chart, folder and folder / "benchmark.svg")):
            draw(result, path)
    except BenchError as error:
        click.echo(f"ortes: {error}", err=True)
        context.exit(2)
    if as_json:
        click.echo(json.dumps(result.as_dict(), ensure_ascii=False, indent=2))
    else:
        click.echo(report.summary(result))
    if check and result.missed_counts:
        click.echo(f"missed: {', '.join(figure.name for figure in result.missed_counts)}", err=True)
        context.exit(1)


def _command(context: click.Context) -> str:
    given = {"quick": "--quick", "only": f"--only {context.params['only']}"}
    return " ".join(["ortes bench", *(text for name, text in given.items() if context.params[name])])
