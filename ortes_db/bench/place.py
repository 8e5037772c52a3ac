"""Where it is measured: the hub, the same tables without triggers beside it, and a login that may use both."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ortes_db.bench.pgbench import BenchError
from ortes_db.replay.place import place
from ortes_db.server import Server, ServerError, embedded_server, find_binaries

COMPANIES = 64

# What times are measured with: as a server that keeps its data, with room for a machine of 4 GB.
TIME_SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "maintenance_work_mem": "512MB",
}

# So that a backend keeps what it frees for its next call (docs/runbook.md, "Memory that a session keeps").
ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "4194304", "MALLOC_MMAP_THRESHOLD_": "4194304"}

# shared_buffers and what else a server shares.
SHARED_KB = 1_150_000

# What is counted with. Without full page images and autovacuum a call writes the same bytes whenever it is made;
# with a wal_level of minimal the loading writes none, which changes nothing else that is counted.
COUNT_SETTINGS = TIME_SETTINGS | {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}

# How it fills up: autovacuum at its defaults, whose pause is shortened like the life of the orders is.
BLOAT_SETTINGS = COUNT_SETTINGS | {"autovacuum": "on"}


@dataclass
class Bench:
    """A database to measure in. `dsn`: the superuser's; `user_dsn`: that of the login which calls the doors."""

    dsn: str
    user_dsn: str
    user_name: str
    pgbench: Path
    server_version: str
    settings: dict[str, str]

    def admin(self) -> psycopg.Connection[Any]:
        """A superuser's connection."""
        return psycopg.connect(self.dsn, autocommit=True)

    def user(self) -> psycopg.Connection[Any]:
        """A connection of the login that calls the doors."""
        return psycopg.connect(self.user_dsn, autocommit=True)


@contextmanager
def bench_place(
    dsn: str | None,
    pg_bin: str | None,
    settings: Mapping[str, str],
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Bench]:
    """Make a database to measure in, on the server of `dsn`, else on an embedded one with these settings."""
    if dsn is None:
        with _server(pg_bin, settings) as server, _in_database(server.dsn(), server.bin_dir, say) as made:
            made.settings |= ENVIRONMENT
            yield made
    else:
        with _in_database(dsn, find_binaries(pg_bin), say) as made:
            yield made


@contextmanager
def _server(pg_bin: str | None, settings: Mapping[str, str]) -> Iterator[Server]:
    def start(pages: str) -> AbstractContextManager[Server]:
        return embedded_server(pg_bin, {"huge_pages": pages, **settings}, environment=ENVIRONMENT)

    with ExitStack() as closing:
        pages = huge_pages()
        try:
            server = closing.enter_context(start(pages))
        except ServerError:
            if pages == "off":
                raise
            server = closing.enter_context(start("off"))  # somebody was faster
        yield server


def huge_pages(meminfo: Path = Path("/proc/meminfo")) -> str:
    """`on` where the machine has enough set aside (docs/runbook.md, "Huge pages"), else `off`: `try` would not tell which."""
    if not meminfo.exists():
        return "off"
    found = dict(re.findall(r"^(\w+): +(\d+)", meminfo.read_text(encoding="ascii"), re.MULTILINE))
    # What is reserved counts as free until it is touched.
    free, reserved, size = (int(found.get(name, 0)) for name in ("HugePages_Free", "HugePages_Rsvd", "Hugepagesize"))
    return "on" if (free - reserved) * size >= SHARED_KB else "off"


@contextmanager
def _in_database(dsn: str, bin_dir: Path, say: Callable[[str], None]) -> Iterator[Bench]:
    program = pgbench_program(bin_dir)
    with place(dsn, say) as made, psycopg.connect(made.dsn, autocommit=True) as admin:
        row = admin.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if row != (True,):
            raise BenchError("the benchmark loads tables past their triggers: --dsn needs a superuser")
        for name in ("setup.sql", "bare.sql"):
            admin.execute((Path(__file__).parent / name).read_text(encoding="utf-8"))
        name, user_dsn = made.make_login("ortes_store")
        login = sql.Identifier(name)
        admin.execute(sql.SQL("GRANT ortes_app, ortes_erp TO {}").format(login))
        admin.execute(sql.SQL("GRANT USAGE ON SCHEMA plain, bare, bench TO {}").format(login))
        admin.execute(sql.SQL("GRANT ALL ON ALL TABLES IN SCHEMA plain, bare, bench TO {}").format(login))
        admin.execute(sql.SQL("GRANT ALL ON ALL SEQUENCES IN SCHEMA plain TO {}").format(login))
        for company in range(1, COMPANIES + 1):
            admin.execute("SELECT ortes_ops.grant_access(%s, %s)", (name, str(company)))
        asked = "SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name"
        shown: dict[str, str] = dict(admin.execute(asked, ([*COUNT_SETTINGS, "huge_pages"],)).fetchall())
        version = admin.execute("SELECT current_setting('server_version')").fetchone()
        yield Bench(made.dsn, user_dsn, name, program, str(version and version[0]), shown)


@contextmanager
def slower_flush(bench: Bench, microseconds: int) -> Iterator[None]:
    """Each commit of the login waits so much longer for the disk, whether or not others commit meanwhile."""
    if not microseconds:
        yield
        return
    alter = sql.SQL("ALTER ROLE {} ").format(sql.Identifier(bench.user_name))
    with bench.admin() as admin:
        try:
            admin.execute(alter + sql.SQL("SET commit_delay = {}").format(microseconds))
            admin.execute(alter + sql.SQL("SET commit_siblings = 0"))
            yield
        finally:
            admin.execute(alter + sql.SQL("RESET commit_delay"))
            admin.execute(alter + sql.SQL("RESET commit_siblings"))


def pgbench_program(bin_dir: Path) -> Path:
    """pgbench beside the server's programs, else any."""
    found = shutil.which("pgbench", path=bin_dir) or shutil.which("pgbench")
    if found is None:
        raise BenchError("pgbench is not among the PostgreSQL programs; it comes with them (Debian: postgresql-15)")
    return Path(found)
