"""A true statement -> one that says something else, and in which way it differs.

Rules over English surface text. Each changes one thing and gives None where the statement has
nothing to change, or where the change could leave the meaning as it was. Made for training data;
what is measured is written by hand.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal[
    "negation", "entity", "number", "date", "speaker", "tense", "quantifier", "antonym", "roles"
]


@dataclass(frozen=True, slots=True)
class Altered:
    """A statement in which one thing was changed.

    Attributes:
        text: What it says now.
        kind: What was changed.
        denied: True if the first statement rules this one out; False if it leaves it open.
        mirrored: True if neither follows from the other, so that they can change places.
        before: The words that were changed.
        after: The words that stand there now.
    """

    text: str
    kind: Kind
    denied: bool
    before: str
    after: str
    mirrored: bool = True


# --- names ----------------------------------------------------------------------------------------

MONTHS = (
    "January February March April May June July August September October November December".split()
)
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_NO_NAMES = frozenset(
    "The A An In On At By For From With And But Or If As It Its He She They His Her Their We I You "
    "This That These Those There Here When While After Before During Since Although Though However "
    "Because Many Most Some Several All Both Each Every No Not One Two Three Four Five Six Seven "
    "Eight Nine Ten To Of Into Also Another Other Such Under Over Between Among Despite According "
    "Mr Mrs Ms Dr Sir St".split()
)
_NAME = re.compile(
    r"(?<![\w.])(?:[A-Z][\w’'-]*[\w]|[A-Z]\.(?:[A-Z]\.)*)"
    r"(?:[ ](?:(?:of|de|la|von|van|al|bin)[ ])?[A-Z][\w’'-]*\w)*"
)
_PEOPLE = re.compile(r"(?:ese|ish|ian|ans?|ench|eek|Dutch|Swiss|aeli|aqi|ani)$")


@dataclass(frozen=True, slots=True)
class Name:
    """A name, and what can stand in its place."""

    text: str
    before: str
    shape: str


def names_in(text: str) -> list[tuple[int, int, Name]]:
    """Return the names in a sentence with where they stand, left to right."""
    found = []
    for match in _NAME.finditer(text):
        start, end = match.span()
        words = match.group()
        if words.endswith(("’s", "'s")):
            words, end = words[:-2], end - 2
        first = words.split()[0]
        if first.rstrip(".") in _NO_NAMES:
            rest = words[len(first) :].lstrip()
            if not rest:
                continue
            start, words = end - len(rest), rest
        begins = not text[:start].rstrip(' "“(')
        if begins and " " not in words and not words.isupper():
            continue  # a capital letter says nothing there
        if len(words) < 2 or words in MONTHS or words in DAYS or words.split()[0] in MONTHS:
            continue
        before = re.findall(r"[\w’]+|[,;:(“\"]", text[:start])[-1:] or [""]
        found.append((start, end, Name(words, before[0].lower(), _shape(words, text[end:]))))
    return found


def _shape(words: str, behind: str) -> str:
    count = len(words.split())
    if words.isupper() and count == 1:
        return "acronym"
    if " of " in words:
        return "of"
    if count == 1 and _PEOPLE.search(words):
        # "the French" beside "French officials": what follows decides.
        return "people+" if re.match(r" [a-z]", behind) else "people"
    return f"{min(count, 3)}"


class Names:
    """The names of an article, by what they can stand in for.

    Args:
        texts: Its paragraphs.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_use: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._count: dict[str, int] = defaultdict(int)
        for text in texts:
            for _, _, name in names_in(text):
                self._count[name.text] += 1
                self._by_use[name.shape, _use(name.before)].add(name.text)

    def others(self, name: Name, text: str) -> list[str]:
        """Return the names that could stand where this one does, and are not in the text."""
        words = set(re.findall(r"\w+", text.lower()))
        return sorted(
            other
            for other in self._by_use[name.shape, _use(name.before)]
            if other != name.text
            and not set(other.lower().split()) & words
            and not set(other.lower().split()) & set(name.text.lower().split())
        )


