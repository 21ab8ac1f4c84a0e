"""Sentences that may answer -> each source's value, as of when, according to whom; how they differ.

Nothing is averaged and nothing is preferred: a value is shown as its source words it, the newest
first. What an amount counts is :mod:`rag.counting`'s word; what measures something else is left
out.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rag.counting import Asked, Counted, asked_for, counted_in, is_about, may_tell
from rag.dates_in_words import DateInWords, dates_in
from rag.quantities import Quantity, compatible, quantities_in, same_amount
from rag.question import kind_of, nearest_match
from rag.schema import Disagreement, Hit, Passage, Span, iso

MAX_READINGS = 24
# Passages that are looked at for values: sources that differ stand further down than the answer.
VALUE_PASSAGES = 300
_OPENING = 600
_AROUND = 1500
# What lies further apart may be two events of one name.
_ONE_EVENT_DAYS = 180
# A reading that fits half as well as the best one counts something else.
_FIT_RANGE = 0.5
_SAME_WORDS = 0.8
_WORD = re.compile(r"\w+")
_AMOUNT_QUESTION = re.compile(
    r"^\W*what(?:[’']s|\s+(?:is|was|are|were|will be))\s+(?:[\w’-]+\s+){0,5}?"
    r"(?:price|cost|turnout|tolls?|rate|budget|value|size|salary|damage)\b",
    re.IGNORECASE,
)
_ASKING = frozenset(
    "often large what were have does when long many much will last would been with".split()
)
_SPEECH_VERB = (
    r"(?:sa(?:ys?|id)|estimate[sd]?|report(?:s|ed)?|believe[sd]?|announce[sd]?|claim(?:s|"
    r"ed)?(?=\s+that)|"
    r"confirm(?:s|ed)?|acknowledge[sd]?|told|added|wrote|stated|warned|verified|proposed|counted|"
    r"tallied|recorded)"
)
_WHO = r"(?:(?:[Tt]he|[Aa]n?)\s+)?[A-Za-z][\w’'.&-]*(?:\s+[\w’'.&-]+){0,9}?"
_SAID_BEHIND = re.compile(
    rf"[,”\"]\s*(?P<who>{_WHO})\s+(?:have |has |had )?{_SPEECH_VERB}\b(?=[^,;]{{0,60}}(?:[,;.]|$))"
)
_SAID_INVERTED = re.compile(
    r"[,”\"]\s*(?:said|says|according to)\s+(?P<who>(?:the |"
    r"a )?[A-Za-z][\w’'. -]{1,60}?)(?=[,;]|\.?$)"
)
_ACCORDING = re.compile(
    r"\b(?:according to|as reported by)\s+(?P<who>[^,;.()]{2,80})", re.IGNORECASE
)
_SAID_BEFORE = re.compile(
    rf"^(?P<who>{_WHO})\s+(?:have |has |had )?(?:{_SPEECH_VERB}\s+(?!to\b)|"
    r"puts?\s+[^,;]{1,40}?\s+at\s)"
)
_PRONOUN = re.compile(
    r"(?:and |but )?(?:he|she|it|they|we|i|you|who|which|that|this|what|also|is|was|one|others?)",
    re.IGNORECASE,
)
_DAY_BEHIND = re.compile(
    r"\s+(?:on\s+|late\s+|early\s+)*(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b.*$"
)
_NO_SPEAKER = re.compile(
    r"\b(?:are|is|was|were|been|have|had|people|others|dead|killed|died|storm|flood\w*|hurricane|"
    r"quake|earthquake)\b|\d\d",
    re.IGNORECASE,
)
_SAYING = (
    r"(?:said|says?|told|reported|announced|confirmed|added|estimated|verified|acknowledged|raised|"
    r"put|updated)"
)
_DATE_OF_SPEECH_BEFORE = re.compile(
    rf"\b{_SAYING}(?:\s+(?:in|at|to|reporters|a|an|its|his|her|their|statement|news|press|"
    rf"conference|"
    r"briefing|interview|update|post|on|late|early|the|that|as of))*\s*$",
    re.IGNORECASE,
)
_DATE_OF_SPEECH_BEHIND = re.compile(rf"^,?\s+(?:[\w’'.-]+\s){{0,5}}?{_SAYING}\b", re.IGNORECASE)
_STANDS_FOR = re.compile(
    r"\b(?:as of|as at|by|through|until|till)\s+(?:the end of |late |early |mid-?\s?)?$",
    re.IGNORECASE,
)
_RISES = re.compile(
    r"\b(?:ris(?:en|ing|es)|rose|climb(?:ed|s|ing)|grow(?:n|s)|grew|jumped|increased|reached|stood|"
    r"stands|surpassed|exceeded|revised|soared|topped|passed|hit|was|were|remained|fell|dropped)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence that may hold a value.

    Attributes:
        passage: Where it stands, with the article's title, date and outlet.
        span: The sentence, in the article.
        strength: How well it answers, higher is better; compared within one question only.
        answer: The words in it that answer, where a reader has found them; in the article.
        article: The text of the whole article, when known: what it is about is told at its
            beginning, which event a sentence means by those around it.
    """

    passage: Passage
    span: Span
    strength: float
    answer: Span | None = None
    article: str = ""

    @property
    def text(self) -> str:
        """The words of the sentence."""
        return self.passage.sentence_text(self.span)

    @property
    def opening(self) -> str:
        """The title and the beginning of the article."""
        return f"{self.passage.title}\n{self.article[:_OPENING]}"

    @property
    def around(self) -> str:
        """What stands around the sentence."""
        before = self.article[max(0, self.span.start - _AROUND) : self.span.start]
        behind = self.article[self.span.end : self.span.end + _AROUND]
        return f"{before}\n{self.passage.text}\n{behind}"


