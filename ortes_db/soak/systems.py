"""The systems of a run: stores, devices, the ERP, somebody who writes by hand, and readers."""

from dataclasses import dataclass, field
from threading import Event
from typing import Any

from psycopg.types.json import Jsonb

from ortes_db.soak.clients import PAUSE, Client, Connection, Failed, Request, Writer
from ortes_db.soak.record import Pairs, Reading, Seen

# What one who writes by hand makes is for nobody else to write: by hand, a row is locked before its company is.
BY_HAND = "H"
# How far back a reader looks who looks back.
LOOK_BACK = 100


@dataclass
class Outlet(Writer):
    """A store (`prov_tipo` S) or a device (A): saves orders, and sometimes an old one again."""

    prov_tipo: str = "S"
    prov_id: int = 1
    last: int = 0
    known: dict[int, int] = field(default_factory=dict)

    def request(self, connection: Connection, busy: set[Any]) -> Request:
        """One new order, many, or one that was saved before."""
        way = self.random.random()
        if way < 0.1 and self.known:
            return self._save([self.random.randint(1, self.last)])
        count = self.random.randint(2, 15) if way < 0.2 else 1
        ids = list(range(self.last + 1, self.last + 1 + count))
        self.last = ids[-1]
        if count > 1 and self.known:
            ids.append(self.random.randint(1, self.last - count))
        return self._save(ids)

    def keep(self, request: Request, pairs: Pairs) -> None:
        """The ID-PUB of its orders."""
        self.known.update(pairs)

    def _save(self, ids: list[int]) -> Request:
        schema = "ortes_store" if self.prov_tipo == "S" else "ortes_app"
        named = "p_store" if self.prov_tipo == "S" else "p_device"
        if len(ids) > 1:
            door, values = (
                "save_orders",
                (self.azi, self.prov_id, Jsonb([{"id_int": n, "dati": _dati(n)} for n in ids])),
            )
            query = f"SELECT id_int, id_pub FROM {schema}.{door}(p_azi => %s, {named} => %s, p_orders => %s)"
        else:
            door = "save_order"
            values = (ids[0], self.azi, self.prov_id, ids[0], Jsonb(_dati(ids[0])))  # type: ignore[assignment]
            query = f"SELECT %s::bigint, {schema}.{door}(p_azi => %s, {named} => %s, p_id_int => %s, p_dati => %s)"
        known = tuple((n, self.known[n]) for n in ids if n in self.known)
        return Request(
            f"{schema}.{door}",
            query,
            values,
            tuple(ids),
            origin=(self.prov_tipo, self.prov_id),
            expected=known if len(known) == len(ids) else None,
        )


