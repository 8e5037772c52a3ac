"""What keeps a company from being moved, or switched, or its old copy from being deleted; and that it then stays where it is."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.pq import TransactionStatus

from ortes_db.router import move as mover
from ortes_db.router import move_log
from ortes_db.router.move import MoveError, Progress
from ortes_db.server import Server
from tests.command import Told, ortes
from tests.hub import one, rows
from tests.move.shards import AZI, OTHER, Shards, kill_at


def at_step(step: str, act: Callable[[], Any]) -> Callable[[Progress], None]:
    """A report that does something once, when the move comes to that step."""
    done = []

    def report(now: Progress) -> None:
        if now.step == step and not done:
            done.append(step)
            act()

    return report


def past_the_triggers(shards: Shards, where: str, statement: str) -> None:
    with shards.connect(where) as dba:
        dba.execute("SET session_replication_role = replica")
        dba.execute(statement)  # type: ignore[call-overload]


DOCTORED = {
    "another content": (
        "arportes, ID-PUB 1",
        f"UPDATE ortes.arportes SET dati = '{{}}' WHERE azi = '{AZI}' AND id_pub = 1",
    ),
    "a flag": (
        "arportes, ID-PUB 2",
        f"UPDATE ortes.arportes SET ack_app = NOT ack_app WHERE azi = '{AZI}' AND id_pub = 2",
    ),
    "an order less": (
        "arportes, (ID-PUB 3|not as many rows)",
        f"DELETE FROM ortes.arportes WHERE azi = '{AZI}' AND id_pub = 3",
    ),
    "an order more": (
        "arportes, ID-PUB 999",
        "INSERT INTO ortes.arportes (azi, id_pub, prov_tipo, autore_tipo, id_int) "
        f"VALUES ('{AZI}', 999, 'S', 'C', 999999)",
    ),
    "another number": (
        "arportes, ID-PUB (4, )?997",
        f"UPDATE ortes.arportes SET id_pub = 997 WHERE azi = '{AZI}' AND id_pub = 4",
    ),
    "a history entry less": (
        "history, ID-PUB 4",
        f"DELETE FROM ortes.history WHERE azi = '{AZI}' AND id_pub = 4",
    ),
    "a history entry twice": (
        "history, ID-PUB 5",
        "INSERT INTO ortes.history SELECT at, azi, id_pub, login, door, was, became FROM ortes.history "
        f"WHERE azi = '{AZI}' AND id_pub = 5",
    ),
}


@pytest.fixture(params=["by the logs", "by all rows"])
def changes_found(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How what changes while a company moves is found; the second way is for shards of which a log cannot be read."""
    if request.param == "by all rows":
        monkeypatch.setattr(move_log, "open_logs", lambda *_: None)
    return request.param


def never_served(shards: Shards, naming: str, report: Callable[[Progress], None]) -> None:
    """The move says what differs, at the first try and the next; then it is undone."""
    at, away = shards.home(), shards.away
    with pytest.raises(MoveError, match=naming) as caught:
        shards.move(away, report=report)
    assert caught.value.exit_code == 1
    assert shards.home() == at
    shards.work()
    # Nor at the next try, which does not change what was found.
    with pytest.raises(MoveError, match="Nothing was switched"):
        shards.move(away)
    assert shards.undo().undone


@pytest.mark.once
@pytest.mark.parametrize("doctored", DOCTORED)
def test_a_copy_that_differs_never_serves(shards: Shards, doctored: str) -> None:
    at, away = shards.home(), shards.away
    naming, statement = DOCTORED[doctored]
    never_served(shards, naming, at_step("compare", lambda: past_the_triggers(shards, away, statement)))
    shards.goes_on(at)


@pytest.mark.once
@pytest.mark.parametrize("step", ["again", "lock", "hold"])
# What the comparison of all rows has not seen any more; of the history that is what is new.
@pytest.mark.parametrize("doctored", ["a flag", "an order less", "an order more", "another number"])
def test_nor_one_that_is_changed_after_it_was_compared(
    shards: Shards, changes_found: str, doctored: str, step: str
) -> None:
    at, away = shards.home(), shards.away
    naming, statement = DOCTORED[doctored]
    never_served(shards, naming, at_step(step, lambda: past_the_triggers(shards, away, statement)))
    shards.goes_on(at)


