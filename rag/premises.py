"""Where a question and a sentence part ways on one word: the sign of a false premise.

A trained reader goes by what most words say: asked for the *northern* city, it points at the
central one. These rules look at the one word: its opposite, a "not" that only the question has,
another office than the one asked about. English.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from rag.question import ROLE, kind_of

_TOKEN = re.compile(r"[^\W_]+(?:[’'][^\W_]+)*")
# Pairs of words of which a sentence that has one seldom answers a question that has the other.
OPPOSITES = (
    "first last|highest lowest|largest smallest|most least|more less|before after|north south|"
    "east west|northern southern|eastern western|increase decrease|increased decreased|"
    "increases decreases|rise fall|rose fell|begin end|began ended|start stop|started stopped|"
    "born died|birth death|win lose|won lost|early late|earlier later|earliest latest|old new|"
    "oldest newest|older younger|best worst|better worse|high low|higher lower|long short|"
    "longest shortest|large small|larger smaller|major minor|majority minority|maximum minimum|"
    "support oppose|supported opposed|allow forbid|allowed forbade|accept reject|"
    "accepted rejected|open close|opened closed|arrive leave|arrived left|enter leave|"
    "entered left|join leave|joined left|buy sell|bought sold|import export|imports exports|"
    "ally enemy|allies enemies|public private|rural urban|male female|men women|boys girls|"
    "man woman|husband wife|father mother|son daughter|brother sister|king queen|modern ancient|"
    "above below|over under|inside outside|internal external|strong weak|strongest weakest|"
    "common rare|always never|with without|positive negative|success failure|"
    "successful unsuccessful|possible impossible|legal illegal|include exclude|"
    "includes excludes|included excluded|create destroy|created destroyed|build demolish|"
    "built demolished|cause prevent|caused prevented|gain lose|gained lost|"
    "hot cold|warm cool|dry wet|summer winter|spring autumn|day night|morning evening|"
    "left right|upper lower|top bottom|front back|rich poor|agree disagree|agreed disagreed|"
    "like dislike|love hate|attack defend|attacked defended|friend enemy|teacher student|"
    "beginning end|fastest slowest|fast slow|heaviest lightest|heavy light|many few|"
    "appointed dismissed|hired fired|married divorced|democratic republican|"
    "liberal conservative|domestic foreign|natural artificial|simple complex|easy difficult|"
    "richest poorest|known unknown|popular unpopular|released captured|freed arrested"
)
_ALSO = "northern central|southern central|eastern central|western central"
# Too often something else than the other word's opposite.
_AMBIGUOUS = frozenset("over under left right like love with back front top day open close".split())
_OPPOSITES: dict[str, set[str]] = defaultdict(set)
for _pair in f"{OPPOSITES}|{_ALSO}".split("|"):
    _one, _other = _pair.split()
    _OPPOSITES[_one].add(_other)
    _OPPOSITES[_other].add(_one)
# A "not" that belongs to what is asked: "whom did they not meet", but no "payment, not gifts".
_NOT_ASKED = re.compile(
    r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must|ca|wo)"
    r"(?:n[’']t|\s+(?:[\w’'-]+\s+){0,4}(?P<word>not|never))\b|"
    r"\b(?P<other>cannot|never|without|except)\b",
    re.IGNORECASE,
)
_WHETHER_OR_NOT = re.compile(r"\bwhether or not\b", re.IGNORECASE)
# "I cannot open it. What can I do?" asks for what can be done.
_OWN_TROUBLE = re.compile(r"\b(?:I|[Ww]e|[Mm]y|[Oo]ur|me)\b")
# Whatever may say in other words that something is not so.
_DENIES = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|except|unless|only|few|"
    r"little|hardly|barely|rarely|unable|un\w+(?:able|ed)|in\w+able|im\w+ible|absent|absence|but|"
    r"however|although|though|while|instead|rather|despite|refus\w*|reject\w*|fail\w*|"
    r"den(?:y|ie[sd])|declin\w*|lack\w*|prevent\w*|prohibit\w*|forb[ai]d\w*|ban(?:s|ned)?|"
    r"block\w*|stop\w*|avoid\w*|exclu\w*|other than|unlike|unknown|impossible|difficult\w*|lost|"
    r"miss\w*|free of|oppos\w*|disagree\w*|illegal\w*)\b|n[’']t\b",
    re.IGNORECASE,
)
# "How many" asks for a number, "few" or any other.
_HOW_MUCH = re.compile(r"\bhow \w+", re.IGNORECASE)
_STEM = 5
# Before a role these say nothing of which office it is.
_NO_OFFICE = frozenset(
    "the a an his her their its our this that former current new acting then late first last top "
    "senior which what whose is was were are and or of to for by with as one".split()
)


@dataclass(frozen=True, slots=True)
class Clash:
    """One word of a question that the nearest sentence speaks against.

    Attributes:
        asked: The question's words.
        told: The sentence's; empty where only the question says "not".
    """

    asked: str
    told: str


def clash(question: str, sentence: str, around: str) -> Clash | None:
    """Return where a sentence speaks of something else than the question, or None.

    Args:
        question: Standing alone.
        sentence: It would answer.
        around: The sentence with its neighbours.
    """
    return (
        _opposite(question, sentence, around)
        or _denied(question, sentence)
        or _other_office(question, sentence, around)
    )


def _opposite(question: str, sentence: str, around: str) -> Clash | None:
    asked = _words(_HOW_MUCH.sub("how", question))
    said, near = _words(sentence), _words(around)
    for word in asked:
        if word in near or word in _AMBIGUOUS:
            continue
        for told in sorted(_OPPOSITES.get(word, ())):
            if told in said and told not in asked:
                return Clash(word, told)
    return None


def _denied(question: str, sentence: str) -> Clash | None:
    found = _NOT_ASKED.search(_WHETHER_OR_NOT.sub("", question))
    if found is None or _OWN_TROUBLE.search(question) or _DENIES.search(sentence):
        return None
    return Clash((found["word"] or found["other"] or "not").lower(), "")


def _other_office(question: str, sentence: str, around: str) -> Clash | None:
    """Return another office of the same rank: the prime minister for the foreign minister."""
    asked = _offices(question) if kind_of(question) == "person" else {}
    said = _offices(sentence)
    near = {word[:_STEM] for word in _words(around)}
    for role, which in asked.items():
        if which[:_STEM].lower() in near or not which[0].islower():
            continue
        if role in said:
            return Clash(f"{which} {role}", f"{said[role]} {role}")
    return None


def _offices(text: str) -> dict[str, str]:
    """Return the word before each role of a text, where it says which one is meant."""
    found: dict[str, str] = {}
    tokens = list(_TOKEN.finditer(text))
    for before, token in pairwise(tokens):
        role, which = token.group().lower(), before.group()
        if not ROLE.fullmatch(role) or text[before.end() : token.start()].strip(" -"):
            continue
        if which.lower() not in _NO_OFFICE and not which.endswith(("’s", "'s", "s’", "s'")):
            found.setdefault(role, which)
    return found


def _words(text: str) -> dict[str, None]:
    """Return the words of a text, lower case, each once, in order."""
    return dict.fromkeys(match.group().lower() for match in _TOKEN.finditer(text))