@dataclass
class Erp(Writer):
    """One of the ERP's workers: acquires its share of what is pending, exports again, and makes orders of its own."""

    share: int = 0
    shares: int = 1
    made: int = 0
    todo: list[int] = field(default_factory=list)
    # By ID-PUB: TOR-CHIA and the ID-SINCRO that it was told last. Nobody else changes these orders.
    orders: dict[int, tuple[str, int]] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)

    def request(self, connection: Connection, busy: set[Any]) -> Request | None:
        """Acquire if there is something to acquire; else, or sometimes, export."""
        if not self.todo and self.random.random() < 0.5:
            self._look(connection, busy)
        way = self.random.random()
        if self.todo and way < 0.6:
            count = min(self.random.choice([1, 1, 1, 10]), len(self.todo))
            return self._acquire([self.todo.pop() for _ in range(count)])
        old = [i for i in self._some_old() if self.orders[i][0] not in busy]
        if old and way < 0.65:
            id_pub = old[0]
            tor_chia, id_sincro = self.orders[id_pub]
            expected = ((id_pub, id_sincro),)
            # A repeat that comes late: it changes nothing and tells the numbers as they are.
            return self._acquire([id_pub], tor_chia, expected) if tor_chia[0] == "T" else None
        new = [] if old and way < 0.85 else [self._new() for _ in range(self.random.choice([1, 1, 3]))]
        return self._export(old if way < 0.95 else [], new)

    def keep(self, request: Request, pairs: Pairs) -> None:
        """ID-PUB and ID-SINCRO of its orders."""
        for tor_chia, (id_pub, id_sincro) in zip(request.subjects, pairs, strict=True):
            if id_pub not in self.orders:
                self.ids.append(id_pub)
            self.orders[id_pub] = (tor_chia, id_sincro)

    def _look(self, connection: Connection, busy: set[Any]) -> None:
        query = "SELECT id_pub, 0::bigint FROM ortes_erp.pending(%s, 100)"
        pending = self.ask(connection, Request("ortes_erp.pending", query, (self.azi,)))
        # What it has answered for in a transaction under way is pending still.
        mine = [i for i, _ in pending if i % self.shares == self.share and f"T{i}" not in busy and i not in self.orders]
        self.random.shuffle(mine)
        for id_pub in mine[:3]:
            query = "SELECT %s::bigint, 0::bigint FROM ortes_erp.create_order(%s, %s, 7)"
            self.ask(connection, Request("ortes_erp.create_order", query, (id_pub, self.azi, id_pub)))
        self.todo = mine

    def _some_old(self) -> list[int]:
        count = min(self.random.choice([1, 1, 4]), len(self.ids))
        return self.random.sample(self.ids, count) if count else []

    def _new(self) -> str:
        self.made += 1
        return f"G{self.share}.{self.made}"

    def _acquire(self, ids: list[int], tor_chia: str = "", expected: Pairs | None = None) -> Request:
        keys = tuple(tor_chia or f"T{i}" for i in ids)
        if len(ids) > 1:
            orders = Jsonb([{"id_pub": i, "tor_chia": key} for i, key in zip(ids, keys, strict=True)])
            query = "SELECT id_pub, id_sincro FROM ortes_erp.acquire_orders(%s, %s)"
            return Request("ortes_erp.acquire_orders", query, (self.azi, orders), keys, changes=True)
        query = "SELECT %s::bigint, ortes_erp.acquire_order(%s, %s, %s)"
        values = (ids[0], self.azi, ids[0], keys[0])
        return Request("ortes_erp.acquire_order", query, values, keys, changes=True, expected=expected)

    def _export(self, old: list[int], new: list[str]) -> Request:
        conferma = f"C{self.random.randrange(10**9)}"
        orders = [
            # With if_sincro, so that this call cannot undo a later one should it arrive after it.
            {"tor_chia": self.orders[i][0], "conferma": conferma, "id_pub": i, "if_sincro": self.orders[i][1]}
            for i in old
        ] + [{"tor_chia": key, "conferma": conferma, "dati": _dati(1)} for key in new]
        keys = tuple(order["tor_chia"] for order in orders)
        if len(orders) > 1:
            query = "SELECT id_pub, id_sincro FROM ortes_erp.export_orders(%s, %s)"
            return Request("ortes_erp.export_orders", query, (self.azi, Jsonb(orders)), keys, changes=True)
        named = ", ".join(f"p_{name} => %s" for name in orders[0])
        values = (self.azi, *(Jsonb(v) if name == "dati" else v for name, v in orders[0].items()))
        query = f"SELECT id_pub, id_sincro FROM ortes_erp.export_order(%s, {named})"
        return Request("ortes_erp.export_order", query, values, keys, changes=True)


