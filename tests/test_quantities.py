"""Amounts as sentences word them."""

from __future__ import annotations

import pytest

from rag.quantities import compatible, other_hedge, quantities_in, with_hedges_of


@pytest.mark.parametrize(
    ("sentence", "words", "amount", "unit"),
    [
        ("At least 1,644 died.", "At least 1,644", 1644, ""),
        ("It cost $4.3 billion.", "$4.3 billion", 4.3e9, "money"),
        ("Worth 88 million euros.", "88 million euros", 88e6, "money"),
        ("Some 51 percent voted.", "Some 51 percent", 51, "percent"),
        ("About half of them left.", "About half", 50, "percent"),
        ("Two-thirds of the votes.", "Two-thirds", 66.67, "percent"),
        ("Twenty-three men.", "Twenty-three", 23, ""),
        ("Two hundred and fifty came.", "Two hundred and fifty", 250, ""),
        ("A truce of 45 days.", "45 days", 45, "time"),
        ("Two dozen people came.", "Two dozen", 24, ""),
    ],
)
def test_an_amount_has_hedge_number_and_unit(
    sentence: str, words: str, amount: float, unit: str
) -> None:
    (quantity,) = quantities_in(sentence)

    assert (quantity.words, quantity.amount, quantity.unit) == (words, amount, unit)
    assert sentence[quantity.start : quantity.end] == words


@pytest.mark.parametrize(
    "sentence",
    [
        "It struck at 12:50 p.m.",
        "The 230-seat parliament met.",
        "A 34-year-old man spoke.",
        "The 18th victim was found.",
        "Flight 370 vanished on Route 66.",
        "Joana Reis, 34, said so.",
        "No one came, and one of them knew why.",
    ],
)
def test_a_number_that_names_is_no_amount(sentence: str) -> None:
    assert quantities_in(sentence) == []


def test_a_range_is_one_amount_and_a_rise_is_two() -> None:
    (between,) = quantities_in("Between 15 and 20 people drowned.")
    assert (between.words, between.amount, between.upper) == ("Between 15 and 20", 15, 20)

    assert [q.amount for q in quantities_in("The toll rose from 80 to 104.")] == [80, 104]


@pytest.mark.parametrize(
    ("one", "other", "may_both_be_true"),
    [
        ("over 100", "104", True),
        ("over 100", "300", False),
        ("about 50", "52", True),
        ("120", "104", False),
        ("up to 200", "180", True),
    ],
)
def test_amounts_are_compatible_where_the_hedge_allows(
    one: str, other: str, may_both_be_true: bool
) -> None:
    (first,) = quantities_in(f"There were {one}.")
    (second,) = quantities_in(f"There were {other}.")

    assert compatible(first, second) is may_both_be_true


TOLL = "The militants killed more than 1,200 people and abducted at least 250 hostages."


@pytest.mark.parametrize(
    ("statement", "hedged"),
    [
        ("The number killed is 1,200.", "The number killed is more than 1,200."),
        ("1,200 were killed, 250 taken.", "More than 1,200 were killed, at least 250 taken."),
        ("More than 1,200 were killed.", "More than 1,200 were killed."),
        ("Some 300 were killed.", "Some 300 were killed."),
    ],
)
def test_a_bare_number_gets_the_hedge_of_its_source(statement: str, hedged: str) -> None:
    assert with_hedges_of(statement, TOLL) == hedged


def test_a_number_that_the_source_also_tells_bare_stays_bare() -> None:
    assert with_hedges_of("1,200 died.", f"{TOLL} In all 1,200 died.") == "1,200 died."


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("About 1,200 were killed.", "more than 1,200"),
        ("Fewer than 1,200 were killed.", "more than 1,200"),
        ("Over 1,200 were killed.", None),
        ("1,200 were killed.", None),
        ("About 300 were killed.", None),
    ],
)
def test_a_number_hedged_in_another_way_is_told(statement: str, told: str | None) -> None:
    assert other_hedge(statement, TOLL) == told
