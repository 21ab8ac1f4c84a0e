"""A sentence and those before it -> who its "he" or "she" is, or None where that is not plain.

A quoted sentence may begin in the middle of a story. The name is shown beside the quote, in square
brackets; it never goes into it. Where no single person can be meant, the sentence before is shown
as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.question import PERSON

_HE = re.compile(r"^\W*(?:(?:But|And|Still|Later|Then),?\s+)?(?:he|she|his|her)\b", re.IGNORECASE)
_THEY = re.compile(r"^\W*(?:(?:But|And|Still|Later|Then),?\s+)?(?:they|their)\b", re.IGNORECASE)
_HE_SAID = re.compile(
    r"\b(?:he|she)\s+(?:said|says|added|told|wrote|warned|argued|insisted|explained|noted|"
    r"continued)\b|"
    r"\b(?:said|added|says)\s+(?:he|she)\b",
    re.IGNORECASE,
)
_LOOKED_BACK = 3
_FIRST_WORDS = 60


def begins_leaning(sentence: str) -> bool:
    """Say whether a sentence begins with a pronoun for people named before it."""
    return bool(_HE.match(sentence) or _THEY.match(sentence))


def leans(sentence: str) -> bool:
    """Say whether a sentence begins with, or is told by, a person that it does not name."""
    if begins_leaning(sentence):
        return True
    return bool(_HE_SAID.search(sentence)) and not people(sentence)


def who(sentence: str, before: Sequence[str]) -> str | None:
    """Return the person whom a sentence calls he or she, as the sentences before name them.

    Args:
        sentence: It may begin with a pronoun.
        before: The sentences before it, nearest last.
    """
    if _THEY.match(sentence) or not leans(sentence):
        return None
    for earlier in list(before)[: -_LOOKED_BACK - 1 : -1]:
        named = people(earlier)
        if not named:
            if leans(earlier):
                continue
            return None
        first = named[0]
        if len(named) == 1 or (
            earlier.find(first) <= _FIRST_WORDS and not _HE_SAID.search(earlier)
        ):
            return first
        return None
    return None


def people(text: str) -> list[str]:
    """Return the people that a text names, each once, as first named."""
    found: list[str] = []
    for match in PERSON.finditer(text):
        name = match.group().strip()
        last = name.split()[-1]
        if not any(last == other.split()[-1] for other in found):
            found.append(name)
    return found
