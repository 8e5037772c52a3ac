"""`ortes router watch`: closes a shard that hangs, so that its calls end and are refused, and opens it when it answers.

PL/Proxy waits for a shard without an end: its timeouts are looked at only when something arrives, and a statement that is
cancelled (statement_timeout, Ctrl-C) waits for the shard to confirm it, which nothing but the shard ends any more. Ended
before that, a session is free. So somebody else has to notice, sooner than statement_timeout.

What is found is kept in the directory alone: watchers may come and go, and several may be at work.
"""

import asyncio
import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any, NoReturn

import psycopg

from ortes_db.hub import connection_parameters, one_line
from ortes_db.router.manage import check_may_end_calls, connect_router, end_calls_at
from ortes_db.router.shards import as_caller
from ortes_db.tree import DeployError

Connection = psycopg.Connection[Any]
Say = Callable[[str], None]

# By so many seconds we may be late before it cannot be told any more who stood still, the shard or this machine.
_SLACK = 1.0

_SHARDS = """
SELECT s.name, s.options, s.hangs_since FROM ortes_router.shard AS s WHERE NOT s.closed ORDER BY s.part
"""
# Both change what was seen before the shard was asked, or nothing: another watcher or a DBA may have been quicker.
_CLOSE = """
UPDATE ortes_router.shard AS s SET hangs_since = coalesce(s.hangs_since, clock_timestamp() - make_interval(secs => %(after)s))
WHERE s.name = %(name)s AND s.options = %(options)s AND s.hangs_since IS NOT DISTINCT FROM %(since)s AND NOT s.closed
"""
_OPEN = """
UPDATE ortes_router.shard AS s SET hangs_since = NULL
WHERE s.name = %(name)s AND s.options = %(options)s AND s.hangs_since = %(since)s
RETURNING extract(epoch FROM clock_timestamp() - %(since)s)::float8
"""
# Whose statements are cancelled within so many seconds: null for the database's own setting, and else a login's.
_TOO_SOON = """
SELECT CASE WHEN d.setrole <> 0 THEN pg_get_userbyid(d.setrole) END, t.value
FROM pg_db_role_setting AS d
CROSS JOIN unnest(d.setconfig) AS c (setting)
CROSS JOIN LATERAL (SELECT split_part(c.setting, '=', 2) AS value) AS t
WHERE c.setting LIKE 'statement_timeout=%%'
    AND (d.setdatabase = (SELECT b.oid FROM pg_database AS b WHERE b.datname = current_database())
        OR d.setdatabase = 0 AND d.setrole <> 0)
    AND CASE WHEN t.value ~ '^\\d+$' THEN t.value || 'ms' ELSE t.value END::interval
        BETWEEN '1 ms' AND make_interval(secs => %s)
"""


@dataclass(frozen=True)
class Shard:
    """A shard that no DBA has closed, as the directory had it before it was asked. `since`: hangs since, or null."""

    name: str
    options: str
    since: datetime | None


@dataclass(frozen=True)
class Answer:
    """Whether a shard answered in time, after how many seconds, and what. A refusal is an answer: calls end by it, too.

    `answers`: None where that cannot be told.
    """

    answers: bool | None
    after: float
    said: str = ""


@dataclass(frozen=True)
class Seen:
    """A shard that was asked. `change`: what was done, closed or opened; `ended`: how many sessions that waited for it."""

    name: str
    answers: bool | None
    said: str
    change: str | None = None
    ended: int = 0


def watch_once(dsn: str, patience: float, say: Say) -> list[Seen]:
    """Ask each shard that no DBA has closed once; close those that hang, open those that answer again. Raises DeployError."""
    with connect_router(dsn) as router:
        _check(router, patience, say)
        return asyncio.run(_ask_all(router, patience, say))


def watch(dsn: str, every: float, patience: float, say: Say) -> NoReturn:
    """The same every so many seconds, for good. A lost router is waited for. Raises DeployError if it cannot begin."""
    router = connect_router(dsn)
    _check(router, every + patience, say)
    with asyncio.Runner() as runner:
        while True:
            try:
                with router:
                    runner.run(_go_on(router, every, patience, say))
            except psycopg.OperationalError as error:
                say(f"the router is lost, trying again until it is back: {one_line(error)}")
            router = _connected_again(dsn)
            say("the router is back")


