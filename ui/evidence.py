"""An article and what an answer cites of it -> the article as HTML, the exact words marked. Pure.

The words between the marks are the article's own, code point for code point.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.schema import Article, FileState, Span
from ui.markup import day, label, words
from ui.render import FILE_STATES

# A very long article is shown around the cited words, so that the page stays quick.
SHOWN_CHARS = 200_000

PLACEHOLDER = (
    '<div class="dl-evidence-empty"><h2>The evidence</h2>'
    "<p>Choose a numbered marker in an answer. The article opens here, with the exact words"
    " marked.</p></div>"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Words to mark: where they stand, and the citation's number (None for a mere passage)."""

    span: Span
    number: int | None
    active: bool


def evidence_html(
    article: Article,
    marks: Sequence[Mark],
    *,
    turn_id: int,
    number: int | None,
    numbers: Sequence[int],
    file_state: FileState,
) -> str:
    """Return the whole evidence part: who published it, the pager, the marked text.

    Args:
        article: As indexed.
        marks: Of this article; one of them active.
        turn_id: The turn whose citations the pager goes through.
        number: The open citation, or None when a passage is shown that is not cited.
        numbers: All citations of the answer, for the pager.
        file_state: Whether the file is still the one that was indexed.
    """
    active = next(mark.span for mark in marks if mark.active)
    warning = FILE_STATES.get(file_state)
    told = f'<p class="dl-warning" role="status">{warning}</p>' if warning else ""
    return (
        f'<div class="dl-evidence" data-turn="{turn_id}" data-number="{number or ""}">'
        f"{_head(article, turn_id, number, numbers)}{told}"
        f'<p class="dl-small dl-place"><span class="dl-path">{label(article.path)}</span>'
        f" · characters {active.start} to {active.end}</p>"
        '<div class="dl-text" tabindex="0" role="region" aria-label="Text of the article">'
        f"{text_html(article, marks)}</div></div>"
    )


def lost_html(
    citation: Mapping[str, Any], *, turn_id: int, numbers: Sequence[int], problem: str
) -> str:
    """Return the evidence part for words that are no longer in the archive: the kept quote."""
    number = int(citation["number"]) if citation.get("number") else None
    quote = citation.get("quote") or citation.get("text") or ""
    return (
        f'<div class="dl-evidence" data-turn="{turn_id}" data-number="{number or ""}">'
        f"{_title(citation['title'], citation['outlet'], citation['published'])}"
        f"{_pager(turn_id, number, numbers)}"
        f'<p class="dl-warning" role="status">{label(problem)}</p>'
        f'<p class="dl-small dl-place"><span class="dl-path">{label(citation["path"])}</span>'
        f" · characters {int(citation['start'])} to {int(citation['end'])}, as answered</p>"
        '<div class="dl-text" tabindex="0" role="region" aria-label="The words cited">'
        f'<p><mark class="dl-mark dl-active">{words(quote)}</mark></p></div></div>'
    )


def text_html(article: Article, marks: Sequence[Mark]) -> str:
    """Return the article's text, a paragraph for each line, marked; overlaps go to the active."""
    text = article.text
    active = next((mark.span for mark in marks if mark.active), Span(0, max(1, len(text))))
    first, last = 0, len(text)
    if len(text) > SHOWN_CHARS:
        first = max(0, active.start - SHOWN_CHARS // 2)
        last = min(len(text), max(active.end, first + SHOWN_CHARS))
    owners = _owners(marks, article.unquotable, first, last)
    pieces: list[str] = ['<p class="dl-cut">…</p>'] if first else []
    pieces.append("<p>")
    for start, end, mark, faint in owners:
        for at, line in enumerate(text[start:end].split("\n")):
            if at:
                # The line feed stays inside its mark, so that the marks together are the quote.
                pieces.append(f"{_wrapped(chr(10), mark, faint)}</p><p>")
            if line:
                pieces.append(_wrapped(words(line), mark, faint))
    pieces.append("</p>")
    if last < len(text):
        pieces.append('<p class="dl-cut">…</p>')
    # An empty line parts paragraphs, which the page's own spacing does already.
    return "".join(pieces).replace("<p>\n</p>", '<p class="dl-blank">\n</p>')


def _owners(
    marks: Sequence[Mark], unquotable: Sequence[Span], first: int, last: int
) -> list[tuple[int, int, Mark | None, bool]]:
    """Return the text cut where a mark or a stray line begins or ends: (start, end, mark, stray).

    A cut belongs to the active mark if that covers it, else to the first one that does.
    """
    edges = {first, last}
    for span in [*(mark.span for mark in marks), *unquotable]:
        edges.update(edge for edge in (span.start, span.end) if first < edge < last)
    ranked = sorted(marks, key=lambda mark: (not mark.active, mark.span.start))
    cuts = sorted(edges)
    owned: list[tuple[int, int, Mark | None, bool]] = []
    for start, end in itertools.pairwise(cuts):
        piece = Span(start, end)
        owner = next((mark for mark in ranked if mark.span.overlaps(piece)), None)
        owned.append((start, end, owner, any(span.overlaps(piece) for span in unquotable)))
    return owned


def _wrapped(escaped: str, mark: Mark | None, faint: bool) -> str:
    if mark is None:
        return f'<span class="dl-stray">{escaped}</span>' if faint else escaped
    kind = "dl-mark dl-active" if mark.active else "dl-mark"
    number = "" if mark.number is None else f' data-number="{mark.number}"'
    return f'<mark class="{kind}"{number}>{escaped}</mark>'


def _head(article: Article, turn_id: int, number: int | None, numbers: Sequence[int]) -> str:
    published = article.published.isoformat() if article.published else None
    return _title(article.title, article.outlet, published) + _pager(turn_id, number, numbers)


def _title(title: str, outlet: str | None, published: str | None) -> str:
    parts = [label(outlet)] if outlet else []
    parts.append(day(published) if published else "undated")
    return (
        '<header class="dl-evidence-head"><button type="button" class="dl-quiet dl-close"'
        ' data-act="close-evidence">Close</button>'
        f'<p class="dl-small">{" · ".join(parts)}</p>'
        f'<h2 tabindex="-1">{label(title)}</h2></header>'
    )


def _pager(turn_id: int, number: int | None, numbers: Sequence[int]) -> str:
    if number is None or number not in numbers:
        return '<p class="dl-pager"><span>A passage near the question; it is not cited.</span></p>'
    place = list(numbers).index(number)

    def step(to: int, name: str, key: str) -> str:
        if not 0 <= to < len(numbers):
            return f'<button type="button" class="dl-quiet" disabled>{name}</button>'
        return (
            f'<button type="button" class="dl-quiet" data-act="open" data-turn="{turn_id}"'
            f' data-number="{numbers[to]}" aria-keyshortcuts="{key}">{name}</button>'
        )

    return (
        '<nav class="dl-pager" aria-label="Citations of this answer">'
        f"{step(place - 1, 'Previous', '[')}"
        f"<span>Citation {place + 1} of {len(numbers)}</span>"
        f"{step(place + 1, 'Next', ']')}</nav>"
    )
