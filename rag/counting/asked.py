"""A question -> what it wants counted, and whether an article or a sentence may tell it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from rag.counting.happenings import HAPPENINGS, STOP, either_form, patterns

EVENTS: dict[str, str] = {
    "flood": r"flood\w*|deluge|inundat\w+",
    "storm": r"storms?|hurricanes?|typhoons?|cyclones?|tempest",
    "tornado": r"tornado\w*|twisters?",
    "quake": r"earthquakes?|quakes?|tremors?|temblors?|magnitude",
    "fire": r"(?:wild|bush|forest )?fires?|blazes?",
    "march": r"march(?:es|ed)?|protest\w*|rall(?:y|ies)|demonstrat\w+",
    "crash": r"crash\w*|collision|collid\w+|accidents?|derail\w+|sank|sink\w*|sunk|caps\w+|"
    r"wreck\w*",
    "collapse": r"collaps\w+|cave-in",
    "blast": r"explo\w+|blasts?|bomb\w*",
    "attack": r"attack\w*|assault\w*|massacre|raids?|ambush\w*",
    "shooting": r"shooting\w*|gunm[ae]n|shot",
    "slide": r"landslides?|mudslides?|avalanches?",
    "outbreak": r"outbreaks?|epidemic|pandemic",
    "war": r"wars?",
    "heat": r"heat ?waves?|heat",
    "eruption": r"erupt\w*|volcan\w+",
    "tsunami": r"tsunamis?",
}
# An accident at sea is told as a crash, a sinking or a collapse; a storm floods.
TOLD_AS: dict[str, frozenset[str]] = {
    "crash": frozenset({"crash", "collapse"}),
    "flood": frozenset({"flood", "storm"}),
    "tornado": frozenset({"tornado", "storm"}),
    "storm": frozenset({"storm", "flood"}),
    "attack": frozenset({"attack", "shooting", "blast", "war"}),
    "shooting": frozenset({"shooting", "attack"}),
    "blast": frozenset({"blast", "attack"}),
    "collapse": frozenset({"collapse", "crash"}),
}
# Asked for, these are just people.
_ANYBODY = frozenset(
    "people person death fatality life live victim casualty dead toll individual human".split()
)
DEMONYMS = (
    ("gaza", "palestin"),
    ("bank", "palestin"),
    ("dutch", "netherl"),
    ("britain", "briton"),
)
SMALL_PLACE = re.compile(
    r"\b(?:(?:in|across|throughout|from|at) (?:the|that|this|one|his|her|their|a) (?:\w+ )?"
    r"(?:county|city|town|village|camp|district|parish|neighborhood|neighbourhood|house|home|"
    r"hospital|"
    r"school|hotel|building|resort|single \w+)(?! (?:of|and|where))|(?:the|that) "
    r"(?:county|city|town|village|camp|district|parish)(?:[’']s|\s+(?:now\s+|also\s+|has\s+|"
    r"have\s+)*(?:reports?|"
    r"reported|confirmed|counted|recorded|suffered|lost))|countywide|citywide)\b",
    re.IGNORECASE,
)
NAMED_EVENT = re.compile(
    r"\b(?:Hurricane|Typhoon|Cyclone|Storm)s?\s+(?P<behind>[A-Z][a-z]+)|"
    r"(?P<before>[A-Z][a-z]+)(?:\s+[A-Z][a-z]+)?\s+(?:Fire|Flood|Earthquake|earthquake|quake|"
    r"fire|floods?)\b"
)
_MONEY_QUESTION = re.compile(
    r"\b(?:cost|money|pay|paid|price|spend|spent|lend|lent|loan|worth|fine|fined|damages?|"
    r"budget|funds?|"
    r"funding|aid|donat\w+|raise[ds]?|dollars?|euros?|pounds?|invest\w*|debt|salary|wages?|revenue|"
    r"profit|losses)\b",
    re.IGNORECASE,
)
_SHARE_QUESTION = re.compile(
    r"\b(?:percent|percentage|share|proportion|rate|turnout|inflation|per cent)\b", re.IGNORECASE
)
_HEAD = re.compile(
    r"\b(?:how many|number of|count of|"
    r"total of)\s+(?:of\s+)?(?:the\s+)?(?P<head>[\w’'-]+(?:\s+[\w’'-]+){0,3})",
    re.IGNORECASE,
)
_ASKING = frozenset(
    "how many much what is are was were the a an of in on at by for to did do does has have "
    "had been "
    "be will would could there total so far number people person count from with and or after "
    "during "
    "as its their which who that since because still now yet currently out amount".split()
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question wants counted.

    Attributes:
        unit: Of the amount: a plain count, a share, money, or whatever stands there.
        happenings: Keys of :data:`HAPPENINGS`; empty when the question names none.
        thing: Stem of what is counted ("hostage"); empty for people in general.
        stems: First letters of the question's other words.
        names: Words of the names in it, lower case.
        events: Keys of the kinds of event in it ("flood").
        of_a_part: Whether it asks how many *of* something.
        ahead: Whether it asks about what is to come.
        days: Years in it.
        places: Of the names, those that are no event's.
        event_names: Of the names, those of an event ("Helene").
        in_small_place: Whether it asks about a place that it does not name ("in the camp").
    """

    unit: Literal["count", "percent", "money", "any"]
    happenings: frozenset[str]
    thing: str
    stems: frozenset[str]
    names: frozenset[str]
    events: frozenset[str]
    of_a_part: bool
    ahead: bool
    days: frozenset[str] = field(default_factory=frozenset)
    in_small_place: bool = False
    places: frozenset[str] = field(default_factory=frozenset)
    event_names: frozenset[str] = field(default_factory=frozenset)


