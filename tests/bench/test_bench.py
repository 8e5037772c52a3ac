"""The benchmark: its counts hold, it tells a hub that has become slow, and what it prints can be used."""

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from ortes_db.bench import place, report, timed
from ortes_db.bench.chart import draw
from ortes_db.bench.counts import explain, measure_linearity, rows_read_in_vain
from ortes_db.bench.figures import Figure
from ortes_db.bench.listeners import notifying
from ortes_db.bench.load import copy_beside, load
from ortes_db.bench.pgbench import BenchError, run_pgbench, settled_rate
from ortes_db.bench.pgq import PACKAGE, prepare_pgq
from ortes_db.bench.place import COUNT_SETTINGS, Bench, bench_place, huge_pages, slower_flush
from ortes_db.bench.plan import QUICK
from ortes_db.bench.run import Listener, Result, measure, names
from ortes_db.bench.timed import Side, comparisons, run_side
from ortes_db.server import Server, ServerError, embedded_server

TINY = replace(
    QUICK,
    rounds=1,
    batches=2,
    orders=3000,
    many_rows=5000,
    sizes=(3000, 6000),
    calls=5,
    lives=250,
    bloat_orders=4000,
)

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def count_server(pg_bin: str | None) -> Iterator[Server]:
    with embedded_server(pg_bin, COUNT_SETTINGS) as running:
        yield running


@pytest.fixture
def bench(count_server: Server, pg_bin: str | None) -> Iterator[Bench]:
    with bench_place(count_server.dsn(), pg_bin, {}) as made:
        yield made


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ortes_db", "bench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_the_counts_of_a_hub_of_moderate_size_are_within_their_targets(pg_bin: str | None) -> None:
    result = measure(None, pg_bin, TINY, {"counts"}, Listener())
    by_name = {figure.name: figure for figure in result.figures}
    # PGQ is not everywhere, and what it writes is not the hub's doing.
    assert [figure.name for figure in result.missed_counts if figure.beside != "PGQ"] == []
    assert by_name["changes_rows"].value == 0
    assert by_name["idle_buffers"].value > 0
    assert by_name["life_wal"].value > 1


