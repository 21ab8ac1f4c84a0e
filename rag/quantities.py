"""A sentence -> the amounts in it, each as worded, with its hedge, unit and number.

Numbers that name rather than count are left out: dates, times of day, ages, ordinals, Flight 370,
a 230-seat parliament.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Unit = Literal["", "percent", "money", "time"]
Bound = Literal["exact", "about", "above", "below", "range"]

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
WORD_VALUES = {word: float(value) for value, word in enumerate(_SMALL)} | {
    word: 10.0 * value for value, word in enumerate(_TENS, start=2)
}
_SCALES = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_PLURALS = r"dozens|scores|tens|hundreds|thousands|millions|billions"
_ONES = "|".join([*_SMALL[1:], *_TENS, "dozen"])
_SCALE = "|".join(_SCALES)
_WORDED = rf"(?:a|half a|{_ONES})(?:[\s-]+(?:and\s+)?(?:{_ONES}|{_SCALE}))*"
_CURRENCY = (
    r"dollars?|euros?|pounds?|yen|yuan|rupees?|rubles?|pesos?|francs?|kronor|shekels?|won|lira|"
    r"reais|rand|hryvnias?"
)
_NUMBER = re.compile(
    rf"(?P<sign>[$€£¥]\s?)?\b(?P<digits>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?:[\s-]+(?P<scale>{_SCALE})s?\b)?"
    rf"|\b(?P<plural>(?:{_PLURALS})(?:\s+of\s+(?:hundreds|thousands|millions))?)(?=\s+(?:of|"
    rf"more|were|have|are|died|killed|dead|missing|injured)\b)"
    r"|\b(?P<part>(?:half|(?:a|one|two|three)[\s-](?:thirds?|quarters?|fifths?)))"
    r"(?=\s+(?:of|the)\b)"
    rf"|\b(?P<worded>{_WORDED})\b",
    re.IGNORECASE,
)
_HEDGES: Sequence[tuple[str, Bound]] = (
    (r"(?:more|greater|higher|larger) than|at least|no fewer than|not fewer than|upwards? of|over|"
     r"above|in excess of|exceed(?:s|ed|ing)|surpass(?:es|ed|ing)|a minimum of|topp(?:ed|ing)|"
     r"well over|"
     r"well above", "above"),
    (r"(?:less|fewer|lower) than|at most|no more than|up to|as many as|under|below|not more than|"
     r"nearly|almost|close to|approaching|just under|as much as|a maximum of", "below"),
    (r"about|around|some|roughly|approximately|an estimated|estimated|circa|or so", "about"),
    (r"only|just|as few as|exactly|a total of", "exact"),
)  # fmt: skip
_ANY_HEDGE = "|".join(words for words, _ in _HEDGES)
_HEDGE_BEFORE = re.compile(rf"(?:\b(?:{_ANY_HEDGE})\s+)+$", re.IGNORECASE)
_UNIT_BEHIND = re.compile(
    r"(?:\s?(?P<percent>%)|\s+(?P<per_cent>percent|per cent)\b|"
    rf"[\s-](?P<money>(?:[A-Z][\w.]+\s)?(?:{_CURRENCY}))\b|"
    r"[\s-]+(?:more )?(?P<time>seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|"
    r"centur(?:y|ies))\b)",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\s*(?:to|and|or|–|-)\s*$", re.IGNORECASE)
_BETWEEN = re.compile(r"\b(?:between|from)\s+$", re.IGNORECASE)
_NAMING = re.compile(
    r"(?:\b(?:highway|route|flight|category|level|phase|room|article|section|page|chapter|no\.|"
    r"number|unit|interstate|boeing|airbus|type|step|game|week|day|stage|apollo|magnitude|aged?|"
    r"resolution|act|title|channel|district|ward|precinct|area|pier|gate|line|top|world war|"
    r"covid|version|grade|class|season|episode|act|bus|train|channel)[\s-]|"
    r"[A-Z]-?|#|/|:|\b\d-)$",
    re.IGNORECASE,
)
_NOT_COUNTING_BEHIND = re.compile(
    r"(?::\d\d|\s*[ap]\.?m\b|\s+o[’']clock|-(?!day\b|week\b|month\b|year\b|hour\b|minute\b)[a-z]+|"
    r"-years?-old|\s+years?[\s-]old|/\d|\.\d|[A-Za-z]\d|°|\s+degrees?\b)",
    re.IGNORECASE,
)
_PRONOUN_ONE = re.compile(
    r"\bone\s+(?:of|among|another|day|thing|way|time|can|could|may|would|is|was|that|who|which|"
    r"or more|"
    r"in|side|such|by|after|at|to|more time|year|month|week|night|morning|evening)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount as a sentence words it.

    Attributes:
        start, end: Of the words with hedge and unit, in the sentence.
        bare_start: Where the words without the hedge begin.
        words: ``sentence[start:end]``.
        amount: The number; the lower one of a range; None where the words give none ("dozens").
        upper: The upper end of a range, else None.
        unit: What kind of amount.
        bound: What the hedge says: an amount above, below or about the number.
    """

    start: int
    end: int
    bare_start: int
    words: str
    amount: float | None
    upper: float | None
    unit: Unit
    bound: Bound