@dataclass(frozen=True, slots=True)
class FoundValue:
    """One source's value, before it is bound to a citation; see :class:`rag.schema.Reading`.

    Attributes:
        quantity: What the words amount to; None for a length of time that is no plain amount.
    """

    words: str
    quantity: Quantity | None
    as_of: str | None
    as_of_kind: Literal["stated", "published", "undated"]
    attribution: str | None
    evidence: Evidence
    fit: float
    placed: bool
    earlier: bool
    grows: bool


def asks_for_value(question: str) -> bool:
    """Say whether the question is for a number or a length of time: what sources differ in."""
    return _kind(question) is not None


def evidence_in(
    hits: Sequence[Hit],
    *,
    article: Callable[[str], str],
    strengths: Mapping[tuple[str, Span], float] | None = None,
    answers: Mapping[tuple[str, Span], Span] | None = None,
) -> list[Evidence]:
    """Return every sentence of the passages found, each once.

    Args:
        hits: The passages.
        article: Gives the text of an article by its path.
        strengths: How well a sentence answers, by path and span, where that was read; a sentence
            that was not read is as strong as its passage is relevant.
        answers: The words that answer, by path and span of their sentence.
    """
    texts: dict[str, str] = {}
    found: dict[tuple[str, Span], Evidence] = {}
    for hit in hits:
        path = hit.passage.path
        if path not in texts:
            texts[path] = article(path)
        for span in hit.passage.sentences:
            key = (path, span)
            found.setdefault(
                key,
                Evidence(
                    hit.passage,
                    span,
                    (strengths or {}).get(key, hit.relevance),
                    (answers or {}).get(key),
                    texts[path],
                ),
            )
    return list(found.values())


def read_values(
    question: str, evidence: Sequence[Evidence]
) -> tuple[tuple[FoundValue, ...], Disagreement | None]:
    """Return the sources' values, newest first, and how they differ.

    Only questions for a number or a length of time have values. An article gives each of its values
    once, in the sentence that fits best; copies of one report count once.

    Args:
        question: Standing alone.
        evidence: Sentences of the passages found, in any order.
    """
    kind = _kind(question)
    if kind is None:
        return (), None
    asked = asked_for(question)
    counted = kind == "number" and asked.unit != "any"
    found: list[FoundValue] = []
    for item in evidence:
        if counted:
            if not may_tell(asked, item.text) or not is_about(
                asked, opening=item.opening, around=item.around
            ):
                continue
            found += _counted_values(asked, item)
        else:
            found += _nearest_value(question, item)
    found = _best_of_each_article(found)
    found = _without_weak(found)
    found = _without_copies(found)
    if len(found) > MAX_READINGS:
        found = sorted(found, key=_rank)[:MAX_READINGS]
    found.sort(key=lambda value: (value.evidence.passage.path, value.evidence.span.start))
    found.sort(key=lambda value: value.as_of or "", reverse=True)
    return tuple(found), difference(found)


