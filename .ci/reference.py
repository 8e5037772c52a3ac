"""docs/reference.md: doors and views as the database's own comments tell them, each with an example that is run for it.

Written anew by `make docs`; with --check, compared with what is there.
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus

from ortes_db.deploy import deploy
from ortes_db.server import embedded_server

DOCS = Path(__file__).parents[1] / "docs"
PAGE, EXAMPLES = DOCS / "reference.md", DOCS / "reference.sql"

# Schema, heading, and the login of the examples.
SCHEMAS = [
    ("ortes_store", "The store", "shop"),
    ("ortes_app", "The app", "phone"),
    ("ortes_erp", "The ERP", "erp"),
    ("ortes_ops", "The DBA", "ops"),
]
HEAD = """# Reference

<!-- Written by `make docs` from the database's comments and docs/reference.sql. Change those, not this. -->

The doors of the hub, one schema a system, and the views. Call them with the names of their parameters
(`p_dati => …`): what has a default may be left out. Every call that writes can be repeated after a lost answer. What each error
means and what to do about it: [errors.md](errors.md). Whole programs: [quickstart](quickstart/README.md).

The examples were run, one after the other, by logins that have one role each: `shop` (`ortes_store`), `phone` (`ortes_app`),
`erp` (`ortes_erp`) and `ops` (`ortes_ops`). The prompt says which.
"""
FUNCTIONS = """
SELECT p.pronamespace::regnamespace || '.' || p.proname, obj_description(p.oid, 'pg_proc'), p.proretset, p.prorettype = 'record'::regtype,
       format_type(p.prorettype, NULL), p.pronargs,
       ARRAY(SELECT format_type(t, NULL) FROM unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS u (t, n)
              ORDER BY n),
       coalesce(p.proargnames, '{}'),
       ARRAY(SELECT pg_get_function_arg_default(p.oid, n) FROM generate_series(1, p.pronargs) AS n ORDER BY n)
  FROM pg_proc AS p
 WHERE p.pronamespace = to_regnamespace(%s)
 ORDER BY p.proname, p.oid::regprocedure::text
"""
VIEWS = """
SELECT c.oid::regclass::text, obj_description(c.oid, 'pg_class'),
       ARRAY(SELECT a.attname || ' ' || format_type(a.atttypid, NULL) FROM pg_attribute AS a
              WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum)
  FROM pg_class AS c
 WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind = 'v'
 ORDER BY c.relname
"""
# The columns of the result "orders", with what the table says of them.
ORDERS = """
SELECT o.attname, format_type(o.atttypid, NULL), col_description(t.attrelid, t.attnum)
  FROM pg_attribute AS o
  JOIN pg_attribute AS t ON t.attrelid = 'ortes.arportes'::regclass AND t.attname = o.attname
 WHERE o.attrelid = 'ortes.orders'::regclass AND o.attnum > 0
 ORDER BY o.attnum
