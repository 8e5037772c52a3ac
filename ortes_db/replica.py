"""A streaming replica of an embedded server."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ortes_db.server import Server, ServerError, embedded_server


@contextmanager
def embedded_replica(primary: Server) -> Iterator[Server]:
    """Run a hot standby that follows `primary`; gone at the end."""

    def fill(replica: Server) -> None:
        # As the account that runs the server, to whom the files must belong.
        owner = os.stat(replica.base_dir)
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            identity = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        command = [str(primary.bin_dir / "pg_basebackup"), "--pgdata", str(replica.data_dir), "--dbname", primary.dsn()]
        command += ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=replica.base_dir, **identity)
        if done.returncode != 0:
            raise ServerError(f"pg_basebackup failed:\n{done.stderr.strip()}")

    with embedded_server(primary.bin_dir, {"hot_standby_feedback": "on"}, fill=fill) as replica:
        yield replica
