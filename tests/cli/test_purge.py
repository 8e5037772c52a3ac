"""`ortes purge`, as a DBA types it: looks first, deletes on demand, goes on after an interruption."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.command import ENVIRONMENT, ortes
from tests.conftest import wait_blocked
from tests.hub import Hub, one, rows

pytestmark = pytest.mark.once

ENTRIES = """
INSERT INTO ortes.history (at, azi, id_pub, became)
SELECT '2020-01-01'::timestamptz + n * interval '1 second', 'C00001', 1, '{}' FROM generate_series(1, 25000) AS n
"""
LEFT = "SELECT count(*) FROM ortes.history"


@pytest.fixture
def old(hub: Hub) -> Hub:
    hub.dba.execute("SELECT ortes_ops.set_audit('C00001', true)")
    hub.dba.execute(ENTRIES)
    hub.save(1)
    return hub


def test_it_counts_first_and_deletes_when_told_to(old: Hub) -> None:
    dsn = old.db.dsn(old.login("ops"))
    told = ortes("purge", "--keep", "2y", "--dsn", dsn)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.startswith("would delete 25,000 entries of the history before 2")
    # The order, and that the audit was switched on.
    assert one(old.dba, LEFT) == 25_002
    assert rows(old.dba, "SELECT * FROM ortes.history_purge") == []

    told = ortes("purge", "--before", "2020-01-01 01:00:00+00", "--yes", "--dsn", dsn)
    assert (told.returncode, told.stdout) == (0, "deleted 3,599 entries of the history before 2020-01-01 01:00:00+00\n")
    assert one(old.dba, "SELECT min(at) FROM ortes.history").hour == 1

    told = ortes("purge", "--keep", "104w", "--yes", "--json", "--dsn", dsn)
    found = json.loads(told.stdout)
    assert (found["entries"], found["deleted"]) == (21_401, 21_401)
    assert told.stderr.splitlines() == ["0 of 21,401 entries deleted", "21,401 of 21,401 entries deleted"]
    assert one(old.dba, LEFT) == 2
    assert ortes("purge", "--keep", "2y", "--dsn", dsn).stdout.startswith("nothing to delete")


def test_after_an_interruption_it_goes_on(old: Hub) -> None:
    """Ctrl-C in the second batch: the first one is gone, the second one is as it was."""
    old.dba.execute("""
        CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql AS $f$
        BEGIN
            IF (SELECT count(*) FROM ortes.history) < 20000 THEN PERFORM pg_advisory_xact_lock_shared(42); END IF;
            RETURN NULL;
        END $f$;
        CREATE TRIGGER a_hold BEFORE DELETE ON ortes.history EXECUTE FUNCTION public.hold();
        SELECT pg_advisory_lock(42);
    """)
    dsn = f"{old.db.dsn(old.login('ops'))} application_name=purging"
    command = [sys.executable, "-m", "ortes_db", "purge", "--keep", "2y", "--yes", "--dsn", dsn]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as run:
        assert run.stderr is not None
        assert run.stderr.readline() == "0 of 25,000 entries deleted\n"
        purging = "SELECT pid FROM pg_stat_activity WHERE application_name = 'purging'"
        wait_blocked(old.dba, one(old.dba, purging))
        run.send_signal(signal.SIGINT)
        out, said = run.communicate(timeout=20)
    assert (run.returncode, out) == (130, "")
    assert said.strip() == "stopped: 10,000 entries are gone; repeat the command to go on"
    assert one(old.dba, LEFT) == 15_002
    old.dba.execute("SELECT pg_advisory_unlock(42)")
    assert ortes("purge", "--keep", "2y", "--yes", "--dsn", dsn).stdout.startswith("deleted 15,000 entries")


def test_on_a_terminal_there_is_a_bar_that_goes_away(old: Hub) -> None:
    main, inside = pty.openpty()
    command = [sys.executable, "-m", "ortes_db", "purge", "--keep", "2y", "--yes", "--dsn", old.db.dsn()]
    with subprocess.Popen(
        command, stdin=inside, stdout=inside, stderr=inside, env={**ENVIRONMENT, "TERM": "xterm"}
    ) as run:
        os.close(inside)
        text = b""
        # At the program's end the terminal reads as an error.
        with suppress(OSError):
            while part := os.read(main, 4096):
                text += part
        assert run.wait(20) == 0
    os.close(main)
    told = text.decode()
    assert "25,000 of 25,000 entries deleted" in told
    assert "\u2501" in told
    # The line is cleared before the result is written.
    assert re.search(r"\x1b\[2K(\x1b\[\?25h)?deleted 25,000 entries of the history before [^\n]+\r\n$", told)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ((), "one of --before and --keep"),
        (("--before", "2020-01-01", "--keep", "1y"), "one of --before and --keep"),
        (("--keep", "3m"), "90d, 12w, 2y"),
        (("--keep", "-1d"), "90d, 12w, 2y"),
        (("--before", "soon"), 'invalid input syntax for type timestamp with time zone: "soon"'),
        (("--before", "infinity"), "a time in the past"),
        (("--before", "9999-01-01", "--yes"), "a time in the past"),
        (("--keep", "99999y"), "out of range"),
    ],
)
def test_what_makes_no_sense_is_refused(old: Hub, given: tuple[str, ...], text: str) -> None:
    told = ortes("purge", *given, "--dsn", old.db.dsn())
    assert (told.returncode, told.stdout) == (2, "")
    assert text in told.stderr
    assert one(old.dba, LEFT) == 25_002


def test_others_may_not(old: Hub) -> None:
    told = ortes("purge", "--keep", "2y", "--dsn", old.db.dsn(old.login("monitor")))
    assert (told.returncode, told.stdout) == (2, "")
    assert "grants it the role ortes_ops" in told.stderr


def test_the_release_is_the_package_s(hub: Hub) -> None:
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    release = one(hub.connect("monitor"), "SELECT release FROM ortes_ops.release")
    assert f'\nversion = "{release}"\n' in pyproject
