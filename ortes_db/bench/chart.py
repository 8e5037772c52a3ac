"""The result as a picture: the ratios beside their targets, and what a call costs in small and large hubs."""

from pathlib import Path

from ortes_db.bench.figures import Figure
from ortes_db.bench.pgbench import BenchError
from ortes_db.bench.run import Result

SHOWN = (
    "save_order",
    "acquire_order",
    "export_order, again",
    "import_order",
    "changes, one order",
    "changes, nothing new",
)


def draw(result: Result, path: Path) -> None:
    """Write the chart as SVG or PNG, by the file's ending."""
    try:
        import matplotlib

        matplotlib.use("svg")
        # The same result gives the same file.
        matplotlib.rcParams.update({"svg.hashsalt": "ortes", "svg.fonttype": "none", "font.size": 9})
        from matplotlib import pyplot
    except ImportError:
        raise BenchError("a chart needs matplotlib: pip install 'ortes-db[bench]'") from None

    # What has no target is in the table; here it would hide what has.
    times = [figure for figure in result.figures if figure.kind == "time" and figure.target is not None]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 0.32 * len(times) + 1.8), width_ratios=(3, 2))
    positions = list(range(len(times), 0, -1))
    left.barh(positions, [one.value for one in times], color=["#2a7" if one.good else "#c63" for one in times])
    low_high = [one.spread for one in times]
    values = [one.value for one in times]
    below = [max(0.0, value - low) for value, (low, _) in zip(values, low_high, strict=True)]
    above = [max(0.0, high - value) for value, (_, high) in zip(values, low_high, strict=True)]
    left.errorbar(values, positions, xerr=[below, above], fmt="none", ecolor="#333", elinewidth=1, capsize=2)
    left.scatter(
        [one.target or 0 for one in times], positions, marker="|", s=160, color="black", zorder=3, label="target"
    )
    least = {one.name.removeprefix("least_"): one.value for one in result.figures if one.name.startswith("least_")}
    if bounded := [(least[one.name], at) for one, at in zip(times, positions, strict=True) if one.name in least]:
        left.scatter(
            *zip(*bounded, strict=True), marker="D", s=18, color="#36c", zorder=3, label="the least that it takes"
        )
    left.set_yticks(positions, [_label(one) for one in times])
    left.set_xlabel("ratio of medians; whiskers: lowest and highest round")
    left.legend(loc="upper right", fontsize=7)
    for name in SHOWN:
        sizes = [size for size, calls in result.by_size.items() if name in calls]
        right.plot(sizes, [result.by_size[size][name].buffers for size in sizes], marker="o", label=name)
    right.set_xscale("log")
    # Room for the legend.
    right.set_ylim(0, right.get_ylim()[1] * 1.35)
    right.set_xlabel("orders in the hub")
    right.set_ylabel("buffers touched by a call")
    if result.by_size:
        right.legend(fontsize=7, loc="upper left", ncols=2, columnspacing=1, handlelength=1.2)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)


def _label(figure: Figure) -> str:
    return f"{figure.work} ÷ {figure.beside} {figure.bound[:1]}"
