"""A hypothesis state machine: drives the doors and the model side by side, with valid and invalid calls.

One database serves a whole run: each example has a company of its own, so that it costs milliseconds.
"""

import itertools
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any, ClassVar

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.model.hub import Acquire, Export, Hub, Refused, Save

Reader = tuple[str, int | None]  # S and the store's number if it has one, A and the device's
_serial = itertools.count(1)

OWN = "(this example's company)"
ITS_KEY = "(the key that order has)"
CURRENT = -2  # the ID-SINCRO that order has


def mostly(right: list[Any], wrong: list[Any]) -> st.SearchStrategy[Any]:
    """One of `right`; in one draw of twenty or so, one of `wrong`."""
    return st.sampled_from(right * (1 + 20 * len(wrong) // len(right)) + wrong)


# Small spaces, so that calls meet: the same order again, another one's key, a number not given out yet.
COMPANIES = mostly([OWN], ["elsewhere", "", None, "x" * 33])
STORES = mostly([None, None, 2], [0])
DEVICES = mostly([50, 50, 51], [-1, None])
ID_INTS = mostly([1, 2, 3, 4], [0, None])
ORDERS = mostly([1, 2, 3, 4, 5, 6], [99, 0, None])  # 1 to 6: the first, second … that there is
SINCROS = mostly([0, 1, 2, 3, 5, 8, None], [99, -1])
LIMITS = mostly([1000, 1, 2, 10000], [0, 10001, None])
KEYS = mostly(["T1", "T2", "T3", "T4", "T5", "L'«è»\n\\"], ["", None])
KEYS_AGAIN = mostly([ITS_KEY], ["T1", "T2", None])
CONFIRMATIONS = mostly([None, None, "C1", "C2", 'C"3\n'], ["", "x" * 201])
CONTENTS = st.sampled_from([None, {"n": 1}, {"n": 1}, {"n": 2}, {"è": ["'", "\n", None, "\U0001f600"]}])
AUTHORS = mostly([0, 7, 7, 9], [None, -1])
READERS = mostly([("S", None), ("S", 2), ("A", 50), ("A", 51)], [("A", None), ("S", 0)])
ROLLED_BACK = st.sampled_from([False] * 7 + [True])

SAVES = st.lists(st.builds(Save, ID_INTS, AUTHORS, CONTENTS), min_size=1, max_size=3)
ACQUIRES = st.lists(st.builds(Acquire, ORDERS, KEYS), min_size=1, max_size=3)
NEW = st.builds(Export, KEYS, CONFIRMATIONS, AUTHORS, CONTENTS, if_sincro=mostly([None], [1]))
AGAIN = st.builds(
    Export, KEYS_AGAIN, CONFIRMATIONS, AUTHORS, CONTENTS, ORDERS, st.sampled_from([None, None, CURRENT, 1, 2, -1])
)
EXPORTS = st.lists(st.one_of(NEW, AGAIN), min_size=1, max_size=2)

STATE = """
SELECT
    coalesce((SELECT jsonb_agg(to_jsonb(a) - '{azi,dati_digest,created_at,updated_at}'::text[] ORDER BY a.id_pub)
        FROM ortes.arportes AS a WHERE a.azi = %(azi)s), '[]'),
    (SELECT jsonb_object_agg(s.contatore, s.valore) FROM ortes.apstatosyn AS s WHERE s.azi = %(azi)s),
    coalesce((SELECT jsonb_agg(jsonb_build_array(r.prov_tipo, r.prov_id, r.id_sincro))
        FROM ortes.reader AS r WHERE r.azi = %(azi)s), '[]')
"""


class Machine(RuleBasedStateMachine):
    """The doors of one company against the model of it."""

    connections: ClassVar[dict[str, psycopg.Connection[Any]]]
    """By who calls: store, app, app50 (acts as device 50 only), erp, ops, dba (a superuser); set by the test."""

    def __init__(self) -> None:
        super().__init__()
        self.azi = f"model-{next(_serial)}"
        self.hub = Hub()
        self.seen: dict[int, dict[str, Any]] = {}
        self.seen_up_to = 0
        self._run("ops", "SELECT ortes_ops.create_company(%s)", [self.azi])
        for who, device in (("store", None), ("app", None), ("app50", 50), ("erp", None)):
            login = self.connections[who].info.user
            self._run("ops", "SELECT ortes_ops.grant_access(%s, %s, %s)", [login, self.azi, device])

    # The doors

    @rule(azi=COMPANIES, store=STORES, saves=SAVES, undone=ROLLED_BACK)
    def store_saves(self, azi: str | None, store: int | None, saves: list[Save], undone: bool) -> None:
        """One order by save_order, several by save_orders."""
        if len(saves) == 1:
            one = saves[0]
            query = "SELECT %s, ortes_store.save_order(%s, %s, %s, %s, %s)"
            given = [one.id_int, azi, one.id_int, one.autore_cod, content(one.dati), store]
        else:
            query, given = "SELECT * FROM ortes_store.save_orders(%s, %s, %s)", [azi, elements(saves), store]
        self.call("store", query, given, lambda hub: hub.save("S", store, null_is_0(saves)), undone)

    @rule(azi=COMPANIES, who=st.sampled_from(["app", "app", "app50"]), device=DEVICES, saves=SAVES, undone=ROLLED_BACK)
    def app_saves(self, azi: str | None, who: str, device: int | None, saves: list[Save], undone: bool) -> None:
        """The same from a device; a login for device 50 acts as no other."""
        if len(saves) == 1:
            one = saves[0]
            query = "SELECT %s, ortes_app.save_order(%s, %s, %s, %s, %s)"
            given = [one.id_int, azi, device, one.id_int, one.autore_cod, content(one.dati)]
        else:
            query, given = "SELECT * FROM ortes_app.save_orders(%s, %s, %s)", [azi, device, elements(saves)]
        self.call(who, query, given, lambda hub: hub.save("A", device, null_is_0(saves)), undone, device)

    @rule(azi=COMPANIES, id_pubs=st.lists(ORDERS, min_size=1, max_size=3), undone=ROLLED_BACK)
    def store_imports(self, azi: str | None, id_pubs: list[int | None], undone: bool) -> None:
        """One order by import_order, several by import_orders."""
        id_pubs = [self.nth(number) for number in id_pubs]
        if len(id_pubs) == 1:
            query, given = "SELECT ortes_store.import_order(%s, %s)::integer", [azi, id_pubs[0]]
        else:
            query, given = "SELECT ortes_store.import_orders(%s, %s::bigint[])", [azi, id_pubs]
        self.call("store", query, given, lambda hub: one_value(hub.import_orders("S", id_pubs)), undone)

    @rule(azi=COMPANIES, device=st.sampled_from([50, 51]), id_pubs=st.lists(ORDERS, min_size=1, max_size=3))
    def app_imports(self, azi: str | None, device: int, id_pubs: list[int | None]) -> None:
        """The same from a device."""
        id_pubs = [self.nth(number) for number in id_pubs]
        if len(id_pubs) == 1:
            query, given = "SELECT ortes_app.import_order(%s, %s, %s)::integer", [azi, device, id_pubs[0]]
        else:
            query, given = "SELECT ortes_app.import_orders(%s, %s, %s::bigint[])", [azi, device, id_pubs]
        self.call("app", query, given, lambda hub: one_value(hub.import_orders("A", id_pubs)))

    @rule(azi=COMPANIES, reader=READERS, since=SINCROS, limit=LIMITS)
    def reads_changes(self, azi: str | None, reader: Reader, since: int | None, limit: int | None) -> None:
        """Rows after a position, ascending."""
        call, given = door(reader, "changes", azi, since, limit)
        query = f"SELECT to_jsonb(o) - '{{azi,created_at,updated_at}}'::text[] FROM {call} AS o"
        self.call(
            who_reads(reader), query, given, lambda hub: rows(hub.changes(reader, since, limit)), device=reader[1]
        )

    @rule(limit=st.sampled_from([1, 3, 1000]))
    def polls(self, limit: int) -> None:
        """The store that never misses anything: at the end it must hold all that there is."""
        query = "SELECT to_jsonb(o) - '{azi,created_at,updated_at}'::text[] FROM ortes_store.changes(%s, %s, %s) AS o"
        try:
            changes = self._run("store", query, [self.azi, self.seen_up_to, limit])
        except psycopg.DatabaseError as error:
            # Also in teardown after a finding: a refusal is a finding like any other.
            raise AssertionError(f"{error.sqlstate} where changes are right") from error
        for (row,) in changes:
            assert row["id_sincro"] > self.seen_up_to, "changes went by out of order"
            self.seen[row["id_pub"]] = row
            self.seen_up_to = row["id_sincro"]

    @rule(azi=COMPANIES, reader=READERS, id_sincro=SINCROS, undone=ROLLED_BACK)
    def confirms(self, azi: str | None, reader: Reader, id_sincro: int | None, undone: bool) -> None:
        """Forward only."""
        call, given = door(reader, "confirm", azi, id_sincro)
        answer: Callable[[Hub], Any] = lambda hub: one_value(hub.confirm(reader, id_sincro))  # noqa: E731
        self.call(who_reads(reader), f"SELECT {call}", given, answer, undone)

    @rule(azi=COMPANIES, reader=READERS)
    def asks_position(self, azi: str | None, reader: Reader) -> None:
        """What was confirmed last."""
        call, given = door(reader, "position", azi)
        self.call(
            who_reads(reader), f"SELECT {call}", given, lambda hub: one_value(hub.position(reader)), device=reader[1]
        )

    @rule(azi=COMPANIES, limit=LIMITS)
    def erp_looks(self, azi: str | None, limit: int | None) -> None:
        """What is pending."""
        query = "SELECT to_jsonb(o) - '{azi,created_at,updated_at}'::text[] FROM ortes_erp.pending(%s, %s) AS o"
        self.call("erp", query, [azi, limit], lambda hub: rows(hub.pending(limit)))

    @rule(azi=COMPANIES, id_pub=ORDERS, author=AUTHORS, undone=ROLLED_BACK)
    def erp_creates(self, azi: str | None, id_pub: int | None, author: int | None, undone: bool) -> None:
        """The author's code, no new ID-SINCRO."""
        id_pub = self.nth(id_pub)
        query = "SELECT ortes_erp.create_order(%s, %s, %s)::text"
        answer: Callable[[Hub], Any] = lambda hub: hub.create_order(id_pub, author) or [("",)]  # noqa: E731
        self.call("erp", query, [azi, id_pub, author], answer, undone)

    @rule(azi=COMPANIES, acquires=ACQUIRES, undone=ROLLED_BACK)
    def erp_acquires(self, azi: str | None, acquires: list[Acquire], undone: bool) -> None:
        """One order by acquire_order, several by acquire_orders."""
        acquires = [Acquire(self.nth(a.id_pub), a.tor_chia) for a in acquires]
        if len(acquires) == 1:
            one = acquires[0]
            query, given = "SELECT %s, ortes_erp.acquire_order(%s, %s, %s)", [one.id_pub, azi, one.id_pub, one.tor_chia]
        else:
            query, given = "SELECT * FROM ortes_erp.acquire_orders(%s, %s)", [azi, elements(acquires)]
        self.call("erp", query, given, lambda hub: hub.acquire(acquires), undone)

    @rule(azi=COMPANIES, exports=EXPORTS, undone=ROLLED_BACK)
    def erp_exports(self, azi: str | None, exports: list[Export], undone: bool) -> None:
        """One order by export_order, several by export_orders; new ones and known ones."""
        exports = [self.addressed(e) for e in exports]
        if len(exports) == 1:
            e = exports[0]
            query = "SELECT * FROM ortes_erp.export_order(%s, %s, %s, %s, %s, %s, %s)"
            given = [azi, e.tor_chia, e.conferma, e.autore_cod, content(e.dati), e.id_pub, e.if_sincro]
        else:
            query, given = "SELECT * FROM ortes_erp.export_orders(%s, %s)", [azi, elements(exports)]
        self.call("erp", query, given, lambda hub: hub.export(exports), undone)

    # The DBA

    @rule(azi=COMPANIES, counter=st.sampled_from(["ID-PUB", "ID-SINCRO", "ID-SINCRO", "id-pub", None]), value=SINCROS)
    def ops_sets_counter(self, azi: str | None, counter: str | None, value: int | None) -> None:
        """Forward only."""
        query = "SELECT ortes_ops.set_counter(%s, %s, %s)"
        self.call("ops", query, [azi, counter, value], lambda hub: one_value(hub.set_counter(counter, value)))

    @precondition(lambda self: self.hub.readers)
    @rule(azi=COMPANIES, reader=READERS, id_sincro=SINCROS)
    def ops_rewinds(self, azi: str | None, reader: Reader, id_sincro: int | None) -> None:
        """Back only."""
        query = "SELECT ortes_ops.rewind_reader(%s, %s, %s, %s)"
        given = [azi, reader[0], id_sincro, reader[1]]
        self.call("ops", query, given, lambda hub: one_value(hub.rewind_reader(reader, id_sincro)))

    @precondition(lambda self: self.hub.orders)
    @rule(
        id_pub=st.sampled_from([1, 2, 3, 4, 5, 6]),
        change=st.sampled_from(
            [
                *[("conferma", c) for c in ("C1", "by hand", None)],
                *[("dati", d) for d in ({"n": 1}, {"n": 3})],
                *[("autore_cod", 7), ("ack_gest", True), ("ack_app", True)],
                *[("ack_gest", False), ("ack_store", False), ("prov_tipo", "A"), ("id_int", 9), ("autore_tipo", "O")],
                *[("id_pub", 77), ("id_sincro", 0), ("id_sincro", 5), ("prov_id", 51)],
            ]
        ),
    )
    def dba_updates(self, id_pub: int, change: tuple[str, Any]) -> None:
        """Plain SQL past the doors: the triggers hold the rules all the same."""
        id_pub = self.nth(id_pub) or 0
        column, value = change
        query = sql.SQL("UPDATE ortes.arportes SET {} = %s WHERE azi = %s AND id_pub = %s RETURNING id_pub, id_sincro")
        given = [content(value) if column == "dati" else value, OWN, id_pub]

        def updated(hub: Hub) -> list[tuple[int, int]]:
            return [(id_pub, hub.orders[id_pub].id_sincro)] if hub.update_by_hand(id_pub, column, value) else []

        self.call("dba", query.format(sql.Identifier(column)), given, updated)

    @precondition(lambda self: self.hub.orders)
    @rule(
        statement=st.sampled_from(
            [
                "INSERT INTO ortes.arportes (azi, id_pub, prov_tipo, autore_tipo, id_int) VALUES (%s, 9, 'S', 'C', 9)",
                "INSERT INTO ortes.arportes (azi, id_sincro, prov_tipo, autore_tipo, id_int) VALUES (%s, 9, 'S', 'C', 9)",
                "UPDATE ortes.apstatosyn SET valore = valore - 1 WHERE azi = %s AND valore > 0",
                "DELETE FROM ortes.apstatosyn WHERE azi = %s",
                "DELETE FROM ortes.arportes WHERE azi = %s",
            ]
        )
    )
    def dba_may_not(self, statement: str) -> None:
        """Numbers of one's own, a counter that goes back, a deletion."""

        def refused(hub: Hub) -> list[Any]:
            raise Refused({"OR004"})

        self.call("dba", statement + " RETURNING azi", [OWN], refused)

    # What must hold

    @invariant()
    def table_equals_model(self) -> None:
        """Orders, counters and positions, after every step."""
        ((orders, counters, readers),) = self._run("dba", STATE, {"azi": self.azi})
        model = [order.row() for _, order in sorted(self.hub.orders.items())]
        assert orders == model, f"table: {orders}\nmodel: {model}"
        assert counters == self.hub.counters, f"counters: {counters}, model: {self.hub.counters}"
        positions = {(tipo, number): position for tipo, number, position in readers}
        assert positions == self.hub.readers, f"readers: {positions}, model: {self.hub.readers}"

    def teardown(self) -> None:
        """The store that polled catches up, and holds the last state of every order that ever changed."""
        self.polls(10000)
        changed = {order.id_pub: order for order in self.hub.orders.values() if order.id_sincro > 0}
        # An import or a new author after the change is no change to tell.
        own = ("ack_store", "ack_app", "autore_cod")
        assert {n: without(row, own) for n, row in self.seen.items()} == {
            n: without(order.row(), own) for n, order in changed.items()
        }

    # How a call is made

    def nth(self, number: int | None, acquired: bool = False) -> int | None:
        """The ID-PUB of the order drawn: mostly of one that there is, or that the ERP has."""
        known = sorted(n for n, order in self.hub.orders.items() if order.tor_chia or not acquired)
        return known[(number - 1) % len(known)] if known and number in range(1, 7) else number

    def addressed(self, export: Export) -> Export:
        """An export with the order's own key and number where it was drawn to have them."""
        id_pub = self.nth(export.id_pub, acquired=True)
        order = self.hub.orders.get(id_pub or 0)
        key = (order.tor_chia if order else None) or "T1" if export.tor_chia == ITS_KEY else export.tor_chia
        if_sincro = (order.id_sincro if order else 0) if export.if_sincro == CURRENT else export.if_sincro
        return replace(export, tor_chia=key, id_pub=id_pub, if_sincro=if_sincro)

    def call(
        self,
        who: str,
        query: str | sql.Composed,
        given: list[Any],
        answer: Callable[[Hub], Any],
        undone: bool = False,
        device: int | None = None,
    ) -> None:
        """Call the hub and the model: same answer, or a refusal that is right. `undone`: and roll it back."""
        azi = next((value for value in given if value in (OWN, "elsewhere", "") or value == "x" * 33), None)
        given = [self.azi if value == OWN else value for value in given]
        hub = deepcopy(self.hub) if undone else self.hub
        want, codes = None, self._caller_errors(who, azi, device)
        try:
            # A caller who may not call at all may be told of a bad argument first.
            want = answer(deepcopy(self.hub) if codes else hub)
        except Refused as refusal:
            codes = codes | refusal.codes if not codes or refusal.codes == {"OR007"} else codes
        connection = self.connections[who]
        got, code = None, None
        try:
            with connection.transaction(force_rollback=True) if undone else nullcontext():
                got = connection.execute(query, given).fetchall()
        except psycopg.Error as error:
            if error.sqlstate is None:
                raise
            code = error.sqlstate
        if codes:
            assert code in codes, f"{code or got} where one of {sorted(codes)} is right"
            return
        assert code is None, f"{code} where {want} is right"
        assert got is not None
        if hub.bumped:
            hub.settle(dict(got))
            hub.bumped = []
            want = [(id_pub, hub.orders[id_pub].id_sincro) for id_pub, _ in want]
        assert got == want, f"{got} where {want} is right"

    def _caller_errors(self, who: str, azi: str | None, device: int | None) -> set[str]:
        if azi is None or azi == "" or (len(azi) > 32 and azi != OWN):
            return {"OR007"}
        if azi != OWN:
            return {"OR001"} if who == "ops" else {"OR003"}
        return {"OR003"} if who == "app50" and device != 50 else set()

    def _run(self, who: str, query: str, given: Any) -> list[Any]:
        return self.connections[who].execute(query, given).fetchall()


def content(dati: Any) -> Jsonb | None:
    return None if dati is None else Jsonb(dati)


def elements(orders: list[Any]) -> Jsonb:
    """The JSON array of a set-based door; a null and an absent key are the same."""
    return Jsonb([{key: value for key, value in vars(order).items() if value is not None} for order in orders])


def null_is_0(saves: list[Save]) -> list[Save]:
    """In an array, no autore_cod is 0; as an argument, null is refused."""
    return saves if len(saves) == 1 else [Save(s.id_int, s.autore_cod or 0, s.dati) for s in saves]


def door(reader: Reader, name: str, azi: str | None, *given: Any) -> tuple[str, list[Any]]:
    """A reader's call: the store's number comes last, the device's after the company."""
    tipo, number = reader
    arguments = [azi, *given, number] if tipo == "S" else [azi, number, *given]
    return f"ortes_{'store' if tipo == 'S' else 'app'}.{name}({', '.join(['%s'] * len(arguments))})", arguments


def who_reads(reader: Reader) -> str:
    return "store" if reader[0] == "S" else "app"


def one_value(value: Any) -> list[tuple[Any]]:
    return [(value,)]


def rows(orders: list[dict[str, Any]]) -> list[tuple[dict[str, Any]]]:
    return [(order,) for order in orders]


def without(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
