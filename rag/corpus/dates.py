"""A line -> the day that it states; a text -> the day it was published."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from rag.schema import Span

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_MONTH: Final = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
WEEKDAY: Final = (
    r"(?:Mon(?:day)?|Tue(?:s(?:day)?)?|Wed(?:nesday)?|Thu(?:rs?(?:day)?)?|Fri(?:day)?"
    r"|Sat(?:urday)?|Sun(?:day)?)\b\.?"
)
_DAY: Final = r"[0-3]?[0-9](?:st|nd|rd|th)?"
DATE: Final = re.compile(
    rf"(?:(?P<m1>{_MONTH})\s{{0,3}}(?P<d1>{_DAY}),?\s{{1,3}}(?P<y1>[0-9]{{4}})"
    rf"|(?P<d2>{_DAY})[\s-]{{0,3}}(?P<m2>{_MONTH}),?[\s-]{{0,3}}(?P<y2>[0-9]{{4}})"
    r"|(?P<y3>[0-9]{4})(?P<s3>[-/.])(?P<m3>[0-9]{1,2})(?P=s3)(?P<d3>[0-9]{1,2})"
    r"(?:T[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    r"|(?P<a4>[0-9]{1,2})(?P<s4>[-/.])(?P<b4>[0-9]{1,2})(?P=s4)(?P<y4>[0-9]{4}))(?![0-9])",
    re.IGNORECASE,
)
_DATE_WORD: Final = re.compile(
    r"(?P<label>first published|originally published|published|publication date|posted|issued"
    r"|last updated|last modified|updated|modified|edited|date)"
    r"|(?P<noise>[0-2]?[0-9][:.][0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?|[ap]\.?m\b\.?|at\b|on\b"
    r"|[0-9]{1,2} ?(?=[ap]\.?m\b)|noon\b|midnight\b|[0-9]{1,3} min(?:ute)?s? read\b|local time\b"
    r"|(?-i:(?:[ECMPA][SD]?T|GMT|UTC|BST|CEST|IDT|IST|MSK|JST|AE[SD]T|Z)(?![a-z]))"
    r"(?:[+-][0-9]{1,2}(?![0-9:]))?"
    r"|[+-][0-9]{2}:?[0-9]{2}\b|[\s,.:;|•·/*_()\[\]–—-])"
    rf"|(?P<weekday>{WEEKDAY})",
    re.IGNORECASE,
)
_OPEN_END: Final = re.compile(
    r"[,;(–—-]$|\b(?:on|in|of|by|until|till|since|from|and|or|the|to|before|after|dated|due|ended"
    r"|ending|through|at|for|as|is|was|between|effective|expires|expiring|maturing|about|around)$",
    re.IGNORECASE,
)
_DATE_LINE: Final = re.compile(
    rf"[\r\n][^\S\r\n]{{0,20}}+(?:{WEEKDAY},? )?{DATE.pattern}[^\S\r\n]{{0,20}}+(?=[\r\n]|\Z)",
    re.IGNORECASE,
)
_RANK: Final = {"published": 0, "bare": 1, "updated": 2}


@dataclass(frozen=True, slots=True)
class LineDate:
    """A date that stands on a line of its own, or in a dateline."""

    day: dt.date | None
    label: Literal["published", "updated", "bare"]
    dateline: bool = False


def line_date(line: str, *, start: int = 0) -> LineDate | None:
    """Return the date that the line is from ``start`` on; None when it says anything else."""
    if not 6 <= len(line) <= 200:
        return None
    at = start
    label: Literal["published", "updated", "bare"] = "bare"
    found: list[LineDate] = []
    while at < len(line):
        if date := DATE.match(line, at):
            found.append(LineDate(day_of(date), label))
            at = date.end()
            label = "bare"
        elif word := _DATE_WORD.match(line, at):
            at = word.end()
            if word["label"]:
                updating = re.search("updated|modified|edited", word["label"], re.IGNORECASE)
                label = "updated" if updating else "published"
        else:
            return None
    return min(found, key=lambda each: _RANK[each.label]) if found else None


def stands_alone(text: str, span: Span, date: LineDate) -> bool:
    """Say whether a line that is a date is more than the rest of a sentence wrapped there."""
    line = span.within(text)
    if line.endswith((",", ";")):
        return False
    if date.label == "bare" and re.search(r"(?<![ap]\.m)\.$", line, re.IGNORECASE):
        return False
    above = re.search(
        r"([^\r\n]*)(?:\r\n|\r|\n)[^\S\r\n]*\Z", text[max(0, span.start - 300) : span.start]
    )
    if above and _OPEN_END.search(above[1].rstrip()):
        return False
    below = re.match(r"[^\S\r\n]*(?:\r\n|\r|\n)[^\S\r\n]*(\w+)", text[span.end : span.end + 300])
    return below is None or below[1] == "by" or not below[1][0].islower()


def day_of(match: re.Match[str]) -> dt.date | None:
    """Return the day that was matched; None when it does not exist or could be two days."""
    if match["y3"]:
        year, month, day = int(match["y3"]), int(match["m3"]), int(match["d3"])
    elif match["y4"]:
        year, month, day = int(match["y4"]), int(match["a4"]), int(match["b4"])
        if month > 12:
            month, day = day, month
        elif day <= 12 and day != month:
            return None  # 3 April or March 4?
    else:
        name = (match["m1"] or match["m2"])[:3].lower()
        month = 1 + _MONTHS.index(name)
        day = int(re.sub(r"\D", "", match["d1"] or match["d2"]))
        year = int(match["y1"] or match["y2"])
    try:
        return _plausible(dt.date(year, month, day))
    except ValueError:
        return None


def _plausible(day: dt.date) -> dt.date | None:
    return day if 1700 <= day.year <= dt.date.today().year + 1 else None


def bare_date_lines(text: str) -> Iterator[Span]:
    """Yield every line that is a date and nothing else, wherever it stands."""
    for match in _DATE_LINE.finditer("\n" + text):
        lead = len(match[0]) - len(match[0].lstrip())
        span = Span(match.start() + lead - 1, match.start() + len(match[0].rstrip()) - 1)
        if stands_alone(text, span, LineDate(None, "bare")):
            yield span


def publication_day(text: str, dates: list[LineDate]) -> dt.date | None:
    """Return the publication date among the dates of the top, the most explicit first.

    A bare date counts only when no other stands alone on a line: several are a chronology.
    """
    standing = {span.within(text) for span in bare_date_lines(text)}
    for date in sorted(dates, key=lambda each: _RANK[each.label]):
        if date.day is None:
            continue
        if date.label == "bare" and not date.dateline and len(standing) > 1:
            continue
        return date.day
    return None


def stated_day(value: object) -> dt.date | None:
    """Return the day of a metadata value; None when it is no date or could be two."""
    if not isinstance(value, str) or not 6 <= len(value.strip()) <= 100:
        return None
    value = value.strip()
    try:
        return _plausible(dt.datetime.fromisoformat(value).date())
    except ValueError:
        pass
    line = line_date(value)
    return line.day if line else None
