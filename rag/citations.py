"""A statement and the words it cites -> whether the words support it, and what is wrong if not.

Rules over the surface of the text, in English, and no model: numbers, dates, names, quotation
marks, negation, quantifiers, tense, who did what to whom, and who says so. They compare words, they
do not understand them: a statement passes as supported only where it shortens what its source says,
in the source's own words. A free paraphrase is at best ``partly``, and nothing here knows the
world.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import fsum
from typing import Literal

from rag.counting import fates_told, same_fate
from rag.passages import split_sentences
from rag.schema import Verdict

# What can be wrong. Nothing makes good a number, a name, a date or a quotation that the words do
# not have, nor somebody else who says so, nor the dead counted as abducted, nor a "he" for a
# "she"; the others are differences in wording, maybe harmless.
Doubt = Literal[
    "empty", "number", "name", "date", "quote", "speaker",
    "words", "most words", "order", "names in order", "negation", "tense", "unreal", "joined",
    "between", "quantity", "hedge", "unit", "attribution", "marks", "count",
    "person", "measure",
]  # fmt: skip
SURE_DOUBTS: frozenset[Doubt] = frozenset(
    {"empty", "number", "name", "date", "quote", "speaker", "count", "person"}
)

# Of the statement's content words, this share must be found for anything more than "unsupported".
PARTLY_FROM = 0.6
# As many sentences of the words are compared by themselves.
_ALONE = 2


@dataclass(frozen=True, slots=True)
class Check:
    """What the words say of the statement.

    Attributes:
        verdict: ``quoted`` if they contain it to the letter, ``supported`` if they say all of it,
            ``partly`` if they say some of it, ``unsupported`` if they do not say it or say
            otherwise.
        reasons: What is not supported, a line each, in a reader's words; empty when all is well.
        coverage: Share of the statement's content words found in the words, 0 to 1.
        lost_attribution: True if the words say who says so, and the statement does not.
        doubts: Of what kind the reasons are.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    coverage: float = 1.0
    lost_attribution: bool = False
    doubts: frozenset[Doubt] = frozenset()


def check(statement: str, words: str) -> Check:
    """Say whether words support a statement.

    Args:
        statement: A sentence, in English.
        words: What it cites: the sentence or sentences of an article.
    """
    bare = _flat(statement)
    if not re.search(r"\w", bare):
        return Check(
            "unsupported", ("There are no words in it.",), 0.0, doubts=frozenset({"empty"})
        )
    if _is_to_the_letter(bare, _flat(words)):
        return Check("quoted", ())
    found = _Comparison(statement, words).result()
    if found.verdict == "supported":
        return found
    # One sentence may say it by itself, where its neighbours only lead the comparison astray.
    for start, end in _sentences_closest(statement, words):
        alone = _Comparison(statement, words[start:end]).result()
        if alone.verdict == "supported":
            return alone
    return found


def quotes_in(text: str) -> list[str]:
    """Return the stretches that stand in quotation marks, without the marks."""
    return [next(part for part in found if part) for found in _QUOTES.findall(text)]


def is_quoted_truly(quote: str, words: str) -> bool:
    """Say whether a stretch in quotation marks is in the words to the letter.

    Typographic and straight marks, and the final full stop or comma that American usage puts
    inside the marks, make no difference.
    """
    wanted = _flat(quote).rstrip(" .,;")
    return bool(wanted) and _contains(_flat(words), wanted)


def attribution_in(words: str) -> str | None:
    """Return who says so, as the words put it, or None where that cannot be told for sure."""
    for pattern in (_ACCORDING, _SAID_AFTER, _SAID_BEFORE):
        found = pattern.search(words)
        if found:
            who = " ".join(found["who"].split()).strip(" ,")
            if who and who.split()[0].lower() not in _PRONOUNS:
                return who
    return None


def content_keys(text: str) -> frozenset[str]:
    """Return the stems of the words that carry the meaning, for finding sentences alike."""
    return frozenset(token.key for token in _tokens(text) if token.is_content)


def may_have_a_verb(text: str) -> bool:
    """Say whether some word of a text may be a finite verb: "Hamas leader Benjamin" has none."""
    return any(
        token.lower in _AUXILIARY
        or (token.kind == "word" and token.lower in _IRREGULAR)
        or (token.text[0].islower() and token.text.endswith(("ed", "ing", "s")))
        for token in _tokens(text)
    )


def closest_sentences(statement: str, sentences: Sequence[str], most_words: int) -> str:
    """Return the sentences that share the most with a statement, in their order, as one text.

    Words that few of the sentences have count for more.

    Args:
        statement: What is to be supported.
        sentences: In the order of their text.
        most_words: The text is no longer than this; the closest sentence is cut if it must be.
    """
    wanted = _plain_words(statement)
    plain = [_plain_words(sentence) for sentence in sentences]
    spread = Counter(word for words in plain for word in words)
    score = [
        # The same whatever the order in which a set gives its members.
        fsum((1 + spread[word]) ** -0.5 + 0.01 for word in words & wanted)
        for words in plain
    ]
    left = most_words
    chosen: list[int] = []
    for at in sorted(range(len(sentences)), key=lambda i: (-score[i], i)):
        length = len(sentences[at].split())
        if length <= left:
            chosen.append(at)
            left -= length
        elif not chosen:
            return " ".join(sentences[at].split()[:most_words])
    return "\n".join(sentences[at] for at in sorted(chosen))


