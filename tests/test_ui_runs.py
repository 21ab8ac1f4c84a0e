"""Questions answered in the background: kept whoever looks on, stopped, waiting their turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.errors import RagError, UsageError
from rag.schema import (
    Answer,
    Article,
    Citation,
    Event,
    Finished,
    Hit,
    Passage,
    Span,
    Stage,
    Statement,
    StatementWritten,
    Turn,
)
from ui.archives import ArchiveHolder, Building, Opened, Unavailable
from ui.conversations import ConversationStore, ConversationTurn
from ui.runs import Asked, Run, Runs, _excerpt

ARTICLE = Article("a.txt", "Fifty remain.", "A")
CITATION = Citation(1, ARTICLE, 0, 13, "Fifty remain.", "p")
STATEMENT = Statement("Fifty remain.", (1,), "quoted")
ANSWER = Answer("Q", "Q", False, None, 0.9, None, (STATEMENT,), (CITATION,))


class Scripted:
    """An archive that waits at its gate after the first statement, or thinks before it."""

    def __init__(self, error: Exception | None = None, *, thinks: bool = False) -> None:
        self.gate = threading.Event()
        self.closed = threading.Event()
        self.error = error
        self.thinks = thinks
        self.asked = 0
        self.told: dict[str, Any] = {}

    def stream(self, question: str, **told: Any) -> Iterator[Event]:
        self.asked += 1
        self.told = told
        yield Stage("reading", "2 passages")
        if self.error:
            raise self.error
        try:
            while self.thinks:
                yield Stage("writing", "some-model")
                time.sleep(0.1)
        finally:
            self.closed.set()
        yield StatementWritten(STATEMENT, (CITATION,))
        assert self.gate.wait(10)
        yield Finished(ANSWER)


@pytest.fixture
def store(tmp_path: Path) -> ConversationStore:
    return ConversationStore(tmp_path / "c.sqlite")


def runs_of(archive: Scripted, store: ConversationStore, at_once: int = 2) -> Runs:
    return Runs(ArchiveHolder.of(archive), store, at_once)  # type: ignore[arg-type]


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def kept(store: ConversationStore, run: Run) -> ConversationTurn:
    until(lambda: run.snapshot().done)
    (turn,) = store.conversation(run.visitor, run.conversation).turns
    return turn


def test_an_answer_is_kept_though_nobody_looks_on(store: ConversationStore) -> None:
    archive = Scripted()
    run = runs_of(archive, store).start("ann", store.begin("ann", "Q"), Asked("Q"))
    until(lambda: run.snapshot().statements)
    assert run.snapshot().stage == "Reading"
    assert run.snapshot().statements == (STATEMENT,)

    archive.gate.set()

    turn = kept(store, run)
    assert (turn.outcome, turn.answer) == ("answered", ANSWER.to_dict())


def test_a_passage_near_an_unanswered_question_is_kept_with_its_closest_sentence(
    store: ConversationStore,
) -> None:
    sentences = (
        " ".join(["Rain fell on Oslo"] * 9) + ".",
        "The army left a city in\ncentral Gaza.",
        " ".join(["Nobody spoke of it"] * 9) + ".",
    )
    text = " ".join(sentences)
    starts = [text.index(sentence) for sentence in sentences]
    spans = tuple(Span(at, at + len(words)) for at, words in zip(starts, sentences, strict=True))
    passage = Passage("p", "a.txt", 0, len(text), text, "A", None, None, spans)
    question = "Which city in northern Gaza did the army leave?"
    nothing = replace(
        ANSWER, standalone_question=question, abstained=True, reason="No.", statements=(),
        citations=(), hits=(Hit(passage, 0.5, 1.0, 0.5),),
    )  # fmt: skip

    class Silent(Scripted):
        def stream(self, question: str, **told: Any) -> Iterator[Event]:
            yield Finished(nothing)

    run = runs_of(Silent(), store).start("ann", store.begin("ann", "Q"), Asked("Q"))

    (near,) = kept(store, run).nearest
    assert near["text"] == text
    assert near["excerpt"] == "The army left a city in central Gaza."


@pytest.mark.parametrize(
    ("sentences", "told"),
    [
        (("The army left.", "It left Gaza.", "x " * 40), "The army left. It left Gaza."),
        (("The army left.", "x " * 40 + ".", "It left Gaza."), "The army left. … It left Gaza."),
    ],
)
def test_an_excerpt_shows_where_sentences_are_left_out(
    sentences: tuple[str, ...], told: str
) -> None:
    text = " ".join(sentences)
    spans = tuple(Span(text.index(one), text.index(one) + len(one)) for one in sentences)
    passage = Passage("p", "a.txt", 0, len(text), text, "A", None, None, spans)

    assert _excerpt(passage, "When did the army leave Gaza?") == told


def test_a_stopped_answer_keeps_its_statements_with_their_citations(
    store: ConversationStore,
) -> None:
    archive = Scripted()
    runs = runs_of(archive, store)
    run = runs.start("ann", store.begin("ann", "Q"), Asked("Q"))
    until(lambda: run.snapshot().statements)

    runs.stop("bob", run.conversation)
    assert not run.snapshot().done
    runs.stop("ann", run.conversation)

    turn = kept(store, run)
    archive.gate.set()
    assert turn.outcome == "stopped"
    assert turn.answer["citations"] == [CITATION.to_dict()]
    assert set(turn.answer) == set(ANSWER.to_dict())


def test_who_writes_and_the_history_reach_the_archive(store: ConversationStore) -> None:
    archive = Scripted()
    archive.gate.set()
    asked = Asked("Q", (Turn("P", "Fifty."),), model=False)

    kept(store, runs_of(archive, store).start("ann", store.begin("ann", "Q"), asked))

    assert archive.told == {"history": asked.history, "as_of": None, "paths": None, "model": False}


def test_stopping_stops_a_model_that_is_thinking(store: ConversationStore) -> None:
    archive = Scripted(thinks=True)
    runs = runs_of(archive, store)
    run = runs.start("ann", store.begin("ann", "Q"), Asked("Q"))
    until(lambda: run.snapshot().stage == "Writing")
    version = run.snapshot().version
    time.sleep(0.3)
    assert run.snapshot().version == version, "what is told again is no news"

    runs.stop("ann", run.conversation)

    assert archive.closed.wait(0.2)
    assert kept(store, run).outcome == "stopped"


def test_a_second_question_waits_for_the_first_of_its_conversation(
    store: ConversationStore,
) -> None:
    archive = Scripted()
    runs = runs_of(archive, store)
    run = runs.start("ann", store.begin("ann", "Q"), Asked("Q"))

    with pytest.raises(UsageError, match="still being answered"):
        runs.start("ann", run.conversation, Asked("Q2"))
    assert runs.running("ann", run.conversation) is run
    assert runs.running("bob", run.conversation) is None

    archive.gate.set()
    kept(store, run)
    assert runs.running("ann", run.conversation) is None


def test_no_more_questions_are_worked_on_at_once_than_set(store: ConversationStore) -> None:
    archive = Scripted()
    runs = runs_of(archive, store, at_once=1)
    first, second = (
        runs.start("ann", store.begin("ann", name), Asked(name)) for name in ("A", "B")
    )
    until(lambda: first.snapshot().statements)

    assert archive.asked == 1
    assert second.snapshot().stage == "Waiting for a free place"
    archive.gate.set()
    kept(store, second)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (RagError("Too long.", remedy="Shorten it."), "Too long."),
        (ValueError("a bug"), "Something went wrong while answering."),
    ],
)
def test_what_goes_wrong_is_kept_as_such(
    store: ConversationStore, error: Exception, problem: str
) -> None:
    run = runs_of(Scripted(error), store).start("ann", store.begin("ann", "Q"), Asked("Q"))

    turn = kept(store, run)

    assert turn.outcome == "failed"
    assert turn.answer["problem"] == problem
    assert "a bug" not in str(turn.answer)


def test_an_archive_is_opened_in_the_background_and_its_failure_told() -> None:
    gate = threading.Event()
    archive = Scripted()

    def opening(_: object) -> Any:
        assert gate.wait(10)
        if archive.asked:
            return archive
        raise RagError("No.", remedy="Do this.")

    holder = ArchiveHolder(opening)
    holder.open_in_background()
    assert isinstance(holder.state, Building)
    with pytest.raises(RagError, match="still being built"):
        holder.archive()

    gate.set()
    until(lambda: isinstance(holder.state, Unavailable))
    with pytest.raises(RagError, match=r"No\."):
        holder.archive()

    archive.asked = 1
    until(lambda: holder.open_in_background() or isinstance(holder.state, Opened))
    assert holder.archive() is archive