def _use(before: str) -> str:
    if before in ("in", "at", "near", "from", "to", "into", "across", "outside"):
        return "place"
    if before in ("by", "with", "that", "", "and", ",", "when", "while", "but", "told", "against"):
        return "agent"
    return before if before in ("the", "of", "as", "on", "under") else "any"


def with_other_entity(text: str, names: Names, rng: random.Random) -> Altered | None:
    """Put another name of the same article in a name's place."""
    here = names_in(text)
    rng.shuffle(here)
    for start, end, name in here:
        others = names.others(name, text)
        if others:
            other = rng.choice(others)
            return Altered(text[:start] + other + text[end:], "entity", True, name.text, other)
    return None


def with_roles_swapped(text: str, rng: random.Random) -> Altered | None:
    """Let two names change places, where a verb of doing stands between them."""
    here = names_in(text)
    for (s1, e1, one), (s2, e2, two) in pairwise(here):
        between = text[e1:s2]
        if one.shape[0] != two.shape[0] or len(between.split()) > 6 or "," in between:
            continue
        if not re.search(r"\b(?!and|or|with)\w+ed\b|\b(?:" + "|".join(_PAST) + r")\b", between):
            continue
        if re.search(r"\b(?:and|or|married|met|merged|differed|agreed|signed|bordered)\b", between):
            continue
        changed = text[:s1] + two.text + between + one.text + text[e2:]
        return Altered(changed, "roles", True, one.text, two.text)
    return None


# --- numbers and dates ----------------------------------------------------------------------------

WORDS_OF_NUMBERS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen twenty".split()
)
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
_FIGURE = re.compile(
    r"(?<![\w.,:/–-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w:/])"
    r"|(?<![\w.,:/–-])\d+(?:\.\d+)?(?![\d:/–-]|,\d|\.\d)(?!\w)"
)
_AT_LEAST = re.compile(r"(?:more than|over|at least|minimum of|exceed\w*|above)\s*\$?$", re.I)
_AT_MOST = re.compile(r"(?:less than|fewer than|under|up to|at most|below|maximum of)\s*\$?$", re.I)


def with_other_number(text: str, rng: random.Random) -> Altered | None:
    """Change a number, to one that the first does not include."""
    places = [(m.start(), m.end(), m.group()) for m in _FIGURE.finditer(text)]
    places += [
        (m.start(), m.end(), m.group())
        for m in re.finditer(r"\b[a-z]+\b", text)
        if m.group() in WORDS_OF_NUMBERS[2:]
        or (
            m.group() in _ORDINALS[:6]
            and text[max(0, m.start() - 4) : m.start()] == "the "
            and not re.match(r" (?:half|\d|one|two|three|four|five|six|few)", text[m.end() :])
        )
        or (m.group() == "half" and text[m.end() :].startswith(" of"))
        or (
            m.group() in ("once", "twice")
            and re.match(r" (?:a|per|every|in|during)\b", text[m.end() :])
        )
    ]
    rng.shuffle(places)
    for start, end, number in places:
        other = _other(number, text[:start], text[end:], rng)
        if other and other != number and other not in re.findall(r"[\w,.]+", text):
            kind: Kind = "date" if _is_year(number) else "number"
            return Altered(text[:start] + other + text[end:], kind, True, number, other)
    return None


def _is_year(number: str) -> bool:
    return number.isdecimal() and len(number) == 4 and 1000 <= int(number) <= 2100