def values_in(sentence: str, question: str, published: dt.date | None = None) -> list[FoundValue]:
    """Return the values in one sentence, whatever the article is about.

    Args:
        sentence: The words.
        question: What they may answer.
        published: When; relative dates are resolved against it.
    """
    span = Span(0, len(sentence))
    passage = Passage("", "", 0, len(sentence), sentence, "", published, None, (span,))
    item = Evidence(passage, span, 0.0)
    kind = _kind(question)
    if kind is None:
        return []
    asked = asked_for(question)
    if kind == "number" and asked.unit != "any":
        return _counted_values(asked, item)
    return _nearest_value(question, item)


def _kind(question: str) -> Literal["number", "duration"] | None:
    kind = kind_of(question)
    if kind == "number" or (kind == "open" and _AMOUNT_QUESTION.search(question)):
        return "number"
    return "duration" if kind == "duration" else None


# --- one sentence ---------------------------------------------------------------------------


def _counted_values(asked: Asked, item: Evidence) -> list[FoundValue]:
    sentence, published = item.text, item.passage.published
    dates = dates_in(sentence, published)
    quantities = quantities_in(sentence, taken=[(date.start, date.end) for date in dates])
    if not quantities:
        return []
    counted = counted_in(
        sentence, asked, quantities, dates, year=published.year if published else None
    )
    values = []
    for one in counted:
        stated = stated_as_of(sentence, dates, one.quantity, one.clause, grows=one.grows)
        if one.earlier and stated is None:
            continue
        values.append(_value(item, one.quantity.words, one.quantity, stated, one))
    return values


def _nearest_value(question: str, item: Evidence) -> list[FoundValue]:
    """Return the amount or length of time that stands nearest to words of the question."""
    sentence = item.text
    match = nearest_match(_kind(question) or "number", sentence, question)
    if match is None or not _shares_subject(sentence, question):
        return []
    dates = dates_in(sentence, item.passage.published)
    quantities = quantities_in(sentence, taken=[(date.start, date.end) for date in dates])
    whole = next((q for q in quantities if q.start < match.end() and match.start() < q.end), None)
    if whole is None:
        # "twice" is no amount, and yet the answer.
        whole = Quantity(
            *match.span(), match.start(), match.group(), None, None, unit="", bound="exact"
        )
    start, end = min(whole.start, match.start()), max(whole.end, match.end())
    stated = stated_as_of(sentence, dates, whole, (start, end), grows=True)
    return [_value(item, sentence[start:end], whole, stated, None)]


def _shares_subject(sentence: str, question: str) -> bool:
    """Say whether a sentence has half of the question's own words, by their first letters."""
    asked = {word[:5] for word in _WORD.findall(question.lower()) if len(word) > 3}
    asked -= _ASKING
    found = {word[:5] for word in _WORD.findall(sentence.lower())}
    return 2 * len(asked & found) >= len(asked)


def _value(
    item: Evidence,
    words: str,
    quantity: Quantity,
    stated: str | None,
    counted: Counted | None,
) -> FoundValue:
    as_of = stated or iso(item.passage.published)
    at = counted.quantity.start if counted else quantity.start
    return FoundValue(
        words=words,
        quantity=quantity,
        as_of=as_of,
        as_of_kind="stated" if stated else "published" if as_of else "undated",
        attribution=attribution(item.text, at),
        evidence=item,
        fit=counted.fit if counted else 1.0,
        placed=counted.placed if counted else False,
        earlier=counted.earlier if counted else False,
        grows=counted.grows if counted else False,
    )


