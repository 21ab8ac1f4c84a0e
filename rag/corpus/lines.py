"""A text -> its lines that hold something; a value -> one line of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rag.schema import Span

NO_TEXT: Final = "no text"  # why a file or line without one is skipped
LINE: Final = re.compile(r"[^\r\n]+")


def lines_within(text: str, start: int, end: int, *, limit: int) -> Iterator[Span]:
    """Yield the lines that hold something, without the white space around them."""
    count = 0
    for match in LINE.finditer(text, start, min(end, len(text))):
        line = match[0]
        stripped = line.strip()
        if stripped:
            at = match.start() + line.index(stripped[0])
            yield Span(at, at + len(stripped))
            count += 1
            if count == limit:
                return


def last_lines(text: str, limit: int) -> list[Span]:
    """Return the last lines that hold something, last first, of the text's end."""
    start = max(0, len(text) - 4_000)
    lines = list(lines_within(text, start, len(text), limit=4_000))
    if start and lines and text[start - 1] not in "\r\n":
        del lines[0]  # it may be the end of a longer line
    return lines[::-1][:limit]


def has_text(text: str) -> bool:
    """Say whether there is at least one letter or digit."""
    return re.search(r"[^\W_]", text) is not None


def on_one_line(value: str | None, *, max_chars: int = 300) -> str | None:
    """Return a title or a name on one line without control characters; None if nothing is left."""
    if not value:
        return None
    kept = "".join(
        char if char.isprintable() or "\ud800" <= char <= "\udfff" else " "
        for char in value[: 4 * max_chars]
    )
    line = " ".join(kept.split())
    return shortened(line, max_chars) if has_text(line) else None


def shortened(text: str, max_chars: int) -> str:
    """Return the text, cut at a word and marked so when it is longer."""
    if len(text) <= max_chars:
        return text
    cut = text.rfind(" ", max_chars // 2, max_chars + 1)
    kept = text[: cut if cut > 0 else max_chars]
    return kept.rstrip(" ,;:–—-“\"'‘(") + "…"
