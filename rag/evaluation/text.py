"""Words as the metrics compare them: normalised tokens, quantities, sentences, quoted spans."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_SPACED_DIGITS = re.compile(r"(?<![\d.,])\d{1,3}(?:[  \u202f’']\d{3})+(?!\d)")
_GROUP_GAP = re.compile(r"[  \u202f’']")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "‘’‚“”„«»‹›…·•¡¿")
_MARKER = re.compile(r"\s?\[\d+\]")


def normalise(text: str) -> str:
    """Return the text as SQuAD compares it, plus NFKC and joined digit groups.

    Lower case; no punctuation, no articles, single spaces. Hyphens vanish, as in the SQuAD script
    (``cease-fire`` is ``ceasefire``). Beyond the script: curly quotation marks vanish too and an
    em dash, which news sets between words without spaces, separates them.

    Source:
        Rajpurkar et al., "SQuAD: 100,000+ Questions", EMNLP 2016 (its evaluation script).
    """
    joined = _SPACED_DIGITS.sub(lambda found: _GROUP_GAP.sub("", found.group()), text)
    lowered = unicodedata.normalize("NFKC", joined).lower()
    lowered = re.sub(r"[—―]", " ", lowered)
    bare = lowered.translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def tokens(text: str) -> list[str]:
    """Return the normalised words of the text, in order."""
    return normalise(text).split()


def holds(words: Sequence[str], part: Sequence[str]) -> bool:
    """Say whether ``part`` stands in ``words`` as a run of neighbouring tokens."""
    width = len(part)
    return width > 0 and any(
        words[at] == part[0] and list(words[at : at + width]) == list(part)
        for at in range(len(words) - width + 1)
    )


def without_markers(text: str) -> str:
    """Return the text without its ``[n]`` citation markers."""
    return _MARKER.sub("", text)


# --- quantities -----------------------------------------------------------------------------

_SCALES = {
    "hundred": 1e2, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "mn": 1e6,
    "billion": 1e9, "bn": 1e9, "b": 1e9, "trillion": 1e12, "tn": 1e12, "dozen": 12.0,
}  # fmt: skip
_CURRENCIES = {
    "$": "usd", "us$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd",
    "€": "eur", "eur": "eur", "euro": "eur", "euros": "eur",
    "£": "gbp", "gbp": "gbp", "pound": "gbp", "pounds": "gbp",
    "¥": "jpy", "yen": "jpy",
}  # fmt: skip
_UNITS = {
    "%": "%", "percent": "%", "per cent": "%", "pct": "%",
    "second": "second", "minute": "minute", "hour": "hour", "day": "day", "week": "week",
    "month": "month", "year": "year", "km": "km", "kilometer": "km", "kilometre": "km",
    "mile": "mile", "meter": "m", "metre": "m", "foot": "foot", "feet": "foot",
    "kg": "kg", "ton": "ton", "tonne": "ton", "degree": "degree",
}  # fmt: skip
_FIRST_NUMBERS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty
"""
_WORDS = {word: float(value) for value, word in enumerate(_FIRST_NUMBERS.split())} | {
    "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0,
    "eighty": 80.0, "ninety": 90.0,
}  # fmt: skip
_MONTH = (
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|January|February|March|April|June|"
    r"July|August|September|October|November|December)\.?"
)
_DATE = re.compile(
    rf"\b{_MONTH}\s+\d{{1,2}}(?:,?\s+\d{{4}})?\b|\b\d{{1,2}}\s+{_MONTH}(?:\s+\d{{4}})?\b"
    rf"|\b{_MONTH}\s+\d{{4}}\b|\b\d{{4}}-\d{{2}}(?:-\d{{2}})?\b"
)
_NUMBER = re.compile(
    r"(?P<open>\()?(?P<sign>[-−+])?\s?(?P<currency>us\$|[$€£¥])?\s?"
    r"(?P<digits>\d{1,3}(?:[,. \u00a0\u202f’']\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?)"
    r"(?P<close>\))?\s?(?P<after>%|per cent\b|[a-z€£$]+)?(?:\s(?P<then>[a-z]+))?",
    re.IGNORECASE,
)
_WORD_NUMBER = re.compile(
    r"\b(?P<tens>twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)[- ]"
    r"(?P<ones>one|two|three|four|five|six|seven|eight|nine)\b"
    r"|\b(?P<single>" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")\b"
    r"(?=(?P<rest>(?:\s+[a-z%]+){0,2}))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that a text states.

    Attributes:
        value: With scale words multiplied in; ``(5)`` is -5, as accounts print it.
        unit: ``%``, a currency (``usd``), a time or length unit, or None.
        start: Where it stands in the text.
    """

    value: float
    unit: str | None
    start: int


def quantities(text: str) -> list[Quantity]:
    """Return the numbers of a text in order; the days and years of dates are left out.

    Reads ``1,234.5``, ``1 234,5``, ``12 %``, ``$3.4 million``, ``(5)``, ``twenty-one``.
    """
    visible = _DATE.sub(lambda found: "#" * len(found.group()), text)
    found = []
    for match in _NUMBER.finditer(visible):
        at = match.start("digits")
        if at and (visible[at - 1].isalpha() or visible[at - 1] == "#"):
            continue
        value = _digits_value(match["digits"])
        negative = match["sign"] in ("-", "−") and not (
            match.start() and visible[match.start() - 1].isalnum()
        )
        if match["open"] and match["close"]:
            negative = True
        scale, unit = _scale_and_unit(match["after"], match["then"])
        if match["currency"]:
            unit = _CURRENCIES[match["currency"].lower()]
        found.append(Quantity((-value if negative else value) * scale, unit, at))
    for match in _WORD_NUMBER.finditer(visible):
        if match["single"]:
            value = _WORDS[match["single"].lower()]
            following = match["rest"].split()
        else:
            value = _WORDS[match["tens"].lower()] + _WORDS[match["ones"].lower()]
            following = visible[match.end() :].split(None, 2)[:2]
        after, then = ([*following, None, None])[:2]
        scale, unit = _scale_and_unit(after, then)
        found.append(Quantity(value * scale, unit, match.start()))
    return sorted(found, key=lambda quantity: quantity.start)


def _digits_value(digits: str) -> float:
    plain = re.sub(r"[ \u00a0\u202f’']", "", digits)
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"\d{1,3}(\.\d{3}){2,}(,\d+)?", plain) or re.fullmatch(
        r"\d{1,3}(\.\d{3})+,\d+", plain
    ):
        plain = plain.replace(".", "").replace(",", ".")
    else:
        plain = plain.replace(",", ".")
    return float(plain)


def _scale_and_unit(after: str | None, then: str | None) -> tuple[float, str | None]:
    scale = _SCALES.get((after or "").lower().strip(".,"))
    if scale is None:
        return 1.0, _unit(after)
    return scale, _unit(then)


def _unit(word: str | None) -> str | None:
    bare = (word or "").lower().strip(".,;:")
    return _CURRENCIES.get(bare) or _UNITS.get(bare) or _UNITS.get(bare.removesuffix("s"))


# --- sentences and quoted spans ------------------------------------------------------------

_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Sgt|Gov|Sen|Rep|St|Jr|Sr|No|vs|etc|Inc|Corp|Co|Ltd)"
    r"|\b[A-Z](?:\.[A-Z])*|\b(?:e\.g|i\.e|a\.m|p\.m))\.$"
)
_SENTENCE_END = re.compile(r"[.!?][”\"’')\]]*\s+(?=[A-Z0-9“\"‘'(«\[])")
_QUOTED = re.compile(r"“([^“”]+)”|\"([^\"]+)\"|«([^«»]+)»|„([^„“”]+)[“”]|(?<!\w)‘([^‘]+?)’(?!\w)")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, split by rule: a full stop before a capital or digit.

    A full stop of a known abbreviation or of an initial (``U.S.``, ``Mr.``) does not end one.
    """
    parts, start = [], 0
    for line in re.finditer(r"[^\n]+", text):
        start = line.start()
        for end in _SENTENCE_END.finditer(text, line.start(), line.end()):
            if _ABBREVIATION.search(text[start : end.start() + 1]):
                continue
            parts.append(text[start : end.end()].strip())
            start = end.end()
        parts.append(text[start : line.end()].strip())
    return [part for part in parts if part]


def quoted_spans(text: str) -> list[str]:
    """Return what stands between quotation marks: curly, straight, guillemets, low-high.

    Apostrophes are no quotation marks; ``‘…’`` counts only where it opens and closes a word.
    """
    found = []
    for match in _QUOTED.finditer(text):
        words = next(group for group in match.groups() if group is not None).strip(" ,")
        if words:
            found.append(words)
    return found


def loosely(text: str) -> str:
    """Return the text with NFKC, plain quotes, joined hyphenation and single spaces."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub(r"[“”„«»]", '"', text)
    text = re.sub(r"[‘’]", "'", text)
    text = re.sub(r"(?<=\w)-\s*\n\s*(?=\w)", "", text)
    return " ".join(text.split())


_STOP_WORDS = """
a an and are as at be been being but by can could did do does for from had has have he her his how
i if in into is it its may might more most no not of on or our out over said says she should so
some such than that the their them then there these they this those to under up was we were what
when where which while who whom whose why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())


def content_tokens(text: str) -> list[str]:
    """Return the normalised words that carry meaning, in order."""
    return [word for word in tokens(text) if word not in _STOP]


_WORD = re.compile(r"(?<!\w)[^\W\d_][\w.’'-]*")


def _bare(word: str) -> str:
    return normalise(re.sub(r"[’']s?[.’'-]*$", "", word))


def words_of(text: str) -> set[str]:
    """Return the words of a text without possessive endings, normalised."""
    return {_bare(word) for word in _WORD.findall(text)}


def names(text: str) -> list[str]:
    """Return the capitalised words that do not open a sentence, normalised, in order."""
    found: list[str] = []
    for sentence in sentences(text):
        opening = True
        for word in _WORD.findall(sentence):
            plain = _bare(word)
            if not opening and word[0].isupper() and plain and plain not in _STOP:
                found.append(plain)
            opening = False
    return found


def numbers(text: str) -> list[str]:
    """Return every written number with its digit groups joined, in order (years and days too)."""
    return [
        found.replace(",", "").rstrip(".")
        for found in re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?", text)
    ]
