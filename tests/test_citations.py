"""A statement held against the words that it cites."""
# ruff: noqa: E501

from __future__ import annotations

import json
import logging
import random
import re
from collections.abc import Callable

import pytest

import rag
from rag.citations import (
    attribution_in,
    check,
    is_quoted_truly,
    may_have_a_verb,
    quotes_in,
    stem,
)
from rag.generative import Evidence

DOHA = (
    "Israeli Prime Minister Benjamin Netanyahu has recalled senior members of Israel’s negotiating "
    "team from Doha, Qatar, following what Israeli officials described as Hamas’s firm refusal to "
    "accept a proposal for the release of hostages."
)
HELD = (
    "About 50 hostages remain in Hamas captivity, but many of them are most likely dead, Israeli "
    "officials say."
)
ENVOY = (
    "Steve Witkoff, the president’s special envoy, said in a statement that the latest response "
    "showed “a lack of desire to reach a cease-fire in Gaza.”"
)

# Sentences of the five seed articles, shortened by hand; each is true of them.
SHORTENED = """
Netanyahu has recalled senior members of Israel's negotiating team from Doha.
The decision leaves a minimal Israeli presence in Doha.
The move marks a significant setback to international efforts.
On October 7, 2023, Hamas launched an unprecedented cross-border assault on Israeli targets.
Hamas launched an assault on Israeli civilian and military targets on October 7, 2023.
The coordinated attack resulted in the deaths of approximately 1,200 Israelis.
Hamas has repeatedly refused to accept any deal that does not include a permanent ceasefire in Gaza.
On October 7, 2023, Israel faced the deadliest assault on its civilian population since its founding.
The militants killed more than 1,200 people and abducted at least 250 hostages.
Israel launched Operation Iron Swords, a sustained military campaign.
The Israel Defense Forces combined precision air strikes with targeted ground incursions.
As of June 2024, more than 120 hostages remain unaccounted for.
Hamas demanded ironclad guarantees of a permanent ceasefire and an Israeli military withdrawal.
Qatar has played a central role as mediator.
Egyptian intelligence and U.S. diplomatic envoys have also taken part in these efforts.
Iran's Islamic Revolutionary Guard Corps and its proxy militias support Hamas both militarily and ideologically.
Israeli families of hostages have held frequent demonstrations in Jerusalem and Tel Aviv.
Israel has faced mounting pressure at home and from segments of the international community.
Over 1,000 convicted terrorists were released for a single Israeli soldier.
Israeli commandos rescued hostages from Uganda.
U.S. officials have called for renewed efforts to address the humanitarian situation in Gaza.
The consequences of the breakdown in Doha are far-reaching.
The Israeli government and President Trump's Middle East envoy said on Thursday that they were recalling the teams.
The teams had been negotiating on a Gaza cease-fire with Hamas, the Israeli government and President Trump's Middle East envoy said.
Steve Witkoff said the latest response showed “a lack of desire to reach a cease-fire in Gaza.”
Several weeks ago, Mr. Trump had declared that a cease-fire was only days away.
On Thursday morning, Hamas responded to the latest Israeli cease-fire proposal.
There have been several near-deals that collapsed.
Prime Minister Benjamin Netanyahu told Mr. Trump that he doubted Hamas was serious about a cease-fire.
About 50 hostages remain in Hamas captivity, Israeli officials say.
Israeli officials say about 50 hostages remain in Hamas captivity.
According to Israeli officials, about 50 hostages remain in Hamas captivity.
Mr. Netanyahu has set forth a series of demands for the governing of postwar Gaza.
Israeli and American officials had envisioned a cease-fire of up to 60 days.
Israeli and American officials had envisioned a cease-fire of up to sixty days.
Mr. Netanyahu said the only acceptable outcome was for Hamas to lay down its arms and surrender.
Neither Mr. Netanyahu nor Mr. Witkoff said the talks were over.
The prime minister's office said Israel's team was recalled “for additional consultations in Israel.”
Mr. Witkoff said the United States had also decided to pull its team from Doha.
The Trump administration appears keen to avoid that perception.
Mr. Netanyahu faces mounting pressure from his far-right coalition partners.
Two of his coalition parties severed ties with the government over a bill.
Israel's military campaign has continued and expanded.
The Israeli military ordered the evacuation of much of the city of Deir al-Balah.
Mr. Netanyahu suggested on Thursday evening that negotiations had not yet come to an end.
Protesters gathered at several locations on Thursday evening.
In Tel Aviv, protesters gathered at several locations on Thursday evening.
Tens of thousands assembled at a major square, according to the local media.
U.S. and Israeli officials abruptly pulled their negotiating teams out of Qatar on Thursday.
On Thursday, U.S. and Israeli officials pulled their negotiating teams out of Qatar.
“Hamas is the obstacle,” Netanyahu said.
The abrupt shift follows weeks of indirect discussions in Qatar.
20 of the 50 remaining hostages are still believed to be alive in Hamas custody.
Hamas rejected those proposals twice in one week.
Arab mediators labeled Hamas's earlier reply “not serious.”
Hamas demands a full withdrawal of Israeli troops.
Israel insists Hamas must disarm.
IDF units are advancing into Hamas-held areas in Gaza.
Hamas may soon face a new phase of conflict.
The breakdown in diplomacy marks a turning point.
""".strip().splitlines()

