"""`ortes router move`: a company goes from one shard to another while both, and the company, are in use.

Copy first, then catch up, compare, and switch: only the switch makes the company's callers wait. Until it, the old shard
serves and the move can be undone; after it, the new one serves and the move can only be finished. Each step is written in
the directory before it leaves anything behind, and can be repeated: whatever interrupts, the same command continues.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from ortes_db.hub import connection_parameters
from ortes_db.router import move_copy as copy
from ortes_db.router import move_directory as directory
from ortes_db.router import move_log as log
from ortes_db.router import move_rows as rows
from ortes_db.router.move_check import unready
from ortes_db.router.move_directory import Move
from ortes_db.router.shards import as_caller
from ortes_db.tree import DeployError

Connection = psycopg.Connection[Any]

# What the steps do, in their order; the last word on a terminal, and what a test interrupts at.
STEPS = {
    "begin": "begins",
    "publish": "the old shard publishes the company's rows",
    "slot": "waiting for transactions under way on the old shard",
    "subscribe": "the new shard subscribes",
    "copy": "copying",
    "compare": "comparing all rows",
    "again": "comparing what has changed since",
    "lock": "waiting for the calls under way",
    "hold": "nobody writes",
    "same": "the copies are the same",
    "silent": "no more changes are published",
    "open": "the new shard knows the company",
    "switch": "the directory names the new shard",
    "fence": "the old shard no longer knows the company",
    "stop": "ending the copying",
    "check": "looking for changes made past the router",
    "clear": "deleting the old copy",
    "end": "the move is over",
}
# An attempt to switch begins when no more than this is left to apply: a moment's work.
NEARLY = 256 * 1024
# And so few orders are left to compare.
FEW = 500
# How long a subscription may be without a worker, and how often it may fail, before somebody should look.
PATIENCE_WITH_WORKERS = 60.0
FAILURES = 5


class MoveError(DeployError):
    """A move cannot be begun, continued or undone (exit code 2), or not now, or must not be (1). The message says why."""


class _GaveWay(Exception):
    """This attempt to switch would have kept the callers waiting too long."""


@dataclass(frozen=True)
class Progress:
    """A step, with how much of how much is done where that can be told."""

    step: str
    done: int = 0
    of: int = 0
    note: str = ""


@dataclass
class Moved:
    """What was done. `waited`: how long callers of the company had to wait, in seconds."""

    azi: str
    source: str
    target: str
    orders: int = 0
    history: int = 0
    attempts: int = 0
    waited: float | None = None
    cleared: int = 0
    undone: bool = False


Report = Callable[[Progress], None]


def move(
    router_dsn: str,
    azi: str,
    to: str,
    *,
    shards: Mapping[str, str] | None = None,
    patience: float = 60,
    pause: float = 3,
    discard: bool = False,
    report: Report = lambda _: None,
) -> Moved:
    """Move the company to shard `to`, or continue where an earlier call was interrupted. Raises MoveError.

    `shards`: connection strings of shards, for those that cannot be reached with the router's user and password.
    `pause`: how long one attempt to switch may keep callers waiting; `patience`: how long to try in all. In seconds.
    `discard`: delete the old copy even if somebody wrote to it past the router after the switch.
    """
    with ExitStack() as closing:
        router = _router(router_dsn, azi, closing)
        reach = _Reach(router, shards or {}, closing)
        found = directory.find_move(router, azi)
        if found is not None and found.step == "undoing":
            _undo(router, reach, found, report)
            found = None
        if found is not None and found.target != to:
            raise MoveError(
                f"company {azi!r} is on its way from {found.source} to {found.target}: finish that, or --undo it first"
            )
        if found is None:
            source = directory.home(router, azi)
            if source is None:
                raise MoveError(f"unknown company {azi!r}")
            if source == to:
                return Moved(azi, source, to)
            _check(reach, azi, source, to)
            report(Progress("begin"))
            found = directory.begin(router, azi, source, to)
        mover = _Mover.of(router, reach, found, report)
        if found.step == "copying":
            mover.copy()
            mover.switch(patience, pause)
        mover.finish(discard)
        return mover.moved


def undo(
    router_dsn: str, azi: str, *, shards: Mapping[str, str] | None = None, report: Report = lambda _: None
) -> Moved:
    """Take back a move that has not switched yet. Raises MoveError."""
    with ExitStack() as closing:
        router = _router(router_dsn, azi, closing)
        reach = _Reach(router, shards or {}, closing)
        found = directory.find_move(router, azi)
        if found is None:
            raise MoveError(f"company {azi!r} is not being moved")
        if found.step in ("switched", "clearing"):
            raise MoveError(
                f"company {azi!r} lives on {found.target} already: finish the move with --to {found.target}, then move it back"
            )
        return _undo(router, reach, found, report)


def _undo(router: Connection, reach: "_Reach", found: Move, report: Report) -> Moved:
    # Deleted is a copy, for certain.
    if directory.home(router, found.azi) != found.source:
        raise MoveError(f"the directory does not say that company {found.azi!r} lives on {found.source}")
    directory.set_step(router, found.azi, "undoing")
    # First on the old shard, alone: it must not keep its log for a new one that may never come back.
    copy.stop_sending(reach.connect(found.source), found.name)
    mover = _Mover.of(router, reach, found, report)
    mover.undo()
    return mover.moved


@dataclass
class _Mover:
    """One move under way. `holder`: a second session on the old shard, which keeps the company from its writers."""

    router: Connection
    source: Connection
    holder: Connection
    target: Connection
    source_dsn: str
    move: Move
    report: Report
    moved: Moved = field(init=False)

    def __post_init__(self) -> None:
        self.moved = Moved(self.move.azi, self.move.source, self.move.target)

    @classmethod
    def of(cls, router: Connection, reach: "_Reach", move: Move, report: Report) -> "_Mover":
        """Connect to both shards."""
        source, holder = (reach.connect(move.source) for _ in range(2))
        return cls(router, source, holder, reach.connect(move.target), reach.dsn(move.source), move, report)

    @property
    def azi(self) -> str:
        return self.move.azi

    @property
    def name(self) -> str:
        return self.move.name

    def step(self, step: str, done: int = 0, of: int = 0, note: str = "") -> None:
        """Tell how far it is."""
        self.report(Progress(step, done, of, note))

    def copy(self) -> None:
        """The first copy, until what follows is applied as it comes."""
        if directory.home(self.router, self.azi) != self.move.source:
            raise MoveError(f"the directory does not say that company {self.azi!r} lives on {self.move.source}")
        # An attempt to switch may have come as far as opening the new shard.
        rows.close_company(self.target, self.azi)
        if not copy.goes_on(self.source, self.target, self.name):
            copy.stop_receiving(self.source, self.target, self.name)
            copy.stop_sending(self.source, self.name)
            rows.clear_company(self.target, self.azi, lambda _: None)
        self.step("publish")
        copy.publish(self.source, self.name, self.azi)
        self.step("slot")
        copy.make_slot(self.source, self.name)
        self.step("subscribe")
        copy.subscribe(self.target, self.name, self.source_dsn)
        of = rows.about_how_many(self.source, self.azi)
        now = first = copy.copying(self.target, self.name)
        worked = time.monotonic()
        while not now.live:
            self.step("copy", now.rows, of)
            time.sleep(0.05)  # a subscription's progress is told to nobody: one asks
            now = copy.copying(self.target, self.name)
            if now.workers:
                worked = time.monotonic()
            failing = now.failures >= first.failures + FAILURES
            stands = time.monotonic() > worked + PATIENCE_WITH_WORKERS
            if failing or stands or not copy.goes_on(self.source, self.target, self.name):
                raise MoveError(
                    f"the subscription {self.name} on {self.move.target} does not get on; the log of that server says why. "
                    "The same command continues",
                    1,
                )
        self.step("copy", of, of)

    def switch(self, patience: float, pause: float) -> None:
        """Compare, then make the new shard the company's home, in as many attempts as it takes."""
        deadline = time.monotonic() + patience
        compared: rows.Compared | None = None
        while True:
            try:
                if compared is None:
                    self._nearly_caught_up(deadline)
                    compared = self._compare()
                self._compare_again(compared)
                self.moved.attempts += 1
                self._switch_once(compared, pause)
                return
            except _GaveWay as why:
                if time.monotonic() > deadline:
                    raise MoveError(
                        f"could not switch within {patience:g} seconds: {why}. The company stays on {self.move.source}; "
                        "the same command tries again, --undo takes the copy back",
                        1,
                    ) from None
                self.step("lock", note=f"gave way: {why}")
                if not isinstance(why.__cause__, psycopg.errors.LockNotAvailable):
                    compared = None
            time.sleep(min(1.0, pause))  # the callers who queued behind the attempt have their turn, and tell nobody

    def finish(self, discard: bool) -> None:
        """After the switch: nothing of the company is left on the old shard, nor of the copying anywhere."""
        if directory.home(self.router, self.azi) != self.move.target:
            raise MoveError(f"the directory does not say that company {self.azi!r} lives on {self.move.target}")
        if self.move.step != "clearing":
            self.step("fence")
            rows.close_company(self.source, self.azi)
            self.step("stop")
            copy.stop_receiving(self.source, self.target, self.name)
            copy.stop_sending(self.source, self.name)
            self.step("check")
            self._check_old_copy(discard)
            directory.set_step(self.router, self.azi, "clearing")
        of = rows.about_how_many(self.source, self.azi)
        self.step("clear", 0, of)
        self.moved.cleared = rows.clear_company(self.source, self.azi, lambda n: self.step("clear", n, of))
        self.step("end")
        directory.forget(self.router, self.azi)

    def undo(self) -> None:
        """Before the switch: nothing is left on the new shard, nor of the copying anywhere."""
        self.step("stop")
        copy.stop_receiving(self.source, self.target, self.name)
        self.step("clear")
        self.moved.cleared = rows.clear_company(self.target, self.azi, lambda n: self.step("clear", n))
        self.step("end")
        directory.forget(self.router, self.azi)
        self.moved.undone = True

    def _compare(self) -> rows.Compared:
        """Compare everything, while all work goes on."""
        self.step("compare")
        if rows.company_tables(self.source) != rows.company_tables(self.target):
            raise MoveError(
                f"one of {self.move.source} and {self.move.target} was deployed meanwhile: deploy both, then go on"
            )
        logs = log.open_logs(self.source, self.target, self.name, self.azi)
        compared = rows.compare_all(self.source, self.target, self.azi, self._catch_up)
        compared.logs = logs
        self.moved.orders, self.moved.history = compared.rows["arportes"], compared.rows["history"]
        self._must_be_same(rows.wrong_orders(self.source, self.target, compared, self._catch_up))
        return compared

    def _compare_again(self, compared: rows.Compared) -> None:
        """Compare what has changed since, while all work goes on, until few are left for the callers to wait for."""
        before = math.inf
        while True:
            self.step("again")
            rows.compare_changed(self.source, self.target, compared, self._catch_up)
            if not FEW < compared.changed <= before / 2:
                return
            before = compared.changed

    def _switch_once(self, compared: rows.Compared, pause: float) -> None:
        """One attempt: all callers of the company wait until it is through, or has given way."""
        began = time.monotonic()
        deadline = began + pause
        try:
            self.step("lock")
            # Should this process be stopped now (Ctrl-Z), the servers let the callers go; the router first, so that nothing
            # is switched then.
            for connection, limit in ((self.router, pause), (self.holder, 2 * pause)):
                connection.execute("BEGIN")
                connection.execute(
                    "SELECT set_config('idle_in_transaction_session_timeout', %s, true)", (f"{limit:.3f}s",)
                )
            directory.lock_company(self.router, self.azi, pause / 2)
            self.holder.execute("SELECT set_config('lock_timeout', %s, true)", (f"{pause / 4:.3f}s",))
            self.holder.execute("SELECT ortes.lock_company(%s)", (self.azi,))
            self.step("hold")
            for shard in (self.source, self.target):
                limit = max(deadline - time.monotonic(), 0.1)
                shard.execute("SELECT set_config('statement_timeout', %s, false)", (f"{limit:.3f}s",))
            snapshot = rows.snapshot_now(self.source)
            lsn = copy.mark(self.source)
            changed = rows.compare_changed(
                self.source, self.target, compared, lambda: self._wait_applied(lsn, deadline), held=True
            )
            self._must_be_same(changed)
            self._must_have_logins()
            self.step("same")
            self._open_and_switch(snapshot)
            self.moved.waited = time.monotonic() - began
            self.step("switch")
            rows.close_company(self.holder, self.azi)
            self.holder.execute("COMMIT")
        except psycopg.errors.LockNotAvailable as error:
            self.router.execute("ROLLBACK")
            raise _GaveWay(f"calls or transactions for the company do not end ({self._holders()})") from error
        except psycopg.errors.QueryCanceled as error:
            raise _GaveWay(f"it takes longer than the {pause:g} seconds of --pause") from error
        finally:
            for connection in (self.router, self.holder):
                if connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
                    with suppress(psycopg.Error):
                        connection.execute("ROLLBACK")
            for shard in (self.source, self.target):
                with suppress(psycopg.Error):
                    shard.execute("RESET statement_timeout")

    def _open_and_switch(self, snapshot: str) -> None:
        """The company is the new shard's once the directory's transaction commits."""
        # What somebody writes past the router to the old shard from now on must not reach the new one.
        copy.set_publishing(self.source, self.name, False)
        try:
            self.step("silent")
            rows.open_company(self.source, self.target, self.azi)
            self.step("open")
            directory.set_home(self.router, self.azi, self.move.target)
            directory.set_step(self.router, self.azi, "switched", snapshot)
        except BaseException:
            with suppress(psycopg.Error):
                rows.close_company(self.target, self.azi)
                self._publish_again()
            raise
        self.router.execute("COMMIT")
        self.move = directory.find_move(self.router, self.azi) or self.move

    def _publish_again(self) -> None:
        """If nobody has written meanwhile, the copy goes on without a gap; else it has to begin anew."""
        copy.set_publishing(self.source, self.name, True)
        try:
            self.holder.execute("SELECT 1")  # as long as this session lives, the company has been held
        except psycopg.Error:
            copy.set_publishing(self.source, self.name, False)

    def _nearly_caught_up(self, deadline: float) -> None:
        """Wait until little is left to apply."""
        while (left := copy.behind(self.source, self.name)) is None or left > NEARLY:
            self.step("copy", note=f"{left or 0:,} bytes of log to apply")
            if time.monotonic() > deadline:
                raise _GaveWay("the new shard does not catch up with what the old one writes")
            time.sleep(0.02)  # how far it is, is told to nobody: one asks

    def _catch_up(self) -> None:
        """Wait until the target has what the source has now, while all work goes on."""
        self._wait_applied(copy.mark(self.holder), time.monotonic() + PATIENCE_WITH_WORKERS)

    def _wait_applied(self, lsn: str, deadline: float) -> None:
        # By the holder's session: the other one may be comparing.
        while not copy.has_applied(self.holder, self.name, lsn):
            if time.monotonic() > deadline:
                raise _GaveWay("the new shard is still applying what the old one wrote")
            time.sleep(0.002)  # asks more often: callers wait meanwhile

    def _must_be_same(self, differing: dict[str, set[int]]) -> None:
        for table, ids in differing.items():
            if ids:
                raise MoveError(
                    f"the copy on {self.move.target} is not what {self.move.source} holds: {table}, {_some(ids)}. "
                    f"Nothing was switched, {self.move.source} serves the company. --undo takes the copy back",
                    1,
                )

    def _must_have_logins(self) -> None:
        if lacking := rows.lacking_logins(self.source, self.target, self.azi):
            raise MoveError(
                f"logins with access to company {self.azi!r} are not on {self.move.target} as they are on "
                f"{self.move.source}: {', '.join(lacking)}. Make them there, then the same command continues",
                1,
            )

    def _check_old_copy(self, discard: bool) -> None:
        """A call whose client had gone may have queued on the old shard; it has its turn before this lock."""
        assert self.move.snapshot is not None
        with self.holder.transaction():
            self.holder.execute("SET LOCAL lock_timeout = '60s'")
            self.holder.execute("SELECT ortes.lock_company(%s)", (self.azi,))
        changed = rows.changed_after(self.source, self.azi, self.move.snapshot)
        if changed and not discard:
            raise MoveError(
                f"somebody wrote to {self.move.source} past the router after company {self.azi!r} had left it: {_some(changed)}. "
                f"{self.move.target} serves the company and does not have that; the old copy is kept. Repeat it there if it "
                "is needed, then the same command with --discard deletes the old copy",
                1,
            )

    def _holders(self) -> str:
        """Who keeps the company, where that can be told."""
        with suppress(psycopg.Error):
            found = directory.holders(self.router, self.azi)
            if found:
                return "held on the router by " + ", ".join(found)
        return f"see ortes_ops.holders on {self.move.source}"


