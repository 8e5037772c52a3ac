"""A shard as one names it on the command line: how this machine reaches it, and what the router keeps of that."""

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ortes_db.hub import connection_parameters, one_line
from ortes_db.tree import DeployError

# What belongs to who connects, or to the machine that one connects from.
_NOT_KEPT = (
    *("user", "password", "passfile", "require_auth", "sslkey", "sslcert", "sslpassword"),
    *("application_name", "fallback_application_name", "client_encoding", "connect_timeout"),
)
# A dead machine or network is noticed within seconds, by the kernel: PL/Proxy has no timeout of its own that works.
_KEEPALIVES: dict[str, Any] = {
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    "fallback_application_name": "ortes router",
}


@dataclass(frozen=True)
class Shard:
    """One shard. `dsn` is ours, with user and password; `options` is the router's, without."""

    name: str
    dsn: str
    options: str


def read_shard(text: str) -> Shard:
    """Read `DSN` or `NAME=DSN`; without a name, the database's. Raises DeployError."""
    name, _, rest = text.partition("=")
    try:
        given = conninfo_to_dict(text)
        name = str(given.get("dbname", ""))
    except psycopg.Error:
        # "s1=host=… dbname=…": libpq knows no option s1.
        try:
            given = conninfo_to_dict(rest or "?")
        except psycopg.Error:
            raise DeployError(
                "--shard: not a connection string; expected 'host=… dbname=…' or postgresql://…, or a name before it: "
                "s1='host=… dbname=…'"
            ) from None
    check_address(given)
    return Shard(name.strip(), make_conninfo(**{key: str(value) for key, value in given.items()}), kept_options(given))


def read_address(text: str) -> str:
    """A connection string as the router keeps it. Raises DeployError."""
    try:
        given = conninfo_to_dict(text)
    except psycopg.Error:
        raise DeployError("not a connection string; expected 'host=… dbname=…' or postgresql://…") from None
    check_address(given)
    return kept_options(given)


def check_address(given: dict[str, Any]) -> None:
    """Refuse an address that means something on this machine only. Raises DeployError."""
    if "service" in given:
        raise DeployError("a shard's address: a service is known to this machine only; write host=… and dbname=… out")
    if missing := [part for part in ("host", "dbname") if not given.get(part)]:
        raise DeployError(
            f"a shard's address: {' and '.join(missing)} missing; the router's server needs both to find it"
        )


def kept_options(given: dict[str, Any]) -> str:
    """What of a connection string the router keeps: the address, nobody's name, no secret."""
    kept = {name: value for name, value in given.items() if name not in _NOT_KEPT}
    return make_conninfo(**{**_KEEPALIVES, **kept})


def as_caller(options: str, router: psycopg.Connection[Any]) -> str:
    """A shard's connection string: its kept address, with the user and the password that came to the router."""
    info = router.info
    mine = {"user": info.user, "password": info.password} if info.password else {"user": info.user}
    return make_conninfo(options, **mine)


def connect(dsn: str, what: str) -> psycopg.Connection[Any]:
    """A connection in autocommit, or a DeployError that says what cannot be reached."""
    try:
        return psycopg.connect(**{"connect_timeout": 10, **connection_parameters(dsn)}, autocommit=True)
    except psycopg.OperationalError as error:
        raise DeployError(f"{what} cannot be reached: {one_line(error)}", 1) from None