ENTITIES = (
    "Netanyahu", "Witkoff", "Trump", "Hamas", "Israel", "Qatar", "Egypt", "Iran", "Hezbollah",
    "Doha", "Gaza", "Jerusalem", "Tel Aviv", "Washington", "Thursday", "Reuters",
)  # fmt: skip
SPEAKERS = (
    "Israeli officials", "Hamas officials", "three Israeli officials", "the prime minister’s office",
    "Mr. Witkoff", "Mr. Netanyahu", "Netanyahu", "Steve Witkoff", "the local media",
    "U.S. officials", "Western officials", "A senior Israeli official", "Israeli authorities",
    "Officials from several countries",
)  # fmt: skip


@pytest.fixture(scope="module")
def evidence(seeds_archive: rag.Archive) -> Evidence:
    hits = seeds_archive.search("hostages Gaza Israel Hamas talks", limit=1000)
    return Evidence([hit.passage for hit in hits])


@pytest.fixture(scope="module")
def sentences(evidence: Evidence) -> list[str]:
    """140 of the articles' own sentences, always the same."""
    whole = sorted(
        {
            passage.sentence_text(span)
            for passage in evidence.passages
            for span in passage.sentences
            if 8 <= len(passage.sentence_text(span).split()) <= 45
        }
    )
    return random.Random(7).sample(whole, min(140, len(whole)))


# --- changing one thing ---------------------------------------------------------------------------


def negated(text: str) -> str | None:
    for pattern, instead in (
        (r"\b(do|does|did|is|are|was|were|has|have|had|will|would|may|must) not\b", r"\1"),
        (r"\b(is|are|was|were|has|have|had|will|would|may|must|should|could)\b", r"\1 not"),
        (r"(?<=[a-z] )(\w{3,}ed)\b", r"never \1"),
    ):
        changed = re.sub(pattern, instead, text, count=1)
        if changed != text:
            return changed
    return None


def other_entity(text: str) -> str | None:
    there = sorted({name for name in ENTITIES if re.search(rf"\b{name}\b", text)}, key=text.index)
    if not there:
        return None
    if len(there) > 1:  # two change places
        one, two = there[:2]
        return re.sub(rf"\b(?:{one}|{two})\b", lambda m: two if m.group() == one else one, text)
    other = ENTITIES[(ENTITIES.index(there[0]) + 5) % len(ENTITIES)]
    return re.sub(rf"\b{there[0]}\b", other, text)


