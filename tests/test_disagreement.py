"""Values as sources word them, what they count, as of when, and how they differ."""

from __future__ import annotations

import datetime as dt

import pytest
from reading_cases import SENTENCES, STORIES, Sentence, Story
from unseen_reading_cases import UNSEEN

from rag.disagreement import (
    Evidence,
    FoundValue,
    attribution,
    evidence_in,
    read_values,
    values_in,
)
from rag.passages import split_sentences
from rag.schema import Hit, Passage, Span

QUESTION = "How many hostages remain?"


def evidence(
    path: str, published: str | dt.date | None, title: str, text: str, *, whole: bool = False
) -> list[Evidence]:
    """Every sentence of one article, all equally strong: only what they say can tell them apart."""
    day = dt.date.fromisoformat(published) if isinstance(published, str) and published else None
    day = published if isinstance(published, dt.date) else day
    spans = (Span(0, len(text)),) if whole else tuple(split_sentences(text))
    passage = Passage(path, path, 0, len(text), text, title, day, None, spans)
    return [Evidence(passage, span, 1.0, article=text) for span in spans]


def said(number: int, text: str, published: dt.date | None = None) -> list[Evidence]:
    return evidence(f"{number}.txt", published, "A title", text, whole=True)


def the_value(sentence: str, question: str) -> FoundValue | None:
    found = values_in(sentence, question)
    assert len(found) < 2
    return found[0] if found else None


READ_RIGHTLY = [case for case in (*SENTENCES, *UNSEEN) if not case.hard]


@pytest.mark.parametrize("case", READ_RIGHTLY, ids=lambda case: case.text[:60])
def test_a_sentence_gives_what_is_asked_for_and_nothing_else(case: Sentence) -> None:
    title = case.title or case.question

    found, _ = read_values(
        case.question, evidence("a.txt", case.published, title, case.text, whole=True)
    )

    words = [value.words for value in found]
    assert set(case.values) <= set(words) <= {*case.values, *case.also}
    if case.values:
        first = next(value for value in found if value.words == case.values[0])
        assert case.as_of is None or first.as_of == case.as_of
        assert case.attribution is None or first.attribution == case.attribution


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_several_articles_say_is_laid_out_newest_first(story: Story) -> None:
    found, disagreement = read_values(
        story.question, [item for article in story.articles for item in evidence(*article)]
    )

    shown = tuple((value.evidence.passage.path, value.words, value.as_of) for value in found)
    assert shown == story.readings
    assert disagreement == story.disagreement


@pytest.mark.parametrize(
    ("sentence", "words", "amount"),
    [
        ("About 50 hostages remain in captivity.", "About 50", 50),
        ("More than 1,200 hostages remain.", "More than 1,200", 1200),
        ("At the center were 50 remaining hostages, 20 of whom are alive.", "50", 50),
        ("At least twelve hostages remain.", "At least twelve", 12),
        ("Nearly 2.5 million hostages remain.", "Nearly 2.5 million", 2.5e6),
    ],
)
def test_a_value_keeps_its_hedge_to_the_letter(sentence: str, words: str, amount: float) -> None:
    value = the_value(sentence, QUESTION)

    assert value is not None
    assert value.quantity is not None
    assert (value.words, value.quantity.amount) == (words, amount)
    assert words in sentence


@pytest.mark.parametrize(
    "sentence",
    ["Talks went on for six months.", "Hamas attacked in October 2023.", "1,200 people died."],
)
def test_a_number_of_something_else_is_no_value(sentence: str) -> None:
    assert the_value(sentence, QUESTION) is None


def test_a_question_for_a_share_takes_the_number_of_the_share() -> None:
    sentence = "There were 50 remaining hostages, 20 of whom are still believed to be alive."

    value = the_value(sentence, "How many of the remaining hostages are believed to be alive?")

    assert value is not None
    assert value.words == "20"


def test_the_number_of_what_is_asked_for_is_taken() -> None:
    sentence = "Militants killed more than 1,200 people, abducted at least 250 hostages."

    killed = the_value(sentence, "How many people were killed?")
    abducted = the_value(sentence, "How many people were abducted?")

    assert killed is not None
    assert killed.words == "more than 1,200"
    assert abducted is not None
    assert abducted.words == "at least 250"


