"""A statement and the words it cites -> a verdict: by rules first, then by the trained reader.

The rules of :mod:`rag.citations` see what is quoted, what is shortened, and what cannot stand: a
number, a name or a date that the words do not have, or somebody else who says so. They are strict:
whatever is said in other words they leave open. There the reader's support head is heard, and a
linear model weighs its chances against what the rules doubt. Without the reader the rules stand
alone.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy.typing as npt

from rag.citations import SURE_DOUBTS, Check, Doubt, closest_sentences
from rag.citations import check as check_by_rules
from rag.errors import ReaderError, ReaderWeightsError
from rag.passages import split_sentences
from rag.reader import Reader

# As many words as the reader takes at once beside a statement; longer ones are narrowed down to the
# sentences closest to the statement.
MOST_WORDS = 165
# Fitted by ``python -m training.fit_support_verdict``, on pairs that no figure is reported on.
WEIGHTS: Mapping[str, float] = {
    "coverage": -0.887,
    "doubt: attribution": 0.084,
    "doubt: between": -0.948,
    "doubt: date": 0.062,
    "doubt: hedge": -1.158,
    "doubt: joined": -0.491,
    "doubt: measure": 0.070,
    "doubt: most words": 0.103,
    "doubt: name": -0.407,
    "doubt: names in order": -0.761,
    "doubt: negation": 0.235,
    "doubt: number": -0.488,
    "doubt: order": 0.672,
    "doubt: person": -0.059,
    "doubt: quantity": -0.199,
    "doubt: quote": -0.178,
    "doubt: speaker": 0.104,
    "doubt: tense": 0.625,
    "doubt: unit": -0.398,
    "doubt: unreal": 0.130,
    "doubt: words": 0.559,
    "one": -0.468,
    "reader: contradicted": -0.100,
    "reader: supported": 1.045,
    "supported by rules": 3.355,
}
# From these chances on a statement in other words is supported, and one in the source's own words
# is no longer.
SUPPORTED_FROM = 0.75
STILL_SUPPORTED_FROM = 0.2
# From here on the reader is believed that the words say otherwise.
CONTRADICTED_FROM = 0.9
# "About 50" and "50", "will" and "did", an average and a total are not the same: in these the
# reader is wrong too often.
_NOT_THE_READERS: frozenset[Doubt] = frozenset({"hedge", "tense", "measure"})
_log = logging.getLogger(__name__)
_VERDICTS = ("quoted", "supported", "partly", "unsupported")
_LEAST_CHANCE = 1e-4
_SAYS_OTHERWISE = "The cited words seem to say otherwise."
_NOT_ALL = "The cited words do not seem to say all of it."


class SupportReader(Protocol):
    """Gives the chances that words support a statement."""

    def support(self, pairs: Sequence[tuple[str, str]]) -> npt.NDArray[Any]:
        """Return chances of supported, not told, contradicted: ``(len(pairs), 3)``."""


class _Shipped:
    """The shipped reader, loaded when first asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tried = False
        self._reader: SupportReader | None = None

    def get(self) -> SupportReader | None:
        """Return it, or None where its weights cannot be used."""
        with self._lock:
            if not self._tried:
                self._tried = True
                try:
                    self._reader = Reader.load()
                except ReaderWeightsError as error:
                    _log.warning("Statements are checked by rules alone: %s", error.problem)
            return self._reader


_shipped = _Shipped()


def check(statement: str, words: str) -> Check:
    """Say whether words support a statement, and if not, why not.

    Of several sentences, the one that is supported least gives the verdict. Uses the shipped
    reader; without it the rules decide alone, and what is said in other words is at best
    ``partly``.

    Args:
        statement: A sentence or a few, in English.
        words: What it cites: sentences of an article, or all of it.
    """
    found = [
        check_with(_shipped.get() if may_change(rules) else None, sentence, told, rules)
        for sentence, told in read_as(statement, words)
        for rules in (check_by_rules(sentence, told),)
    ]
    worst = max(found, key=lambda one: (_VERDICTS.index(one.verdict), -one.coverage))
    reasons = tuple(dict.fromkeys(reason for one in found for reason in one.reasons))
    return replace(worst, reasons=reasons, coverage=min(one.coverage for one in found))


def check_with(
    reader: SupportReader | None, statement: str, words: str, rules: Check | None = None
) -> Check:
    """Return the verdict on one sentence and few words, by the rules and by a reader.

    Args:
        reader: None for the rules alone.
        statement: A sentence.
        words: As many as the reader takes at once.
        rules: What the rules say, where that is known already.
    """
    rules = rules or check_by_rules(statement, words)
    if reader is None or not may_change(rules):
        return rules
    try:
        chances = reader.support([(statement, words)])[0]
    except ReaderError:
        return rules
    return together(rules, chances)


def read_as(statement: str, words: str) -> Iterator[tuple[str, str]]:
    """Yield each sentence of a statement with as many of the words as are read beside it."""
    long = len(words.split()) > MOST_WORDS
    told = [words[span.start : span.end] for span in split_sentences(words)] if long else []
    said = [statement[span.start : span.end] for span in split_sentences(statement)]
    for sentence in said or [statement]:
        yield sentence, closest_sentences(sentence, told, MOST_WORDS) if told else words


def may_change(rules: Check) -> bool:
    """Say whether the reader may change what the rules say."""
    return rules.verdict != "quoted" and not rules.doubts & SURE_DOUBTS


def features(rules: Check, chances: Sequence[float] | npt.NDArray[Any]) -> dict[str, float]:
    """Return what the linear model weighs, by name."""
    supported, open_, contradicted = (max(float(chance), _LEAST_CHANCE) for chance in chances)
    return {
        "one": 1.0,
        "reader: supported": math.log(supported / max(1 - supported, _LEAST_CHANCE)),
        "reader: contradicted": math.log(contradicted / open_),
        "supported by rules": float(rules.verdict in ("quoted", "supported")),
        "coverage": rules.coverage,
        **{f"doubt: {doubt}": 1.0 for doubt in rules.doubts},
    }


def chance_of(rules: Check, chances: Sequence[float] | npt.NDArray[Any]) -> float:
    """Return the chance, 0 to 1, that the words support all of a statement."""
    total = sum(WEIGHTS.get(name, 0.0) * value for name, value in features(rules, chances).items())
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, total))))


def together(rules: Check, chances: Sequence[float] | npt.NDArray[Any]) -> Check:
    """Return the verdict of the rules, changed where the reader is sure.

    Args:
        rules: What :func:`rag.citations.check` says.
        chances: That the words support the statement, leave it open, contradict it.
    """
    if not may_change(rules):
        return rules
    chance = chance_of(rules, chances)
    contradicted = float(chances[2]) >= CONTRADICTED_FROM
    if rules.verdict == "supported":
        if chance >= STILL_SUPPORTED_FROM:
            return rules
        return replace(
            rules, verdict="partly", reasons=(_SAYS_OTHERWISE if contradicted else _NOT_ALL,)
        )
    if chance >= SUPPORTED_FROM:
        if rules.lost_attribution:
            reasons = tuple(reason for reason in rules.reasons if "says who says so" in reason)
            return replace(
                rules, verdict="partly", reasons=reasons, doubts=frozenset({"attribution"})
            )
        if rules.doubts & _NOT_THE_READERS:
            return replace(rules, verdict="partly")
        return replace(rules, verdict="supported", reasons=(), doubts=frozenset())
    if contradicted:
        return replace(rules, verdict="unsupported", reasons=(_SAYS_OTHERWISE, *rules.reasons))
    return rules
