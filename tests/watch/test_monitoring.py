"""docs/monitoring: alerts that fire when they should and only then, a dashboard of metrics that there are."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.backup.places import statements
from tests.command import Told, ortes
from tests.hub import Hub
from tests.watch.test_metrics import traffic

pytestmark = pytest.mark.once
DOCS = Path(__file__).parents[2] / "docs"
HERE = DOCS / "monitoring"
ALERTS = (HERE / "alerts.yml").read_text(encoding="utf-8")
NAMES = re.findall(r"^ +- alert: (\w+)$", ALERTS, re.MULTILINE)


@pytest.fixture(scope="session")
def promtool() -> Callable[..., Told]:
    """Prometheus' own tool; CI has it."""
    program = shutil.which("promtool")
    if program is None:
        reason = "there is no promtool: install it (Debian, Ubuntu: apt install prometheus)"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    def run(*arguments: str | Path, stdin: str = "") -> Told:
        return subprocess.run([str(program), *map(str, arguments)], input=stdin, capture_output=True, text=True)

    return run


def metrics(text: str) -> set[str]:
    """Names of metrics in an exposition, as queries name them."""
    return {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in text_string_to_metric_families(text)
    }


@pytest.fixture
def exposition(hub: Hub) -> str:
    traffic(hub)
    return ortes("metrics", "--once", "--dsn", hub.db.dsn()).stdout


def test_the_exposition_is_as_prometheus_wants_it(exposition: str, promtool: Callable[..., Told]) -> None:
    told = promtool("check", "metrics", stdin=exposition)
    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
    # It sees what it is there to see: this name says its type, and there is no text.
    told = promtool("check", "metrics", stdin="# TYPE ortes_counter_value_total counter\nortes_counter_value_total 1\n")
    assert told.returncode != 0


def test_the_alerts_are_sound_and_fire_when_they_should(promtool: Callable[..., Told]) -> None:
    told = promtool("check", "rules", HERE / "alerts.yml")
    assert told.returncode == 0, told.stdout + told.stderr
    told = promtool("test", "rules", *HERE.glob("*.test.yml"))
    assert told.returncode == 0, told.stdout + told.stderr


# An expression in a rule, what stands there instead, and so what the rule gets wrong.
WRONG = {
    "a queue that moves is a lock": ("OrtesCompanyLocked", r"\n +and sum without[^\n]+", ""),
    "a transaction in nobody's way is a lock": ("OrtesCompanyLocked", r"\n +and max_over_time[^\n]+", ""),
    "who waits shows at every look": ("OrtesCompanyLocked", "max_over_time", "min_over_time"),
    "any order pending means that the ERP stopped": ("OrtesErpStopped", r"\n +and on[^\n]+", ""),
    "a company at rest has a stopped ERP": ("OrtesErpStopped", r"pending\[30m\]\) > 0", "pending[30m]) >= 0"),
    "who has nothing to read is stalled": ("OrtesReaderStalled", r"> 0\s+and [^\n]+> 900", ">= 0"),
    "who is stalled lags too": ("OrtesReaderLagging", r"\n +and changes[^\n]+", ""),
    "no order is news everywhere": ("OrtesNoNewOrders", r"\n +and increase[^\n]+", ""),
    "half a minute is down": ("OrtesHubDown", "for: 1m", "for: 0m"),
    "one slow look is enough": ("OrtesSlowLook", "min_over_time", "max_over_time"),
    "any order is late": ("OrtesOrdersPending", "> 900", "> 800"),
}
NEVER = (r"expr: (\||[^\n]+)\n( {10}[^\n]+\n)*", "expr: vector(0) > 1\n")


def rounds() -> list[dict[str, tuple[str, str]]]:
    """First each rule that never fires; then the other mistakes, as many at once as concern different rules."""
    found = [dict.fromkeys(NAMES, NEVER)]
    for name, *wrong in WRONG.values():
        others = next((others for others in found[1:] if name not in others), None)
        if others is None:
            found.append(others := {})
        others[name] = (wrong[0], wrong[1])
    return found


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=pytest.mark.long if number else ()) for number in range(len(rounds()))]
)
def test_the_rules_tests_see_a_rule_that_is_wrong(tmp_path: Path, promtool: Callable[..., Told], number: int) -> None:
    for file in HERE.glob("*.test.yml"):
        shutil.copy(file, tmp_path)
    wrongs, text = rounds()[number], ALERTS
    for name, (pattern, instead) in wrongs.items():
        before, found, after = text.partition(f"- alert: {name}\n")
        rule, end, rest = after.partition("\n\n")
        changed = re.sub(pattern, instead, rule + "\n", count=1).rstrip("\n")
        assert changed != rule
        text = before + found + changed + end + rest
    (tmp_path / "alerts.yml").write_text(text, encoding="utf-8")
    told = promtool("test", "rules", *tmp_path.glob("*.test.yml"))
    assert set(re.findall(r"alertname: ?(\w+)", told.stdout + told.stderr)) == set(wrongs)


def test_every_alert_leads_to_its_page(hub: Hub) -> None:
    runbook = (DOCS / "runbook.md").read_text(encoding="utf-8")
    sections = re.findall(r"^### (Ortes\w+)$", runbook, re.MULTILINE)
    assert sorted(sections) == sorted(NAMES)
    assert re.findall(r"runbook_url: docs/runbook\.md#(\w+)", ALERTS) == [name.lower() for name in NAMES]
    table = re.findall(r"^\| (Ortes\w+) \|", (HERE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(table) == sorted(NAMES)
    for block in statements("When an alert fires"):
        hub.dba.execute(block.replace(":'azi'", "'C00001'").replace(":id_pub", "1").encode())


def test_alerts_dashboard_and_readme_name_what_there_is(
    exposition: str, tmp_path: Path, promtool: Callable[..., Told]
) -> None:
    there = metrics(exposition) | {"ortes_company_held_seconds"}
    used = set(re.findall(r"\bortes_\w+", ALERTS))
    dashboard = json.loads((HERE / "dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked = [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    used |= {name for query in [*queries, *asked] for name in re.findall(r"\bortes_\w+", query)}
    assert used <= there
    readme = set(re.findall(r"`(ortes_\w+)`", (HERE / "README.md").read_text(encoding="utf-8")))
    assert readme - {"ortes_monitor"} == there
    # Every query of the dashboard is one that Prometheus can read.
    rules = "groups:\n- name: dashboard\n  rules:\n"
    for number, query in enumerate(queries):
        plain = query.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*")
        rules += f"  - record: panel_{number}\n    expr: {json.dumps(plain.replace('$azi', '.*'))}\n"
    (tmp_path / "dashboard.yml").write_text(rules)
    told = promtool("check", "rules", tmp_path / "dashboard.yml")
    assert told.returncode == 0, told.stderr
    panels = [panel["gridPos"] for panel in dashboard["panels"]]
    cells = [(x, y) for p in panels for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
    assert len(cells) == len(set(cells)), "panels lie on each other"
    assert max(x for x, _ in cells) < 24


def test_what_the_readme_says_a_company_costs(exposition: str) -> None:
    series = [line for line in exposition.splitlines() if line.startswith("ortes_") and 'azi="C00001"' in line]
    readers = [line for line in series if line.startswith("ortes_reader")]
    # Its holder's age besides, while it is held and this login is shown it.
    assert (len(series) - len(readers) + 1, len(readers)) == (8, 4)