def stated_as_of(
    sentence: str,
    dates: Sequence[DateInWords],
    quantity: Quantity,
    clause: tuple[int, int],
    *,
    grows: bool,
) -> str | None:
    """Return the day, month or year that a sentence says its value stands for, as ISO 8601.

    "As of June" and "said on Monday" date a value; "the flood of Friday killed 80" dates the flood.

    Args:
        sentence: The words.
        dates: The dates in it.
        quantity: The value.
        clause: The stretch that tells of it.
        grows: Whether the number grows while an event is counted; if not, the day on which it
            happened is the value's own.
    """
    best: tuple[int, int, str] | None = None
    for date in dates:
        if date.iso is None or date.ahead:
            continue
        rank = _stands_for(sentence, date, quantity, clause, grows)
        if rank is None:
            continue
        key = (rank, abs(date.start - quantity.start), date.iso)
        if best is None or key < best:
            best = key
    return best[2] if best else None


def _stands_for(
    sentence: str,
    date: DateInWords,
    quantity: Quantity,
    clause: tuple[int, int],
    grows: bool,
) -> int | None:
    """Return how plainly a date is that of a value, 0 the plainest; None if it is not."""
    before, behind = sentence[: date.start], sentence[date.end :]
    within = clause[0] <= date.start < max(clause[1], quantity.end + 1)
    if _STANDS_FOR.search(before):
        return 0
    if (
        within
        and _RISES.search(sentence[clause[0] : quantity.start])
        and not re.search(
            r"\b(?:flood\w*|storm|quake|since|from|of)\s+(?:on\s+)?$", before, re.IGNORECASE
        )
        and not re.search(r"\b(?:killed|died|dead|released|struck)\b[^,]*$", before[clause[0] :])
    ):
        return 1
    if _DATE_OF_SPEECH_BEFORE.search(before) or _DATE_OF_SPEECH_BEHIND.match(behind):
        return 2
    if within and not grows and not re.search(r"\b(?:since|of|from|in)\s+$", before):
        return 3
    if within and not grows and re.search(r"\bin\s+$", before):
        return 3
    return None


def attribution(sentence: str, at: int = 0) -> str | None:
    """Return who says so, as the sentence words it, or None where it speaks for itself.

    Args:
        sentence: The words.
        at: Where the value stands; of several speakers, the one of its part is named.
    """
    start = sentence.rfind("; ", 0, at) + 2 if "; " in sentence[:at] else 0
    end = sentence.find("; ", at)
    part = sentence[start : end if end >= 0 else len(sentence)]
    for pattern in (_ACCORDING, _SAID_BEHIND, _SAID_INVERTED, _SAID_BEFORE):
        match = pattern.search(part)
        if match:
            who = match["who"].strip()
            who = _DAY_BEHIND.sub("", who)
            if who and not _PRONOUN.fullmatch(who.split()[0]) and not _NO_SPEAKER.search(who):
                return who
    return None


# --- many sentences -------------------------------------------------------------------------


def _rank(value: FoundValue) -> tuple[float, ...]:
    # A sentence that names the place asked about speaks for itself.
    return (-round(value.fit), -float(value.placed), -value.fit, -value.evidence.strength)


def _best_of_each_article(found: Sequence[FoundValue]) -> list[FoundValue]:
    """Return each article's values, every value once, without the parts of a larger one."""
    articles: dict[str, list[FoundValue]] = {}
    for value in sorted(found, key=_rank):
        own = articles.setdefault(value.evidence.passage.path, [])
        if not any(_same(value, other) for other in own):
            own.append(value)
    return [value for own in articles.values() for value in _whole_counts(own)]


def _same(one: FoundValue, other: FoundValue) -> bool:
    if one.quantity is None or other.quantity is None:
        return one.words.lower() == other.words.lower()
    return same_amount(one.quantity, other.quantity)


