"""The crash matrix: every interruption of every operation is survived by the one rule; what breaks the rule is caught."""

import json
from pathlib import Path

import psycopg
import pytest

from ortes_db.replay.faults import FAULTS, NEEDS_SERVER, interrupt_all
from ortes_db.replay.place import place
from ortes_db.replay.scenario import Scenario, read_scenario
from ortes_db.resources import scenarios_dir
from ortes_db.server import Server, embedded_server
from tests.command import ortes


def scenario(*sections: str) -> Scenario:
    """The document's scenario, or some sections of it."""
    whole = read_scenario(scenarios_dir() / "orders.csv", scenarios_dir() / "orders.errata.csv")
    return Scenario(whole.file, [o for o in whole.operations if not sections or o.section in sections], whole.reasons)


# The grid of the command, below, is the same for the store's operations.
@pytest.mark.once
@pytest.mark.long
def test_every_interruption_of_every_operation_is_survived(pg_bin: str | None) -> None:
    with embedded_server(pg_bin) as server, place(server.dsn()) as here:
        matrix = interrupt_all(scenario(), here, server)
    assert [square.lost for square in matrix.squares if square.lost] == []
    assert matrix.good
    # 14 of the 21 operations call the hub; 7 happen inside one system.
    assert matrix.summary == {"survived": 14 * len(FAULTS), "lost": 0, "replays": 120}
    assert len(matrix.squares) == 21 * len(FAULTS)


@pytest.mark.once
def test_systems_without_the_rule_are_caught(server: Server) -> None:
    with place(server.dsn()) as here:
        matrix = interrupt_all(scenario("store"), here, None, repeats=False)
    assert not matrix.good
    lost = {(square.row, square.fault) for square in matrix.squares if square.survived is False}
    # The save, of which the store learns no ID-PUB; the first acquisition step, without which AREA has no order; and
    # whatever the hub never got to do.
    assert {("2", fault) for fault in ("backend", "connection", "before", "after")} <= lost
    assert {(row, fault) for row in ("3", "4", "6") for fault in ("backend", "before")} <= lost


HUBS = {
    "a repeated save makes a second order": (
        "store",
        "2",
        {"connection", "after"},
        """
        DROP INDEX ortes.arportes_origin_key;
        CREATE OR REPLACE FUNCTION ortes_store.save_order(
            p_azi text, p_id_int bigint, p_autore_cod bigint = 0, p_dati jsonb = NULL, p_store integer = NULL
        ) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $wrong$
            INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, autore_cod, dati)
            VALUES (p_azi, 'S', p_store, p_id_int, 'C', p_autore_cod, p_dati) RETURNING id_pub
        $wrong$""",
    ),
    "a repeated export of the ERP's own is refused": (
        "erp",
        "2",
        {"connection", "after"},
        """
        ALTER FUNCTION ortes_erp.export_order(text, text, text, bigint, jsonb, bigint, bigint) RENAME TO export_right;
        CREATE FUNCTION ortes_erp.export_order(
            p_azi text, p_tor_chia text, p_conferma text = NULL, p_autore_cod bigint = NULL, p_dati jsonb = NULL,
            p_id_pub bigint = NULL, p_if_sincro bigint = NULL
        ) RETURNS TABLE (id_pub bigint, id_sincro bigint) LANGUAGE plpgsql SECURITY DEFINER AS $wrong$
        BEGIN
            IF p_id_pub IS NULL AND EXISTS (SELECT FROM ortes.arportes AS a WHERE a.tor_chia = p_tor_chia) THEN
                RAISE EXCEPTION 'it is here already' USING ERRCODE = 'OR005';
            END IF;
            RETURN QUERY SELECT * FROM ortes_erp.export_right($1, $2, $3, $4, $5, $6, $7);
        END $wrong$;
        GRANT EXECUTE ON FUNCTION ortes_erp.export_order(text, text, text, bigint, jsonb, bigint, bigint) TO ortes_erp
        """,
    ),
    "a repeated acquisition is a change": (
        "store",
        "4",
        {"connection", "after"},
        """
        ALTER FUNCTION ortes_erp.acquire_order(text, bigint, text) RENAME TO acquire_right;
        CREATE FUNCTION ortes_erp.acquire_order(p_azi text, p_id_pub bigint, p_tor_chia text) RETURNS bigint
        LANGUAGE plpgsql SECURITY DEFINER AS $wrong$
        BEGIN
            UPDATE ortes.arportes AS a SET conferma = coalesce(a.conferma, '') || 'again'
            WHERE a.azi = p_azi AND a.id_pub = p_id_pub AND a.tor_chia = p_tor_chia;
            RETURN ortes_erp.acquire_right($1, $2, $3);
        END $wrong$;
        GRANT EXECUTE ON FUNCTION ortes_erp.acquire_order(text, bigint, text) TO ortes_erp""",
    ),
}


