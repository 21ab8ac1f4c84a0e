"""Conversations and feedback survive a restart and belong to their visitor only."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from rag.errors import UsageError
from rag.schema import Turn
from ui.conversations import ConversationStore, feedback_rows

ANSWER: dict[str, Any] = {
    "text": "Fifty [1].",
    "abstained": False,
    "statements": [
        {"text": "Fifty.", "citations": [1], "verdict": "quoted"},
        {"text": "Sixty.", "citations": [], "verdict": "unsupported"},
    ],
    "citations": [{"number": 1, "quote": "Fifty"}],
}
NOTHING: dict[str, Any] = {"text": "They do not say.", "abstained": True, "statements": []}


@pytest.fixture
def store(tmp_path: Path) -> ConversationStore:
    return ConversationStore(tmp_path / "new" / "conversations.sqlite")


def asked(store: ConversationStore, visitor: str, question: str = "How many?") -> tuple[str, int]:
    conversation = store.begin(visitor, question)
    turn = store.add_turn(
        visitor, conversation, question, options={"as_of": None}, outcome="answered", answer=ANSWER
    )
    return conversation, turn


def test_a_conversation_is_the_same_after_a_restart(store: ConversationStore) -> None:
    conversation, turn = asked(store, "ann")

    again = ConversationStore(store.path).conversation("ann", conversation)

    assert again.name == "How many?"
    assert [(kept.id, kept.answer) for kept in again.turns] == [(turn, ANSWER)]
    assert again.history() == [Turn("How many?", "Fifty.")]


def test_a_visitor_can_do_nothing_with_anothers_conversation(store: ConversationStore) -> None:
    conversation, turn = asked(store, "ann")
    attempts = [
        lambda: store.conversation("bob", conversation),
        lambda: store.turn("bob", turn),
        lambda: store.rename("bob", conversation, "mine"),
        lambda: store.delete("bob", conversation),
        lambda: store.forget_from("bob", conversation, turn),
        lambda: store.add_feedback("bob", turn, liked=True, settings={}),
        lambda: store.add_turn(
            "bob", conversation, "?", options={}, outcome="answered", answer=ANSWER
        ),
    ]

    for attempt in attempts:
        with pytest.raises(UsageError, match="There is no such"):
            attempt()
    assert store.summaries("bob") == []
    assert len(store.conversation("ann", conversation).turns) == 1


def test_stopped_and_failed_turns_are_not_read_into_a_follow_up(store: ConversationStore) -> None:
    conversation, _ = asked(store, "ann")
    for outcome in ("stopped", "failed"):
        store.add_turn(
            "ann", conversation, outcome, options={}, outcome=outcome, answer={"text": "x"}
        )

    kept = store.conversation("ann", conversation)

    assert len(kept.turns) == 3
    assert [entry.question for entry in kept.history()] == ["How many?"]


def test_an_abstention_and_a_struck_sentence_answer_nothing_for_a_follow_up(
    store: ConversationStore,
) -> None:
    conversation, first = asked(store, "ann")
    last = store.add_turn(
        "ann", conversation, "Why?", options={}, outcome="answered", answer=NOTHING
    )
    store.add_turn("ann", conversation, "So?", options={}, outcome="answered", answer=ANSWER)
    store.add_feedback("ann", last + 1, liked=False, settings={})

    history = store.conversation("ann", conversation).history()

    assert history == [Turn("How many?", "Fifty."), Turn("Why?"), Turn("So?", "Fifty.")]
    (row,) = feedback_rows(store.path)
    assert [turn["answer"] for turn in row["history"]] == ["Fifty.", ""]
    assert first < last


def test_who_was_to_write_is_kept_with_the_conversation(store: ConversationStore) -> None:
    conversation, _ = asked(store, "ann")
    assert store.conversation("ann", conversation).writer == ""

    store.add_turn(
        "ann", conversation, "B", options={"writer": "model"}, outcome="answered", answer=ANSWER
    )

    assert store.conversation("ann", conversation).writer == "model"


def test_what_was_said_about_an_answer_is_shown_with_it(store: ConversationStore) -> None:
    conversation, turn = asked(store, "ann")
    store.add_feedback("ann", turn, liked=True, settings={})
    assert (store.turn("ann", turn).liked, store.turn("ann", turn).comment) == (True, "")

    store.add_feedback("ann", turn, liked=True, comment="To the point.", settings={})

    (kept,) = store.conversation("ann", conversation).turns
    assert (kept.liked, kept.comment) == (True, "To the point.")


def test_asking_anew_forgets_that_turn_and_the_later_ones(store: ConversationStore) -> None:
    conversation, first = asked(store, "ann")
    store.add_turn("ann", conversation, "B", options={}, outcome="answered", answer=ANSWER)

    store.forget_from("ann", conversation, first)

    assert store.conversation("ann", conversation).turns == ()


def test_the_last_used_conversation_is_listed_first(store: ConversationStore) -> None:
    first, _ = asked(store, "ann", "A")
    asked(store, "ann", "B")
    store.rename("ann", first, "  A  renamed ")
    store.add_turn("ann", first, "C", options={}, outcome="answered", answer=ANSWER)

    assert [(e.name, e.turns) for e in store.summaries("ann")] == [("A renamed", 2), ("B", 1)]


def test_feedback_outlives_its_conversation_and_says_not_who_gave_it(
    store: ConversationStore,
) -> None:
    conversation, turn = asked(store, "ann-secret")
    store.add_feedback("ann-secret", turn, liked=True, settings={"caution": "strict"})
    store.add_feedback(
        "ann-secret", turn, liked=False, reason="Wrong", comment="No.", settings={"caution": "x"}
    )
    store.delete("ann-secret", conversation)

    (row,) = feedback_rows(store.path)

    assert row["question"] == "How many?"
    assert (row["liked"], row["reason"], row["comment"]) == (False, "Wrong", "No.")
    assert row["answer"] == ANSWER
    assert row["settings"] == {"caution": "x"}
    assert "ann-secret" not in str(row)


def test_feedback_knows_what_was_asked_before(store: ConversationStore) -> None:
    conversation, _ = asked(store, "ann", "A")
    second = store.add_turn("ann", conversation, "B", options={}, outcome="answered", answer=ANSWER)

    store.add_feedback("ann", second, liked=True, settings={})

    (row,) = feedback_rows(store.path)
    assert [entry["question"] for entry in row["history"]] == ["A"]


def test_a_file_that_is_no_conversation_file_is_named_with_a_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "c.sqlite"
    broken.write_bytes(b"not a database at all" * 100)

    with pytest.raises(UsageError, match="cannot be used for conversations"):
        ConversationStore(broken)
    with pytest.raises(UsageError, match="holds no feedback"):
        list(feedback_rows(broken))
    with pytest.raises(UsageError, match="There is no"):
        list(feedback_rows(tmp_path / "absent"))


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 99")
    database.close()

    with pytest.raises(UsageError, match="newer version"):
        ConversationStore(path)


def test_a_broken_character_can_be_kept(store: ConversationStore) -> None:
    conversation = store.begin("ann", "x")
    turn = store.add_turn(
        "ann", conversation, "x", options={}, outcome="answered", answer={"text": "\ud800"}
    )

    assert store.turn("ann", turn).answer == {"text": "\ud800"}
