"""What was probably meant by a word that is not known."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """The word of those that is most like it, as a sentence; nothing if none is."""
    near = get_close_matches(word, list(words), n=1)
    return f"Did you mean {near[0]!r}?" if near else ""
