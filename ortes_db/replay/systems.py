"""The simulated systems. Each has its own connection, its own login and its own orders, and calls its doors only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

Row = dict[str, Any]


class Failed(Exception):
    """A system could not carry out its operation."""


@dataclass(frozen=True)
class Call:
    """What passed between a system and the hub: the door, what it was told, and what came back: rows or an error."""

    schema: str
    who: Mapping[str, Any]  # p_azi, and p_store or p_device where the system has a number
    door: str
    arguments: Mapping[str, Any]
    rows: Sequence[Row] = ()
    error: str = ""


def answer(rows: list[Row], column: str) -> int:
    """The number that a door answered."""
    value = rows[0].get(column) if rows else None
    if not isinstance(value, int):
        raise Failed(f"expected a number {column} from the hub; the answer was {value!r}")
    return value


@dataclass
class Order:
    """An order as a store or a device keeps it."""

    id: int
    id_pub: int | None = None


@dataclass
class System:
    """What all systems have: a connection, the schema of their doors, who they are, and a record of their calls."""

    connection: psycopg.Connection[Any]
    schema: LiteralString
    who: Mapping[str, Any]  # as in Call
    calls: list[Call]

    def call(self, door: LiteralString, **arguments: Any) -> list[Row]:
        """Call one door, by the names of its parameters."""
        names = [sql.SQL("{} => {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in arguments]
        query = sql.SQL("SELECT * FROM {}({})").format(sql.Identifier(self.schema, door), sql.SQL(", ").join(names))
        try:
            with self.connection.cursor(row_factory=dict_row) as cursor:
                rows = cursor.execute(query, arguments).fetchall()
        except psycopg.Error as error:
            if error.sqlstate is None:  # no answer of the hub: the connection is lost
                raise
            diagnosis = " ".join(filter(None, (error.sqlstate, error.diag.message_primary, error.diag.message_detail)))
            self.calls.append(Call(self.schema, self.who, door, arguments, error=diagnosis))
            raise Failed(f"{self.schema}.{door}: {diagnosis}") from None
        self.calls.append(Call(self.schema, self.who, door, arguments, rows))
        return rows


@dataclass
class Outlet(System):
    """A store or a device of the app: the same life behind different doors. Its orders are kept by section."""

    orders: dict[str, Order] = field(default_factory=dict)
    inbox: dict[int, Row] = field(default_factory=dict)  # what the hub reported as changed, by public id

    def create(self, section: str, own_id: int) -> None:
        """An order is placed. The hub does not know of it yet."""
        self.orders[section] = Order(own_id)

    def save(self, section: str, autore_cod: int) -> int:
        """Save the order on the hub, keep the public id that it answers."""
        if section not in self.orders:
            raise Failed("there is no order to save: it was not created before")
        order = self.orders[section]
        rows = self.call(
            "save_order",
            **self.who,
            p_id_int=order.id,
            p_autore_cod=autore_cod,
            p_dati=Jsonb({"revision": 0}),
        )
        order.id_pub = answer(rows, "save_order")
        return order.id_pub

    def import_order(self, section: str, own_id: int, id_pub: int) -> None:
        """Find a changed order on the hub, take it over under an id of one's own, then confirm what was read."""
        last = self._read_changes()
        if id_pub not in self.inbox:
            raise Failed(f"{self.schema}.changes has not shown order {id_pub}")
        self.call("import_order", **self._azi(), p_id_pub=id_pub)
        # An order that one made oneself, or has imported before, keeps its id.
        known = next((order for order in self.orders.values() if order.id_pub == id_pub), None)
        self.orders[section] = known or Order(own_id, id_pub)
        if last is not None:
            self.call("confirm", **self.who, p_id_sincro=last)

    def _read_changes(self) -> int | None:
        last: int | None = None
        while page := self.call("changes", **self.who, p_since=last):
            for row in page:
                if last is not None and row["id_sincro"] <= last:
                    raise Failed(f"{self.schema}.changes went back from {last} to {row['id_sincro']}")
                last = row["id_sincro"]
                self.inbox[row["id_pub"]] = row
        return last

    def _azi(self) -> Mapping[str, Any]:
        # To have an order concerns all stores of a company together: that door takes no store.
        return {name: value for name, value in self.who.items() if name != "p_store"}


@dataclass
class AreaOrder:
    """An order as AREA, the ERP's archive, keeps it."""

    tor_chia: str
    tor_cnf_num: str | None = None
    tor_id_web: int | None = None
    revision: int = 0


@dataclass
class Erp(System):
    """The ERP with its AREA, for one company. Its orders are kept by section."""

    orders: dict[str, AreaOrder] = field(default_factory=dict)

    def create_order(self, section: str, tor_chia: str, id_pub: int, autore_cod: int) -> None:
        """Take a pending order of store or app into AREA."""
        pending = self.call("pending", **self.who)
        if not any(row["id_pub"] == id_pub for row in pending):
            raise Failed(f"ortes_erp.pending does not show order {id_pub}")
        self.call("create_order", **self.who, p_id_pub=id_pub, p_autore_cod=autore_cod)
        self.orders[section] = AreaOrder(tor_chia, tor_id_web=id_pub)

    def acquire(self, section: str) -> None:
        """Tell the hub that AREA has the order."""
        order = self._order(section)
        self.call(
            "acquire_order",
            **self.who,
            p_id_pub=order.tor_id_web,
            p_tor_chia=order.tor_chia,
        )

    def confirm(self, section: str, tor_cnf_num: str) -> None:
        """An operator enters the confirmation in AREA."""
        self._order(section).tor_cnf_num = tor_cnf_num

    def modify(self, section: str) -> None:
        """An operator changes the order's content in AREA."""
        self._order(section).revision += 1

    def insert(self, section: str, tor_chia: str, tor_cnf_num: str | None) -> None:
        """An operator enters an order in AREA."""
        self.orders[section] = AreaOrder(tor_chia, tor_cnf_num)

    def re_export(self, section: str) -> None:
        """Export an order that the hub has, as AREA holds it now."""
        order = self._order(section)
        if order.tor_id_web is None:
            raise Failed("the order has no public id to export it again under: it was not exported before")
        self.call(
            "export_order",
            **self.who,
            p_tor_chia=order.tor_chia,
            p_conferma=order.tor_cnf_num,
            p_dati=Jsonb({"revision": order.revision}),
            p_id_pub=order.tor_id_web,
        )

    def export(self, section: str, autore_cod: int) -> int:
        """Export an order of AREA's own, keep the public id that the hub answers."""
        order = self._order(section)
        rows = self.call(
            "export_order",
            **self.who,
            p_tor_chia=order.tor_chia,
            p_conferma=order.tor_cnf_num,
            p_autore_cod=autore_cod,
            p_dati=Jsonb({"revision": order.revision}),
        )
        order.tor_id_web = answer(rows, "id_pub")
        return order.tor_id_web

    def _order(self, section: str) -> AreaOrder:
        if section not in self.orders:
            raise Failed("AREA has no such order: it was neither created there nor entered before")
        return self.orders[section]