def quantities_in(sentence: str, *, taken: Sequence[tuple[int, int]] = ()) -> list[Quantity]:
    """Return the amounts of a sentence, in its order.

    Args:
        sentence: The words.
        taken: Stretches whose numbers count nothing (dates).
    """
    found: list[Quantity] = []
    for match in _NUMBER.finditer(sentence):
        if any(start < match.end() and match.start() < end for start, end in taken):
            continue
        if not _counts(match, sentence):
            continue
        quantity = _quantity(match, sentence)
        before = found[-1] if found else None
        if before is not None and _makes_range(before, quantity, sentence):
            found[-1] = _range(before, quantity, sentence)
        else:
            found.append(quantity)
    return found


def with_hedges_of(statement: str, words: str) -> str:
    """Return a statement whose bare numbers carry the hedges that its source gives them.

    "1,200 were killed", where the source says "more than 1,200" and nowhere 1,200 alone ->
    "more than 1,200 were killed".
    """
    told = quantities_in(words)
    for one in reversed(quantities_in(statement)):
        same = [other for other in told if same_amount(one, other)]
        if one.bound == "exact" and same and all(other.bound != "exact" for other in same):
            hedge = words[same[0].start : same[0].bare_start]
            if hedge.strip():
                lower = hedge[0].lower() + hedge[1:]
                put = lower if one.start else hedge[0].upper() + hedge[1:]
                statement = statement[: one.bare_start] + put + statement[one.bare_start :]
    return statement


def other_hedge(statement: str, words: str) -> str | None:
    """Return how the source hedges a number that the statement hedges in another way.

    None where there is no such number.
    """
    told = quantities_in(words)
    for one in quantities_in(statement):
        same = [other for other in told if same_amount(one, other)]
        if one.bound != "exact" and same and all(other.bound != one.bound for other in same):
            return same[0].words
    return None


def same_amount(one: Quantity, other: Quantity) -> bool:
    """Say whether two quantities state the same number in the same kind of unit."""
    return (one.amount, one.upper, one.unit) == (other.amount, other.upper, other.unit) and (
        one.amount is not None or one.words.lower() == other.words.lower()
    )


def compatible(one: Quantity, other: Quantity) -> bool:
    """Say whether two quantities may both be true at one time: "over 100" and "104"."""
    if one.amount is None or other.amount is None or one.unit != other.unit:
        return True
    return _within(one, other) or _within(other, one)


def _within(one: Quantity, other: Quantity) -> bool:
    """Say whether the second number lies where the first one's hedge points."""
    low, value = one.amount or 0.0, other.amount or 0.0
    if value == low:
        return True
    match one.bound:
        case "above":
            # "More than 100" is not said of 300.
            return low <= value <= 1.25 * low
        case "below":
            return 0.8 * low <= value <= low
        case "about":
            return 0.9 * low <= value <= 1.1 * low
        case "range":
            return low <= value <= (one.upper or low)
        case _:
            return False


