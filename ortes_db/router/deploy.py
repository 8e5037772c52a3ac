"""`ortes router deploy`: makes the doors of the shards on the router, or leaves it exactly as it was."""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ortes_db.hub import one_line
from ortes_db.manifest import DEPLOY_LOCK, SESSION, quoted
from ortes_db.resources import sql_dir
from ortes_db.router import generate
from ortes_db.router.catalogue import ROLES, Catalogue, read_catalogue
from ortes_db.router.shards import Shard, connect
from ortes_db.router.status import FINGERPRINT
from ortes_db.tree import DeployError

OWN_SQL = Path(__file__).with_name("sql")
# The hub's own words for what the router refuses itself.
OF_THE_HUB = (
    "ortes/check_azi.sql",
    "ortes/raise_bad_argument.sql",
    "ortes/raise_not_granted.sql",
    "ortes/raise_unknown_company.sql",
)
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW ([\w.]+) AS\n(.*?);\n(.*)", re.DOTALL)
_SCHEMAS = ("ortes", "ortes_router", "plproxy", "ortes_store", "ortes_app", "ortes_erp", "ortes_ops")
# What the router's database sets for its sessions, so that none waits for ever: a connection that a shard takes and does
# not answer ends by the first; a caller that has gone does not leave a session behind that holds its company.
_SETTINGS = {"statement_timeout": "30s", "client_connection_check_interval": "2s"}

_SERVER = """
SELECT r.rolsuper, pg_is_in_recovery(), EXISTS (SELECT FROM pg_available_extensions AS e WHERE e.name = 'plproxy'),
    EXISTS (SELECT FROM pg_class AS c WHERE c.relname = 'arportes' AND c.relnamespace::regnamespace::text = 'ortes'),
    current_user
FROM pg_roles AS r WHERE r.rolname = current_user
"""
_STALE_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc AS p
WHERE p.pronamespace::regnamespace::text = ANY (%s) AND p.xmin <> pg_current_xact_id()::xid
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text FROM pg_proc AS p
WHERE p.pronamespace::regnamespace::text = ANY (%s) AND p.xmin <> pg_current_xact_id()::xid
"""
_STALE_VIEWS = """
SELECT c.oid::regclass::text FROM pg_class AS c
INNER JOIN pg_rewrite AS r ON c.oid = r.ev_class AND r.rulename = '_RETURN'
WHERE c.relnamespace::regnamespace::text = ANY (%s) AND r.xmin <> pg_current_xact_id()::xid
"""
_FUNCTIONS = """
SELECT p.oid::regprocedure::text, p.pronamespace::regnamespace::text, p.proname, oidvectortypes(p.proargtypes),
    pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.prorettype::regtype::text
FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text = ANY (%s)
"""
_RELATIONS = """
SELECT c.oid::regclass::text, string_agg(format('"%%s" %%s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
    ORDER BY a.attnum)
FROM pg_class AS c
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace::regnamespace::text = ANY (%s) AND c.relkind = ANY (%s::"char"[])
GROUP BY c.oid
"""


@dataclass
class RouterResult:
    """What a deploy of the router made."""

    shards: list[str] = field(default_factory=list)
    doors: int = 0
    views: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    # Written into the directory, because their shard has them.
    companies: int = 0
    # Not on the router, with the reason.
    left_out: dict[str, str] = field(default_factory=dict)
    # Copies that the directory does not point to, as "company on shard".
    stray: list[str] = field(default_factory=list)
    # What is left for a DBA.
    todo: list[str] = field(default_factory=list)


def deploy_router(
    dsn: str,
    shards: Sequence[Shard] = (),
    *,
    skip: Sequence[str] = (),
    report: Callable[[str], None] | None = None,
) -> RouterResult:
    """Bring the router to what the shards are, in one transaction. Raises DeployError.

    `shards`: new ones, or others' new addresses; the router knows the rest. `skip`: names of shards that cannot be
    reached now and are not compared.
    """
    say = report or (lambda _: None)
    if twice := _twice([shard.name for shard in shards]):
        raise DeployError(f"two shards named {twice}: name them, --shard NAME='host=… dbname=…'")
    with connect(dsn, "the router") as router:
        _check_server(router)
        everyone = _with_known(router, dsn, shards)
        if not everyone:
            raise DeployError("no shard: name the first with --shard")
        if unknown := set(skip) - {shard.name for shard in everyone}:
            raise DeployError(f"--skip {min(unknown)}: there is no such shard")
        catalogues = {shard.name: _read(shard) for shard in everyone if shard.name not in skip}
        if not catalogues:
            raise DeployError("every shard is skipped: the doors are made from one that answers")
        _check_same_release(catalogues)
        _check_one_home(catalogues)
        say(f"{len(catalogues)} shard(s) read")
        try:
            with router.transaction():
                return _deploy(router, shards, catalogues)
        except psycopg.errors.LockNotAvailable as error:
            raise DeployError(f"the router is in use, nothing was changed: {one_line(error)}. Try again.", 1) from None
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.DependentObjectsStillExist) as error:
            said = [
                one_line(error),
                *(" ".join(line.split()) for line in (error.diag.message_detail or "").splitlines()),
            ]
            raise DeployError(f"{'. '.join(said)}. Nothing was changed.") from None


def _check_server(router: psycopg.Connection[Any]) -> None:
    superuser, standby, available, hub, user = router.execute(_SERVER).fetchone() or (False, False, False, False, "")
    if standby:
        raise DeployError("the router's server is a standby: use the primary")
    if hub:
        raise DeployError("this database is a hub itself: a router is a database of its own")
    if not available:
        raise DeployError(
            "PL/Proxy is not installed on the router's server (Debian: apt install postgresql-15-plproxy)"
        )
    if not superuser:
        raise DeployError(f"role {user} is no superuser: PostgreSQL lets nobody else make PL/Proxy functions")


def _with_known(router: psycopg.Connection[Any], dsn: str, given: Sequence[Shard]) -> list[Shard]:
    """Those given, and those that the router knows; we reach the latter as the user with whom we reach the router."""
    if router.execute("SELECT to_regclass('ortes_router.shard') IS NULL").fetchone() == (True,):
        return list(given)
    mine = {key: value for key, value in conninfo_to_dict(dsn).items() if key in ("user", "password", "passfile")}
    mine.setdefault("user", router.info.user)
    names = {shard.name for shard in given}
    known = router.execute("SELECT s.name, s.options FROM ortes_router.shard AS s ORDER BY s.part").fetchall()
    return [
        *given,
        *(Shard(name, make_conninfo(options, **mine), options) for name, options in known if name not in names),
    ]


def _read(shard: Shard) -> Catalogue:
    with connect(shard.dsn, f"shard {shard.name}") as connection:
        return read_catalogue(connection, shard.name)


def _twice(names: list[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


def _check_same_release(catalogues: dict[str, Catalogue]) -> None:
    by_release = defaultdict(list)
    for name, one in catalogues.items():
        by_release[one.release].append(name)
    if len(by_release) > 1:
        groups = "; ".join(", ".join(names) for names in by_release.values())
        raise DeployError(
            f"the shards are at different releases ({groups}): `ortes deploy` the same on each, then deploy the router"
        )


def _check_one_home(catalogues: dict[str, Catalogue]) -> None:
    """Two shards may be one database under two names, and then nothing would be where the directory says."""
    seen: dict[str, str] = {}
    for name, one in catalogues.items():
        if (other := seen.setdefault(one.database, name)) != name:
            raise DeployError(f"shards {other} and {name} are one and the same database")


def _deploy(router: psycopg.Connection[Any], shards: Sequence[Shard], catalogues: dict[str, Catalogue]) -> RouterResult:
    router.execute("SELECT pg_advisory_xact_lock(%s)", (DEPLOY_LOCK,))
    router.execute(SESSION)
    router.execute("SET LOCAL lock_timeout = '5s'")
    shown = next(iter(catalogues.values()))
    result = RouterResult(dropped=_make_room(router, shown))
    _run(router, _schemas(shown))
    for path in _own_files("tables.sql"):
        _run(router, path.read_text(encoding="utf-8"))
    _write_shards(router, shards, catalogues, result)
    existing = _relations(router)
    for one in shown.types:
        if one.title not in existing:
            _run(router, generate.composite(one))
    for file in OF_THE_HUB:
        _run(router, (sql_dir() / file).read_text(encoding="utf-8"))
    _make_doors(router, shown, result)
    own = {path: path.read_text(encoding="utf-8") for path in sorted(_own_files("*/*.sql"))}
    views = {title: (query, rest) for text in own.values() for title, query, rest in _VIEW.findall(text)}
    for text in own.values():
        if not _VIEW.search(text):
            _run(router, text)
    views |= {one.title: generate.view(one) for one in shown.views if one.title in result.views}
    for title, (query, rest) in views.items():
        _make_view(router, title, query, rest)
    _own_everything(router)
    _run(router, (OWN_SQL / "privileges.sql").read_text(encoding="utf-8"))
    result.dropped += _drop_stale(router, set(views))
    _write_companies(router, catalogues, result)
    _bound_waits(router)
    _run(router, "DELETE FROM ortes_router.made")
    _run(
        router,
        f"INSERT INTO ortes_router.made (release, fingerprint) SELECT {quoted(shown.version)}, ({FINGERPRINT})",
    )
    result.todo = _todo(router, catalogues)
    return result


def _own_files(pattern: str) -> list[Path]:
    return list(OWN_SQL.glob(pattern))


def _run(router: psycopg.Connection[Any], text: str) -> None:
    router.execute(text)


def _schemas(shown: Catalogue) -> str:
    text = "CREATE EXTENSION IF NOT EXISTS plproxy;\n"
    for role in (*ROLES, "ortes_owner"):
        text += (
            f"DO $role$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} NOLOGIN; END IF; END $role$;\n"
        )
    for schema in _SCHEMAS:
        text += f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION ortes_owner;\n"
    for schema, comment, grantees in shown.schemas:
        text += f"COMMENT ON SCHEMA {schema} IS {quoted(comment or '')};\n"
        text += f"REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {', '.join(ROLES)};\n"
        if grantees:
            text += f"GRANT USAGE ON SCHEMA {schema} TO {', '.join(grantees)};\n"
    return text + (
        "COMMENT ON SCHEMA ortes_router IS 'The router: which company lives on which shard, and how calls get there.';\n"
        "COMMENT ON SCHEMA plproxy IS 'What PL/Proxy asks the router.';\n"
    )


def _relations(router: psycopg.Connection[Any], *kinds: str) -> dict[str, str]:
    """Views (v) and composite types (c) of the router: their columns by their names."""
    return dict(router.execute(_RELATIONS, (list(_SCHEMAS), list(kinds or ("v", "c")))).fetchall())


def _make_room(router: psycopg.Connection[Any], shown: Catalogue) -> list[str]:
    """Drop what CREATE OR REPLACE cannot change: views and types with other columns, functions with other results.

    With each, the functions behind it and those that use it.
    """
    existing = _relations(router)
    views = {
        one.title: ", ".join([*generate.columns_of(one), '"shard" text'])
        for one in shown.views
        if one.title not in generate.OWN_VIEWS
    }
    types = {one.title: ", ".join(generate.columns_of(one)) for one in shown.types}
    other_views = [title for title, columns in views.items() if existing.get(title, columns) != columns]
    other_types = [title for title, columns in types.items() if existing.get(title, columns) != columns]
    wanted = {(one.schema, one.name, one.types): (one.arguments, one.result) for one in shown.doors}
    functions = router.execute(_FUNCTIONS, (list(_SCHEMAS),)).fetchall()
    other_doors = [
        f"{schema}.{name}"
        for _, schema, name, types_, arguments, result, _ in functions
        if wanted.get((schema, name, types_), (arguments, result)) != (arguments, result)
    ]
    behind = {*other_doors, *other_views, *(f"{title} everywhere" for title in other_views)}
    for title in other_views:
        _run(router, f"DROP VIEW {title}")
    for signature, schema, name, types_, _, _, returns in functions:
        uses = returns in other_types or any(type_ in other_types for type_ in types_.split(", "))
        if uses or f"{schema}.{name}" in other_doors or (schema == "ortes_router" and name in behind):
            _run(router, f"DROP FUNCTION {signature}")
    for title in other_types:
        _run(router, f"DROP TYPE {title}")
    return [
        f"{title}, to be made with other columns or results" for title in (*other_views, *other_types, *other_doors)
    ]


def _write_shards(
    router: psycopg.Connection[Any], shards: Sequence[Shard], catalogues: dict[str, Catalogue], result: RouterResult
) -> None:
    for shard in shards:
        # Not ON CONFLICT: that would use a number up each time.
        done = router.execute(
            "UPDATE ortes_router.shard AS s SET options = %s WHERE s.name = %s", (shard.options, shard.name)
        )
        if done.rowcount == 0:
            router.execute(
                "INSERT INTO ortes_router.shard (name, options) VALUES (%s, %s)", (shard.name, shard.options)
            )
    rows = router.execute("SELECT s.name FROM ortes_router.shard AS s ORDER BY s.part").fetchall()
    result.shards = [name if name in catalogues else f"{name} (skipped)" for (name,) in rows]


def _make_doors(router: psycopg.Connection[Any], shown: Catalogue, result: RouterResult) -> None:
    for one in shown.doors:
        if generate.can_run_on_all(one):
            _run(router, generate.door(one))
            result.doors += 1
        else:
            result.left_out[one.title] = "it names no company (p_azi), and the shards' results do not make one"
    for view in shown.views:
        if view.title in generate.LEFT_OUT:
            result.left_out[view.title] = generate.LEFT_OUT[view.title]
        else:
            _run(router, generate.behind_view(view))
        if view.title not in {*generate.LEFT_OUT, *generate.OWN_VIEWS}:
            result.views.append(view.title)


def _own_everything(router: psycopg.Connection[Any]) -> None:
    rows = router.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE p.pronamespace::regnamespace::text = ANY (%s) "
        "AND p.proowner <> 'ortes_owner'::regrole AND p.xmin = pg_current_xact_id()::xid",
        (list(_SCHEMAS),),
    ).fetchall()
    for (signature,) in rows:
        _run(router, f"ALTER FUNCTION {signature} OWNER TO ortes_owner")
    # An identity's sequence goes with its table.
    rows = router.execute(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relnamespace::regnamespace::text = ANY (%s) AND "
        "c.relowner <> 'ortes_owner'::regrole AND (c.relkind IN ('r', 'v') OR c.relkind = 'S' AND NOT EXISTS ("
        "SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'))",
        (list(_SCHEMAS),),
    ).fetchall()
    for (relation,) in rows:
        _run(router, f"ALTER TABLE {relation} OWNER TO ortes_owner")


def _make_view(router: psycopg.Connection[Any], title: str, query: str, rest: str) -> None:
    """Make a view where it is not what it should be: making it locks out who reads it, and might wait for them in a circle."""
    _run(router, f"CREATE OR REPLACE TEMP VIEW ortes_wanted AS {query}")
    same = router.execute(
        "SELECT pg_get_viewdef(to_regclass(%s)) = pg_get_viewdef('pg_temp.ortes_wanted'::regclass)", (title,)
    ).fetchone()
    if same != (True,):
        _run(router, f"CREATE OR REPLACE VIEW {title} AS {query}")
    _run(router, "DROP VIEW pg_temp.ortes_wanted")
    _run(router, rest)


def _drop_stale(router: psycopg.Connection[Any], views: set[str]) -> list[str]:
    """What this deploy did not make: doors and views that the shards no longer have."""
    stale = [("VIEW", title) for title in _relations(router, "v") if title not in views]
    # Views first: they use the functions.
    stale += [("FUNCTION", name) for (name,) in router.execute(_STALE_FUNCTIONS, (list(_SCHEMAS),)).fetchall()]
    for kind, name in stale:
        _run(router, f"DROP {kind} {name}")
    return [f"{kind.lower()} {name}" for kind, name in stale if not name.startswith("ortes_router.")]


def _write_companies(router: psycopg.Connection[Any], catalogues: dict[str, Catalogue], result: RouterResult) -> None:
    """Write into the directory what the shards have and it has not: hubs that were there before the router."""
    homes = dict(router.execute("SELECT c.azi, c.shard FROM ortes_router.company AS c").fetchall())
    found: dict[str, str] = {}
    for shard, one in catalogues.items():
        for azi in one.companies:
            if azi in homes:
                if homes[azi] != shard:
                    result.stray.append(f"{azi} on {shard}")
            elif azi in found:
                raise DeployError(
                    f"company {azi} is on shard {found[azi]} and on shard {shard}, and the directory does not say which "
                    f"one is right: INSERT INTO ortes_router.company (azi, shard) VALUES ({quoted(azi)}, …)"
                )
            else:
                found[azi] = shard
    router.execute(
        "INSERT INTO ortes_router.company (azi, shard) SELECT f.azi, f.shard FROM unnest(%s::text[], %s::text[]) AS f (azi, shard) "
        "ON CONFLICT DO NOTHING",
        (list(found), list(found.values())),
    )
    result.companies = len(found)


def _bound_waits(router: psycopg.Connection[Any]) -> None:
    """The settings for this database, where a DBA has not set others."""
    rows = router.execute(
        "SELECT split_part(c.setting, '=', 1) FROM pg_db_role_setting AS d CROSS JOIN unnest(d.setconfig) AS c (setting) "
        "WHERE d.setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND d.setrole = 0"
    ).fetchall()
    for setting, value in _SETTINGS.items():
        if (setting,) not in rows:
            alter = sql.SQL("ALTER DATABASE {} SET {} = {}")
            names = sql.Identifier(router.info.dbname), sql.Identifier(setting)
            router.execute(alter.format(*names, sql.Literal(value)))


def _todo(router: psycopg.Connection[Any], catalogues: dict[str, Catalogue]) -> list[str]:
    """Logins of the router that do not get through to the shards yet."""
    rows = router.execute(
        "SELECT r.rolname, EXISTS (SELECT FROM ortes_router.login AS l WHERE l.name = r.rolname) FROM pg_roles AS r "
        "WHERE r.rolcanlogin AND NOT r.rolsuper AND NOT pg_has_role(r.oid, 'ortes_owner', 'MEMBER') AND ("
        "SELECT bool_or(pg_has_role(r.oid, h.oid, 'MEMBER')) FROM pg_roles AS h WHERE h.rolname = ANY (%s)) ORDER BY 1",
        (list(ROLES),),
    ).fetchall()
    todo = []
    for name, has_password in rows:
        if missing := [shard for shard, one in catalogues.items() if name not in one.logins]:
            todo.append(f"login {name} is not on shard {', '.join(missing)}: create it there, with the same roles")
        if not has_password:
            todo.append(
                f"login {name} has no password for the shards: ortes router login {name} (unless their pg_hba.conf lets "
                "this server in otherwise)"
            )
    return todo
