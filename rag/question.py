"""Question -> what kind of words would answer it, and whether a sentence has such words.

Rules over the surface of the text, in English; a question of no known kind expects nothing.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal[
    "number", "duration", "date", "person", "place", "reason", "quote", "list", "yes_no", "open"
]

_KINDS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("duration", r"\bhow (?:long|old)\b|\b(?:how many|what number of) (?:days|weeks|months|years|hours|minutes|seconds)\b"),
        ("number", r"\bhow (?:many|much|far|high|tall|large|big|deep|fast|often)\b|\bwhat (?:number|percentage|percent|proportion|share|amount|price|cost|population|total|age)\b|\b(?:number|percentage|population|death toll) of\b"),
        ("date", r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|century|decade|time)\b"),
        ("quote", r"\bwhat (?:did|do|does|has|have|had) .{1,80}\b(?:say|said|tell|told|call|called|claim|claimed|describe|described|announce|announced|argue|argued|warn|warned|respond|react)\b|\bhow (?:did|does|do) .{1,60}\b(?:describe|respond|react|characterize|explain)\b"),
        ("person", r"\bwho(?:m|se)?\b|\b(?:what|which) (?:person|man|woman|leader|president|minister|official|author|actor|actress|singer|player|scientist)\b"),
        ("place", r"\bwhere\b|\b(?:what|which) (?:country|city|state|place|town|region|part|area|continent|county|province|location|river|island)\b"),
        ("reason", r"\bwhy\b|\bwhat (?:is|was|are|were) the (?:reason|cause)|\bfor what reason\b|\bwhat caused\b"),
        ("list", r"\b(?:what|which) (?:are|were|countries|groups|parties|people|organi[sz]ations|companies|cities|states|kinds|types|issues|demands|reasons|sources|outlets|mediators|proxies)\b|\bwhat (?:does|do|did) .{1,40}\b(?:demand|want|insist|include|require)\b|\b(?:list|name) (?:the|all)\b|\bwho are\b"),
        ("yes_no", r"^\W*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might)\b"),
    )
)  # fmt: skip

_NUMBER_WORD = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"hundreds?|thousands?|millions?|billions?|trillions?|dozens?|half|third|quarter|"
    r"several|twice|once|percent|per cent"
)
_MONTH = (
    r"January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan\.|Feb\.|Mar\.|Apr\.|Aug\.|Sept\.|Oct\.|Nov\.|Dec\."
)
NUMBER = re.compile(rf"\b\d[\d,.]*\b|\b(?:{_NUMBER_WORD})\b", re.IGNORECASE)
DATE = re.compile(
    rf"\b(?:{_MONTH})\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?\b|"
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:{_MONTH})(?:\s+\d{{4}})?\b|\b(?:{_MONTH})\s+\d{{4}}\b|"
    r"\b\d{4}-\d{2}-\d{2}\b|\b1[0-9]{3}s?\b|\b20[0-9]{2}s?\b"
)
_TIME = re.compile(
    r"\b(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|today|yesterday|tomorrow|"
    r"century|centuries|decades?|ago|last (?:week|month|year|night)|this (?:week|month|year)|"
    r"(?:early|late|mid)[- ]\w+|spring|summer|autumn|winter|months? later|years? later)\b",
    re.IGNORECASE,
)
_DURATION = re.compile(
    rf"(?:\b\d[\d,.]*|\b(?:{_NUMBER_WORD}|few|many))[\s-]+(?:more )?(?:seconds?|minutes?|hours?|days?|"
    r"weeks?|months?|years?|decades?|centuries|century)(?:[- ]old)?\b|\bfor (?:months|years|decades|weeks)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![.!?“\"]\s)(?<!^)\b(?:[A-Z][\w’'-]*[a-z]\w*|[A-Z]{2,})(?:\s+[A-Z][\w’'-]+)*"
)
_ROLE = re.compile(
    r"\b(?:president|minister|envoy|leader|officials?|spokes(?:man|woman|person)|director|chief|"
    r"secretary|king|queen|prince|commander|general|author|founder|mediators?|scientists?)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|at|from|near|to|of|across|into|outside|around|between|on)\s+(?:the\s+)?[A-Z]"
)
_REASON = re.compile(
    r"\b(?:because|due to|since|so that|in order to|in response to|as a result|therefore|reason|caused?|"
    r"after|over|following|led to|for fear|owing to|amid|to avoid|thanks to|in protest|which would)\b",
    re.IGNORECASE,
)
_SPEECH = re.compile(
    r"\b(?:said|says|say|told|tells|added|adds|called|calls|claim(?:s|ed)?|stated|states|wrote|writes|warn(?:s|ed)?|"
    r"argu(?:es?|ed)|insist(?:s|ed)?|declar(?:es?|ed)|announc(?:es?|ed)|describ(?:es?|ed)|label(?:s|ed|led)?|"
    r"suggest(?:s|ed)?|according to|demand(?:s|ed)?)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[“”\"]")
_LISTED = re.compile(r",\s+(?:and|or)\s|\w,\s+\w[^,]{0,60},\s|\band\b|;")


def kind_of(question: str) -> Kind:
    """Return what kind of words would answer the question; the first rule that fits decides."""
    for kind, pattern in _KINDS:
        if pattern.search(question):
            return kind
    return "open"


def fits(kind: Kind, sentence: str, question: str) -> float:
    """Return how far a sentence has words of the kind that is asked for, 0 to 1.

    Words that the question has itself do not count: they cannot answer it.
    """
    asked = set(re.findall(r"\w+", question.lower()))
    match kind:
        case "number":
            without_dates = DATE.sub(" ", sentence)
            return float(_has_new(NUMBER, without_dates, asked))
        case "duration":
            return float(_has_new(_DURATION, sentence, asked))
        case "date":
            if _has_new(DATE, sentence, asked):
                return 1.0
            return 0.5 if _has_new(_TIME, sentence, asked) else 0.0
        case "person":
            if _has_new(_NAME, sentence, asked):
                return 1.0
            return 0.5 if _has_new(_ROLE, sentence, asked) else 0.0
        case "place":
            if _PLACE.search(sentence) and _has_new(_NAME, sentence, asked):
                return 1.0
            return 0.3 if _has_new(_NAME, sentence, asked) else 0.0
        case "reason":
            return float(bool(_REASON.search(sentence)))
        case "quote":
            said = bool(_SPEECH.search(sentence))
            return 0.6 * said + 0.4 * bool(_QUOTED.search(sentence))
        case "list":
            return float(bool(_LISTED.search(sentence)))
        case _:
            return 0.0


def names(text: str) -> frozenset[str]:
    """Return the names, years and numbers that a text is about, lower case, word by word."""
    found = re.findall(r"(?<=[^\W])\s+([A-Z][\w’'-]*)|\b(\d[\d,.]*\d|\d)\b", text)
    words = {
        part.lower().removesuffix("’s").removesuffix("'s").strip(",.")
        for pair in found
        for part in pair
        if part
    }
    return frozenset(words - {"i"})


def _has_new(pattern: re.Pattern[str], sentence: str, asked: set[str]) -> bool:
    return any(
        set(re.findall(r"\w+", match.group().lower())) - asked
        for match in pattern.finditer(sentence)
    )
