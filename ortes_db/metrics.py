"""A hub's metrics as Prometheus collects them: looked at when they are asked for, never kept."""

import threading
import time
from collections.abc import Callable, Iterable

import psycopg
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ortes_db import __version__
from ortes_db.watch import Company, Look, Watch

# Two Prometheus servers that ask at the same time, or somebody who asks all the time, cost the hub one look.
FRESH_SECONDS = 1.0


class Hub(Collector):
    """Looks at the hub at every scrape. `changed` is told why it cannot be looked at, and None when it can again."""

    def __init__(self, watch: Watch, changed: Callable[[psycopg.Error | None], None]) -> None:
        self._watch, self._changed = watch, changed
        self._turn = threading.Lock()
        self._last: Look | None = None
        self._until = 0.0
        self._failed = False

    @property
    def failed(self) -> bool:
        """Whether the last look was in vain."""
        return self._failed

    def registry(self) -> CollectorRegistry:
        """A registry with these metrics and no others; says nothing of the Python process."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return registry

    def describe(self) -> Iterable[Metric]:
        # Asked at the registration, before anybody waits for an answer: no look for that.
        return [_gauge("ortes_up", _UP)]

    def collect(self) -> Iterable[Metric]:
        look = self._look()
        yield _gauge("ortes_up", _UP, [((), 0 if look is None else 1)])
        yield _gauge("ortes_exporter_info", "The release of ortes-db that looks.", [((__version__,), 1)], ["version"])
        if look is not None:
            yield from families(look)

    def _look(self) -> Look | None:
        with self._turn:
            if time.monotonic() < self._until:
                return self._last
            try:
                self._last, error = self._watch.look(), None
            except psycopg.Error as caught:
                self._last, error = None, caught
            self._until = time.monotonic() + FRESH_SECONDS
            if (error is not None) != self._failed:
                self._failed = error is not None
                self._changed(error)
            return self._last


_UP = "Whether the hub could be looked at: 1 it could, 0 it could not, and nothing else is told."

Value = tuple[tuple[str, ...], float]


def families(look: Look) -> Iterable[Metric]:
    """What is told of one look."""
    hub = (look.release, look.postgresql, look.database, "standby" if look.standby else "primary")
    yield _gauge(
        "ortes_hub_info",
        "The hub's release, its server's version, its database, and whether that is the primary or a standby.",
        [(hub, 1)],
        ["version", "postgresql", "database", "role"],
    )
    yield _gauge("ortes_look_duration_seconds", "How long this look at the hub took.", [((), look.seconds)])
    yield _gauge("ortes_companies", "The companies there are, of those asked for.", [((), look.companies_in_all)])
    yield _gauge(
        "ortes_left_out",
        "The companies and readers that are not told of, because there are more than the exporter's limit.",
        [(("companies",), look.companies_left_out), (("readers",), look.readers_left_out)],
        ["what"],
    )
    yield from _of_companies(look.companies)
    yield from _of_readers(look.companies)


def _of_companies(companies: list[Company]) -> Iterable[Metric]:
    def each(name: str, text: str, value: Callable[[Company], float | None]) -> Metric:
        told = [((company.azi,), value(company)) for company in companies]
        return _gauge(name, text, [(labels, number) for labels, number in told if number is not None], ["azi"])

    yield each("ortes_orders_pending", "Orders that the ERP does not have yet.", lambda c: c.pending)
    yield each(
        "ortes_oldest_pending_seconds",
        "Age of the order with the lowest ID-PUB that the ERP does not have yet; 0 if it has all.",
        lambda c: c.oldest_pending_seconds,
    )
    counters = CounterMetricFamily(
        "ortes_numbers",
        "The last number given out: ID-PUB counts orders, ID-SINCRO changes by the ERP.",
        labels=["azi", "contatore"],
    )
    for company in companies:
        counters.add_metric([company.azi, "ID-PUB"], company.id_pub)
        counters.add_metric([company.azi, "ID-SINCRO"], company.id_sincro)
    yield counters
    yield each(
        "ortes_company_held",
        "Whether a session holds the company, so that no other can write for it, at this moment.",
        lambda c: 0 if c.holder is None else 1,
    )
    yield each(
        "ortes_company_held_seconds",
        "How long the transaction that holds the company has been open; told to members of pg_monitor only.",
        lambda c: None if c.holder is None else c.holder.seconds,
    )
    yield each("ortes_sessions_waiting", "Sessions that wait for the company.", lambda c: len(c.waiting))
    yield each(
        "ortes_longest_wait_seconds",
        "How long the session that waits longest has waited for the company; 0 if none waits.",
        lambda c: c.longest_wait,
    )


def _of_readers(companies: list[Company]) -> Iterable[Metric]:
    labels = ["azi", "prov_tipo", "prov_id"]
    readers = [
        ((reader.azi, reader.prov_tipo, "" if reader.prov_id is None else str(reader.prov_id)), reader)
        for company in companies
        for reader in company.readers
    ]
    yield _gauge(
        "ortes_reader_position",
        "The last ID-SINCRO that the reader has confirmed.",
        [(of, reader.position) for of, reader in readers],
        labels,
    )
    yield _gauge(
        "ortes_reader_confirmed_timestamp_seconds",
        "When the reader confirmed last, in seconds since 1970.",
        [(of, reader.confirmed_at.timestamp()) for of, reader in readers],
        labels,
    )
    yield _gauge(
        "ortes_reader_lag_rows",
        "Orders changed by the ERP beyond the reader's position.",
        [(of, reader.lag_rows) for of, reader in readers],
        labels,
    )
    yield _gauge(
        "ortes_reader_lag_seconds",
        "How long ago the oldest of the orders beyond the reader's position was written; 0 if there is none.",
        [(of, reader.lag_seconds) for of, reader in readers],
        labels,
    )


def _gauge(name: str, text: str, told: Iterable[Value] = (), labels: list[str] | None = None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels or [])
    for values, number in told:
        family.add_metric(values, number)
    return family
