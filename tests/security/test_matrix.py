"""Who may do what: every object of the catalogue × every role × every privilege, beside ortes_db/intended.csv.

An object that nobody placed in that file fails here: add a line for each role that gets something on it, or one line
without role and privilege.
"""

from typing import Any

import psycopg
import pytest

from ortes_db.doctor import Grant, granted, intended
from tests.hub import Connection, Hub, rows

ROLES = ("ortes_store", "ortes_app", "ortes_erp", "ortes_ops", "ortes_monitor")
TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
COLUMN_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "REFERENCES")

# An argument for every parameter of a door, by name. The company stands in for p_azi.
ARGUMENTS: dict[str, Any] = {
    "p_autore_cod": 0, "p_before": "2020-01-01", "p_conferma": "C", "p_contatore": "ID-PUB", "p_dati": "{}", "p_device": 50,
    "p_id_int": 9, "p_id_pub": 1, "p_id_pubs": [1], "p_id_sincro": 0, "p_if_sincro": None, "p_limit": 10,
    "p_login": "postgres", "p_on": True, "p_orders": "[]", "p_prov_id": None, "p_prov_tipo": "S", "p_since": 0,
    "p_store": None, "p_tor_chia": "T9", "p_valore": 0,
}  # fmt: skip


def grants(hub: Hub) -> set[Grant]:
    hub.dba.execute("SET search_path = pg_catalog, pg_temp")
    return granted(hub.dba)


def test_what_is_granted_is_what_is_intended(hub: Hub) -> None:
    there, wanted = grants(hub), intended()
    assert there - wanted == set(), "not placed in ortes_db/intended.csv"
    assert wanted - there == set(), "in ortes_db/intended.csv, and not in the database"


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE FUNCTION ortes_store.forgotten() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE ortes.forgotten (a integer)",
        "CREATE VIEW ortes_ops.forgotten AS SELECT 1 AS a",
        "CREATE SEQUENCE ortes.forgotten",
        "CREATE SCHEMA ortes_new AUTHORIZATION ortes_owner",
        "GRANT SELECT (dati) ON ortes_ops.orders TO ortes_monitor",
        "GRANT EXECUTE ON FUNCTION ortes.lock_company(text) TO PUBLIC",
        "GRANT SELECT ON ortes.arportes TO ortes_store WITH GRANT OPTION",
        "REVOKE EXECUTE ON FUNCTION ortes_store.position(text, integer) FROM ortes_store",
    ],
)
def test_what_nobody_placed_is_found(hub: Hub, statement: str) -> None:
    hub.dba.execute("SET ROLE ortes_owner" if "SCHEMA ortes_new" not in statement else "RESET ROLE")
    hub.dba.execute(statement)
    hub.dba.execute("RESET ROLE")
    assert grants(hub) != intended()


def effective(hub: Hub, role: str) -> set[tuple[str, str, str]]:
    """What a login with this one role can really do, however it came by it."""
    login = hub.db.login("matrix", role)
    found = set()
    functions = (
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE {} AND has_function_privilege(%s, p.oid, 'EXECUTE')"
    )
    tables = "SELECT c.oid::regclass::text FROM pg_class AS c WHERE {} AND has_table_privilege(%s, c.oid, %s)"
    columns = """
        SELECT c.oid::regclass::text, a.attname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
        WHERE {} AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(%s, c.oid, a.attnum, %s)
    """
    ours = "p.pronamespace::regnamespace::text ~ '^ortes'"
    relations = "c.relnamespace::regnamespace::text ~ '^ortes' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
    hub.dba.execute("SET search_path = pg_catalog, pg_temp")
    found |= {("function", name, "EXECUTE") for (name,) in rows(hub.dba, functions.format(ours), login)}
    whole = set()
    for privilege in TABLE_PRIVILEGES:
        whole |= {(name, privilege) for (name,) in rows(hub.dba, tables.format(relations), login, privilege)}
    found |= {("relation", name, privilege) for name, privilege in whole}
    for privilege in COLUMN_PRIVILEGES:
        for name, column in rows(hub.dba, columns.format(relations), login, privilege):
            if (name, privilege) not in whole:
                found.add(("relation", name, f"{privilege} ({column})"))
    for privilege in ("USAGE", "CREATE"):
        query = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^ortes' AND has_schema_privilege(%s, oid, %s)"
        found |= {("schema", name, privilege) for (name,) in rows(hub.dba, query, login, privilege)}
    return found


@pytest.mark.parametrize("role", ROLES)
def test_what_a_login_can_really_do_is_what_its_role_is_meant_to(hub: Hub, role: str) -> None:
    kinds = {"table": "relation", "view": "relation"}
    wanted = {(kinds.get(kind, kind), name, privilege) for kind, name, to, privilege in intended() if to == role}
    assert effective(hub, role) == wanted


