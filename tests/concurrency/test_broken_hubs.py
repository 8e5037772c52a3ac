"""Hubs built as comparable software has them, on purpose, under the same clients: the same check finds each out.

The real functions are replaced where the rule stands that is to be missing. Should the hub be built otherwise one day, a
variant that breaks nothing any more is not found out, and fails its test.
"""

import psycopg
import pytest

from ortes_db.soak.run import Scene, run_and_check
from tests.conftest import Db

pytestmark = pytest.mark.once

DOOR = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp"
NO_LOCK = """
    CREATE OR REPLACE FUNCTION ortes.lock_company(p_azi text) RETURNS void LANGUAGE sql AS 'SELECT';
    CREATE OR REPLACE FUNCTION ortes.try_lock_company(p_azi text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
"""
# A sequence moves no counter: readers take any position.
ANY_POSITION = """
    CREATE OR REPLACE FUNCTION ortes.check_position(p_azi text, p_argument text, p_id_sincro bigint) RETURNS bigint
    LANGUAGE sql STABLE AS 'SELECT 9223372036854775807';
    CREATE OR REPLACE FUNCTION ortes.reading_from(
        p_azi text, p_prov_tipo text, p_prov_id integer, p_since bigint, p_limit integer
    ) RETURNS bigint
    LANGUAGE sql STABLE AS 'SELECT coalesce(p_since, ortes.position(p_azi, p_prov_tipo, p_prov_id))';
"""

NUMBERS_FROM_A_SEQUENCE = (
    NO_LOCK
    + ANY_POSITION
    + """
    CREATE SEQUENCE ortes.broken_pub;
    CREATE SEQUENCE ortes.broken_sincro;
    CREATE OR REPLACE FUNCTION ortes.next_number(p_azi text, p_contatore text, p_alone boolean) RETURNS bigint LANGUAGE sql AS $$
        SELECT nextval(CASE p_contatore WHEN 'ID-PUB' THEN 'ortes.broken_pub' ELSE 'ortes.broken_sincro' END)
    $$;
    ALTER TABLE ortes.arportes DISABLE TRIGGER arportes_inserted;
    """
)

# The writers still queue, but a number is older than the writer's turn in the queue.
NUMBERS_DRAWN_BEFORE_THE_LOCK = (
    ANY_POSITION
    + f"""
    CREATE SEQUENCE ortes.broken;
    ALTER FUNCTION ortes.next_number RENAME TO next_number_true;
    CREATE FUNCTION ortes.next_number(p_azi text, p_contatore text, p_alone boolean) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
        IF p_contatore = 'ID-PUB' THEN RETURN ortes.next_number_true(p_azi, p_contatore, p_alone); END IF;
        PERFORM ortes.lock_company(p_azi);
        RETURN coalesce(nullif(current_setting('broken.drawn', true), '')::bigint, nextval('ortes.broken'));
    END $$;
    CREATE OR REPLACE FUNCTION ortes_erp.acquire_order(p_azi text, p_id_pub bigint, p_tor_chia text) RETURNS bigint
    {DOOR} AS $$
    DECLARE
        v_acquired bigint;
    BEGIN
        PERFORM set_config('broken.drawn', nextval('ortes.broken')::text, true);
        SELECT q.id_sincro INTO v_acquired FROM ortes.acquire_orders(p_azi, ARRAY[p_id_pub], ARRAY[p_tor_chia]) AS q;
        PERFORM set_config('broken.drawn', '', true);
        RETURN v_acquired;
    END $$;
    """
)

SAVE = f"""
    DROP INDEX ortes.arportes_origin_key;
    CREATE OR REPLACE FUNCTION ortes_store.save_order(
        p_azi text, p_id_int bigint, p_autore_cod bigint = 0, p_dati jsonb = NULL, p_store integer = NULL
    ) RETURNS bigint {DOOR} AS $$
    DECLARE
        v_id_pub bigint;
    BEGIN
        {{look}}
        PERFORM ortes.lock_company(p_azi);
        IF v_id_pub IS NULL THEN
            INSERT INTO ortes.arportes (azi, prov_tipo, prov_id, id_int, autore_tipo, dati)
            VALUES (p_azi, 'S', p_store, p_id_int, 'C', p_dati) RETURNING id_pub INTO v_id_pub;
        END IF;
        RETURN v_id_pub;
    END $$;
"""

