"""What news says became of those whom a number counts: killed, abducted, still held.

A sentence and its amounts -> for each the stretch that tells of it, and what happened in it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.dates_in_words import dates_in
from rag.quantities import Quantity, quantities_in

Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that can happen to what is counted.

    Attributes:
        verbs: Stand behind what is counted ("104 have died") or right before ("killed 104").
        nouns: Stand behind the number ("104 deaths") or lead to it ("the death toll rose to 104").
        grows: The number grows while an event is being counted: a day in the same clause is the
            event's, not the count's.
    """

    verbs: str
    nouns: str = ""
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What a sentence tells of an amount.

    Attributes:
        clause: Where the stretch that tells of it begins and ends.
        happening: Key of :data:`HAPPENINGS`; None where nothing of the kind is told.
        side: Of the amount, where that is told.
    """

    clause: tuple[int, int]
    happening: str | None
    side: Side | None


# One entry for each thing that news counts; a word that is in none is matched by its stem.
HAPPENINGS: dict[str, Happening] = {
    "dead": Happening(
        r"die[ds]?|dying|kill(?:s|ed|ing)?|murder(?:ed|ing)|perish(?:ed)?|drown(?:ed|ing)?|slain|"
        r"(?:lost|losing|lose) their lives|deadly to|succumbed|dead|(?:presumed|feared|confirmed|"
        r"found|left) dead",
        r"(?:death |overall |total |confirmed )?tolls?|deaths?|fatalit(?:y|ies)|dead|killed|"
        r"(?:death )?tally|lives lost|lives|loss of life",
        grows=True,
    ),
    "missing": Happening(
        r"missing|unaccounted for|disappear(?:ed)?|not been found", r"missing", grows=True
    ),
    "hurt": Happening(
        r"injur(?:ed|ing|es?)|wound(?:ed|ing|s)?|hurt|hospitali[sz]ed", r"injuries|injured|wounded",
        grows=True,
    ),
    "displaced": Happening(
        r"displac(?:ed|ing)|evacuat(?:ed?|ing)|fled|flee(?:ing)?|homeless|(?:left|leave|leaving) "
        r"their homes|told to leave|uprooted|driven from", r"evacuations|evacuees|displaced",
        grows=True,
    ),
    "saved": Happening(r"rescued?|rescuing|saved?|saving|pull(?:ed|ing)", r"rescues"),
    "remain": Happening(
        r"remain(?:s|ed|ing)?|(?:still )?(?:being )?held|still (?:captive|in captivity|hostage)|"
        r"captive|in captivity|left in", r"remaining",
    ),
    "freed": Happening(
        r"released?|releas(?:ing|es)|free(?:d|s|ing)|returned|handed over|hand over|let go",
        r"releases?",
    ),
    "taken": Happening(
        r"abduct(?:ed|ing)?|kidnap(?:ped|ping)?|taken hostage|took hostage|seiz(?:ed|ing)|captured",
        r"abductions?|kidnappings?",
    ),
    "arrested": Happening(
        r"arrest(?:ed|s|ing)?|detain(?:ed|ing|s)?|(?:taken|took) into custody|rounded up|"
        r"apprehended",
        r"arrests|detentions",
    ),
    "laid off": Happening(
        r"cut(?:s|ting)?|(?:lay|laid|lays|laying) off|eliminat(?:e[ds]?|ing)|slash(?:e[ds]|ing)?|"
        r"shed(?:ding)?|dismiss(?:ed)?|fired|let go|axe[ds]?", r"layoffs|job cuts|cuts|"
        r"redundancies",
    ),
    "vaccinated": Happening(
        r"vaccinat(?:ed?|ing)|inoculat(?:ed|e)|immuni[sz]ed|received (?:a|the|their) (?:\w+ )?"
        r"(?:shot|dose|vaccine)", r"vaccinations",
    ),
    "voted for": Happening(
        r"won|win(?:s|ning)?|receiv(?:ed?|es)|got|gained|secured|took|garnered|drew|captured",
        r"share",
    ),
    "destroyed": Happening(
        r"destroy(?:ed|s|ing)?|burned down|level(?:ed|led)|razed|flattened|demolished|gutted", "",
        grows=True,
    ),
    "damaged": Happening(r"damag(?:ed|ing)", ""),
    "burned": Happening(r"burn(?:ed|t|s|ing)?|scorch(?:ed|ing)|char(?:red|ring)|consumed", ""),
    "without power": Happening(
        r"(?:without|lost|lose|losing) (?:power|electricity)|in the dark|blacked out",
        r"outages|blackouts",
    ),
    "trapped": Happening(r"trapped|stranded|stuck|buried alive", ""),
    "took part": Happening(
        r"took part|takes? part|taking part|attend(?:ed|ing)?|participat(?:ed?|ing)|march(?:ed|"
        r"ing)?|"
        r"demonstrat(?:ed|ing)|turned out|gathered|joined|protest(?:ed|ing)|ralli(?:ed)",
        r"crowd|turnout|participants|attendance",
    ),
    "live": Happening(
        r"liv(?:e[ds]?|ing)|resid(?:e[ds]?|ing)|hous(?:e[ds]|ing)|home to|shelter(?:ed|ing)|hosts?",
        r"population",
    ),
    "employed": Happening(r"employ(?:s|ed|ing)?", r"employees|workforce|staff|payroll"),
    "infected": Happening(
        r"infect(?:ed|ing)|diagnosed|contracted|sickened|fallen ill", r"infections|cases"
    ),
    "aboard": Happening(r"aboard|on board|carrying", ""),
    "cost": Happening(
        r"costs?|costing|priced?|worth|valued|spent|spend(?:ing|s)?|pa(?:y|ys|id|ying)|budgeted",
        r"costs?|prices?|damages?|bill|budget|fine|loss(?:es)?|estimate",
    ),
    "lent": Happening(
        r"len[dt](?:s|ing)?|loan(?:ed)?|pledg(?:ed|es?|ing)|promis(?:ed?|ing)|provid(?:ed?|es|ing)|"
        r"donat(?:ed?|ing)|giv(?:e|es|en|ing)|gave|grant(?:ed|s)?|sen[dt]", r"loans?|aid",
    ),
    "stolen": Happening(r"st(?:ole|olen|eal)|robbed|looted|took", r"theft|loot"),
    "warned": Happening(r"under [\w-]+(?: [\w-]+)? (?:warnings?|watch(?:es)?|alerts?|orders?)", ""),
    "searching": Happening(r"search(?:ed|ing)|respond(?:ed|ing)|deployed", r"rescuers|searchers"),
}  # fmt: skip
_FATES = frozenset(
    "dead missing hurt displaced saved remain freed taken arrested trapped infected".split()
)
# "Remain missing", "remain in hospital", "remain in custody" are both.
_WHILE_REMAINING = frozenset("missing hurt displaced arrested trapped infected".split())
_NUMBER_OF = re.compile(
    r"\b(?:number|total|count) of\b(?P<counted>[^.;:]*?)(?:\b(?:is|was|are|were|stands? at|"
    r"stood at|rose to|reached)|:)\s*$",
    re.IGNORECASE,
)
TOKEN = re.compile(r"[\w$€£¥][\w’'.,-]*[\w]|[\w]|[,;:—–()“”\"]")
_BREAK = re.compile(
    r"[;:—–()]|,(?!\d)|(?<=[a-z]{3})[.!?][”\"]?\s|\b(?:and|but|while|with|including|"
    r"as(?=\s+(?:the|an?|it|he|she|they|its|[a-z]+s)\b(?!\s+of\b))|when|after|because|or|"
    r"among|although|though|plus|where)\b",
    re.IGNORECASE,
)
_STRONG_BREAK = re.compile(r"[;—–]|(?<=[a-z]{3})[.!?][”\"]?\s")
_AUXILIARY = frozenset(
    "is are was were be been being has have had do does did will would could may might can should "
    "must not also now still already so far reportedly have".split()
)
STOP = _AUXILIARY | frozenset(
    "in on at from near of by for to that which who whose as when after since and or but with "
    "across during because than if while about over under through into between against".split()
)
_PLACING = frozenset("in from at across near elsewhere on".split())
_LINKS = re.compile(
    r"(?:\b(?:to|at|of|is|was|were|are|been|reached|reaches|stood|surpass(?:ed|es|ing)|"
    r"exceed(?:ed|s|ing)"
    r"|hit|passed|topp?(?:ed|s|ing)|now|past|above|over|beyond|by|as|as high as|put at|"
    r"include[sd]?|"
    r"reaching|hitting)|:)\s*$",
    re.IGNORECASE,
)
_RISES = re.compile(
    r"\b(?:ris(?:e[sn]?|ing)|rose|climb(?:ed|s|ing)?|grow(?:n|s|ing)?|grew|jump(?:ed|s)?|"
    r"increas(?:ed?|ing)|reach(?:ed|es|ing)?|stood|stands?|surpass(?:ed|es|ing)?|exceed(?:ed|s|"
    r"ing)?|"
    r"revised|soar(?:ed|s)?|hit|passed|topped|fell|dropped|lowered|raised|ticked|mount(?:ed|s)|"
    r"doubled|put)\b",
    re.IGNORECASE,
)


@functools.lru_cache(maxsize=2048)
def fates_told(sentence: str) -> tuple[tuple[float, str], ...]:
    """Return the plain amounts of a sentence with what it says became of those counted.

    "They killed 1,200 people and abducted 250" -> 1,200 "dead", 250 "taken". Only where one of
    :data:`_FATES` is told: which of them a number counts is never a matter of wording.
    """
    taken = [(date.start, date.end) for date in dates_in(sentence, None)]
    quantities = [one for one in quantities_in(sentence, taken=taken) if one.unit == ""]
    fates = []
    for quantity, told in zip(quantities, told_of_each(sentence, quantities), strict=True):
        named = _fate_of_number(sentence[: quantity.start]) or told.happening
        if quantity.amount is not None and named in _FATES:
            fates.append((quantity.amount, named))
    return tuple(fates)


def same_fate(one: str, other: str) -> bool:
    """Say whether two fates may be the same, told in other words."""
    return (
        one == other
        or (one == "remain" and other in _WHILE_REMAINING)
        or (other == "remain" and one in _WHILE_REMAINING)
    )


def _fate_of_number(lead: str) -> str | None:
    """Return what becomes of those counted where a number is told last: "the number killed is"."""
    led = _NUMBER_OF.search(lead)
    if led is None:
        return None
    words = led["counted"]
    found = [
        (match.start(), name)
        for name in _FATES
        for match in patterns(HAPPENINGS[name])[0].finditer(words)
    ]
    return min(found)[1] if found else None


def either_form(happening: Happening) -> str:
    """Return the pattern of a happening's verbs and nouns."""
    return "|".join(words for words in (happening.verbs, happening.nouns) if words)


