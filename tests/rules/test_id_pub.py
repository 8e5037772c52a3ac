"""ID-PUB: given out by the hub, 1, 2, 3 … per company, without a gap, whoever inserts."""

import psycopg
import pytest

from tests.hub import Hub, one, refused, rows

INSERT = "INSERT INTO ortes.arportes (azi, prov_tipo, id_int, autore_tipo)"


def insert(hub: Hub, *id_ints: int) -> None:
    values = ", ".join(f"('{hub.azi}', 'S', {id_int}, 'C')" for id_int in id_ints)
    hub.dba.execute(f"{INSERT} VALUES {values}")


def test_id_pub_starts_at_1_and_has_no_gap_through_the_doors(hub: Hub) -> None:
    store = [hub.save(n) for n in (500, 400, 300)]
    app = one(hub.app, "SELECT ortes_app.save_order(%s, 50, 500)", hub.azi)
    erp, _ = hub.export("G1")
    assert [*store, app, erp] == [1, 2, 3, 4, 5]
    assert hub.counters() == (5, 1)


def test_id_pub_is_given_out_to_plain_inserts_too(hub: Hub) -> None:
    insert(hub, 10)
    insert(hub, 11, 12, 13)
    assert hub.save(14) == 5
    assert hub.id_pubs() == [1, 2, 3, 4, 5]
    assert hub.counters() == (5, 0)


def test_id_pub_is_given_out_to_copy(hub: Hub) -> None:
    with (
        hub.dba.cursor() as cursor,
        cursor.copy("COPY ortes.arportes (azi, prov_tipo, id_int, autore_tipo) FROM STDIN") as c,
    ):
        for n in range(1, 101):
            c.write_row((hub.azi, "S", n, "C"))
    assert hub.id_pubs() == list(range(1, 101))
    assert hub.save(101) == 101


def test_id_pub_is_given_out_to_merge(hub: Hub) -> None:
    insert(hub, 1, 2)
    hub.dba.execute(
        """
        MERGE INTO ortes.arportes AS a
        USING (SELECT n FROM generate_series(1, 5) AS n) AS s ON a.azi = %s AND a.id_int = s.n
        WHEN MATCHED THEN UPDATE SET conferma = 'M' || s.n
        WHEN NOT MATCHED THEN INSERT (azi, prov_tipo, id_int, autore_tipo) VALUES (%s, 'S', s.n, 'C')
        """,
        (hub.azi, hub.azi),
    )
    assert hub.id_pubs() == [1, 2, 3, 4, 5]
    assert hub.counters() == (5, 2)
    assert hub.save(6) == 6


def test_each_company_counts_for_itself_also_within_one_statement(hub: Hub) -> None:
    hub.db.company("C00002")
    alternating = "SELECT CASE WHEN n % 2 = 0 THEN 'C00001' ELSE 'C00002' END, 'S', n, 'C' FROM generate_series(1, 9) n"
    hub.dba.execute(f"{INSERT} {alternating}")
    assert hub.id_pubs("C00001") == [1, 2, 3, 4]
    assert hub.id_pubs("C00002") == [1, 2, 3, 4, 5]
    assert (hub.counters("C00001"), hub.counters("C00002")) == ((4, 0), (5, 0))


def test_each_company_counts_for_itself_also_within_one_copy(hub: Hub) -> None:
    hub.db.company("C00002")
    with (
        hub.dba.cursor() as cursor,
        cursor.copy("COPY ortes.arportes (azi, prov_tipo, id_int, autore_tipo) FROM STDIN") as c,
    ):
        for n in range(20):
            c.write_row(("C00001" if n % 3 else "C00002", "S", n, "C"))
    assert hub.counters("C00001")[0] == len(hub.id_pubs("C00001")) == 13
    assert hub.counters("C00002")[0] == len(hub.id_pubs("C00002")) == 7


def test_a_caller_never_chooses_the_id_pub(hub: Hub) -> None:
    before = hub.everything()
    with refused("OR004", naming="ID-PUB 7"):
        hub.dba.execute(
            f"INSERT INTO ortes.arportes (azi, id_pub, prov_tipo, id_int, autore_tipo) VALUES ('{hub.azi}', 7, 'S', 1, 'C')"
        )
    columns = "azi, id_pub, prov_tipo, id_int, autore_tipo"
    with (
        refused("OR004"),
        hub.dba.cursor() as cursor,
        cursor.copy(f"COPY ortes.arportes ({columns}) FROM STDIN") as c,
    ):
        c.write_row((hub.azi, 1, "S", 1, "C"))
    assert hub.everything() == before


