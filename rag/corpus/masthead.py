"""The top and the end of a text -> title, publication day and outlet, as they state them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from rag.corpus.dates import (
    DATE,
    WEEKDAY,
    LineDate,
    day_of,
    line_date,
    publication_day,
    stands_alone,
)
from rag.corpus.lines import LINE, has_text, last_lines, lines_within, on_one_line, shortened
from rag.corpus.stray_lines import STRAY_LINE
from rag.schema import Span

_TOP_LINES: Final = 15
_TOP_CHARS: Final = 20_000
_NAMES: Final = (
    r"Reuters|Associated Press|AP|AFP|Agence France-Presse|BBC|CNN|NPR|PBS|CBS|NBC|ABC|MSNBC|UPI"
    r"|Bloomberg|Axios|Politico|POLITICO|Al Jazeera|Haaretz|Ynet|Le Monde|El Pa[ií]s|Die Zeit"
    r"|Der Spiegel|Deutsche Welle|DW|dpa|DPA|ANSA|TASS|Tass|RIA Novosti|Xinhua|Kyodo|PTI|IANS|ANI"
    r"|Semafor|ProPublica|Vox|Slate|Forbes|Fortune|Newsweek|TIME|The Economist|The Atlantic"
    r"|The New Yorker|The Hill|Business Insider|The Verge|Wired|Ars Technica|The Intercept"
    r"|Euronews|Sky News|RFE/RL|Radio Free Europe|Voice of America|VOA|The Conversation"
    r"|The Independent|The Times|The Guardian|The Telegraph|Kyiv Independent|Times of Israel"
)
_OUTLET: Final = (
    rf"(?:The )?(?:(?:{_NAMES})(?: (?:News|Sport|World|Online|English|Arabic|Newshour))?"
    r"|(?:[A-Z][\w’'&.-]{0,20} ){1,4}(?:Times|Post|News|Press|Herald|Tribune|Journal|Gazette"
    r"|Chronicle|Observer|Guardian|Telegraph|Standard|Star|Globe|Mail|Monitor|Newspaper"
    r"|Independent|Broadcasting|Magazine|Examiner|Inquirer|Courier|Dispatch))"
)
_DATELINE: Final = re.compile(
    r"(?:[A-Z][A-Z .'’/-]{1,40}(?:,\s(?P<rest>[^()\r\n]{1,50}?))?,?\s)?"
    rf"\((?P<outlet>{_OUTLET})\)\s{{0,2}}(?:-{{1,2}}|–|—)(?=\s)"
)
_BYLINE: Final = re.compile(
    r"By (?P<names>[A-Z][\w.’'-]{0,24}(?:,? (?:and |& )?[A-Z][\w.’'-]{0,24}){0,11}?)"
    rf"(?:\s{{0,2}}(?:[,|•·–—]| for | of )\s{{0,2}}(?P<outlet>{_OUTLET}))?(?:,? Staff Writers?)?"
)
_STATED: Final = re.compile(
    rf"(?:Source|Publication|Published by|Publisher|Outlet): {{0,2}}(?P<a>{_OUTLET})\.?"
    rf"|(?:Copyright ?|\([cC]\) ?|© ?){{1,2}}(?:[12][0-9]{{3}}(?:[-–][0-9]{{2,4}})?,? )?"
    rf"(?P<b>{_OUTLET})(?:,? (?:Company|Co|Corporation|Ltd|Limited|Inc|LLC|plc|Group))?\.?"
    r"(?: All rights reserved\.?)?"
)
_BYLINE_AND_DATE: Final = re.compile(
    rf"{_BYLINE.pattern}\s{{0,2}}[,|•·–—-]?\s{{0,2}}"
    rf"(?=(?i:{WEEKDAY}|{DATE.pattern}|published|posted|(?:last )?updated))"
)
_ABBREVIATED: Final = re.compile(
    r"(?:\b[A-Za-z]|\b(?:Mr|Mrs|Ms|Dr|St|Sen|Rep|Gov|Gen|Col|Lt|Sgt|Prof|Rev|No|Jr|Sr|vs|Inc|Co"
    r"|Corp|Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec))$"
)


@dataclass(frozen=True, slots=True)
class Masthead:
    """What the text itself says above its prose."""

    title: str | None
    published: dt.date | None
    outlet: str | None
    unquotable: tuple[Span, ...]


def read_masthead(text: str, known: tuple[Span, ...]) -> Masthead:
    """Return title, date and outlet as the lines above the prose state them.

    Args:
        text: Of the article.
        known: Front matter and headings, which are not read again.
    """
    start = known[0].end if known and known[0].start == 0 else 0
    lines = list(lines_within(text, start, start + _TOP_CHARS, limit=_TOP_LINES))
    headings = [span for span in known if span.start < start + _TOP_CHARS]
    lines = [span for span in lines if not any(span.overlaps(each) for each in headings)]
    unquotable: list[Span] = []
    dates: list[LineDate] = []
    outlet: str | None = None
    title: str | None = None
    prose: Span | None = None
    for number, span in enumerate(lines):
        # Cut: a line of the top is short, and prose may be one line of many megabytes.
        line = text[span.start : min(span.end, span.start + 400)]
        date = _date_line(line)
        if date is not None and stands_alone(text, span, date):
            dates.append(date)
            unquotable.append(span)
        elif (byline := _BYLINE.fullmatch(line)) or (stated := _STATED.fullmatch(line)):
            unquotable.append(span)
            if byline:
                outlet = outlet or byline["outlet"]
            elif stated:
                outlet = outlet or stated["a"] or stated["b"]
        elif STRAY_LINE.fullmatch("\n" + line):
            continue
        elif (dateline := _DATELINE.match(line)) and number < 5:
            outlet = outlet or dateline["outlet"]
            if found := DATE.search(dateline["rest"] or ""):
                dates.append(LineDate(day_of(found), "bare", dateline=True))
            prose = prose or span
        elif prose is None and title is None and _is_headline(text, lines, number):
            unquotable.append(span)
            kicker = " " not in line and number + 1 < len(lines)
            if not (kicker and _is_headline(text, lines, number + 1)):
                title = on_one_line(line)
        else:
            prose = prose or span
    for span in last_lines(text, 5):
        if stated := _STATED.fullmatch(text[span.start : min(span.end, span.start + 200)]):
            unquotable.append(span)
            outlet = outlet or stated["a"] or stated["b"]
    if title is None:
        title = _opening(text[prose.start : prose.start + 2_000]) if prose else None
    return Masthead(title, publication_day(text, dates), outlet, tuple(unquotable))


def _date_line(line: str) -> LineDate | None:
    """Return the date of a line that is one, alone or after a byline or an agency's name."""
    for prefix in (_DATELINE.match(line), _BYLINE_AND_DATE.match(line)):
        if prefix and prefix.end() < len(line):
            return line_date(line, start=prefix.end())
    return line_date(line)