def asked_for(question: str) -> Asked:
    """Return what a question wants counted."""
    lower = question.lower()
    head = _HEAD.search(question)
    of_a_part = bool(re.search(r"\bhow (?:many|much) of\b", lower))
    if _SHARE_QUESTION.search(question) and not head:
        unit: Literal["count", "percent", "money", "any"] = "percent"
    elif re.search(r"\bhow much\b|\b(?:price|cost|amount|value)\b", lower) and (
        _MONEY_QUESTION.search(question) and not head
    ):
        unit = "money"
    elif head or re.search(r"\btoll\b|\bnumber of\b|\bpopulation\b", lower):
        unit = "count"
    else:
        unit = "any"
    events = {name for name, words in EVENTS.items() if re.search(rf"\b(?:{words})\b", lower)}
    happenings = {
        name
        for name, happening in HAPPENINGS.items()
        if re.search(rf"\b(?:{either_form(happening)})\b", _without_events(lower, head))
    }
    thing = _thing(head, happenings)
    if "laid off" in happenings and thing not in (
        "job",
        "worker",
        "employee",
        "position",
        "people",
        "",
    ):
        happenings.discard("laid off")
    names = _names(question)
    event_names: frozenset[str] = frozenset()
    if re.search(r"\b(?:Hurricane|Typhoon|Cyclone|Storm|Fire)\b", question):
        # "The Texas floods" are named by their place, Hurricane Helene is not.
        event_names = names & {
            (match["behind"] or match["before"]).lower() for match in NAMED_EVENT.finditer(question)
        }
    words = [
        word
        for word in re.findall(r"[a-z][a-z’'-]+", lower)
        if word not in _ASKING and word not in names
    ]
    return Asked(
        unit=unit,
        happenings=frozenset(happenings),
        thing="" if thing in _ANYBODY else thing,
        stems=frozenset(word[:5] for word in words if len(word) > 2),
        names=names,
        events=frozenset(events),
        of_a_part=of_a_part,
        ahead=bool(re.search(r"\b(?:will|would|could|going to|plan|expected|may)\b", lower)),
        days=frozenset(re.findall(r"\b(?:19|20)\d{2}\b", question)),
        in_small_place=bool(SMALL_PLACE.search(question)),
        places=names - event_names,
        event_names=event_names,
    )


