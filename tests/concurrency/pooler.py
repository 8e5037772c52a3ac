"""pgbouncer between the clients and a server, in transaction mode."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from ortes_db.server import Server


def program() -> str:
    """Debian's pgbouncer. A user's machine may lack it; CI may not."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found:
        return found
    message = "needs pgbouncer: install it (Debian, Ubuntu: apt install pgbouncer)"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def pooler(server: Server, logins: list[str], size: int) -> Iterator[str]:
    """Run pgbouncer with `size` server connections a login; yields the connection string, without login and database."""
    command = [program()]
    # A socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="ortes-pool-", dir="/tmp") as name:
        folder = Path(name)
        (folder / "users.txt").write_text("".join(f'"{login}" ""\n' for login in logins))
        (folder / "pgbouncer.ini").write_text(
            f"""
            [databases]
            * = host={server.socket_dir} port=5432
            [pgbouncer]
            listen_addr =
            listen_port = 6432
            unix_socket_dir = {folder}
            auth_type = trust
            auth_file = {folder}/users.txt
            pool_mode = transaction
            default_pool_size = {size}
            max_client_conn = 500
            logfile = {folder}/log
            """.replace("            ", "")
        )
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            for path in (folder, *folder.iterdir()):
                os.chown(path, account.pw_uid, account.pw_gid)
            command += ["--user", "nobody"]
        process = subprocess.Popen(
            [*command, "--quiet", str(folder / "pgbouncer.ini")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            dsn = make_conninfo(host=str(folder), port=6432)
            deadline = time.monotonic() + 10
            while not (folder / ".s.PGSQL.6432").exists():
                log = folder / "log"
                assert process.poll() is None, log.read_text() if log.exists() else "pgbouncer ended"
                assert time.monotonic() < deadline, "pgbouncer did not start"
                time.sleep(0.02)
            yield dsn
        finally:
            process.terminate()
            process.wait(10)
