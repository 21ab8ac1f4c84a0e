"""Words as the metrics compare them."""

from __future__ import annotations

import pytest

from rag.evaluation.text import (
    holds,
    names,
    normalise,
    numbers,
    quantities,
    quoted_spans,
    sentences,
    tokens,
    without_markers,
)


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1,234.5", 1234.5, None),
        ("1 234,5", 1234.5, None),
        ("1.234.567", 1234567, None),
        ("12 %", 12, "%"),
        ("12 percent", 12, "%"),
        ("$3.4 million", 3_400_000, "usd"),
        ("3.4 million dollars", 3_400_000, "usd"),
        ("€5bn", 5_000_000_000, "eur"),
        ("(5)", -5, None),
        ("-7", -7, None),
        ("up to 60 days", 60, "day"),
        ("twenty-one people", 21, None),
        ("about two weeks", 2, "week"),
    ],
)
def test_numbers_are_read_as_news_writes_them(text: str, value: float, unit: str | None) -> None:
    found = quantities(text)[0]

    assert (found.value, found.unit) == (pytest.approx(value), unit)


def test_the_days_and_years_of_dates_are_no_quantities() -> None:
    found = quantities("On July 24, 2025, and as of June 2024 and 2025-07-24, 50 hostages remain")

    assert [quantity.value for quantity in found] == [50]


def test_a_range_or_a_score_is_no_negative_number() -> None:
    assert [q.value for q in quantities("a 2-1 vote")] == [2, 1]


def test_normal_form_drops_case_articles_and_punctuation() -> None:
    assert normalise("The cease-fire, over 1,000 days!") == "ceasefire over 1000 days"
    assert normalise("1 234 567 people") == "1234567 people"
    assert normalise("ﬁne—done") == "fine done"


def test_a_number_does_not_stand_inside_another() -> None:
    assert not holds(tokens("in 2019"), tokens("1"))
    assert holds(tokens("about 50 hostages remain"), tokens("50 hostages"))
    assert not holds(tokens("50 of the hostages"), tokens("hostages 50"))
    assert not holds(tokens("50 people remain"), tokens("50 hostages"))
    assert not holds(tokens("anything"), [])


def test_every_kind_of_quotation_mark_opens_a_quote_and_an_apostrophe_does_not() -> None:
    text = 'He said “a b,” and "x y" and «z w» and „o p“ – it\'s Hamas’s ‘q r’, don’t.'

    assert quoted_spans(text) == ["a b", "x y", "z w", "o p", "q r"]
    assert quoted_spans("It's Hamas's, the families' and Israel’s.") == []


def test_sentences_end_at_full_stops_and_not_at_abbreviations() -> None:
    text = "Mr. Trump met the U.S. team. “It left.” At 5 p.m. ET it ended? 20 came."

    assert sentences(text) == [
        "Mr. Trump met the U.S. team.",
        "“It left.”",
        "At 5 p.m. ET it ended?",
        "20 came.",
    ]


def test_names_are_capitalised_words_inside_a_sentence() -> None:
    assert names("Hamas’s reply reached Steve Witkoff’s team in Doha.") == [
        "steve",
        "witkoff",
        "doha",
    ]
    assert numbers("On July 24, 2025, 1,200 died, 3.5 % more.") == ["24", "2025", "1200", "3.5"]


def test_markers_are_taken_out_of_an_answer() -> None:
    assert without_markers("It ended. [1][12] It began [2].") == "It ended. It began."