def test_what_is_measured_is_reported_and_drawn(pg_bin: str | None, tmp_path: Path) -> None:
    result = measure(None, pg_bin, TINY, {"save_order", "acquire_orders", "least_save_order"}, Listener())
    by_name = {figure.name: figure for figure in result.figures}
    assert by_name["save_order"].hub[0] > 0
    assert by_name["acquire_orders"].base[0] > 0
    assert "save_orders" not in by_name  # measured in the same run, but not wanted
    page = report.page(result, "ortes bench")
    assert "save_order, 1 client" in page
    assert "$" not in re.sub(r"\$1", "", page)
    draw(result, tmp_path / "chart.svg")
    drawn = (tmp_path / "chart.svg").read_text(encoding="utf-8")
    assert "save_order, 1 client" in drawn
    assert "the least that it takes" in drawn
    draw(result, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


# A counter row that is updated once an order: each update has to pass all the versions before it.
PER_ROW = """
CREATE TABLE public.counter AS SELECT 0 AS valore;
CREATE FUNCTION public.count_one() RETURNS trigger LANGUAGE plpgsql AS $wrong$
BEGIN
    UPDATE public.counter SET valore = valore + 1;
    RETURN new;
END
$wrong$;
CREATE TRIGGER zz_count_one BEFORE INSERT OR UPDATE ON ortes.arportes
FOR EACH ROW EXECUTE FUNCTION public.count_one();
"""


def missed_linearity(bench: Bench) -> set[str]:
    with bench.admin() as admin:
        return {figure.name for figure in measure_linearity(admin, TINY.many_rows, lambda: None) if not figure.good}


def test_the_hub_is_linear(bench: Bench) -> None:
    assert missed_linearity(bench) == set()


def test_a_counter_updated_once_a_row_is_caught(bench: Bench) -> None:
    with bench.admin() as admin:
        admin.execute(PER_ROW)
    assert {"insert_buffers", "update_buffers"} <= missed_linearity(bench)


def test_loading_leaves_the_indexes_as_they_were(bench: Bench) -> None:
    indexes = """SELECT pg_get_indexdef(i.indexrelid), c.reloptions, i.indisprimary FROM pg_index AS i
        INNER JOIN pg_class AS c ON i.indexrelid = c.oid WHERE i.indrelid = 'ortes.arportes'::regclass ORDER BY 1"""
    with bench.admin() as admin:
        before = admin.execute(indexes).fetchall()
        load(admin, 1000)
        assert admin.execute(indexes).fetchall() == before
        assert any(options for _, options, _ in before)


def test_changes_that_reads_more_than_it_returns_is_caught(bench: Bench) -> None:
    with bench.admin() as admin:
        load(admin, 5000)
        assert rows_read_in_vain(bench) == 0
        admin.execute("DROP INDEX ortes.arportes_changes_key")
        assert rows_read_in_vain(bench) > 0


def test_a_count_includes_what_a_function_runs_inside(bench: Bench) -> None:
    with bench.admin() as admin:
        admin.execute("CREATE TABLE public.noted (t text)")
        admin.execute(
            "CREATE FUNCTION public.note() RETURNS void LANGUAGE sql AS "
            "$$ INSERT INTO public.noted SELECT repeat('x', 1000) FROM generate_series(1, 100) $$"
        )
        counts = explain(admin, "SELECT public.note()")
    assert counts.wal > 100_000
    assert counts.buffers > 100


def test_a_count_is_the_same_every_time(bench: Bench) -> None:
    query: LiteralString = "SELECT ortes_store.save_order('3', %(i)s, 0, '{}')"
    with bench.user() as user:
        for i in range(1, 30):
            explain(user, query, {"i": i})
        counts = [explain(user, query, {"i": i}) for i in range(30, 40)]
    # An order that opens a new page touches a few buffers more, one whose page is tidied on the way writes that to the WAL.
    assert max(one.wal for one in counts) - min(one.wal for one in counts) <= 64
    assert max(one.buffers for one in counts) - min(one.buffers for one in counts) <= 3


def test_the_baseline_has_the_hub_s_columns_indexes_and_options(bench: Bench) -> None:
    def shape(admin: psycopg.Connection[Any], schema: str) -> list[Any]:
        columns = (
            "SELECT attname, format_type(atttypid, atttypmod), attnotnull, attcollation FROM pg_attribute "
            "WHERE attrelid = (%s || '.arportes')::regclass AND attnum > 0 ORDER BY attnum"
        )
        indexes = (
            "SELECT regexp_replace(pg_get_indexdef(indexrelid), '^CREATE (UNIQUE )?INDEX .* USING', '\\1') FROM pg_index "
            "WHERE indrelid = (%s || '.arportes')::regclass ORDER BY 1"
        )
        options = "SELECT reloptions FROM pg_class WHERE oid = (%s || '.arportes')::regclass"
        return [admin.execute(query, (schema,)).fetchall() for query in (columns, indexes, options)]

    with bench.admin() as admin:
        assert shape(admin, "plain") == shape(admin, "bare") == shape(admin, "ortes")
        assert admin.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'plain.arportes'::regclass"
        ).fetchone() == (0,)


def test_a_loaded_hub_is_as_if_it_had_lived(bench: Bench) -> None:
    with bench.admin() as admin, bench.user() as user:
        load(admin, 3000)
        copy_beside(admin)
        saved = user.execute("SELECT ortes_store.save_order('1', 999999)").fetchone()
        assert saved == (3001,)
        assert user.execute("SELECT ortes_erp.acquire_order('1', 3000, 'C3000')").fetchone() == (2001,)
        pending = user.execute("SELECT min(id_pub), count(*) FROM ortes_erp.pending('1')").fetchone()
        assert pending == (2001, 1000)
        left = admin.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'ortes.arportes'::regclass").fetchone()
        assert (
            left
            == admin.execute("SELECT count(*) FROM pg_index WHERE indrelid = 'plain.arportes'::regclass").fetchone()
        )


