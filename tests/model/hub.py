"""The hub as the design tells it, for one company, in plain Python: what each door returns, changes or refuses.

Written from the design's rules and not from sql/, so that the two can disagree. A refusal names every error that would
be right: the design does not say which of several comes first.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

Json = Any


class Refused(Exception):
    """The call must fail, with one of these SQLSTATEs, and change nothing."""

    def __init__(self, codes: Iterable[str]) -> None:
        self.codes = set(codes)
        super().__init__(f"one of {sorted(self.codes)}")


@dataclass
class Order:
    """A row of ARPORTES, and the content it was first saved with."""

    id_pub: int
    prov_tipo: str
    prov_id: int | None
    id_int: int | None
    autore_tipo: str
    autore_cod: int
    dati: Json
    tor_chia: str | None = None
    conferma: str | None = None
    ack_store: bool = False
    ack_gest: bool = False
    ack_app: bool = False
    id_sincro: int = 0
    first: tuple[Json, str | None] = (None, None)

    def row(self) -> dict[str, Any]:
        """The columns that the table must hold."""
        return {name: value for name, value in asdict(self).items() if name != "first"}


@dataclass
class Save:
    """One order as store or app sends it."""

    id_int: int | None
    autore_cod: int | None
    dati: Json


@dataclass
class Acquire:
    """One order as the ERP acquires it."""

    id_pub: int | None
    tor_chia: str | None


@dataclass
class Export:
    """One order as the ERP exports it; without id_pub: a new one."""

    tor_chia: str | None
    conferma: str | None = None
    autore_cod: int | None = None
    dati: Json = None
    id_pub: int | None = None
    if_sincro: int | None = None


@dataclass
class Hub:
    """One company: its orders by ID-PUB, its two counters, its readers' positions."""

    orders: dict[int, Order] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=lambda: {"ID-PUB": 0, "ID-SINCRO": 0})
    readers: dict[tuple[str, int | None], int] = field(default_factory=dict)
    bumped: list[Order] = field(default_factory=list)
    """Whom the last call gave a new ID-SINCRO."""

    # Store and app

    def save(self, prov_tipo: str, prov_id: int | None, saves: list[Save]) -> list[tuple[int, int]]:
        """save_order, save_orders: (id_int, ID-PUB) of each, new or found."""
        arguments_ok(
            (atleast(1, prov_id) or (prov_id is None and prov_tipo == "S")),
            *(atleast(1, s.id_int) and atleast(0, s.autore_cod) for s in saves),
        )
        known = {o.id_int: o.first[0] for o in self.orders.values() if (o.prov_tipo, o.prov_id) == (prov_tipo, prov_id)}
        for save in saves:
            if known.setdefault(save.id_int, save.dati) != save.dati:
                raise Refused({"OR006"})
        self.bumped = []
        found: dict[int | None, int] = {
            o.id_int: o.id_pub for o in self.orders.values() if (o.prov_tipo, o.prov_id) == (prov_tipo, prov_id)
        }
        for save in saves:
            if save.id_int not in found:
                order = self._insert(
                    prov_tipo, prov_id, save.id_int, "CT"[prov_tipo == "A"], save.autore_cod, save.dati
                )
                found[save.id_int] = order.id_pub
        return [(save.id_int, found[save.id_int]) for save in saves]  # type: ignore[misc]

    def import_orders(self, prov_tipo: str, id_pubs: list[int | None]) -> int:
        """import_order, import_orders: on how many the flag is new."""
        arguments_ok(*(atleast(1, n) for n in id_pubs))
        if any(n not in self.orders for n in id_pubs):
            raise Refused({"OR002"})
        flag = "ack_store" if prov_tipo == "S" else "ack_app"
        new = [self.orders[n] for n in set(id_pubs) if n and not getattr(self.orders[n], flag)]
        for order in new:
            setattr(order, flag, True)
        self.bumped = []
        return len(new)

    def changes(self, reader: tuple[str, int | None], since: int | None, limit: int | None) -> list[dict[str, Any]]:
        """changes: the rows after `since`, or after what the reader confirmed."""
        arguments_ok(reader_ok(reader), limit is not None and 1 <= limit <= 10000, since is None or since >= 0)
        start = self.readers.get(reader, 0) if since is None else since
        if start > self.counters["ID-SINCRO"]:
            raise Refused({"OR008"})
        later = sorted((o for o in self.orders.values() if o.id_sincro > start), key=lambda o: o.id_sincro)
        return [o.row() for o in later[:limit]]

    def confirm(self, reader: tuple[str, int | None], id_sincro: int | None) -> int:
        """confirm: the reader's position afterwards."""
        arguments_ok(reader_ok(reader), atleast(0, id_sincro))
        assert id_sincro is not None
        if id_sincro > self.counters["ID-SINCRO"]:
            raise Refused({"OR008"})
        if id_sincro > self.readers.get(reader, 0):
            self.readers[reader] = id_sincro
        return self.readers.get(reader, 0)

    def position(self, reader: tuple[str, int | None]) -> int:
        """position: what the reader confirmed last."""
        arguments_ok(reader_ok(reader))
        return self.readers.get(reader, 0)

    # ERP

    def pending(self, limit: int | None) -> list[dict[str, Any]]:
        """pending: what the ERP has not acquired."""
        arguments_ok(limit is not None and 1 <= limit <= 10000)
        return [o.row() for _, o in sorted(self.orders.items()) if not o.ack_gest][:limit]

    def create_order(self, id_pub: int | None, autore_cod: int | None) -> None:
        """create_order: the author's code, until the order is acquired."""
        arguments_ok(atleast(1, id_pub), atleast(0, autore_cod))
        order = self.orders.get(id_pub or 0)
        if order is None:
            raise Refused({"OR002"})
        if order.ack_gest and order.autore_cod != autore_cod:
            raise Refused({"OR004"})
        order.autore_cod = autore_cod or 0
        self.bumped = []

    def acquire(self, acquires: list[Acquire]) -> list[tuple[int, int]]:
        """acquire_order, acquire_orders: (ID-PUB, ID-SINCRO) of each."""
        arguments_ok(*(atleast(1, a.id_pub) and key_ok(a.tor_chia) for a in acquires))
        key_of = {o.id_pub: o.tor_chia for o in self.orders.values() if o.tor_chia}
        owner_of = {key: id_pub for id_pub, key in key_of.items()}
        wrong = set()
        for a in acquires:
            assert a.id_pub is not None
            if a.id_pub not in self.orders:
                wrong.add("OR002")
            if key_of.setdefault(a.id_pub, a.tor_chia) != a.tor_chia:
                wrong.add("OR004")
            if owner_of.setdefault(a.tor_chia, a.id_pub) != a.id_pub:
                wrong.add("OR005")
        if wrong:
            raise Refused(wrong)
        self.bumped = []
        for a in acquires:
            order = self.orders[a.id_pub or 0]
            if order.tor_chia is None:
                order.tor_chia, order.ack_gest = a.tor_chia, True
                self._bump(order)
        return [(a.id_pub or 0, self.orders[a.id_pub or 0].id_sincro) for a in acquires]

    def export(self, exports: list[Export]) -> list[tuple[int, int]]:
        """export_order, export_orders: (ID-PUB, ID-SINCRO) of each."""
        arguments_ok(
            *(
                key_ok(e.tor_chia)
                and (e.conferma is None or key_ok(e.conferma))
                and (e.autore_cod is None or e.autore_cod >= 0)
                and (e.id_pub is None or e.id_pub >= 1)
                and (e.if_sincro is None or e.if_sincro >= 0)
                for e in exports
            )
        )
        wrong = set[str]()
        for number, e in enumerate(exports):
            wrong |= self._export_errors(e)
            if any(other.tor_chia == e.tor_chia and other != e for other in exports[:number]):
                wrong.add("OR007")
        if wrong:
            raise Refused(wrong)
        self.bumped = []
        by_key = {o.tor_chia: o for o in self.orders.values() if o.tor_chia}
        for e in exports:
            if e.id_pub is None and e.tor_chia not in by_key:
                order = self._insert("G", None, None, "O", e.autore_cod or 0, e.dati, e.conferma)
                order.tor_chia = e.tor_chia
                by_key[e.tor_chia] = order
                self._bump(order)
        for e in exports:
            if e.id_pub is not None:
                order = self.orders[e.id_pub]
                moved = self._moves(order, e)
                order.conferma = order.conferma if e.conferma is None else e.conferma
                order.dati = order.dati if e.dati is None else e.dati
                order.autore_cod = order.autore_cod if e.autore_cod is None else e.autore_cod
                if moved:
                    self._bump(order)
        return [(by_key[e.tor_chia].id_pub, by_key[e.tor_chia].id_sincro) for e in exports]

    # DBA

    def set_counter(self, counter: str | None, value: int | None) -> int:
        """set_counter: forward only."""
        arguments_ok(counter in self.counters, atleast(0, value))
        assert counter is not None
        assert value is not None
        if value < self.counters[counter]:
            raise Refused({"OR004"})
        self.counters[counter] = value
        return value

    def rewind_reader(self, reader: tuple[str, int | None], id_sincro: int | None) -> int:
        """rewind_reader: back only, and only a reader that has confirmed."""
        arguments_ok(id_sincro is not None and 0 <= id_sincro <= self.readers.get(reader, -1))
        assert id_sincro is not None
        self.readers[reader] = id_sincro
        return id_sincro

    def update_by_hand(self, id_pub: int, column: str, value: Any) -> int:
        """A DBA's plain UPDATE of one column of one order: the number of rows."""
        order = self.orders.get(id_pub)
        if order is None:
            return 0
        before = getattr(order, column)
        free = column in ("conferma", "dati", "autore_cod") or (column.startswith("ack") and value)
        if before != value and not free:
            raise Refused({"OR004"})
        setattr(order, column, value)
        self.bumped = []
        if before != value and column in ("conferma", "dati", "ack_gest"):
            self._bump(order)
        return 1

    # The rules behind them

    def settle(self, numbers: dict[int, int]) -> None:
        """Adopt the numbers that a set-based call gave its changes: which of them comes first is the hub's choice."""
        drawn = sorted(order.id_sincro for order in self.bumped)
        given = sorted(numbers[order.id_pub] for order in self.bumped)
        assert given == drawn, f"ID-SINCRO {given} given out, expected {drawn}"
        for order in self.bumped:
            order.id_sincro = numbers[order.id_pub]

    def _export_errors(self, e: Export) -> set[str]:
        holder = next((o for o in self.orders.values() if o.tor_chia == e.tor_chia), None)
        wrong = set()
        if e.id_pub is None:
            if e.if_sincro is not None:
                wrong.add("OR007")
            if holder and holder.prov_tipo != "G":
                wrong.add("OR005")
            elif holder and holder.first != (e.dati, e.conferma):
                wrong.add("OR006")
            return wrong
        order = self.orders.get(e.id_pub)
        if order is None:
            return {"OR002"}
        if holder and holder is not order:
            wrong.add("OR005")
        if order.tor_chia != e.tor_chia:
            wrong.add("OR004")
        moves = self._moves(order, e) or e.autore_cod not in (None, order.autore_cod)
        if e.if_sincro not in (None, order.id_sincro) and moves:
            wrong.add("OR009")
        return wrong

    @staticmethod
    def _moves(order: Order, e: Export) -> bool:
        return e.conferma not in (None, order.conferma) or e.dati not in (None, order.dati)

    def _next(self, counter: str) -> int:
        self.counters[counter] += 1
        return self.counters[counter]

    def _insert(
        self,
        prov_tipo: str,
        prov_id: int | None,
        id_int: int | None,
        autore_tipo: str,
        autore_cod: int | None,
        dati: Json,
        conferma: str | None = None,
    ) -> Order:
        order = Order(self._next("ID-PUB"), prov_tipo, prov_id, id_int, autore_tipo, autore_cod or 0, dati)
        order.conferma, order.first = conferma, (dati, conferma)
        order.ack_store, order.ack_app, order.ack_gest = prov_tipo == "S", prov_tipo == "A", prov_tipo == "G"
        self.orders[order.id_pub] = order
        return order

    def _bump(self, order: Order) -> None:
        order.id_sincro = self._next("ID-SINCRO")
        self.bumped.append(order)


def arguments_ok(*ok: bool) -> None:
    """Refuse the call unless each of its arguments is as expected."""
    if not all(ok):
        raise Refused({"OR007"})


def atleast(least: int, value: int | None) -> bool:
    return value is not None and value >= least


def key_ok(text: str | None) -> bool:
    return text is not None and 1 <= len(text) <= 200


def reader_ok(reader: tuple[str, int | None]) -> bool:
    return atleast(1, reader[1]) or reader == ("S", None)
