"""Whether a history can be true: the two promises, checked against all that the clients were told."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ortes_db.soak.record import Company, History, Reading, Told

# What can be found, and what it would mean.
KINDS = {
    "missed": "a reader never saw the last change of an order",
    "out of order": "a number became visible after a greater one had been read",
    "public ids": "ID-PUB is not exactly 1..n",
    "numbers": "the ID-SINCRO given out are not exactly 1..m",
    "made twice": "an order of a store or device is there twice, or not at all",
    "answer": "a call was told what is not so",
    "repeat": "a repeated call was told otherwise than the first",
    "deadlock": "callers blocked each other",
    "error": "a call failed",
    "slow": "a call took longer than the bounded wait",
}
DEADLOCK = "40P01"


class Finding(NamedTuple):
    """Something that must not be."""

    kind: str
    text: str


def check(history: History, bound: float = 5.5) -> list[Finding]:
    """All findings, at most a few of a kind for each company. `bound`: seconds that no call may exceed."""
    found = [*_few(_failures(history)), *_few(_slow(history, bound))]
    for company in history.companies:
        told = [one for one in history.told if one.azi == company.azi and one.kept and not one.error]
        readings = [reading for reading in history.readings if reading.azi == company.azi]
        for part in (
            _public_ids(company),
            _numbers(company, told, readings),
            _made_once(company, told),
            _repeats(company, told),
            *(_read(company, reading) for reading in readings),
        ):
            found += _few(part)
    return found


def _few(findings: Iterable[Finding]) -> Iterator[Finding]:
    """A few of each kind: the first ones tell the most."""
    counted: Counter[str] = Counter()
    for finding in findings:
        counted[finding.kind] += 1
        if counted[finding.kind] <= 3:
            yield finding


def _failures(history: History) -> Iterator[Finding]:
    if history.deadlocks:
        yield Finding("deadlock", f"the server counted {history.deadlocks} deadlocks")
    for one in history.told:
        if one.error:
            kind = "deadlock" if one.error == DEADLOCK else "error"
            yield Finding(kind, f"{one.azi}: {one.who}, {one.door}: {one.error} {one.text}")


def _slow(history: History, bound: float) -> Iterator[Finding]:
    for one in history.told:
        if one.seconds > bound:
            yield Finding("slow", f"{one.azi}: {one.who}, {one.door}: {one.seconds:.1f} s, the bound is {bound:g}")


def _public_ids(company: Company) -> Iterator[Finding]:
    ids = sorted(order.id_pub for order in company.orders)
    if ids != list(range(1, len(ids) + 1)):
        bad = next((n for n, there in enumerate(ids, 1) if n != there), len(ids))
        yield Finding(
            "public ids", f"{company.azi}: {len(ids)} orders, and ID-PUB {bad} is not one of theirs, or twice"
        )
    if company.id_pub != len(ids):
        yield Finding("public ids", f"{company.azi}: {len(ids)} orders, and the counter says {company.id_pub}")


def _numbers(company: Company, told: list[Told], readings: list[Reading]) -> Iterator[Finding]:
    """Each number is some order's. A number that a later change superseded is in the answers only."""
    owners: defaultdict[int, set[int]] = defaultdict(set)
    for order in company.orders:
        if order.id_sincro:
            owners[order.id_sincro].add(order.id_pub)
    last = {order.id_pub: order.id_sincro for order in company.orders}
    for one in told:
        for id_pub, id_sincro in one.pairs if one.changes else ():
            owners[id_sincro].add(id_pub)
            if last.get(id_pub, -1) < id_sincro:
                yield Finding(
                    "answer", f"{company.azi}: {one.who} was told {id_sincro} of {id_pub}, which is not there"
                )
    given = sorted(owners)
    for reading in readings:
        for seen in reading.seen:
            owners[seen.id_sincro].add(seen.id_pub)
    twice = sorted(number for number, orders in owners.items() if len(orders) > 1)
    if twice:
        yield Finding("numbers", f"{company.azi}: {twice[0]} was given to the orders {sorted(owners[twice[0]])}")
    if given != list(range(1, len(given) + 1)):
        bad = next(n for n, there in enumerate(given, 1) if n != there)
        yield Finding("numbers", f"{company.azi}: {len(given)} numbers were given, and {bad} is not one of them")
    if company.id_sincro != len(given):
        yield Finding(
            "numbers", f"{company.azi}: {len(given)} numbers were given, the counter says {company.id_sincro}"
        )


def _made_once(company: Company, told: list[Told]) -> Iterator[Finding]:
    there: defaultdict[tuple[str, int | None, int], list[int]] = defaultdict(list)
    for order in company.orders:
        if order.id_int is not None:
            there[order.prov_tipo, order.prov_id, order.id_int].append(order.id_pub)
    for key, ids in there.items():
        if len(ids) > 1:
            yield Finding("made twice", f"{company.azi}: order {key} is there as ID-PUB {ids}")
    acknowledged = set()
    for one in told:
        if one.origin is None:
            continue
        for id_int, id_pub in one.pairs:
            key = (*one.origin, id_int)
            acknowledged.add(key)
            if key not in there:
                yield Finding("made twice", f"{company.azi}: order {key}, saved as {id_pub}, is not there")
            elif id_pub not in there[key]:
                yield Finding(
                    "answer", f"{company.azi}: {one.who} was told {id_pub} of order {key}, it is {there[key]}"
                )
    for key in there.keys() - acknowledged:
        yield Finding("made twice", f"{company.azi}: order {key} is there, and nobody was told that it was saved")


def _repeats(company: Company, told: list[Told]) -> Iterator[Finding]:
    answers: dict[tuple[str, int | None, int], int] = {}
    for one in told:
        if one.expected is not None and one.expected != one.pairs:
            yield Finding("repeat", f"{company.azi}: {one.who}, {one.door}: first {one.expected}, repeated {one.pairs}")
        for id_int, id_pub in one.pairs if one.origin else ():
            assert one.origin
            first = answers.setdefault((*one.origin, id_int), id_pub)
            if first != id_pub:
                yield Finding("repeat", f"{company.azi}: {one.who}, order {id_int}: first {first}, repeated {id_pub}")


def _read(company: Company, reading: Reading) -> Iterator[Finding]:
    position = 0
    last: dict[int, tuple[int, str | None]] = {}
    for id_sincro, id_pub, conferma in reading.seen:
        if id_sincro <= position:
            yield Finding("out of order", f"{company.azi}: {reading.who} saw {id_sincro} after it had seen {position}")
        position = max(position, id_sincro)
        last[id_pub] = (id_sincro, conferma)
    for order in company.orders:
        if order.id_sincro and last.get(order.id_pub) != (order.id_sincro, order.conferma):
            yield Finding(
                "missed",
                f"{company.azi}: {reading.who} saw {last.get(order.id_pub)} last of ID-PUB {order.id_pub}, which is at "
                f"{order.id_sincro}, {order.conferma}",
            )
