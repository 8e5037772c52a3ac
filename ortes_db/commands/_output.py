"""How the commands around deploying speak."""

import click

from ortes_db.tree import DeployError


class Refused(click.ClickException):
    """A DeployError as the command's end."""

    def __init__(self, error: DeployError) -> None:
        super().__init__(str(error))
        self.exit_code: int = error.exit_code  # type: ignore[misc]  # click declares it for the class


def say(text: str) -> None:
    """Progress, beside the result."""
    click.echo(text, err=True)


def names(what: str, listed: list[str]) -> str:
    """A heading with its count and the names below it; nothing if there are none."""
    return "" if not listed else f"{what}: {len(listed)}\n" + "".join(f"    {name}\n" for name in listed)