def _connected_again(dsn: str) -> Connection:
    for attempt in count():
        # Nobody tells when a server is back: one asks.
        time.sleep(min(5.0, 0.5 * 2 ** min(attempt, 4)))
        with suppress(psycopg.OperationalError):
            return psycopg.connect(**{"connect_timeout": 10, **connection_parameters(dsn)}, autocommit=True)
    raise AssertionError("unreachable")


def _check(router: Connection, seconds: float, say: Say) -> None:
    """That this login may do what a watcher does, and that it is sooner than the callers' statement_timeout."""
    check_may_end_calls(router)
    for login, value in router.execute(_TOO_SOON, (seconds,)).fetchall():
        text = (
            f"has statement_timeout {value}, and a shard that hangs is found within {seconds:g} s only: a call that is "
            "cancelled before stays until the shard's server goes on or ends"
        )
        if login is None:
            raise DeployError(
                f"the router's database {text}. Less --patience (and --every), or a longer statement_timeout"
            )
        say(f"login {login} {text}")


async def _ask_all(router: Connection, patience: float, say: Say) -> list[Seen]:
    shards = _shards(router)
    answers = await asyncio.gather(*(_ask(router, shard, patience) for shard in shards))
    return [_act(router, shard, answer, say) for shard, answer in zip(shards, answers, strict=True)]


async def _go_on(router: Connection, every: float, patience: float, say: Say) -> NoReturn:
    """Each shard by itself: one that keeps us waiting does not keep the others from being asked."""
    asked: dict[asyncio.Task[Answer], Shard] = {}
    look = time.monotonic()
    try:
        while True:
            if time.monotonic() >= look:
                look = time.monotonic() + every
                waiting = {shard.name for shard in asked.values()}
                for shard in _shards(router):
                    if shard.name not in waiting:
                        asked[asyncio.create_task(_ask(router, shard, patience))] = shard
            timer = asyncio.create_task(asyncio.sleep(look - time.monotonic()))
            await asyncio.wait([timer, *asked], return_when=asyncio.FIRST_COMPLETED)
            timer.cancel()
            for task in [task for task in asked if task.done()]:
                _act(router, asked.pop(task), task.result(), say)
    finally:
        for task in asked:
            task.cancel()


def _shards(router: Connection) -> list[Shard]:
    return [Shard(*row) for row in router.execute(_SHARDS).fetchall()]


async def _ask(router: Connection, shard: Shard, patience: float) -> Answer:
    """Connect, which takes a process of the shard's server that works, and nothing else."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(patience):
            connection = await psycopg.AsyncConnection.connect(
                as_caller(shard.options, router), application_name="ortes router watch"
            )
            await connection.close()
    except TimeoutError:
        after = time.monotonic() - began
        late = after > patience + _SLACK
        return Answer(None if late else False, after, "we were late ourselves" if late else "no answer")
    except psycopg.Error as error:
        said = one_line(error)
        after = time.monotonic() - began
        if isinstance(error, psycopg.errors.ConnectionTimeout) or os.strerror(errno.ETIMEDOUT) in said:
            return Answer(False, after, "no answer")
        # A local server that hangs takes no more of those who wait; one that is busy may, for a moment.
        return Answer(None if os.strerror(errno.EAGAIN) in said else True, after, said)
    return Answer(True, time.monotonic() - began)


def _act(router: Connection, shard: Shard, answer: Answer, say: Say) -> Seen:
    """Close it, or open it. While it hangs, its calls are ended again: an old snapshot may not have seen it closed."""
    given = {"name": shard.name, "options": shard.options, "since": shard.since, "after": answer.after}
    change, ended = None, 0
    if answer.answers and shard.since is not None:
        if opened := router.execute(_OPEN, given).fetchone():
            change = "opened"
            say(
                f"{shard.name} answers again{f' ({answer.said})' if answer.said else ''}: opened, after {opened[0]:.0f} s"
            )
    elif answer.answers is False and router.execute(_CLOSE, given).rowcount:
        ended = end_calls_at(router, shard.name)
        if shard.since is None:
            change = "closed"
            say(f"{shard.name} hangs, no answer within {answer.after:.0f} s: closed, {ended} of its calls ended")
        elif ended:
            say(f"{shard.name} still hangs: {ended} of its calls ended")
    return Seen(shard.name, answer.answers, answer.said, change, ended)
