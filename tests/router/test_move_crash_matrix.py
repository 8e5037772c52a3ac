"""The crash matrix through a router: every call of the document's operations interrupted, while its company moves to and fro."""

from collections.abc import Iterator

import pytest

from ortes_db.replay.faults import FAULTS, interrupt_all
from tests.router.conftest import SHARDS, Cluster
from tests.router.restless import EXTENTS, Restless, played, restless_place

pytestmark = pytest.mark.once


@pytest.fixture
def restless(cluster: Cluster) -> Iterator[Restless]:
    with restless_place(
        cluster.names["router"], cluster.dsn(), {shard: cluster.dsn(shard) for shard in SHARDS}
    ) as place:
        yield place


@pytest.mark.parametrize("extent", EXTENTS)
def test_every_interruption_is_survived_while_the_company_moves(
    restless: Restless, cluster: Cluster, extent: str
) -> None:
    matrix = interrupt_all(played(extent), restless, cluster.server)
    assert [square.lost for square in matrix.squares if square.lost] == []
    assert {square.fault for square in matrix.squares if square.survived} == set(FAULTS)
    print(matrix.summary, "moves:", restless.moves, "interrupted:", restless.interrupted)
    assert restless.moves
    assert restless.interrupted, "no crash of the server fell into a move"
