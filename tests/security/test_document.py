"""docs/security.md: its statements run, its pg_hba.conf is one, and its limits are the hub's."""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ortes_db.deploy import deploy
from ortes_db.server import Server, embedded_server

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def bare(pg_bin: str | None) -> Iterator[Server]:
    """A server of one's own: roles belong to a server."""
    with embedded_server(pg_bin) as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hub")
        deploy(server.dsn("hub"))
        yield server


def test_its_statements_run(bare: Server) -> None:
    blocks = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 5
    with psycopg.connect(bare.dsn("hub"), autocommit=True) as dba:
        dba.execute("SELECT ortes_ops.create_company('C00001')")
        dba.execute("CREATE ROLE shop LOGIN IN ROLE ortes_store")
        # The page explains access before logins.
        create = next(block for block in blocks if "CREATE ROLE" in block)
        dba.execute(sql.SQL(create))
        dba.execute("SELECT ortes_store.save_order('C00001', n) FROM generate_series(1, 4) AS n")
        for block in blocks:
            if block != create:
                dba.execute(sql.SQL(block))


def test_its_pg_hba_conf_is_one(bare: Server) -> None:
    (example,) = re.findall(r"^## pg_hba.conf\n\n```\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    # This server has no certificate, without which hostssl is an error.
    plain = example.replace("hostssl", "host   ").replace("  clientcert=verify-full", "")
    (bare.data_dir / "pg_hba.conf").write_text(plain)
    with psycopg.connect(bare.dsn(), autocommit=True) as dba:
        rules = dba.execute("SELECT type, auth_method, error FROM pg_hba_file_rules ORDER BY line_number").fetchall()
    assert [error for _, _, error in rules if error] == []
    assert len(rules) == 6
    assert {method for _, method, _ in rules} == {"peer", "scram-sha-256"}


def test_its_limits_are_the_hubs(bare: Server) -> None:
    with psycopg.connect(bare.dsn("hub"), autocommit=True) as dba:
        source = dba.execute(
            "SELECT string_agg(prosrc, ' ') FROM pg_proc WHERE pronamespace = 'ortes'::regnamespace"
        ).fetchone() or ("",)
    for number in re.findall(r"^\| .* \| .*?([\d,]{4,}).* \| `OR007` \|$", PAGE, re.MULTILINE):
        assert number.replace(",", "") in source[0], number