@pytest.mark.once
@pytest.mark.parametrize("step", ["again", "hold"])
def test_nor_one_that_has_an_order_more_than_is_left(shards: Shards, changes_found: str, step: str) -> None:
    """Deletions are not copied: the order that the old shard has lost is still on the new one."""
    at = shards.home()
    which = f"azi = '{AZI}' AND id_pub = 3"
    kept = shards.ask(at, f"SELECT to_jsonb(t)::text FROM ortes.arportes AS t WHERE {which}")[0][0]
    lose = f"DELETE FROM ortes.arportes WHERE {which}"
    never_served(shards, "ID-PUB 3|not as many rows", at_step(step, lambda: past_the_triggers(shards, at, lose)))
    bring = "INSERT INTO ortes.arportes SELECT * FROM jsonb_populate_record(NULL::ortes.arportes, {})"
    past_the_triggers(shards, at, sql.SQL(bring).format(sql.Literal(kept)).as_string(None))
    shards.goes_on(at)


@pytest.mark.once
def test_nor_one_that_is_changed_between_two_rounds(
    shards: Shards, changes_found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at, away = shards.home(), shards.away
    monkeypatch.setattr(mover, "FEW", 0)
    done: list[str] = []

    def report(now: Progress) -> None:
        # The second round finds less than half of what the first has found, so that there is a third.
        if now.step == "again" and len(done) < 3:
            few = (
                f"UPDATE ortes.arportes SET ack_app = NOT ack_app WHERE azi = '{AZI}' AND id_pub <= {1 if done else 5}"
            )
            past_the_triggers(shards, at, few)
            if len(done) == 1:
                past_the_triggers(shards, away, DOCTORED["an order more"][1])
            done.append(now.step)

    never_served(shards, DOCTORED["an order more"][0], report)
    assert len(done) == 3
    shards.goes_on(at)


@pytest.mark.once
@pytest.mark.parametrize("step", ["again", "lock"])
def test_nor_one_that_a_transaction_under_way_changes(shards: Shards, changes_found: str, step: str) -> None:
    """It has begun before a round, in which it is not to be seen, and ends after that."""
    at, away = shards.home(), shards.away
    naming, statement = DOCTORED["a flag"]
    with shards.connect(away) as dba:
        dba.execute("SET session_replication_role = replica")

        def report(now: Progress) -> None:
            idle = dba.info.transaction_status == TransactionStatus.IDLE
            if now.step == step and idle:
                dba.execute("BEGIN")
                dba.execute("SAVEPOINT inner_one")
                dba.execute(statement)  # type: ignore[call-overload]
            elif now.step == "hold":
                dba.execute("COMMIT")

        never_served(shards, naming, report)
    shards.goes_on(at)


@pytest.mark.once
def test_nor_one_whose_table_was_emptied(shards: Shards) -> None:
    """The log does not say so."""
    if shards.home() == "s2":
        shards.move("s1")
    never_served(
        shards,
        "ID-PUB|not as many rows",
        at_step("hold", lambda: past_the_triggers(shards, "s2", "TRUNCATE ortes.arportes")),
    )
    shards.goes_on("s1")


@pytest.mark.once
def test_where_a_log_cannot_be_read_all_rows_are_asked(shards: Shards) -> None:
    away = shards.away
    with shards.connect("router") as other:

        def report(now: Progress) -> None:
            if now.step == "compare":
                # New slots wait for it, as it is on the same server.
                other.execute("BEGIN")
                other.execute("SELECT pg_current_xact_id()")
            elif now.step == "switch":
                other.execute("COMMIT")

        shards.move(away, report=report)
    shards.goes_on(away)


@pytest.mark.once
def test_callers_who_hold_the_company_are_waited_for_a_bounded_time(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    with shards.connect("router") as router:
        router.execute("BEGIN")
        router.execute("SELECT pg_advisory_xact_lock_shared(1330795589, hashtext(%s))", (AZI,))
        with pytest.raises(MoveError, match=f"process {router.info.backend_pid} .*stays on {at}") as caught:
            shards.move(away, pause=0.4, patience=0.5)
    assert caught.value.exit_code == 1
    with shards.connect(at) as shard:
        shard.execute("BEGIN")
        shard.execute("SELECT ortes.lock_company(%s)", (AZI,))
        with pytest.raises(MoveError, match=f"holders on {at}"):
            shards.move(away, pause=0.4, patience=0.5)
    shards.work()
    shards.move(away)
    shards.goes_on(away)


@pytest.mark.once
def test_who_gives_way_lets_the_callers_pass_between_two_tries(shards: Shards) -> None:
    """A caller who comes while the mover waits for another one is served when it gives way, and the mover then switches."""
    away = shards.away
    seen: list[str] = []
    with shards.connect("router") as first, shards.connect("router") as second, ThreadPoolExecutor(1) as pool:
        shared = "SELECT pg_advisory_xact_lock_shared(1330795589, hashtext(%s))"
        first.execute("BEGIN")
        first.execute(shared, (AZI,))

        def report(now: Progress) -> None:
            if now.note.startswith("gave way"):
                seen.append(now.note)
                second.execute(shared, (AZI,))
                first.execute("COMMIT")

        moved = pool.submit(shards.move, away, pause=0.4, report=report).result()
    assert len(seen) == 1
    assert moved.attempts == 2
    shards.goes_on(away)


@pytest.mark.once
def test_what_is_written_past_the_router_is_found(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    query = f"UPDATE ortes.arportes SET ack_app = true WHERE azi = '{AZI}' AND id_pub = 1"

    def write() -> None:
        with shards.connect(at) as dba:
            dba.execute(query)

    kill_at(shards, away, "switch")
    write()
    with pytest.raises(MoveError, match=f"wrote to {at} past the router .*ID-PUB 1") as caught:
        shards.move(away)
    assert caught.value.exit_code == 1
    assert len(shards.content(at)["arportes"]) == len(shards.content(away)["arportes"]), "the old copy is gone"
    shards.work()
    shards.move(away, discard=True)
    shards.goes_on(away)


@pytest.mark.once
def test_the_old_shard_refuses_the_company_as_soon_as_it_has_left(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    kill_at(shards, away, "stop")
    with shards.connect(at, shards.logins["store"]) as store, shards.connect(at) as dba:
        with pytest.raises(psycopg.Error) as caught:
            store.execute("SELECT ortes_store.save_order(%s, 999999)", (AZI,))
        assert caught.value.sqlstate == "OR003"
        with pytest.raises(psycopg.Error) as caught:
            dba.execute("SELECT ortes_store.save_order(%s, 999999)", (AZI,))
        assert caught.value.sqlstate == "OR001"
        with pytest.raises(psycopg.Error) as caught:
            dba.execute(
                "INSERT INTO ortes.arportes (azi, prov_tipo, autore_tipo, tor_chia) VALUES (%s, 'G', 'O', 'X')", (AZI,)
            )
        assert caught.value.sqlstate == "OR001"
    shards.move(away)
    shards.goes_on(away)


@pytest.mark.once
def test_the_new_shard_refuses_the_company_until_it_lives_there(shards: Shards) -> None:
    away = shards.away

    def knock() -> None:
        with shards.connect(away) as dba, pytest.raises(psycopg.Error) as caught:
            dba.execute("SELECT ortes_store.save_order(%s, 999999)", (AZI,))
        assert caught.value.sqlstate == "OR001"

    shards.move(away, report=at_step("same", knock))
    shards.goes_on(away)


@pytest.mark.once
def test_two_commands_for_one_company(shards: Shards) -> None:
    away = shards.away

    def again() -> None:
        with pytest.raises(MoveError, match="another command is moving") as caught:
            shards.move(away)
        assert caught.value.exit_code == 1

    shards.move(away, report=at_step("compare", again))
    shards.goes_on(away)


@pytest.mark.once
def test_to_another_shard_than_the_move_under_way(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    kill_at(shards, away, "compare")
    with pytest.raises(MoveError, match=f"on its way from {at} to {away}"):
        shards.move(at)
    shards.undo()
    shards.goes_on(at)


@pytest.mark.once
@pytest.mark.parametrize(
    ("lose", "where"),
    [
        ("DROP PUBLICATION {}", "at"),
        ("SELECT pg_drop_replication_slot('{}')", "at"),
        ("ALTER PUBLICATION {} SET (publish = '')", "at"),
        ("ALTER PUBLICATION {} DROP TABLE ortes.arportes, ortes.history", "at"),
    ],
)
def test_a_copy_that_cannot_be_continued_begins_anew(shards: Shards, lose: str, where: str) -> None:
    at, away = shards.home(), shards.away
    kill_at(shards, away, "compare")
    ((name,),) = shards.ask("router", "SELECT name FROM ortes_router.move")
    with shards.connect(away) as dba:
        dba.execute(f"ALTER SUBSCRIPTION {name} DISABLE")
        # Until its worker has gone, the slot is in use.
    with shards.connect(at) as dba:
        dba.execute(
            "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE slot_name = %s", (name,)
        )
        dba.execute(lose.format(name))  # type: ignore[arg-type]
    shards.work()
    shards.move(away)
    shards.goes_on(away)


LOST = "UPDATE pg_subscription_rel SET srsubstate = 'f' WHERE srrelid = 'ortes.arportes'::regclass"


@pytest.mark.once
def test_a_first_copy_whose_end_a_crash_has_undone_begins_anew(shards: Shards) -> None:
    """The target crashes when a table is through: it has forgotten so, and the slot to take it up from is gone."""
    away = shards.away
    kill_at(shards, away, "compare")
    with shards.connect(away) as dba:
        dba.execute(LOST)
    shards.work()
    shards.move(away)
    shards.goes_on(away)


@pytest.mark.once
def test_a_copy_that_cannot_be_continued_any_more_says_so_at_once(shards: Shards) -> None:
    at, away = shards.home(), shards.away

    def lose() -> None:
        ((name,),) = shards.ask("router", "SELECT name FROM ortes_router.move")
        with shards.connect(at) as dba:
            dba.execute(f"ALTER PUBLICATION {name} SET (publish = '')")

    with pytest.raises(MoveError, match="does not get on"):
        shards.move(away, report=at_step("subscribe", lose))
    shards.move(away)
    shards.goes_on(away)


@pytest.mark.once
def test_a_history_purged_meanwhile(shards: Shards) -> None:
    """Its deletions are not copied: what was given up for deletion does not count as a difference."""
    at, away = shards.home(), shards.away

    def purge() -> None:
        with shards.connect(at) as dba:
            assert one(dba, "SELECT ortes_ops.purge_history(now())") > 0

    shards.move(away, report=at_step("compare", purge))
    assert shards.home() == away
    assert shards.leftovers() == []


@contextmanager
def lacking_login(shards: Shards) -> Iterator[str]:
    """A login with access to the company that the second server does not have."""
    login = "move_lacking"
    with psycopg.connect(shards.servers["s1"].dsn(), autocommit=True) as dba:
        dba.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE ortes_store").format(sql.Identifier(login)))
    with shards.connect(shards.home()) as dba:
        dba.execute("SELECT ortes_ops.grant_access(%s, %s)", (login, AZI))
    try:
        yield login
    finally:
        with shards.connect(shards.home()) as dba:
            dba.execute("SELECT ortes_ops.revoke_access(%s, %s)", (login, AZI))
        for server in {shards.servers["s1"], shards.servers["s2"]}:
            with psycopg.connect(server.dsn(), autocommit=True) as dba:
                dba.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(login)))


@pytest.mark.once
def test_a_login_that_the_new_server_lacks(apart: Shards) -> None:
    if apart.home() == "s2":
        apart.move("s1")
    with lacking_login(apart) as login:
        with pytest.raises(MoveError, match=f"{login}.*CREATE ROLE"):
            apart.move("s2")
        assert apart.leftovers() == []
        with psycopg.connect(apart.servers["s2"].dsn(), autocommit=True) as dba:
            dba.execute(sql.SQL("CREATE ROLE {} LOGIN IN ROLE ortes_app").format(sql.Identifier(login)))
            with pytest.raises(MoveError, match=login):
                apart.move("s2")
            dba.execute(sql.SQL("GRANT ortes_store TO {0}; REVOKE ortes_app FROM {0}").format(sql.Identifier(login)))
        apart.move("s2")
    apart.goes_on("s2")


@pytest.mark.once
def test_rows_of_the_company_that_nobody_knows_of(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    with shards.connect(away) as dba:
        dba.execute("SELECT ortes_ops.create_company(%s)", (AZI,))
    with pytest.raises(MoveError, match=f"{away} has rows of company '{AZI}' already, in ortes.company"):
        shards.move(away)
    assert len(shards.content(away)["company"]) == 1, "rows of unknown origin were deleted"
    past_the_triggers(
        shards, away, f"DELETE FROM ortes.apstatosyn WHERE azi = '{AZI}'; DELETE FROM ortes.company WHERE azi = '{AZI}'"
    )
    shards.goes_on(at)


@pytest.mark.once
def test_tables_that_differ(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    with shards.connect(at) as dba:
        dba.execute("ALTER TABLE ortes.reader ADD COLUMN later integer")
        with pytest.raises(MoveError, match="same tables"):
            shards.move(away)
        dba.execute("ALTER TABLE ortes.reader DROP COLUMN later")
    with shards.connect("s1") as one_shard, shards.connect("s2") as other:
        for dba in (one_shard, other):
            dba.execute("CREATE TABLE ortes.later (azi text)")
        with pytest.raises(MoveError, match=r"cannot move the rows of ortes\.later"):
            shards.move(away)
        for dba in (one_shard, other):
            dba.execute("DROP TABLE ortes.later")
    shards.goes_on(at)


def test_a_server_whose_log_cannot_be_decoded(server: Server, shards: Shards, template: str) -> None:
    """The tests' other server has the usual wal_level."""
    name = "move_not_logical"
    with psycopg.connect(server.dsn(), autocommit=True) as dba:
        dba.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            with shards.connect("router") as router:
                options = f"host={server.socket_dir} port=5432 dbname={name}"
                router.execute("INSERT INTO ortes_router.shard (name, options) VALUES ('plain', %s)", (options,))
                router.execute("INSERT INTO ortes_router.company (azi, shard) VALUES ('C00009', 'plain')")
                from ortes_db.router.move import move

                with pytest.raises(MoveError, match="ALTER SYSTEM SET wal_level"):
                    move(shards.dsn("router"), "C00009", "s1")
                router.execute("DELETE FROM ortes_router.company WHERE azi = 'C00009'")
                router.execute("DELETE FROM ortes_router.shard WHERE name = 'plain'")
        finally:
            dba.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.once
@pytest.mark.parametrize("step", ["copy", "open", "switch", "clear"])
@pytest.mark.parametrize("server", ["s1", "s2"])
def test_a_server_killed(apart: Shards, step: str, server: str) -> None:
    away = apart.away

    def kill() -> None:
        apart.servers[server].stop("immediate")
        apart.servers[server].start()

    with pytest.raises((psycopg.OperationalError, MoveError)):
        apart.move(away, report=at_step(step, kill))
        if step in ("switch", "clear") and apart.home() == away:
            raise psycopg.OperationalError  # the other server was no longer needed
    apart.work()
    apart.move(away)
    apart.goes_on(away)


@pytest.mark.once
def test_undoing_without_the_new_shard_frees_the_old_one(apart: Shards) -> None:
    if apart.home() == "s2":
        apart.move("s1")
    kill_at(apart, "s2", "compare")
    apart.servers["s2"].stop("immediate")
    with pytest.raises(psycopg.OperationalError):
        apart.undo()
    assert rows_left(apart) == [], "the old shard keeps its log for a shard that may never come back"
    apart.servers["s2"].start()
    apart.undo()
    apart.goes_on("s1")


def rows_left(shards: Shards) -> list[Any]:
    return shards.ask("s1", "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")


def test_company_codes_of_all_kinds(shards: Shards) -> None:
    from ortes_db.router.move import move

    for azi in ("C'0", 'a"b', "x\\y", "%s {} $1", "è漢👩", " "):
        with shards.connect("s1") as dba, shards.connect("router") as router:
            dba.execute("SELECT ortes_ops.create_company(%s)", (azi,))
            router.execute("INSERT INTO ortes_router.company (azi, shard) VALUES (%s, 's1')", (azi,))
            dba.execute("SELECT ortes_store.save_order(%s, 1)", (azi,))
        assert move(shards.dsn("router"), azi, "s2").orders == 1
        with shards.connect("s2") as dba:
            assert one(dba, "SELECT ortes_store.save_order(%s, 2)", azi) == 2
        assert shards.leftovers() == []


@pytest.mark.once
def test_a_router_that_has_lost_its_moves(shards: Shards) -> None:
    """What docs/router.md says to do."""
    at, away = shards.home(), shards.away
    kill_at(shards, away, "compare")
    shards.ask("router", "DELETE FROM ortes_router.move RETURNING azi")
    doc = (Path(__file__).parents[2] / "docs" / "router.md").read_text(encoding="utf-8")
    section = doc.split("The router is lost, and with it the list of moves")[1].split("\n- ")[0]
    subscriptions, slots, tell = re.findall(r"^  ((?:SELECT|INSERT) .*);$", section, re.MULTILINE)
    ((name,),) = shards.ask(away, subscriptions)
    assert shards.ask(at, slots) == [(name,)]
    for said, meant in (("C00001", AZI), ("hub_a", at), ("hub_c", away), ("ortes_move_…", name)):
        tell = tell.replace(said, meant)
    shards.ask("router", f"{tell} RETURNING azi")
    shards.undo()
    shards.goes_on(at)


# The command, as one types it.


def run(shards: Shards, *arguments: str) -> Told:
    return ortes("router", "move", *arguments, "--router", shards.dsn("router"))


@pytest.mark.once
def test_the_command(shards: Shards) -> None:
    at, away = shards.home(), shards.away
    done = run(shards, AZI, "--to", away)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{AZI} lives on {away} now: ")
    assert "the same on both shards by count and checksum" in done.stdout
    assert "comparing all rows\n" in done.stderr
    shards.goes_on(away)
    for arguments, code, said in (
        ((AZI, "--to", away), 0, "lives on"),
        ((AZI, "--to", "s9"), 2, "no shard 's9'"),
        (("C9", "--to", at), 2, "unknown company 'C9'"),
        ((AZI, "--undo"), 2, "is not being moved"),
        ((AZI,), 2, "expected --to SHARD, or --undo"),
        ((AZI, "--to", at, "--undo"), 2, "expected --to SHARD, or --undo"),
        ((AZI, "--to", at, "--shard", "nonsense"), 2, "--shard: "),
        ((AZI, "--to", at, "--pause", "0"), 2, "--pause"),
    ):
        done = run(shards, *arguments)
        assert (done.returncode, said in done.stdout + done.stderr) == (code, True), (arguments, done)
        assert "Traceback" not in done.stderr
    assert rows(shards.connect("router"), "SELECT azi FROM ortes_router.move") == []
    assert shards.home(OTHER) == "s1"


@pytest.mark.once
def test_ctrl_c_says_how_to_go_on(shards: Shards) -> None:
    away = shards.away
    with shards.connect(away) as blocker:
        # The copy waits for it, so that there is something to interrupt.
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE ortes.arportes IN SHARE MODE")
        command = [
            sys.executable,
            "-m",
            "ortes_db",
            "router",
            "move",
            AZI,
            "--to",
            away,
            "--router",
            shards.dsn("router"),
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as moving:
            assert moving.stderr is not None
            while "copying" not in moving.stderr.readline():
                pass
            moving.send_signal(signal.SIGINT)
            said = moving.stderr.read()
        assert moving.returncode == 130
        assert "The same command continues" in said
        assert "Traceback" not in said
    done = run(shards, AZI, "--to", away)
    assert done.returncode == 0, done.stderr
    shards.goes_on(away)


@pytest.mark.once
@pytest.mark.parametrize("step", ["same", "open"])
def test_a_mover_that_is_stopped_does_not_keep_the_callers(shards: Shards, step: str) -> None:
    """Ctrl-Z, or a terminal that takes no more output, in the very moment in which nobody may call."""
    at, away = shards.home(), shards.away
    if not (child := os.fork()):

        def stop(now: Progress) -> None:
            if now.step == step:
                os.kill(os.getpid(), signal.SIGSTOP)

        with suppress(BaseException):
            shards.move(away, pause=0.5, report=stop)
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    with shards.connect("router") as router, shards.connect(at) as dba:
        router.execute("SET lock_timeout = '10s'")
        router.execute("SELECT pg_advisory_xact_lock_shared(1330795589, hashtext(%s))", (AZI,))
        dba.execute("SET lock_timeout = '10s'")
        assert one(dba, f"SELECT ortes_store.save_order(%s, 77777{len(step)})", AZI) > 0
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)
    assert shards.home() == at
    shards.work()
    shards.move(away)
    shards.goes_on(away)
