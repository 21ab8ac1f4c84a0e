"""Values as sources word them, and how they differ."""

from __future__ import annotations

import datetime as dt

import pytest

from rag.disagreement import attribution, read_values, stated_as_of, value_in
from rag.schema import Article, Citation

QUESTION = "How many hostages remain?"


def cited(number: int, text: str, published: dt.date | None = None) -> tuple[str, Citation]:
    article = Article(f"{number}.txt", text, "A title", published=published)
    return text, Citation(number, article, 0, len(text), text, "passage")


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
    value = value_in(sentence, QUESTION)

    assert value is not None
    assert (value.words, value.amount) == (words, amount)
    assert words in sentence


@pytest.mark.parametrize(
    "sentence",
    ["Talks went on for six months.", "Hamas attacked in October 2023.", "1,200 people died."],
)
def test_a_number_of_something_else_is_no_value(sentence: str) -> None:
    assert value_in(sentence, QUESTION) is None


def test_a_question_for_a_share_takes_the_number_of_the_share() -> None:
    sentence = "There were 50 remaining hostages, 20 of whom are still believed to be alive."

    value = value_in(sentence, "How many of the remaining hostages are believed to be alive?")

    assert value is not None
    assert value.words == "20"


def test_the_number_nearest_to_what_is_asked_for_is_taken() -> None:
    sentence = "Militants killed more than 1,200 people, abducted at least 250 hostages."

    killed = value_in(sentence, "How many people were killed?")
    abducted = value_in(sentence, "How many people were abducted?")

    assert killed is not None
    assert killed.words == "more than 1,200"
    assert abducted is not None
    assert abducted.words == "at least 250"


def test_values_that_differ_with_their_dates_differ_over_time_newest_first() -> None:
    readings, difference = read_values(
        QUESTION,
        [
            cited(1, "As of June 2024, more than 120 hostages remain."),
            cited(2, "About 50 hostages remain, Israeli officials say.", dt.date(2025, 7, 24)),
            cited(3, "At the center were 50 remaining hostages."),
        ],
    )

    assert difference == "over_time"
    assert [(r.value, r.as_of, r.as_of_kind, r.attribution, r.citation) for r in readings] == [
        ("About 50", "2025-07-24", "published", "Israeli officials", 2),
        ("more than 120", "2024-06", "stated", None, 1),
        ("50", None, "undated", None, 3),
    ]


def test_values_that_differ_at_the_same_time_differ_between_sources() -> None:
    day = dt.date(2025, 7, 24)

    _, difference = read_values(
        QUESTION, [cited(1, "Some 50 hostages remain.", day), cited(2, "70 hostages remain.", day)]
    )

    assert difference == "between_sources"


def test_different_hedges_of_one_number_are_no_disagreement() -> None:
    readings, difference = read_values(
        QUESTION, [cited(1, "Over 250 hostages remain."), cited(2, "Some 250 hostages remain.")]
    )

    assert len(readings) == 2
    assert difference is None


@pytest.mark.parametrize(
    ("sentence", "as_of"),
    [
        ("As of June 2024, more than 120 remain.", "2024-06"),
        ("As of June 5, 2024, more than 120 remain.", "2024-06-05"),
        ("By 2023 it was over.", "2023"),
        ("The attack of October 7, 2023, changed everything.", None),
    ],
)
def test_only_a_date_that_the_value_stands_for_counts(sentence: str, as_of: str | None) -> None:
    assert stated_as_of(sentence) == as_of


@pytest.mark.parametrize(
    ("sentence", "who"),
    [
        ("About 50 remain, Israeli officials say.", "Israeli officials"),
        ("According to three officials, talks go on.", "three officials"),
        ("The Red Cross said that 50 remain.", "The Red Cross"),
        ("About 50 remain in captivity.", None),
    ],
)
def test_who_says_so_is_named_as_the_source_names_them(sentence: str, who: str | None) -> None:
    assert attribution(sentence) == who
