"""Foreign text -> HTML, Markdown and file names that show it and do nothing else.

Everything that the page shows passes through here: what an article, a file name, a question or a
model says is text, never markup. Pure.
"""

from __future__ import annotations

import datetime as dt
import html
import re

# Characters that reorder or hide neighbouring text. In names and titles they are shown as a box;
# in an article's own words they stay (a quote is exact) and are confined to their element by CSS.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_UNENCODABLE = re.compile("[\ud800-\udfff]")
_MARKDOWN = re.compile(r"[\\`*_{}\[\]<>#|~&$!@]|:(?=//)|(?<=www)\.|^[-+=]|(?<=^\d)[.)]", re.I)
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def words(value: object) -> str:
    """Return text as HTML, to the letter; for quotes and articles."""
    escaped = html.escape(_UNENCODABLE.sub("\ufffd", str(value)), quote=True)
    # A parser turns a bare carriage return into a line feed and drops a null.
    return escaped.replace("\r", "&#13;").replace("\x00", "\ufffd")


def label(value: object) -> str:
    """Return text as HTML with invisible characters shown; for names, titles and questions."""
    return words(visible(value))


def visible(value: object) -> str:
    """Return text with the characters that hide or reorder others replaced by a box."""
    return _INVISIBLE.sub("\u25a1", _UNENCODABLE.sub("\ufffd", str(value)))


def markdown(value: object) -> str:
    """Return text as one line of Markdown that renders as the same text."""
    return _MARKDOWN.sub(r"\\\g<0>", " ".join(visible(value).split()))


def day(value: str | None) -> str:
    """Return an ISO date, month or year as a reader writes it: ``24 July 2025``."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?", value or "")
    if not match:
        return label(value or "")
    year, month, date = match.groups()
    if month is None or not 1 <= int(month) <= len(_MONTHS):
        return label(value)
    named = f"{_MONTHS[int(month) - 1]} {year}"
    return f"{int(date)} {named}" if date else named


def dates(earliest: str | None, latest: str | None) -> str:
    """Return a span of dates, ``3 May 2024 to 24 July 2025``; empty when nothing is dated."""
    if not earliest or not latest:
        return ""
    return day(earliest) if earliest == latest else f"{day(earliest)} to {day(latest)}"


def age(iso_time: str | None, now: dt.datetime) -> str:
    """Return how long ago that was: ``3 minutes ago``."""
    if not iso_time:
        return "at an unknown time"
    then = dt.datetime.fromisoformat(iso_time)
    if then.tzinfo is None:
        then = then.replace(tzinfo=dt.UTC)
    seconds = max(0.0, (now - then).total_seconds())
    for unit, length_s in (("day", 86400), ("hour", 3600), ("minute", 60)):
        count = int(seconds // length_s)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def file_name(value: str, fallback: str = "untitled") -> str:
    """Return a name that is safe in a folder and in a header: letters, digits, ``-`` and ``_``."""
    cleaned = re.sub(r"[^\w-]+", "-", _INVISIBLE.sub("", value), flags=re.ASCII).strip("-_")
    return cleaned[:60].strip("-_") or fallback
