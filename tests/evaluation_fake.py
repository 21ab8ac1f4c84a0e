"""An archive whose answers a test writes down: real nouns, no index, no model."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import UsageError
from rag.schema import (
    Answer,
    Article,
    ArticleSummary,
    Citation,
    Disagreement,
    FileState,
    History,
    Hit,
    Passage,
    Reading,
    Span,
    Statement,
)

TALKS = "Mr. Witkoff left Doha on Thursday. About 50 hostages remain in Gaza, officials say."
OLDER = "As of June 2024, more than 120 hostages remain unaccounted for."
OTHER = "The finance minister spoke on Wednesday. Nothing else happened."
ARTICLES = {"talks.txt": TALKS, "older.txt": OLDER, "other.txt": OTHER}


@dataclass(frozen=True)
class Says:
    """What the fake answers to one question.

    Attributes:
        quotes: (path, words) per statement; none means that it declines.
        readings: (value, as of, citation number).
    """

    quotes: tuple[tuple[str, str], ...] = ()
    short: str | None = None
    confidence: float = 0.9
    readings: tuple[tuple[str, str | None, int], ...] = ()
    disagreement: Disagreement | None = None


@dataclass
class FakeArchive:
    """Objects to questions that it was given no answer for."""

    folder: Path
    says: Mapping[str, Says]
    texts: Mapping[str, str] = field(default_factory=lambda: dict(ARTICLES))
    settings: Mapping[str, Any] = field(default_factory=lambda: {"retrieval": "hybrid"})
    fails_on: str | None = None
    interrupted_on: str | None = None
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for path, text in self.texts.items():
            (self.folder / path).write_text(text, encoding="utf-8")

    @property
    def corpus(self) -> Path:
        return self.folder

    def article(self, path: str) -> Article:
        if path not in self.texts:
            raise UsageError(f"no article {path}", remedy="Name another.")
        return Article(path, self.texts[path], path, encoding="utf-8", sha256=f"hash of {path}")

    def articles(self) -> list[ArticleSummary]:
        return [
            ArticleSummary(path, path, None, None, None, len(text.split()), 1)
            for path, text in sorted(self.texts.items())
        ]

    def file_state(self, path: str) -> FileState:
        file = self.folder / path
        if not file.exists():
            return "missing"
        return "same" if file.read_text(encoding="utf-8") == self.texts[path] else "changed"

    def status(self) -> dict[str, Any]:
        return {"passages": len(self.texts), "fingerprint": "fake", "embedding_model": "fake"}

    def _hits(self, first: Iterable[str] = ()) -> list[Hit]:
        order = list(dict.fromkeys([*first, *self.texts]))
        hits = []
        for rank, path in enumerate(order):
            text = self.texts[path]
            passage = Passage(
                f"id-{path}", path, 0, len(text), text, path, None, None, (Span(0, len(text)),)
            )
            hits.append(Hit(passage, 0.5, 1.0, 1 / (rank + 1)))
        return hits

    def search(
        self,
        query: str,
        limit: int = 10,
        as_of: dt.date | str | None = None,
        paths: Iterable[str] | None = None,
    ) -> list[Hit]:
        self.asked.append(query)
        said = self.says[query]
        return self._hits(path for path, _ in said.quotes)[:limit]

    def ask(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Iterable[str] | None = None,
    ) -> Answer:
        if question == self.fails_on:
            raise UsageError("It broke.", remedy="Mend it.")
        if question == self.interrupted_on:
            raise KeyboardInterrupt
        self.asked.append(question)
        said = self.says[question]
        citations = []
        for number, (path, words) in enumerate(said.quotes, start=1):
            article = self.article(path)
            at = article.text.index(words)
            citations.append(
                Citation(number, article, at, at + len(words), words, f"id-{path}",
                         self.file_state(path))
            )  # fmt: skip
        return Answer(
            question=question,
            standalone_question=question,
            abstained=not said.quotes,
            reason=None if said.quotes else "The articles do not answer this.",
            confidence=said.confidence,
            short_answer=said.short if said.quotes else None,
            statements=tuple(
                Statement(words, (number,), "quoted")
                for number, (_, words) in enumerate(said.quotes, start=1)
            ),
            citations=tuple(citations),
            readings=tuple(
                Reading(value, as_of, "stated" if as_of else "undated", None, citation)
                for value, as_of, citation in said.readings
            ),
            disagreement=said.disagreement,
            hits=tuple(self._hits(path for path, _ in said.quotes)),
            timings_ms={"search": 1.0, "total": 2.0 + len(self.asked)},
        )