def _sentences_closest(statement: str, words: str) -> list[tuple[int, int]]:
    """Return where the few sentences stand that share most with a statement, if there are more."""
    spans = split_sentences(words)
    if len(spans) < 2:
        return []
    wanted = _plain_words(statement)
    spans.sort(key=lambda span: -len(_plain_words(words[span.start : span.end]) & wanted))
    return [(span.start, span.end) for span in spans[:_ALONE]]


def _plain_words(text: str) -> frozenset[str]:
    return frozenset(stem(word) for word in re.findall(r"[^\W_]{2,}", text)) - _FUNCTION


# --- words ----------------------------------------------------------------------------------------

_QUOTES = re.compile(r"“([^”]*)”|\"([^\"]*)\"|«([^»]*)»|„([^“”]*)[“”]")
_PRONOUNS = frozenset("he she it they we i you who which that this these those".split())
_MONTHS = (
    "january february march april may june july august september october november december".split()
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTH_SHORT = {name[:3]: name for name in _MONTHS} | {"sept": "september"}
_UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
_TENS = {
    word: 10 * value
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}
_SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
}
# Words that carry no fact of their own. What changes a meaning (not, only, will, before) is no
# member, or is compared by itself.
_FUNCTION = frozenset(
    "a an the of in on at to for from by with as and or but that which who whom whose this these "
    "those it its he him his she her hers they them their theirs we us our ours you your i my me "
    "there here also then so such than into onto because though although however therefore thus "
    "due about around approximately roughly nearly almost "
    "some is are was were be been being am has have had having do does did will would shall should "
    "can could may might must not no nor never n't s t re ve ll d while when where what how both "
    "either each other another same own itself himself herself themselves very just even still "
    "too yet more most amid among between during per via upon".split()
)
_AUXILIARY = {
    **dict.fromkeys("is are am has have do does 's 're 've".split(), "present"),
    **dict.fromkeys("was were had did".split(), "past"),
    **dict.fromkeys("will shall 'll".split(), "future"),
    **dict.fromkeys("would could may might should must can".split(), "modal"),
}
_NEGATORS = frozenset("not no never n't without nor neither none nobody nothing cannot".split())
# The more than quantity: the words must agree where both speak of the same thing.
_QUANTIFIERS = frozenset(
    "all every everyone everything most many several few some only half majority minority any "
    "always often sometimes rarely least up over under fewer less more nearly almost about around "
    "approximately roughly estimated".split()
)
_HEDGES = frozenset(
    "nearly almost about around approximately roughly estimated over under more less fewer least "
    "most up only just".split()
)
_SAME_HEDGE = {
    **dict.fromkeys("about around approximately roughly".split(), "about"),
    **dict.fromkeys("nearly almost".split(), "nearly"),
    **dict.fromkeys("over more".split(), "more"),
    **dict.fromkeys("under less fewer".split(), "less"),
    **dict.fromkeys("all every".split(), "all"),
}
# What kind of amount it is: an average is no total.
_MEASURES = frozenset(
    "average median mean total combined annual yearly monthly weekly daily hourly minimum maximum "
    "record per".split()
)
_PERSONS = {
    **dict.fromkeys("he him his himself".split(), "he"),
    **dict.fromkeys("she her hers herself".split(), "she"),
}
_LIMITS = frozenset("some most many several few half all every only any".split())
_SPEECH = frozenset(
    "say said says saying told tells tell stated states state adds added according reported "
    "reportedly explained noted described called announced claimed claims asserted argued insisted "
    "confirmed acknowledged warned estimated estimates believe believes believed suggested "
    "suggests declared wrote alleged alleges allegedly".split()
)
# The plain ones stand for each other; the others colour what is said, and stay what they are.
_PLAIN_SPEECH = frozenset("say said says saying told tells tell stated according".split())
# What takes the fact out of what follows it.
_UNREAL = frozenset(
    "refuse deny reject fail stop threaten consider plan want demand propose urge call ask offer "
    "if unless whether allege allegedly reportedly avoid prevent hope expect seek try attempt "
    "intend agree promise vow may might could would should unlikely likely possible possibly "
    "refusal denial proposal demands potential".split()
)
_IRREGULAR = {
    "said": "say", "says": "say", "told": "tell", "went": "go", "gone": "go", "left": "leave",
    "leaves": "leave", "held": "hold", "took": "take", "taken": "take", "gave": "give",
    "given": "give", "made": "make", "met": "meet", "came": "come", "began": "begin",
    "begun": "begin", "broke": "break", "broken": "break", "brought": "bring", "sent": "send",
    "knew": "know", "known": "know", "kept": "keep", "led": "lead", "lost": "lose", "won": "win",
    "saw": "see", "seen": "see", "wrote": "write", "written": "write", "shot": "shoot",
    "fought": "fight", "thought": "think", "sought": "seek", "found": "find", "felt": "feel",
    "got": "get", "grew": "grow", "stood": "stand", "spoke": "speak", "spoken": "speak",
    "died": "die", "dying": "die", "dies": "die", "lay": "lie", "fell": "fall", "fallen": "fall",
    "children": "child", "men": "man", "women": "woman", "people": "people", "lives": "life",
    "chose": "choose", "withdrew": "withdraw", "withdrawn": "withdraw", "rose": "rise",
    "risen": "rise", "stole": "steal", "stolen": "steal", "drew": "draw", "ran": "run",
    "paid": "pay", "bought": "buy", "sold": "sell", "built": "build", "struck": "strike",
}  # fmt: skip
_PEOPLES = {
    "israeli": "israel", "palestinian": "palestine", "american": "america", "us": "america",
    "usa": "america", "egyptian": "egypt", "qatari": "qatar", "iranian": "iran",
    "russian": "russia", "ukrainian": "ukraine", "british": "britain", "french": "france",
    "german": "germany", "chinese": "china", "syrian": "syria", "lebanese": "lebanon",
    "gazan": "gaza", "european": "europe", "percent": "%", "ceasefire": "ceasefire",
}  # fmt: skip
_ABBREVIATED = re.compile(
    r"\b(Mr|Mrs|Ms|Dr|Gen|Sen|Rep|Gov|Lt|Col|Sgt|St|Prof|Jr|Sr|No|vs|Jan|Feb|Mar|Apr|Jun|Jul|Aug|"
    r"Sept|Sep|Oct|Nov|Dec)\.(?=\s)"
)
_LETTERS = re.compile(r"\b(?:[A-Za-z]\.){2,}(?:[A-Za-z]\b)?")
_STATES = re.compile(r"\bUnited (?:(?P<states>States(?: of America)?)|Kingdom)\b")
_TOKEN = re.compile(
    r"(?:https?://|www\.)\S+|\d+(?:,\d{3}(?!\d))*(?:\.\d+)?|[^\W\d_]+(?:[’'][^\W\d_]+)*|[“”\"«»„.,;:!?()%$€£—–]"
)
_JOINED = re.compile(r"(?<=[^\W\d_])[-‐‑](?=[^\W\d_])")
_SENTENCE_ENDS = frozenset(".!?")
_CLAUSE_ENDS = frozenset(".,;:!?()—–")


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    key: str
    kind: str  # number, name, word, function, mark

    @property
    def is_content(self) -> bool:
        return self.kind in ("number", "name", "word")

    @property
    def lower(self) -> str:
        return self.text.lower()


