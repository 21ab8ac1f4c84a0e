"""Question + sentence -> the amounts in the sentence that count what the question asks for.

A number counts what stands beside it in its own clause: a thing ("104 homes"), and what happened
to it ("killed 104", "104 are missing", "the toll rose to 104"). One that counts a part of what is
asked for (one county's dead, the children among them), an earlier event, an addition ("12 more") or
what might come is not taken. Rules over the surface of the text, in English.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from rag.dates_in_words import DateInWords, dates_in
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

_EVENTS: dict[str, str] = {
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
_NATURAL = frozenset("flood storm tornado quake fire slide eruption tsunami".split())
_ANY_NATURAL = re.compile(
    r"\b(?:" + "|".join(f"(?P<{name}>{_EVENTS[name]})" for name in sorted(_NATURAL)) + r")\b",
    re.IGNORECASE,
)
# An accident at sea is told as a crash, a sinking or a collapse; a storm floods.
_TOLD_AS: dict[str, frozenset[str]] = {
    "crash": frozenset({"crash", "collapse"}),
    "flood": frozenset({"flood", "storm"}),
    "tornado": frozenset({"tornado", "storm"}),
    "storm": frozenset({"storm", "flood"}),
    "attack": frozenset({"attack", "shooting", "blast", "war"}),
    "shooting": frozenset({"shooting", "attack"}),
    "blast": frozenset({"blast", "attack"}),
    "collapse": frozenset({"collapse", "crash"}),
}
_PEOPLE = frozenset(
    "people person persons individuals residents victims lives deaths fatalities casualties dead "
    "humans inhabitants civilians locals toll".split()
)
_EVERYBODY = re.compile(r"\s+(?:wo)?men,?(?: and)? (?:wo)?men,? and children\b", re.IGNORECASE)
_SOMEBODY = re.compile(r"\w+(?:ists|ers|ors|ees|ians|men|women|ants|ives)")
# Asked for, these are just people.
_ANYBODY = frozenset(
    "people person death fatality life live victim casualty dead toll individual human".split()
)
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
_DEMONYMS = (
    ("gaza", "palestin"),
    ("bank", "palestin"),
    ("dutch", "netherl"),
    ("britain", "briton"),
)

_TOKEN = re.compile(r"[\w$€£¥][\w’'.,-]*[\w]|[\w]|[,;:—–()“”\"]")
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
_STOP = _AUXILIARY | frozenset(
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
_SPEECH = (
    r"(?:sa(?:id|ys?)|told|tells?|report(?:s|ed)?|announc(?:ed|es)|confirm(?:ed|s)|"
    r"estimat(?:ed?|es)|"
    r"add(?:ed|s)|wrote|believe[sd]?|acknowledged|according to)"
)
_SPEAKER_FIRST = re.compile(
    rf"^[^,;]{{0,120}}?\b{_SPEECH}\b(?:[^,;]{{0,60}}?\bthat\b)?", re.IGNORECASE
)
_PROPER = r"(?:[A-Z][\w’'-]*(?:\.(?=\s[A-Z]))?(?:\s+(?:of|de|del|la|al)?\s*[A-Z][\w’'-]*)*)"
_PLACE = re.compile(
    rf"\b(?:in|at|near|outside|across|around|from|on|along|throughout)\s+(?:the\s+)?"
    rf"(?P<kind>(?:[a-z][\w-]*\s+){{0,4}}(?:of\s+|called\s+|named\s+)?)(?P<name>{_PROPER})"
)
_SMALL_PLACE = re.compile(
    r"\b(?:(?:in|across|throughout|from|at) (?:the|that|this|one|his|her|their|a) (?:\w+ )?"
    r"(?:county|city|town|village|camp|district|parish|neighborhood|neighbourhood|house|home|"
    r"hospital|"
    r"school|hotel|building|resort|single \w+)(?! (?:of|and|where))|(?:the|that) "
    r"(?:county|city|town|village|camp|district|parish)(?:[’']s|\s+(?:now\s+|also\s+|has\s+|"
    r"have\s+)*(?:reports?|"
    r"reported|confirmed|counted|recorded|suffered|lost))|countywide|citywide)\b",
    re.IGNORECASE,
)
_STATE_PLACE = re.compile(
    r"\b(?:in (?:the|that|this|one) (?:state|province)|(?:the|that) (?:state|province)[’']s|"
    r"statewide|(?:the|that) (?:state|province) alone)\b",
    re.IGNORECASE,
)
_OWN_COUNT = re.compile(
    rf"(?P<name>{_PROPER})\s+(?P<office>(?:officials|authorities|coroners?|deputies)\s+)?"
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
_OPENING_PLACE = re.compile(rf"^(?:In|At|Near|Outside|Across|Around)\s+[^,;]*?{_PROPER}[^,;]*,")
_WHOSE_TOLL = re.compile(
    rf"(?P<name>{_PROPER})(?:[’']s?)?\s+(?:[\w-]+-related\s+|overall\s+|total\s+|confirmed\s+)*"
    r"(?:death\s+toll|toll|deaths|death\s+tally)\b"
)
_LABEL = re.compile(rf"^[\s•*·–-]*(?P<name>{_PROPER}):\s")
_LOCAL_OFFICE = re.compile(
    r"(?P<name>[A-Z][\w’'-]*\s+(?:County|Parish|City|Township))(?:[’']s)?\s+(?:[Oo]ffic|"
    r"[Aa]uthorit|"
    r"[Cc]oroner|[Ss]heriff|[Mm]anager|[Jj]udge|[Mm]ayor|[Cc]ommission|[Ee]mergency|[Ee]xecutive|"
    r"[Pp]olice|[Ff]ire|[Mm]edical|[Ss]pokes)"
)
_FRAGMENT = re.compile(r"^\W*[\w\s.]{0,40}:\s*[\d,.]+\W*$|^\s*[:|]")
_STATE_CODE = re.compile(r"\b(?!US|UN|EU|UK|AP|PM|AM)[A-Z]{2}\b(?![’'])")
_REGION = re.compile(
    r"\b(?:South|North|East|West|Southeast|Northeast|Northwest|Southwest|Midwest|Gulf Coast|"
    r"East Coast|U\.?S\.?|United States|America|Europe|Asia|Africa|Caribbean|Appalachia)$"
)
_WHERE = re.compile(
    rf"(?P<name>{_PROPER}),?\s+(?:which\s+\w+\s+)?where\b(?!.*\bwhere\b)", re.DOTALL
)
_NAMED_EVENT = re.compile(
    r"\b(?:Hurricane|Typhoon|Cyclone|Storm)s?\s+(?P<behind>[A-Z][a-z]+)|"
    r"(?P<before>[A-Z][a-z]+)(?:\s+[A-Z][a-z]+)?\s+(?:Fire|Flood|Earthquake|earthquake|quake|"
    r"fire|floods?)\b"
)
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
    events = {name for name, words in _EVENTS.items() if re.search(rf"\b(?:{words})\b", lower)}
    happenings = {
        name
        for name, happening in HAPPENINGS.items()
        if re.search(rf"\b(?:{_either(happening)})\b", _without_events(lower, head))
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
            (match["behind"] or match["before"]).lower()
            for match in _NAMED_EVENT.finditer(question)
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
        in_small_place=bool(_SMALL_PLACE.search(question)),
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
    named = {match["behind"] for match in _NAMED_EVENT.finditer(opening) if match["behind"]}
    if asked.events and any(name.lower() not in asked.names for name in named):
        return False  # an article about another storm, of which the place is a part
    return any(_names_both(asked, part, strictly=True) for part in re.split(r"[.!?]\s|\n", around))


def _names_both(asked: Asked, words: str, *, strictly: bool = False) -> bool:
    lower = words.lower()
    if asked.names and not any(_has_name(name, lower) for name in asked.names):
        return False
    if asked.thing and asked.names and asked.thing in lower:
        # What is counted says as much as the event.
        return True
    kinds = {
        name
        for event in asked.events
        for name in ({event} if strictly else _TOLD_AS.get(event, {event}))
    }
    return not kinds or any(re.search(rf"\b(?:{_EVENTS[name]})\b", lower) for name in kinds)


def may_tell(asked: Asked, sentence: str) -> bool:
    """Say whether a sentence has a word that says what is asked for; cheap, never too strict."""
    if asked.of_a_part or not asked.happenings or asked.unit != "count":
        return True
    if asked.thing and asked.thing in sentence.lower():
        return True
    return any(_patterns(HAPPENINGS[name])[0].search(sentence) for name in asked.happenings)


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
        _has_name(name, sentence.lower()) for name in asked.names
    ):
        return []  # a line of a table: what it is about stands elsewhere
    clauses = [_clause(sentence, quantities, index) for index in range(len(quantities))]
    found = [
        _told(sentence, quantity, clause, asked.happenings)
        for quantity, clause in zip(quantities, clauses, strict=True)
    ]
    _inherit(sentence, quantities, clauses, found)
    counted = []
    elsewhere: str | None = None
    for quantity, clause, (happening, side, _) in zip(quantities, clauses, found, strict=True):
        fit = _fit(sentence, asked, quantity, clause, happening)
        if fit <= 0:
            continue
        if _is_part(sentence, asked, quantity, clause):
            if _place(sentence, asked, quantity, clause) is None:
                elsewhere = happening
            continue
        if _is_elsewhen(sentence, asked, quantity, clause, dates, year):
            continue
        if not asked.ahead and _is_possible(sentence, quantity, clause):
            continue
        placed = _place(sentence, asked, quantity, clause)
        if (
            placed is False
            and elsewhere
            and elsewhere == happening
            and not _is_overall(sentence, clause)
        ):
            # "5 deaths in Buncombe County, toll now at 40": the second is of the same place.
            placed = None
        if placed is None:
            elsewhere = happening
            continue
        if _is_anothers(sentence, asked, quantity, clause, happening, side):
            continue
        grows = happening is not None and HAPPENINGS[happening].grows
        earlier = _is_earlier(sentence, quantity)
        counted.append(Counted(quantity, fit, placed, clause, earlier, grows))
    return counted


# --- the question ---------------------------------------------------------------------------


def fates_told(sentence: str) -> list[tuple[float, str]]:
    """Return the plain amounts of a sentence with what it says became of those counted.

    "They killed 1,200 people and abducted 250" -> 1,200 "dead", 250 "taken". Only where one of
    :data:`_FATES` is told: which of them a number counts is never a matter of wording.
    """
    taken = [(date.start, date.end) for date in dates_in(sentence, None)]
    quantities = [one for one in quantities_in(sentence, taken=taken) if one.unit == ""]
    clauses = [_clause(sentence, quantities, index) for index in range(len(quantities))]
    found = [
        _told(sentence, quantity, clause, frozenset())
        for quantity, clause in zip(quantities, clauses, strict=True)
    ]
    _inherit(sentence, quantities, clauses, found)
    told = []
    for quantity, (name, _, _) in zip(quantities, found, strict=True):
        named = _fate_of_number(sentence[: quantity.start]) or name
        if quantity.amount is not None and named in _FATES:
            told.append((quantity.amount, named))
    return told


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
        for match in _patterns(HAPPENINGS[name])[0].finditer(words)
    ]
    return min(found)[1] if found else None


def _either(happening: Happening) -> str:
    return "|".join(words for words in (happening.verbs, happening.nouns) if words)


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
        if word in _STOP or word in ("people", "die", "died"):
            words = words or ([word] if word == "people" else [])
            break
        if words and any(re.fullmatch(HAPPENINGS[name].verbs, word) for name in happenings):
            break
        words.append(word)
    return _singular(words[-1]) if words else ""


def _singular(word: str) -> str:
    if word in ("children", "people", "men", "women"):
        return {"children": "child", "men": "man", "women": "woman"}.get(word, word)
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _names(question: str) -> frozenset[str]:
    events = "|".join(_EVENTS.values())
    words = re.findall(r"(?<=[^\W.])[\s“\"(]+([A-Z][\w’'-]*)", question)
    found = {re.sub(r"[’']s?$", "", word).lower() for word in words}
    return frozenset(
        word
        for word in found
        if not re.fullmatch(events, word)
        and not _is_time(word.capitalize())
        and word not in ("i", "the", "of")
    )


def _has_name(name: str, lower: str) -> bool:
    return re.search(rf"\b{re.escape(name)}", lower) is not None or any(
        name == place and people in lower for place, people in _DEMONYMS
    )


# --- what a number counts -------------------------------------------------------------------


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


def _told(
    sentence: str, quantity: Quantity, clause: tuple[int, int], asked: frozenset[str]
) -> tuple[str | None, Side | None, int]:
    """Return what happened to what a quantity counts, on which side it is told, how far away.

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
    return (best[2], best[3], best[0]) if best else (None, None, 99)


