"""How the commands speak."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile

import click
import psycopg

from ortes_db.tree import DeployError


class Refused(click.ClickException):
    """A DeployError as the command's end."""

    def __init__(self, error: DeployError) -> None:
        super().__init__(str(error))
        self.exit_code: int = error.exit_code  # type: ignore[misc]  # click declares it for the class


class CannotTell(click.ClickException):
    """What was asked cannot be told or done."""

    exit_code = 2


def why(error: psycopg.Error, roles: str) -> str:
    """Why the database does not answer, as one line; `roles`: those that may ask."""
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return f"this login may not ask: a DBA grants it the role {roles}"
    if isinstance(
        error, psycopg.errors.UndefinedFunction | psycopg.errors.UndefinedTable | psycopg.errors.InvalidSchemaName
    ):
        return "the hub, or a release of it that answers this, is not here: run `ortes deploy`"
    said = [error.diag.message_primary, error.diag.message_detail]
    if (error.sqlstate or "").startswith("OR"):
        said.append(error.diag.message_hint)
    return " ".join((": ".join(filter(None, said)) or str(error)).split())


def say(text: str) -> None:
    """Progress, beside the result."""
    click.echo(text, err=True)


def names(what: str, listed: list[str]) -> str:
    """A heading with its count and the names below it; nothing if there are none."""
    return "" if not listed else f"{what}: {len(listed)}\n" + "".join(f"    {name}\n" for name in listed)


def replace_file(file: Path, text: str) -> None:
    """Write a file as a whole or not at all: no interruption, and nobody who reads it meanwhile, gets half of it."""
    file = file.resolve()  # a link stays one
    with NamedTemporaryFile("w", encoding="utf-8", dir=file.parent, prefix=f".{file.name}.", delete=False) as new:
        try:
            new.write(text)
            new.flush()
            umask = os.umask(0)
            os.umask(umask)
            os.chmod(new.name, file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~umask)
            os.replace(new.name, file)
        except BaseException:
            os.unlink(new.name)
            raise
