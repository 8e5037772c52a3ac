"""The crash matrix through a router: every call of the document's operations interrupted, while its company moves to and fro."""

import os
from collections.abc import Iterator

import pytest

from ortes_db.replay.faults import FAULTS, interrupt_all
from ortes_db.replay.scenario import Scenario, read_scenario
from ortes_db.resources import scenarios_dir
from tests.router.conftest import SHARDS, Cluster
from tests.router.restless import Restless, restless_place

pytestmark = pytest.mark.once

# One section has all kinds of calls; ORTES_MATRIX=all plays the whole document.
SECTIONS = () if os.environ.get("ORTES_MATRIX") == "all" else ("store",)


@pytest.fixture
def restless(cluster: Cluster) -> Iterator[Restless]:
    with restless_place(
        cluster.names["router"], cluster.dsn(), {shard: cluster.dsn(shard) for shard in SHARDS}
    ) as place:
        yield place


@pytest.mark.timeout(300)
def test_every_interruption_is_survived_while_the_company_moves(restless: Restless, cluster: Cluster) -> None:
    whole = read_scenario(scenarios_dir() / "orders.csv", scenarios_dir() / "orders.errata.csv")
    some = [operation for operation in whole.operations if not SECTIONS or operation.section in SECTIONS]
    matrix = interrupt_all(Scenario(whole.file, some, whole.reasons), restless, cluster.server)
    assert [square.lost for square in matrix.squares if square.lost] == []
    assert {square.fault for square in matrix.squares if square.survived} == set(FAULTS)
    print(matrix.summary, "moves:", restless.moves, "interrupted:", restless.interrupted)
    assert restless.moves
    assert restless.interrupted, "no crash of the server fell into a move"
