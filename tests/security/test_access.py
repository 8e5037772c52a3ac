"""Access is checked in one place, for who logged in, with two buffers, and tells nothing to who has none."""

import re

import psycopg
import pytest

from ortes_db.resources import sql_dir
from tests.hub import Connection, Hub, one, rows


def probe() -> str:
    """The query that finds the caller's grant, to be explained."""
    text = (sql_dir() / "ortes" / "caller_grant.sql").read_text(encoding="utf-8")
    found = re.search(r"SELECT a\.\* (FROM ortes\.access .*?)\n\$", text, re.DOTALL)
    assert found
    query = re.sub(r"\bp_azi\b", "$1", re.sub(r"\bp_device\b", "$2", found.group(1)))
    return f"PREPARE probe (text, integer) AS SELECT {query}"


def buffers(connection: Connection, azi: str, device: int | None) -> int:
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute("DEALLOCATE ALL")
    connection.execute(probe())
    execute = f"EXECUTE probe ('{azi}', {device or 'NULL'})"
    connection.execute(execute)
    plan = one(connection, f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {execute}")[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def grants(hub: Hub, count: int, login: str) -> None:
    """`count` grants in all, of 50 companies; some of them the login's, for every company and two devices."""
    hub.dba.execute("INSERT INTO ortes.company SELECT 'X' || n FROM generate_series(1, 50) AS n")
    hub.dba.execute(
        "INSERT INTO ortes.access SELECT 'login_' || n, 'X' || n %% 50 + 1, n FROM generate_series(1, %s) AS n",
        (count,),
    )
    hub.dba.execute(
        "INSERT INTO ortes.access SELECT %s, 'X' || n, d FROM generate_series(1, 50) AS n, unnest(ARRAY[50, 51]) AS d",
        (login,),
    )


@pytest.mark.parametrize("analyzed", [False, True], ids=["no statistics yet", "analyzed"])
@pytest.mark.parametrize("count", [10, 500, 20_000])
def test_the_check_takes_two_buffers_at_most(hub: Hub, count: int, analyzed: bool) -> None:
    grants(hub, count, "postgres")
    if analyzed:
        hub.dba.execute("ANALYZE ortes.access")
    for azi, device in (("X7", 50), ("X7", 51), ("X50", 51), ("X50", 52), ("NOWHERE", None), (hub.azi, None)):
        assert buffers(hub.dba, azi, device) <= 2, (azi, device)


def test_without_the_hash_index_it_takes_more(hub: Hub) -> None:
    grants(hub, 500, "postgres")
    hub.dba.execute("DROP INDEX ortes.access_probe_idx")
    hub.dba.execute("CREATE INDEX ON ortes.access (login, azi)")
    hub.dba.execute("ANALYZE ortes.access")
    assert buffers(hub.dba, "X7", 50) > 2


def test_two_names_that_look_alike_when_put_together_are_not_taken_for_each_other(hub: Hub) -> None:
    login = hub.login("store")
    hub.db.company("A")
    hub.db.company(f"B{chr(10)}A")
    hub.dba.execute('CREATE ROLE "x" LOGIN IN ROLE ortes_store')
    hub.dba.execute(f'CREATE ROLE "x{chr(10)}B" LOGIN IN ROLE ortes_store')
    try:
        hub.dba.execute("SELECT ortes_ops.grant_access(%s, 'A')", (f"x{chr(10)}B",))
        with psycopg.connect(hub.db.dsn("x"), autocommit=True) as connection, pytest.raises(psycopg.Error) as caught:
            connection.execute("SELECT ortes_store.position(%s)", (f"B{chr(10)}A",))
        assert caught.value.sqlstate == "OR003"
    finally:
        hub.dba.execute(f'DROP ROLE "x", "x{chr(10)}B"')
    assert login


def refusal(connection: Connection, azi: str) -> tuple[str | None, ...]:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("SELECT ortes_store.save_order(%s, 1)", (azi,))
    said = caught.value.diag
    return (
        said.sqlstate,
        said.message_primary,
        (said.message_detail or "").replace(azi, "*"),
        said.message_hint,
        said.context,
    )


def test_nothing_tells_which_companies_exist(hub: Hub) -> None:
    for n in range(20):
        hub.db.company(f"E{n:05}")
    store = hub.store
    assert {refusal(store, f"E{n:05}") for n in range(20)} == {refusal(store, f"N{n:05}") for n in range(20)}


@pytest.mark.parametrize(
    "call", ["ortes_store.save_order(%s, 1)", "ortes_store.changes(%s, 0)", "ortes_store.changes(%s)"]
)
def test_nor_do_the_rows_that_are_read(hub: Hub, call: str) -> None:
    """No row of the company or of its orders is touched, so there is nothing that time could tell either."""
    hub.db.company("E00001")
    store = hub.store
    touched = """
        SELECT sum(coalesce(seq_scan, 0) + coalesce(idx_scan, 0)) FROM pg_stat_xact_all_tables
        WHERE schemaname = 'ortes' AND relname <> 'access'
    """
    with store.transaction(force_rollback=True):
        for azi in ("E00001", "N00001"):
            with pytest.raises(psycopg.Error), store.transaction():
                store.execute(f"SELECT {call}", (azi,))
            assert one(store, touched) == 0, azi
        store.execute(f"SELECT {call}", (hub.azi,))
        assert one(store, touched) > 0, "the counting itself works"


def test_a_device_does_nothing_for_another_one(hub: Hub) -> None:
    other = hub.db.connect(hub.db.login("app", "ortes_app", hub.azi, 51))
    hub.acquire(hub.save(1), "T1")
    hub.app.execute("SELECT ortes_app.save_order('C00001', 50, 1), ortes_app.confirm('C00001', 50, 1)")
    before = hub.everything()
    for call in (
        "ortes_app.save_order('C00001', 50, 2)",
        "ortes_app.save_orders('C00001', 50, '[{\"id_int\": 2}]')",
        "ortes_app.confirm('C00001', 50, 1)",
        "ortes_app.position('C00001', 50)",
        "ortes_app.changes('C00001', 50)",
        "ortes_app.import_order('C00001', 50, 1)",
        "ortes_app.import_orders('C00001', 50, '{1}')",
    ):
        with pytest.raises(psycopg.Error) as caught:
            other.execute(f"SELECT * FROM {call}")
        assert caught.value.sqlstate == "OR003", call
    assert hub.everything() == before
    assert rows(other, "SELECT ortes_app.save_order('C00001', 51, 1)") == [(3,)]


def test_every_door_asks_check_caller_and_nothing_else_decides() -> None:
    """`reading_from` asks for two doors, where it finds no grant of the caller's beside the counter."""
    asks = re.compile(r"ortes\.(check_caller|reading_from)\(p_azi")
    for file in sql_dir().glob("ortes_*/*.sql"):
        text = file.read_text(encoding="utf-8")
        if file.parent.name != "ortes_ops":
            expected = "reading_from" if file.name == "changes.sql" else "check_caller"
            assert asks.findall(text) == [expected], file.name
        assert "session_user" not in text, file.name
    internal = {file.name: file.read_text(encoding="utf-8") for file in sql_dir().glob("ortes/*.sql")}
    assert internal["reading_from.sql"].count("ortes.check_caller(p_azi, v_device)") == 1
    assert {name for name, text in internal.items() if "FROM ortes.caller_grant(" in text} == {
        "check_caller.sql",
        "reading_from.sql",
    }
    assert {name for name, text in internal.items() if "ortes.access" in text} == {"caller_grant.sql"}
