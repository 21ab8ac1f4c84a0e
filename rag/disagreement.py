"""Statements of one answer -> each source's value, as of when, according to whom; how they differ.

Nothing is averaged and nothing is preferred: a value is shown as its source words it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass

from rag.question import DURATION, MONTH, NUMBER, kind_of, nearest_match
from rag.schema import Citation, Disagreement, Reading, iso

_HEDGE = re.compile(
    r"(?:\b(?:about|around|some|roughly|approximately|nearly|almost|over|under|only|just|"
    r"more than|less than|fewer than|at least|at most|up to|as many as|as few as|an estimated|"
    r"an additional|another|close to|upwards of|no fewer than|no more than)\s+)+$",
    re.IGNORECASE,
)
_SCALE = re.compile(r"\s*(?:%|percent\b|per cent\b|(?:thousand|million|billion|trillion)\b)")
_UNIT_BEFORE = re.compile(r"[$€£¥]\s?$")
_PARTITIVE_QUESTION = re.compile(r"\bhow (?:many|much) of\b", re.IGNORECASE)
_PARTITIVE = re.compile(r"\s+of (?:whom|them|those|these|which|the)\b", re.IGNORECASE)
_AS_OF = re.compile(
    rf"\b(?:as of|as at|until|by|through)\s+(?:early |mid-|late |the end of )?"
    rf"(?:(?P<month>{MONTH})\s+(?:(?P<day>\d{{1,2}}),?\s+)?(?P<year>\d{{4}})|(?P<only_year>\d{{4}}))\b",
    re.IGNORECASE,
)
_SPEAKER_VERB = (
    r"(?:say|says|said|estimate|estimates|estimated|report|reports|reported|believe|believes|"
    r"announced|claim|claims|claimed|confirmed|acknowledged)"
)
_SAID_BEHIND = re.compile(
    rf"[,”\"]\s*(?P<who>(?:the\s+)?[A-Za-z][\w’'. -]{{1,70}}?)\s+{_SPEAKER_VERB}\b[^,]{{0,40}}$"
)
_ACCORDING = re.compile(
    r"\b(?:according to|as reported by)\s+(?P<who>[^,;.()]{2,80})", re.IGNORECASE
)
_SAID_BEFORE = re.compile(
    rf"^(?P<who>(?:The\s+)?[A-Z][\w’'. -]{{1,60}}?)\s+{_SPEAKER_VERB}\s+(?:that\s+)?(?!to\b)"
)
_WORD_VALUES = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}


@dataclass(frozen=True, slots=True)
class Value:
    """A quantity as a sentence words it.

    Attributes:
        words: With its hedge, to the letter: ``more than 120``.
        amount: The bare number, for comparing; None where the words are no plain number.
    """

    words: str
    amount: float | None


def value_in(sentence: str, question: str) -> Value | None:
    """Return the value in a sentence that counts what the question asks for, or None.

    Only questions for a number or a length of time have values; a number that stands by something
    else than what is asked for ("20 of whom" for "how many hostages") is not taken.
    """
    kind = kind_of(question)
    if kind not in ("number", "duration"):
        return None
    pattern = NUMBER if kind == "number" else DURATION
    if _PARTITIVE_QUESTION.search(question):
        found = next(
            (m for m in pattern.finditer(sentence) if _PARTITIVE.match(sentence, m.end())), None
        )
    else:
        found = nearest_match(kind, sentence, question)
    if found is None:
        return None
    start, end = found.span()
    scale = _SCALE.match(sentence, end)
    if scale and kind == "number":
        end = scale.end()
    unit = _UNIT_BEFORE.search(sentence[:start])
    if unit:
        start = unit.start()
    amount = _amount(sentence[start:end])
    hedge = _HEDGE.search(sentence[:start])
    if hedge:
        start = hedge.start()
    return Value(sentence[start:end], amount)


def read_values(
    question: str, statements: Sequence[tuple[str, Citation]]
) -> tuple[tuple[Reading, ...], Disagreement | None]:
    """Return the sources' values, newest first, and how they differ.

    Args:
        question: Standing alone.
        statements: Sentences with the citation that carries each.
    """
    found: list[tuple[Reading, float | None]] = []
    for sentence, citation in statements:
        value = value_in(sentence, question)
        if value is None:
            continue
        stated = stated_as_of(sentence)
        as_of = stated or iso(citation.published)
        found.append(
            (
                Reading(
                    value=value.words,
                    as_of=as_of,
                    as_of_kind="stated" if stated else "published" if as_of else "undated",
                    attribution=attribution(sentence),
                    citation=citation.number,
                ),
                value.amount,
            )
        )
    found.sort(key=lambda item: item[0].citation)
    found.sort(key=lambda item: item[0].as_of or "", reverse=True)
    return tuple(reading for reading, _ in found), _difference(found)


def stated_as_of(sentence: str) -> str | None:
    """Return the day, month or year that a sentence says its value stands for, as ISO 8601."""
    match = _AS_OF.search(sentence)
    if match is None:
        return None
    if match["only_year"]:
        return match["only_year"]
    month = [name.lower()[:3] for name in calendar.month_abbr].index(match["month"].lower()[:3])
    day = f"-{int(match['day']):02}" if match["day"] else ""
    return f"{match['year']}-{month:02}{day}"


def attribution(sentence: str) -> str | None:
    """Return who says so, as the sentence words it, or None where it speaks for itself."""
    for pattern in (_ACCORDING, _SAID_BEHIND, _SAID_BEFORE):
        match = pattern.search(sentence)
        if match:
            return match["who"].strip()
    return None


def _difference(found: Sequence[tuple[Reading, float | None]]) -> Disagreement | None:
    """Say how values differ: over time if every different value stands at another date."""
    known = [(reading, amount) for reading, amount in found if amount is not None]
    amounts = {amount for _, amount in known}
    if len(amounts) < 2:
        return None
    dates: dict[float, set[str]] = {amount: set() for amount in amounts}
    for reading, amount in known:
        if reading.as_of is not None and amount is not None:
            dates[amount].add(reading.as_of)
    if any(not days for days in dates.values()):
        return "between_sources"
    seen: set[str] = set()
    for days in dates.values():
        if days & seen:
            return "between_sources"
        seen |= days
    return "over_time"


def _amount(words: str) -> float | None:
    digits = re.search(r"\d[\d,]*(?:\.\d+)?", words)
    scale = next((factor for name, factor in _SCALES.items() if name in words.lower()), 1.0)
    if digits:
        return float(digits.group().replace(",", "")) * scale
    total = [
        _WORD_VALUES[word] for word in re.findall(r"[a-z]+", words.lower()) if word in _WORD_VALUES
    ]
    return float(sum(total)) * scale if total else None
