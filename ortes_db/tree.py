"""The files to deploy: migrations/ and sql/, read, checked and put in order. No database here."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from ortes_db.resources import migrations_dir, sql_dir

# The core first, then who calls it.
SCHEMAS = ("ortes", "ortes_ops", "ortes_store", "ortes_app", "ortes_erp")

_TRIGGER = re.compile(r"^CREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?TRIGGER\b", re.MULTILINE | re.IGNORECASE)
_VIEW = re.compile(r"^CREATE\s+(OR\s+REPLACE\s+)?(RECURSIVE\s+|MATERIALIZED\s+)?VIEW\b", re.MULTILINE | re.IGNORECASE)
_NOT_TRANSACTIONAL = re.compile(r"^\s*--\s*transactional\s*:\s*false", re.MULTILINE | re.IGNORECASE)
_DEPENDS = re.compile(r"^\s*--\s*depends\s*:(.*)$", re.MULTILINE)


class DeployError(Exception):
    """Nothing was changed; the message says why. Exit code 1: it can work later. 2: something has to be put right."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True)
class SqlFile:
    """One file, by its path below migrations/ or sql/."""

    path: str
    text: str
    sha256: str

    @property
    def stem(self) -> str:
        return self.path.removesuffix(".sql")


@dataclass(frozen=True)
class Migration:
    """One migration. `hash` is what yoyo knows it by."""

    apply: SqlFile
    rollback: SqlFile | None

    @property
    def id(self) -> str:
        return self.apply.stem

    @property
    def hash(self) -> str:
        return sha256(self.id.encode()).hexdigest()


@dataclass(frozen=True)
class Tree:
    """All that a release deploys. `files` are those of sql/, in the order in which they run."""

    folder: Path
    migrations: list[Migration]
    files: list[SqlFile]

    @property
    def objects(self) -> list[SqlFile]:
        """The files that make an object each: all but drop.sql and privileges.sql."""
        return [file for file in self.files if "/" in file.path]


def read_tree(migrations: Path | None = None, sql: Path | None = None) -> Tree:
    """Read a release's files; without folders, those that ship with the package."""
    folder = migrations or migrations_dir()
    found = {path.name: _read(folder, path) for path in sorted(folder.glob("*.sql"))}
    _check_released(folder, found)
    if other := sorted(path.name for path in folder.glob("*.py")) or [n for n in found if n.startswith("post-apply")]:
        raise DeployError(f"migrations/{other[0]}: a migration is an .sql file, and there are no hooks")
    todo = [
        Migration(file, found.get(f"{file.stem}.rollback.sql"))
        for name, file in found.items()
        if not name.endswith(".rollback.sql")
    ]
    return Tree(folder, _in_order(todo), _read_sql(sql or sql_dir()))


def _in_order(todo: list[Migration]) -> list[Migration]:
    """After those they depend on, otherwise by name."""
    done: list[Migration] = []
    for migration in todo:
        if _NOT_TRANSACTIONAL.search(migration.apply.text):
            raise DeployError(f"migrations/{migration.apply.path}: a deploy is one transaction, and so is a migration")
        known = {one.id for one in done}
        for needed in (name for line in _DEPENDS.findall(migration.apply.text) for name in line.split()):
            if needed not in known:
                raise DeployError(f"migrations/{migration.apply.path}: depends on {needed}, which is not before it")
        done.append(migration)
    return done


def _check_released(folder: Path, found: dict[str, SqlFile]) -> None:
    """Released migrations are frozen: RELEASED lists them, as sha256sum writes it."""
    released = folder / "RELEASED"
    for line in released.read_text(encoding="utf-8").splitlines() if released.exists() else ():
        if line.strip() and not line.startswith("#"):
            digest, name = line.split(maxsplit=1)
            if name not in found:
                raise DeployError(f"migrations/{name} was released and is missing")
            if found[name].sha256 != digest:
                raise DeployError(
                    f"migrations/{name} was released and is never edited: put it back, and write a new one"
                )


def _read_sql(folder: Path) -> list[SqlFile]:
    by_schema: dict[str, list[SqlFile]] = {schema: [] for schema in SCHEMAS}
    ends: dict[str, SqlFile] = {}
    for path in sorted(folder.rglob("*.sql")):
        file = _read(folder, path)
        schema, _, name = file.path.rpartition("/")
        if schema in by_schema:
            by_schema[schema].append(file)
        elif not schema and name in ("drop.sql", "privileges.sql"):
            ends[name] = file
        else:
            raise DeployError(f"sql/{file.path}: nothing runs it; expected drop.sql, privileges.sql or {SCHEMAS}")
    # Functions don't look at each other before they run; a view or a trigger looks for its function.
    middle = [file for files in by_schema.values() for file in sorted(files, key=_stage)]
    return [*_present(ends.get("drop.sql")), *middle, *_present(ends.get("privileges.sql"))]


def _stage(file: SqlFile) -> int:
    return 2 if _TRIGGER.search(file.text) else 1 if _VIEW.search(file.text) else 0


def _present(file: SqlFile | None) -> Iterable[SqlFile]:
    return () if file is None else (file,)


def _read(folder: Path, path: Path) -> SqlFile:
    data = path.read_bytes()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise DeployError(f"{folder.name}/{path.relative_to(folder).as_posix()}: not UTF-8") from None
    return SqlFile(path.relative_to(folder).as_posix(), text, sha256(data).hexdigest())