A_LOOK_BEFORE_THE_LOCK = SAVE.format(
    look="""
        SELECT a.id_pub INTO v_id_pub FROM ortes.arportes AS a
        WHERE a.azi = p_azi AND a.prov_tipo = 'S' AND a.prov_id = p_store AND a.id_int = p_id_int;
    """
)

NO_RULE_FOR_REPEATED_SAVES = SAVE.format(look="")

NO_RULE_FOR_REPEATED_ACQUISITIONS = f"""
    CREATE OR REPLACE FUNCTION ortes_erp.acquire_order(p_azi text, p_id_pub bigint, p_tor_chia text) RETURNS bigint
    {DOOR} AS $$
    DECLARE
        v_id_sincro bigint;
    BEGIN
        PERFORM ortes.lock_company(p_azi);
        UPDATE ortes.arportes AS a SET tor_chia = p_tor_chia, ack_gest = true, conferma = coalesce(a.conferma, '') || '.'
        WHERE a.azi = p_azi AND a.id_pub = p_id_pub RETURNING a.id_sincro INTO v_id_sincro;
        RETURN v_id_sincro;
    END $$;
"""

ORDERS_LOCKED_BEFORE_THE_COMPANY = f"""
    CREATE OR REPLACE FUNCTION ortes_store.import_orders(p_azi text, p_id_pubs bigint []) RETURNS integer {DOOR} AS $$
    BEGIN
        PERFORM FROM ortes.arportes AS a WHERE a.azi = p_azi AND a.id_pub = ANY (p_id_pubs) FOR UPDATE;
        RETURN ortes.import_orders(p_azi, 'S', p_id_pubs);
    END $$;
"""

# A door that reads as far as it likes, in no order.
CHANGES_IN_NO_ORDER = f"""
    CREATE OR REPLACE FUNCTION ortes_store.changes(
        p_azi text, p_since bigint = NULL, p_limit integer = 1000, p_store integer = NULL
    ) RETURNS SETOF ortes.orders {DOOR} AS $$
    BEGIN
        RETURN QUERY SELECT o.* FROM ortes_ops.orders AS o
        WHERE o.azi = p_azi AND o.id_sincro > coalesce(p_since, ortes.position(p_azi, 'S', p_store))
        ORDER BY o.id_pub LIMIT 10;
    END $$;
"""

BROKEN = {
    "numbers from a sequence": (NUMBERS_FROM_A_SEQUENCE, {"missed", "out of order", "public ids", "numbers"}),
    "numbers drawn before the lock": (NUMBERS_DRAWN_BEFORE_THE_LOCK, {"missed", "out of order"}),
    "a look before the lock": (A_LOOK_BEFORE_THE_LOCK, {"made twice"}),
    "no rule for repeated saves": (NO_RULE_FOR_REPEATED_SAVES, {"made twice", "repeat"}),
    "no rule for repeated acquisitions": (NO_RULE_FOR_REPEATED_ACQUISITIONS, {"repeat"}),
    "orders locked before the company": (ORDERS_LOCKED_BEFORE_THE_COMPANY, {"deadlock"}),
    "changes in no order": (CHANGES_IN_NO_ORDER, {"missed", "out of order"}),
}


def break_hub(db: Db, statements: str) -> None:
    with psycopg.connect(db.dsn(), autocommit=True) as dba:
        dba.execute("SET ROLE ortes_owner")
        dba.execute(statements)


def found_out(scene: Scene, expected: set[tuple[str, bool]]) -> bool:
    """Whether the check finds all of that, soon or after a while: what kind, and whether a reader of the replica says it."""
    found: set[tuple[str, bool]] = set()
    for seconds in (1, 4, 16):
        _, findings = run_and_check(scene, seconds, companies=1, hold=0.05)
        found |= {(finding.kind, "on the replica" in finding.text) for finding in findings}
        if expected <= found:
            return True
    return False


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_hub_is_found_out(db: Db, scene: Scene, broken: str) -> None:
    statements, expected = BROKEN[broken]
    break_hub(db, statements)
    assert found_out(scene, {(kind, False) for kind in expected})


def test_a_reader_of_a_replica_misses_changes_too(db: Db, wide_scene: Scene) -> None:
    break_hub(db, NUMBERS_FROM_A_SEQUENCE)
    assert found_out(wide_scene, {("missed", True), ("out of order", True)})
