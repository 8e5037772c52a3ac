"""docs/scaling.md: its simulation moves no order out of the sum, its arithmetic is right, and the page is what it writes."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytestmark = pytest.mark.once
SCRIPT = Path(__file__).parents[2] / ".ci" / "scaling.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("scaling", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


scaling = load()


def few(seed: int, companies: int = 500) -> list[tuple[float, int]]:
    rates = scaling.zipf(companies, 1.0)
    Random(seed).shuffle(rates)
    return [(rate, number) for number, rate in enumerate(rates)]


def test_zipf() -> None:
    shares = scaling.zipf(100, 1.0)
    assert sum(shares) == pytest.approx(1)
    assert [shares[0] / shares[rank] for rank in (1, 9, 99)] == pytest.approx([2, 10, 100])
    assert scaling.zipf(4, 0.0) == [0.25] * 4


@pytest.mark.parametrize("place", [scaling.by_count, scaling.by_rate])
def test_one_shard_has_everything(place: Any) -> None:
    placed = place(few(1), 1)
    assert placed == [few(1)]
    assert scaling.skew(placed) == scaling.best(placed) == 1
    assert scaling.evened(placed) == (placed, [])


@pytest.mark.parametrize("place", [scaling.by_count, scaling.by_rate])
@pytest.mark.parametrize("shards", [2, 7, 32])
def test_each_company_is_on_one_shard_before_and_after_moves(place: Any, shards: int) -> None:
    placed = place(few(2), shards)
    after, _ = scaling.evened(placed)
    for one in (placed, after):
        assert len(one) == shards
        assert sorted(company for shard in one for company in shard) == sorted(few(2))


def test_by_count_none_has_two_more_than_another() -> None:
    sizes = [len(shard) for shard in scaling.by_count(few(3), 7)]
    assert max(sizes) - min(sizes) <= 1


def test_by_rate_each_comes_to_the_least_loaded() -> None:
    companies = few(4, 60)
    placed = scaling.by_rate(companies, 4)
    loads = [0.0] * 4
    for company in companies:
        shard = next(number for number, one in enumerate(placed) if company in one)
        assert loads[shard] == min(loads)
        loads[shard] += company[0]


@pytest.mark.parametrize("seed", range(20))
def test_moves_lower_the_fullest_shard_to_what_was_wanted(seed: int) -> None:
    placed = scaling.by_count(few(seed), 8)
    after, moved = scaling.evened(placed)
    assert scaling.skew(after) <= scaling.TOLERANCE * scaling.best(placed) + 1e-9
    assert bool(moved) == (scaling.skew(placed) > scaling.TOLERANCE * scaling.best(placed))
    if moved:
        assert scaling.skew(after) < scaling.skew(placed)


def test_a_move_takes_the_company_that_helps_most() -> None:
    placed = [[(6.0, 1), (3.0, 2), (1.0, 3)], [(2.0, 4)]]
    # Half the difference is 4: the one of 6 would turn the two around, that of 3 is the largest below.
    # 7 is more than a tenth above 6, so the one of 1 follows.
    assert scaling.evened(placed) == ([[(6.0, 1)], [(1.0, 3), (2.0, 4), (3.0, 2)]], [3.0, 1.0])
    # The largest alone is more than the mean: nothing gets below it, and nothing is moved in vain.
    alone = [[(9.0, 1)], [(1.0, 2)], [(1.0, 3)]]
    assert scaling.evened(alone) == (alone, [])
    assert scaling.best(alone) == scaling.skew(alone) == pytest.approx(27 / 11)


def test_a_company_that_commits_all_the_time() -> None:
    given = {"peak": 4.0, "saves_one": 50.0}
    # 4 orders a second at the busiest hour, 5 commits each, 50 ms a commit: just all of it. Without a figure, the measured one.
    assert scaling.own_share(scaling.DAY, given, commit_ms=50) == pytest.approx(1)
    assert scaling.own_share(scaling.DAY, given) == pytest.approx(0.4)


def test_a_figure_of_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "benchmark.md"
    page.write_text(
        "| ok | save_order, 1 client | 0.53 × (0.3 to 1.8) | ≥ 0.9 | 1,453 | 2,766 plain | a second |\n"
        "| ok | arportes, table, after the life of 50,000 orders | 3.09 × | ≤ 1.5 | 63.2 | 20.5 fresh | MB |\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(scaling, "BENCHMARK", page)
    assert scaling.benchmarked("save_order, 1 client") == 1453
    assert scaling.benchmarked("arportes, table, after the life of") == pytest.approx(1264)
    with pytest.raises(SystemExit, match="no row 'confirm'"):
        scaling.benchmarked("confirm")


def test_a_marker_that_is_missing_is_said() -> None:
    with pytest.raises(SystemExit, match="'skew' 0 times"):
        scaling.filled("<!-- scaling: year -->\nold\n<!-- end -->\n", {"year": "new", "skew": "new"})


@pytest.mark.long
def test_the_page_and_its_chart_are_not_stale() -> None:
    told = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True)
    assert told.returncode == 0, told.stdout + told.stderr
