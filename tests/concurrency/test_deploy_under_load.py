"""A deploy while everybody is at work: no call fails, and none takes longer than the bounded wait."""

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ortes_db.soak.check import check
from ortes_db.soak.run import Scene, run_and_check
from tests.conftest import Db
from tests.deploy.conftest import Release

DOOR = "sql/ortes_store/save_order.sql"
OLD_DOOR = "ortes_store.save_order(text, bigint, bigint, jsonb, integer)"
CORE = "sql/ortes/save_order.sql"
OLD_CORE = "ortes.save_order(text, text, integer, text, bigint, bigint, jsonb)"


def change_bodies(release: Release) -> None:
    """Every function's body is another."""
    for file in (release.folder / "sql").rglob("*.sql"):
        text = file.read_text()
        file.write_text(text.replace("\nBEGIN\n", "\nBEGIN -- another release\n"))


def change_a_door(release: Release) -> None:
    """The store may say more when it saves. The old signature goes."""
    text = release.read(DOOR)
    assert "p_store integer = NULL\n)" in text
    text = text.replace("p_store integer = NULL\n)", "p_store integer = NULL,\n    p_note text = NULL\n)")
    release.write(
        DOOR, text.replace("(text, bigint, bigint, jsonb, integer)", "(text, bigint, bigint, jsonb, integer, text)")
    )
    release.write("sql/drop.sql", f"DROP FUNCTION IF EXISTS {OLD_DOOR};\n")


def change_the_core(release: Release) -> None:
    """What stands behind the doors is called otherwise. The old signature goes."""
    text = release.read(CORE)
    assert "p_dati jsonb\n)" in text
    text = text.replace("p_dati jsonb\n)", "p_dati jsonb,\n    p_note text\n)")
    release.write(CORE, text.replace("bigint, bigint, jsonb)", "bigint, bigint, jsonb, text)"))
    for door in (DOOR, "sql/ortes_app/save_order.sql"):
        text = release.read(door)
        assert "nullif(p_dati, 'null'))" in text
        release.write(door, text.replace("nullif(p_dati, 'null'))", "nullif(p_dati, 'null'), 'a note')"))
    release.write("sql/drop.sql", f"DROP FUNCTION IF EXISTS {OLD_CORE};\n")


def add_a_column(release: Release) -> None:
    """A migration."""
    release.add_migration("ALTER TABLE ortes.arportes ADD COLUMN note text;")


CHANGES = [change_bodies, change_a_door, change_the_core, add_a_column]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_nobody_notices_a_deploy(db: Db, scene: Scene, tmp_path: Path, change: Callable[[Release], None]) -> None:
    release = Release(tmp_path / "release")
    change(release)
    done = []

    def meanwhile() -> None:
        with psycopg.connect(db.dsn(), autocommit=True) as dba:
            while dba.execute("SELECT count(*) > 200 FROM ortes.arportes").fetchone() != (True,):
                pass
            done.append(release.deploy(db.dsn()))

    _, findings = run_and_check(scene, 3, companies=1, meanwhile=meanwhile)
    assert findings == []
    assert done[0].changed or done[0].migrations or done[0].created


def test_a_deploy_in_pieces_would_be_noticed(db: Db, scene: Scene) -> None:
    def meanwhile() -> None:
        with psycopg.connect(db.dsn(), autocommit=True) as dba:
            definition = dba.execute(f"SELECT pg_get_functiondef('{OLD_DOOR}'::regprocedure)").fetchone()  # type: ignore[call-overload]
            assert definition
            dba.execute(f"DROP FUNCTION {OLD_DOOR}")  # type: ignore[call-overload]
            dba.execute("SELECT pg_sleep(0.2)")
            dba.execute(definition[0])

    _, findings = run_and_check(scene, 1.5, companies=1, meanwhile=meanwhile)
    assert "error" in {finding.kind for finding in findings}


def test_a_deploy_that_queues_would_be_noticed(db: Db, scene: Scene) -> None:
    """Behind a long transaction, with everybody else behind it."""

    def meanwhile() -> None:
        with psycopg.connect(db.dsn()) as long, psycopg.connect(db.dsn(), autocommit=True) as deploying:
            long.execute("LOCK TABLE ortes.arportes IN ACCESS SHARE MODE")
            deploying.execute("SET lock_timeout = '1500ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                deploying.execute("ALTER TABLE ortes.arportes ADD COLUMN note text")

    history, _ = run_and_check(scene, 2, companies=1, meanwhile=meanwhile)
    assert {finding.kind for finding in check(history, bound=1)} == {"slow"}
