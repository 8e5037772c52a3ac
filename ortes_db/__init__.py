"""ortes-db: deploys, replays and watches the hub. The hub's rules live in PostgreSQL, under sql/."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ortes-db")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"