@functools.cache
def _patterns(happening: Happening) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return what finds a happening: in either form, as a verb, as a noun (which may be none)."""
    nouns = happening.nouns or r"(?!)"
    return (
        re.compile(rf"\b(?:{_either(happening)})\b", re.IGNORECASE),
        re.compile(rf"\b(?:{happening.verbs})\b", re.IGNORECASE),
        re.compile(rf"\b(?:{nouns})\b", re.IGNORECASE),
    )


def _distances(happening: Happening, left: str, right: str, beyond: str) -> list[tuple[int, Side]]:
    either, verbs, nouns = _patterns(happening)
    found: list[tuple[int, Side]] = []
    for match in either.finditer(right):
        between = _TOKEN.findall(right[: match.start()])
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
        between = _TOKEN.findall(left[match.end() :])
        if len(between) <= 2 and not {word.lower() for word in between} & _STOP:
            found.append((len(between), "left"))
    if happening.nouns:
        for match in nouns.finditer(left):
            lead = left[match.end() :]
            between = _TOKEN.findall(lead)
            if len(between) <= 22 and (_LINKS.search(lead) or _RISES.search(lead)):
                # What leads up to a number is far away and yet about it.
                found.append((min(4, len(between)), "left"))
    return found


def _inherit(
    sentence: str,
    quantities: Sequence[Quantity],
    clauses: Sequence[tuple[int, int]],
    found: list[tuple[str | None, Side | None, int]],
) -> None:
    """Give what is said once of several amounts to each ("twelve soldiers and three civilians")."""
    for index in range(len(found) - 2, -1, -1):
        name, side, _ = found[index + 1]
        between = sentence[quantities[index].end : quantities[index + 1].start]
        if (
            found[index][0] is None
            and side == "right"
            and re.fullmatch(r"\s[\w’\s-]{0,40}\b(?:and|or)\s+", between)
        ):
            found[index] = (name, side, 9)
    for index in range(1, len(found)):
        if found[index][0] is not None:
            continue
        left = sentence[clauses[index][0] : quantities[index].start]
        right = sentence[quantities[index].end : clauses[index][1]]
        if _RISES.search(left) and found[index - 1][0] is not None:
            found[index] = (found[index - 1][0], "left", 9)
            continue
        behind = _TOKEN.findall(right)
        alone = (
            not behind
            or behind[0].lower() in _PLACING
            or (len(behind) <= 2 and behind[0].lower() not in _STOP)
        )
        if alone and found[index - 1][0] is not None:
            found[index] = (found[index - 1][0], "left", 9)


def _counted_words(sentence: str, quantity: Quantity, clause: tuple[int, int]) -> list[str]:
    """Return the words of the thing that stands behind a quantity: "Palestinian prisoners"."""
    words: list[str] = []
    if _EVERYBODY.match(sentence, quantity.end):
        return ["people"]
    for word in _TOKEN.findall(sentence[quantity.end : clause[1]]):
        lower = word.lower()
        if not words and lower == "of":
            continue  # "dozens of people"
        if lower in _STOP or not word[0].isalnum() or _is_time(word):
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
        and any(_has_name(name, sentence.lower()) for name in asked.names)
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
        if _patterns(HAPPENINGS[happening])[0].fullmatch(word):
            break
        last = word.lower()
    return last


def _compare_things(
    asked: Asked, words: Sequence[str], happening: str | None
) -> Literal["same", "people", "none", "part", "other"]:
    lower = [word.lower() for word in words]
    singular = [_singular(word) for word in lower]
    # What happened ends the thing: "104 deaths", "27 campers died".
    cut = len(lower)
    if happening is not None:
        for index, word in enumerate(lower):
            if re.fullmatch(_either(HAPPENINGS[happening]), word):
                cut = index
                break
    before = lower[:cut]
    if asked.thing:
        same = next((group for group in _SAME_THINGS if asked.thing in group), frozenset())
        wanted = {asked.thing} | same
        if any(
            word in wanted or word.startswith(asked.thing) or word.endswith(asked.thing)
            for word in singular
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
        and word.lower() not in _OPENERS
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


_OTHER_PLACES = frozenset(
    {"south sudan", "west virginia", "new mexico", "north korea", "south korea"}
)
_OPENERS = frozenset(
    "the a an in on at by but and as after before since while when with some about more at "
    "least up "
    "nearly almost according officials police authorities it he she they his her their its "
    "this that "
    "for from of over under however still so far among many most all".split()
)
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
    if any(name == place and word.startswith(people) for place, people in _DEMONYMS):
        return True
    return len(name) > 3 and word[:4] == name[:4]


def _near_stem(sentence: str, asked: Asked, quantity: Quantity, clause: tuple[int, int]) -> bool:
    near = sentence[clause[0] : quantity.start].split()[-8:] + _TOKEN.findall(
        sentence[quantity.end : clause[1]]
    )
    stems = {word.lower().strip(',.;:“”"')[:5] for word in near}
    return bool(stems & _other_stems(asked))


def _other_stems(asked: Asked) -> frozenset[str]:
    """Return the stems of the question's words but for what is counted."""
    if not asked.thing:
        return asked.stems
    return frozenset(stem for stem in asked.stems if not stem.startswith(asked.thing[:4]))


