"""Question + sentence -> the amounts in the sentence that count what the question asks for.

A number counts what stands beside it in its own clause: a thing ("104 homes"), and what happened
to it ("killed 104", "104 are missing", "the toll rose to 104"). One that counts a part of what is
asked for (one county's dead, the children among them), an earlier event, an addition ("12 more") or
what might come is not taken. Rules over the surface of the text, in English.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag.counting.asked import (
    DEMONYMS,
    EVENTS,
    NAMED_EVENT,
    TOLD_AS,
    Asked,
    has_name,
    is_time,
    singular,
)
from rag.counting.happenings import (
    HAPPENINGS,
    STOP,
    TOKEN,
    Side,
    either_form,
    patterns,
    told_of_each,
)
from rag.counting.places import OPENERS, PROPER, SPEAKER_FIRST, is_overall, names_the_place
from rag.dates_in_words import DateInWords
from rag.quantities import Quantity

_NATURAL = frozenset("flood storm tornado quake fire slide eruption tsunami".split())
_ANY_NATURAL = re.compile(
    r"\b(?:" + "|".join(f"(?P<{name}>{EVENTS[name]})" for name in sorted(_NATURAL)) + r")\b",
    re.IGNORECASE,
)
_PEOPLE = frozenset(
    "people person persons individuals residents victims lives deaths fatalities casualties dead "
    "humans inhabitants civilians locals toll".split()
)
_EVERYBODY = re.compile(r"\s+(?:wo)?men,?(?: and)? (?:wo)?men,? and children\b", re.IGNORECASE)
_SOMEBODY = re.compile(r"\w+(?:ists|ers|ors|ees|ians|men|women|ants|ives)")
_WHOLE_ROLES = re.compile(
    r"(?:protest|demonstrat|min|work|passeng|villag|travel|evacu|prison|vot|refug|migr|fight|march|"
    r"hostag|captiv|detain|inmat)"
    r"\w*s|people|residents|employees|citizens|suspects|believers|pilgrims"
)
# These count a part of the people whom an event touched.
_PARTS_OF_PEOPLE = re.compile(
    r"child(?:ren)?|kids?|minors?|girls?|boys?|wom[ae]n|m[ae]n|infants?|bab(?:y|ies)|teenagers?|"
    r"teens?|campers?|counselou?rs?|students?|pupils?|teachers?|soldiers?|troops|officers?|"
    r"firefighters?|medics?|doctors?|nurses?|journalists?|reporters?|tourists?|foreigners?|"
    r"nationals|families|family|members|couples?|sisters?|brothers?|adults?|seniors?|elderly|"
    r"drivers?|motorists?|responders?|rescuers?|crew|workers?|volunteers?|pets?|animals?|dogs?",
    re.IGNORECASE,
)
_SAME_THINGS = (
    frozenset({"home", "house", "dwelling", "residence"}),
    frozenset({"job", "position", "post", "worker", "employee", "role", "staff", "people"}),
    frozenset({"vote", "ballot"}),
    frozenset({"hostage", "captive", "abductee"}),
    frozenset({"soldier", "troop", "serviceman", "servicemen"}),
    frozenset({"child", "children", "kid", "minor"}),
    frozenset({"case", "infection"}),
    frozenset({"prisoner", "detainee", "inmate"}),
    frozenset({"building", "structure"}),
    frozenset({"customer", "home", "household"}),
)
_MODAL = re.compile(
    r"\b(?:could|might|may|can|would|should|will|expect(?:ed|s)? to|likely to|project(?:ed|s|"
    r"ions?)|"
    r"predict(?:ed|s)?|forecast|risk(?:s|ed)?|threaten(?:s|ed)? to|at risk|feared? that|if)\b",
    re.IGNORECASE,
)
_INCREASE_BEFORE = re.compile(
    r"\b(?:another|an? additional|an? extra|an? further|the other|additional|by)\s*$", re.IGNORECASE
)
_INCREASE_BEHIND = re.compile(
    r"^\s*(?:more\b(?!\s+than)|others\b|other\b|additional\b|new\b|further\b|extra\b|fewer\b|"
    r"(?:\w+\s+)?more\s+(?:people|bodies|deaths|victims|fatalities|hostages)?\b(?=[\s,.]))",
    re.IGNORECASE,
)
_PART_BEFORE = re.compile(
    r"\b(?:includ(?:ing|es?|ed)|among (?:them|those|the (?:dead|victims|missing|\w+))|"
    r"of (?:whom|them|those|which)|"
    r"among whom|(?:a|the) (?:bus|van|car|family|group|house|home|building) (?:of|with|carrying))"
    r"(?:\s+(?:at least|about|more than|were|are|was|is|only|some|nearly|the))*\s*$",
    re.IGNORECASE,
)
_PART_BEHIND = re.compile(
    r"^\s*(?:of (?:whom|them|those|these|which|the)\b(?!\s+(?:[\w’-]+\s+){0,2}(?:who|that)\b)|"
    r"(?:were |was |are |is )?(?:among|elsewhere|identified as)\b|alone\b)",
    re.IGNORECASE,
)
_EARLIER_BEFORE = re.compile(
    r"\b(?:up|down|rising|rose|increased?|jumped|climbed|an increase|compared (?:with|to)|earlier|"
    r"previous(?:ly)?|initial(?:ly)?|first|lowered|revised|dropped|fell)\b[^,;.]{0,40}?"
    r"\b(?:from|with|of|reported|to|estimated|put|budgeted|at|that|believed)\s*(?:the\s+)?$",
    re.IGNORECASE,
)
_FROM_BEFORE = re.compile(
    r"\b(?:from|than|previous|earlier|versus|against)\s+(?:the\s+)?$", re.IGNORECASE
)
_LONG_AGO = re.compile(
    r"\b(?:last (?:year|decade|century)|(?:years?|decades?|century|centuries) (?:ago|earlier|"
    r"before)|"
    r"previous (?:\w+ )?(?:flood|storm|year|war|attack|disaster|record)s?|(?:worst|deadliest|"
    r"biggest|"
    r"largest|most|first)\b[^,;]{0,60}\bsince)\b",
    re.IGNORECASE,
)
_FRAGMENT = re.compile(r"^\W*[\w\s.]{0,40}:\s*[\d,.]+\W*$|^\s*[:|]")
_MANY_EVENTS = re.compile(
    r"\b(?:only|most|other|such|few|several|many|two|three|four|five|six|seven|eight|nine|ten|\d+|"
    r"series of|string of|number of)\s+(?:[\w-]+\s+){0,2}(?:hurricanes|storms|floods|tornadoes|"
    r"earthquakes|quakes|fires|attacks|wars|typhoons|cyclones|disasters)\b",
    re.IGNORECASE,
)
_ONE_OF_MANY = re.compile(
    r"\b(?:a|an|one|another)\s+(?:[\w-]+\s+){0,3}?(?:attack|strike|airstrike|raid|bombing|missile|"
    r"shelling|drone|explosion|blast|ambush|incident)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Counted:
    """An amount that counts what is asked for.

    Attributes:
        fit: 1 for what is asked for by name, less for what is likely the same.
        placed: Whether the sentence itself says that it is the place asked about.
        clause: The stretch of the sentence that tells about it.
        grows: See :class:`Happening`.
    """

    quantity: Quantity
    fit: float
    placed: bool
    clause: tuple[int, int]
    earlier: bool
    grows: bool


def counted_in(
    sentence: str,
    asked: Asked,
    quantities: Sequence[Quantity],
    dates: Sequence[DateInWords],
    *,
    year: int | None = None,
) -> list[Counted]:
    """Return the amounts of a sentence that count what is asked for.

    Args:
        sentence: The words.
        asked: The question.
        quantities: The sentence's amounts.
        dates: The dates that it names.
        year: Of the article; a clause about another year tells of another event.
    """
    if _FRAGMENT.search(sentence) and not any(
        has_name(name, sentence.lower()) for name in asked.names
    ):
        return []  # a line of a table: what it is about stands elsewhere
    counted = []
    elsewhere: str | None = None
    each = told_of_each(sentence, quantities, asked.happenings)
    for quantity, told in zip(quantities, each, strict=True):
        clause, happening = told.clause, told.happening
        fit = _fit(sentence, asked, quantity, clause, happening)
        if fit <= 0:
            continue
        if _is_part(sentence, asked, quantity, clause):
            if names_the_place(sentence, asked, quantity, clause) is None:
                elsewhere = happening
            continue
        if _is_elsewhen(sentence, asked, quantity, clause, dates, year):
            continue
        if not asked.ahead and _is_possible(sentence, quantity, clause):
            continue
        placed = names_the_place(sentence, asked, quantity, clause)
        if (
            placed is False
            and elsewhere
            and elsewhere == happening
            and not is_overall(sentence, clause)
        ):
            # "5 deaths in Buncombe County, toll now at 40": the second is of the same place.
            placed = None
        if placed is None:
            elsewhere = happening
            continue
        if _is_anothers(sentence, asked, quantity, clause, happening, told.side):
            continue
        grows = happening is not None and HAPPENINGS[happening].grows
        earlier = _is_earlier(sentence, quantity)
        counted.append(Counted(quantity, fit, placed, clause, earlier, grows))
    return counted


def _counted_words(sentence: str, quantity: Quantity, clause: tuple[int, int]) -> list[str]:
    """Return the words of the thing that stands behind a quantity: "Palestinian prisoners"."""
    words: list[str] = []
    if _EVERYBODY.match(sentence, quantity.end):
        return ["people"]
    for word in TOKEN.findall(sentence[quantity.end : clause[1]]):
        lower = word.lower()
        if not words and lower == "of":
            continue  # "dozens of people"
        if lower in STOP or not word[0].isalnum() or is_time(word):
            break
        words.append(word)
        if len(words) == 5:
            break
    return words


def _fit(
    sentence: str,
    asked: Asked,
    quantity: Quantity,
    clause: tuple[int, int],
    happening: str | None,
) -> float:
    """Return how surely an amount counts what is asked for; 0 for something else."""
    if asked.unit == "count" and quantity.unit != "":
        return 0.0
    if asked.of_a_part:
        near = re.findall(r"\w+", sentence[clause[0] : quantity.end + 90].lower())
        wanted = _other_stems(asked) - {"remai", "them", "those"}
        return 1.0 if not wanted or {word[:5] for word in near} & wanted else 0.4
    if asked.unit in ("percent", "money"):
        return _fit_of_unit(sentence, asked, quantity, clause, happening)
    words = _counted_words(sentence, quantity, clause)
    thing = _compare_things(asked, words, happening)
    if (
        thing == "other"
        and asked.thing
        and happening is not None
        and happening in asked.happenings
        and _SOMEBODY.fullmatch(_before(words, happening))
        and not _is_object(asked.thing)
        and any(has_name(name, sentence.lower()) for name in asked.names)
    ):
        # "1,000 convicted terrorists" of one sentence are the "prisoners" of another.
        return 0.4
    if thing == "other":
        return 0.0
    if asked.happenings:
        if happening in asked.happenings:
            return {"same": 1.0, "people": 0.9, "none": 0.9, "part": 0.3}[thing]
        if happening is None and thing == "same" and asked.thing:
            return 0.5 if _near_stem(sentence, asked, quantity, clause) else 0.0
        return 0.0
    if thing == "same" and asked.thing:
        return 0.7 if _near_stem(sentence, asked, quantity, clause) or len(asked.stems) < 2 else 0.4
    return 0.6 if thing != "part" and _near_stem(sentence, asked, quantity, clause) else 0.0


def _fit_of_unit(
    sentence: str,
    asked: Asked,
    quantity: Quantity,
    clause: tuple[int, int],
    happening: str | None,
) -> float:
    if quantity.unit != asked.unit:
        return 0.0
    if happening is not None and happening in asked.happenings:
        return 1.0
    if _near_stem(sentence, asked, quantity, clause):
        return 0.8
    if asked.unit == "percent":
        # "4.2 million votes, or 51 percent"
        return 0.6 if re.search(r"\bor\s*$", sentence[: quantity.start]) else 0.0
    return 0.4 if happening is None or asked.happenings & {"cost", "stolen"} else 0.0


def _before(words: Sequence[str], happening: str) -> str:
    """Return the last word before what happened, lower case: the thing itself."""
    last = ""
    for word in words:
        if patterns(HAPPENINGS[happening])[0].fullmatch(word):
            break
        last = word.lower()
    return last


def _compare_things(
    asked: Asked, words: Sequence[str], happening: str | None
) -> Literal["same", "people", "none", "part", "other"]:
    lower = [word.lower() for word in words]
    singulars = [singular(word) for word in lower]
    # What happened ends the thing: "104 deaths", "27 campers died".
    cut = len(lower)
    if happening is not None:
        for index, word in enumerate(lower):
            if re.fullmatch(either_form(HAPPENINGS[happening]), word):
                cut = index
                break
    before = lower[:cut]
    if asked.thing:
        same = next((group for group in _SAME_THINGS if asked.thing in group), frozenset())
        wanted = {asked.thing} | same
        if any(
            word in wanted or word.startswith(asked.thing) or word.endswith(asked.thing)
            for word in singulars
        ):
            return "same"
        if not before:
            return "none"
        general = any(word in _PEOPLE for word in before)
        return "people" if general and not _is_object(asked.thing) else "other"
    if not before:
        return "none"
    if {"men", "women"} <= set(before) or {"women", "children"} <= set(lower):
        return "people"
    if any(_PARTS_OF_PEOPLE.fullmatch(word) for word in before):
        return "part"
    of_another = any(
        word[:1].isupper()
        and word.lower() not in OPENERS
        and not any(_is_demonym(word.lower(), name) for name in asked.names)
        for word in words[:cut]
    )
    if asked.names and of_another:
        return "part"
    if any(word in _PEOPLE for word in before):
        return "same"
    if any(_WHOLE_ROLES.fullmatch(word) for word in before):
        return "people"
    if any(word[:1].isupper() for word in words[:cut]):
        return "people"
    if all(word in _NO_THING for word in before):
        return "none"
    return "other"


_NO_THING = frozenset(
    "confirmed reported known total flood-related storm-related weather-related more others so far "
    "statewide nationwide countrywide overall altogether today yesterday late early "
    "related presumed feared suspected at least officially".split()
)


def _is_object(thing: str) -> bool:
    return bool(
        re.fullmatch(
            r"home|house|building|structure|acre|hectare|vote|seat|job|dose|case|car|vehicle|ship|"
            r"tank|drone|missile|school|hospital|tree|bridge|truck|ballot|flight|tent|barrel|ton",
            thing,
        )
    )


def _is_demonym(word: str, name: str) -> bool:
    if any(name == place and word.startswith(people) for place, people in DEMONYMS):
        return True
    return len(name) > 3 and word[:4] == name[:4]


def _near_stem(sentence: str, asked: Asked, quantity: Quantity, clause: tuple[int, int]) -> bool:
    near = sentence[clause[0] : quantity.start].split()[-8:] + TOKEN.findall(
        sentence[quantity.end : clause[1]]
    )
    stems = {word.lower().strip(',.;:“”"')[:5] for word in near}
    return bool(stems & _other_stems(asked))


def _other_stems(asked: Asked) -> frozenset[str]:
    """Return the stems of the question's words but for what is counted."""
    if not asked.thing:
        return asked.stems
    return frozenset(stem for stem in asked.stems if not stem.startswith(asked.thing[:4]))