def other_number(text: str) -> str | None:
    found = re.search(r"\b\d[\d,]*\b", text)
    if found:
        value = int(found.group().replace(",", ""))
        return text[: found.start()] + str(value + max(1, value // 10)) + text[found.end() :]
    words = {"two": "three", "three": "two", "several": "two", "once": "twice", "twice": "once",
             "one": "two", "second": "third", "sixty": "thirty", "half": "all"}  # fmt: skip
    found = re.search(rf"\b(?:{'|'.join(words)})\b", text)
    return text[: found.start()] + words[found.group()] + text[found.end() :] if found else None


def other_speaker(text: str) -> str | None:
    for at, who in enumerate(SPEAKERS):
        if re.search(rf"\b{re.escape(who)}(?:,[^,]+,)? (?:say|said|argue|note)|to {who}", text):
            other = SPEAKERS[(at + 4) % len(SPEAKERS)]
            return text.replace(who, other)
    return None


def without_speaker(text: str) -> str | None:
    changed = re.sub(
        r", (?:according to [^,.]+|[^,]+ (?:officials|authorities) (?:say|said))\.$", ".", text
    )
    if changed == text:
        changed = re.sub(
            r"^(?:According to [^,]+, |[A-Z][\w.’' ]+? (?:said|say|told Mr\. Trump)"
            r"(?: in a statement| on Thursday)? (?:that )?(?!“))",
            "",
            text,
        )
    return changed[0].upper() + changed[1:] if changed != text else None


def other_tense(text: str) -> str | None:
    for pattern, instead in (
        (r"\bhas been\b|\bhave been\b", "will be"),
        (r"\b(?:will|would|may) (be|\w{3,})\b", r"has already \1"),
        (r"\b(?:was|were)\b", "will be"),
        (r"\b(?:is|are)\b", "was"),
        (r"\b(?:has|have|had)\b", "will have"),
        (r"(?<=[a-z] )(\w{3,}[^e])ed\b", r"will \1"),
        (r"(?<=[a-z] )(\w{4,}[^s])s\b(?= [a-z])", r"will \1"),
    ):
        changed = re.sub(pattern, instead, text, count=1)
        if changed != text:
            return changed
    return None


CHANGES: dict[str, Callable[[str], str | None]] = {
    "negation": negated,
    "entity": other_entity,
    "number": other_number,
    "speaker": other_speaker,
    "no speaker": without_speaker,
    "tense": other_tense,
}


def test_nearly_all_true_statements_are_kept_and_few_changed_ones_pass(
    evidence: Evidence, sentences: list[str], record_property: Callable[[str, object], None]
) -> None:
    """Measured as a reader's sentence is: against the best words in all of the articles."""
    figures: dict[str, tuple[int, int]] = {}
    told: list[str] = []
    kept = [s for s in sentences if evidence.check(s).verdict == "quoted"]
    figures["kept verbatim"] = len(kept), len(sentences)
    kept_short = [s for s in SHORTENED if evidence.check(s).verdict in ("quoted", "supported")]
    figures["kept shortened"] = len(kept_short), len(SHORTENED)
    for name, change in CHANGES.items():
        changed = [(s, c) for s in (*sentences, *SHORTENED) if (c := change(s)) and c != s]
        passed = [
            c
            for _, c in changed
            # One whose speaker was put back does not pass as it was.
            if (found := evidence.check(c)).verdict in ("quoted", "supported") and found.text == c
        ]
        for text in passed:
            told.append(f"passed: {name}: {text}")
        figures[name] = len(passed), len(changed)
    for text in set(SHORTENED) - set(kept_short):
        told.append(f"lost: {text}: {evidence.check(text).reasons}")
    logging.getLogger(__name__).info("%s\n%s", json.dumps(figures), "\n".join(told))
    record_property("figures", json.dumps(figures))

    assert figures["kept verbatim"][0] == figures["kept verbatim"][1]
    assert figures["kept shortened"][0] >= 0.85 * figures["kept shortened"][1]
    for name in CHANGES:
        passed, tried = figures[name]
        assert tried >= 15, name
        assert passed <= 0.05 * tried, name


@pytest.mark.parametrize(
    ("statement", "words", "verdict"),
    [
        (DOHA, DOHA, "quoted"),
        ("Netanyahu has recalled senior members of the team from Doha.", DOHA, "supported"),
        ("Netanyahu has not recalled senior members of the team.", DOHA, "unsupported"),
        ("Hamas has recalled senior members of Israel's negotiating team.", DOHA, "unsupported"),
        ("Netanyahu will recall senior members of the team from Doha.", DOHA, "partly"),
        ("About 50 hostages remain in captivity, Israeli officials say.", HELD, "supported"),
        ("About fifty hostages remain in captivity, Israeli officials say.", HELD, "supported"),
        ("About 60 hostages remain in captivity, Israeli officials say.", HELD, "unsupported"),
        ("About 50 hostages remain in captivity, Hamas officials say.", HELD, "unsupported"),
        ("About 50 hostages remain in Hamas captivity.", HELD, "partly"),
        ("50 hostages remain in Hamas captivity, Israeli officials say.", HELD, "partly"),
        ("Witkoff said it showed “a lack of desire.”", ENVOY, "supported"),
        ("Witkoff said it showed “a complete lack of desire.”", ENVOY, "unsupported"),
        ("Elephants fly to the moon.", DOHA, "unsupported"),
        ("", DOHA, "unsupported"),
        ("Netanyahu has recalled the team.", "", "unsupported"),
        ("🙂", DOHA, "unsupported"),
    ],
)
def test_a_statement_is_judged_by_the_words_it_cites(
    statement: str, words: str, verdict: str
) -> None:
    assert rag.check(statement, words).verdict == verdict


def test_a_verdict_below_supported_says_why() -> None:
    found = check("About 60 hostages remain in captivity, Israeli officials say.", HELD)

    assert "The number 60 is not in the cited words." in found.reasons


def test_a_quote_is_true_only_to_the_letter() -> None:
    assert is_quoted_truly("a lack of desire", ENVOY)
    assert is_quoted_truly("a lack of desire to reach a cease-fire in Gaza", ENVOY)
    assert not is_quoted_truly("lack of a desire", ENVOY)
    assert not is_quoted_truly("ack of desire", ENVOY)
    assert quotes_in('He said "one" and “two”.') == ["one", "two"]


def test_the_speaker_is_found_or_left_open() -> None:
    assert attribution_in(HELD) == "Israeli officials"
    assert attribution_in(ENVOY) == "Steve Witkoff"
    assert attribution_in("He said it was over.") is None
    assert attribution_in("The talks are over.") is None


def test_the_forms_of_a_word_are_one_word() -> None:
    assert stem("recalled") == stem("recalls") == stem("recall")
    assert stem("Israeli") == stem("Israel")
    assert stem("parties") == stem("party")


@pytest.mark.parametrize("text", [" " * 10_000, "a " * 20_000, "שלום " * 500, "1,2,3." * 2000])
def test_odd_text_is_judged_without_trouble(text: str) -> None:
    assert check(text, DOHA).verdict == "unsupported"
    assert check("Netanyahu left.", text).verdict == "unsupported"


FATES = "Militants killed more than 1,200 people, abducted at least 250 and hurt 3,000."


@pytest.mark.parametrize(
    "statement",
    [
        "More than 1,200 people were abducted.",
        "The number of people abducted is 1,200.",
        "Militants hurt at least 250.",
        "At least 250 people are dead.",
    ],
)
def test_a_number_keeps_what_became_of_those_it_counts(statement: str) -> None:
    found = check(statement, FATES)

    assert found.verdict == "unsupported"
    assert "count" in found.doubts


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("More than 1,200 people were killed.", FATES),
        ("The number of people killed is 1,200.", FATES),
        ("120 hostages are still missing.", "120 hostages remain unaccounted for."),
        ("51 people remain in custody.", "Police arrested 51 people."),
    ],
)
def test_the_same_fate_in_other_words_is_the_same(statement: str, words: str) -> None:
    assert "count" not in check(statement, words).doubts


def test_he_is_not_she_and_a_sum_no_average() -> None:
    learned = "The last time was on 2 July, and it was then that she learned of it."
    assert check(learned.replace("she", "he"), learned).doubts == {"person"}
    assert check("Her husband says he left.", "Her husband, a baker, says he left.").doubts == set()

    paid = "The ransom was $2.6 million."
    assert check("The average ransom was $2.6 million.", paid).doubts >= {"measure"}
    assert (
        check("The average ransom was $2 million.", "The average ransom was $2 million.").reasons
        == ()
    )


@pytest.mark.parametrize(
    ("text", "has_one"),
    [
        ("Hamas leader Benjamin Netanyahu.", False),
        ("The United States.", False),
        ("Netanyahu leads Hamas.", True),
        ("The talks are over.", True),
        ("Hamas rejected it.", True),
    ],
)
def test_a_name_alone_has_no_verb(text: str, has_one: bool) -> None:
    assert may_have_a_verb(text) is has_one
