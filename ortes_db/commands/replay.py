"""`ortes replay`: plays the documented scenario, or one's own, against a real hub."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
import psycopg
from click.core import ParameterSource
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from rich.console import Console

from ortes_db.commands._options import Choice, dsn_option, pg_bin_option
from ortes_db.commands._output import replace_file
from ortes_db.commands._progress import progress
from ortes_db.deploy import DeployError
from ortes_db.hub import one_line
from ortes_db.replay import faults as matrix
from ortes_db.replay import page, report
from ortes_db.replay.faults import Matrix, NotReady, interrupt_all
from ortes_db.replay.place import place
from ortes_db.replay.run import Result, play
from ortes_db.replay.scenario import InputError, Translations, read_scenario, read_translations
from ortes_db.resources import scenarios_dir
from ortes_db.server import Server, embedded_server

_FILE = click.Path(path_type=Path)


class Unusable(click.ClickException):
    """What was given cannot be used."""

    exit_code = 2


@click.command(short_help="Replay a scenario and compare every cell")
@click.argument("scenario", required=False, type=_FILE, metavar="[FILE.csv]")
@click.option("--errata", type=_FILE, metavar="FILE.csv", help="Cells of the scenario that are known to be wrong.")
@click.option("--format", "form", type=Choice(["table", "json", "junit"]), default="table", show_default=True)
@click.option("--output", type=_FILE, metavar="FILE", help="Write the result there, and one line of summary here.")
@click.option("--html", type=_FILE, metavar="FILE", help="Write a page to look at there; beside it, --format if given.")
@click.option("--faults", is_flag=True, help="Interrupt every operation in every way, and let the systems go on.")
@dsn_option
@pg_bin_option
@click.pass_context
def replay(
    context: click.Context,
    scenario: Path | None,
    errata: Path | None,
    form: str,
    output: Path | None,
    html: Path | None,
    faults: bool,
    dsn: str,
    pg_bin: str | None,
) -> None:
    """Replay a scenario against a real hub and compare every cell.

    Without FILE.csv: the document's own. Runs on an embedded server; with --dsn on that server, in a database and with
    logins that it creates there and drops afterwards.

    With --faults: the crash matrix. Each call of each operation is interrupted in each of five ways (the backend killed,
    the connection lost, the server stopped, the system killed before and after its call), in a replay of its own; the
    system then repeats its last call, and the table must be as documented again. With --dsn the server is not stopped.

    With --html: one file that any browser opens, without network: the table with a slider through the history, what
    passed between store, app, hub and ERP at each step, and what each one held then; with --faults the grid as well.

    \b
    Example:
        ortes replay
        ortes replay mine.csv --format junit --output report.xml
        ortes replay --html replay.html
        ortes replay --faults

    Exit code 0: every cell matches or is a known erratum. 1: a mismatch, or an interruption that was
    not survived. 2: something that was given cannot be used.
    """
    if scenario is None:
        scenario = scenarios_dir() / "orders.csv"
        errata = errata or scenarios_dir() / "orders.errata.csv"
    given = context.get_parameter_source("dsn") is not ParameterSource.DEFAULT
    if faults and form == "junit":
        raise Unusable("--faults has no --format junit: expected table or json")
    try:
        read = read_scenario(scenario, errata)
        translations = _check_page(html, output, scenario) if html else {}
        _check_output(output)
        with (
            _server(dsn, given, pg_bin) as (server_dsn, server),
            place(server_dsn, _say) as here,
        ):
            outcome: Matrix | Result
            if faults:
                with progress() as step:
                    outcome = interrupt_all(read, here, server, progress=step)
            else:
                outcome = play(read, here)
    except NotReady as error:
        outcome = error.result
        form = "table" if output is None else form
        _say(f"{error}:")
    except InputError as error:
        raise Unusable(str(error)) from None
    except DeployError as error:
        raise Unusable(f"the hub cannot be deployed there: {error}") from None
    except psycopg.Error as error:
        if error.sqlstate is None or isinstance(error, psycopg.OperationalError):
            raise  # no refusal: a lost server, of which the root command tells
        hint = " The login needs the rights CREATEDB and CREATEROLE." if error.sqlstate == "42501" else ""
        raise Unusable(f"the server refuses: {one_line(error)}.{hint}") from None
    if isinstance(outcome, Matrix) and "server" not in outcome.faults:
        _say("the server of --dsn is not ours to stop: that column is left out")
    if html:
        replace_file(html, page.as_page(outcome, translations))
    if html and output is None and context.get_parameter_source("form") is ParameterSource.DEFAULT:
        # The page says it all.
        click.echo(matrix.summary_line(outcome) if isinstance(outcome, Matrix) else report.summary_line(outcome))
    elif isinstance(outcome, Matrix):
        _write_matrix(outcome, form, output)
    else:
        _write(outcome, form, output)
    context.exit(0 if outcome.good else 1)


@contextmanager
def _server(dsn: str, given: bool, pg_bin: str | None) -> Iterator[tuple[str, Server | None]]:
    if not given:
        with embedded_server(pg_bin) as server:
            yield server.dsn(), server
    elif pg_bin:
        raise Unusable("--pg-bin is for the embedded server, --dsn for another one: expected one of them")
    else:
        # Like psql's, but a server without a database named like the user is no obstacle.
        named = {"dbname", "service"} & conninfo_to_dict(dsn).keys() or {"PGDATABASE", "PGSERVICE"} & os.environ.keys()
        yield dsn if named else make_conninfo(dsn, dbname="postgres"), None


def _write_matrix(outcome: Matrix, form: str, output: Path | None) -> None:
    table = matrix.as_table(outcome)
    text = matrix.as_json(outcome) if form == "json" else table.plain
    if output is not None:
        output.write_text(text, encoding="utf-8")
        click.echo(matrix.summary_line(outcome))
    elif form == "json":
        click.echo(text, nl=False)
    else:
        Console(highlight=False, soft_wrap=True).print(table, end="")


def _say(text: str) -> None:
    click.echo(text, err=True)


def _check_output(output: Path | None) -> None:
    """Find out before the work, not after it."""
    if output is not None:
        try:
            with output.open("a", encoding="utf-8"):
                pass
        except OSError as error:
            raise Unusable(f"{output}: cannot be written: {error.strerror}") from None


def _check_page(html: Path, output: Path | None, scenario: Path) -> Translations:
    """Find out before the work whether the page can be written; read what it needs besides the replay."""
    if str(html) == "-" or (html.exists() and not html.is_file()):
        raise Unusable(f"{html}: cannot be written: --html needs a file, which it replaces as a whole")
    if output is not None and html.resolve() == output.resolve():
        raise Unusable(f"{html}: expected a file for --html and another one for --output")
    try:
        with NamedTemporaryFile(dir=html.resolve().parent, prefix=f".{html.name}."):
            pass
    except OSError as error:
        raise Unusable(f"{html}: cannot be written: {error.strerror}") from None
    return read_translations(scenario, page.LANGUAGES)


def _write(result: Result, form: str, output: Path | None) -> None:
    width = shutil.get_terminal_size(fallback=(120, 24)).columns
    match form:
        case "json":
            text = report.as_json(result)
        case "junit":
            text = report.as_junit(result)
        case _:
            table = report.as_table(result, width)
            if output is None:
                # Rich decides about colour; the lines are as long as they are.
                Console(highlight=False, soft_wrap=True).print(table, end="")
                return
            text = table.plain
    if output is None:
        click.echo(text, nl=False)
        for problem in result.problems:
            click.echo(f"{problem.section} {problem.row}: {problem.text}", err=True)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(report.summary_line(result))