def _flat(text: str) -> str:
    """Return the text with plain quotation marks and single spaces, trimmed."""
    plain = re.sub(r"[“”„«»]", '"', text)
    plain = re.sub(r"[‘’`´]", "'", plain)
    return " ".join(plain.split())


def _contains(text: str, wanted: str) -> bool:
    at = text.find(wanted)
    while at >= 0:
        before, behind = text[at - 1 : at], text[at + len(wanted) : at + len(wanted) + 1]
        if not (before.isalnum() and wanted[0].isalnum()) and not (
            behind.isalnum() and wanted[-1].isalnum()
        ):
            return True
        at = text.find(wanted, at + 1)
    return False


def _is_to_the_letter(statement: str, words: str) -> bool:
    """Say whether the statement is a whole sentence, or all, of the words."""
    if not words.strip():
        return False
    wanted = statement.strip().rstrip(".")
    at = words.find(wanted)
    while at >= 0:
        before, behind = words[:at].rstrip(), words[at + len(wanted) :]
        begins = not before or before[-1] in '.!?"'
        if begins and (not behind or re.match(r"\.?[\"']?(?:\s|$)", behind)):
            ended = not behind or behind[0] in ".\"'" or wanted[-1:] in '.!?"'
            if ended:
                return True
        at = words.find(wanted, at + 1)
    return False


@lru_cache(maxsize=512)
def _tokens(text: str) -> tuple[_Token, ...]:
    text = _STATES.sub(lambda match: "US" if match["states"] else "UK", text)
    text = _LETTERS.sub(lambda match: match.group().replace(".", ""), text)
    text = _ABBREVIATED.sub(r"\1", text)
    text = _flat_apostrophes(text)
    text = re.sub(r"n't\b", " not", text.replace("can't", "can not").replace("cannot", "can not"))
    text = _SAME_PHRASES.sub(lambda match: _PLAIN_PHRASE[match.group().lower()], text)
    text = _SHORT_FORMS.sub(_long_form, text)
    text = re.sub(r"(?<=\d)-(?=[^\W\d_])", " ", text)
    text = _JOINED.sub(_joint, text)
    raw = _TOKEN.findall(text)
    tokens: list[_Token] = []
    at = 0
    begins = True
    while at < len(raw):
        value, used = _number(raw, at)
        if used:
            tokens.append(_Token(" ".join(raw[at : at + used]), value, "number"))
            at += used
            begins = False
            continue
        word = raw[at]
        at += 1
        if not word[0].isalnum():
            tokens.append(_Token(word, word, "mark" if word != "%" else "word"))
            begins = begins or word in '.!?"'
            continue
        tokens.append(_word(word, begins, raw[at] if at < len(raw) else ""))
        begins = False
    return tuple(tokens)