def _whole_counts(own: Sequence[FoundValue]) -> list[FoundValue]:
    """Return what an article says of the whole: for one day it does not give two counts of it.

    Where two such counts cannot both be true, the one that names the place asked about stands, else
    the larger one: the other counts a part.
    """
    kept: list[FoundValue] = []
    by_size = sorted(
        own,
        key=lambda value: (
            -float(value.placed),
            -(value.quantity.amount or 0.0) if value.quantity else 0.0,
        ),
    )
    for value in by_size:
        clashes = [
            other
            for other in kept
            if value.grows
            and other.as_of == value.as_of
            and value.quantity is not None
            and other.quantity is not None
            and not compatible(value.quantity, other.quantity)
        ]
        if not clashes:
            kept.append(value)
    return kept


def _without_weak(found: Sequence[FoundValue]) -> list[FoundValue]:
    """Return the values that fit about as well as the best; numbers where there are numbers."""
    if not found:
        return []
    best = max(value.fit for value in found)
    kept = [value for value in found if value.fit >= _FIT_RANGE * best]
    exact = [value for value in kept if value.quantity and value.quantity.amount is not None]
    return exact or kept


def _without_copies(found: Sequence[FoundValue]) -> list[FoundValue]:
    """Return the values without those of sentences that another article prints as well."""
    kept: list[FoundValue] = []
    for value in sorted(found, key=lambda one: (one.as_of or "~", one.evidence.passage.path)):
        if not any(_is_copy(value, other) for other in kept):
            kept.append(value)
    return kept


def _is_copy(one: FoundValue, other: FoundValue) -> bool:
    if not _same(one, other) or one.evidence.passage.path == other.evidence.passage.path:
        return False
    words = set(_WORD.findall(one.evidence.text.lower()))
    others = set(_WORD.findall(other.evidence.text.lower()))
    return len(words & others) >= _SAME_WORDS * len(words | others)


def difference(found: Sequence[FoundValue]) -> Disagreement | None:
    """Say how values differ: over time if the differences follow the dates, or between sources.

    Amounts that may both be true ("over 100", "104") do not differ. Values of one day that cannot
    both be true differ between sources, unless the count was moving: then they lie between those of
    the days before and after.
    """
    known = [value for value in found if value.quantity and value.quantity.amount is not None]
    clashing = [
        (one, other)
        for index, one in enumerate(known)
        for other in known[index + 1 :]
        if one.quantity
        and other.quantity
        and one.quantity.amount != other.quantity.amount
        and (_day(one) != _day(other) or not compatible(one.quantity, other.quantity))
    ]
    if not clashing:
        return None
    same_day = [
        (one, other)
        for one, other in clashing
        if one.as_of is not None and other.as_of is not None and one.as_of == other.as_of
    ]
    if not same_day:
        undated = {value.quantity.amount for value in known if value.quantity and not value.as_of}
        dated = {value.quantity.amount for value in known if value.quantity and value.as_of}
        return "between_sources" if undated - dated and not dated else "over_time"
    if _is_moving(known) and len(same_day) < len(clashing) / 2:
        return "over_time"
    return "between_sources"


def _day(value: FoundValue) -> str:
    return value.as_of or ""


def _is_moving(known: Sequence[FoundValue]) -> bool:
    """Say whether amounts mostly rise, or mostly fall, from day to day."""
    rising = falling = 0
    for index, one in enumerate(known):
        for other in known[index + 1 :]:
            if not one.as_of or not other.as_of or one.as_of == other.as_of:
                continue
            if _days_between(one.as_of, other.as_of) > _ONE_EVENT_DAYS:
                continue
            if one.quantity is None or other.quantity is None:
                continue
            early, late = sorted((one, other), key=_day)
            first = early.quantity.amount if early.quantity else None
            second = late.quantity.amount if late.quantity else None
            if first is None or second is None or first == second:
                continue
            rising += second > first
            falling += second < first
    return max(rising, falling) >= 4 * min(rising, falling) and rising + falling > 0


def _days_between(one: str, other: str) -> int:
    """Return how far apart two dates are, at the beginning of the month or year if that is all."""
    first, second = (dt.date.fromisoformat((day + "-01-01")[:10]) for day in (one, other))
    return abs((first - second).days)
