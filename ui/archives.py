"""Settings -> an archive, opened or built in the background, and what to say until it is there."""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import rag
from rag.errors import CorpusError, IndexIncompleteError, IndexMissingError, RagError
from rag.schema import (
    Answer,
    Article,
    ArticleSummary,
    Event,
    FileState,
    History,
    IndexReport,
    Progress,
    ProgressListener,
)
from rag.settings import Settings

logger = logging.getLogger(__name__)


class Archive(Protocol):
    """What the page needs of :class:`rag.archive.Archive`."""

    def ask(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Sequence[str] | None = None,
        model: Any = None,
    ) -> Answer:
        """Return the answer to a question."""

    def stream(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Sequence[str] | None = None,
        model: Any = None,
    ) -> Iterator[Event]:
        """Yield stages and statements, then the finished answer."""

    def articles(self) -> list[ArticleSummary]:
        """Return the articles of the current generation, by path."""

    def article(self, path: str) -> Article:
        """Return the indexed copy of an article."""

    def file_state(self, path: str) -> FileState:
        """Say how the file on disk compares with the indexed copy."""

    def update(self, progress: ProgressListener | None = None) -> IndexReport:
        """Index what has changed in the corpus folder."""

    def status(self) -> dict[str, Any]:
        """Return what the index holds."""

    @property
    def corpus(self) -> Path:
        """The folder of articles."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The archive answers."""

    archive: Archive


@dataclass(frozen=True, slots=True)
class Building:
    """The archive is being opened, or built for the first time; then with its progress."""

    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """There is no archive to ask, and what the user can do about it.

    Attributes:
        empty: True when all that is missing is a first article.
    """

    problem: str
    remedy: str
    empty: bool


State = Opened | Building | Unavailable
Opening = Callable[[ProgressListener], Archive]


class ArchiveHolder:
    """One archive for the whole page; opened once, in the background.

    Args:
        opening: Opens or builds the archive; raises a RagError when it cannot.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._indexing = threading.Lock()
        self._state: State = Building(None)
        self._thread: threading.Thread | None = None

    @classmethod
    def of(cls, archive: Archive) -> ArchiveHolder:
        """Return a holder of an archive that is open already."""
        holder = cls(lambda _: archive)
        holder._state = Opened(archive)
        return holder

    @property
    def state(self) -> State:
        """What there is now."""
        with self._lock:
            return self._state

    def archive(self) -> Archive:
        """Return the archive.

        Raises:
            RagError: If there is none (yet), with what to do.
        """
        state = self.state
        if isinstance(state, Opened):
            return state.archive
        if isinstance(state, Unavailable):
            raise RagError(state.problem, remedy=state.remedy)
        raise RagError("The index is still being built.", remedy="Ask again in a moment.")

    def open_in_background(self) -> None:
        """Begin to open the archive, unless it is open or being opened."""
        with self._lock:
            if isinstance(self._state, Opened) or (self._thread and self._thread.is_alive()):
                return
            self._state = Building(None)
            self._thread = threading.Thread(target=self._open, name="open-archive", daemon=True)
            self._thread.start()

    def index(self, progress: ProgressListener) -> IndexReport | None:
        """Index what has changed in the corpus folder; one caller after the other.

        Returns:
            The report, or None when this was the first build (its figures are in the status).

        Raises:
            RagError: If it cannot be indexed.
        """
        with self._indexing:
            state = self.state
            if isinstance(state, Opened):
                return state.archive.update(progress=progress)
            opened = Opened(self._opening(progress))
            with self._lock:
                self._state = opened
            return None

    def _open(self) -> None:
        def listen(progress: Progress) -> None:
            with self._lock:
                self._state = Building(progress)

        state: State
        try:
            with self._indexing:
                state = Opened(self._opening(listen))
        except RagError as error:
            empty = isinstance(error, CorpusError)
            state = Unavailable(error.problem, error.remedy, empty)
        except Exception as error:  # the thread's edge: else the page would wait for ever
            logger.exception("the archive could not be opened")
            state = Unavailable(
                f"The archive could not be opened: {type(error).__name__}.",
                "The details are in the terminal; `rag verify` checks the index.",
                False,
            )
        with self._lock:
            self._state = state


def open_or_build(settings: Settings, progress: ProgressListener) -> Archive:
    """Return the archive that the settings name; a first run builds it.

    Raises:
        RagError: If it can neither be opened nor built.
    """
    try:
        opened: Archive = rag.open_archive(settings.index, settings=settings)
    except (IndexMissingError, IndexIncompleteError):
        opened = rag.build(
            settings.corpus, index=settings.index, settings=settings, progress=progress
        )
    return opened