def _clause(sentence: str, quantities: Sequence[Quantity], index: int) -> tuple[int, int]:
    """Return where the stretch that tells of a quantity begins and ends."""
    quantity = quantities[index]
    start = 0
    if index:
        before = quantities[index - 1]
        breaks = list(_BREAK.finditer(sentence, before.end, quantity.start))
        start = breaks[-1].start() if breaks else before.end
    else:
        strong = list(_STRONG_BREAK.finditer(sentence, 0, quantity.start))
        start = strong[-1].end() if strong else 0
    if index + 1 < len(quantities):
        behind = quantities[index + 1]
        found = _BREAK.search(sentence, quantity.end, behind.start)
        end = found.start() if found else behind.start
    else:
        found = _BREAK.search(sentence, quantity.end)
        end = found.start() if found else len(sentence)
    return start, end


def told_of_each(
    sentence: str, quantities: Sequence[Quantity], asked: frozenset[str] = frozenset()
) -> list[Told]:
    """Return what a sentence tells of each of its amounts.

    Args:
        sentence: The words.
        quantities: All its amounts, in its order.
        asked: Happenings that may stand a little further off than others.
    """
    clauses = [_clause(sentence, quantities, index) for index in range(len(quantities))]
    found = [
        _nearest(sentence, quantity, clause, asked)
        for quantity, clause in zip(quantities, clauses, strict=True)
    ]
    _inherit(sentence, quantities, clauses, found)
    return [
        Told(clause, happening, side)
        for clause, (happening, side) in zip(clauses, found, strict=True)
    ]


