"""Running pgbench, and reading what it prints."""

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

SCRIPTS = Path(__file__).parent / "scripts"

_MARKED = re.compile(r"^ +(\d+\.\d+) +\d+ +/\* (\w+) \*/", re.MULTILINE)


class BenchError(RuntimeError):
    """The benchmark cannot be run; the message says why and what to do."""


@dataclass
class Run:
    """What one run of pgbench measured."""

    # Of a run by time without its first third, in which new sessions compile and plan.
    tps: float
    transactions: int
    # Milliseconds of each statement that the script marks with a comment /* name */ before it.
    latencies: dict[str, float] = field(default_factory=dict)


def run_pgbench(
    program: Path,
    dsn: str,
    script: str,
    *,
    clients: int = 1,
    seconds: int | None = None,
    transactions: int | None = None,
    variables: dict[str, str | int] | None = None,
) -> Run:
    """Run one script, for so many seconds or so many transactions a client."""
    parts = conninfo_to_dict(dsn)
    # Not on the command line, where every user of the machine reads it.
    password = parts.pop("password", None)
    command = [str(program), "-n", "-M", "prepared", "-r", "-f", str(SCRIPTS / f"{script}.sql")]
    command += ["-c", str(clients), "-j", str(min(clients, 2))]
    command += ["-T", str(seconds)] if seconds else ["-t", str(transactions)]
    for name, value in (variables or {}).items():
        command += ["-D", f"{name}={value}"]
    command.append(make_conninfo(**{name: str(value) for name, value in parts.items()}))
    env = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    with tempfile.TemporaryDirectory(prefix="ortes-") as folder:
        if seconds:
            command[1:1] = ["--log", f"--log-prefix={folder}/log"]
        done = subprocess.run(command, capture_output=True, text=True, env=env, errors="replace")
        settled = settled_rate(Path(folder)) if seconds and done.returncode == 0 else None
    tps = re.search(r"tps = ([\d.]+) \(without", done.stdout)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    if done.returncode != 0 or tps is None or count is None or "aborted" in done.stderr:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise BenchError(f"pgbench, {script}.sql: {' '.join(said[:3])}")
    return Run(settled or float(tps[1]), int(count[1]), {name: float(ms) for ms, name in _MARKED.findall(done.stdout)})


def settled_rate(folder: Path) -> float | None:
    """Transactions a second, by pgbench's log of each: latency in µs, and when it ended."""
    lines = [line.split() for log in folder.iterdir() for line in log.read_text(encoding="utf-8").splitlines()]
    ended = sorted(int(line[4]) * 1_000_000 + int(line[5]) for line in lines)
    if not ended:
        return None
    began = min(int(line[4]) * 1_000_000 + int(line[5]) - int(line[2]) for line in lines)
    warm = began + (ended[-1] - began) / 3
    return sum(end > warm for end in ended) * 1_000_000 / (ended[-1] - warm)