def _is_part(sentence: str, asked: Asked, quantity: Quantity, clause: tuple[int, int]) -> bool:
    before = sentence[: quantity.start]
    behind = sentence[quantity.end :]
    if asked.of_a_part:
        of_these = re.match(r"^(?:Of|Out of)\s[^,;]*,\s", before)
        part = of_these or _PART_BEFORE.search(before) or re.match(r"\s*of\b", behind)
        return not part or bool(asked.thing and asked.thing not in sentence.lower())
    if _INCREASE_BEFORE.search(before) or _INCREASE_BEHIND.match(behind):
        return True
    if re.match(r"[\s\w]{0,24}\belsewhere\b", behind):
        return True
    if _PART_BEFORE.search(before):
        return True
    if re.match(r"\s*of the\b", behind):
        # "20 of the hostages" is a part, "dozens of the dead" too.
        return True
    # "Among the dead were 84 Egyptians": everything behind is a part.
    if re.search(
        r"\b(?:among|including)\b[^,;]*$", sentence[clause[0] : quantity.start], re.IGNORECASE
    ):
        return True
    return bool(_PART_BEHIND.match(behind))


def _is_possible(sentence: str, quantity: Quantity, clause: tuple[int, int]) -> bool:
    before = sentence[clause[0] : quantity.start]
    return bool(_MODAL.search(before[-70:]))


