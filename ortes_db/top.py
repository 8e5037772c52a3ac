"""Two looks at a hub as a table for people and a document for machines: what needs attention comes first."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from ortes_db.watch import Company, Look, Reader

# A wait as short as this is the ordinary queue of a company that is busy.
LONG_WAIT = 1.0


@dataclass
class Line:
    """A company in the table. The rates are per second, None where there is nothing to compare with."""

    company: Company
    id_pub_rate: float | None
    id_sincro_rate: float | None
    # Why somebody should look at it; nothing if nobody needs to.
    attention: list[str]

    @property
    def worst(self) -> float:
        """Seconds that the most delayed thing of this company has waited."""
        return max([self.company.oldest_pending_seconds, *(r.lag_seconds for r in self.company.readers)])

    @property
    def blocked(self) -> bool:
        return self.company.longest_wait >= LONG_WAIT


SORTS: dict[str, tuple[str, Any]] = {
    "a": ("attention", lambda line: (not line.blocked, not line.attention, -line.worst, line.company.azi)),
    "c": ("company", lambda line: line.company.azi),
    "p": ("pending", lambda line: (-line.company.pending, line.company.azi)),
    "r": ("rate", lambda line: (-(line.id_pub_rate or 0) - (line.id_sincro_rate or 0), line.company.azi)),
}


def lines(before: Look | None, now: Look, late: float) -> list[Line]:
    """The companies of `now`, what needs attention first. `late`: seconds after which something waiting is late."""
    seconds = (now.at - before.at).total_seconds() if before else 0.0
    earlier = {company.azi: company for company in before.companies} if before and seconds > 0 else {}

    def rate(company: Company, counter: str) -> float | None:
        if company.azi not in earlier:
            return None
        rise = getattr(company, counter) - getattr(earlier[company.azi], counter)
        # It goes back when the hub was restored to an earlier state.
        return rise / seconds if rise >= 0 else None

    found = [
        Line(company, rate(company, "id_pub"), rate(company, "id_sincro"), attention(company, late))
        for company in now.companies
    ]
    return sorted(found, key=SORTS["a"][1])


def attention(company: Company, late: float) -> list[str]:
    """Why somebody should look at a company."""
    why = []
    if company.longest_wait >= LONG_WAIT:
        who = count(len(company.waiting), "session waits", "sessions wait")
        why.append(f"{who} for {age(company.longest_wait)}")
    if company.oldest_pending_seconds > late:
        why.append(f"an order is pending for {age(company.oldest_pending_seconds)}")
    behind = [reader for reader in company.readers if reader.lag_seconds > late]
    return why + [f"{name(reader)} is behind for {age(reader.lag_seconds)}" for reader in behind]


def document(look: Look, shown: list[Line]) -> dict[str, Any]:
    """Everything, for machines."""
    companies = [
        {
            **{key: value for key, value in asdict(line.company).items() if key not in ("readers", "sessions")},
            "id_pub_per_second": line.id_pub_rate,
            "id_sincro_per_second": line.id_sincro_rate,
            "attention": line.attention,
            "readers": [_without_azi(reader) for reader in line.company.readers],
            "sessions": [_without_azi(session) for session in line.company.sessions],
        }
        for line in shown
    ]
    hub = {key: value for key, value in vars(look).items() if key not in ("companies", "readers_in_all")}
    return {**hub, "companies": companies}


def screen(look: Look, shown: list[Line], width: int, height: int | None = None, trouble: str = "") -> RenderableType:
    """The table, in `width` columns and at most `height` lines."""
    room = len(shown) if height is None else max(1, height - 4 - bool(trouble))
    parts: list[RenderableType] = [_heading(look, shown)]
    if trouble:
        parts.append(Text(trouble, "bold red", no_wrap=True, overflow="ellipsis"))
    table = Table(*_columns(width), box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for line in shown[:room]:
        style = "bold red" if line.blocked else "yellow" if line.attention else ""
        table.add_row(*(Text(cell, style) for cell in _cells(line, width)))
    parts.append(table)
    if len(shown) > room:
        parts.append(Text(f"and {len(shown) - room} more", "dim"))
    return Group(*parts)


def age(seconds: float) -> str:
    """A length of time in the one unit that says most: 42s, 7m, 3h, 12d."""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f}{unit}"
    return f"{seconds:.0f}s"


def count(number: int, one: str, more: str = "") -> str:
    """So many of what."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def name(reader: Reader) -> str:
    """A reader as people call it."""
    kind = "store" if reader.prov_tipo == "S" else "device"
    return kind if reader.prov_id is None else f"{kind} {reader.prov_id}"


def _heading(look: Look, shown: list[Line]) -> Text:
    pending = sum(line.company.pending for line in shown)
    waiting = sum(len(line.company.waiting) for line in shown)
    calling = sum(bool(line.attention) for line in shown)
    text = f"{look.at.astimezone():%H:%M:%S}  {count(look.companies_in_all, 'company', 'companies')}, {calling} to look at; "
    text += f"{count(pending, 'order')} pending, {count(waiting, 'session')} waiting  "
    text += f"({look.database}, PostgreSQL {look.postgresql}, {'standby' if look.standby else 'primary'})"
    return Text(text, no_wrap=True, overflow="ellipsis")


def _columns(width: int) -> list[Column]:
    def text(heading: str, limit: int) -> Column:
        return Column(heading, no_wrap=True, overflow="ellipsis", max_width=limit)

    def number(heading: str) -> Column:
        return Column(heading, no_wrap=True, justify="right")

    columns = [Column("", no_wrap=True), text("company", 32 if width >= 100 else 12)]
    columns += [number("pending"), number("oldest")]
    if width >= 70:
        columns += [number("new/s"), number("chg/s")]
    if width >= 48:
        columns.append(text("furthest behind", 40 if width >= 100 else 20))
    columns.append(number("waiting"))
    if width >= 100:
        columns.append(text("held by", 40))
    return columns


def _cells(line: Line, width: int) -> list[str]:
    company = line.company
    cells = ["!" if line.attention else "", company.azi, f"{company.pending:,}"]
    cells.append(age(company.oldest_pending_seconds) if company.pending else "")
    if width >= 70:
        cells += [_rate(line.id_pub_rate), _rate(line.id_sincro_rate)]
    if width >= 48:
        reader = company.last_reader
        behind = reader and reader.lag_rows
        cells.append(f"{name(reader)}: {reader.lag_rows:,}, {age(reader.lag_seconds)}" if reader and behind else "")
    waiting = company.waiting
    cells.append(f"{len(waiting)}, {age(company.longest_wait)}" if waiting else "")
    if width >= 100:
        holder = company.holder
        cells.append("" if holder is None else _holder(holder.login, holder.pid, holder.seconds))
    return [_printable(cell) for cell in cells]


def _holder(login: str | None, pid: int, seconds: float | None) -> str:
    since = "" if seconds is None else f", {age(seconds)}"
    return f"{login or 'a process that is gone'} (pid {pid}{since})"


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 10 or value == 0 else f"{value:.1f}"


def _printable(text: str) -> str:
    """A code or a name may hold what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)


def _without_azi(row: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(row).items() if key != "azi"}


def plain(value: Any) -> Any:
    """For what JSON does not know."""
    return value.isoformat() if isinstance(value, datetime) else str(value)