_PLAIN_PHRASE = {
    "close to": "near",
    "prior to": "before",
    "a number of": "many",
    "numerous": "many",
    "in spite of": "despite",
    "in order to": "to",
}
_SAME_PHRASES = re.compile(rf"\b(?:{'|'.join(_PLAIN_PHRASE)})\b", re.IGNORECASE)
_SHORT_FORMS = re.compile(
    r"\b(?P<who>they|we|you|he|she|it|there|that|who|I)'(?P<verb>re|ll|ve|s|m)\b", re.IGNORECASE
)


def _long_form(match: re.Match[str]) -> str:
    verb = {"re": "are", "ll": "will", "ve": "have", "s": "is", "m": "am"}[match["verb"].lower()]
    return f"{match['who']} {verb}"


def _flat_apostrophes(text: str) -> str:
    return re.sub(r"[‘’`´]", "'", text)


def _joint(match: re.Match[str]) -> str:
    """Keep cease-fire one word, and part sixty-day and twenty-five."""
    before = re.search(r"[^\W\d_]+$", match.string[: match.start()])
    word = before.group().lower() if before else ""
    return " " if word in _UNITS or word in _TENS else ""


def _word(word: str, begins: bool, following: str) -> _Token:
    bare = re.sub(r"'s$|'$", "", word)
    lower = bare.lower()
    if (lower in _MONTHS and bare[0].isupper()) or lower in _DAYS:
        return _Token(bare, lower, "name")
    short = _MONTH_SHORT.get(lower.rstrip("."))
    if short and bare[0].isupper() and (following[:1].isdigit()) and lower != "may":
        return _Token(bare, short, "name")
    if (lower in _FUNCTION or lower in _NEGATORS) and not (bare.isupper() and len(bare) > 1):
        return _Token(bare, lower, "function")
    key = stem(lower)
    key = _ALIKE.get(key, key)
    named = bare[0].isupper() and (
        not begins
        or bare.isupper()
        or lower in _PEOPLES
        or (following[:1].isupper() and following.lower() not in _FUNCTION)
        or word.endswith("'s")
    )
    return _Token(bare, key, "name" if named else "word")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Return what is the same in an English word's forms; roughly, by its endings."""
    word = word.lower()
    if word in _PEOPLES:
        return _PEOPLES[word]
    if word in _PLAIN_SPEECH:
        return "say"
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.startswith(("http", "www.")):
        return word
    for ending, instead in (("ies", "y"), ("ied", "y"), ("sses", "ss"), ("ing", ""), ("ed", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word[: -len(ending)] + instead
            if not instead and len(root) > 3 and root[-1] == root[-2] and root[-1] not in "sl":
                root = root[:-1]
            return root.rstrip("e")
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
        if word.endswith(("she", "che", "xe")):
            word = word[:-1]
    return word.rstrip("e") if len(word) > 3 else word


# Words that stand for each other in news, whatever they are said of. Few on purpose.
_ALIKE = {
    stem(word): stem(group.split()[0])
    for group in (
        "begin start commence", "end finish conclude", "buy purchase", "shut close",
        "jail prison", "ban forbid prohibit outlaw", "quake earthquake", "car automobile",
        "doctor physician", "lawyer attorney", "child kid", "lawmaker legislator", "hurt injure",
        "choose select", "show demonstrate", "need require", "get receive obtain",
        "help assist aid", "try attempt", "allow permit", "big large", "many numerous",
        "quick rapid", "film movie", "happen occur", "important significant",
        "build construct", "whole entire", "hard difficult", "mainly mostly primarily chiefly",
        "often frequently", "live reside", "stay remain", "use employ utilize",
        "answer reply respond response", "fall drop decline decrease", "rise climb increase",
        "lower reduce cut", "now currently", "usually normally", "truck lorry",
        "inhabitant resident", "additional further", "enough sufficient",
        "quickly rapidly fast", "immediately instantly", "firm company", "likely probably",
        "establish founded create", "called known", "locate situate",
        "settlement agreement deal accord",
    )
    for word in group.split()
}  # fmt: skip


def _number(raw: Sequence[str], at: int) -> tuple[str, int]:
    """Return a number's plain form and how many of the raw tokens it takes, 0 if there is none."""
    used = 0
    total = current = 0.0
    seen = False
    while at + used < len(raw):
        word = raw[at + used].lower()
        if word[0].isdigit():
            if seen:
                break
            current = float(re.sub(",", "", word))
            if not word.replace(",", "").replace(".", "").isdecimal():
                return "", 0
        elif word in _UNITS or word in _TENS:
            value = _UNITS.get(word, _TENS.get(word, 0))
            if (
                seen
                and not (current % 100 >= 20 and current % 10 == 0 and value < 10)
                and not (current and current % 100 == 0)
            ):
                break
            current += value
        elif word in _SCALES and seen:
            if word == "hundred":
                current *= 100
            else:
                total += current * _SCALES[word]
                current = 0.0
        else:
            break
        seen = True
        used += 1
    if not used:
        return "", 0
    return f"{total + current:g}" if total + current < 1e15 else f"{total + current:e}", used


# --- comparing ------------------------------------------------------------------------------------

_SPEAKER_VERB = (
    r"(?:say|says|said|told|stated|estimates?|estimated|reports?|reported|believes?|believed|"
    r"announced|claims?|claimed|confirmed|acknowledged|argued?|insisted|warned|added|noted|"
    r"described|suggested|asserted|alleged)"
)
_ACCORDING = re.compile(r"\b(?:according to|as reported by)\s+(?P<who>[^,;.()“”\"]{2,80})", re.I)
_SAID_AFTER = re.compile(
    rf"[,”\"]\s*(?P<who>(?:the\s+|an?\s+)?[A-Za-z][\w’'. -]{{1,70}}?)\s+{_SPEAKER_VERB}\b"
    r"[^,“”\"]{0,60}[.”\"]*\s*$"
)
_SAID_BEFORE = re.compile(
    rf"^\W*(?P<who>(?:(?:The|A|An|Senior|Some|Other|Another)\s+)?[A-Z][\w’'. -]{{1,60}}?)"
    rf"(?:,[^,“”\"]{{1,80}},)?\s+{_SPEAKER_VERB}\b(?!\s+to\b)"
)


class _Comparison:
    """One statement held against the words it cites."""

    def __init__(self, statement: str, words: str) -> None:
        self.statement, self.words = statement, words
        self.told = _tokens(words)
        # At the start of a sentence a capital letter says nothing; the other text may know.
        names = {token.key for token in self.told if token.kind == "name"}
        self.said = tuple(
            replace(token, kind="name") if token.kind == "word" and token.key in names else token
            for token in _tokens(statement)
        )
        self.reasons: list[str] = []
        self.doubts: set[Doubt] = set()
        self.fatal = False
        self.lost_attribution = False

    def result(self) -> Check:
        coverage = self._missing_words()
        self._quotes()
        pairs = self._aligned()
        self._attribution(pairs)
        self._order(pairs)
        self._polarity(pairs)
        self._tense(pairs)
        self._skipped(pairs)
        self._quantifiers(pairs)
        self._counts()
        self._persons()
        if self.fatal or coverage < PARTLY_FROM:
            if coverage < PARTLY_FROM:
                self._wrong("Most of its words are not in the cited words.", "most words")
            verdict: Verdict = "unsupported"
        else:
            verdict = "partly" if self.reasons else "supported"
        return Check(
            verdict,
            tuple(dict.fromkeys(self.reasons)),
            round(coverage, 3),
            self.lost_attribution,
            frozenset(self.doubts),
        )

    def _wrong(self, reason: str, doubt: Doubt, *, fatal: bool = False) -> None:
        self.reasons.append(reason)
        self.doubts.add(doubt)
        self.fatal = self.fatal or fatal

    def _missing_words(self) -> float:
        known = {token.key for token in self.told}
        known_names = {token.key for token in self.told if token.is_content}
        content = [token for token in self.said if token.is_content]
        speaks = any(token.lower in _SPEECH for token in self.told) or bool(quotes_in(self.words))
        missing = []
        for token in content:
            if token.key in known_names or (token.key in known and token.kind == "word"):
                continue
            if token.key == "say" and speaks:
                continue
            missing.append(token)
        for token in missing:
            if token.kind == "number":
                self._wrong(
                    f"The number {token.text} is not in the cited words.", "number", fatal=True
                )
            elif token.kind == "name":
                what: Doubt = "date" if token.key in _MONTHS or token.key in _DAYS else "name"
                self._wrong(f"The {what} {token.text} is not in the cited words.", what, fatal=True)
            else:
                self._wrong(f"“{token.text}” is not in the cited words.", "words")
        return 1 - len(missing) / len(content) if content else 0.0

    def _quotes(self) -> None:
        for quote in quotes_in(self.statement):
            if not is_quoted_truly(quote, self.words):
                self._wrong("Words in quotation marks are not in the article.", "quote", fatal=True)
        if len(re.findall(r"[“”\"]", self.statement)) % 2:
            self._wrong("A quotation mark stands alone.", "marks")

    # who says so

    def _attribution(self, pairs: Sequence[tuple[int, int]]) -> None:
        speaks = self._speech(self.said)
        source = self._speech(self.told)
        spoken = set().union(*(self._scope(at) for at in source)) if source else set()
        if not speaks and 2 * sum(told in spoken for _, told in pairs) > len(pairs):
            self.lost_attribution = True
            self._wrong("The source says who says so; the statement does not.", "attribution")
        if not speaks:
            return
        speakers = {token.key for at in source for token in self._speaker(self.told, at)}
        for at in speaks:
            wanted = {
                token.key
                for token in self._speaker(self.said, at)
                if token.kind in ("name", "word")
            }
            if not wanted or not source:
                if wanted and not source and self.said[at].key == "say":
                    self._wrong("Nobody says so in the cited words.", "speaker")
                continue
            if not wanted <= speakers:
                self._wrong("The cited words do not say that they say so.", "speaker", fatal=True)

    @staticmethod
    def _speech(tokens: Sequence[_Token]) -> list[int]:
        return [
            at
            for at, token in enumerate(tokens)
            if token.lower in _SPEECH and token.kind != "name" and _is_verb(tokens, at)
        ]

    def _scope(self, at: int) -> range:
        """Return where the words stand that a verb of speech puts into somebody's mouth."""
        first = last = at
        while first > 0 and self.told[first - 1].text not in _SENTENCE_ENDS:
            first -= 1
        while last < len(self.told) and self.told[last].text not in _SENTENCE_ENDS:
            last += 1
        if self.told[at].lower in ("according", "reportedly", "allegedly", "alleged"):
            return range(first, last)
        behind = [token for token in self.told[at + 1 : last] if token.is_content]
        before = [token.text for token in self.told[first:at]]
        if len(behind) < 4 and any(mark in before for mark in (",", "”", '"')):
            return range(first, at)
        return range(at, last)

    @staticmethod
    def _speaker(tokens: Sequence[_Token], at: int) -> list[_Token]:
        """Return the names and nouns next to a verb of speech, on the side of its speaker."""
        found: list[_Token] = []
        if tokens[at].lower == "according":
            for token in tokens[at + 1 : at + 10]:
                if token.kind == "mark":
                    break
                if token.is_content:
                    found.append(token)
            return found
        commas = 0
        for token in reversed(tokens[max(0, at - 24) : at]):
            if token.kind == "mark":
                # "Steve Witkoff, the envoy, said": over one pair of commas, to the name.
                if token.text == "," and (commas == 1 or (commas == 0 and not found)):
                    commas += 1
                    continue
                break
            if token.lower in _AUXILIARY or token.lower in ("that", "which"):
                if found:
                    break
                continue
            if token.is_content:
                found.append(token)
            if len(found) >= 14:
                break
        return found

    # who did what to whom

    def _aligned(self) -> list[tuple[int, int]]:
        """Return the longest run of content words that both have in the same order."""
        said = [at for at, token in enumerate(self.said) if token.is_content]
        told = [at for at, token in enumerate(self.told) if token.is_content]
        # Of equally long runs the one with fewer gaps is better: neighbours count a little more.
        rows, columns = len(said), len(told)
        best = [[0.0] * (columns + 1) for _ in range(rows + 1)]
        for i in range(rows - 1, -1, -1):
            for j in range(columns - 1, -1, -1):
                score = max(best[i + 1][j], best[i][j + 1])
                if self.said[said[i]].key == self.told[told[j]].key:
                    gain = 1.0
                    if self.said[said[i]].lower == self.told[told[j]].lower:
                        gain += 0.01
                    if (
                        i + 1 < rows
                        and j + 1 < columns
                        and self.said[said[i + 1]].key == self.told[told[j + 1]].key
                    ):
                        gain += 0.01
                    score = max(score, gain + best[i + 1][j + 1])
                best[i][j] = score
        pairs = []
        i = j = 0
        while i < rows and j < columns:
            if best[i][j] == best[i + 1][j]:
                i += 1
            elif best[i][j] == best[i][j + 1]:
                j += 1
            else:
                pairs.append((said[i], told[j]))
                i, j = i + 1, j + 1
        return pairs

    def _order(self, pairs: Sequence[tuple[int, int]]) -> None:
        placed = {at for at, _ in pairs}
        speakers = {
            id(token) for at in self._speech(self.said) for token in self._speaker(self.said, at)
        }
        known = {token.key for token in self.told if token.is_content}
        moved = self._moved(placed)
        for at, token in enumerate(self.said):
            if not token.is_content or at in placed or token.key not in known or at in moved:
                continue
            if id(token) in speakers or token.lower in _SPEECH or self._is_a_time(at):
                continue
            swapped = token.kind in ("name", "number") and len(pairs) >= 3
            self._wrong(
                f"“{token.text}” stands elsewhere in the cited words.",
                "names in order" if swapped else "order",
                fatal=swapped,
            )

    def _moved(self, placed: set[int]) -> set[int]:
        """Return where a clause stands that was moved whole to the other end of its sentence.

        "In 1990 the talks failed" for "the talks failed in 1990": the same words in the same order
        after the same preposition, first or last in the statement.
        """
        content = [at for at, token in enumerate(self.said) if token.is_content]
        runs: list[list[int]] = []
        for before, at in zip([None, *content], content, strict=False):
            if at in placed:
                continue
            if runs and runs[-1][-1] == before:
                runs[-1].append(at)
            else:
                runs.append([at])
        told = [at for at, token in enumerate(self.told) if token.is_content]
        keys = [self.told[at].key for at in told]
        found: set[int] = set()
        for run in runs:
            if run[0] != content[0] and run[-1] != content[-1]:
                continue
            lead = _preposition_before(self.said, run[0])
            wanted = [self.said[at].key for at in run]
            if lead and any(
                keys[at : at + len(run)] == wanted
                and _preposition_before(self.told, told[at]) == lead
                for at in range(len(keys) - len(run) + 1)
            ):
                found.update(run)
        return found

    def _is_a_time(self, at: int) -> bool:
        token = self.said[at]
        if token.key in _MONTHS:
            # "July 1905" is another time than "July" elsewhere.
            numbers = _numbers_beside(self.said, at)
            return not numbers or any(
                other.key == token.key and numbers <= _numbers_beside(self.told, there)
                for there, other in enumerate(self.told)
            )
        if token.key in _DAYS:
            return True
        near = self.said[max(0, at - 2) : at] + self.said[at + 1 : at + 2]
        return token.kind == "number" and any(other.key in _MONTHS for other in near)

    def _polarity(self, pairs: Sequence[tuple[int, int]]) -> None:
        for said, told in pairs:
            one, other = _is_negated(self.said, said), _is_negated(self.told, told)
            if one != other:
                which = "it denies what the cited words say" if one else "the cited words deny it"
                self._wrong(f"At “{self.said[said].text}” {which}.", "negation", fatal=True)
        if not any(t.lower in _NEGATORS for t in self.told) and any(
            t.lower in _NEGATORS for t in self.said
        ):
            self._wrong("It denies what the cited words say.", "negation", fatal=True)

    def _tense(self, pairs: Sequence[tuple[int, int]]) -> None:
        for said, told in pairs:
            one, other = self.said[said], self.told[told]
            if one.key == "say":
                continue
            if one.kind == "word" and not _same_form(one.lower, other.lower):
                self._wrong(f"“{one.text}”: the cited words have “{other.text}”.", "tense")
            here, there = _auxiliaries(self.said, said), _auxiliaries(self.told, told)
            if here != there and (here or there):
                shown = " ".join(sorted(there)) or "no such form"
                self._wrong(f"“{one.text}” is put as another tense or mood ({shown}).", "tense")

    def _skipped(self, pairs: Sequence[tuple[int, int]]) -> None:
        """Look at what the statement leaves out between two of its words."""
        for (_, before), (said, behind) in pairwise(pairs):
            between = self.told[before + 1 : behind]
            content = [token for token in between if token.is_content]
            ends = [at for at, token in enumerate(between) if token.text in _SENTENCE_ENDS]
            if ends and not any(
                token.lower in _LEANING_WORDS for token in self.told[before + ends[-1] + 2 : behind]
            ):
                self._wrong("It joins what two sentences say of two things.", "joined")
            if not content or self._leads_to_a_speaker(between, behind):
                continue
            for token, ahead in zip(between, self.told[before : behind - 1], strict=True):
                if ahead.lower in _DETERMINERS:
                    continue
                if token.key in _UNREAL_KEYS or token.lower in _UNREAL:
                    self._wrong(f"The cited words say “{token.text}” there.", "unreal")
                    break
            lead, there = _lead(self.said, said), _lead(self.told, behind)
            if lead and there and lead != there:
                self._wrong("Something else stands in between in the cited words.", "between")
            if self.told[before].kind == "name" and self.told[behind].kind == "word":
                first = between[0]
                named = [at for at, token in enumerate(between) if token.kind == "name"]
                if (
                    named
                    and (
                        (
                            first.text not in (",", "(", "—", "–")
                            and first.lower not in _PREPOSITIONS
                        )
                        # "... with Russia, said the United States had decided"
                        or any(token.lower in _SPEECH for token in between[: named[-1]])
                    )
                ):
                    self._wrong("Somebody else stands in between in the cited words.", "between")
        if pairs:
            clause = []
            for token in reversed(self.told[: pairs[0][1]]):
                if token.kind == "mark":
                    break
                clause.append(token)
            if any(token.key in _UNREAL_KEYS for token in clause if token.kind == "word"):
                self._wrong("The cited words do not put it as a fact.", "unreal")

    def _leads_to_a_speaker(self, between: Sequence[_Token], behind: int) -> bool:
        """Say whether what follows the gap is "..., officials say", whatever the gap holds."""
        return any(token.text in (",", "”") for token in between) and any(
            token.lower in _SPEECH for token in self.told[behind : behind + 5]
        )

    def _quantifiers(self, pairs: Sequence[tuple[int, int]]) -> None:
        there = {_SAME_HEDGE.get(token.lower, token.lower) for token in self.told}
        for token in self.said:
            if (
                token.lower in _QUANTIFIERS
                and _SAME_HEDGE.get(token.lower, token.lower) not in there
            ):
                self._wrong(f"“{token.text}” is not in the cited words.", "quantity")
        words = {token.lower for token in self.told}
        for token in self.said:
            if token.lower in _MEASURES - words:
                self._wrong(f"“{token.text}” is not in the cited words.", "measure")
        for said, told in pairs:
            if self.said[said].kind == "number":
                here, other = _near(self.said, said, _HEDGES), _near(self.told, told, _HEDGES)
                if here != other:
                    self._wrong(
                        f"How sure {self.said[said].text} is differs from the cited words.",
                        "hedge",
                    )
                one, two = _unit(self.said, said), _unit(self.told, told)
                if one and two and one != two and not (_units(self.told, told) & {one}):
                    self._wrong(
                        f"{self.said[said].text} counts something else in the cited words.",
                        "unit",
                        fatal=True,
                    )
            else:
                here, other = _near(self.said, said, _LIMITS), _near(self.told, told, _LIMITS)
                if other - here or here - other:
                    self._wrong(
                        f"How many “{self.said[said].text}” differs from the cited words.",
                        "quantity",
                    )

    def _persons(self) -> None:
        here = {_PERSONS[token.lower] for token in self.said if token.lower in _PERSONS}
        there = {_PERSONS[token.lower] for token in self.told if token.lower in _PERSONS}
        if here and there and not here & there:
            self._wrong(f"The cited words speak of “{there.pop()}”.", "person", fatal=True)

    def _counts(self) -> None:
        """Look at what became of those whom a number counts: killed, abducted, still held."""
        said = fates_told(self.statement)
        if not said:
            return
        told: dict[float, set[str]] = {}
        for sentence in split_sentences(self.words):
            for amount, fate in fates_told(self.words[sentence.start : sentence.end]):
                told.setdefault(amount, set()).add(fate)
        for amount, fate in said:
            others = told.get(amount, set())
            if others and not any(same_fate(fate, other) for other in others):
                self._wrong(
                    f"{amount:,g} counts something else in the cited words "
                    f"({', '.join(sorted(others))}).",
                    "count",
                    fatal=True,
                )


_LEANING_WORDS = frozenset(
    "he she it they his her hers its their theirs him them this that these those such".split()
)
_DETERMINERS = frozenset("the a an this that its their his her any".split())
_PREPOSITIONS = frozenset(
    "of in on at for with from by who which whose as and between over under into to about".split()
)
_NOUN_LEADS = frozenset("of in at for with from by across against between under".split())
_LEADS = frozenset(
    "in on at during after before since until throughout by within for around from near".split()
)
_UNREAL_KEYS = frozenset(stem(word) for word in _UNREAL) - {"call", "agre"}


def _preposition_before(tokens: Sequence[_Token], at: int) -> str:
    """Return the preposition right before a word and its article; empty if there is none."""
    for token in reversed(tokens[max(0, at - 3) : at]):
        if token.lower in _DETERMINERS or token.lower in ("early", "late"):
            continue
        return token.lower if token.lower in _LEADS else ""
    return ""


def _lead(tokens: Sequence[_Token], at: int) -> str:
    """Return the preposition that leads to a noun, over the words before it."""
    for token in reversed(tokens[max(0, at - 3) : at]):
        if token.lower in _NOUN_LEADS:
            return token.lower
        if token.lower not in _DETERMINERS and token.kind not in ("name",):
            return ""
    return ""


def _numbers_beside(tokens: Sequence[_Token], at: int) -> frozenset[str]:
    near = tokens[max(0, at - 1) : at + 2]
    return frozenset(token.key for token in near if token.kind == "number")


def _is_verb(tokens: Sequence[_Token], at: int) -> bool:
    """Say whether a word of speech speaks: "the state of" and "the reported deal" do not."""
    word = tokens[at].lower
    if word in ("state", "states", "claims", "estimates", "estimated", "reported", "described"):
        before = tokens[at - 1] if at else None
        if before is None or before.lower in ("the", "a", "an", "of", "its", "their", "his"):
            return False
        if word in ("state", "states"):
            return False
    if word == "reported" and at + 1 < len(tokens) and tokens[at + 1].lower in ("in", "by", "from"):
        return False
    return not (word == "called" and at + 1 < len(tokens) and tokens[at + 1].lower == "for")


def _is_negated(tokens: Sequence[_Token], at: int) -> bool:
    seen = 0
    for token in reversed(tokens[max(0, at - 6) : at]):
        if token.text in _CLAUSE_ENDS:
            return False
        if token.lower in _NEGATORS:
            return True
        if token.is_content:
            seen += 1
            if seen > 1:
                return False
    return False


def _auxiliaries(tokens: Sequence[_Token], at: int) -> frozenset[str]:
    """Return the tenses and moods of the helping verbs right before a word."""
    found = set()
    for token in reversed(tokens[max(0, at - 5) : at]):
        if token.is_content or token.kind == "mark":
            break
        if token.lower in _AUXILIARY:
            found.add(_AUXILIARY[token.lower])
    return frozenset(found)


def _near(tokens: Sequence[_Token], at: int, wanted: Iterable[str]) -> frozenset[str]:
    found = set()
    for token in reversed(tokens[max(0, at - 3) : at]):
        if token.is_content and token.lower not in wanted:
            break
        if token.kind == "mark":
            break
        if token.lower in wanted:
            found.add(_SAME_HEDGE.get(token.lower, token.lower))
    return frozenset(found)


def _units(tokens: Sequence[_Token], at: int) -> frozenset[str]:
    return frozenset(t.key for t in tokens[at + 1 : at + 5] if t.is_content)


def _unit(tokens: Sequence[_Token], at: int) -> str:
    """Return what a number counts: the next content word of its clause."""
    for token in tokens[at + 1 : at + 4]:
        if token.kind == "mark":
            return ""
        if token.is_content:
            return token.key
    return ""


_PLAIN_FORMS = frozenset("says leaves lives dies dying lay lie people children men women".split())
_PAST_AS_WELL = frozenset("shut cut hurt hit put let set cost quit spread".split())


def _form(word: str) -> str:
    if word.endswith("ing"):
        return "ing"
    if word.endswith("ed") or (word in _IRREGULAR and word not in _PLAIN_FORMS):
        return "past"
    return "plain"


def _same_form(one: str, other: str) -> bool:
    """Say whether two words of one meaning differ by no more than a plural."""
    if one == other:
        return True
    if stem(one) != stem(other):
        return _form(one) == _form(other) or bool({one, other} & _PAST_AS_WELL)
    shorter, longer = sorted((one, other), key=len)
    if shorter.endswith(("ed", "ing")) or longer.endswith(("ed", "ing")):
        return False
    return longer in (shorter + "s", shorter + "es") or (
        shorter.endswith("y") and longer == shorter[:-1] + "ies"
    )
