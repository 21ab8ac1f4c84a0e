"""A sentence that names the article it draws on -> the sentence without that.

"The New York Times reported on July 24 that the talks ended" says two things: that the talks ended,
which the article's words must support, and who said so when, which its outlet, title and date
must. The second is taken off here, so that the first can be held against the words.
"""

from __future__ import annotations

import re

from rag.dates_in_words import dates_in
from rag.schema import Passage

# A byline is short, whatever a title's length.
_MAX_CLAUSE_WORDS = 40
# What a clause may hold besides outlet, title and date.
_GLUE = frozenset(
    "according to as reported by per in on from of the a an its it this that article report story "
    "piece headline titled headlined entitled called published dated updated reports reported "
    "says said wrote writes writing states stated notes noted newspaper news outlet website paper "
    "magazine passage source and for".split()
)
# A date is an article's own only where the clause speaks of the article: things happen on days too.
_OF_AN_ARTICLE = re.compile(
    r"\b(?:as of|according|reported|published|dated|updated|article|report|story|piece)\b",
    re.IGNORECASE,
)
_LEAD = re.compile(r",\s+|\s+that\s+|:\s+")
_TAIL = re.compile(r"(?:,\s+|\s+(?=\()|\s+(?=as of\b|according to\b|as reported by\b))")


def without_byline(statement: str, passage: Passage) -> str | None:
    """Return a sentence without the clause that names its article; None if it has none.

    Args:
        statement: The sentence.
        passage: Of the article; the clause must say nothing but its outlet, title and date.
    """
    for match in reversed(list(_LEAD.finditer(statement))):
        clause, rest = statement[: match.start()], statement[match.end() :]
        if len(rest.split()) > 2 and _is_byline(clause, passage):
            return rest[0].upper() + rest[1:]
    for match in reversed(list(_TAIL.finditer(statement))):
        rest, clause = statement[: match.start()], statement[match.end() :]
        if len(rest.split()) > 2 and _is_byline(clause.rstrip(" ."), passage):
            return rest.rstrip(" ,") + "."
    return None


def _is_byline(clause: str, passage: Passage) -> bool:
    """Say whether a clause holds nothing but what is known of an article."""
    if len(clause.split()) > _MAX_CLAUSE_WORDS:
        return False
    left = _plain(clause)
    named = clause.startswith("(") and clause.endswith(")")
    for known in (passage.title, passage.outlet or ""):
        bare = re.sub(r"^the ", "", _plain(known)).rstrip("… .")
        # One short word would be found in anything.
        if len(bare) > 2 and re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", left, re.IGNORECASE):
            left = re.sub(rf"(?<!\w){re.escape(bare)}(?!\w)", " ", left, flags=re.IGNORECASE)
            named = True
    published = passage.published
    if published is not None:
        for date in reversed(dates_in(left, published)):
            if date.iso is None or not published.isoformat().startswith(date.iso):
                return False
            left = f"{left[: date.start]} {left[date.end :]}"
            named = named or bool(_OF_AN_ARTICLE.search(clause))
    return named and set(re.findall(r"[\w’']+", left.lower())) <= _GLUE


def _plain(text: str) -> str:
    flat = re.sub(r"[“”„«»\"]", " ", text)
    return " ".join(re.sub(r"[‘’`´]", "'", flat).split())


__all__ = ["without_byline"]