def _counts(match: re.Match[str], sentence: str) -> bool:
    before, behind = sentence[: match.start()], sentence[match.end() :]
    words = match.group().lower()
    if match["sign"] or match["part"]:
        return True
    if match["worded"]:
        if words in ("a", "half a"):
            return False
        if words == "one":
            if _PRONOUN_ONE.match(sentence, match.start()) or re.search(
                r"\b(?:no|this|that|the|every|any|each|which|other)[\s-]+$", before, re.IGNORECASE
            ):
                return False
            if not re.match(r"[\s-]+[a-z]", behind):
                return False
        return not _NOT_COUNTING_BEHIND.match(behind) or bool(_UNIT_BEHIND.match(behind))
    if match["plural"]:
        return True
    if _NAMING.search(before[-24:]) and not before.endswith((" a ", " A ")):
        return False
    if re.search(r"[A-Z]\w+,\s$", before) and re.match(r"\s*,", behind):
        return False  # "Joana Reis, 34, said"
    if _NOT_COUNTING_BEHIND.match(behind):
        return bool(_UNIT_BEHIND.match(behind)) and not re.match(
            r"-years?-old|\s+years?[\s-]old", behind
        )
    return not re.match(r"(?:st|nd|rd|th)\b|[A-Za-z]", behind)


def _quantity(match: re.Match[str], sentence: str) -> Quantity:
    start, end = match.span()
    unit: Unit = "money" if match["sign"] else "percent" if match["part"] else ""
    behind = _UNIT_BEHIND.match(sentence, end)
    if behind:
        if behind["percent"] or behind["per_cent"]:
            unit = "percent"
        elif behind["money"]:
            unit = "money"
        elif not unit:
            unit = "time"
        if not (behind["time"] and unit == "money"):
            end = behind.end()
    hedge = _HEDGE_BEFORE.search(sentence[:start])
    hedged = hedge.start() if hedge else start
    return Quantity(
        start=hedged,
        end=end,
        bare_start=start,
        words=sentence[hedged:end],
        amount=_amount(match),
        upper=None,
        unit=unit,
        bound=_bound(hedge.group() if hedge else ""),
    )


def _bound(hedge: str) -> Bound:
    for words, bound in _HEDGES:
        if re.search(rf"\b(?:{words})\b", hedge, re.IGNORECASE):
            return bound
    return "exact"


def _makes_range(one: Quantity, other: Quantity, sentence: str) -> bool:
    if one.amount is None or other.amount is None or other.amount <= one.amount:
        return False
    if one.unit not in ("", other.unit):
        return False
    between = sentence[one.end : other.start]
    if not _RANGE.fullmatch(between) or other.start != other.bare_start:
        return False
    opening = _BETWEEN.search(sentence[: one.start])
    if re.fullmatch(r"\s*and\s*", between, re.IGNORECASE):
        return opening is not None and opening.group().lower().startswith("between")
    # "rose from 80 to 104" is no range.
    return opening is None or opening.group().lower().startswith("between")


def _range(one: Quantity, other: Quantity, sentence: str) -> Quantity:
    opening = re.search(r"\bbetween\s+$", sentence[: one.start], re.IGNORECASE)
    start = opening.start() if opening else one.start
    low = one.amount or 0.0
    high = other.amount or 0.0
    # "4 to 5 million": the scale is said once.
    factor = next((f for name, f in _SCALES.items() if name in other.words.lower()), 1.0)
    if factor > 1 and low * factor <= high:
        low *= factor
    return Quantity(
        start,
        other.end,
        one.bare_start,
        sentence[start : other.end],
        low,
        high,
        other.unit,
        "range",
    )


def _amount(match: re.Match[str]) -> float | None:
    if match["plural"]:
        return None
    if match["part"]:
        return _share(match["part"].lower())
    if match["digits"]:
        scale = _SCALES[match["scale"].lower()] if match["scale"] else 1.0
        return round(float(match["digits"].replace(",", "")) * scale, 6)
    total = part = 0.0
    for word in re.findall(r"[a-z]+", match["worded"].lower()):
        if word in WORD_VALUES:
            part += WORD_VALUES[word]
        elif word == "dozen":
            part = max(part, 1.0) * 12
        elif word == "half":
            part = 0.5
        elif word == "hundred":
            part = max(part, 1.0) * 100
        elif word in _SCALES:
            total += max(part, 1.0) * _SCALES[word]
            part = 0.0
    return total + part


def _share(words: str) -> float:
    """Return a fraction in percent: 50 for "half"."""
    if words == "half":
        return 50.0
    count, name = re.split(r"[\s-]", words)
    parts = {"third": 3, "quarter": 4, "fifth": 5}[name.rstrip("s")]
    return round(100 * WORD_VALUES.get(count, 1.0) / parts, 2)