@pytest.mark.parametrize(
    ("script", "other"),
    [(script, "plain") for script in ("save", "save_64", "batch", "changes", "life")]
    + [(script, "bare") for script in ("save", "save_64", "batch", "life")],
)
def test_both_sides_of_a_comparison_do_the_same(bench: Bench, script: str, other: str) -> None:
    columns = "ack_store, ack_gest, ack_app, prov_tipo, autore_cod, conferma, dati"
    if other == "bare":
        columns += ", dati_digest"
    state = f"SELECT {columns}, count(*) FROM {{}}.arportes GROUP BY {columns} ORDER BY {columns}"
    with bench.admin() as admin:
        load(admin, 3000)
        copy_beside(admin)
        for side in ("hub", other):
            # The same numbers in the orders' ids on both sides.
            timed._runs = itertools.count(5)
            run_side(bench, Side(f"{script}.{side}", transactions=2, rows=1000, changes=2000))
        hub, beside = (admin.execute(state.format(schema).encode()).fetchall() for schema in ("ortes", other))
    assert hub == beside


def test_a_hub_without_rules_keeps_the_promises(bench: Bench) -> None:
    save: LiteralString = "SELECT bare.save_order('2', 1, %s, 0, %s)"
    by_hand = "INSERT INTO bare.arportes (azi, prov_tipo, id_int, autore_tipo) SELECT '2', 'S', i, 'C' FROM generate_series(1, 3) AS i"
    there = "SELECT array_agg(id_pub ORDER BY id_pub), max(id_sincro) FROM bare.arportes"
    with bench.admin() as admin, bench.user() as user:
        assert user.execute(save, (7, '{"n": 1}')).fetchone() == (1,)
        admin.execute(f"BEGIN; {by_hand}; ROLLBACK")
        admin.execute(by_hand)
        assert user.execute(save, (7, '{"n": 1}')).fetchone() == (1,)
        assert user.execute(save, (8, '{"n": 2}')).fetchone() == (5,)
        user.execute("SELECT bare.acquire_order('2', 1, 'T1'), bare.export_order('2', 'T1', 'K1', '{\"n\": 3}')")
        # Repeated by a new session, after a lost answer.
        with bench.user() as again:
            again.execute("SELECT bare.acquire_order('2', 1, 'T1'), bare.export_order('2', 'T1', 'K1', '{\"n\": 3}')")
        # A late repeat, and another order under the same id.
        assert user.execute(save, (7, '{"n": 1}')).fetchone() == (1,)
        with pytest.raises(psycopg.errors.UniqueViolation):
            user.execute(save, (7, '{"n": 3}'))
        with pytest.raises(psycopg.errors.UniqueViolation):
            user.execute(save, (8, None))
        assert admin.execute(there).fetchone() == ([1, 2, 3, 4, 5], 2)
        with psycopg.connect(bench.dsn) as other:
            other.execute("SELECT pg_advisory_xact_lock(1, hashtext('2'))")
            user.execute("SET lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                user.execute(save, (9, "{}"))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            admin.execute("SELECT bare.save_order('2', 1, 9, 0, '{}')")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks Linux how often memory was fetched")
def test_sessions_of_the_benchmark_keep_their_memory(pg_bin: str | None) -> None:
    def fetched(pid: int) -> int:
        """Pages that the process got from the system so far."""
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()[7])

    with bench_place(None, pg_bin, COUNT_SETTINGS) as own:
        with own.admin() as admin:
            load(admin, 5000)
        with own.user() as user:

            def read() -> None:
                assert len(user.execute("SELECT * FROM ortes_store.changes('1', 0, 1000)").fetchall()) == 1000

            for _ in range(10):
                read()
            before = fetched(user.info.backend_pid)
            for _ in range(10):
                read()
            assert fetched(user.info.backend_pid) - before < 100


