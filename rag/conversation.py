"""Follow-up + history -> a question that stands alone.

Only a question that leans on what came before is changed: one with a pronoun or an ellipsis and no
name of its own. The earlier question is then put behind it in brackets, so that the words of the
follow-up still lead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rag.errors import QuestionError
from rag.schema import Answer, History, Turn

MAX_QUESTION_CHARACTERS = 4000

_LEANING = re.compile(
    r"\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|this|that|these|those|there|then|"
    r"so|one|ones|former|latter)\b",
    re.IGNORECASE,
)
_CONTINUING = re.compile(r"^\s*(?:and|but|or|what about|how about)\b", re.IGNORECASE)
_WORD = re.compile(r"\w[\w.’'-]*")
# "Why?" and "Since when?" say nothing of what they are about.
_SHORT_WORDS = 2


def checked_question(question: str) -> str:
    """Return the question without surrounding white space.

    Raises:
        QuestionError: If it is empty or absurdly long.
    """
    stripped = question.replace("\0", " ").strip()
    if not stripped:
        raise QuestionError("The question is empty.", remedy="Ask something, in words.")
    if len(stripped) > MAX_QUESTION_CHARACTERS:
        raise QuestionError(
            f"The question has {len(stripped):,} characters; the limit is "
            f"{MAX_QUESTION_CHARACTERS:,}.",
            remedy="Shorten it; articles belong into the corpus folder.",
        )
    return stripped


def turns(history: History) -> list[Turn]:
    """Return the history as turns, oldest first.

    Raises:
        QuestionError: If an item is none of the shapes that are understood.
    """
    return [_turn(item) for item in history]


def _turn(item: object) -> Turn:
    match item:
        case Turn():
            return item
        case Answer():
            return Turn(item.standalone_question, item.text)
        case str():
            return Turn(item)
        case Mapping() if isinstance(item.get("question"), str):
            return Turn(item["question"], str(item.get("answer") or item.get("text") or ""))
    raise QuestionError(
        f"The history holds something that is no turn: {str(item)[:60]!r}.",
        remedy='Give earlier questions as strings, or as {"question": ..., "answer": ...}.',
    )


def standalone(question: str, history: History) -> str:
    """Return what is searched for: the question, with the last one behind it if it leans on it."""
    earlier = turns(history)
    if not earlier or not leans(question):
        return question
    return f"{question} ({earlier[-1].question.strip()})"


def leans(question: str) -> bool:
    """Say whether a question needs what came before it to be understood."""
    words = _WORD.findall(question)
    if any(word[0].isupper() for word in words[1:]):
        return False
    return bool(
        _LEANING.search(question) or _CONTINUING.match(question) or len(words) <= _SHORT_WORDS
    )
