"""Where the files that ship with the package are: inside it in a wheel, beside it in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def migrations_dir() -> Path:
    """The yoyo migrations: what holds data."""
    return _find("migrations")


def sql_dir() -> Path:
    """The functions, triggers, views and grants, one folder a schema."""
    return _find("sql")


def scenarios_dir() -> Path:
    """The documented scenarios and their errata, as CSV."""
    return _find("scenarios")


def _find(name: str) -> Path:
    for parent in (_PACKAGE, _PACKAGE.parent):
        if (parent / name).is_dir():
            return parent / name
    raise FileNotFoundError(f"this installation of ortes-db is incomplete: no folder {name!r} in {_PACKAGE}")
