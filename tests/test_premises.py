"""A word of the question that the nearest sentence speaks against."""

from __future__ import annotations

import pytest

from rag.premises import OPPOSITES, Clash, clash


@pytest.mark.parametrize(
    ("question", "sentence", "expected"),
    [
        (
            "Which city in northern Gaza was evacuated?",
            "The army ordered the evacuation of a city in central Gaza.",
            Clash("northern", "central"),
        ),
        ("Who was the first to leave?", "She was the last to leave.", Clash("first", "last")),
        (
            "What did the police not find?",
            "The police found two rifles in the cellar.",
            Clash("not", ""),
        ),
        ("Why didn’t the mayor resign?", "The mayor resigned on Friday.", Clash("not", "")),
        ("Whom did she never meet?", "She met the king.", Clash("never", "")),
        (
            "Who is the foreign minister?",
            "Prime Minister Anna Berg spoke in Oslo.",
            Clash("foreign minister", "Prime minister"),
        ),
    ],
)
def test_a_sentence_about_something_else_clashes(
    question: str, sentence: str, expected: Clash
) -> None:
    assert clash(question, sentence, sentence) == expected


@pytest.mark.parametrize(
    ("question", "sentence", "around"),
    [
        # The sentence has the word itself, or its neighbour does.
        ("Who was first?", "The first and the last were sisters.", ""),
        ("Which city in northern Gaza fell?", "From central Gaza they went on.", "northern Gaza"),
        # It denies in words of its own.
        ("Why did they not accept it?", "They rejected the offer as an insult.", ""),
        ("Which towns were not hit?", "Only Lund was spared.", ""),
        ("Did she say whether or not it is true?", "She said that it is true.", ""),
        # "How many" is no opposite of "few".
        ("How many were found?", "Few were found.", ""),
        # The same office in another order, and one that is told by its neighbour.
        ("Who is the defense minister?", "Minister of Defense Israel Katz spoke.", ""),
        ("Who is the foreign minister?", "The minister, Lena Holm, smiled.", "the foreign office"),
        (
            "Who is the foreign minister?",
            "Prime Minister Anna Berg spoke.",
            "Foreign Minister Lena Holm listened.",
        ),
        # Whose office is no part of its name.
        ("Who is the Danish minister?", "Prime Minister Anna Berg spoke.", ""),
        ("Who is Denmark's president?", "Norway's president spoke.", ""),
        ("How many general principles are there?", "It has 30 general principles.", ""),
        ("How many hostages remain?", "About 50 hostages remain.", ""),
        # No "not" of what is asked.
        ("I cannot open the door. What can I do?", "Turn the key and push.", ""),
        ("Which prizes, not titles, did she win?", "She won a prize.", ""),
        ("Not payment", "Payment is due in May.", ""),
    ],
)
def test_other_sentences_do_not(question: str, sentence: str, around: str) -> None:
    assert clash(question, sentence, f"{sentence} {around}") is None


def test_no_word_is_its_own_opposite() -> None:
    pairs = [pair.split() for pair in OPPOSITES.split("|")]

    assert all(len(pair) == 2 and pair[0] != pair[1] for pair in pairs)