def test_values_that_differ_with_their_dates_differ_over_time_newest_first() -> None:
    found, difference = read_values(
        QUESTION,
        [
            *said(1, "As of June 2024, more than 120 hostages remain."),
            *said(2, "About 50 hostages remain, Israeli officials say.", dt.date(2025, 7, 24)),
            *said(3, "At the center were 50 remaining hostages."),
        ],
    )

    assert difference == "over_time"
    assert [(v.words, v.as_of, v.as_of_kind, v.attribution) for v in found] == [
        ("About 50", "2025-07-24", "published", "Israeli officials"),
        ("more than 120", "2024-06", "stated", None),
        ("50", None, "undated", None),
    ]


def test_values_that_differ_at_the_same_time_differ_between_sources() -> None:
    day = dt.date(2025, 7, 24)

    _, difference = read_values(
        QUESTION, [*said(1, "Some 50 hostages remain.", day), *said(2, "70 hostages remain.", day)]
    )

    assert difference == "between_sources"


def test_different_hedges_of_one_number_are_no_disagreement() -> None:
    found, difference = read_values(
        QUESTION, [*said(1, "Over 250 hostages remain."), *said(2, "Some 250 hostages remain.")]
    )

    assert len(found) == 2
    assert difference is None


@pytest.mark.parametrize(
    ("sentence", "as_of"),
    [
        ("As of June 2024, more than 120 hostages remain.", "2024-06"),
        ("As of June 5, 2024, more than 120 hostages remain.", "2024-06-05"),
        ("Since the attack of October 7, 2023, 120 hostages remain in Gaza.", None),
    ],
)
def test_only_a_date_that_the_value_stands_for_counts(sentence: str, as_of: str | None) -> None:
    value = the_value(sentence, QUESTION)

    assert value is not None
    assert value.as_of == as_of


@pytest.mark.parametrize(
    ("sentence", "who"),
    [
        ("About 50 remain, Israeli officials say.", "Israeli officials"),
        ("According to three officials, talks go on.", "three officials"),
        ("The Red Cross said that 50 remain.", "The Red Cross"),
        ("About 50 remain in captivity.", None),
        ("The storm has claimed more than 230 lives.", None),
        ("At least 90 died, according to tallies on Monday, July 7.", "tallies"),
        ("He said 50 remain.", None),
    ],
)
def test_who_says_so_is_named_as_the_source_names_them(sentence: str, who: str | None) -> None:
    assert attribution(sentence) == who


def test_a_question_for_no_amount_has_no_values() -> None:
    assert read_values("Who leads the talks?", said(1, "50 hostages remain.")) == ((), None)


def test_most_of_what_is_known_to_be_hard_gives_nothing_rather_than_something_else() -> None:
    hard = [case for case in (*SENTENCES, *UNSEEN) if case.hard]

    wrong = [
        value.words
        for case in hard
        for value in values_in(case.text, case.question)
        if value.words not in case.values
    ]

    assert wrong == []


def test_every_sentence_found_is_evidence_once_as_strong_as_it_was_read() -> None:
    (first, second) = evidence("a.txt", "2024-05-08", "T", "50 hostages remain. Talks go on.")
    hit = Hit(first.passage, 0.5, 1.0, 0.4)

    found = evidence_in(
        [hit, hit],
        article=lambda path: f"text of {path}",
        strengths={("a.txt", first.span): 7.5},
        answers={("a.txt", first.span): Span(0, 2)},
    )

    assert [(item.span, item.strength, item.answer) for item in found] == [
        (first.span, 7.5, Span(0, 2)),
        (second.span, 0.4, None),
    ]
    assert found[0].article == "text of a.txt"


def test_many_values_are_cut_to_the_best() -> None:
    items = [
        item
        for number in range(60)
        for item in said(number, f"Some {number + 100} hostages remain in Gaza.")
    ]

    found, _ = read_values(QUESTION, items)

    assert len(found) == 24
