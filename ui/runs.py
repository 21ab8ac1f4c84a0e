"""A question -> an answer that is written in the background and kept, whoever is still looking.

A run belongs to its conversation, not to a browser tab: reloading the page neither stops it nor
loses it.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, cast

from rag.citations import closest_sentences
from rag.errors import RagError, UsageError
from rag.schema import (
    Answer,
    Citation,
    Event,
    Finished,
    Hit,
    Passage,
    Stage,
    Statement,
    StatementWritten,
    Turn,
    iso,
)
from ui.archives import ArchiveHolder
from ui.conversations import ConversationStore, Outcome

logger = logging.getLogger(__name__)

NEAREST_PASSAGES = 3
_EXCERPT_WORDS = 40
STAGES = {"searching": "Searching", "reading": "Reading", "writing": "Writing"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it goes to the archive.

    Attributes:
        options: Kept with the turn: ``as_of``, a line on the chosen ``articles``, and so on.
        paths: The articles to look in, or None for all.
        model: Who writes: None for what the settings say, False for the sources' own words.
    """

    question: str
    history: Sequence[Turn] = ()
    options: Mapping[str, Any] | None = None
    as_of: str | None = None
    paths: Sequence[str] | None = None
    model: Literal[False] | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How far a run is; ``version`` grows with every change."""

    version: int
    stage: str
    detail: str
    statements: tuple[Statement, ...]
    done: bool


class Run:
    """One question being answered."""

    def __init__(
        self, store: ConversationStore, visitor: str, conversation: str, asked: Asked
    ) -> None:
        self.visitor = visitor
        self.conversation = conversation
        self.asked = asked
        self._store = store
        self._lock = threading.Lock()
        self._version = 0
        self._stage = ("Waiting for a free place", "")
        self._statements: list[Statement] = []
        self._citations: dict[int, Citation] = {}
        self._done = False

    def snapshot(self) -> Snapshot:
        """Return how far the run is."""
        with self._lock:
            written = tuple(self._statements)
            return Snapshot(self._version, *self._stage, written, self._done)

    def stop(self) -> None:
        """End the run now and keep what has been written."""
        self._finish("stopped", self._written_so_far())

    def carry_out(self, holder: ArchiveHolder) -> None:
        """Ask the archive and keep what comes of it; never raises."""
        try:
            events = holder.archive().stream(
                self.asked.question,
                history=self.asked.history,
                as_of=self.asked.as_of,
                paths=self.asked.paths,
                model=self.asked.model,
            )
            # A language model that writes is stopped by it.
            with closing(cast("Generator[Event]", events)):
                for event in events:
                    if self.snapshot().done:
                        return
                    self._take(event)
        except RagError as error:
            self._finish("failed", {"problem": error.problem, "remedy": error.remedy})
        except Exception:  # the thread's edge: the reader must not wait for ever
            logger.exception("a question could not be answered")
            self._finish(
                "failed",
                {
                    "problem": "Something went wrong while answering.",
                    "remedy": "Ask again; the details are in the terminal.",
                },
            )
        self._finish(
            "failed",
            {"problem": "The answer ended before it was finished.", "remedy": "Ask again."},
        )

    def _take(self, event: Event) -> None:
        if isinstance(event, Finished):
            self._finish("answered", event.answer.to_dict(), _nearest(event.answer))
            return
        with self._lock:
            if isinstance(event, Stage):
                stage = (STAGES[event.name], event.detail)
                if stage == self._stage:
                    return  # it is told again while a language model thinks
                self._stage = stage
            elif isinstance(event, StatementWritten):
                self._statements.append(event.statement)
                self._citations.update({c.number: c for c in event.citations})
            self._version += 1

    def _finish(
        self, outcome: Outcome, answer: Mapping[str, Any], nearest: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        with self._lock:
            if self._done:
                return
            try:
                self._store.add_turn(
                    self.visitor,
                    self.conversation,
                    self.asked.question,
                    options=self.asked.options or {},
                    outcome=outcome,
                    answer=answer,
                    nearest=nearest,
                )
            except UsageError:
                logger.info("an answer was dropped: its conversation has been deleted")
            except sqlite3.Error:
                logger.exception("an answer could not be kept")
            self._done = True
            self._version += 1

    def _written_so_far(self) -> dict[str, Any]:
        asked = self.asked.question
        with self._lock:
            statements = tuple(self._statements)
            citations = tuple(self._citations[number] for number in sorted(self._citations))
        written = Answer(
            asked, asked, False, None, 0.0, None, statements, citations, generator="stopped"
        )
        return written.to_dict()


class Runs:
    """The questions being answered now, at most one a conversation.

    Args:
        at_once: Questions that are worked on at the same time; further ones wait their turn.
    """

    def __init__(self, holder: ArchiveHolder, store: ConversationStore, at_once: int) -> None:
        self._holder = holder
        self._store = store
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="answer")
        self._lock = threading.Lock()
        self._active: dict[str, Run] = {}

    def start(self, visitor: str, conversation: str, asked: Asked) -> Run:
        """Begin to answer and return the run.

        Raises:
            UsageError: If the conversation's last question is still being answered.
        """
        run = Run(self._store, visitor, conversation, asked)
        with self._lock:
            if conversation in self._active:
                raise UsageError(
                    "The last question is still being answered.", remedy="Stop it, or wait for it."
                )
            self._active[conversation] = run
        self._pool.submit(self._carry_out, run)
        return run

    def running(self, visitor: str, conversation: str) -> Run | None:
        """Return the visitor's run in that conversation, if there is one."""
        with self._lock:
            run = self._active.get(conversation)
        return run if run and run.visitor == visitor and not run.snapshot().done else None

    def stop(self, visitor: str, conversation: str) -> None:
        """Stop the visitor's run in that conversation; nothing happens if there is none."""
        run = self.running(visitor, conversation)
        if run:
            run.stop()
            self._forget(run)

    def close(self) -> None:
        """Take no further questions."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _carry_out(self, run: Run) -> None:
        try:
            if not run.snapshot().done:
                run.carry_out(self._holder)
        finally:
            self._forget(run)

    def _forget(self, run: Run) -> None:
        with self._lock:
            if self._active.get(run.conversation) is run:
                del self._active[run.conversation]


def _nearest(answer: Answer) -> list[dict[str, Any]]:
    """Return the passages nearest to a question that was not answered, as JSON values."""
    near = answer.hits[:NEAREST_PASSAGES] if answer.kind == "abstention" else ()
    return [_passage(hit, answer.standalone_question) for hit in near]


def _excerpt(passage: Passage, question: str) -> str:
    """Return the sentences of a passage closest to a question; "…" where some are left out."""
    sentences = [" ".join(passage.sentence_text(span).split()) for span in passage.sentences]
    closest = closest_sentences(question, sentences, _EXCERPT_WORDS).split("\n")
    whole = " ".join(sentences)
    told = closest[0]
    for before, sentence in pairwise(closest):
        told += f" {sentence}" if f"{before} {sentence}" in whole else f" … {sentence}"
    return told


def _passage(hit: Hit, question: str) -> dict[str, Any]:
    passage = hit.passage
    return {
        "excerpt": _excerpt(passage, question),
        "path": passage.path,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "title": passage.title,
        "outlet": passage.outlet,
        "published": iso(passage.published),
    }