def _is_elsewhen(
    sentence: str,
    asked: Asked,
    quantity: Quantity,
    clause: tuple[int, int],
    dates: Sequence[DateInWords],
    year: int | None,
) -> bool:
    """Say whether an amount belongs to another event: another year's, or one of another name."""
    start, end = clause
    for date in dates:
        if date.iso is None or not start <= date.start < max(end, quantity.end + 1):
            continue
        lead = sentence[: date.start]
        if _is_event_since(lead, date, asked, year):
            return True
        if re.search(r"\b(?:since|as of|by|until|through|as at|from)\s+(?:early |late |"
                     r"the end of )?$",
                     lead, re.IGNORECASE):  # fmt: skip
            continue
        its_year = int(date.iso[:4])
        if year is not None and its_year != year and str(its_year) not in asked.days:
            if date.end - date.start > 7 and its_year == year - 1 and "ago" not in lead:
                continue
            return True
    words = sentence[start:end]
    piece = sentence[max(start, sentence.rfind(",", start, quantity.start)) : quantity.start]
    back = _LONG_AGO.search(piece) or _LONG_AGO.search(sentence[quantity.end : end])
    if back and (asked.events or asked.happenings & {"dead", "missing", "hurt"}):
        return True
    left = sentence[start : quantity.start]
    if asked.events and _MANY_EVENTS.search(left):
        return True
    if asked.events & _NATURAL and _tells_of_another_kind(sentence[: quantity.start], asked):
        return True
    if (
        "dead" in asked.happenings
        and not asked.events
        and _ONE_OF_MANY.search(sentence[start : quantity.start])
    ):
        return True
    for match in NAMED_EVENT.finditer(words):
        name = (match["behind"] or match["before"]).lower()
        if name in ("the", "flash", "this", "that") or name in asked.names:
            continue
        if not any(has_name(known, words.lower()) for known in asked.names):
            return True
    return False