@pytest.mark.parametrize(
    "leak",
    [
        "GRANT ortes_owner TO ortes_store",
        "GRANT pg_read_all_data TO ortes_store",
        "GRANT ortes_erp TO ortes_store",
        "GRANT SELECT ON ortes.reader TO PUBLIC",
    ],
)
def test_a_right_by_a_detour_is_found(hub: Hub, leak: str) -> None:
    """Memberships belong to the server: what is taken back here, others must not meet."""
    with hub.dba.transaction(force_rollback=True):
        hub.dba.execute(leak)
        login = "CREATE ROLE detour LOGIN IN ROLE ortes_store"
        hub.dba.execute(login)
        readable = "SELECT has_table_privilege('detour', 'ortes.reader', 'SELECT')"
        executable = "SELECT has_function_privilege('detour', 'ortes_erp.pending(text, integer)', 'EXECUTE')"
        assert rows(hub.dba, readable) + rows(hub.dba, executable) != [(False,), (False,)]


def functions(hub: Hub) -> list[tuple[str, str, list[str], str]]:
    """Schema, signature, names of the parameters, a call with nulls."""
    query = """
        SELECT p.pronamespace::regnamespace::text, p.oid::regprocedure::text, coalesce((p.proargnames)[1:p.pronargs], '{}'),
            p.pronamespace::regnamespace || '.' || quote_ident(p.proname) || '(' || (
                SELECT coalesce(string_agg(format('NULL::%s', format_type(t.type, NULL)), ', ' ORDER BY t.ord), '')
                FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS t (type, ord)
            ) || ')'
        FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text ~ '^ortes'
    """
    hub.dba.execute("SET search_path = pg_catalog, pg_temp")
    return rows(hub.dba, query)


def outcome(connection: Connection, query: str, arguments: dict[str, Any] | None = None) -> str:
    """The SQLSTATE of a call that leaves nothing behind."""
    with connection.transaction(force_rollback=True):
        try:
            with connection.transaction():
                connection.execute(query, arguments)
        except psycopg.Error as error:
            return error.sqlstate or "lost"
    return "00000"


@pytest.mark.parametrize("role", ROLES)
def test_every_function_called_by_every_role_for_its_own_company_another_and_none(hub: Hub, role: str) -> None:
    hub.save(1)
    hub.db.company("OTHER")
    executable = {name for kind, name, to, _ in intended() if kind == "function" and to == role}
    bound = role in ("ortes_store", "ortes_app", "ortes_erp")
    own = hub.db.connect(hub.db.login("own", role, hub.azi if bound else None, 50 if role == "ortes_app" else None))
    none = hub.db.connect(hub.db.login("none", role))
    called = 0
    for _, signature, names, with_nulls in functions(hub):
        if signature not in executable:
            assert outcome(own, f"SELECT {with_nulls}") == "42501", f"{role} can call {signature}"
            continue
        called += 1
        assert set(names) <= {"p_azi", *ARGUMENTS}, f"{signature}: give its new parameters a value in ARGUMENTS"
        name = with_nulls.partition("(")[0]
        call = f"SELECT * FROM {name}({', '.join(f'{n} => %({n})s' for n in names)})"
        given = {n: ARGUMENTS.get(n) for n in names}

        def acts(connection: Connection, azi: str, call: str = call, given: dict[str, Any] = given) -> str:
            return outcome(connection, call, given | {"p_azi": azi})

        assert acts(own, hub.azi) not in ("42501", "OR003"), f"{role} cannot call {signature}"
        if bound:
            for connection, azi in ((own, "OTHER"), (own, "NOWHERE"), (none, hub.azi), (none, "NOWHERE")):
                assert acts(connection, azi) == "OR003", f"{role}, {signature}, {azi}"
        if role == "ortes_app":
            assert outcome(own, call, given | {"p_azi": hub.azi, "p_device": 51}) == "OR003"
    assert called == len(executable)


def test_what_a_later_deploy_adds_is_closed(hub: Hub) -> None:
    hub.dba.execute("SET ROLE ortes_owner")
    hub.dba.execute("CREATE FUNCTION ortes_store.later() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    hub.dba.execute("CREATE VIEW ortes_store.later AS SELECT 1 AS a")
    hub.dba.execute("RESET ROLE")
    assert outcome(hub.store, "SELECT ortes_store.later()") == "42501"
    assert outcome(hub.store, "SELECT * FROM ortes_store.later") == "42501"


def test_without_the_default_privileges_it_would_not_be(hub: Hub) -> None:
    hub.dba.execute("ALTER DEFAULT PRIVILEGES FOR ROLE ortes_owner GRANT EXECUTE ON FUNCTIONS TO PUBLIC")
    hub.dba.execute("SET ROLE ortes_owner")
    hub.dba.execute("CREATE FUNCTION ortes_store.later() RETURNS integer LANGUAGE sql AS 'SELECT 1'")
    assert outcome(hub.store, "SELECT ortes_store.later()") == "00000"
