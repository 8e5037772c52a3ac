"""What the tests of deploying share: a release of one's own to edit, and a look at all that a database holds."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ortes_db.deploy import DeployResult, deploy
from ortes_db.resources import migrations_dir, sql_dir
from ortes_db.rollback import RollbackResult, rollback
from ortes_db.script import script
from ortes_db.server import Server, embedded_server
from ortes_db.status import Status, status
from tests.conftest import Db


@dataclass
class Release:
    """A copy of migrations/ and sql/, to edit."""

    folder: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.copytree(migrations_dir(), self.folder / "migrations")
        shutil.copytree(sql_dir(), self.folder / "sql")

    @property
    def folders(self) -> dict[str, Path]:
        return {"migrations": self.folder / "migrations", "sql": self.folder / "sql"}

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def add_migration(self, text: str = "CREATE TABLE ortes.note (id bigint PRIMARY KEY);") -> str:
        """A migration more; its id."""
        self.write("migrations/9000.note.sql", f"-- depends: 0002.tables\nSET LOCAL ROLE ortes_owner;\n{text}\n")
        self.write("migrations/9000.note.rollback.sql", "DROP TABLE ortes.note;\n")
        return "9000.note"

    def deploy(self, dsn: str, wait: float = 60) -> DeployResult:
        return deploy(dsn, **self.folders, wait=wait, report=self.said.append)

    def rollback(self, dsn: str, to: str | None = None, everything: bool = False) -> RollbackResult:
        return rollback(dsn, to, everything, **self.folders, report=self.said.append)

    def status(self, dsn: str) -> Status:
        return status(dsn, **self.folders)

    def script(self) -> str:
        return script(**self.folders)


@pytest.fixture
def release(tmp_path: Path) -> Release:
    return Release(tmp_path / "release")


@pytest.fixture
def deployed(db: Db) -> str:
    """A database with that release in it, as it is before a test edits it: a clone of one."""
    return db.dsn()


@pytest.fixture
def dump(server: Server) -> Callable[[str], str]:
    """`pg_dump --schema-only` of a database."""
    return lambda dsn: dump_schema(server, dsn)


@pytest.fixture
def bare(pg_bin: str | None) -> Iterator[Server]:
    """A server of the test's own, on which no role of the hub exists yet."""
    with embedded_server(pg_bin) as running:
        yield running


def dump_schema(server: Server, dsn: str) -> str:
    command = [server.bin_dir / "pg_dump", "--schema-only", "--dbname", dsn]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return re.sub(r"^\\(un)?restrict .*\n", "", text, flags=re.MULTILINE)  # a random key


def run(dsn: str, *statements: str) -> None:
    """What a DBA does by hand."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def ask(dsn: str, query: str) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def in_background(call: Callable[..., Any], *arguments: Any) -> Future[Any]:
    pool = ThreadPoolExecutor(1)
    future = pool.submit(call, *arguments)
    pool.shutdown(wait=False)
    return future
