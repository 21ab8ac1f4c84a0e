"""A question and the words around its answer -> a question those words do not answer.

Near-misses: a name, year or number exchanged for another of the same article, a phrase taken from
another question, an antonym, a negation. A few come out answerable all the same; the trained
reader meets real ones, written by people, at the end of its training.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from rag.premises import OPPOSITES

_NAME = re.compile(r"\b[A-Z][\w’'.-]*(?:\s+(?:of|the|de|von|and)?\s?[A-Z][\w’'.-]*)*")
_YEAR = re.compile(r"\b(1[0-9]{3}|20[0-9]{2})\b")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]*\b")
_ASKS = frozenset(
    "who what when where why which how whose whom in on at for from by to the a an was is are were "
    "did does do has have had can could according after before during name along besides".split()
)
_OPPOSITE = {
    word: other
    for pair in OPPOSITES.split("|")
    for word, other in (pair.split(), pair.split()[::-1])
}
_AUXILIARY = re.compile(
    r"\b(?:is|are|was|were|can|could|will|would|should|did|does|do|has|have|had)\b", re.IGNORECASE
)
_SHORTENED = {"did": "didn't", "does": "doesn't", "do": "don't"}
_LAST_PHRASE = re.compile(
    r"\s(?:in|of|for|by|at|during|from|with|to|on|about|as|after|before)\s[^?]{3,60}\??$"
)


def altered(
    question: str,
    *,
    answer: str,
    nearby: str,
    around: str,
    others: Sequence[str],
    choice: random.Random,
) -> str | None:
    """Return a near-miss of a question, or None where no way was found.

    Args:
        question: Answered by the words nearby.
        answer: Its answer; never put into the question.
        nearby: The words that will be read.
        around: More of the same article, where exchanged names and numbers may come from.
        others: Further questions about the same article.
        choice: Decides between ways.
    """
    ways = (
        [_other_name] * 5 + [_other_number] * 4 + [_opposite] * 3 + [_negated] + [_other_phrase] * 2
    )
    choice.shuffle(ways)
    for way in dict.fromkeys(ways):
        if way is _other_phrase:
            found = _other_phrase(question, others, choice)
        elif way in (_other_name, _other_number):
            source = nearby if choice.random() < 0.7 else around
            found = way(question, answer, source, choice)  # type: ignore[operator]
        else:
            found = way(question, choice)  # type: ignore[operator]
        if found and found.lower() != question.lower():
            return str(found)
    return None


def names_in(text: str) -> list[tuple[int, int]]:
    """Return where names stand, without the first word of the text and words that ask."""
    found = []
    for match in _NAME.finditer(text):
        start, end = match.span()
        words = match.group().split()
        while words and words[0].lower() in _ASKS:
            start += len(words[0]) + 1
            words = words[1:]
        if words and start < end and len(text[start:end].strip()) > 2:
            found.append((start, end))
    return found


def _other_name(question: str, answer: str, source: str, choice: random.Random) -> str | None:
    places = names_in(question)
    if not places:
        return None
    start, end = choice.choice(places)
    old = question[start:end]
    lowered = question.lower()
    offered = [
        source[a:b].strip(".'’- ")
        for a, b in names_in(source)
        if source[a:b].lower() not in lowered
    ]
    offered = [
        name
        for name in offered
        if name
        and not set(name.lower().split()) & set(old.lower().split())
        and name.lower() not in answer.lower()
        and answer.lower() not in name.lower()
        and abs(len(name.split()) - len(old.split())) <= 1
    ]
    return f"{question[:start]}{choice.choice(offered)}{question[end:]}" if offered else None


def _other_number(question: str, answer: str, source: str, choice: random.Random) -> str | None:
    years = list(_YEAR.finditer(question))
    if years:
        year = choice.choice(years)
        offered = [other for other in _YEAR.findall(source) if other != year.group()]
        moved = str(int(year.group()) + choice.choice((-20, -10, -5, -3, -2, -1, 1, 2, 3, 5, 10)))
        new = choice.choice(offered) if offered and choice.random() < 0.5 else moved
        return question[: year.start()] + new + question[year.end() :]
    numbers = list(_NUMBER.finditer(question))
    if not numbers:
        return None
    number = choice.choice(numbers)
    offered = [other for other in _NUMBER.findall(source) if other != number.group()]
    digits = re.sub(r"\D", "", number.group())
    moved = str(max(1, int(digits) + choice.choice((-3, -2, -1, 1, 2, 3, 5, 10)))) if digits else ""
    new = choice.choice(offered) if offered and choice.random() < 0.5 else moved
    return question[: number.start()] + new + question[number.end() :] if new else None


def _opposite(question: str, choice: random.Random) -> str | None:
    places = [m for m in re.finditer(r"[A-Za-z]+", question) if m.group().lower() in _OPPOSITE]
    if not places:
        return None
    match = choice.choice(places)
    return question[: match.start()] + _OPPOSITE[match.group().lower()] + question[match.end() :]


def _negated(question: str, choice: random.Random) -> str | None:
    if re.search(r"\bnot\b|n't\b|\bnever\b", question):
        return None
    match = _AUXILIARY.search(question)
    if match is None:
        return None
    word = match.group()
    if word.lower() in _SHORTENED:
        new = _SHORTENED[word.lower()]
    else:
        new = f"{word} {'never' if choice.random() < 0.2 else 'not'}"
    return question[: match.start()] + new + question[match.end() :]


def _other_phrase(question: str, others: Sequence[str], choice: random.Random) -> str | None:
    match = _LAST_PHRASE.search(question)
    if match is None or match.start() < 12:
        return None
    offered = []
    for other in choice.sample(list(others), min(8, len(others))):
        found = _LAST_PHRASE.search(other)
        if found and found.group().split()[0] == match.group().split()[0]:
            offered.append(found.group())
    if not offered:
        return None
    new = choice.choice(offered).rstrip("?")
    return f"{question[: match.start()]}{new}?"
