"""A hub that does not do what it should shows in the replay."""

import psycopg
import pytest

from ortes_db.replay.place import place
from ortes_db.replay.run import Result, play
from ortes_db.replay.scenario import read_scenario
from ortes_db.resources import scenarios_dir
from ortes_db.server import Server

# Each takes the place of a door, which stays reachable under another name.
ACQUIRE = "ortes_erp.acquire_order(p_azi text, p_id_pub bigint, p_tor_chia text) RETURNS bigint"
SAVE = (
    "ortes_store.save_order(p_azi text, p_id_int bigint, p_autore_cod bigint = 0, p_dati jsonb = NULL, "
    "p_store integer = NULL) RETURNS bigint"
)
IMPORT = "ortes_store.import_order(p_azi text, p_id_pub bigint) RETURNS boolean"
CHANGES = (
    "ortes_store.changes(p_azi text, p_since bigint = NULL, p_limit integer = 1000, p_store integer = NULL) "
    "RETURNS SETOF ortes.orders"
)


def replay(server: Server, *statements: str) -> Result:
    """Replay the document on a hub that was altered after it was deployed."""
    scenario = read_scenario(scenarios_dir() / "orders.csv", scenarios_dir() / "orders.errata.csv")
    with place(server.dsn()) as here:
        with psycopg.connect(here.dsn, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
        return play(scenario, here)


def instead(door: str, body: str) -> tuple[str, str]:
    """Replace a door; the true one is there as NAME_true."""
    name = door.partition("(")[0]
    return (
        f"ALTER FUNCTION {name} RENAME TO {name.partition('.')[2]}_true",
        f"CREATE FUNCTION {door} LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN {body} END $$",
    )


def mismatches(result: Result) -> set[tuple[str, str, str]]:
    return {(c.section, c.row, c.column) for c in result.cells if c.verdict == "mismatch"}


def test_the_hub_as_it_is(server: Server) -> None:
    assert replay(server).good


@pytest.mark.once
def test_another_order_key(server: Server) -> None:
    result = replay(
        server, *instead(ACQUIRE, "RETURN ortes_erp.acquire_order_true(p_azi, p_id_pub, p_tor_chia || 'x');")
    )
    assert ("store", "4", "tor_chia") in mismatches(result)
    assert any("ortes_erp.export_order: OR004" in problem.text for problem in result.problems)


@pytest.mark.once
def test_an_acquisition_that_is_not_kept(server: Server) -> None:
    result = replay(server, *instead(ACQUIRE, "RETURN 323;"))
    assert {("store", "4", c) for c in ("tor_chia", "ack_gest", "id_sincro")} <= mismatches(result)


@pytest.mark.once
def test_a_counter_that_stands_still(server: Server) -> None:
    back = "PERFORM ortes_erp.acquire_order_true(p_azi, p_id_pub, p_tor_chia);"
    back += " SET LOCAL session_replication_role = replica;"  # past the triggers, which forbid it
    back += " UPDATE ortes.arportes SET id_sincro = 0 WHERE id_pub = p_id_pub; RETURN 0;"
    result = replay(server, *instead(ACQUIRE, back))
    acquired = {(section, row, "id_sincro") for section in ("store", "app-50", "app-51") for row in "45"}
    assert mismatches(result) == acquired


@pytest.mark.once
def test_a_number_that_is_skipped(server: Server) -> None:
    twice = "PERFORM ortes_ops.set_counter(p_azi, 'ID-SINCRO', (SELECT valore + 1 FROM ortes.apstatosyn AS s"
    twice += " WHERE s.azi = p_azi AND contatore = 'ID-SINCRO'));"
    result = replay(
        server, *instead(ACQUIRE, f"{twice} RETURN ortes_erp.acquire_order_true(p_azi, p_id_pub, p_tor_chia);")
    )
    assert {(s, "4", "id_sincro") for s in ("store", "app-50", "app-51")} <= mismatches(result)


@pytest.mark.once
def test_a_flag_that_is_not_set(server: Server) -> None:
    result = replay(server, *instead(IMPORT, "RETURN true;"))
    assert mismatches(result) == {("erp", "3", "ack_store")}


@pytest.mark.once
def test_a_wrong_answer(server: Server) -> None:
    result = replay(
        server,
        *instead(SAVE, "RETURN 100 + ortes_store.save_order_true(p_azi, p_id_int, p_autore_cod, p_dati, p_store);"),
    )
    assert ("store", "2", "store.id_pub") in mismatches(result)


@pytest.mark.once
def test_a_change_that_is_missed(server: Server) -> None:
    result = replay(server, *instead(CHANGES, "RETURN;"))
    assert mismatches(result) == {("erp", "3", c) for c in ("ack_store", "store.id", "store.id_pub")}
    assert [problem.text for problem in result.problems] == ["ortes_store.changes has not shown order 4"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("statement", "told"),
    [
        (
            "UPDATE ortes.arportes SET ack_app = true WHERE id_pub = 1 AND p_id_pub = 3;",
            "it changed ack_app of another order, 1 of Cxxxxx",
        ),
        (
            "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo, autore_cod) "
            "SELECT p_azi, 'S', p_id_pub + 900, 'C', 0;",
            "it made one more order, 2 of Cxxxxx",
        ),
    ],
)
def test_a_side_effect_on_other_orders(server: Server, statement: str, told: str) -> None:
    body = f"{statement} RETURN ortes_erp.acquire_order_true(p_azi, p_id_pub, p_tor_chia);"
    result = replay(server, *instead(ACQUIRE, body))
    assert not result.good
    assert any(problem.text == told for problem in result.problems), result.problems
