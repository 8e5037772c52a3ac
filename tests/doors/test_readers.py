"""Reading: pending, changes, confirm and position, and what happens after a restore."""

import pytest

from tests.hub import DEVICE, Connection, Hub, one, refused, rows

COLUMNS = [
    *("azi", "id_pub", "tor_chia", "conferma", "id_int", "ack_store", "ack_gest", "ack_app", "prov_tipo", "prov_id"),
    *("autore_tipo", "autore_cod", "id_sincro", "dati", "created_at", "updated_at"),
]


class Reader:
    """The store, one of several stores, or a device: the same doors, named differently."""

    def __init__(self, connection: Connection, schema: str, before: str = "", after: str = "") -> None:
        self.connection, self.schema, self.before, self.after = connection, schema, before, after

    def changes(self, since: object = None, limit: int = 1000) -> list[tuple[int, int]]:
        query = f"SELECT id_pub, id_sincro FROM {self.schema}.changes('C00001'{self.before}, %s, %s{self.after})"
        return rows(self.connection, query, since, limit)

    def confirm(self, id_sincro: object) -> int:
        return one(self.connection, f"SELECT {self.schema}.confirm('C00001'{self.before}, %s{self.after})", id_sincro)

    def position(self) -> int:
        return one(self.connection, f"SELECT {self.schema}.position('C00001'{self.before}{self.after})")


@pytest.fixture(params=["store", "one of several stores", "device"])
def reader(request: pytest.FixtureRequest, hub: Hub) -> Reader:
    if request.param == "store":
        return Reader(hub.store, "ortes_store")
    if request.param == "device":
        return Reader(hub.app, "ortes_app", before=f", {DEVICE}")
    return Reader(hub.store, "ortes_store", after=", 3")


def five_changes(hub: Hub) -> None:
    """Orders 1 to 5; the ERP changed 5, 4, 3, 2, 1, and 5 again."""
    for n in range(1, 6):
        hub.save(n)
    for n in range(5, 0, -1):
        hub.acquire(n, f"T{n}")
    hub.export("T5", id_pub=5, conferma="A")


def test_changes_come_in_the_order_of_their_numbers(hub: Hub, reader: Reader) -> None:
    five_changes(hub)
    assert reader.changes(0) == [(4, 2), (3, 3), (2, 4), (1, 5), (5, 6)]
    assert reader.changes(3) == [(2, 4), (1, 5), (5, 6)]
    assert reader.changes(6) == []


def test_changes_come_in_pages(hub: Hub, reader: Reader) -> None:
    five_changes(hub)
    position, seen = 0, []
    while page := reader.changes(position, 2):
        assert len(page) <= 2
        seen += page
        position = page[-1][1]
    assert seen == reader.changes(0)


def test_orders_that_the_erp_has_not_changed_are_no_changes(hub: Hub, reader: Reader) -> None:
    hub.save(1)
    assert reader.changes(0) == []
    assert reader.changes() == []


def test_changes_from_null_go_on_from_the_position_confirmed(hub: Hub, reader: Reader) -> None:
    five_changes(hub)
    assert reader.position() == 0
    assert reader.changes() == reader.changes(0)
    assert reader.confirm(4) == 4
    assert reader.position() == 4
    assert reader.changes() == [(1, 5), (5, 6)]
    assert reader.changes(0) != reader.changes(), "a position given is a position used"


def test_reading_moves_no_position(hub: Hub, reader: Reader) -> None:
    five_changes(hub)
    before = hub.everything()
    reader.changes()
    reader.position()
    assert hub.everything() == before


def test_a_position_never_goes_back(hub: Hub, reader: Reader) -> None:
    five_changes(hub)
    assert [reader.confirm(n) for n in (2, 5, 3, 0, 5)] == [2, 5, 5, 5, 5]
    assert reader.position() == 5


def test_each_reader_has_its_own_position(hub: Hub) -> None:
    five_changes(hub)
    readers = [
        Reader(hub.store, "ortes_store"),
        Reader(hub.store, "ortes_store", after=", 1"),
        Reader(hub.store, "ortes_store", after=", 50"),
        Reader(hub.app, "ortes_app", before=", 50"),
        Reader(hub.db.connect(hub.db.login("app", "ortes_app", hub.azi, 1)), "ortes_app", before=", 1"),
    ]
    for n, reader in enumerate(readers):
        assert reader.confirm(n + 1) == n + 1
    assert [reader.position() for reader in readers] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("position", [7, 2**63 - 1])
def test_a_position_beyond_the_counter_is_refused(hub: Hub, reader: Reader, position: int) -> None:
    five_changes(hub)
    before = hub.everything()
    with refused("OR008", naming="last ID-SINCRO given out 6"):
        reader.changes(position)
    with refused("OR008"):
        reader.confirm(position)
    assert hub.everything() == before


