"""Giving up the old part of the history of changes, a batch a transaction: what is done stays done, whatever ends it."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from ortes_db.hub import connection_parameters

_UNITS = {"d": "days", "w": "weeks", "y": "years"}


@dataclass
class Purge:
    """`before`: what is older goes, as PostgreSQL writes it; `entries`: how many that were; `deleted`: gone by this run."""

    before: str
    entries: int
    deleted: int = 0


def interval(keep: str) -> str:
    """`90d`, `12w`, `2y` as PostgreSQL writes it. Raises ValueError."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([dwy])", keep)
    if not found:
        raise ValueError("expected a number and d, w or y: 90d, 12w, 2y")
    return f"{found[1]} {_UNITS[found[2]]}"


def purge(
    dsn: str,
    *,
    before: str | None = None,
    keep: str | None = None,
    really: bool = False,
    progress: Callable[[Purge], None] = lambda _: None,
) -> Purge:
    """Delete the history before a time (as PostgreSQL reads it) or older than an interval; unless `really`, only count.

    Calls `progress` after each batch, with the same object that it returns. Raises psycopg.Error.
    """
    with psycopg.connect(**connection_parameters(dsn), autocommit=True) as connection:
        # One moment for all batches.
        moment = "SELECT coalesce(%(before)s::timestamptz, date_trunc('second', now() - %(keep)s::interval))::text"
        (at,) = connection.execute(moment, {"before": before, "keep": keep}).fetchone() or ("",)
        (entries,) = connection.execute("SELECT ortes_ops.count_history(%s::timestamptz)", (at,)).fetchone() or (0,)
        done = Purge(at, entries)
        progress(done)
        while really:
            (batch,) = connection.execute("SELECT ortes_ops.purge_history(%s::timestamptz)", (at,)).fetchone() or (0,)
            if not batch:
                break
            done.deleted += batch
            progress(done)
        return done
