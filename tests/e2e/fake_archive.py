"""An archive with a handful of articles and fixed answers: real nouns, no model, no index."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag.errors import CorpusError, UsageError
from rag.schema import (
    Answer,
    Article,
    ArticleSummary,
    Citation,
    Event,
    FileState,
    Finished,
    History,
    Hit,
    IndexReport,
    Passage,
    Progress,
    ProgressListener,
    Reading,
    Skipped,
    Stage,
    Statement,
    StatementWritten,
    Turn,
)

_DATE = re.compile(r"^\w+day, (\d{4}-\d{2}-\d{2})$", re.M)


class FakeArchive:
    """Answers a question by the first sentences that share a long word with it.

    A question with "slowly" in it takes its time between statements, so that it can be stopped;
    one with "hastily" tells of its reading a hundred times a second.
    """

    def __init__(self, corpus: Path) -> None:
        self._corpus = corpus
        self._articles: dict[str, Article] = {}
        self._generation = 0
        self.update()

    @property
    def corpus(self) -> Path:
        return self._corpus

    def update(self, progress: ProgressListener | None = None) -> IndexReport:
        files = sorted(p for p in self._corpus.iterdir() if p.suffix in {".txt", ".md", ".html"})
        if not files:
            raise CorpusError(f"{self._corpus} holds no articles.", remedy="Add one.")
        before = set(self._articles)
        found: dict[str, Article] = {}
        for done, file in enumerate(files, 1):
            if file.name.startswith("slow"):
                time.sleep(2.5)
            if progress:
                progress(Progress("reading", done, len(files), file.name))
            found[file.name] = _read(file)
        self._articles = found
        self._generation += 1
        return IndexReport(
            generation=self._generation,
            added=len(set(found) - before),
            changed=0,
            removed=len(before - set(found)),
            unchanged=len(before & set(found)),
            articles=len(found),
            passages=len(found),
            embedded=0,
            skipped=(Skipped("scan.pdf", "not text"),),
            seconds=0.01,
        )

    def articles(self) -> list[ArticleSummary]:
        return [
            ArticleSummary(a.path, a.title, a.published, a.outlet, a.url, len(a.text.split()), 1)
            for a in self._articles.values()
        ]

    def article(self, path: str) -> Article:
        if path not in self._articles:
            raise UsageError(f"There is no article {path}.", remedy="List them.")
        return self._articles[path]

    def file_state(self, path: str) -> FileState:
        file = self._corpus / path
        if not file.is_file():
            return "missing"
        return "same" if _read(file).text == self._articles[path].text else "changed"

    def status(self) -> dict[str, Any]:
        dates = [a.published.isoformat() for a in self._articles.values() if a.published]
        return {
            "generation": self._generation,
            "corpus": str(self._corpus),
            "articles": len(self._articles),
            "passages": len(self._articles),
            "earliest": min(dates, default=None),
            "latest": max(dates, default=None),
            "built_at": dt.datetime.now(dt.UTC).isoformat(),
            "skipped": [{"path": "scan.pdf", "reason": "not text"}],
        }

    def ask(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Sequence[str] | None = None,
        model: Any = None,
    ) -> Answer:
        for event in self.stream(question, history, as_of, paths, model):
            if isinstance(event, Finished):
                return event.answer
        raise AssertionError("a stream ends with its answer")

    def stream(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Sequence[str] | None = None,
        model: Any = None,
    ) -> Iterator[Event]:
        pause_s = 0.7 if "slowly" in question else 0.0
        yield Stage("searching", f"{len(self._articles)} articles")
        time.sleep(pause_s)
        for read in range(100 if "hastily" in question else 0):
            yield Stage("reading", f"{read} of 100 passages")
            time.sleep(0.01)
        searched = question
        if history:
            last = history[-1]
            assert isinstance(last, Turn)
            searched = f"{question} ({last.question})"
        if "explode" in question:
            raise RuntimeError("a bug")
        asked = set(re.findall(r"\w{5,}", searched.casefold()))
        found: list[tuple[Article, int, int]] = []
        for article in self._articles.values():
            if paths is not None and article.path not in paths:
                continue
            if as_of and article.published and article.published.isoformat() > str(as_of):
                continue
            for match in re.finditer(r"[^.\n]{10,}\.", article.text):
                words = set(re.findall(r"\w{5,}", match.group().casefold()))
                start = match.start() + len(match.group()) - len(match.group().lstrip())
                if asked & words:
                    found.append((article, start, match.end()))
        yield Stage("reading", f"{len(found)} sentences")
        time.sleep(pause_s)
        hits = tuple(_hit(a) for a in self._articles.values())
        if not found:
            reason = "None of the articles says anything about this."
            yield Finished(Answer(question, searched, True, reason, 0.1, None, (), (), hits=hits))
            return
        yield Stage("writing")
        statements: list[Statement] = []
        citations: list[Citation] = []
        readings: list[Reading] = []
        for number, (article, start, end) in enumerate(found[:6], 1):
            quote = article.text[start:end]
            citation = Citation(
                number,
                article,
                start,
                end,
                quote,
                f"{article.path}#0",
                self.file_state(article.path),
            )
            citations.append(citation)
            verdict = "partly" if number == 3 else "quoted"
            statements.append(Statement(quote, (number,), verdict))
            yield StatementWritten(statements[-1], (citation,))
            time.sleep(pause_s)
            value = re.search(r"(?i:about |more than )?\d[\d,]*", quote)
            if value:
                day = article.published.isoformat() if article.published else None
                said = re.search(r"according to ([^.,]+)", quote)
                kind = "published" if day else "undated"
                readings.append(
                    Reading(value.group(), day, kind, said.group(1) if said else None, number)
                )
        values = {reading.value for reading in readings}
        yield Finished(
            Answer(
                question,
                searched,
                False,
                None,
                0.82,
                readings[0].value if readings else None,
                tuple(statements),
                tuple(citations),
                tuple(readings),
                "between_sources" if len(values) > 1 else None,
                hits,
                timings_ms={"total": 12.5},
            )
        )


def _read(file: Path) -> Article:
    text = file.read_bytes().decode("utf-8-sig")
    date = _DATE.search(text)
    return Article(
        path=file.name,
        text=text,
        title=text.split("\n", 1)[0].strip() or file.name,
        published=dt.date.fromisoformat(date.group(1)) if date else None,
        outlet="The Harbour Post" if "harbour" in text.casefold() else None,
        sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
    )


def _hit(article: Article) -> Hit:
    passage = Passage(
        f"{article.path}#0",
        article.path,
        0,
        len(article.text),
        article.text,
        article.title,
        article.published,
        article.outlet,
        (),
    )
    return Hit(passage, 0.4, 1.0, 0.5)