def _nearest(
    sentence: str, quantity: Quantity, clause: tuple[int, int], asked: frozenset[str]
) -> tuple[str | None, Side | None]:
    """Return what happened to what a quantity counts, and on which side of it that is told.

    What is asked for may stand a little further off: "120 hostages remain unaccounted for".
    """
    wanted: tuple[int, int, str, Side] | None = None
    best: tuple[int, int, str, Side] | None = None
    right = sentence[quantity.end : clause[1]]
    left = sentence[clause[0] : quantity.start]
    beyond = sentence[clause[1] :]
    for order, (name, happening) in enumerate(HAPPENINGS.items()):
        for distance, side in _distances(happening, left, right, beyond):
            key = (distance, order, name, side)
            if best is None or key[:2] < best[:2]:
                best = key
            if name in asked and (wanted is None or key[:2] < wanted[:2]):
                wanted = key
    if best and wanted and wanted[3] == best[3] == "right" and wanted[0] <= best[0] + 2:
        best = wanted
    return (best[2], best[3]) if best else (None, None)


@functools.cache
def patterns(happening: Happening) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return what finds a happening: in either form, as a verb, as a noun (which may be none)."""
    nouns = happening.nouns or r"(?!)"
    return (
        re.compile(rf"\b(?:{either_form(happening)})\b", re.IGNORECASE),
        re.compile(rf"\b(?:{happening.verbs})\b", re.IGNORECASE),
        re.compile(rf"\b(?:{nouns})\b", re.IGNORECASE),
    )


def _distances(happening: Happening, left: str, right: str, beyond: str) -> list[tuple[int, Side]]:
    either, verbs, nouns = patterns(happening)
    found: list[tuple[int, Side]] = []
    for match in either.finditer(right):
        between = TOKEN.findall(right[: match.start()])
        if len(between) <= 10:
            found.append((len(between), "right"))
            break
    if not found and beyond.startswith(","):
        # "12 people, mostly children, have died"
        match_behind = re.match(
            r",\s(?:most(?:ly)?|many|some|including|all|nearly all|among)\b[^,;]{0,60},\s"
            rf"(?:has|have|had|are|were|was|is)\s(?:been\s|now\s|still\s|"
            rf"also\s)*(?:{happening.verbs})\b",
            beyond,
            re.IGNORECASE,
        )
        if match_behind:
            found.append((6, "right"))
    for match in verbs.finditer(left):
        between = TOKEN.findall(left[match.end() :])
        if len(between) <= 2 and not {word.lower() for word in between} & STOP:
            found.append((len(between), "left"))
    if happening.nouns:
        for match in nouns.finditer(left):
            lead = left[match.end() :]
            between = TOKEN.findall(lead)
            if len(between) <= 22 and (_LINKS.search(lead) or _RISES.search(lead)):
                # What leads up to a number is far away and yet about it.
                found.append((min(4, len(between)), "left"))
    return found


def _inherit(
    sentence: str,
    quantities: Sequence[Quantity],
    clauses: Sequence[tuple[int, int]],
    found: list[tuple[str | None, Side | None]],
) -> None:
    """Give what is said once of several amounts to each ("twelve soldiers and three civilians")."""
    for index in range(len(found) - 2, -1, -1):
        name, side = found[index + 1]
        between = sentence[quantities[index].end : quantities[index + 1].start]
        if (
            found[index][0] is None
            and side == "right"
            and re.fullmatch(r"\s[\w’\s-]{0,40}\b(?:and|or)\s+", between)
        ):
            found[index] = (name, side)
    for index in range(1, len(found)):
        if found[index][0] is not None:
            continue
        left = sentence[clauses[index][0] : quantities[index].start]
        right = sentence[quantities[index].end : clauses[index][1]]
        if _RISES.search(left) and found[index - 1][0] is not None:
            found[index] = (found[index - 1][0], "left")
            continue
        behind = TOKEN.findall(right)
        alone = (
            not behind
            or behind[0].lower() in _PLACING
            or (len(behind) <= 2 and behind[0].lower() not in STOP)
        )
        if alone and found[index - 1][0] is not None:
            found[index] = (found[index - 1][0], "left")
