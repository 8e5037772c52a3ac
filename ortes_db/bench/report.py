"""The result as text."""

from ortes_db.bench.figures import Figure
from ortes_db.bench.run import Result


def line(figure: Figure) -> str:
    """One figure: what, both medians, what is compared, target and verdict."""
    low, high = figure.spread
    value = {"ratio": f"{figure.value:.2f} ×", "difference": f"{figure.value:+.1f}", "value": ""}[figure.measure]
    sides = _number(_median(figure.hub))
    if figure.base:
        sides += f" / {_number(_median(figure.base))} {figure.beside}"
    spread = f" ({low:.2f} to {high:.2f})" if len(figure.hub) > 1 else ""
    target = f"{'≥' if figure.at_least else '≤'} {figure.target:g}"
    verdict = "ok" if figure.good else "MISSED"
    return f"{verdict:6} {figure.work}: {value}{spread} [{target}]  {sides}, {figure.unit}"


def summary(result: Result) -> str:
    """How many figures are within their targets."""
    missed = [figure.name for figure in result.figures if not figure.good]
    text = f"{len(result.figures) - len(missed)} of {len(result.figures)} figures within their targets"
    return text + (f"; missed: {', '.join(missed)}" if missed else "")


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
