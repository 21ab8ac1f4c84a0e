"""A date as an article words it + the day the article was published -> ISO 8601.

"on Friday" in an article of Saturday is the day before; "last month" is a month, not a day. What
lies after the article cannot be what its values stand for.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

_DAYS = [name.lower() for name in calendar.day_name]
_MONTHS = [name.lower()[:3] for name in calendar.month_abbr]
_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"(?:Jan|Feb|Mar|Apr|Aug|Sept|Oct|Nov|Dec)\b\.?)"
)
_PART = r"(?:early|late|mid-?|the end of|the beginning of)\s+"
_CLOCK = (
    r"(?:\s+(?:morning|afternoon|evening|night|midday|noon))?"
    r"(?:\s+at\s+\d{1,2}(?::\d\d)?\s*[ap]\.?m\.?)?"
)
_COUNT = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
}  # fmt: skip

DATE_IN_WORDS = re.compile(
    rf"\b(?:{_PART})?(?:"
    rf"(?P<month>{_MONTH})\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?!\d|,\d)(?:,?\s+(?P<year>\d{{4}}))?\b|"
    rf"(?P<day_first>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<its_month>{_MONTH})(?:\s+(?P<its_year>\d{{4}}))?\b|"
    rf"(?P<month_of>{_MONTH}),?\s+(?P<year_of>\d{{4}})\b|"
    r"(?P<iso>\d{4}-\d{2}-\d{2})\b|"
    rf"(?:(?P<which>last|next|this)\s+)?(?P<weekday>{'|'.join(calendar.day_name)})\b{_CLOCK}|"
    r"(?P<near>today|tonight|this (?:morning|afternoon|evening)|yesterday|last night)\b|"
    r"(?P<count>a|one|two|three|four|five|six|seven|\d{1,2})\s+(?P<unit>day|week|month|year)s?\s+ago\b|"
    r"last\s+(?P<last>week|month|year)\b|"
    rf"(?:last\s+)?(?P<bare_month>January|February|March(?!\s+[a-z])|April|June|July|August|September|"
    r"October|November|December)\b|"
    r"(?P<only_year>(?:19|20)\d{2})(?!\d|[,-]\d|\s+(?:people|dead|deaths))\b)"
)


@dataclass(frozen=True, slots=True)
class DateInWords:
    """A date that a sentence names.

    Attributes:
        start, end: Where, in the sentence.
        iso: The day, month or year as ISO 8601; None where it cannot be told (a weekday in an
            article without a date).
        ahead: Whether it lies after the day of the article.
    """

    start: int
    end: int
    iso: str | None
    ahead: bool


def dates_in(sentence: str, published: dt.date | None) -> list[DateInWords]:
    """Return the dates that a sentence names, in its order, resolved against the article's day.

    Args:
        sentence: The words.
        published: When they were published; without it, relative dates stay unknown.
    """
    found = []
    for match in DATE_IN_WORDS.finditer(sentence):
        if match["bare_month"] and not _is_dated(sentence, match.start()):
            continue
        iso = _resolved(match, published)
        ahead = match["which"] == "next" or _is_ahead(iso, published)
        found.append(DateInWords(match.start(), match.end(), iso, ahead))
    return found


def _is_dated(sentence: str, start: int) -> bool:
    """Say whether a month alone is a date there ("in June"), not a name or a verb."""
    return bool(
        re.search(r"\b(?:in|of|since|until|by|last|from|early|late|and)\s+$", sentence[:start])
    )


def _is_ahead(iso: str | None, published: dt.date | None) -> bool:
    return iso is not None and published is not None and iso > published.isoformat()[: len(iso)]


def _resolved(match: re.Match[str], published: dt.date | None) -> str | None:
    group = match.groupdict()
    if group["iso"]:
        return str(group["iso"])
    if group["only_year"]:
        return str(group["only_year"])
    if group["month_of"]:
        return f"{group['year_of']}-{_month(group['month_of']):02}"
    if group["month"] or group["its_month"]:
        month = _month(group["month"] or group["its_month"])
        day = int(group["day"] or group["day_first"])
        year = group["year"] or group["its_year"]
        if year:
            return _day(int(year), month, day)
        return None if published is None else _nearest(published, month, day)
    if published is None:
        return None
    if group["bare_month"]:
        month = _month(group["bare_month"])
        return f"{published.year - (month > published.month):04}-{month:02}"
    return _relative(group, published)


def _relative(group: dict[str, str | None], published: dt.date) -> str | None:
    weekday = group["weekday"]
    if weekday:
        back = (published.weekday() - _DAYS.index(weekday.lower())) % 7
        if group["which"] == "last" and back == 0:
            back = 7
        if group["which"] == "next":
            back -= 7
        return (published - dt.timedelta(days=back)).isoformat()
    if group["near"]:
        near = group["near"]
        days = 1 if near in ("yesterday", "last night") else 0
        return (published - dt.timedelta(days=days)).isoformat()
    unit = group["unit"] or group["last"]
    counted = group["count"] or "one"
    count = _COUNT[counted] if counted in _COUNT else int(counted)
    if unit == "day":
        return (published - dt.timedelta(days=count)).isoformat()
    if unit == "week":
        # A week has no notation of its own that other dates compare with: the month that holds it.
        return (published - dt.timedelta(weeks=count)).isoformat()[: len("2024-06")]
    if unit == "month":
        months = published.year * 12 + published.month - 1 - count
        return f"{months // 12:04}-{months % 12 + 1:02}"
    return f"{published.year - count:04}"


def _nearest(published: dt.date, month: int, day: int) -> str | None:
    """Return the day in the year that brings it nearest to the article."""
    days = []
    for year in (published.year - 1, published.year, published.year + 1):
        iso = _day(year, month, day)
        if iso:
            days.append(dt.date.fromisoformat(iso))
    if not days:
        return None
    return min(days, key=lambda found: abs((found - published).days)).isoformat()


def _day(year: int, month: int, day: int) -> str | None:
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return None


def _month(name: str) -> int:
    return _MONTHS.index(name.lower()[:3])