@dataclass
class Hand(Writer):
    """Somebody who writes to the table by hand, with nothing but the triggers to keep the rules."""

    made: int = 0
    ids: list[int] = field(default_factory=list)

    def request(self, connection: Connection, busy: set[Any]) -> Request:
        """An order more, or several changed by one statement."""
        free = [i for i in self.ids if i not in busy]
        if len(free) < 5 or self.random.random() < 0.3:
            self.made += 1
            query = """
                INSERT INTO ortes.arportes (azi, prov_tipo, autore_tipo, tor_chia, conferma)
                VALUES (%s, 'G', 'O', %s, 'new') RETURNING id_pub, id_sincro
            """
            values: tuple[Any, ...] = (self.azi, f"{BY_HAND}{self.made}")
            return Request("INSERT by hand", query, values, changes=True, repeatable=False)
        some = self.random.sample(free, self.random.randint(1, 5))
        query = """
            UPDATE ortes.arportes SET conferma = %s WHERE azi = %s AND id_pub = ANY (%s) RETURNING id_pub, id_sincro
        """
        values = (f"C{self.random.randrange(10**9)}", self.azi, some)
        return Request("UPDATE by hand", query, values, tuple(some), changes=True, repeatable=False)

    def keep(self, request: Request, pairs: Pairs) -> None:
        """Which orders are its own."""
        if not request.subjects:
            self.ids.append(pairs[0][0])

    def step(self, connection: Connection) -> None:
        """With a pause: it is one among many."""
        super().step(connection)
        self.stop.wait(PAUSE / 2)


@dataclass
class Reader(Client):
    """Asks for what came after the last number it has read, until all is written and there is no more."""

    all_written: Event = field(default_factory=Event)
    # It also asks for what it has read already: a number that turns up late shows, even if it is superseded soon.
    looks_back: bool = False
    # Of a store: it reads from its kept position, imports what is new to it, and confirms.
    store: int | None = None
    through_door: bool = True
    position: int = 0
    reading: Reading = field(init=False)
    _known: set[int] = field(default_factory=set)
    _finished: bool = False

    def __post_init__(self) -> None:
        self.reading = Reading(self.who, self.azi)

    def goes_on(self) -> bool:
        """Until it has read all."""
        return not self._finished

    def step(self, connection: Connection) -> None:
        """One look."""
        last = self.all_written.is_set()
        try:
            found = self._look(connection)
            if found and self.store is not None:
                self._deal(connection, found)
        except Failed:
            # Like a client, it asks again; but not for ever.
            self._finished = last
            raise
        # A full answer is not the end of it.
        self._finished = last and len(found) < 1000
        if not last:
            self.all_written.wait(PAUSE)

    def _look(self, connection: Connection) -> list[Any]:
        since: int | None = max(self.position - LOOK_BACK, 0) if self.looks_back else self.position
        if self.through_door:
            query = "SELECT id_sincro, id_pub, conferma, tor_chia FROM ortes_store.changes(%s, %s, p_store => %s)"
            kept = since if self.store is None else None
            request = Request("ortes_store.changes", query, (self.azi, kept, self.store))
        else:
            query = """
                SELECT id_sincro, id_pub, conferma, tor_chia FROM ortes_ops.orders
                WHERE azi = %s AND id_sincro > %s AND id_sincro > 0 ORDER BY id_sincro LIMIT 1000
            """
            request = Request("SELECT by hand", query, (self.azi, since))
        told = self.answered(connection, request)
        rows: list[Any] = list(told.pairs)
        # What it saw is kept once, in its reading.
        self.note(told._replace(pairs=()))
        new = [row for row in rows if not (self.looks_back and row[0] in self._known)]
        self._known = {row[0] for row in rows}
        self.reading.seen += [Seen(number, id_pub, conferma) for number, id_pub, conferma, _ in new]
        self.position = max([self.position, *(row[0] for row in rows)])
        return rows

    def _deal(self, connection: Connection, found: list[Any]) -> None:
        ids = [id_pub for _, id_pub, _, tor_chia in found if not tor_chia.startswith(BY_HAND)]
        query = "SELECT ortes_store.import_orders(%s, %s)::bigint, 0::bigint"
        self.ask(connection, Request("ortes_store.import_orders", query, (self.azi, ids)))
        query = "SELECT ortes_store.confirm(%s, %s, %s), 0::bigint"
        self.ask(connection, Request("ortes_store.confirm", query, (self.azi, self.position, self.store)))


def _dati(number: int) -> dict[str, Any]:
    return {"items": [{"sku": f"A{number % 100}", "qty": 1 + number % 7}]}
