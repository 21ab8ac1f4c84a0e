"""What a question asks for, and whether a sentence has it."""

from __future__ import annotations

import pytest

from rag.question import (
    asks_when_published,
    class_words,
    fits,
    kind_of,
    looks_english,
    name_words,
    names,
    office_holder,
)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many hostages remain?", "number"),
        ("What is the population of Gaza?", "number"),
        ("How long a cease-fire had officials envisioned?", "duration"),
        ("How many days did it last?", "duration"),
        ("When did the war begin?", "date"),
        ("On what date was the report updated?", "date"),
        ("Who is Israel's defense minister?", "person"),
        ("Where were the talks held?", "place"),
        ("Which part of Gaza was evacuated?", "place"),
        ("Why did two parties leave the coalition?", "reason"),
        ("What did Witkoff say about Hamas?", "quote"),
        ("Which countries mediate?", "list"),
        ("What does Hamas demand?", "list"),
        ("What is the name of the campaign?", "name"),
        ("Are the negotiations over?", "yes_no"),
        ("Tell me about Entebbe.", "open"),
    ],
)
def test_a_question_is_known_by_what_it_asks_for(question: str, kind: str) -> None:
    assert kind_of(question) == kind


def test_a_number_beside_what_is_counted_fits_better_than_another_number() -> None:
    question = "How many hostages remain?"

    assert fits("number", "About 50 hostages remain in captivity.", question) == 1.0
    assert fits("number", "Some 300 protesters gathered in the square.", question) == 0.5
    assert fits("number", "The talks went on.", question) == 0.0


def test_a_year_is_no_amount_and_a_length_of_time_counts_nothing() -> None:
    question = "How many prisoners were released?"

    assert fits("number", "Prisoners were released in March 2011.", question) == 0.0
    assert fits("number", "The last prisoner swap was six months ago.", question) < 1.0


def test_a_number_that_the_question_has_itself_does_not_answer_it() -> None:
    assert fits("number", "The 12 men were released.", "How many of the 12 were released?") == 0.0


def test_a_person_named_beside_the_role_fits_a_who_question() -> None:
    question = "Who is the special envoy?"

    assert fits("person", "Steve Witkoff, the special envoy, spoke.", question) == 1.0
    assert fits("person", "The talks in Doha collapsed.", question) == 0.0


def test_the_class_that_is_asked_for_is_not_expected_in_the_answer() -> None:
    assert class_words("Which countries mediate?") == {"countries"}
    assert class_words("What is the name?") == frozenset()


def test_a_question_about_an_articles_own_date_is_recognised() -> None:
    assert asks_when_published("On what date was the report about the talks updated?")
    assert not asks_when_published("When did the war begin?")


def test_names_are_those_of_people_places_and_years() -> None:
    assert names("What happened at Entebbe in 1976?") == {"entebbe", "1976"}


@pytest.mark.parametrize(
    ("question", "english"),
    [
        ("How many hostages remain?", True),
        ("Witkoff Doha?", True),
        ("Who is El Chapo?", True),
        ("What did Le Monde say about the des Moines talks?", True),
        ("Wie viele Geiseln sind noch da?", False),
        ("Combien d'otages sont dans la bande de Gaza ?", False),
        ("كم عدد الرهائن؟", False),
        ("Сколько заложников осталось?", False),
        ("2024?", True),
    ],
)
def test_a_question_that_is_not_english_is_told_by_its_script_and_commonest_words(
    question: str, english: bool
) -> None:
    assert looks_english(question) is english


def test_names_and_numbers_of_a_question_are_told_as_written() -> None:
    assert name_words("How many left the Hague's court in 1998?") == ["Hague", "1998"]


@pytest.mark.parametrize(
    ("question", "sentence", "holder"),
    [
        (
            "Who is Israel's defense minister?",
            "Israel’s Prime Minister Benjamin Netanyahu, Defense Minister Israel Katz, and the "
            "Chief of Staff have described the attack.",
            "Israel Katz",
        ),
        (
            "Who is the special envoy?",
            "Steve Witkoff, the president’s special envoy, said in a statement that it was over.",
            "Steve Witkoff",
        ),
        ("Who is the finance minister?", "The finance minister resigned.", None),
        ("Who attacked the village?", "Captain Henrik Vaas said the village burnt.", None),
    ],
)
def test_an_office_is_given_to_whom_the_sentence_gives_it(
    question: str, sentence: str, holder: str | None
) -> None:
    assert office_holder(question, sentence) == holder
