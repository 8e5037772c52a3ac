"""README.md and README.it.md say the same: the sections in the same order, each with the same commands, links and figures.

Words can't be compared; all that isn't words is. What stands in one language only was forgotten in the other.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
ENGLISH, ITALIAN = ROOT / "README.md", ROOT / "README.it.md"
OTHER = {ENGLISH.name: ITALIAN.name, ITALIAN.name: ENGLISH.name}


@dataclass
class Section:
    """What of a section is the same in every language; `links` has its pictures too, `level` is h1 and so on."""

    level: str
    title: str
    blocks: list[tuple[str, str]] = field(default_factory=list)
    code: Counter[str] = field(default_factory=Counter)
    links: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    figures: set[str] = field(default_factory=set)


def figures(text: str) -> set[str]:
    """The numbers in a text, with 342,872 and 342.872 taken for the same."""
    return {re.sub(r"[.,]", "", number) for number in re.findall(r"\d+(?:[.,]\d+)*", text)}


def sections(text: str) -> list[Section]:
    """A document's sections, each without those below it."""
    found: list[Section] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    for at, token in enumerate(tokens):
        if token.type == "heading_open":
            found.append(Section(token.tag, tokens[at + 1].content))
        elif token.type == "fence":
            found[-1].blocks.append((token.info, token.content))
        elif token.type == "tr_open":
            found[-1].rows += 1
        elif token.type == "inline":
            read_prose(token.children or [], found[-1])
    return found


def read_prose(tokens: list[Token], section: Section) -> None:
    """Add what stands in a paragraph, a cell or a heading."""
    for token in tokens:
        if token.type == "text":
            section.figures |= figures(token.content)
        elif token.type == "code_inline":
            section.code[token.content] += 1
        elif token.type in ("link_open", "image"):
            section.links[str(token.attrGet("href") or token.attrGet("src"))] += 1


def differences(english: str, italian: str) -> Iterator[str]:
    """What one language has and the other has not."""
    ours, theirs = sections(english), sections(italian)
    if [section.level for section in ours] != [section.level for section in theirs]:
        yield f"sections: {[section.title for section in ours]}, {[section.title for section in theirs]}"
        return
    del ours[0].links[ITALIAN.name], theirs[0].links[ENGLISH.name]
    for one, other in zip(ours, theirs, strict=True):
        if one.blocks != other.blocks:
            yield f"{one.title}: code blocks"
        for kind in ("code", "links", "rows"):
            if getattr(one, kind) != getattr(other, kind):
                yield f"{one.title}: {kind} {getattr(one, kind)}, {getattr(other, kind)}"
        # The Italian may tell in words what the English lets a block say.
        shown = {figure for _, block in one.blocks for figure in figures(block)}
        if (one.figures - other.figures) | (other.figures - one.figures - shown):
            yield f"{one.title}: figures {sorted(one.figures ^ other.figures)}"


def test_both_languages_say_the_same() -> None:
    english, italian = (file.read_text(encoding="utf-8") for file in (ENGLISH, ITALIAN))
    assert list(differences(english, italian)) == []


FENCE = re.compile(r"^```.*?^```\n", re.MULTILINE | re.DOTALL)
FORGOTTEN = {
    "a code block": lambda text: FENCE.sub("", text, count=1),
    "a word of an output": lambda text: text.replace("8 errata, 0 mismatches", "8 errata"),
    "the order of two sections": lambda text: re.sub(r"(?ms)^(## (?:The d|Le i).*?)(## .*?)(?=^## )", r"\2\1", text),
    "a heading": lambda text: re.sub(r"^### .*\n", "", text, flags=re.MULTILINE),
    "a section": lambda text: re.sub(r"(?ms)^## (?:The board|Il tab).*?(?=^## )", "", text),
    "a picture": lambda text: re.sub(r"^!\[.*\n", "", text, flags=re.MULTILINE),
    "a link": lambda text: text.replace("(docs/security.md)", "(docs/errors.md)"),
    "an option": lambda text: text.replace("`--late`", "`--poll`"),
    "a row of a table": lambda text: re.sub(r"^\| app-51 4 .*\n", "", text, flags=re.MULTILINE),
    "a figure": lambda text: re.sub(r"342[.,]872", "342", text),
}


@pytest.mark.parametrize("file", [ENGLISH, ITALIAN], ids=lambda file: file.name)
@pytest.mark.parametrize("forgotten", FORGOTTEN)
def test_what_was_forgotten_in_one_is_found(forgotten: str, file: Path) -> None:
    texts = {readme: readme.read_text(encoding="utf-8") for readme in (ENGLISH, ITALIAN)}
    changed = FORGOTTEN[forgotten](texts[file])
    assert changed != texts[file]
    assert list(differences(*(texts | {file: changed}).values()))


@pytest.mark.parametrize("file", [ENGLISH, ITALIAN], ids=lambda file: file.name)
def test_its_links_lead_somewhere(file: Path) -> None:
    links = [link for section in sections(file.read_text(encoding="utf-8")) for link in section.links]
    assert links[0] == OTHER[file.name]  # the other language is the first thing that is offered
    for link in links:
        path, _, anchor = link.partition("#")
        text = (ROOT / path).read_bytes()
        titles = [section.title for section in sections(text.decode())] if anchor else []
        assert anchor in ["", *(re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles)]
