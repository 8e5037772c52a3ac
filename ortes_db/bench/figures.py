"""A figure: what was measured, beside what, and whether it is within its target."""

from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

# A count is the same whenever it is made; times are not, nor what autovacuum has come to (size).
Kind = Literal["time", "count", "size"]
Measure = Literal["ratio", "difference", "value"]


@dataclass
class Figure:
    """One row of the result. `hub` and `base` hold one number a round; a count needs only one."""

    name: str
    work: str
    kind: Kind
    unit: str
    measure: Measure
    at_least: bool
    # None: no target, it shows what bounds the others.
    target: float | None
    hub: list[float] = field(default_factory=list)
    base: list[float] = field(default_factory=list)
    beside: str = "plain"

    @property
    def value(self) -> float:
        """What is held against the target, out of the medians."""
        return self._of(median(self.hub), median(self.base) if self.base else 0)

    @property
    def spread(self) -> tuple[float, float]:
        """The lowest and the highest of the rounds, each with its own baseline."""
        rounds = [self._of(a, b) for a, b in zip(self.hub, self.base or [0.0] * len(self.hub), strict=False)]
        return min(rounds), max(rounds)

    @property
    def good(self) -> bool:
        """Whether the target is met, if there is one."""
        return self.within(self.value)

    def within(self, value: float) -> bool:
        """Whether this value would meet the target."""
        if self.target is None:
            return True
        return value >= self.target if self.at_least else value <= self.target

    @property
    def bound(self) -> str:
        """The target in words; empty where there is none."""
        return "" if self.target is None else f"{'≥' if self.at_least else '≤'} {self.target:g}"

    def _of(self, hub: float, base: float) -> float:
        match self.measure:
            case "ratio":
                return hub / base if base else float(hub > 0)
            case "difference":
                return hub - base
            case _:
                return hub

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        low, high = self.spread
        return {
            "name": self.name,
            "work": self.work,
            "kind": self.kind,
            "unit": self.unit,
            "beside": self.beside,
            "measure": self.measure,
            "target": self.bound or None,
            "hub": self.hub,
            "base": self.base,
            "value": self.value,
            "low": low,
            "high": high,
            "good": self.good,
        }
