"""What the clients of a run were told, and what the hub holds at the end."""

from dataclasses import dataclass, field
from typing import NamedTuple

Pairs = tuple[tuple[int, int], ...]


class Told(NamedTuple):
    """One call and what it returned. `pairs`: (id_int, id_pub) of a save, (id_pub, id_sincro) of a change."""

    who: str
    azi: str
    door: str
    started: float
    seconds: float
    pairs: Pairs = ()
    # Committed: what it says holds. What was rolled back holds nothing.
    kept: bool = True
    # The SQLSTATE of a failure.
    error: str = ""
    text: str = ""
    # What an earlier answer to the same call said.
    expected: Pairs | None = None
    # Who made the order, of a save: (prov_tipo, prov_id).
    origin: tuple[str, int | None] | None = None
    changes: bool = False


class Seen(NamedTuple):
    """One order, new to its reader, as an answer showed it."""

    id_sincro: int
    id_pub: int
    conferma: str | None


@dataclass
class Reading:
    """All that one reader saw, in the order in which it saw it."""

    who: str
    azi: str
    seen: list[Seen] = field(default_factory=list)


class Order(NamedTuple):
    """An order as it is in the end."""

    id_pub: int
    prov_tipo: str
    prov_id: int | None
    id_int: int | None
    id_sincro: int
    conferma: str | None


@dataclass
class Company:
    """What the hub holds of a company in the end."""

    azi: str
    orders: list[Order]
    id_pub: int
    id_sincro: int


@dataclass
class History:
    """A whole run."""

    told: list[Told] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    companies: list[Company] = field(default_factory=list)
    deadlocks: int = 0
    seconds: float = 0.0
    # Calls whose answer nobody heard, and which were then repeated.
    unheard: int = 0
    transactions: int = 0
    # Calls that a shard's outage ended, and which were then repeated.
    repeated: int = 0