def _some(ids: Collection[int]) -> str:
    """Orders in words; 0 is none of them."""
    some = ", ".join(map(str, sorted(ids)[:10])) + (" …" if len(ids) > 10 else "")
    return "not as many rows" if some == "0" else f"ID-PUB {some}"


def _check(reach: "_Reach", azi: str, source: str, target: str) -> None:
    if problem := unready(azi, source, reach.connect(source), target, reach.connect(target)):
        raise MoveError(problem)


def _router(dsn: str, azi: str, closing: ExitStack) -> Connection:
    router = _connect(dsn, closing)
    if not directory.lock_mover(router, azi):
        raise MoveError(f"another command is moving company {azi!r} now", 1)
    return router


@dataclass(frozen=True)
class _Reach:
    """How shards are reached: at the directory's addresses as who came to the router, or as `given`."""

    router: Connection
    given: Mapping[str, str]
    closing: ExitStack

    def dsn(self, shard: str) -> str:
        """The connection string of a shard. Raises MoveError."""
        if shard in self.given:
            return self.given[shard]
        try:
            return as_caller(directory.shard_options(self.router, shard), self.router)
        except LookupError:
            raise MoveError(f"there is no shard {shard!r}") from None

    def connect(self, shard: str) -> Connection:
        """A session there, closed with the others."""
        return rows.prepare(_connect(self.dsn(shard), self.closing))


def _connect(dsn: str, closing: ExitStack) -> Connection:
    given: dict[str, Any] = {
        "connect_timeout": 10,
        **connection_parameters(dsn),
        "application_name": "ortes router move",
    }
    return closing.enter_context(psycopg.connect(**given, autocommit=True))
