"""What all browsers look at. Each change has a number; a browser says the last it has, and gets what it lacks.

Nothing is queued for anybody: who is slow finds, when it asks again, what is true by then.
"""

import asyncio
import json
import secrets
import time
from bisect import bisect_right
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from ortes_db.board.reading import Company, Reading

BUCKET = 10  # seconds that a bar of a sparkline stands for
BUCKETS = 60
BATCH = 200  # companies in one message: a browser that starts with thousands gets them in pieces


@dataclass(slots=True)
class Hub:
    """How the board stands with the database; times are epochs."""

    late: float  # seconds after which a waiting order or change needs attention
    poll: float  # seconds between two readings of everything
    up: bool = False
    since: float = 0.0  # of up, or of not up
    error: str = ""
    listening: bool = False
    silent: str = ""  # why no notification comes


@dataclass(slots=True)
class _Row:
    version: int
    company: Company
    text: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Part of what a browser lacks: `version` is the last change that it then has."""

    version: int
    rows: str
    more: bool


class World:
    """The companies and the hub, as last read."""

    def __init__(self, late: float, poll: float) -> None:
        self.hub = Hub(late, poll, since=time.time())
        self.epoch = secrets.token_hex(4)
        self.version = 0
        self.closed = False
        self._hub_version = 1
        self._clock = 0.0  # the database's, against ours
        self._rows: dict[str, _Row] = {}
        # Every change in order; an entry is stale when the row's own version is later.
        self._order: list[tuple[int, str]] = []
        self._moved: dict[str, deque[list[int]]] = {}
        self._batches: dict[tuple[int, bool], Batch] = {}
        self._changed = asyncio.Event()

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change. Take it before looking, and no change can slip through between."""
        return self._changed

    @property
    def hub_version(self) -> int:
        """The number of the last change of `hub`."""
        return self._hub_version

    def now(self) -> float:
        """Epoch, by the database's clock."""
        return time.time() + self._clock

    def company(self, azi: str) -> Company | None:
        """As last read."""
        row = self._rows.get(azi)
        return row.company if row else None

    def take(self, reading: Reading, *, whole: bool) -> None:
        """What was read. `whole`: these are all companies that there are."""
        self._clock = reading.now - time.time()
        if whole and not self._rows.keys() <= reading.companies.keys():
            # Companies are never deleted: this is another database, or an earlier state. Everybody starts anew.
            self.epoch = secrets.token_hex(4)
            self.version = 0
            self._rows.clear()
            self._moved.clear()
            self._order.clear()
        before = self.version
        for azi, company in reading.companies.items():
            old = self._rows.get(azi)
            if old is not None and old.company == company:
                continue
            if old is not None:
                self._move(old.company, company, int(reading.now) // BUCKET)
            self.version += 1
            self._rows[azi] = _Row(self.version, company, _text(company))
            self._order.append((self.version, azi))
        if len(self._order) > 2 * len(self._rows) + BATCH:
            self._order = [(version, azi) for version, azi in self._order if self._rows[azi].version == version]
        if self.version != before:
            self._tell()

    def tell_hub(self, **news: Any) -> None:
        """Something about `hub` is as these attributes say."""
        if any(getattr(self.hub, name) != value for name, value in news.items()):
            for name, value in news.items():
                setattr(self.hub, name, value)
            self._hub_version += 1
            self._tell()

    def close(self) -> None:
        """Let every browser go."""
        self.closed = True
        self._tell()

    def has(self, last_id: str) -> int:
        """The last change that a browser has which names this `last_id`; 0 if that was another board."""
        epoch, _, version = last_id.partition("-")
        known = epoch == self.epoch and version.isdecimal() and len(version) < 19
        return min(int(version), self.version) if known else 0

    def after(self, version: int, *, history: bool) -> Batch:
        """The next companies that changed after `version`; with `history`, what moved in each of late."""
        if (found := self._batches.get((version, history))) is not None:
            return found
        rows: list[str] = []
        position = bisect_right(self._order, version, key=lambda entry: entry[0])
        last = version
        while position < len(self._order) and len(rows) < BATCH:
            last, azi = self._order[position]
            position += 1
            if self._rows[azi].version == last:
                rows.append(self._with_history(azi) if history else self._rows[azi].text)
        batch = Batch(last, ",".join(rows), position < len(self._order))
        self._batches[version, history] = batch
        return batch

    def _tell(self) -> None:
        self._batches.clear()
        self._changed.set()
        self._changed = asyncio.Event()

    def _move(self, old: Company, new: Company, bucket: int) -> None:
        saved, changed = max(0, new.id_pub - old.id_pub), max(0, new.id_sincro - old.id_sincro)
        if not saved and not changed:
            return
        moved = self._moved.setdefault(new.azi, deque(maxlen=BUCKETS))
        if not moved or moved[-1][0] != bucket:
            moved.append([bucket, 0, 0])
        moved[-1][1] += saved
        moved[-1][2] += changed

    def _with_history(self, azi: str) -> str:
        first = int(self.now()) // BUCKET - BUCKETS
        moved = [bar for bar in self._moved.get(azi, ()) if bar[0] > first]
        return f'{self._rows[azi].text[:-1]},"moved":{json.dumps(moved, separators=(",", ":"))}}}'


def _text(company: Company) -> str:
    return json.dumps(asdict(company), separators=(",", ":"), ensure_ascii=False)