def _other(number: str, before: str, behind: str, rng: random.Random) -> str | None:
    words = {"once": "twice", "twice": "once", "half": "a third"}
    if number in words:
        return words[number]
    up, down = bool(_AT_LEAST.search(before)), bool(_AT_MOST.search(before))
    if number in _ORDINALS:
        return _ORDINALS[(_ORDINALS.index(number) + rng.randint(1, 3)) % len(_ORDINALS)]
    if number in WORDS_OF_NUMBERS:
        value = WORDS_OF_NUMBERS.index(number)
        choices = [
            n
            for n in range(2, 21)
            if n != value
            and abs(n - value) <= 5
            and (n > value or not up)
            and (n < value or not down)
        ]
        return WORDS_OF_NUMBERS[rng.choice(choices)] if choices else None
    plain = number.replace(",", "")
    if _is_year(number):
        return str(int(number) + rng.choice([-30, -12, -5, -3, -2, -1, 1, 2, 3, 4, 7, 11]))
    if "." in plain:
        places = len(plain.split(".")[1])
        value_f = float(plain)
        sign = 1 if up else -1 if down else rng.choice([1, -1])
        changed = value_f * (1 + sign * rng.choice([0.1, 0.25, 0.5])) + sign * 10**-places
        text = (
            f"{max(changed, 0):,.{places}f}" if "," in number else f"{max(changed, 0):.{places}f}"
        )
        return text if float(text.replace(",", "")) != value_f else None
    value = int(plain)
    sign = 1 if up else -1 if down else rng.choice([1, -1])
    day = re.match(r",? (?:" + "|".join(MONTHS) + r")\b", behind) or re.search(
        r"\b(?:" + "|".join(MONTHS) + r") $", before
    )
    if day:
        return str((value + rng.randint(1, 20)) % 28 + 1)
    zeros = len(plain) - len(plain.rstrip("0"))
    step = 10**zeros
    leading = value // step
    shift = rng.choice([1, 2, 3, max(1, leading // 3), max(1, leading // 2)])
    leading = leading + sign * shift
    if leading <= 0:
        leading = value // step + shift
        if down:
            return None
    changed_i = leading * step
    if changed_i == value or changed_i < 2:
        return None
    return f"{changed_i:,}" if "," in number or changed_i >= 10_000 else str(changed_i)


def with_other_date(text: str, rng: random.Random) -> Altered | None:
    """Change a month, a weekday or a season."""
    seasons = "spring summer autumn winter".split()
    for group in (MONTHS, DAYS, seasons, ["morning", "afternoon", "evening"]):
        places = [
            m for m in re.finditer(r"\b(?:" + "|".join(group) + r")\b", text)
            if m.group() != "May" or re.search(r"\b(?:in|of|on|since|until|late|early) $|^ \d",
                                               text[: m.start()])
            or text[m.end():][:3].strip().isdigit()
        ]  # fmt: skip
        if places:
            match = rng.choice(places)
            others = [other for other in group if other not in text]
            if others:
                other = rng.choice(others)
                changed = text[: match.start()] + other + text[match.end() :]
                return Altered(changed, "date", True, match.group(), other)
    return None


# --- negation, opposites, quantities --------------------------------------------------------------

_BE = "is are was were has have had will would can could may might must should do does did".split()
_AFTER_AUXILIARY = re.compile(
    r"(?P<lead>[\w”\")%]+ )(?P<aux>is|are|was|were|has been|have been|had been|will be|would be|"
    r"can be|could be|has|have|had|will|would|can|could|must|should)"
    r"(?P<behind> (?:[a-z]+(?:ed|en|wn|ing|ly|t|d)|be|a|an|the|in|able|made|held|led|set|built)\b)"
)
_QUESTION_WORDS = re.compile(r"\b(?:who|which|that|what|if|where|when|whose|how)$", re.I)
_NO_TENSE_BEHIND = re.compile(
    r"\b(?:who|which|that|what|if|where|when|whose|how|not|could|would|may|might|must|should|to)$",
    re.I,
)
_PAST = {
    "began": "begin", "won": "win", "led": "lead", "took": "take", "made": "make",
    "became": "become", "wrote": "write", "built": "build", "held": "hold", "gave": "give",
    "came": "come", "went": "go", "found": "find", "left": "leave", "met": "meet",
    "lost": "lose", "saw": "see", "sold": "sell", "bought": "buy", "fought": "fight",
    "kept": "keep", "sent": "send", "brought": "bring", "chose": "choose", "drew": "draw",
    "fell": "fall", "grew": "grow", "rose": "rise", "spoke": "speak", "took part": "take part",
    "broke": "break", "sought": "seek", "taught": "teach", "told": "tell", "thought": "think",
    "withdrew": "withdraw", "got": "get", "paid": "pay", "ran": "run", "stood": "stand",
    "felt": "feel", "knew": "know", "spent": "spend", "sang": "sing", "struck": "strike",
    "said": "say", "flew": "fly", "shot": "shoot", "meant": "mean", "dealt": "deal",
}  # fmt: skip
_REGULAR = {
    past: base
    for base in (
        "allow appear attack attempt call cause claim contain develop discover end enter establish "
        "explain follow form help include join kill launch maintain move name offer open operate "
        "play produce publish receive record reject release remain report return sign start "
        "support "
        "turn use visit work create introduce serve continue decide announce arrive capture change "
        "complete damage decline defeat describe die divide encourage examine exchange expand "
        "force "
        "found govern improve increase invade invent issue lack live manage marry note notice "
        "order own pass perform prove reduce refuse replace require resign rule share survive "
        "threaten trace train translate travel unite vote"
    ).split()
    for past in [base + "d" if base.endswith("e") else base + "ed"]
} | {
    "carried": "carry", "married": "marry", "studied": "study", "applied": "apply",
    "planned": "plan", "stopped": "stop", "referred": "refer", "permitted": "permit",
    "admitted": "admit", "occupied": "occupy", "denied": "deny", "tried": "try",
}  # fmt: skip
_PAST_TO_BASE = _PAST | _REGULAR
_HAVE_OR_BE_BEFORE = re.compile(
    r"\b(?:is|are|was|were|be|been|being|has|have|had|having|by|the|a|an|of|in|with|and|or|to|"
    r"who|which|that|when|as|his|her|its|their|not|never|,)\s*(?:\w+ly )?$"
)


def negated(text: str, rng: random.Random) -> Altered | None:
    """Deny what is said, or take back its denial."""
    taken = _without_negation(text)
    if taken is not None and rng.random() < 0.8:
        return taken
    if re.search(r"\b(?:not|never|no|n't|neither|nor)\b", text):
        return taken
    head = _main_clause(text)
    matches = [
        match
        for match in _AFTER_AUXILIARY.finditer(head)
        if not _QUESTION_WORDS.search(match["lead"].strip())
        and not re.search(
            r"\b(?:who|which|that|when|where|if)\b[^,]{0,60}$", head[: match.start("aux")]
        )
    ]
    if matches:
        match = matches[0]
        aux = match["aux"]
        first = aux.split()[0]
        rest = aux[len(first) :]
        word = "never" if rng.random() < 0.15 and first in ("was", "were", "has", "had") else "not"
        if rng.random() < 0.25 and first in (
            "is",
            "are",
            "was",
            "were",
            "has",
            "have",
            "had",
            "did",
        ):
            instead = f"{first}n’t{rest}" if rng.random() < 0.5 else f"{first}n't{rest}"
        elif first == "can":
            instead = f"cannot{rest}"
        else:
            instead = f"{first} {word}{rest}"
        changed = text[: match.start("aux")] + instead + text[match.end("aux") :]
        return Altered(changed, "negation", True, aux, instead)
    for match in re.finditer(r"\b[a-z]+\b", head):
        past = match.group()
        base = _PAST_TO_BASE.get(past)
        before = head[: match.start()]
        if base is None or past == "said" or not before or _HAVE_OR_BE_BEFORE.search(before):
            continue
        if re.search(r"\b(?:who|which|that|when|where|if)\b[^,]{0,60}$", before):
            continue
        instead = rng.choice(
            [f"did not {base}", f"never {past}", f"didn’t {base}", f"failed to {base}"]
        )
        return Altered(
            text[: match.start()] + instead + text[match.end() :], "negation", True, past, instead
        )
    return None


def _main_clause(text: str) -> str:
    """Return the text up to where a later clause begins."""
    cut = re.search(r"; |, (?:but|although|while|which|who|whereas|because)\b", text)
    return text[: cut.start()] if cut and cut.start() > 20 else text


def _without_negation(text: str) -> Altered | None:
    for pattern, instead in (
        (r"\b(did|does|do) not ([a-z]+)\b", r"\1 \2"),
        (
            r"\b(is|are|was|were|has|have|had|will|would|could|must|should|may|can) not (?!only)",
            r"\1 ",
        ),
        (r"\b(is|are|was|were|has|have|had|would|could|should)n[’']t (?!only)", r"\1 "),
        (r"\bcannot\b", "can"),
        (r"\b(was|were|has|have|had|is|are) never\b", r"\1"),
        (r"\bnever ([a-z]+ed)\b", r"\1"),
    ):
        match = re.search(pattern, text)
        if match:
            changed = text[: match.start()] + match.expand(instead) + text[match.end() :]
            if changed != text:
                return Altered(changed, "negation", True, match.group(), match.expand(instead))
    return None


_OPPOSITES = [
    ("increased", "decreased"), ("increase", "decrease"), ("increasing", "decreasing"),
    ("rose", "fell"), ("largest", "smallest"), ("highest", "lowest"), ("higher", "lower"),
    ("larger", "smaller"), ("more", "less"), ("most", "least"), ("oldest", "newest"),
    ("older", "younger"), ("first", "last"), ("before", "after"), ("north", "south"),
    ("northern", "southern"), ("eastern", "western"), ("east", "west"), ("supported", "opposed"),
    ("support for", "opposition to"), ("accepted", "rejected"), ("won", "lost"),
    ("began", "ended"), ("begin", "end"), ("opened", "closed"), ("allowed", "forbade"),
    ("allowed", "prohibited"), ("include", "exclude"), ("included", "excluded"),
    ("success", "failure"), ("successful", "unsuccessful"), ("successfully", "unsuccessfully"),
    ("legal", "illegal"), ("public", "private"), ("major", "minor"), ("early", "late"),
    ("earlier", "later"), ("earliest", "latest"), ("strong", "weak"), ("stronger", "weaker"),
    ("better", "worse"), ("best", "worst"), ("easy", "difficult"), ("common", "rare"),
    ("arrived", "departed"), ("gained", "lost"), ("entered", "left"), ("agreed", "refused"),
    ("approved", "rejected"), ("male", "female"), ("men", "women"), ("father", "mother"),
    ("son", "daughter"), ("brother", "sister"), ("husband", "wife"), ("king", "queen"),
    ("possible", "impossible"), ("likely", "unlikely"), ("present", "absent"),
    ("advantage", "disadvantage"), ("positive", "negative"), ("rich", "poor"),
    ("majority", "minority"), ("maximum", "minimum"), ("upper", "lower"), ("urban", "rural"),
    ("indoor", "outdoor"), ("internal", "external"), ("similar to", "different from"),
    ("with", "without"), ("expanded", "shrank"), ("improved", "worsened"), ("reduced", "raised"),
    ("praised", "criticized"), ("defeated", "lost to"), ("inside", "outside"), ("above", "below"),
    ("allied", "hostile"), ("victory", "defeat"), ("import", "export"), ("exports", "imports"),
    ("buy", "sell"), ("bought", "sold"), ("hot", "cold"), ("warm", "cool"), ("dry", "wet"),
    ("permanent", "temporary"), ("voluntary", "compulsory"), ("confirmed", "denied"),
    ("growth", "decline"), ("grew", "shrank"), ("declined", "grew"), ("start", "end"),
    ("always", "never"), ("often", "rarely"), ("usually", "rarely"), ("frequently", "seldom"),
    ("fewer", "more"), ("faster", "slower"), ("survived", "died in"), ("banned", "permitted"),
    ("guilty", "innocent"), ("released", "detained"), ("withdrew", "advanced"),
    ("resumed", "halted"), ("continued", "stopped"), ("failed", "succeeded"),
    ("acknowledged", "denied"), ("lifted", "imposed"), ("injured", "unharmed"),
]  # fmt: skip
_OPPOSITE: dict[str, list[str]] = defaultdict(list)
for _one, _other_word in _OPPOSITES:
    _OPPOSITE[_one].append(_other_word)
    if _other_word not in ("without", "never"):
        _OPPOSITE[_other_word].append(_one)
_ANY_OPPOSITE = re.compile(
    r"\b(?:" + "|".join(sorted(map(re.escape, _OPPOSITE), key=len, reverse=True)) + r")\b"
)
# "at least", "much more", "the first to", "lost his life": where the pair does not fit.
_NO_OPPOSITE = {
    "least": r"\bat $", "most": r"\b(?:at|the|and) $", "less": r"$^",
    "last": r"\b(?:at|the past) $",
    "more": r"\b(?:once|any|no|the) $", "left": r"\b(?:was|were|the|is|on|had) $",
    "with": r"\b(?:along|together|deal\w*|agree\w*|associat\w*|begin\w*|began|do|did|compar\w*|"
            r"start\w*|charg\w*|credited|contact|war|combin\w*|connect\w*|met) $",
    "late": r"\bthe $", "end": r"\b(?:the|an) $", "present": r"\b(?:the|at) $",
}  # fmt: skip


def with_opposite(text: str, rng: random.Random) -> Altered | None:
    """Put an opposite in a word's place."""
    matches = [
        match
        for match in _ANY_OPPOSITE.finditer(text)
        if not (
            (rule := _NO_OPPOSITE.get(match.group())) and re.search(rule, text[: match.start()])
        )
        and not re.match(
            r" than\b|-| and " + "|".join(_OPPOSITE[match.group()]), text[match.end() :]
        )
        and text[match.start() - 1 : match.start()] != "-"
    ]
    if not matches or re.search(r"\b(?:not|never)\b", text):
        return None
    match = rng.choice(matches)
    other = rng.choice(_OPPOSITE[match.group()])
    if re.search(rf"\b{other}\b", text):
        return None
    changed = text[: match.start()] + other + text[match.end() :]
    return Altered(changed, "antonym", True, match.group(), other)


_QUANTITIES = (
    (r"\bsome of the\b", ("all of the", "most of the", "none of the"), (False, False, True)),
    (r"\b[Ss]ome(?= [a-z]+s\b)", ("all", "most", "no"), (False, False, True)),
    (r"\b[Mm]any(?= (?:of|[a-z]+s)\b)", ("all", "few", "most"), (False, True, False)),
    (r"(?<!the )\b[Mm]ost(?= (?:of|[a-z]+s)\b)", ("all", "few", "none"), (False, True, True)),
    (r"\b[Ss]everal(?= [a-z]+s\b)", ("all", "no"), (False, True)),
    (r"\b[Aa]ll(?= (?:of|the|[a-z]+s)\b)", ("none", "few"), (True, True)),
    (r"\b[Aa] few\b", ("many", "most"), (False, False)),
    (r"\b[Ff]ew(?= [a-z]+s\b)", ("many", "most"), (True, True)),
    (r"\b(?:usually|generally|often|sometimes)\b", ("always", "never"), (False, True)),
    (r"\b(?:more than|over)(?= \$?\d)", ("less than", "fewer than", "exactly"),
     (True, True, False)),
    (r"\b(?:less than|fewer than|under)(?= \$?\d)", ("more than",), (True,)),
    (r"\bat least(?= [\d\w])", ("at most", "exactly"), (False, False)),
    (r"\bup to(?= [\d])", ("more than", "at least"), (True, False)),
    (r"\b(?:about|around|approximately|nearly|almost)(?= \$?\d)", ("exactly", "far more than"),
     (False, True)),
    (r"\bone of the\b", ("the only one of the",), (False,)),
    (r"\b(?:partly|partially)\b", ("entirely",), (False,)),
    (r"\bboth\b(?= [A-Z])", ("neither",), (True,)),
)  # fmt: skip


def with_other_quantity(text: str, rng: random.Random) -> Altered | None:
    """Widen or turn a quantity: some to all, more than to less than, often to always."""
    rules = list(_QUANTITIES)
    rng.shuffle(rules)
    for pattern, others, denials in rules:
        match = re.search(pattern, text)
        if not match:
            continue
        at = rng.randrange(len(others))
        other = others[at]
        if other in ("none", "no") and not text[match.end() :].startswith(" of"):
            other = "no"
        if match.group()[0].isupper():
            other = other[0].upper() + other[1:]
        if other == "neither":
            continue
        changed = text[: match.start()] + other + text[match.end() :]
        return Altered(
            changed, "quantifier", denials[at], match.group(), other, mirrored=denials[at]
        )
    return None


# --- who says so ----------------------------------------------------------------------------------

SPEECH_VERBS = (
    "said|says|say|told reporters|stated|claimed|argued|announced|reported|noted|wrote|added|"
    "explained|warned|suggested|believed|believes|believe|insisted|declared|estimated|estimates"
)
_WHO = r"(?:[Tt]he |[Aa]n? )?[A-Z][\w.’'-]*(?: (?:of |de |the )?[\w.’'-]+){0,5}?"
SAID_THAT = re.compile(
    rf"^(?P<who>{_WHO}|(?:[Tt]he |[Ss]ome |[Mm]any |[Ss]everal )?[\w’]+ ?[\w’]+)"
    rf"(?P<aside>, [^,]{{3,60}},)? (?P<verb>{SPEECH_VERBS})(?P<when> (?:in|on) [\w ]{{3,14}})?"
    rf"(?: that|,) (?P<what>.+?)(?P<end>[.]?)$"
)
ACCORDING_FIRST = re.compile(r"^According to (?P<who>[^,]{3,70}), (?P<what>.+?)(?P<end>[.]?)$")
ACCORDING_LAST = re.compile(r"^(?P<what>.+?),? according to (?P<who>[^,.]{3,70})(?P<end>[.]?)$")
SAID_LAST = re.compile(rf"^(?P<what>.+?), (?P<who>{_WHO}) (?P<verb>said|says|say)(?P<end>[.]?)$")
_OTHER_SPEAKERS = (
    "the government", "officials", "critics", "the police", "a spokesman", "the opposition",
    "local media", "researchers", "the president", "witnesses", "the army", "residents",
    "the company", "economists", "the ministry", "aid workers", "the court", "analysts",
)  # fmt: skip


def said_in(text: str) -> re.Match[str] | None:
    """Return who says what in a sentence, where its form tells."""
    for pattern in (ACCORDING_FIRST, SAID_THAT, ACCORDING_LAST, SAID_LAST):
        match = pattern.match(text)
        if match and not re.match(r"(?:that|which|who|what|it|there)\b", match["who"], re.I):
            return match
    return None


def with_other_speaker(text: str, names: Sequence[str], rng: random.Random) -> Altered | None:
    """Put the words into somebody else's mouth."""
    match = said_in(text)
    if match is None:
        return None
    who = match["who"]
    choices = [n for n in names if not set(n.lower().split()) & set(text.lower().split())]
    choices = choices if choices and rng.random() < 0.7 else list(_OTHER_SPEAKERS)
    choices = [c for c in choices if c.lower() not in text.lower()]
    if not choices:
        return None
    other = rng.choice(choices)
    if match.start("who") == 0:
        other = other[0].upper() + other[1:]
    changed = text[: match.start("who")] + other + text[match.end("who") :]
    return Altered(changed, "speaker", False, who, other)


def without_speaker(text: str) -> Altered | None:
    """State as a fact what somebody says."""
    match = said_in(text)
    if match is None or not match["what"]:
        return None
    what = match["what"].strip(' ,“”"')
    changed = what[0].upper() + what[1:] + (match["end"] or "")
    return Altered(changed, "speaker", False, match["who"], "", mirrored=False)


# --- when -----------------------------------------------------------------------------------------

PAST_OF = {base: past for past, base in _PAST_TO_BASE.items()}
_WILL = re.compile(
    r"\b(?:will|is expected to|are expected to|is set to|plans? to|planned to|intends? to|"
    r"intended to|hopes? to|hoped to|is due to|are due to|agreed to|promised to|"
    r"wanted to|sought to|tried to|attempted to|proposed to|threatened to|may|might|could|"
    r"was expected to|were expected to|was planned to|aimed to|decided to)"
    r" (?!have\b|not\b)(?P<base>be|[a-z]+)\b"
)
# Elsewhere "would" tells a habit, or what came later: "he would become king".
_WOULD = re.compile(
    r"(?<=that )(?P<who>[^,.;]{2,40} )would (?!have\b|not\b|later\b)(?P<base>be|[a-z]+)\b"
)


def with_other_tense(text: str, rng: random.Random) -> Altered | None:
    """Tell what is to come, or may be, as what has been; or the other way round."""
    match = _WILL.search(text) or _WOULD.search(text)
    if match:
        base = match["base"]
        done = "was" if base == "be" else PAST_OF.get(base)
        if (
            done is None
            and re.fullmatch(r"[a-z]{3,}[^aeiouywxsz\W]", base) is None
            and base.endswith("e")
        ):
            done = base + "d"
        if done is None and base in ("have", "do", "become", "come", "take", "give"):
            done = {"have": "had", "do": "did", "become": "became", "come": "came",
                    "take": "took", "give": "gave"}[base]  # fmt: skip
        if done is not None:
            if base == "be" and re.search(
                r"s (?:would|will|may|might|could|are|were)\b", text[: match.end()]
            ):
                done = "were"
            done = (match.groupdict().get("who") or "") + done
            changed = text[: match.start()] + done + text[match.end() :]
            return Altered(changed, "tense", False, match.group(), done)
    head = _main_clause(text)
    for pattern, others in (
        (r"\bwas(?= [a-z]+(?:ed|en|wn|t)\b)", ("will be", "may be", "is to be")),
        (r"\bwere(?= [a-z]+(?:ed|en|wn|t)\b)", ("will be", "may be", "are to be")),
        (r"\b(?:has|have|had) been(?= [a-z]+)", ("will be", "may be")),
        (
            r"\b(?:is|are)(?= (?:the|an?|[a-z]+ed|[a-z]+ing)\b)",
            ("was once", "will be", "may be", "used to be"),
        ),
    ):
        for found in re.finditer(pattern, head):
            if _NO_TENSE_BEHIND.search(head[: found.start()].strip()):
                continue
            other = rng.choice(others)
            changed = text[: found.start()] + other + text[found.end() :]
            return Altered(changed, "tense", False, found.group(), other)
    for found in re.finditer(r"\b[a-z]+\b", head):
        base = _PAST_TO_BASE.get(found.group())
        before = head[: found.start()]
        if base is None or not before or _HAVE_OR_BE_BEFORE.search(before):
            continue
        other = rng.choice([f"will {base}", f"plans to {base}", f"may {base}", f"wanted to {base}",
                            f"is expected to {base}", f"threatened to {base}"])  # fmt: skip
        changed = text[: found.start()] + other + text[found.end() :]
        return Altered(changed, "tense", False, found.group(), other)
    return None


def alterations(
    text: str, names: Names, speakers: Sequence[str], rng: random.Random
) -> Mapping[str, Altered]:
    """Return what each kind of change makes of a statement, by kind; those that fit."""
    made = {
        "negation": negated(text, rng),
        "entity": with_other_entity(text, names, rng),
        "number": with_other_number(text, rng),
        "date": with_other_date(text, rng),
        "speaker": with_other_speaker(text, speakers, rng),
        "no speaker": without_speaker(text),
        "tense": with_other_tense(text, rng),
        "quantifier": with_other_quantity(text, rng),
        "antonym": with_opposite(text, rng),
        "roles": with_roles_swapped(text, rng),
    }
    return {kind: one for kind, one in made.items() if one is not None and one.text != text}