def test_a_caller_never_chooses_the_id_sincro_of_an_insert(hub: Hub) -> None:
    before = hub.everything()
    with refused("OR004", naming="ID-SINCRO 7"):
        hub.dba.execute(
            f"INSERT INTO ortes.arportes (azi, id_sincro, prov_tipo, id_int, autore_tipo) VALUES ('{hub.azi}', 7, 'S', 1, 'C')"
        )
    assert hub.everything() == before


def test_an_insert_for_an_unknown_company_is_refused(hub: Hub) -> None:
    for azi in ("'NOBODY'", "''", "NULL"):
        with refused("OR001"):
            hub.dba.execute(f"{INSERT} VALUES ({azi}, 'S', 1, 'C')")


def test_a_rollback_leaves_no_gap(hub: Hub) -> None:
    hub.save(1)
    with hub.connect("store", autocommit=False) as store:
        assert hub.save(2, connection=store) == 2
        store.rollback()
    assert hub.save(3) == 2
    assert hub.id_pubs() == [1, 2]


def test_a_savepoint_rolled_back_leaves_no_gap(hub: Hub) -> None:
    with hub.dba.transaction():
        insert(hub, 1, 2)
        with hub.dba.transaction():
            insert(hub, 3, 4, 5)
            raise psycopg.Rollback
        insert(hub, 6, 7)
    assert hub.id_pubs() == [1, 2, 3, 4]
    assert hub.counters() == (4, 0)


def test_a_statement_that_fails_in_a_subtransaction_leaves_no_gap(hub: Hub) -> None:
    hub.dba.execute(
        f"""
        DO $do$
        BEGIN
            FOR n IN 1..6 LOOP
                BEGIN
                    {INSERT} SELECT '{hub.azi}', 'S', m, 'C' FROM generate_series(n * 10, n * 10 + 2) AS m;
                    IF n % 2 = 0 THEN
                        PERFORM 1 / 0;
                    END IF;
                EXCEPTION WHEN division_by_zero THEN NULL;
                END;
            END LOOP;
        END
        $do$
        """
    )
    assert hub.id_pubs() == list(range(1, 10))
    assert hub.counters() == (9, 0)


def test_an_insert_that_fails_midway_leaves_no_gap(hub: Hub) -> None:
    insert(hub, 5)
    before = hub.everything()
    with pytest.raises(psycopg.errors.UniqueViolation):
        insert(hub, 3, 4, 5, 6)
    assert hub.everything() == before
    assert hub.save(7) == 2


def test_on_conflict_that_would_leave_a_gap_is_refused(hub: Hub) -> None:
    insert(hub, 5)
    before = hub.everything()
    for action in (
        "DO NOTHING",
        "(azi, prov_tipo, prov_id, id_int) WHERE id_int IS NOT NULL DO UPDATE SET conferma = 'X'",
    ):
        with refused("OR004", naming="3 numbers"):
            hub.dba.execute(
                f"{INSERT} SELECT '{hub.azi}', 'S', n, 'C' FROM generate_series(4, 6) AS n ON CONFLICT {action}"
            )
    assert hub.everything() == before


def test_on_conflict_that_meets_none_is_an_insert(hub: Hub) -> None:
    hub.dba.execute(f"{INSERT} SELECT '{hub.azi}', 'S', n, 'C' FROM generate_series(4, 6) AS n ON CONFLICT DO NOTHING")
    assert hub.id_pubs() == [1, 2, 3]