def _is_headline(text: str, lines: list[Span], number: int) -> bool:
    """Say whether the line stands like a headline: short, no full stop, something below it."""
    span = lines[number]
    line = span.within(text) if span.end - span.start <= 120 else ""
    if not line or len(line.split()) > 15 or not has_text(line):
        return False
    bare = line.rstrip("\"'”’»)")
    if bare.endswith((",", ":", ";")) or (
        bare.endswith(".") and not re.search(r"\b[A-Z]\.[A-Z]\.$|\.\.\.$", bare)
    ):
        return False
    if number + 1 == len(lines):
        return False
    below = lines[number + 1]
    if len(re.findall(r"\r\n|\r|\n", text[span.end : below.start])) > 1:
        return True
    under = text[below.start : min(below.end, below.start + 400)]
    return _date_line(under) is not None or _BYLINE.fullmatch(under) is not None


def _opening(text: str, *, max_chars: int = 80) -> str | None:
    """Return the beginning of the first sentence, which a reporter knows the article by."""
    lines = LINE.findall(re.split(r"\n\s*\n|\r\s*\r|\r\n\s*\r\n", text, maxsplit=1)[0])
    if not lines:
        return None
    # A paragraph of short lines is one that was wrapped.
    is_wrapped = all(len(line) <= 100 for line in lines[:3])
    sentence = " ".join(line.strip() for line in lines) if is_wrapped else lines[0]
    dateline = re.match(r"[A-Z][A-Z .,'’/-]{2,40}(?:\([^()]{1,40}\))?\s?(?:--|–|—|-)\s", sentence)
    if dateline and len(sentence) > dateline.end() + 20:
        sentence = sentence[dateline.end() :]
    for stop in re.finditer(r"[.!?][\"'”’)]?\s", sentence):
        if stop.start() >= 25 and not _ABBREVIATED.search(sentence[: stop.start()]):
            sentence = sentence[: stop.end()]
            break
    cleaned = on_one_line(sentence)
    return shortened(cleaned.removesuffix("."), max_chars) if cleaned else None


def title_lines(text: str, title: str | None) -> list[Span]:
    """Return the line that repeats the title above the text."""
    wanted = on_one_line(title)
    if not wanted:
        return []
    top = [s for s in lines_within(text, 0, _TOP_CHARS, limit=3) if s.end - s.start < 400]
    return [span for span in top if on_one_line(span.within(text)) == wanted]