def test_after_a_restore_to_an_earlier_state_a_reader_is_told_and_a_dba_can_help(hub: Hub, reader: Reader) -> None:
    five_changes(hub)
    reader.confirm(6)
    # What a restore does: the counter of an earlier state, the reader's position kept elsewhere.
    hub.dba.execute(
        "ALTER TABLE ortes.apstatosyn DISABLE TRIGGER USER;"
        "UPDATE ortes.apstatosyn SET valore = 5 WHERE contatore = 'ID-SINCRO';"
        "ALTER TABLE ortes.apstatosyn ENABLE TRIGGER USER"
    )
    with refused("OR008", naming="position 6, last ID-SINCRO given out 5"):
        reader.changes()
    kind = "S" if reader.schema == "ortes_store" else "A"
    prov_id = {"": None, ", 3": 3, ", 50": 50}[reader.before or reader.after]
    assert one(hub.ops, "SELECT ortes_ops.rewind_reader('C00001', %s, 2, %s)", kind, prov_id) == 2
    assert reader.position() == 2
    assert [s for _, s in reader.changes()] == [3, 4, 5, 6]


def test_a_position_goes_back_by_rewind_reader_only_and_never_forward(hub: Hub) -> None:
    five_changes(hub)
    store = Reader(hub.store, "ortes_store")
    store.confirm(4)
    assert one(hub.ops, "SELECT ortes_ops.rewind_reader('C00001', 'S', 1)") == 1
    assert store.changes() == [(4, 2), (3, 3), (2, 4), (1, 5), (5, 6)]
    before = hub.everything()
    for kind, position, prov_id in (
        ("S", 2, None),
        ("S", 0, 9),
        ("A", 0, 50),
        ("X", 0, None),
        (None, 0, None),
        ("S", -1, None),
    ):
        with refused("OR007"):
            hub.ops.execute("SELECT ortes_ops.rewind_reader('C00001', %s, %s, %s)", (kind, position, prov_id))
    assert hub.everything() == before


def test_pending_shows_what_the_erp_does_not_have_by_id_pub(hub: Hub) -> None:
    for n in (30, 20, 10):
        hub.save(n)
    hub.app.execute("SELECT ortes_app.save_order('C00001', 50, 1)")
    hub.export("G5")
    pending = "SELECT id_pub FROM ortes_erp.pending('C00001'{})"
    assert rows(hub.erp, pending.format("")) == [(1,), (2,), (3,), (4,)]
    assert rows(hub.erp, pending.format(", 2")) == [(1,), (2,)]
    hub.acquire(2, "T2")
    assert rows(hub.erp, pending.format("")) == [(1,), (3,), (4,)]
    hub.erp.execute("SELECT ortes_erp.create_order('C00001', 1, 5)")
    assert rows(hub.erp, pending.format("")) == [(1,), (3,), (4,)]


def test_an_order_is_shown_with_the_columns_for_outsiders_in_their_order(hub: Hub) -> None:
    hub.save(1, {"v": 1})
    hub.acquire(hub.save(2), "T2")
    for connection, query in (
        (hub.erp, "SELECT * FROM ortes_erp.pending('C00001')"),
        (hub.store, "SELECT * FROM ortes_store.changes('C00001', 0)"),
        (hub.app, "SELECT * FROM ortes_app.changes('C00001', 50, 0)"),
        (hub.ops, "SELECT * FROM ortes_ops.orders"),
    ):
        assert [column.name for column in connection.execute(query).description or ()] == COLUMNS
    expected = ("C00001", 1, None, None, 1, True, False, False, "S", None, "C", 0, 0, {"v": 1})
    assert rows(hub.erp, "SELECT * FROM ortes_erp.pending('C00001')")[0][:14] == expected


def test_readers_see_their_company_only(hub: Hub) -> None:
    hub.db.company("C00002")
    hub.dba.execute("SELECT ortes_erp.export_order('C00002', 'X')")
    hub.dba.execute("SELECT ortes_store.save_order('C00002', 1)")
    assert hub.changes(0) == []
    assert rows(hub.erp, "SELECT * FROM ortes_erp.pending('C00001')") == []


def test_pending_and_changes_read_no_rows_that_they_do_not_return(hub: Hub) -> None:
    hub.dba.execute(
        "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo)"
        " SELECT 'C00001', 'S', n, 'C' FROM generate_series(1, 3000) AS n"
    )
    hub.dba.execute("UPDATE ortes.arportes SET tor_chia = 'T' || id_pub, ack_gest = true WHERE id_pub <= 2990")
    hub.dba.execute("VACUUM ANALYZE ortes.arportes")
    for connection, query, expected in (
        (hub.erp, "ortes_erp.pending('C00001')", 10),
        (hub.store, "ortes_store.changes('C00001', 2980)", 10),
        (hub.store, "ortes_store.changes('C00001', 0, 10)", 10),
    ):
        read = "SELECT sum(idx_tup_fetch + seq_tup_read) FROM pg_stat_xact_user_tables WHERE relname = 'arportes'"
        with connection.transaction():
            already = one(connection, read)
            assert one(connection, f"SELECT count(*) FROM {query}") == expected
            assert one(connection, read) - already == expected, query