def test_two_readers_get_every_order(bench: Bench) -> None:
    run_side(bench, Side("feed.hub", transactions=500))
    with bench.admin() as admin:
        imported = admin.execute("SELECT count(*), bool_and(ack_store) FROM ortes.arportes").fetchone()
        assert imported == (500, True)
        positions = admin.execute("SELECT prov_tipo, id_sincro FROM ortes.reader ORDER BY prov_tipo").fetchall()
    assert positions == [("A", 1000), ("S", 1000)]


@pytest.fixture
def bench_with_pgq() -> Iterator[Bench]:
    """On PostgreSQL 15, the version that Debian's PGQ is for. A user's machine may lack it; CI may not."""
    with ExitStack() as closing:
        try:
            server = closing.enter_context(embedded_server("15", COUNT_SETTINGS))
            made = closing.enter_context(bench_place(server.dsn(), "15", {}))
            present = prepare_pgq(made)
        except ServerError:
            present = False
        if not present:
            assert not os.environ.get("CI"), f"{PACKAGE} is missing"
            pytest.skip(f"needs {PACKAGE}")
        yield made


def test_pgq_s_two_readers_get_every_order(bench_with_pgq: Bench) -> None:
    run_side(bench_with_pgq, Side("feed.pgq", transactions=500))
    with bench_with_pgq.admin() as admin:
        imported = admin.execute("SELECT count(*), bool_and(ack_store) FROM plain.arportes").fetchone()
        assert imported == (500, True)
        left = admin.execute("SELECT pending_events FROM pgq.get_consumer_info('ortes')").fetchall()
    assert left == [(0,), (0,)]


def test_a_script_that_fails_is_said(bench: Bench) -> None:
    with bench.admin() as admin:
        admin.execute("DROP FUNCTION ortes_store.save_order")
    with pytest.raises(BenchError, match="save_order"):
        run_side(bench, Side("save.hub", transactions=1))
    with pytest.raises(BenchError, match="pgbench"):
        run_pgbench(bench.pgbench, "host=/nowhere", "save.hub", transactions=1)


def test_the_rate_of_a_run_leaves_the_first_third_out(tmp_path: Path) -> None:
    # Two clients: a slow first second, then a transaction each 10 ms.
    ends = [1.0] + [1.0 + i / 100 for i in range(1, 201)]
    for client in (0, 1):
        lines = [
            f"{client} {i} {1_000_000 if i == 0 else 10_000} 0 {int(end)} {round(end % 1 * 1e6)}"
            for i, end in enumerate(ends)
        ]
        (tmp_path / f"log.{client}").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rate = settled_rate(tmp_path)
    assert rate is not None
    assert round(rate) == 200


def test_figures() -> None:
    slow = Figure("a", "a", "time", "a second", "ratio", True, 0.9, [80, 90, 70], [100, 100, 100])
    assert (slow.value, slow.spread, slow.good) == (0.8, (0.7, 0.9), False)
    grown = Figure("b", "b", "count", "buffers", "difference", False, 2, [12], [10])
    assert (grown.value, grown.good) == (2, True)
    few = Figure("c", "c", "count", "buffers", "value", False, 12, [13])
    assert not few.good
    # A time never decides, however bad.
    assert [figure.name for figure in Result({}, 1, {}, [slow, grown, few]).missed_counts] == ["c"]


def test_a_ratio_that_misses_by_little_shows_it() -> None:
    missed = Figure("a", "a", "time", "a second", "ratio", True, 0.9, [896], [1000])
    assert report.line(missed) == "MISSED a: 0.896 × [≥ 0.9]  896 / 1,000 (plain) a second"
    met = Figure("a", "a", "time", "a second", "ratio", True, 0.9, [904], [1000])
    assert report.line(met) == "ok     a: 0.90 × [≥ 0.9]  904 / 1,000 (plain) a second"


def test_every_comparison_can_be_asked_for() -> None:
    assert run("--list").stdout.split() == names()
    assert len(names()) == len(set(names())) == 2 + sum(len(one.figures) for one in comparisons(QUICK))
    unknown = run("--only", "nonsense")
    assert unknown.returncode == 2
    assert "nonsense: expected some of counts, bloat" in unknown.stderr


