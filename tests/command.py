"""The command `ortes`, called in the test's own process: the same exit code and the same output, without the start of another one.

What a process does, rather than what a command prints, has tests with a process of its own: signals, terminals, pipes, imports.
"""

import os
import subprocess

from click.testing import CliRunner

from ortes_db.cli import main

Told = subprocess.CompletedProcess[str]
_THEIRS = ("PG", "COLUMNS", "LINES")
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(_THEIRS)
}  # for a process of its own


def ortes(*arguments: object, **environment: str) -> Told:
    """`ortes ARGUMENTS`, where there is no terminal, with no variables for libpq but these. What it does not expect is raised."""
    typed = [str(argument) for argument in arguments]
    clean = {name: None for name in os.environ if name.startswith(_THEIRS)}
    done = CliRunner(env=clean | environment).invoke(main, typed, prog_name="ortes", catch_exceptions=False)
    return Told(typed, done.exit_code, done.stdout, done.stderr)
