"""Places in articles that say the same -> how many independent sources they are.

Papers print the same agency's report. Where the words around a place are mostly the same as around
another, both are one source, however many articles carry it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.schema import Citation

_AROUND_CHARACTERS = 600
_RUN_WORDS = 5
_COPIED_FROM = 0.5
_WORD = re.compile(r"\w+")


def independent_sources(places: Sequence[tuple[Citation, str]]) -> int:
    """Count the sources: articles, less those that copy another where they are cited.

    Args:
        places: Citations, each with the text of its article.
    """
    sources: list[tuple[set[str], list[frozenset[str]]]] = []
    for citation, text in places:
        runs = _runs(_around(citation, text))
        same = [
            source
            for source in sources
            if citation.path in source[0] or any(_copied(runs, other) for other in source[1])
        ]
        paths, words = {citation.path}, [runs]
        for source in same:
            paths |= source[0]
            words += source[1]
            sources.remove(source)
        sources.append((paths, words))
    return len(sources)


def _around(citation: Citation, text: str) -> str:
    return text[max(0, citation.start - _AROUND_CHARACTERS) : citation.end + _AROUND_CHARACTERS]


def _runs(text: str) -> frozenset[str]:
    """Return every run of a few words (shingles: Broder, "On the resemblance", 1997)."""
    words = _WORD.findall(text.lower())
    return frozenset(
        " ".join(words[at : at + _RUN_WORDS]) for at in range(max(1, len(words) - _RUN_WORDS + 1))
    )


def _copied(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= _COPIED_FROM * min(len(one), len(other))


__all__ = ["independent_sources"]
