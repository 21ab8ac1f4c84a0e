"""Values that a file states about its article -> title, publication day, outlet, address."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rag.corpus.dates import stated_day


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file states about its article outside the article's text."""

    title: str | None = None
    published: dt.date | None = None
    outlet: str | None = None
    url: str | None = None


def metadata_of(
    values: Mapping[str, object], *, title_keys: Sequence[str], outlet_keys: Sequence[str]
) -> Metadata:
    """Return what the values state; for title and outlet the first of the keys that does."""
    days = (stated_day(values.get(key)) for key in ("date", "published"))
    return Metadata(
        title=_first_text(values, title_keys),
        published=next(filter(None, days), None),
        outlet=_first_text(values, outlet_keys),
        url=web_address(values.get("url")),
    )


def web_address(value: object) -> str | None:
    """Return the value if it is a plain http address."""
    if isinstance(value, str) and re.fullmatch(r"https?://[!-~]{1,2000}", value.strip()):
        return value.strip()
    return None


def _first_text(values: Mapping[str, object], keys: Sequence[str]) -> str | None:
    """Return the first of the values that is a text; of a ``{"name": ...}``, its name."""
    for key in keys:
        value = values.get(key)
        if isinstance(value, dict):
            value = value.get("name")
        if isinstance(value, str) and value.strip():
            return value
    return None