@pytest.mark.once
@pytest.mark.parametrize("wrong", HUBS)
def test_a_hub_that_does_not_recognise_repeats_is_caught(server: Server, wrong: str) -> None:
    section, row, faults, statements = HUBS[wrong]
    with place(server.dsn()) as here:
        with psycopg.connect(here.dsn, autocommit=True) as dba:
            dba.execute(statements)  # type: ignore[call-overload]
        matrix = interrupt_all(scenario(section), here, None)
    lost = {(square.row, square.fault) for square in matrix.squares if square.survived is False}
    assert {(row, fault) for fault in faults} <= lost
    assert not {(r, f) for r, f in lost if f in ("backend", "before")}, "nothing was committed there"


@pytest.fixture
def store_only(tmp_path: Path) -> Path:
    """The document's first section as a scenario of its own."""
    lines = (scenarios_dir() / "orders.csv").read_text().splitlines()
    file = tmp_path / "store.csv"
    file.write_text("\n".join([lines[0], *(line for line in lines if line.startswith("store,"))]) + "\n")
    errata = tmp_path / "errata.csv"
    lines = (scenarios_dir() / "orders.errata.csv").read_text().splitlines()
    errata.write_text("\n".join([lines[0], *(line for line in lines if line.startswith("store,"))]) + "\n")
    return file


@pytest.mark.once
def test_the_command_prints_a_grid(store_only: Path, pg_bin: str | None) -> None:
    chosen = ["--pg-bin", pg_bin] if pg_bin else []
    done = ortes("replay", "--faults", store_only, "--errata", store_only.parent / "errata.csv", *chosen)
    assert done.returncode == 0
    said = done.stderr.splitlines()
    assert (said[0], said[-1]) == ("0 of 30, store 1: the backend is killed before commit", "30 of 30")
    heading, *lines = done.stdout.splitlines()
    assert heading.split() == list(FAULTS)
    assert [line.split()[-5:] for line in lines[:6]] == [
        ["-"] * 5 if row in (1, 5) else ["survived"] * 5 for row in range(1, 7)
    ]
    assert lines[-1].startswith("20 of 20 interruptions survived, 0 lost")


def test_json_on_another_server_leaves_out_what_it_may_not_stop(store_only: Path, server: Server) -> None:
    done = ortes(
        "replay",
        "--faults",
        store_only,
        "--errata",
        store_only.parent / "errata.csv",
        "--dsn",
        server.dsn(),
        "--format",
        "json",
    )
    assert done.returncode == 0
    assert done.stderr.endswith("the server of --dsn is not ours to stop: that column is left out\n")
    result = json.loads(done.stdout)
    assert list(result["faults"]) == [fault for fault in FAULTS if fault not in NEEDS_SERVER]
    assert result["summary"] == {"survived": 16, "lost": 0, "replays": 20}
    assert list(result["squares"][0]) == ["section", "row", "operation", "fault", "calls", "survived", "lost"]


@pytest.mark.once
def test_a_scenario_that_does_not_replay_at_all(store_only: Path, server: Server) -> None:
    done = ortes("replay", "--faults", store_only, "--dsn", server.dsn())
    assert done.returncode == 1
    assert "without any fault, the scenario does not replay as documented" in done.stderr
    assert "1 mismatch" in done.stdout


@pytest.mark.once
def test_junit_is_no_grid(tmp_path: Path) -> None:
    done = ortes("replay", "--faults", "--format", "junit")
    assert done.returncode == 2
    assert "junit" in done.stderr
