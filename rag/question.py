"""Question -> what kind of words would answer it, and whether a sentence has such words.

Rules over the surface of the text, in English; a question of no known kind expects nothing.
"""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal[
    "number",
    "duration",
    "date",
    "person",
    "name",
    "place",
    "reason",
    "quote",
    "list",
    "yes_no",
    "open",
]

_SAY = (
    "say|said|tell|told|call|called|claim|claimed|describe|described|announce|announced|argue|argued|"
    "warn|warned|respond|react"
)
_PEOPLE = (
    "person|man|woman|leader|president|minister|official|author|actor|actress|singer|player|"
    "scientist"
)
_PLACES = (
    "country|city|state|place|town|region|part|area|continent|county|province|location|river|island"
)
_MEMBERS = (
    "are|were|countries|groups|parties|people|organi[sz]ations|companies|cities|states|kinds|types|"
    "issues|demands|reasons|sources|outlets|mediators|proxies"
)
_AMOUNTS = "number|percentage|percent|proportion|share|amount|price|cost|population|total|age"
_AUXILIARIES = "is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|may|might|must"
# The first that fits decides.
_ALTERNATIVES: tuple[tuple[Kind, tuple[str, ...]], ...] = (
    (
        "duration",
        (
            r"\bhow (?:long|old)\b",
            r"\b(?:how many|what number of) (?:days|weeks|months|years|hours|minutes|seconds)\b",
        ),
    ),
    (
        "number",
        (
            r"\bhow (?:many|much|far|high|tall|large|big|deep|fast|often)\b",
            rf"\bwhat (?:{_AMOUNTS})\b",
            r"\b(?:number|percentage|population|death toll) of\b",
        ),
    ),
    ("date", (r"\bwhen\b", r"\b(?:what|which) (?:year|date|day|month|century|decade|time)\b")),
    (
        "quote",
        (
            rf"\bwhat (?:did|do|does|has|have|had) .{{1,80}}\b(?:{_SAY})\b",
            r"\bhow (?:did|does|do) .{1,60}\b(?:describe|respond|react|characterize|explain)\b",
        ),
    ),
    ("person", (r"\bwho(?:m|se)?\b", rf"\b(?:what|which) (?:{_PEOPLE})\b")),
    (
        "name",
        (
            r"\bwhat (?:is|was|are|were) the (?:\w+ )?(?:names?|title|nickname)\b",
            r"\bwhat (?:is|was) .{1,60} (?:called|named|known as)\b",
            r"\bunder what name\b",
        ),
    ),
    ("place", (r"\bwhere\b", rf"\b(?:what|which) (?:{_PLACES})\b")),
    (
        "reason",
        (
            r"\bwhy\b",
            r"\bwhat (?:is|was|are|were) the (?:reason|cause)",
            r"\bfor what reason\b",
            r"\bwhat caused\b",
        ),
    ),
    (
        "list",
        (
            rf"\b(?:what|which) (?:{_MEMBERS})\b",
            r"\bwhat (?:does|do|did) .{1,40}\b(?:demand|want|insist|include|require)\b",
            r"\b(?:list|name) (?:the|all)\b",
        ),
    ),
    ("yes_no", (rf"^\W*(?:{_AUXILIARIES})\b",)),
)
_KINDS = [(kind, re.compile("|".join(patterns), re.IGNORECASE)) for kind, patterns in _ALTERNATIVES]