FORGED = {
    "junk": {"ortes.id_pub": "junk", "ortes.id_sincro": "junk"},
    "a company and no number": {"ortes.id_pub_azi": "C00001", "ortes.id_sincro_azi": "C00001"},
    "another start": {
        "ortes.id_pub": "700",
        "ortes.id_sincro": "700",
        "ortes.id_pub_azi": "C00001",
        "ortes.id_sincro_azi": "C00001",
    },
    "on from here": {
        "ortes.id_pub": "3",
        "ortes.id_sincro": "3",
        "ortes.id_pub_azi": "C00001",
        "ortes.id_sincro_azi": "C00001",
    },
    "a statement's only number": {
        "ortes.id_pub": "+3",
        "ortes.id_sincro": "+3",
        "ortes.id_pub_azi": "C00001",
        "ortes.id_sincro_azi": "C00001",
    },
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
def test_a_session_cannot_choose_numbers_by_setting_what_the_triggers_count_in(
    hub: Hub, forged: dict[str, str]
) -> None:
    for n in (1, 2, 3):
        hub.acquire(hub.save(n), f"T{n}")
    before = hub.everything()
    for call in (
        lambda store, erp: hub.save(4, connection=store),
        lambda store, erp: hub.acquire(4, "T4", connection=erp),
        lambda store, erp: hub.export("G5", connection=erp)[0],
    ):
        # One call a session: the settings are as forged when it comes.
        with hub.connect("store") as store, hub.connect("erp") as erp:
            for connection in (store, erp):
                for setting, value in forged.items():
                    connection.execute("SELECT set_config(%s, %s, false)", (setting, value))
            assert call(store, erp) in (4, 5)
    assert hub.id_pubs() == [1, 2, 3, 4, 5]
    assert hub.counters() == (5, 5)
    assert hub.everything()["arportes"][:3] == before["arportes"]


def test_a_door_called_inside_an_insert_leaves_no_gap(hub: Hub) -> None:
    hub.dba.execute(
        f"""
        {INSERT}
        SELECT '{hub.azi}', 'S', n + 0 * CASE WHEN n IN (3, 6, 7) THEN ortes_store.save_order('{hub.azi}', 100 + n) ELSE 0 END, 'C'
        FROM generate_series(1, 9) AS n
        """
    )
    assert sorted(row[0] for row in rows(hub.dba, "SELECT id_pub FROM ortes.arportes")) == list(range(1, 13))
    assert hub.counters() == (12, 0)
    assert hub.save(1000) == 13


@pytest.mark.parametrize("known", [[1], [2], [1, 2], [5], [9]])
def test_with_rows_left_out_it_is_refused_or_leaves_no_gap(hub: Hub, known: list[int]) -> None:
    for id_int in known:
        hub.save(id_int)
    before = hub.everything()
    statement = f"""
        {INSERT}
        SELECT '{hub.azi}', 'S', n + 0 * CASE WHEN n = 3 THEN ortes_store.save_order('{hub.azi}', 100 + n) ELSE 0 END, 'C'
        FROM generate_series(1, 9) AS n
        ON CONFLICT DO NOTHING
    """
    if known == [2]:  # its number is the last one before the door is called, which gets it
        hub.dba.execute(statement)
        assert sorted(row[0] for row in rows(hub.dba, "SELECT id_pub FROM ortes.arportes")) == list(range(1, 11))
        assert hub.counters() == (10, 0)
    else:
        with refused("OR004", naming="drew"):
            hub.dba.execute(statement)
        assert hub.everything() == before


@pytest.mark.parametrize("at", [1, 3, 5])
@pytest.mark.parametrize(
    "door", ["ortes_store.save_order('C00001', 100)", "(SELECT id_pub FROM ortes_erp.export_order('C00001', 'G'))"]
)
def test_a_door_called_inside_an_update_leaves_no_gap_and_doubles_no_number(hub: Hub, at: int, door: str) -> None:
    for n in range(1, 6):
        hub.save(n)
    hub.dba.execute(
        f"UPDATE ortes.arportes SET conferma = 'X' || CASE id_int WHEN {at} THEN {door} ELSE 0 END WHERE id_int <= 5"
    )
    given = sorted(row[0] for row in rows(hub.dba, "SELECT id_sincro FROM ortes.arportes WHERE id_sincro > 0"))
    assert given == list(range(1, 7 if "export" in door else 6))
    assert hub.counters() == (6, len(given))
    assert hub.acquire(hub.save(200), "T200") == len(given) + 1


def test_a_repeat_inside_an_update_keeps_the_counter_right(hub: Hub) -> None:
    for n in range(1, 6):
        hub.save(n)
    hub.dba.execute(
        "UPDATE ortes.arportes SET conferma = 'X' || CASE id_int WHEN 5 THEN ortes_store.save_order('C00001', 1) ELSE 0 END"
    )
    assert hub.counters() == (5, 5)
    assert hub.acquire(1, "T1") == 6


def test_a_trigger_of_the_dba_s_own_that_changes_other_orders_keeps_the_counter_right(hub: Hub) -> None:
    for n in range(1, 6):
        hub.save(n)
    hub.dba.execute(
        """
        CREATE FUNCTION public.also() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF new.conferma = 'X' THEN
                UPDATE ortes.arportes SET dati = '"seen"' WHERE id_pub = 1 AND dati IS NULL;
            END IF;
            RETURN NULL;
        END $$;
        CREATE TRIGGER also AFTER UPDATE ON ortes.arportes FOR EACH ROW EXECUTE FUNCTION public.also();
        UPDATE ortes.arportes SET conferma = 'X'
        """
    )
    assert hub.counters() == (5, 6)
    assert sorted(s for _, s in hub.changes(0)) == [2, 3, 4, 5, 6]
    assert hub.acquire(5, "T5") == 7


@pytest.mark.parametrize(
    ("name", "does"),
    [
        ("a_first", "RETURN NULL"),
        ("z_last", "RETURN NULL"),
        ("z_last", "new.id_pub := 7"),
        ("a_first", "new.azi := 'C00002'"),
        ("z_last", "new.azi := 'C00002'"),
    ],
)
def test_a_save_that_a_trigger_of_the_dba_s_own_leaves_out_or_moves_is_refused(hub: Hub, name: str, does: str) -> None:
    """Neither does it leave a gap, nor is it answered with another order, whatever the session has set."""
    hub.db.company("C00002")
    hub.save(1)
    hub.dba.execute(
        f"""
        CREATE FUNCTION public.own() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN IF new.id_int = 2 THEN {does}; END IF; RETURN new; END $$;
        CREATE TRIGGER {name} BEFORE INSERT ON ortes.arportes FOR EACH ROW EXECUTE FUNCTION public.own()
        """
    )
    with refused("OR004", naming="id_int 2"):
        hub.save(2)
    store = hub.connect("store")
    store.execute("SELECT set_config('ortes.repeated', '1', false)")
    with refused("OR004", naming="id_int 2"):
        hub.save(2, connection=store)
    with store.transaction():
        assert hub.save(1, connection=store) == 1
        with refused("OR004", naming="id_int 2"), store.transaction():
            hub.save(2, connection=store)
    assert hub.save(3) == 2
    assert (hub.counters(), hub.counters("C00002")) == ((2, 0), (0, 0))


def test_one_statement_that_inserts_and_updates_counts_both(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    hub.dba.execute(
        f"""
        WITH made AS (
            INSERT INTO ortes.arportes (azi, prov_tipo, tor_chia, autore_tipo)
            SELECT '{hub.azi}', 'G', 'G' || n, 'O' FROM generate_series(1, 5) AS n RETURNING id_pub
        ), waited AS (SELECT count(*) AS n FROM made)
        UPDATE ortes.arportes SET conferma = 'X' || waited.n FROM waited WHERE tor_chia = 'T1'
        """
    )
    assert hub.id_pubs() == [1, 2, 3, 4, 5, 6]
    assert sorted(row[0] for row in rows(hub.dba, "SELECT id_sincro FROM ortes.arportes")) == [2, 3, 4, 5, 6, 7]
    assert hub.counters() == (6, 7)
    assert hub.save(2) == 7


def test_one_statement_that_inserts_first_and_then_updates_counts_both(hub: Hub) -> None:
    hub.acquire(hub.save(1), "T1")
    hub.dba.execute(
        f"""
        WITH made AS (
            INSERT INTO ortes.arportes (azi, prov_tipo, tor_chia, autore_tipo)
            SELECT '{hub.azi}', 'G', 'G' || n, 'O' FROM generate_series(1, 5) AS n RETURNING id_pub
        ), changed AS (
            UPDATE ortes.arportes SET conferma = 'X' WHERE tor_chia = 'T1' RETURNING id_pub
        )
        SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM changed)
        """
    )
    assert hub.id_pubs() == [1, 2, 3, 4, 5, 6]
    assert sorted(row[0] for row in rows(hub.dba, "SELECT id_sincro FROM ortes.arportes")) == [2, 3, 4, 5, 6, 7]
    assert hub.counters() == (6, 7)
    assert hub.save(2) == 7


def test_a_large_statement_moves_the_counter_twice_not_once_a_row(hub: Hub) -> None:
    with hub.connect("dba", autocommit=False) as dba:
        dba.execute(f"{INSERT} SELECT '{hub.azi}', 'S', n, 'C' FROM generate_series(1, 2000) AS n")
        moved = one(dba, "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'apstatosyn'")
        dba.commit()
    assert moved == 2
    assert hub.counters() == (2000, 0)
