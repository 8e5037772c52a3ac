"""The router's doors and views, as SQL made from a shard's catalogue."""

from collections.abc import Iterable

from ortes_db.manifest import quoted
from ortes_db.router.catalogue import Columns, Door

# The router has its own: it decides the shard first; and its release is what it was made from.
OWN_DOORS = frozenset({"ortes_ops.create_company(text)"})
OWN_VIEWS = frozenset({"ortes_ops.release"})
# Not made at all, with the reason.
LEFT_OUT = {
    "ortes_ops.orders": "every order of every shard would come here at each look: ask ortes_ops.find_order, or the shard"
}

_HEAD = """LANGUAGE plpgsql
VOLATILE
PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp"""


def door(one: Door) -> str:
    """The function that a caller finds, and the one behind it that PL/Proxy runs on the company's shard."""
    if "p_azi" not in one.names:
        return _door_on_all(one)
    if one.title in OWN_DOORS:
        return _remote(one)
    azi = f"${one.names.index('p_azi') + 1}"
    call = f"{_behind(one)}({', '.join(_numbers(one))})"
    return f"""{_remote(one)}
CREATE OR REPLACE FUNCTION {one.schema}.{one.name}({one.arguments})
RETURNS {one.result}
{_HEAD}
SET client_min_messages = error{_rows(one)}
AS $door$
-- Made by `ortes router deploy` from a shard's catalogue.
DECLARE
    v_detail text;
    v_hint text;
BEGIN
    {_give_back(one, call)}
EXCEPTION
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
        PERFORM ortes_router.raise_from_shard(ortes_router.shard_name({azi}), sqlstate, sqlerrm, v_detail, v_hint);
        RAISE;
END
$door$;
{_opened(one)}"""


def _remote(one: Door) -> str:
    device = ", p_device" if "p_device" in one.names else ""
    return f"""
CREATE OR REPLACE FUNCTION {_behind(one)}({one.identity})
RETURNS {one.result}
LANGUAGE plproxy
VOLATILE
AS $plproxy$
    CLUSTER ortes_router.cluster();
    RUN ON ortes_router.shard_of(p_azi{device});
    TARGET {one.schema}.{one.name};
$plproxy$;
{_closed(f"{_behind(one)}({one.types})")}"""


def _behind(one: Door) -> str:
    return f'ortes_router."{one.schema}.{one.name}"'


def _numbers(one: Door) -> list[str]:
    return [f"${number}" for number, _ in enumerate(one.names, 1)]


def _give_back(one: Door, call: str) -> str:
    if one.is_set:
        return f"RETURN QUERY SELECT r.* FROM {call} AS r;"
    return f"PERFORM {call};" if one.result == "void" else f"RETURN {call};"


def _rows(one: Door) -> str:
    return f"\nROWS {one.rows}" if one.is_set else ""


def _door_on_all(one: Door) -> str:
    """A door that names no company runs on every shard: rows one after the other, numbers added up.

    One that gives rows passes over a shard that does not answer; one that gives none may change something, and says it.
    """
    remote = _behind(one)
    arguments = ", ".join(filter(None, ("p_part integer", one.identity)))
    returns = one.result if one.is_set else "SETOF text" if one.result == "void" else f"SETOF {one.result}"
    target = f"{one.schema}.{one.name}({', '.join(one.names)})"
    remote_query = f"SELECT r.* FROM {target} AS r" if one.is_set else f"SELECT {target}"
    if one.result == "void":
        remote_query += "::text"
    on_shard = f"{remote}({', '.join(['v_shard.part', *_numbers(one)])})"
    if one.is_set:
        work, end = f"RETURN QUERY SELECT r.* FROM {on_shard} AS r;", ""
    elif one.result == "void":
        work, end = f"PERFORM {on_shard};", ""
    else:
        work, end = f"v_sum := v_sum + (SELECT r FROM {on_shard} AS r);", "\n    RETURN v_sum;"
    declared = ""
    if one.is_set:
        declared = "\n    v_done integer := -1;"
    elif one.result != "void":
        declared = "\n    v_sum bigint := 0::bigint;"
    return f"""
CREATE OR REPLACE FUNCTION {remote}({arguments})
RETURNS {returns}
LANGUAGE plproxy
VOLATILE
AS $plproxy$
    CLUSTER ortes_router.cluster();
    RUN ON ortes_router.open_part(p_part);
    {remote_query};
$plproxy$;
{_closed(f"{remote}({', '.join(filter(None, ('integer', one.types)))})")}
CREATE OR REPLACE FUNCTION {one.schema}.{one.name}({one.arguments})
RETURNS {one.result}
{_HEAD}
SET client_min_messages = warning{_rows(one)}
AS $door$
-- Made by `ortes router deploy` from a shard's catalogue: it names no company, and so runs on every shard.
DECLARE
    v_shard record;
    v_detail text;
    v_hint text;{declared}
BEGIN
{_loop(work, skips=one.is_set)}{end}
END
$door$;
{_opened(one)}"""


