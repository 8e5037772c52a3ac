"""The layout of sql/ and migrations/: one object a file, named like it, short enough to read, keywords upper case.

sqlfluff takes a function's body for a string and so sees a tenth of this code; these few checks see all of it.
"""

import re
import sys

from ortes_db.resources import migrations_dir, sql_dir
from ortes_db.router.deploy import OWN_SQL

MOST_LINES = 120
MOST_COLUMNS = 150
# What a file in a schema's folder may define. A trigger stands with its function.
DEFINITION = re.compile(
    r"^CREATE (?:OR REPLACE )?(FUNCTION|PROCEDURE|VIEW|(?:CONSTRAINT )?TRIGGER)\s+([\w.]+)",
    re.MULTILINE | re.IGNORECASE,
)
GRANT = re.compile(r"^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES)\b", re.MULTILINE | re.IGNORECASE)
NOT_CODE = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
KEYWORD = re.compile(
    r"\b(all|and|as|begin|by|case|create|declare|delete|else|elsif|end|execute|exists|for|from|function|grant|group|if"
    r"|in|insert|into|is|join|language|loop|not|null|on|or|order|perform|raise|return|returning|returns|revoke|select"
    r"|set|table|then|to|union|update|using|values|view|when|where|with)\b"
)


def main() -> int:
    problems: list[str] = []
    root = sql_dir().parent
    for file in sorted([*sql_dir().rglob("*.sql"), *OWN_SQL.rglob("*.sql"), *migrations_dir().rglob("*.sql")]):
        text = file.read_text(encoding="utf-8")
        name = file.relative_to(root)
        lines = text.splitlines()
        in_a_schema = file.parent.parent in (sql_dir(), OWN_SQL)
        if in_a_schema and len(lines) > MOST_LINES:
            problems.append(f"{name}: {len(lines)} lines, {MOST_LINES} at most")
        if not text.endswith("\n") or text.endswith("\n\n"):
            problems.append(f"{name}: ends in one line break")
        for number, line in enumerate(lines, 1):
            if "\t" in line or line != line.rstrip() or len(line) > MOST_COLUMNS:
                problems.append(f"{name}:{number}: a tab, a space at its end, or more than {MOST_COLUMNS} characters")
        # Line breaks stay, so that the numbers are the file's.
        code = NOT_CODE.sub(lambda found: "\n" * found.group().count("\n"), text)
        for number, line in enumerate(code.splitlines(), 1):
            for keyword in KEYWORD.findall(line):
                problems.append(f"{name}:{number}: the keyword {keyword} is written upper case")
        if in_a_schema:
            objects = {found for kind, found in DEFINITION.findall(text) if not kind.upper().endswith("TRIGGER")}
            if objects != {f"{file.parent.name}.{file.stem}"}:
                problems.append(f"{name}: defines {', '.join(sorted(objects)) or 'nothing'}, not what its name says")
            if GRANT.search(text):
                problems.append(f"{name}: privileges stand on their own page, not here")
    for problem in problems:
        print(problem)
    print(f"sql layout: {len(problems)} problem(s)")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
