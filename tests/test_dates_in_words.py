"""Dates as articles word them, resolved against the day of the article."""

from __future__ import annotations

import datetime as dt

import pytest

from rag.dates_in_words import dates_in

WEDNESDAY = dt.date(2024, 5, 8)


@pytest.mark.parametrize(
    ("words", "iso"),
    [
        ("on Friday", "2024-05-03"),
        ("Tuesday morning", "2024-05-07"),
        ("on Wednesday", "2024-05-08"),
        ("last Wednesday", "2024-05-01"),
        ("yesterday", "2024-05-07"),
        ("three days ago", "2024-05-05"),
        ("last month", "2024-04"),
        ("last year", "2023"),
        ("a year ago", "2023"),
        ("in December", "2023-12"),
        ("in June 2022", "2022-06"),
        ("June 5, 2022", "2022-06-05"),
        ("5 June 2022", "2022-06-05"),
        ("May 3", "2024-05-03"),
        ("December 30", "2023-12-30"),
        ("2021-02-03", "2021-02-03"),
        ("since 2019", "2019"),
    ],
)
def test_a_date_in_words_is_the_day_that_it_means(words: str, iso: str) -> None:
    (date,) = dates_in(f"It happened {words}.", WEDNESDAY)

    assert date.iso == iso
    assert not date.ahead


@pytest.mark.parametrize("words", ["next Monday", "June 5, 2024", "by 2026"])
def test_what_lies_after_the_article_is_known_as_such(words: str) -> None:
    (date,) = dates_in(f"It will happen {words}.", WEDNESDAY)

    assert date.ahead


def test_without_the_articles_day_a_weekday_stays_unknown() -> None:
    assert [date.iso for date in dates_in("On Friday and in June 2022.", None)] == [None, "2022-06"]


@pytest.mark.parametrize(
    "words", ["He may come.", "They march on.", "Some 2,019 people.", "30 June"]
)
def test_what_only_looks_like_a_date_is_none(words: str) -> None:
    if words == "30 June":
        assert dates_in("February 31, 2024", WEDNESDAY)[0].iso is None
    else:
        assert dates_in(words, WEDNESDAY) == []