# --- a part, another time, another place ----------------------------------------------------


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
    for match in _NAMED_EVENT.finditer(words):
        name = (match["behind"] or match["before"]).lower()
        if name in ("the", "flash", "this", "that") or name in asked.names:
            continue
        if not any(_has_name(known, words.lower()) for known in asked.names):
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
    told_as = (_TOLD_AS.get(event, frozenset()) for event in asked.events)
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


def _place(sentence: str, asked: Asked, quantity: Quantity, clause: tuple[int, int]) -> bool | None:
    """Say whether a clause names the place asked about; None if it names another."""
    left = sentence[clause[0] : quantity.start]
    right = sentence[quantity.end : clause[1]]
    own = _own_count(left, right)
    if not asked.in_small_place and asked.names and _SMALL_PLACE.search(left):
        return None
    said = _SPEAKER_FIRST.match(left)
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
        if match and match["name"].split()[0].lower() not in _OPENERS:
            places.append(match["name"])
    places = [
        name for name in places + own if not _is_time(name) and not _names_the_event(name, asked)
    ]
    local = _LOCAL_OFFICE.search(sentence)
    if local and not places and not _is_overall(sentence, clause):
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
    if not asked.in_small_place and _SMALL_PLACE.search(here):
        return None
    return False


def _is_overall(sentence: str, clause: tuple[int, int]) -> bool:
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
    more = re.match(rf"(?:,\s+{_PROPER})*,?\s+and\s+(?:in\s+)?{_PROPER}", sentence[end:])
    if not more:
        return words
    return words + "".join(f" in {name}" for name in re.findall(_PROPER, more.group()))


