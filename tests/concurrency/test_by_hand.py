"""A change by hand while systems work on the same orders: the runbook's way never ends in a deadlock."""

import psycopg
import pytest

from tests.backup.places import statements
from tests.concurrency.test_stalled_client import with_variables
from tests.hub import Hub, Later

IMPORT = "SELECT ortes_store.import_orders(%s, %s)::bigint"


@pytest.fixture
def hub(hub: Hub) -> Hub:
    for tor_chia in ("G1", "G2"):
        hub.export(tor_chia)
    return hub


def test_reserving_the_company_first_is_in_nobodys_way(hub: Hub) -> None:
    (block,) = statements("Changing orders by hand")
    begin, reserve, update, commit = (part.strip() for part in block.split(";")[:4])
    assert (begin, commit) == ("BEGIN", "COMMIT")
    variables = {"azi": hub.azi, "conferma": "X"}
    by_hand = hub.connect("dba")
    by_hand.execute("BEGIN")
    by_hand.execute(with_variables(reserve, **variables))  # type: ignore[call-overload]
    later = Later(hub, hub.store, IMPORT, hub.azi, [1, 2])
    by_hand.execute(with_variables(update, **variables).replace(":id_pub", "1"))  # type: ignore[call-overload]
    by_hand.execute("COMMIT")
    assert later.result() == 2
    assert hub.order(1)["conferma"] == "X"
    assert hub.order(1)["id_sincro"] == 3


def test_without_it_one_of_the_two_has_to_repeat(hub: Hub) -> None:
    erp = hub.connect("erp", autocommit=False)
    hub.export("G2", connection=erp, id_pub=2, conferma="A")
    by_hand = Later(
        hub, hub.connect("dba"), "UPDATE ortes.arportes SET conferma = 'X' WHERE id_pub = 1 RETURNING id_sincro"
    )
    with pytest.raises(psycopg.errors.DeadlockDetected):
        hub.export("G1", connection=erp, id_pub=1, conferma="A")
        by_hand.result()
    erp.rollback()
