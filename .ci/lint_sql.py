"""The layout of sql/ and migrations/: one object a file, named like it, short enough to read, no tabs, no grants."""

import re
import sys

from ortes_db.resources import migrations_dir, sql_dir

MOST_LINES = 120
MOST_COLUMNS = 150
# What a file in a schema's folder may define. A trigger stands with its function.
DEFINITION = re.compile(
    r"^CREATE (?:OR REPLACE )?(FUNCTION|PROCEDURE|VIEW|(?:CONSTRAINT )?TRIGGER)\s+([\w.]+)",
    re.MULTILINE | re.IGNORECASE,
)
GRANT = re.compile(r"^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES)\b", re.MULTILINE | re.IGNORECASE)


def main() -> int:
    problems: list[str] = []
    root = sql_dir().parent
    for file in sorted([*sql_dir().rglob("*.sql"), *migrations_dir().rglob("*.sql")]):
        text = file.read_text(encoding="utf-8")
        name = file.relative_to(root)
        lines = text.splitlines()
        in_a_schema = file.parent.parent == sql_dir()
        if in_a_schema and len(lines) > MOST_LINES:
            problems.append(f"{name}: {len(lines)} lines, {MOST_LINES} at most")
        if not text.endswith("\n") or text.endswith("\n\n"):
            problems.append(f"{name}: ends in one line break")
        for number, line in enumerate(lines, 1):
            if "\t" in line or line != line.rstrip() or len(line) > MOST_COLUMNS:
                problems.append(f"{name}:{number}: a tab, a space at its end, or more than {MOST_COLUMNS} characters")
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