def _is_wide(names: Sequence[str]) -> bool:
    """Say whether places make up more than a part: a region, a country, several states."""
    return len(names) > 1 or any(_REGION.search(name) for name in names)


def _names_the_event(name: str, asked: Asked) -> bool:
    lower = name.lower()
    return any(word in lower for word in asked.event_names) or bool(
        re.search(r"\b(?:Hurricane|Storm|Typhoon|Cyclone)\b", name)
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
    said = _SPEAKER_FIRST.match(left)
    subject = left[said.end() :] if said else left
    named = [name for name in re.findall(_PROPER, subject) if not _is_time(name)]
    named = [
        name
        for name in named
        if {word.lower() for word in name.split()} - _OPENERS
        and name.lower()[:5] not in asked.stems
    ]
    if not named:
        return False
    return not any(_has_name(name, subject.lower()) for name in asked.names)


def _is_time(name: str) -> bool:
    return bool(
        re.match(
            r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|January|February|March|April|May|June|"
            r"July|"
            r"August|September|October|November|December|Christmas|Easter|Thanksgiving",
            name,
        )
    )


def _is_asked_place(name: str, asked: Asked) -> bool:
    lower = name.lower()
    if lower in _OTHER_PLACES and lower.split()[0] not in asked.names:
        return False
    return any(_has_name(word, lower) for word in asked.places)