_NUMBER_WORD = (
    r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|"
    r"sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|"
    r"hundreds?|thousands?|millions?|billions?|trillions?|dozens?|half|third|quarter|"
    r"twice|percent|per cent"
)
_TOKEN = re.compile(r"\w+")
_NEAR_WORDS = 6
_NUMBER_NEAR_WORDS = 4
_NUMBER_NEAR_WORDS_BEFORE = 2
_CLAUSE_END = re.compile(r"[,;:—–!?]|\.\s")
_TIME_UNIT = re.compile(
    r"[\s-]*(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?)\b"
)
_HEDGES = frozenset(
    "about around some roughly approximately nearly almost over more less fewer than at least most "
    "up to as many estimated an of the".split()
)
# Words that ask rather than say what about.
_ASKING = frozenset(
    "what which when where whom whose many much long does have been were this that with from "
    "people person name date year said say says".split()
)
MONTH = (
    r"January|February|March|April|May|June|July|August|September|October|November|December|"
    r"Jan\.|Feb\.|Mar\.|Apr\.|Aug\.|Sept\.|Oct\.|Nov\.|Dec\."
)
NUMBER = re.compile(
    r"\b\d[\d,.]*\b(?:\s+(?:hundred|thousand|million|billion|trillion)\b)?|"
    rf"\b(?:{_NUMBER_WORD})(?:[\s-]+(?:{_NUMBER_WORD}))*\b",
    re.IGNORECASE,
)
DATE = re.compile(
    rf"\b(?:{MONTH})\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?\b|"
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?\s+(?:{MONTH})(?:\s+\d{{4}})?\b|\b(?:{MONTH})\s+\d{{4}}\b|"
    r"\b\d{4}-\d{2}-\d{2}\b|\b1[0-9]{3}s?\b|\b20[0-9]{2}s?\b"
)
_TIME = re.compile(
    r"\b(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|today|yesterday|tomorrow|"
    r"century|centuries|decades?|ago|last (?:week|month|year|night)|this (?:week|month|year)|"
    r"(?:early|late|mid)[- ]\w+|spring|summer|autumn|winter|months? later|years? later)\b",
    re.IGNORECASE,
)
DURATION = re.compile(
    rf"(?:\b\d[\d,.]*|\b(?:{_NUMBER_WORD}|few|many))[\s-]+(?:more )?"
    r"(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|decades?|centuries|century)"
    r"(?:[- ]old)?\b|\bfor (?:months|years|decades|weeks)\b",
    re.IGNORECASE,
)
_NAME = re.compile(
    r"(?<![.!?“\"]\s)(?<!^)\b(?:[A-Z][\w’'-]*[a-z]\w*|[A-Z]{2,})(?:\s+[A-Z][\w’'-]+)*"
)
PERSON = re.compile(
    r"\b(?:Mr|Ms|Mrs|Dr|President|Minister|Secretary|Envoy|General|Gen|Senator|Sen|King|Queen|Pope|Sir)\.?"
    r"\s+[A-Z][\w’'-]+(?:\s+[A-Z][\w’'-]+)*|"
    r"\b(?!(?:The|In|On|At|For|But|And|When|While|After|As|Since|This|That|These|Those|Despite)\b)"
    r"[A-Z][a-z’'-]+\s+(?:[A-Z]\.\s+|(?:de|van|von|bin|al|el|da|di|Ben)\s+)?[A-Z][a-z’'-]+\b"
)
_CLASS = re.compile(
    rf"\b(?:which|what)\s+(?!(?:{_AUXILIARIES}|the|a|an|of|in|on|to)\b)(\w+)",
    re.IGNORECASE,
)
_PUBLICATION = re.compile(
    r"article|report|story|piece|published|updated|written|posted|dated|filed"
)
ROLE = re.compile(
    r"\b(?:president|minister|envoy|leader|officials?|spokes(?:man|woman|person)|director|chief|"
    r"secretary|king|queen|prince|commander|general|author|founder|mediators?|scientists?)\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"\b(?:in|at|from|near|to|of|across|into|outside|around|between|on)\s+(?:the\s+)?[A-Z]"
)
_REASON = re.compile(
    r"\b(?:because|due to|since|so that|in order to|in response to|as a result|therefore|reason|"
    r"caused?|after|over|following|led to|for fear|owing to|amid|to avoid|thanks to|in protest|"
    r"which would)\b",
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
    """Return what kind of words would answer the question."""
    for kind, pattern in _KINDS:
        if pattern.search(question):
            return kind
    return "open"


def fits(kind: Kind, sentence: str, question: str) -> float:
    """Return how far a sentence has words of the kind that is asked for, 0 to 1.

    Half is for having such words at all, half for having them near words of the question. Words
    that the question has itself do not count: they cannot answer it.
    """
    asked = set(_TOKEN.findall(question.lower()))
    match kind:
        case "number":
            return _nearest_fit(NUMBER, _without_dates(sentence), asked, after=_NUMBER_NEAR_WORDS)
        case "duration":
            return _nearest_fit(DURATION, sentence, asked)
        case "date":
            return max(
                _nearest_fit(DATE, sentence, asked), 0.5 * _nearest_fit(_TIME, sentence, asked)
            )
        case "person":
            return max(
                _nearest_fit(PERSON, sentence, asked), 0.4 * _nearest_fit(ROLE, sentence, asked)
            )
        case "name":
            return _nearest_fit(_NAME, sentence, asked)
        case "place":
            return _nearest_fit(_PLACE, sentence, asked)
        case "reason":
            return float(bool(_REASON.search(sentence)))
        case "quote":
            spoken = _nearest_fit(_SPEECH, sentence, asked, count_asked=True)
            return 0.7 * spoken + 0.3 * bool(_QUOTED.search(sentence))
        case "list":
            return float(bool(_LISTED.search(sentence)))
        case _:
            return 0.0


def _nearest_fit(
    pattern: re.Pattern[str],
    sentence: str,
    asked: set[str],
    *,
    after: int = _NEAR_WORDS,
    count_asked: bool = False,
) -> float:
    """Return 1 for a match near a word of the question, 0.5 for one elsewhere, 0 for none.

    Args:
        pattern: What is looked for.
        sentence: Where.
        asked: The question's words, lower case.
        after: How many words behind the match are near; as many before, unless fewer are asked.
        count_asked: Let matches count that consist of the question's own words.
    """
    best = 0.0
    for match in pattern.finditer(sentence):
        words = set(_TOKEN.findall(match.group().lower()))
        if not count_asked and words <= asked:
            continue
        if _is_near(match, sentence, asked, after):
            return 1.0
        best = 0.5
    return best


def _is_near(match: re.Match[str], sentence: str, asked: set[str], after: int) -> bool:
    return _distance(match, sentence, asked, after) is not None


def _distance(match: re.Match[str], sentence: str, asked: set[str], after: int) -> int | None:
    """Return how many words lie between a match and the nearest word of the question, or None."""
    stems = {word[:5] for word in asked if len(word) > 3 and word not in _ASKING}
    following = sentence[match.end() : match.end() + 12 * after].lower()
    preceding = sentence[max(0, match.start() - 72) : match.start()].lower()
    if after == _NUMBER_NEAR_WORDS:
        # A number counts something of its own clause, and a length of time counts nothing else.
        following = _CLAUSE_END.split(following)[0]
        preceding = _CLAUSE_END.split(preceding)[-1]
        if _TIME_UNIT.match(following):
            return None
    behind = _TOKEN.findall(following)[:after]
    before = _TOKEN.findall(preceding)
    before = [word for word in before if word not in _HEDGES]
    before = before[-(_NEAR_WORDS if after == _NEAR_WORDS else _NUMBER_NEAR_WORDS_BEFORE) :]
    return min(
        (
            distance
            for near in (behind, before[::-1])
            for distance, word in enumerate(near)
            if word[:5] in stems
        ),
        default=None,
    )


def nearest_match(
    kind: Literal["number", "duration"], sentence: str, question: str
) -> re.Match[str] | None:
    """Return the number or length of time nearest to a word of the question, or None."""
    asked = set(_TOKEN.findall(question.lower()))
    if kind == "number":
        pattern, text, after = NUMBER, _without_dates(sentence), _NUMBER_NEAR_WORDS
    else:
        pattern, text, after = DURATION, sentence, _NEAR_WORDS
    found: list[tuple[int, int, re.Match[str]]] = []
    for match in pattern.finditer(text):
        new = set(_TOKEN.findall(match.group().lower())) - asked
        distance = _distance(match, text, asked, after)
        if new and distance is not None:
            found.append((distance, match.start(), match))
    return min(found)[2] if found else None


def _without_dates(sentence: str) -> str:
    """Return the sentence with dates blanked: a year is no amount."""
    return DATE.sub(lambda match: " " * len(match.group()), sentence)


def class_words(question: str) -> frozenset[str]:
    """Return the words that name the kind of thing asked for: "countries" in "which countries".

    An answer names members of the class ("Qatar and Egypt") rather than the class.
    """
    if asks_when_published(question):
        return frozenset([*_PUBLICATION.findall(question.lower()), "date", "day"])
    return frozenset(match.group(1).lower() for match in _CLASS.finditer(question))


def asks_when_published(question: str) -> bool:
    """Say whether the question is about an article's own date."""
    return kind_of(question) == "date" and bool(
        re.search(r"\b(?:article|report|story|piece)\b", question, re.IGNORECASE)
        and re.search(
            r"\b(?:published|updated|written|posted|dated|filed)\b", question, re.IGNORECASE
        )
    )


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


def office_holder(question: str, sentence: str) -> str | None:
    """Return the words of a sentence that name who holds the office a question asks for, or None.

    The office is the longest run of the question's words in the sentence ("Defense Minister"). A
    name right behind it is its holder's; else the last one before it is ("Steve Witkoff, the
    special envoy").
    """
    stems = {
        word[:5]
        for word in _TOKEN.findall(question.lower())
        if len(word) > 3 and word not in _ASKING and word not in names(question)
    }
    if not any(ROLE.fullmatch(word) for word in _TOKEN.findall(question)):
        return None
    runs: list[list[re.Match[str]]] = [[]]
    for token in _TOKEN.finditer(sentence):
        if len(token.group()) > 3 and token.group().lower()[:5] in stems:
            gap = sentence[runs[-1][-1].end() : token.start()] if runs[-1] else ""
            if gap.strip():
                runs.append([])
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    office = max(runs, key=len)
    if not office:
        return None
    behind = _CAPITALISED.match(sentence, office[-1].end())
    if behind is not None:
        return behind.group().strip()
    before = [
        match.group()
        for match in PERSON.finditer(sentence, 0, office[0].start())
        if len(_TOKEN.findall(sentence[match.end() : office[0].start()])) <= _NEAR_WORDS
    ]
    return before[-1] if before else None


def name_words(text: str) -> list[str]:
    """Return the words of a text that are in its :func:`names`, as written, each once."""
    wanted = names(text)
    found = [word.strip(",.?!").removesuffix("’s").removesuffix("'s") for word in text.split()]
    return list(dict.fromkeys(word for word in found if word.lower() in wanted))


_CAPITALISED = re.compile(r"\s+(?:[A-Z][\w’'-]+\s+){1,3}(?:[A-Z][\w’'-]+)?|\s+[A-Z][\w’'-]+")


# The commonest words of neighbouring languages that are no English words.
_FOREIGN_WORDS = frozenset(
    "der die das und ist wie viele wer wann warum wo nicht ein eine sind hat mit von zu welche "
    "le la les des une est sont combien qui quand pourquoi où dans avec pour quel quelle du "
    "el los las una es son cuántos cuantos quién quien cuándo cuando por qué que dónde con para "
    "del il lo gli della quanti chi perché dove come sono di ci uno os um uma quantos quem onde "
    "não het een zijn hoeveel wie wanneer waarom waar niet met voor van och är hur många vem "
    "när".split()
)
_ENGLISH_WORDS = frozenset(
    "the of and to in is are was were what who when where why which how many much did does do has "
    "have had will would can could say said about for on at by with from that this there".split()
)


def looks_english(question: str) -> bool:
    """Say whether a question may be English: its script, and its commonest words."""
    letters = [character for character in question if character.isalpha()]
    if not letters:
        return True
    if sum(character < "\u0250" for character in letters) < len(letters) / 2:
        return False
    words = re.findall(r"[^\W\d_]+", question.lower())
    foreign = sum(word in _FOREIGN_WORDS for word in words)
    return foreign < 2 or foreign <= sum(word in _ENGLISH_WORDS for word in words)
