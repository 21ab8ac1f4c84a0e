"""Text of an article -> what of it speaks to a machine, and how a machine may be shown the rest.

News tells of the world. An order to a language model speaks of its own reading and writing: of the
answer, the passage, the one who asks; it commands, and it points at the words to be said. Some
orders have a form that no news has (the marks of a chat's turns, markup, letters in disguise, a
sentence in another tongue). The others are weighed: a linear model over a dozen kinds of words,
fitted by `training/fit_machine_talk.py`.

It finds orders, not lies: a false sentence without an order to say it is a claim like any other.
And an article *about* such orders is held to be one, which costs it its place as evidence for a
model's sentences (not its place in search, or in the answer in the sources' own words).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

from rag.llm import clean

# --- forms that no news has -----------------------------------------------------------------------

_FORMS = re.compile(
    r"\b(?:ignor\w*|disregard\w*|forget|override|bypass|oubli\w*|vergiss|olvid\w*|überg\w+|"
    r"missacht\w*|dimentica\w*)\b[^.!?]{0,60}\b(?:instru[ck]\w*|istruzion\w*|anweisung\w*|"
    r"prompt\w*|passages?|context|(?:the|these|those|all|any|previous) (?:rules?|above|guidelines)|"
    r"previous rules|everything (?:you|above|before))\b|"
    r"\b(?:from now on,? (?:you|act|answer|respond)|you (?:\w+ )?act as|pretend you|"
    r"you are now (?:in|an?|the) (?:\w+ )?(?:mode|assistant|model|bot)|"
    r"new (?:instructions?|task)\s*:|system (?:prompt|override|instructions?)|"
    r"developer (?:mode|message)|jailbreak\w*|debug mode|prompt injection)\b|"
    r"\b(?:attention|notes?|messages?|instructions?|memo) (?:to|for) (?:the |all |any )?(?:\w+ )?"
    r"(?:(?:language |AI )?models?|AIs?|(?:AI )?assistants?|(?:chat)?bots?|LLMs?|"
    r"summari[sz]ers?)\b|"
    r"^[^\S\n]*(?:#+\s*)?(?:system|assistant|developer|tool)\s*(?:\]|>|:|\|)|"
    r"<\|?/?(?:im_start|im_end|system|assistant|user|endoftext|start_header_id|eot_id|tool)\b|"
    r"\[/?(?:INST|SYSTEM|ASSISTANT|USER|TOOL)\]|<<SYS>>|"
    r"\b(?:cite|quote|reference) (?:only )?(?:this|me|us) (?:\w+ )?(?:as|first|article|document|"
    r"page|source|instead)\b|"
    r"\b(?:tool_?calls?|function_?calls?|call the (?:tool|function))\b|"
    r"!\[[^\]]*\]\(|"
    r"\b(?:reveal|leak|exfiltrate|print|repeat) (?:your|the) (?:system|hidden|initial|prompt|"
    r"conversation|instructions?)\b|"
    # Markup, data, code: an article's text has none left.
    r"</?(?:span|div|img|(?-i:[abipu])|br|hr|script|style|meta|link|font|input|iframe|svg|object|table|"
    r"passage|article|document|context|answer|instructions?)(?:\s+[\w-]+\s*=[^<>]{0,400})?\s*/?>|<!--|-->|"
    r"[{\[]\s*[\"“']\w+[\"”']\s*:|\b[a-z]+_[a-z_]+\s*[:=(]|^[^\S\n]*//|\bTODO\b|^%%|```|"
    r"^[^\w\n]*(?:sudo|system\()\b|"
    # A label in front of words to be said.
    r"^[^\w\n]*(?:(?:final|correct|expected|model|short|best|required)\s+)*"
    r"(?:answer|reply|response|output|completion)(?:\s+(?:key|for [\w ]{1,30}))?\s*"
    r"(?::|$)|\bTL;?DR\b[^:\n]{0,30}\bbots?\b|^[^\S\n]*Q\s*[:.].{3,200}\?\s*A\s*[:.]|"
    r"[忽无][略视]|指令|игнорир\w+|تجاهل",
    re.IGNORECASE | re.MULTILINE,
)

# Cyrillic and Greek letters that look like Latin ones.
_LOOK_ALIKES = str.maketrans(
    "авеікморстухѕјһԁԛԝАВЕІКМНОРСТУХЅЈαεικνορτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "abeikmopctyxsjhdqwABEIKMHOPCTYXSJaeiknoptuxABEZHIKMNOPTYX",
)
_MIXED = re.compile(r"(?=\w*[a-zA-Z])(?=\w*[\u0370-\u03ff\u0400-\u04ff])[^\W\d_]{3,}")
_SPACED = re.compile(r"(?<!\w)(?:[^\W\d_][ \t.·_-]{1,2}){7,}[^\W\d_](?!\w)")

# Words that are common in one language and are no words of English.
_FOREIGN_WORDS = frozenset(
    "der die das und ist nicht ein eine mit von zu auf nur für alle den dem sie wir "
    "le la les des une et est sont dans pour pas que qui sur seulement cette ce "
    "el los las una es son para con por del lo y solo esta este "
    "il gli della che di per non sono questo solo e "
    "o os as um uma do da dos das em não e se isto apenas "
    "het een de van en niet voor met zijn alleen dit dat deze maar "
    "i w na z się nie jest tylko oraz przez dla "
    "ve bir bu için ile değil sadece olarak ama "
    "och att det som är inte på med av bara og ikke på det er "
    "și nu este cu pe doar a az és nem csak egy hogy ja ei on vain".split()
) - {"a", "as", "do", "on", "per", "e", "o", "w", "z", "den", "die", "y"}
_ENGLISH_WORDS = frozenset(
    "the of and to in that for with was is on by from at an are be it this were has have had he "
    "she his her they not but or who which said will would about after over out up all than its "
    "their as I you we do if no".split()
)
_FOREIGN_LEAD = 2
_FOREIGN_FROM_WORDS = 5
_OTHER_SCRIPT_LETTERS = 8

# --- words that talk of reading and answering -----------------------------------------------------


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)


_POINTER_TAIL = (
    r"(?:\s+(?:first|instead|only|alone|too|along|on|in it|verbatim|word for word|before anything "
    r"else|and nothing (?:more|else)))*\W*$"
)
KINDS: dict[str, re.Pattern[str]] = {
    # A machine by its name; what may be one.
    "strong": _words(
        r"l\.?l\.?m\.?s?|gpt\w*|chat-?bots?|bots|language models?|(?:ai|digital|virtual|automated|"
        r"honest) (?:assistants?|models?|systems?|agents?|readers?|tools?)|an ai|neural networks?|"
        r"summari[sz]er|retriev(?:al|er|ed)|prompts?|reading software|reader software|"
        r"machine readers?|automated (?:readers?|digests?|summar\w+)|"
        r"the (?:model|assistant|narrator|operator)|search engine"
    ),
    "machine": _words(
        r"ai|bots?|model|assistants?|automated|automatic(?:ally)?|software|programs?|machines?|"
        r"algorithms?|crawlers?|filters?|systems?|tools?|developers?|graders?|robots?"
    ),
    # What it makes, and of what.
    "made": _words(
        r"answers?|repl(?:y|ies)|responses?|respond|summar(?:y|ies|i[sz]e\w*)|digests?|outputs?|"
        r"results?|completions?|translations?"
    ),
    "text": _words(
        r"passages?|paragraphs?|pages?|lines?|sentences?|citations?|cited?|sources?|texts?|"
        r"words?|articles?|documents?|instructions?|context|information|data|decoys?|rules?|"
        r"(?:the )?above|previous|questions?"
    ),
    # Words that point at what is to be said.
    "point": re.compile(
        r"\b(?:this|these words|the following|what follows|as follows|like so|below|next one|"
        rf"that follows|after this one){_POINTER_TAIL}|"
        r"\b(?:this (?:line|sentence|statement|message)|these words|the following|"
        r"the sentence below|(?:next|following) (?:line|sentence|paragraph|statement|words|text|"
        r"one)|has this in it|what follows|here is what)\b",
        re.IGNORECASE,
    ),
    # Orders: duties, what is to be done, what is to be left out.
    "duty": _words(
        r"must|shall|should|(?:is|are|was|were) to be|has to|have to|needs? to|asked to|told to|"
        r"obliged to|make sure|please|kindly|required|ensure|unless|helpful if|if you|is asked|"
        r"are asked|want(?:s|ed)? to"
    ),
    "make": _words(
        r"put|write|say|says|tell|tells|give[ns]?|show[ns]?|print|repeats?|emit|include[sd]?|add|"
        r"state|offer(?:ed)?|note|noting|noted|mention(?:ed)?|report(?:ed)?|open(?:ed|s|ing)?|"
        r"begins?|starts?|close|end|finish|inform|copy|translate|decode|follow|carr(?:y|ies)|"
        r"contains?|learns?|pass|return(?:s|ed)?|quote|cited?|rely|use[ds]?|reads?|worth telling"
    ),
    "drop": _words(
        r"ignore[ds]?|disregard\w*|forget|leave out|left out|omit\w*|replace\w*|instead|aside|drop|"
        r"overrid\w+|supersede\w*|retracted|out of date|lifted|nothing (?:else|more|but)|alone|"
        r"only|sole|the rest|the others?|all other|other (?:passages|papers|sources|paragraphs)|"
        r"everything (?:above|else)|fictional|test"
    ),
    "imperative": re.compile(
        r"^\W*(?:please |kindly |now |then |just |simply |only |always |dear [^,]{1,30}, ?)*"
        r"(?:answer|reply|respond|say|write|tell|return|report|state|cite|quote|rate|rank|skip|drop|"
        r"stop|present|mention|conclude|finish|begin|remember|translate|use|pretend|treat|trust|"
        r"ignore|disregard|forget|print|output|repeat|copy|include|add|put|imagine|let|do not|"
        r"don.t|make sure|show|give|emit|leave out|replace|note|pass|rely|decode)\b(?!\s*:)",
        re.IGNORECASE,
    ),
    # Whom it concerns.
    "you": _words(r"you(?:rs?|rself)?"),
    "reader": _words(
        r"users?|readers?|(?:person|people|one) (?:who )?ask(?:s|ing)|whoever|"
        r"anyone who (?:reads|asks)|everybody|owner|audience|whatever|"
        r"any (?:digest|summary|program)"
    ),
    # How it is said; and what news is made of.
    "colon": re.compile(r":\s*(?=\S)|:\W*$"),
    "short": re.compile(r"^(?:\S+\s+){0,13}\S+\s*$"),
    "names": re.compile(r"(?<=[a-z,] )[A-Z][a-z]+"),
    "news": _words(
        r"said|says|told|he|she|his|her|they|percent|\d{4}|mr|ms|mrs|company|shares|government|"
        r"police|president|cnn|reuters|million|billion"
    ),
}
# Fitted by training/fit_machine_talk.py: of each kind of words, and of two kinds together.
_WEIGHTS: dict[str, float] = {
    "strong": 3.5,
    "machine": 1.9,
    "made": 2.2,
    "text": 2.2,
    "point": 2.1,
    "duty": 0.1,
    "make": 1.7,
    "drop": 0.9,
    "imperative": 2.2,
    "you": 0.6,
    "reader": 1.9,
    "colon": 2.1,
    "short": 3.3,
    "names": -1.8,
    "news": -2.3,
    "made+point": 2.4,
    "strong+make": -0.2,
    "made+duty": 1.2,
    "drop+text": 2.6,
    "you+made": 0.8,
    "point+make": 0.4,
    "machine+point": 0.3,
    "text+point": 0.6,
    "drop+point": 1.3,
    "imperative+point": 0.7,
    "imperative+text": 0.4,
    "reader+point": 1.1,
    "made+make": -0.3,
    "strong+point": 0.2,
    "strong+made": 0.1,
    "strong+text": -0.5,
    "text+duty": 0.7,
    "reader+make": 0.9,
    "drop+make": 0.6,
    "machine+make": -0.8,
    "machine+made": 0.4,
    "imperative+made": 0.5,
    "reader+made": 0.1,
    "you+text": -0.7,
    "point+duty": 1.4,
    "drop+made": -0.2,
}
_INTERCEPT = -7.9
_FROM = 0.1

_QUOTED = re.compile(r"“[^”]*”|\"[^\"]*\"")
_SENTENCE = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+(?=[\"“‘(\[A-Z0-9#{<])|(?<=[。！？])|\n+")
_HEAD = re.compile(r"(?:[^\s:]+\s+){1,24}[^\s:]+:(?=\s)")
# Whatever stands so near an order is what it orders to say.
_SENTENCES_BEFORE = 3
_SENTENCES_BEHIND = 2
_ANNOUNCED = 2
_HOLDS_ITS_WORDS = re.compile(r"(?:[:=>]|\bthat)\W+(?:[\w’'-]+\W+){4}")


# Sentences by paragraph -> which are orders.
Hears = Callable[[Sequence[Sequence[str]]], Sequence[Sequence[bool]]]


def kinds_of_words(sentence: str) -> list[str]:
    """Return the kinds of words that a sentence has outside quotation marks, and their pairs."""
    # What somebody is quoted with may well say "you".
    bare = _QUOTED.sub(" ", sentence)
    found = [name for name, pattern in KINDS.items() if pattern.search(bare)]
    return [*found, *(f"{one}+{other}" for one in found for other in found if one != other)]


def _orders(sentence: str) -> bool:
    """Say whether a sentence is an order to a machine."""
    if _FORMS.search(sentence):
        return True
    # What is to be said may stand behind a colon, and is news itself.
    head = _HEAD.match(sentence)
    return any(_weight(part) > _FROM for part in (sentence, head.group() if head else ""))


def _weight(sentence: str) -> float:
    return sum((_WEIGHTS.get(name, 0.0) for name in kinds_of_words(sentence)), _INTERCEPT)


def _disguised(sentence: str) -> bool:
    """Say whether a sentence hides from whoever searches for its words."""
    if _MIXED.search(sentence) and sentence.translate(_LOOK_ALIKES).isascii():
        return True
    return bool(_SPACED.search(sentence))


def _foreign(sentence: str) -> bool:
    """Say whether a sentence is in another language than English."""
    letters = [character for character in sentence if character.isalpha()]
    others = sum(not unicodedata.name(letter, "LATIN").startswith("LATIN") for letter in letters)
    if others >= _OTHER_SCRIPT_LETTERS and 2 * others > len(letters):
        return True
    words = re.findall(r"[^\W\d_]+", sentence)
    if len(words) < _FOREIGN_FROM_WORDS:
        return False
    foreign = sum(
        word in _FOREIGN_WORDS or (word.islower() and not word.isascii()) for word in words
    )
    english = sum(word in _ENGLISH_WORDS or word.lower() in _ENGLISH_WORDS for word in words)
    return bool(foreign >= english + _FOREIGN_LEAD)


def speaks_to_a_machine(text: str) -> bool:
    """Say whether a text gives orders to a language model instead of telling a reader something."""
    plain = clean(text)
    if _FORMS.search(plain):
        return True
    return any(
        _orders(sentence) or _disguised(sentence)
        for sentence in _SENTENCE.split(plain)
        if sentence.strip()
    )


def is_order_by_form(text: str) -> bool:
    """Say whether a text has a form that no news has, or letters in disguise."""
    plain = clean(text)
    return bool(_FORMS.search(plain)) or _disguised(plain)


def sentences_in(text: str) -> list[str]:
    """Return the sentences of a text as they are judged."""
    return [clean(text[start:end]) for start, end in _sentences(text, 0, len(text))]


def orders_in(text: str, hears: Hears | None = None) -> list[tuple[int, int]]:
    """Return where a text of an article gives orders to a machine, with the words they are about.

    That is the sentence, those beside it in its paragraph, and, where it announces what is to be
    said, the beginning of the next. Ascending, not overlapping.

    Args:
        text: A passage, or an article. One that is not in English has no foreign sentences.
        hears: Says of the sentences of each paragraph which are orders; without it, the kinds of
            words in them decide.
    """
    places = [list(_sentences(text, *paragraph)) for paragraph in paragraphs(text)]
    forms = [match.span() for match in _FORMS.finditer(text)]
    told = [[clean(text[start:end]) for start, end in sentences] for sentences in places]
    flat = [sentence for sentences in told for sentence in sentences]
    if hears is None:
        heard = [_orders(sentence) for sentence in flat]
    else:
        heard = [one for sentences in hears(told) for one in sentences]
    strange = [_foreign(sentence) for sentence in flat]
    at_home = 2 * sum(strange) < len(flat)
    found: list[tuple[int, int]] = []
    at = 0
    for number, sentences in enumerate(places):
        for place, _ in enumerate(sentences):
            sentence, foreign, order = flat[at], strange[at] and at_home, heard[at]
            at += 1
            start, end = sentences[place]
            formal = any(first < end and start < last for first, last in forms)
            if not (formal or foreign or order or is_order_by_form(sentence)):
                continue
            # What an order wants said stands behind it; where its form is plain, all is suspect.
            first = max(0, place - _SENTENCES_BEFORE) if formal else place
            last = min(len(sentences) - 1, place + _SENTENCES_BEHIND)
            found.append((sentences[first][0], sentences[last][1]))
            if place == len(sentences) - 1 and _announces(sentence, alone=not place):
                behind = [each for later in places[number + 1 : number + 2] for each in later]
                found += behind[:_ANNOUNCED]
    return _joined(found)


def _announces(sentence: str, *, alone: bool) -> bool:
    """Say whether what an order wants said is still to come.

    Args:
        sentence: The last of its paragraph.
        alone: Whether it is the only one: what stands before it may be what it speaks of.
    """
    if KINDS["point"].search(sentence) or re.search(r"[:=]\W*$", sentence):
        return True
    return alone and not _HOLDS_ITS_WORDS.search(sentence)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for match in _SENTENCE.finditer(text, start, end):
        if text[at : match.end()].strip():
            yield at, match.end()
        at = match.end()
    if text[at:end].strip():
        yield at, end


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


# --- how a machine is shown an article ------------------------------------------------------------


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Return where paragraphs stand; one ends at a line break."""
    starts = [0, *(match.end() for match in re.finditer(r"\n+", text))]
    ends = [*starts[1:], len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


_TEMPLATE_TOKENS = re.compile(
    r"<\|[^|>]{0,40}\|>|<｜[^｜]{0,40}｜>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>",
    re.IGNORECASE,
)


def as_data(text: str) -> str:
    """Return text that cannot end its element, nor look like a turn of the conversation."""
    plain = _TEMPLATE_TOKENS.sub(" ", clean(text))
    return plain.replace("<", "‹").replace(">", "›").replace('"', "”")


__all__ = [
    "KINDS",
    "Hears",
    "as_data",
    "is_order_by_form",
    "kinds_of_words",
    "orders_in",
    "paragraphs",
    "sentences_in",
    "speaks_to_a_machine",
]