def _loop(work: str, *, skips: bool) -> str:
    """Work on one shard after the other. What only reads is tried twice: the kept connection may be an old one."""
    if not skips:
        return f"""    FOR v_shard IN SELECT s.name, s.part FROM ortes_router.shard AS s ORDER BY s.part LOOP
        BEGIN
            {work}
        EXCEPTION
            WHEN OTHERS THEN
                GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
                PERFORM ortes_router.raise_from_shard(v_shard.name, sqlstate, sqlerrm, v_detail, v_hint);
        END;
    END LOOP;"""
    return f"""    FOR v_shard IN
        SELECT s.name, s.part, t.try FROM ortes_router.shard AS s CROSS JOIN generate_series(1, 2) AS t (try)
        ORDER BY s.part, t.try
    LOOP
        CONTINUE WHEN v_shard.part = v_done;
        BEGIN
            {work}
            v_done := v_shard.part;
        EXCEPTION
            WHEN OTHERS THEN
                IF NOT ortes_router.is_unreachable(sqlstate, sqlerrm) THEN
                    GET STACKED DIAGNOSTICS v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
                    PERFORM ortes_router.raise_from_shard(v_shard.name, sqlstate, sqlerrm, v_detail, v_hint);
                ELSIF v_shard.try = 2 THEN
                    RAISE WARNING 'shard % does not answer: what it has is left out (see ortes_ops.shards)', v_shard.name;
                END IF;
        END;
    END LOOP;"""


def can_run_on_all(one: Door) -> bool:
    """Whether its results of all shards make one result."""
    return "p_azi" in one.names or one.is_set or one.result in ("void", "bigint", "integer")


def behind_view(one: Columns) -> str:
    """The functions behind a view over all shards. Of each company the rows of the shard that it lives on."""
    remote, everywhere = f'ortes_router."{one.title}"', f'ortes_router."{one.title} everywhere"'
    columns = ", ".join(columns_of(one))
    here = ""
    if "azi" in one.names:
        here = "\n            INNER JOIN ortes_router.company AS c ON r.azi = c.azi AND c.shard = v_shard.name"
    # A notification is the shard's: who listens here hears none, and has to look.
    shown = ", ".join("false" if name == "notify" else f'r."{name}"' for name in one.names)
    work = f"RETURN QUERY SELECT {shown}, v_shard.name FROM {remote}(v_shard.part) AS r{here};"
    return f"""
CREATE OR REPLACE FUNCTION {remote}(p_part integer)
RETURNS TABLE ({columns})
LANGUAGE plproxy
VOLATILE
AS $plproxy$
    CLUSTER ortes_router.cluster();
    RUN ON ortes_router.open_part(p_part);
    SELECT v.* FROM {one.title} AS v;
$plproxy$;
{_closed(f"{remote}(integer)")}
CREATE OR REPLACE FUNCTION {everywhere}()
RETURNS TABLE ({columns}, shard text)
{_HEAD}
SET client_min_messages = warning
AS $everywhere$
-- Made by `ortes router deploy` from a shard's catalogue. Asks one shard after the other, as the session's login.
DECLARE
    v_shard record;
    v_done integer := -1;
    v_detail text;
    v_hint text;
BEGIN
{_loop(work, skips=True)}
END
$everywhere$;
{_closed(f"{everywhere}()")}
"""


def view(one: Columns) -> tuple[str, str]:
    """The view over all shards, with one column more, the shard: its query, and what else is said of it."""
    everywhere = f'ortes_router."{one.title} everywhere"'
    comment = quoted(f"{one.comment or ''} On the router: of all shards that answer, with the shard.")
    rest = f"COMMENT ON VIEW {one.title} IS {comment};\nREVOKE ALL ON {one.title} FROM PUBLIC;\n"
    if readers := ", ".join(one.grantees):
        rest += f"GRANT SELECT ON {one.title} TO {readers};\nGRANT EXECUTE ON FUNCTION {everywhere}() TO {readers};\n"
    return f"SELECT e.* FROM {everywhere}() AS e", rest


def columns_of(one: Columns) -> Iterable[str]:
    """Name and type of each, as a definition takes them."""
    return (f'"{name}" {type_}' for name, type_ in zip(one.names, one.types, strict=True))


def composite(one: Columns) -> str:
    return (
        f"CREATE TYPE {one.title} AS ({', '.join(columns_of(one))});\nALTER TYPE {one.title} OWNER TO ortes_owner;\n"
        f"COMMENT ON TYPE {one.title} IS {quoted(one.comment or '')};\n"
    )


def _closed(signature: str) -> str:
    return (
        f"ALTER FUNCTION {signature} OWNER TO ortes_owner;\nREVOKE ALL ON FUNCTION {signature} "
        "FROM PUBLIC, ortes_store, ortes_app, ortes_erp, ortes_ops, ortes_monitor;"
    )


def _opened(one: Door) -> str:
    text = _closed(one.title) + f"\nCOMMENT ON FUNCTION {one.title} IS {quoted(one.comment or '')};\n"
    return text + (f"GRANT EXECUTE ON FUNCTION {one.title} TO {', '.join(one.grantees)};\n" if one.grantees else "")