def _is_event_since(lead: str, date: DateInWords, asked: Asked, year: int | None) -> bool:
    """Say whether a clause looks back over years ("since 1950"), of an event that takes days."""
    return (
        year is not None
        and date.iso is not None
        and int(date.iso[:4]) < year - 1
        and bool(asked.events)
        and not asked.events & {"war", "outbreak"}
        and re.search(r"\bsince\s+$", lead) is not None
    )


def _tells_of_another_kind(before: str, asked: Asked) -> bool:
    """Say whether the last event named before a number is of another kind than the question's."""
    told_as = (TOLD_AS.get(event, frozenset()) for event in asked.events)
    own = frozenset(asked.events).union(*told_as)
    last = None
    for match in _ANY_NATURAL.finditer(before):
        last = match
    return last is not None and last.lastgroup not in own


def _is_earlier(sentence: str, quantity: Quantity) -> bool:
    before = sentence[: quantity.start]
    return bool(_EARLIER_BEFORE.search(before[-60:]) or _FROM_BEFORE.search(before)) and not (
        re.search(r"\bto\s*$", before)
    )


def _is_anothers(
    sentence: str,
    asked: Asked,
    quantity: Quantity,
    clause: tuple[int, int],
    happening: str | None,
    side: Side | None,
) -> bool:
    """Say whether somebody else did it: "Ion Duca received 1,941,010 votes"."""
    if side != "left" or happening is None or HAPPENINGS[happening].grows or not asked.names:
        return False
    left = sentence[clause[0] : quantity.start]
    said = SPEAKER_FIRST.match(left)
    subject = left[said.end() :] if said else left
    named = [name for name in re.findall(PROPER, subject) if not is_time(name)]
    named = [
        name
        for name in named
        if {word.lower() for word in name.split()} - OPENERS and name.lower()[:5] not in asked.stems
    ]
    if not named:
        return False
    return not any(has_name(name, subject.lower()) for name in asked.names)
