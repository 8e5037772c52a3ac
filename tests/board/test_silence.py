"""Where notifications cannot come, the board reads every few seconds, and says why."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ortes_db.replica import embedded_replica
from tests.board.running import Board, running
from tests.concurrency.pooler import pooler
from tests.hub import Hub

pytestmark = pytest.mark.once


def until(board: Board, wanted: Callable[[dict[str, Any], dict[str, Any]], bool], act: Callable[[], object]) -> None:
    """Read the stream, acting on each of its messages, until the database's state and C00001's row are as wanted."""
    hub: dict[str, Any] = {}
    row: dict[str, Any] = {}
    with httpx.stream("GET", f"{board.url}/events", timeout=20) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: "):
                message = json.loads(line.removeprefix("data: "))
                hub |= message.get("hub", {})
                row |= next((r for r in message.get("rows", []) if r["azi"] == "C00001"), {})
                if hub and row and wanted(hub, row):
                    return
                act()
    raise AssertionError("the stream ended")


def test_through_a_pooler(kept: Hub) -> None:
    login = kept.login("monitor")
    with (
        pooler(kept.db.server, [login], 2) as dsn,
        running(f"{dsn} user={login} dbname={kept.db.name}", "--poll", "1") as board,
    ):
        serial = iter(range(1000, 2000))
        until(
            board,
            lambda hub, row: "a pooler between" in hub["silent"] and row["pending"] > 1,
            lambda: kept.save(next(serial)),
        )


def test_where_they_come_nothing_is_said(kept: Hub) -> None:
    with running(kept.db.dsn(kept.login("monitor")), "--poll", "1") as board:
        serial = iter(range(2000, 3000))
        seen: list[str] = []

        def ten_readings(hub: dict[str, Any], row: dict[str, Any]) -> bool:
            seen.append(hub["silent"])
            return len(seen) == 10

        until(board, ten_readings, lambda: kept.save(next(serial)))
        assert set(seen) == {""}


def test_on_a_standby(kept: Hub) -> None:
    login = kept.login("monitor")
    with embedded_replica(kept.db.server) as replica, running(replica.dsn(kept.db.name, login), "--poll", "1") as board:
        serial = iter(range(3000, 4000))
        before = len(kept.id_pubs())
        until(
            board,
            lambda hub, row: "standby" in hub["silent"] and not hub["listening"] and row["pending"] > before,
            lambda: kept.save(next(serial)),
        )
