"""Whether a sentence counts for the place that is asked about, or for another one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.counting.asked import SMALL_PLACE, Asked, has_name, is_time
from rag.quantities import Quantity

_SPEECH = (
    r"(?:sa(?:id|ys?)|told|tells?|report(?:s|ed)?|announc(?:ed|es)|confirm(?:ed|s)|"
    r"estimat(?:ed?|es)|"
    r"add(?:ed|s)|wrote|believe[sd]?|acknowledged|according to)"
)
SPEAKER_FIRST = re.compile(
    rf"^[^,;]{{0,120}}?\b{_SPEECH}\b(?:[^,;]{{0,60}}?\bthat\b)?", re.IGNORECASE
)
PROPER = r"(?:[A-Z][\w’'-]*(?:\.(?=\s[A-Z]))?(?:\s+(?:of|de|del|la|al)?\s*[A-Z][\w’'-]*)*)"
_PLACE = re.compile(
    rf"\b(?:in|at|near|outside|across|around|from|on|along|throughout)\s+(?:the\s+)?"
    rf"(?P<kind>(?:[a-z][\w-]*\s+){{0,4}}(?:of\s+|called\s+|named\s+)?)(?P<name>{PROPER})"
)
_STATE_PLACE = re.compile(
    r"\b(?:in (?:the|that|this|one) (?:state|province)|(?:the|that) (?:state|province)[’']s|"
    r"statewide|(?:the|that) (?:state|province) alone)\b",
    re.IGNORECASE,
)
_OWN_COUNT = re.compile(
    rf"(?P<name>{PROPER})\s+(?P<office>(?:officials|authorities|coroners?|deputies)\s+)?"
    r"(?:has\s+|have\s+|had\s+|alone\s+|also\s+)*"
    r"(?:reported|confirmed|recorded|suffered|counted|lost|saw|seen|accounted for|reports|had|has|"
    r"announced)\s*$"
)
_ORGANISATION = re.compile(
    r"\b(?:Press|News|Times|Post|CNN|NBC|CBS|ABC|BBC|Reuters|AP|TODAY|Journal|Agency|Ministry|"
    r"Centers?|Service|Department|Organization|Nations|Cross|Crescent|Committee|Office|Police|"
    r"Government|House|Observatory|Institute|Commission|Council|Union|Bureau|Management|"
    r"University)\b"
)
_OPENING_PLACE = re.compile(rf"^(?:In|At|Near|Outside|Across|Around)\s+[^,;]*?{PROPER}[^,;]*,")
_WHOSE_TOLL = re.compile(
    rf"(?P<name>{PROPER})(?:[’']s?)?\s+(?:[\w-]+-related\s+|overall\s+|total\s+|confirmed\s+)*"
    r"(?:death\s+toll|toll|deaths|death\s+tally)\b"
)
_LABEL = re.compile(rf"^[\s•*·–-]*(?P<name>{PROPER}):\s")
_LOCAL_OFFICE = re.compile(
    r"(?P<name>[A-Z][\w’'-]*\s+(?:County|Parish|City|Township))(?:[’']s)?\s+(?:[Oo]ffic|"
    r"[Aa]uthorit|"
    r"[Cc]oroner|[Ss]heriff|[Mm]anager|[Jj]udge|[Mm]ayor|[Cc]ommission|[Ee]mergency|[Ee]xecutive|"
    r"[Pp]olice|[Ff]ire|[Mm]edical|[Ss]pokes)"
)
_STATE_CODE = re.compile(r"\b(?!US|UN|EU|UK|AP|PM|AM)[A-Z]{2}\b(?![’'])")
_REGION = re.compile(
    r"\b(?:South|North|East|West|Southeast|Northeast|Northwest|Southwest|Midwest|Gulf Coast|"
    r"East Coast|U\.?S\.?|United States|America|Europe|Asia|Africa|Caribbean|Appalachia)$"
)
_WHERE = re.compile(rf"(?P<name>{PROPER}),?\s+(?:which\s+\w+\s+)?where\b(?!.*\bwhere\b)", re.DOTALL)
_OTHER_PLACES = frozenset(
    {"south sudan", "west virginia", "new mexico", "north korea", "south korea"}
)
OPENERS = frozenset(
    "the a an in on at by but and as after before since while when with some about more at "
    "least up "
    "nearly almost according officials police authorities it he she they his her their its "
    "this that "
    "for from of over under however still so far among many most all".split()
)


def names_the_place(
    sentence: str, asked: Asked, quantity: Quantity, clause: tuple[int, int]
) -> bool | None:
    """Say whether a clause names the place asked about; None if it names another."""
    left = sentence[clause[0] : quantity.start]
    right = sentence[quantity.end : clause[1]]
    own = _own_count(left, right)
    if not asked.in_small_place and asked.names and SMALL_PLACE.search(left):
        return None
    said = SPEAKER_FIRST.match(left)
    if said:
        left = left[said.end() :]
    listed = _places_in(_last_piece(left))
    listed += _places_in(_with_list(sentence, quantity.end, clause[1]))
    places = list(listed)
    opening = _OPENING_PLACE.match(sentence)
    if opening and quantity.start > opening.end() and not re.search(r"[;—]", left):
        places += _places_in(f"in{opening.group()[2:]}")
    label = _LABEL.match(sentence)
    if label and label.end() <= quantity.start:
        places.append(label["name"])
    where = _WHERE.search(sentence[: quantity.start])
    whose = _WHOSE_TOLL.search(left)
    for match in (where, whose):
        if match and match["name"].split()[0].lower() not in OPENERS:
            places.append(match["name"])
    places = [
        name for name in places + own if not is_time(name) and not _names_the_event(name, asked)
    ]
    local = _LOCAL_OFFICE.search(sentence)
    if local and not places and not is_overall(sentence, clause):
        # What a county's officials count without saying where is their county's.
        places.append(local["name"])
    here = f"{left} # {right}"
    if not places and re.match(r"[^,;.]{0,60}\balone\b", right):
        return None
    if asked.names:
        others = [name for name in places if not _is_asked_place(name, asked)]
        if places and not others:
            return True
        several = [name for name in others if name in listed]
        if others and (asked.places or len(several) < len(others) or not _is_wide(several)):
            return None
        if not asked.places and (_STATE_PLACE.search(here) or _STATE_CODE.search(left)):
            return None
    if not asked.in_small_place and SMALL_PLACE.search(here):
        return None
    return False


def is_overall(sentence: str, clause: tuple[int, int]) -> bool:
    """Say whether a clause counts for the whole: "statewide", "in all"."""
    return bool(
        re.search(
            r"\b(?:statewide|nationwide|overall|total|in all|altogether|countrywide)\b",
            sentence[clause[0] : clause[1]],
            re.IGNORECASE,
        )
    )


def _own_count(left: str, right: str) -> list[str]:
    """Return the place that counts its own: "South Carolina reported 46 deaths"."""
    own = _OWN_COUNT.search(left)
    if own is None or _ORGANISATION.search(own["name"]):
        return []
    if re.search(r"\b(?:has|have|had|was|were|are|is|died)\b", right) and not own["office"]:
        # What somebody reports of others: "the agency reported 46 people have died".
        return []
    return [own["name"]]


def _last_piece(left: str) -> str:
    """Return what leads to a number from the last comma on, with what it leans on."""
    pieces = re.split(r"(?<=,)\s", left)
    if len(pieces) > 1 and re.match(r"(?:and\s+)?(?:which|who|that|\w+ing)\b", pieces[-1]):
        return " ".join(pieces[-2:])
    return pieces[-1]


def _places_in(words: str) -> list[str]:
    return [match["name"] for match in _PLACE.finditer(words)]


def _with_list(sentence: str, start: int, end: int) -> str:
    """Return the words behind an amount with the rest of a list of places that they begin."""
    words = sentence[start:end]
    if not _PLACE.search(words):
        return words
    more = re.match(rf"(?:,\s+{PROPER})*,?\s+and\s+(?:in\s+)?{PROPER}", sentence[end:])
    if not more:
        return words
    return words + "".join(f" in {name}" for name in re.findall(PROPER, more.group()))


def _is_wide(names: Sequence[str]) -> bool:
    """Say whether places make up more than a part: a region, a country, several states."""
    return len(names) > 1 or any(_REGION.search(name) for name in names)


def _names_the_event(name: str, asked: Asked) -> bool:
    lower = name.lower()
    return any(word in lower for word in asked.event_names) or bool(
        re.search(r"\b(?:Hurricane|Storm|Typhoon|Cyclone)\b", name)
    )


def _is_asked_place(name: str, asked: Asked) -> bool:
    lower = name.lower()
    if lower in _OTHER_PLACES and lower.split()[0] not in asked.names:
        return False
    return any(has_name(word, lower) for word in asked.places)
