"""The command `ortes`: finds its subcommands in ortes_db/commands/, and ends cleanly however it ends."""

import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import click
import psycopg

from ortes_db import __version__
from ortes_db.hub import one_line
from ortes_db.server import ServerError
from ortes_db.words import did_you_mean

_COMMANDS = Path(__file__).parent / "commands"

# The table of contents: who uses what.
CHAPTERS = {
    "To deploy": ("deploy", "status", "rollback", "sql"),
    "The DBA": ("doctor", "purge", "router"),
    "Watching": ("top", "board", "metrics"),
    "Support": ("order",),
    "Developers": ("follow",),
    "Analysts": ("replay",),
    "Proofs": ("soak", "bench"),
}

_HELP_END = """
  ortes COMMAND --help tells more, with examples; ortes --version the version.
  The database: --dsn 'host=… dbname=…', or PGHOST, PGDATABASE and so on.
  Completion, in ~/.bashrc:  eval "$(_ORTES_COMPLETE=bash_source ortes)"
"""


class _Commands(click.Group):
    """Commands loaded when asked for: commands/NAME.py holds the click command NAME."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        files = (file.stem for file in _COMMANDS.glob("*.py") if not file.stem.startswith("_"))
        return sorted({*files, *self.commands})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.commands or cmd_name not in self.list_commands(ctx):
            return super().get_command(ctx, cmd_name)
        command = getattr(import_module(f"ortes_db.commands.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One screen of 24 lines: what there is, by who uses it. What each does in detail, it says itself."""
        placed = [name for listed in CHAPTERS.values() for name in listed]
        more = {"More": tuple(name for name in self.list_commands(ctx) if name not in placed)}
        formatter.write(
            "Usage: ortes COMMAND [OPTIONS]\n\n  The hub through which a store, its apps and an ERP exchange orders.\n\n"
        )
        for chapter, names in {**CHAPTERS, **more}.items():
            for name in names:
                command = self.get_command(ctx, name)
                text = command.get_short_help_str(56) if command else ""
                formatter.write(f"  {chapter:10}  {name:9} {text}\n")
                chapter = ""
        formatter.write(_HELP_END)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-"):
            hint = did_you_mean(args[0], names) or f"There are: {', '.join(names)}."
            ctx.fail(f"No such command {args[0]!r}. {hint}")
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        _exit_cleanly_on_signals()
        # A connection that is left in the middle of a query logs that; how the command ended is said anyway.
        logging.getLogger("psycopg").addHandler(logging.NullHandler())
        try:
            # Without click's own ending: its Ctrl-C is exit code 1.
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = 128 + signal.SIGINT
        except BrokenPipeError:  # `ortes sql | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        except ServerError as error:
            click.echo(f"ortes: {error}", err=True)
            code = 2
        except psycopg.OperationalError as error:
            click.echo(f"ortes: {one_line(error)}", err=True)
            code = 2
        sys.exit(code if isinstance(code, int) else 0)


def _exit_cleanly_on_signals() -> None:
    """Make SIGTERM and SIGHUP an exception, so that every `finally` runs; a second one does not disturb it."""

    def leave(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, leave)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """The hub through which a store, its apps and an ERP exchange orders."""
