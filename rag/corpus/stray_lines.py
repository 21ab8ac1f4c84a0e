"""A text -> the lines in it that are no prose: captions, adverts, date lines, credits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rag.corpus.dates import bare_date_lines
from rag.corpus.lines import last_lines
from rag.schema import Span

STRAY_LINE: Final = re.compile(
    r"[\r\n][^\S\r\n]{0,40}+[*_]{0,3}("
    r"(?:Skip )?Advertisement|Images?|Photos?|Videos?|Audio|Gallery|Slideshow|Ad|Supported by"
    r"|(?:Photo(?:graph)?s?|Image|Video|Pictures?)(?: credits?)?:[^\r\n]{1,160}"
    r"|Photo(?:graph)?s? by [^\r\n.]{1,60}"
    r"|(?:Photo )?Credits?(?:\.\.\.|…|:)[^\r\n]{0,160}|Credits?"
    r"|Share(?: full article| this(?: article| story)?| on [A-Z]\w{1,20})?"
    r"|Listen(?: to this (?:article|story))?(?: ?[·•|-]? ?[0-9:]{1,6} ?(?:min|minutes)?)?"
    r"|Read (?:more|also|next|this next|the full (?:story|article))"
    r"(?::[^\r\n]{0,200}|\.{3}|…| ?[>»→])?"
    r"|(?:See|View) more|Show more|Related(?: (?:articles|stories|content|topics))?"
    r"(?::[^\r\n]{0,200})?|More on this story|Continue reading(?: the main story)?"
    r"|(?:Story|Article) continues (?:below|after)(?: this)? (?:the )?ad(?:vertisement)?"
    r"|Sign up (?:for|to) [^\r\n]{0,120}newsletters?[^\r\n]{0,40}|Subscribe(?: now)?|Newsletter"
    r"|Save(?: article)?|Print(?: article)?|Comments?|Getty Images|File photo|Follow us on \w{1,20}"
    r"|Leer en español|Download PDF"
    r")[*_]{0,3}[^\S\r\n]{0,40}+(?=[\r\n]|\Z)",
    re.IGNORECASE,
)
_CREDIT: Final = re.compile(
    r"(?:[A-Z][^.!?\r\n“”\"]{2,160}|[A-Z][^!?\r\n“”\"]{2,160}?) contributed"
    r"(?: (?:reporting|research|to this (?:report|article|story)))[^\r\n“”\"]{0,120}"
    r"|\(?(?:Additional )?(?:Reporting|Writing|Editing)(?: and (?:writing|editing))? by "
    r"[^\r\n“”\"]{3,240}"
    r"|This (?:article|story) was (?:originally|first) published (?:by|on|in|at) [^\r\n]{3,160}"
)
_BIOGRAPHY: Final = re.compile(
    r"[A-Z][\w.’'-]{0,24}(?: [A-Z][\w.’'-]{0,24}){1,3}"
    r" (?:covers|writes about|reports on|reports from|is an? [^.\r\n]{0,60}?"
    r"(?:reporter|correspondent|columnist|editor)s? (?:covering|based|for|at|in|who covers)) "
)
_JOURNALIST: Final = re.compile(
    r"\b(?:journalist|reporter|correspondent|editor|columnist|bureau|for The Times|newsroom)\b"
)


def stray_lines(text: str) -> Iterator[Span]:
    """Yield the lines that a page leaves between the paragraphs, and the credits below them."""
    # The added newline makes the first line start like every other: one cheap pattern for all.
    for match in STRAY_LINE.finditer("\n" + text):
        yield Span(match.start(1) - 1, match.start(1) + len(match[1].rstrip()) - 1)
    yield from bare_date_lines(text)
    for span in last_lines(text, 6):
        line = span.within(text) if span.end - span.start <= 600 else ""
        credit = len(line) <= 300 and _CREDIT.fullmatch(line)
        if credit or (_BIOGRAPHY.match(line) and _JOURNALIST.search(line)):
            yield span
