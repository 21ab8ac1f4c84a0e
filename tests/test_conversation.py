"""Questions that lean on the ones before."""

from __future__ import annotations

import pytest

from rag.conversation import MAX_QUESTION_CHARACTERS, checked_question, leans, standalone
from rag.errors import QuestionError
from rag.schema import Turn


@pytest.mark.parametrize(
    "question", ["And how many of them are alive?", "Who said so?", "Why?", "What did he do?"]
)
def test_a_question_with_a_pronoun_or_an_ellipsis_leans(question: str) -> None:
    assert leans(question)


@pytest.mark.parametrize(
    "question", ["How many hostages remain?", "What did Witkoff say about Hamas's reply to it?"]
)
def test_a_question_that_names_its_subject_is_left_alone(question: str) -> None:
    assert standalone(question, ["Who is Katz?"]) == question


def test_a_leaning_question_is_searched_with_the_one_before_it() -> None:
    found = standalone("Who said so?", [Turn("First?"), {"question": "Are many dead?"}])

    assert found == "Who said so? (Are many dead?)"


@pytest.mark.parametrize("question", ["", "  \n", "x" * (MAX_QUESTION_CHARACTERS + 1)])
def test_an_empty_or_absurdly_long_question_is_refused(question: str) -> None:
    with pytest.raises(QuestionError) as refused:
        checked_question(question)

    assert refused.value.remedy


def test_a_history_of_another_shape_is_refused() -> None:
    with pytest.raises(QuestionError, match="no turn"):
        standalone("Why?", [7])  # type: ignore[list-item]