def is_about(asked: Asked, *, opening: str, around: str) -> bool:
    """Say whether the event that is asked about is told of.

    An article that begins with it is; another one where a sentence nearby names place and event.

    Args:
        asked: The question.
        opening: The title and the first lines of the article.
        around: What stands around the sentence.
    """
    if _names_both(asked, opening):
        return True
    named = {match["behind"] for match in NAMED_EVENT.finditer(opening) if match["behind"]}
    if asked.events and any(name.lower() not in asked.names for name in named):
        return False  # an article about another storm, of which the place is a part
    return any(_names_both(asked, part, strictly=True) for part in re.split(r"[.!?]\s|\n", around))


def _names_both(asked: Asked, words: str, *, strictly: bool = False) -> bool:
    lower = words.lower()
    if asked.names and not any(has_name(name, lower) for name in asked.names):
        return False
    if asked.thing and asked.names and asked.thing in lower:
        # What is counted says as much as the event.
        return True
    kinds = {
        name
        for event in asked.events
        for name in ({event} if strictly else TOLD_AS.get(event, {event}))
    }
    return not kinds or any(re.search(rf"\b(?:{EVENTS[name]})\b", lower) for name in kinds)


def may_tell(asked: Asked, sentence: str) -> bool:
    """Say whether a sentence has a word that says what is asked for; cheap, never too strict."""
    if asked.of_a_part or not asked.happenings or asked.unit != "count":
        return True
    if asked.thing and asked.thing in sentence.lower():
        return True
    return any(patterns(HAPPENINGS[name])[0].search(sentence) for name in asked.happenings)


def _without_events(lower: str, head: re.Match[str] | None) -> str:
    """Return the question without the words that name its event or what is counted."""
    lower = re.sub(r"\b(?:in|at|during|after|by|of|from) (?:the |a )?(?:[\w’-]+ ){0,3}"
                   r"(?:march|protest|attack|fire|wildfire|collapse|crash|"
                   r"accident)\b", " ", lower)  # fmt: skip
    if head:
        noun = head["head"].split()[0].lower()
        if noun in (
            "residents",
            "passengers",
            "protesters",
            "employees",
            "votes",
            "cases",
            "lives",
        ):
            return lower.replace(noun, " ", 1)
    return lower


def _thing(head: re.Match[str] | None, happenings: set[str]) -> str:
    if head is None:
        return ""
    words: list[str] = []
    for word in re.findall(r"[a-z][a-z’'-]*", head["head"].lower()):
        if word in ("them", "those", "these", "us"):
            continue
        if word in STOP or word in ("people", "die", "died"):
            words = words or ([word] if word == "people" else [])
            break
        if words and any(re.fullmatch(HAPPENINGS[name].verbs, word) for name in happenings):
            break
        words.append(word)
    return singular(words[-1]) if words else ""


def singular(word: str) -> str:
    """Return the singular of a noun, lower case; roughly, by its ending."""
    if word in ("children", "people", "men", "women"):
        return {"children": "child", "men": "man", "women": "woman"}.get(word, word)
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _names(question: str) -> frozenset[str]:
    events = "|".join(EVENTS.values())
    words = re.findall(r"(?<=[^\W.])[\s“\"(]+([A-Z][\w’'-]*)", question)
    found = {re.sub(r"[’']s?$", "", word).lower() for word in words}
    return frozenset(
        word
        for word in found
        if not re.fullmatch(events, word)
        and not is_time(word.capitalize())
        and word not in ("i", "the", "of")
    )


def has_name(name: str, lower: str) -> bool:
    """Say whether words in lower case have a name, or its people ("gaza", "palestinians")."""
    # The plain search first: this is asked thousands of times, and seldom so.
    return (name in lower and re.search(rf"\b{re.escape(name)}", lower) is not None) or any(
        name == place and people in lower for place, people in DEMONYMS
    )


def is_time(name: str) -> bool:
    """Say whether what looks like a name is a day, a month or a feast."""
    return bool(
        re.match(
            r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|"
            r"July|"
            r"August|September|October|November|December|Christmas|Easter|Thanksgiving",
            name,
        )
    )
