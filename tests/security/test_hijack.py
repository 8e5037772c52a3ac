"""What runs with the owner's rights runs the owner's code, whatever stands in the caller's schemas."""

import psycopg
import pytest
from psycopg import sql

from tests.hub import Connection, Hub, one, rows

DOOR = "SELECT ortes_store.save_order('C00001', 1, 0, '{\"a\": 1}')"


def prepare(hub: Hub) -> Connection:
    """A store whose login owns a schema of its own, first in its search_path."""
    login = hub.login("store")
    hub.dba.execute(sql.SQL("CREATE SCHEMA evil AUTHORIZATION {}").format(sql.Identifier(login)))
    hub.dba.execute(f"GRANT TEMPORARY ON DATABASE {hub.db.name} TO PUBLIC")
    connection = hub.db.connect(login)
    # The result of every trap: who ran it. The owner's name in there is a break-in.
    connection.execute("CREATE TABLE evil.caught (by text)")
    connection.execute("GRANT INSERT ON evil.caught TO PUBLIC")
    # PostgreSQL passes over a schema that the owner may not use.
    connection.execute("GRANT USAGE ON SCHEMA evil TO PUBLIC")
    return connection


def lay_traps(connection: Connection) -> None:
    """Functions, operators, casts' functions, tables and types named as what the hub uses, in every schema we may use."""
    # The warning outlives an error that comes after it.
    trap = "INSERT INTO evil.caught VALUES (current_user); RAISE WARNING 'caught by %', current_user"
    for name, arguments, returns, value in (
        ("current_setting", "text, boolean", "text", "''::text"),
        ("current_setting", "text", "text", "''::text"),
        ("set_config", "text, text, boolean", "text", "''::text"),
        ("coalesce_text", "text", "text", "''::text"),
        ("hashtext", "text", "integer", "1"),
        ("pg_try_advisory_xact_lock", "integer, integer", "boolean", "true"),
        ("now", "", "timestamptz", "'2000-01-01'::timestamptz"),
        ("length", "text", "integer", "1"),
        ("format", "text, text", "text", "''::text"),
        ("sha256", "bytea", "bytea", "''::bytea"),
        ("pg_has_role", "name, name, text", "boolean", "true"),
        ("jsonb_typeof", "jsonb", "text", "'array'::text"),
        ("octet_length", "text", "integer", "1"),
    ):
        connection.execute(
            f'CREATE FUNCTION evil."{name}"({arguments}) RETURNS {returns} LANGUAGE plpgsql AS '
            f"$$ BEGIN {trap}; RETURN {value}; END $$"
        )
    for operator, left, right in (
        ("=", "text", "text"),
        ("||", "text", "text"),
        ("<>", "text", "text"),
        (">=", "bigint", "integer"),
    ):
        function = f"op_{left}_{right}_{len(operator)}{ord(operator[0])}"
        returns = "text" if operator == "||" else "boolean"
        value = "''::text" if operator == "||" else "true"
        connection.execute(
            f"CREATE FUNCTION evil.{function}({left}, {right}) RETURNS {returns} LANGUAGE plpgsql AS "
            f"$$ BEGIN {trap}; RETURN {value}; END $$"
        )
        connection.execute(
            f"CREATE OPERATOR evil.{operator} (FUNCTION = evil.{function}, LEFTARG = {left}, RIGHTARG = {right})"
        )
    for table in ("arportes", "apstatosyn", "access", "company", "history", "orders"):
        connection.execute(f"CREATE TEMPORARY TABLE {table} (azi text, login text, device integer)")
        connection.execute(f"CREATE TABLE evil.{table} (azi text, login text, device integer)")
    connection.execute("CREATE DOMAIN evil.bigint AS pg_catalog.int4")
    connection.execute("CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false)")