def test_the_command_on_another_server_leaves_nothing_there(count_server: Server) -> None:
    there = "SELECT (SELECT count(*) FROM pg_database), (SELECT count(*) FROM pg_roles)"
    with psycopg.connect(count_server.dsn(), autocommit=True) as admin:
        before = admin.execute(there).fetchone()
        done = run("--dsn", count_server.dsn(), "--quick", "--rounds", "1", "--only", "save_order", "--json")
        assert done.returncode == 0, done.stderr
        assert admin.execute(there).fetchone() == before
    printed = json.loads(done.stdout)
    assert [figure["name"] for figure in printed["figures"]] == ["save_order"]
    assert printed["settings"]["fsync"] == "off"


def test_with_notifications_on_the_listeners_are_woken(bench: Bench) -> None:
    switched = "SELECT DISTINCT notify FROM ortes_ops.status"
    with bench.admin() as admin, bench.user() as user:
        user.execute("LISTEN ortes")
        with notifying(bench, on=True, listeners=2):
            assert admin.execute(switched).fetchall() == [(True,)]
            listening = "SELECT count(*) FROM pg_stat_activity WHERE query = 'LISTEN ortes'"
            assert admin.execute(listening).fetchone() == (3,)
            run_side(bench, Side("save_64.hub", transactions=1))
        assert admin.execute(switched).fetchall() == [(False,)]
        # 64 that were switched on, and the order.
        assert len(list(user.notifies(timeout=5, stop_after=65))) == 65
        with notifying(bench, on=False, listeners=1):
            run_side(bench, Side("save_64.hub", transactions=1))
            assert admin.execute(switched).fetchall() == [(False,)]
        assert list(user.notifies(timeout=0.2)) == []


def test_a_slower_flush_is_the_login_s_alone_and_ends(bench: Bench) -> None:
    query = "SELECT current_setting('commit_delay'), current_setting('commit_siblings')"

    def settings(dsn: str) -> tuple[Any, ...] | None:
        with psycopg.connect(dsn) as connection:
            return connection.execute(query).fetchone()

    before = settings(bench.user_dsn)
    with pytest.raises(BenchError), slower_flush(bench, 1000):
        assert settings(bench.user_dsn) == ("1000", "0")
        assert settings(bench.dsn) == before
        raise BenchError("in the middle")
    assert settings(bench.user_dsn) == before


@pytest.mark.parametrize(
    ("meminfo", "used"),
    [
        ("HugePages_Total:     600\nHugePages_Free:      600\nHugepagesize:       2048 kB\n", "on"),
        ("HugePages_Total:     600\nHugePages_Free:       20\nHugepagesize:       2048 kB\n", "off"),
        ("HugePages_Free:      600\nHugePages_Rsvd:      560\nHugepagesize:       2048 kB\n", "off"),
        ("MemTotal:       24683656 kB\n", "off"),
        (None, "off"),
    ],
)
def test_huge_pages_are_used_where_enough_are_set_aside(tmp_path: Path, meminfo: str | None, used: str) -> None:
    there = tmp_path / "meminfo"
    if meminfo is not None:
        there.write_text(meminfo)
    assert huge_pages(there) == used


@pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="only Linux has huge pages")
def test_who_finds_the_huge_pages_taken_goes_without(pg_bin: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """There were enough when it looked; another server was faster."""
    monkeypatch.setattr(place, "huge_pages", lambda: "on")
    none_of_this_size = COUNT_SETTINGS | {"huge_page_size": "1GB"}
    with bench_place(None, pg_bin, none_of_this_size) as own:
        assert own.settings["huge_pages"] == "off"


def test_a_bound_is_measured_where_no_rules_are() -> None:
    measured = [(name, side) for one in comparisons(QUICK) for (name, _, _), side in one.measured()]
    assert {name for name, side in measured if not side.script.endswith((".hub", ".insert", ".update"))} == {
        name for name in names() if name.startswith("least_")
    }
    clients = {name: side.clients for name, side in measured if "contention" in name}
    assert clients == {name: int(name.rpartition("_")[2]) for name in clients}