"""
NUMBERS = {20, 21, 23, 700, 701, 1700}


def main() -> int:
    page = reference()
    if "--check" not in sys.argv:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    print("docs/reference.md is stale: run `make docs`")
    return 1


def reference() -> str:
    """The page. Ends with a message when a door or view has no example."""
    with embedded_server() as server:
        deploy(server.dsn())
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("SET search_path = pg_catalog")
            examples = run_examples(server.dsn, connection)
            parts = [HEAD]
            for schema, title, login in SCHEMAS:
                parts.append(f"## {title}\n\nSchema and role `{schema}`; login of the examples `{login}`.\n")
                for function in connection.execute(FUNCTIONS, (schema,)).fetchall():
                    parts.append(function_text(function))
                    parts += examples.get(function[0], [])
                for name, comment, columns in connection.execute(VIEWS, (schema,)).fetchall():
                    listed = ", ".join(f"`{column}`" for column in columns)
                    parts.append(f"### View `{name}`\n\n{comment}\n\nColumns: {listed}.\n")
                    parts += examples.get(name, [])
            parts.append("## An order, as the doors show it\n\nThe result `orders`.\n")
            rows = connection.execute(ORDERS).fetchall()
            parts.append(table(["column", "type", "meaning"], [(f"`{n}`", t, meaning or "") for n, t, meaning in rows]))
    told = set(re.findall(r"^### (?:View )?`(.+)`$", "\n".join(parts), re.MULTILINE))
    if missing := sorted(told - examples.keys()):
        sys.exit(f"docs/reference.sql has no example of {', '.join(missing)}")
    return "\n".join(parts)


def function_text(function: tuple) -> str:
    name, comment, is_set, is_table, returns, count, types, names, defaults = function
    meaning, _, errors = comment.partition("Raises ")
    arguments = [
        (f"`{argument}`", kind, "required" if default is None else f"`{default.split('::')[0]}`")
        for argument, kind, default in zip(names[:count], types[:count], defaults, strict=True)
    ]
    columns = [f"`{column} {kind}`" for column, kind in zip(names[count:], types[count:], strict=True)]
    if is_table:
        result = f"rows of {', '.join(columns)}"
    elif returns == "ortes.orders":
        result = "rows of [orders](#an-order-as-the-doors-show-it)"
    else:
        result = {"void": "nothing"}.get(returns, f"{'rows of ' if is_set else ''}`{returns}`")
    codes = re.sub(r"\b(OR\d{3}|55P03)\b", r"[\1](errors.md)", errors.strip().rstrip("."))
    lines = [f"### `{name}`", "", meaning.strip(), "", table(["argument", "type", "default"], arguments)]
    return "\n".join([*lines, f"Returns {result}.", "", f"Errors: {codes or 'none of its own'}.", ""])


def run_examples(dsn, superuser: psycopg.Connection) -> dict[str, list[str]]:
    """Run docs/reference.sql as one story; the written-down examples by the door or view that they show."""
    connections = {}
    try:
        for schema, _title, login in SCHEMAS:
            superuser.execute(f"CREATE ROLE {login} LOGIN IN ROLE {schema}")
            connections[login] = psycopg.connect(dsn(user=login), autocommit=True, application_name=login)
        shown = defaultdict(list)
        for block in re.split(r"\n\s*\n", EXAMPLES.read_text(encoding="utf-8").strip())[1:]:
            who, _, statements = block.partition("\n")
            login, _, how = who.removeprefix("-- ").partition(", ")
            answers = []
            for statement in re.split(r"(?<=;)\n", statements):
                typed = re.sub(r"\n *", f"\n{login}->     ", statement)
                answers.append(f"{login}=> {typed}\n{answer(connections[login], statement)}".rstrip())
            if how != "hidden":
                found = re.search(r"\bortes_(?:store|app|erp|ops)\.\w+", statements)
                assert found, f"an example of nothing: {statements}"
                shown[found.group()].append("```console\n" + "\n\n".join(answers) + "\n```\n")
        return shown
    finally:
        for connection in connections.values():
            connection.close()


def answer(connection: psycopg.Connection, statement: str) -> str:
    """What psql prints, an error with its code (psql: \\set VERBOSITY verbose)."""
    result = connection.pgconn.exec_(statement.encode())
    if result.status == ExecStatus.FATAL_ERROR:
        kinds = {"ERROR": "MESSAGE_PRIMARY", "DETAIL": "MESSAGE_DETAIL", "HINT": "MESSAGE_HINT"}
        said = {kind: (result.error_field(DiagnosticField[field]) or b"").decode() for kind, field in kinds.items()}
        code = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
        if not code.startswith("OR"):
            sys.exit(f"docs/reference.sql: {statement}\n{code} {said['ERROR']}")
        said["ERROR"] = f"{code}: {said['ERROR']}"
        return "\n".join(f"{kind}:  {text}" for kind, text in said.items() if text)
    names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    rows = [[(result.get_value(r, c) or b"").decode() for c in range(result.nfields)] for r in range(result.ntuples)]
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    right = [result.ftype(column) in NUMBERS for column in range(result.nfields)]
    lines = [
        " | ".join(
            (" " * ((width - len(name)) // 2) + name).ljust(width) for name, width in zip(names, widths, strict=True)
        )
    ]
    lines.append("-+-".join("-" * width for width in widths))
    for row in rows:
        cells = zip(row, widths, right, strict=True)
        lines.append(
            " | ".join(cell.rjust(width) if is_right else cell.ljust(width) for cell, width, is_right in cells)
        )
    lines = [f" {line}" for line in lines]
    lines[1] = f"-{lines[1][1:]}-"
    lines.append(f"({len(rows)} row{'' if len(rows) == 1 else 's'})")
    return "\n".join(line.rstrip() for line in lines)


def table(head: list[str], rows: list[tuple]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