@pytest.mark.parametrize("path", ["evil, pg_catalog", "pg_temp, evil, pg_catalog", "evil, pg_temp, ortes, pg_catalog"])
def test_no_name_in_the_callers_schemas_is_taken(hub: Hub, path: str) -> None:
    hub.dba.execute("SELECT ortes_ops.set_audit('C00001', true)")
    connection = prepare(hub)
    lay_traps(connection)
    connection.execute(f"SET search_path = {path}")
    assert one(connection, DOOR) == 1
    connection.execute("SELECT ortes_store.position('C00001'), ortes_store.import_order('C00001', 1)")
    assert rows(connection, "SELECT * FROM ortes_store.changes('C00001')") == []
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("SELECT ortes_store.save_order('NOWHERE', 1)")
    assert caught.value.sqlstate == "OR003"
    assert hub.id_pubs() == [1]
    assert rows(connection, "SELECT by FROM evil.caught") == []


def test_without_its_pinned_search_path_the_door_would_be_hijacked(hub: Hub) -> None:
    """The same traps catch a door that lacks it: the test sees what it is there to see."""
    hub.dba.execute("ALTER FUNCTION ortes_store.save_order(text, bigint, bigint, jsonb, integer) RESET search_path")
    connection = prepare(hub)
    lay_traps(connection)
    connection.execute("SET search_path = evil, pg_catalog")
    connection.execute(
        "CREATE OR REPLACE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT clock_timestamp()'"
    )
    # This trap is an error before the others are reached; they say in whose name they ran.
    connection.execute("DROP DOMAIN pg_temp.text")
    caught: list[str | None] = []
    connection.add_notice_handler(lambda notice: caught.append(notice.message_primary))
    # With the trap in the place of `=` the UPDATE of a counter moves several.
    with pytest.raises(psycopg.errors.TooManyRows):
        connection.execute(DOOR)
    assert "caught by ortes_owner" in caught


def test_every_definer_pins_it_whatever_its_schema(hub: Hub) -> None:
    query = """
        SELECT p.oid::regprocedure::text FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text ~ '^ortes' AND p.prosecdef
            AND (p.proowner <> 'ortes_owner'::regrole OR NOT 'search_path=pg_catalog, pg_temp' = ANY (p.proconfig)
                OR has_function_privilege('public', p.oid, 'EXECUTE'))
    """
    assert rows(hub.dba, query) == []


def test_a_function_called_by_the_login_cannot_write_as_the_owner(hub: Hub) -> None:
    """A trigger or default of the caller's cannot get into the hub's tables in the first place."""
    connection = prepare(hub)
    for statement in (
        "CREATE TRIGGER t BEFORE INSERT ON ortes.arportes EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "CREATE RULE r AS ON INSERT TO ortes_ops.orders DO ALSO NOTHING",
        "ALTER TABLE ortes.arportes DISABLE TRIGGER ALL",
        "CREATE FUNCTION ortes_store.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION ortes_store.position(text, integer) SET search_path = evil",
        "SET ROLE ortes_owner",
        "SET SESSION AUTHORIZATION postgres",
        "SET session_replication_role = replica",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_a_session_cannot_forge_what_the_hub_keeps_in_settings(hub: Hub) -> None:
    hub.dba.execute("SELECT ortes_ops.set_audit('C00001', true)")
    store = hub.store
    for name in ("ortes.audited", "ortes.unaudited", "ortes.id_pub_azi", "ortes.id_sincro_azi"):
        store.execute("SELECT set_config(%s, 'C00001', false)", (name,))
    store.execute("SELECT set_config('ortes.door', 'ortes_erp.forged', false), set_config('ortes.id_pub', '77', false)")
    store.execute("SELECT set_config('ortes.id_sincro', '+77', false)")
    assert hub.save(1) == 1
    assert hub.save(2) == 2
    hub.export("G1", connection=hub.erp)
    store.execute("SELECT set_config('ortes.unaudited', 'C00001', false)")
    assert one(store, "SELECT ortes_store.import_order('C00001', 3)")
    history = "SELECT id_pub, door FROM ortes.history WHERE id_pub IS NOT NULL ORDER BY at"
    assert rows(hub.dba, history) == [
        (1, "ortes_store.save_order"),
        (2, "ortes_store.save_order"),
        (3, "ortes_erp.export_order"),
        (3, "ortes_store.import_order"),
    ]
