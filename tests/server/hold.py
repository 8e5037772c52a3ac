"""`ortes` with two more commands, for the tests in this folder: one holds a server until it is ended, one connects."""

import time

import click
import psycopg

from ortes_db.cli import main
from ortes_db.commands._options import dsn_option, pg_bin_option
from ortes_db.server import embedded_server


@main.command()
@pg_bin_option
@click.option("--fail", is_flag=True)
def hold(pg_bin: str | None, fail: bool) -> None:
    with embedded_server(pg_bin) as server, psycopg.connect(server.dsn()) as connection:
        print("ready", connection.execute("SELECT current_user").fetchone(), flush=True)
        if fail:
            raise ZeroDivisionError
        time.sleep(60)


@main.command()
@dsn_option
def connect(dsn: str) -> None:
    psycopg.connect(dsn).close()
    print("connected")


if __name__ == "__main__":
    main(prog_name="ortes")
