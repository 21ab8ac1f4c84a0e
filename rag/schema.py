"""The nouns that travel between the rooms, frozen.

Article -> Passage -> Hit -> Citation -> Statement -> Answer. Offsets are code points into
``Article.text``, the decoded text of the file, and count from 0; ``end`` is exclusive.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any, Literal

Verdict = Literal["quoted", "supported", "partly", "unsupported"]
Disagreement = Literal["over_time", "between_sources"]
FileState = Literal["same", "changed", "missing"]
AnswerKind = Literal["answer", "abstention", "clarification", "small_talk"]


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of an article's text: code points ``start`` to ``end`` (exclusive)."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"not a span: {self.start} to {self.end}")

    def within(self, text: str) -> str:
        """Return the words that the span covers in ``text``."""
        return text[self.start : self.end]

    def overlaps(self, other: Span) -> bool:
        """Say whether the two spans share at least one code point."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Article:
    """One article, decoded.

    Attributes:
        path: Relative to the corpus, posix; ``news.jsonl#3`` is line 3 of a JSONL file.
        text: For .txt and .md the file itself, character by character (a byte order mark is not
            counted); for .html the text of the page; for .jsonl the ``text`` value of the line.
        title: As found in the metadata or the text; never empty (the file's name at worst).
        published: The publication date, when the text or the metadata states one; a file's time
            stamp is not a date.
        outlet: Who published it, when stated.
        url: Where it was published, when stated.
        encoding: How the file was decoded, as Python names it.
        sha256: Of ``text`` in UTF-8 (lone surrogates passed through), hexadecimal.
        unquotable: Spans that are no prose of the article (stray lines such as ``Image``, the date
            line, credits); nothing in them is ever quoted. Ascending, not overlapping.
    """

    path: str
    text: str
    title: str
    published: dt.date | None = None
    outlet: str | None = None
    url: str | None = None
    encoding: str = "utf-8"
    sha256: str = ""
    unquotable: tuple[Span, ...] = ()

    def text_sha256(self) -> str:
        """Return what ``sha256`` must be."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file (or a line of one) that was not indexed, and why, in one line."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Passage:
    """What is embedded and retrieved: neighbouring sentences of one article.

    Attributes:
        passage_id: The same for the same words at the same place of the same file, in every build.
        start, end: Where it stands in the article.
        text: ``article.text[start:end]``, to the letter.
        sentences: Spans *in the article* of the sentences that may be quoted, ascending.
    """

    passage_id: str
    path: str
    start: int
    end: int
    text: str
    title: str
    published: dt.date | None
    outlet: str | None
    sentences: tuple[Span, ...]

    def sentence_text(self, sentence: Span) -> str:
        """Return the words of one of the passage's sentences."""
        return self.text[sentence.start - self.start : sentence.end - self.start]


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage and how near it is to the question.

    Attributes:
        similarity: Cosine of question and passage, -1 to 1.
        bm25: BM25 of the question's words in the passage, 0 when none occurs; no upper bound.
        relevance: The two fused, 0 to 1; see :func:`rag.retriever.fuse`.
    """

    passage: Passage
    similarity: float
    bm25: float
    relevance: float

    def to_dict(self) -> dict[str, Any]:
        """Return the hit as ``rag search --json`` prints it."""
        passage = self.passage
        return {
            "passage_id": passage.passage_id,
            "path": passage.path,
            "start": passage.start,
            "end": passage.end,
            "text": passage.text,
            "title": passage.title,
            "published": iso(passage.published),
            "outlet": passage.outlet,
            "similarity": round(self.similarity, 6),
            "bm25": round(self.bm25, 6),
            "relevance": round(self.relevance, 6),
        }


@dataclass(frozen=True, slots=True)
class Citation:
    """Words of an article that support a statement, found there to the letter.

    Attributes:
        number: The ``[1]`` the reader sees. Starts at 1.
        article: Where the words stand; used for the check only, not kept.
        start, end: Offsets into the article's decoded text, in code points.
        file_state: Whether the file on disk is still the one that was indexed.

    Raises:
        ValueError: If ``article.text[start:end]`` is not ``quote``; such a citation cannot exist.
    """

    number: int
    article: InitVar[Article]
    start: int
    end: int
    quote: str
    passage_id: str
    file_state: FileState = "same"
    path: str = field(init=False)
    title: str = field(init=False)
    published: dt.date | None = field(init=False)
    outlet: str | None = field(init=False)

    def __post_init__(self, article: Article) -> None:
        if self.number < 1:
            raise ValueError(f"citation numbers start at 1, not {self.number}")
        if not 0 <= self.start < self.end <= len(article.text):
            raise ValueError(f"{article.path} has no span {self.start} to {self.end}")
        if article.text[self.start : self.end] != self.quote:
            raise ValueError(f"these words are not at {article.path}:{self.start}: {self.quote!r}")
        for name in ("path", "title", "published", "outlet"):
            object.__setattr__(self, name, getattr(article, name))

    def to_dict(self) -> dict[str, Any]:
        """Return the citation as ``rag ask --json`` prints it."""
        return {
            "number": self.number,
            "path": self.path,
            "start": self.start,
            "end": self.end,
            "quote": self.quote,
            "title": self.title,
            "published": iso(self.published),
            "outlet": self.outlet,
            "passage_id": self.passage_id,
            "file_state": self.file_state,
        }


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence of an answer and the numbers of the citations that it rests on.

    Attributes:
        reasons: Why a language model's sentence does not stand, or not fully, a line each.
        independent_sources: How many of the cited articles do not copy one another.

    Raises:
        ValueError: If it has no citation and is not marked unsupported.
    """

    text: str
    citations: tuple[int, ...]
    verdict: Verdict
    reasons: tuple[str, ...] = ()
    independent_sources: int = 1

    def __post_init__(self) -> None:
        if not self.citations and self.verdict != "unsupported":
            raise ValueError(f"a statement needs a citation: {self.text!r}")

    @property
    def marked(self) -> str:
        """The text with its ``[n]`` markers; struck where no article supports it."""
        if self.verdict == "unsupported":
            return f"[struck, no article supports it: {self.text}]"
        return self.text + "".join(f" [{number}]" for number in self.citations)

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as ``rag ask --json`` prints it; reasons only where there are."""
        values: dict[str, Any] = {
            "text": self.text,
            "citations": list(self.citations),
            "verdict": self.verdict,
            "independent_sources": self.independent_sources,
        }
        return {**values, "reasons": list(self.reasons)} if self.reasons else values


@dataclass(frozen=True, slots=True)
class Reading:
    """One source's value for what was asked.

    Attributes:
        value: With its hedge, as the source words it: ``more than 120``.
        as_of: The day, month or year that it stands for, as ISO 8601 (``2024-06``), or None.
        as_of_kind: ``stated`` in the words, taken from the article's date (``published``), or
            ``undated``.
        attribution: According to whom, as the source words it, or None.
        citation: Number of the citation that carries it.
    """

    value: str
    as_of: str | None
    as_of_kind: Literal["stated", "published", "undated"]
    attribution: str | None
    citation: int

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as ``rag ask --json`` prints it."""
        return {
            "value": self.value,
            "as_of": self.as_of,
            "as_of_kind": self.as_of_kind,
            "attribution": self.attribution,
            "citation": self.citation,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, sentence by sentence, or that nothing was.

    Attributes:
        question: As asked.
        standalone_question: As searched, after the history was read into it.
        abstained: True when the articles do not answer; then ``reason`` says why.
        confidence: 0 to 1; of answers given at 0.8, four in five are right.
        short_answer: The few words that answer, to the letter from a citation, or None.
        hits: The passages looked at, best first; ``used`` holds the ids of those cited.
        timings_ms: Milliseconds per stage, and ``total``.
        notes: What the reader should know besides, a line each (a file that changed, say).
        kind: What this is. A ``clarification`` (a question back) and ``small_talk`` are abstentions
            to whoever knows only those: nothing was claimed, ``reason`` is the reply.
        suggestions: Questions to ask instead, ready to be asked; of a clarification.
        usage: What a language model says it read and wrote, ``prompt_tokens`` and
            ``completion_tokens``; empty where none did, or none says.
    """

    question: str
    standalone_question: str
    abstained: bool
    reason: str | None
    confidence: float
    short_answer: str | None
    statements: tuple[Statement, ...]
    citations: tuple[Citation, ...]
    readings: tuple[Reading, ...] = ()
    disagreement: Disagreement | None = None
    hits: tuple[Hit, ...] = ()
    generator: str = "extractive"
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kind: AnswerKind = "answer"
    suggestions: tuple[str, ...] = ()
    usage: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.abstained and self.kind == "answer":
            object.__setattr__(self, "kind", "abstention")
        known = {citation.number for citation in self.citations}
        for statement in self.statements:
            unknown = set(statement.citations) - known
            if unknown:
                raise ValueError(f"no citation numbered {sorted(unknown)} for {statement.text!r}")
        if self.abstained == (self.reason is None):
            raise ValueError("an abstention, and nothing else, has a reason")

    @property
    def text(self) -> str:
        """The whole answer as plain text with ``[n]`` markers; what is struck says so."""
        if self.abstained:
            return self.reason or ""
        return "\n".join(statement.marked for statement in self.statements)

    @property
    def used(self) -> frozenset[str]:
        """Ids of the passages that are cited."""
        return frozenset(citation.passage_id for citation in self.citations)

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as ``rag ask --json`` prints it: plain JSON values only."""
        used = self.used
        counted = {"usage": dict(self.usage)} if self.usage else {}
        return {
            "question": self.question,
            "standalone_question": self.standalone_question,
            "text": self.text,
            "abstained": self.abstained,
            "reason": self.reason,
            "confidence": round(self.confidence, 4),
            "short_answer": self.short_answer,
            "statements": [statement.to_dict() for statement in self.statements],
            "citations": [citation.to_dict() for citation in self.citations],
            "readings": [reading.to_dict() for reading in self.readings],
            "disagreement": self.disagreement,
            "passages": [
                {
                    "passage_id": hit.passage.passage_id,
                    "path": hit.passage.path,
                    "start": hit.passage.start,
                    "end": hit.passage.end,
                    "similarity": round(hit.similarity, 6),
                    "bm25": round(hit.bm25, 6),
                    "relevance": round(hit.relevance, 6),
                    "used": hit.passage.passage_id in used,
                }
                for hit in self.hits
            ],
            "generator": self.generator,
            "timings_ms": {name: round(value, 2) for name, value in self.timings_ms.items()},
            "notes": list(self.notes),
            "kind": self.kind,
            "suggestions": list(self.suggestions),
            **counted,
        }


@dataclass(frozen=True, slots=True)
class Turn:
    """An earlier question of the conversation and, where known, what was answered."""

    question: str
    answer: str = ""

    @classmethod
    def of(cls, question: str, answer: Mapping[str, Any]) -> Turn:
        """Return the turn of an answer that is given as :meth:`Answer.to_dict` does.

        An abstention states nothing, and what was struck was not said.
        """
        said = [s["text"] for s in answer["statements"] if s["verdict"] != "unsupported"]
        return cls(question, "\n".join(said))


@dataclass(frozen=True, slots=True)
class Stage:
    """A stream event: what is being done now, in a user's words."""

    name: Literal["searching", "reading", "writing"]
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StatementWritten:
    """A stream event: the next statement of the answer, with the citations it rests on."""

    statement: Statement
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Finished:
    """The last stream event: the whole answer, the same as ``ask`` returns."""

    answer: Answer


Event = Stage | StatementWritten | Finished
"""What :meth:`rag.archive.Archive.stream` yields: stages and statements, then one ``Finished``."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an indexing run is.

    Attributes:
        stage: ``reading`` (files), ``embedding`` (passages) or ``linking`` (passages into the
            search caches).
        done, total: In the stage's unit; ``total`` is what is known so far.
        detail: What is being worked on, often a path.
    """

    stage: Literal["reading", "embedding", "linking"]
    done: int
    total: int
    detail: str = ""


ProgressListener = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What an indexing run did, in articles unless named otherwise.

    Attributes:
        embedded: Passages whose vectors were computed in this run.
        skipped: Files not indexed, each with its reason.
    """

    generation: int
    added: int
    changed: int
    removed: int
    unchanged: int
    articles: int
    passages: int
    embedded: int
    skipped: tuple[Skipped, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        values = {name: getattr(self, name) for name in self.__slots__ if name != "skipped"}
        values["skipped"] = [{"path": s.path, "reason": s.reason} for s in self.skipped]
        values["seconds"] = round(self.seconds, 2)
        return values


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An indexed article without its text, for lists."""

    path: str
    title: str
    published: dt.date | None
    outlet: str | None
    url: str | None
    words: int
    passages: int

    def to_dict(self) -> dict[str, Any]:
        """Return the summary as plain JSON values."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["published"] = iso(self.published)
        return values


def told_alike(independent: int, paths: Iterable[str]) -> str:
    """Return in words how many articles say a statement, and how many of them copy none other.

    Empty for a statement of one article.

    Args:
        independent: As in :class:`Statement`.
        paths: Of the articles cited for it.
    """
    articles = len(set(paths))
    if articles < 2:
        return ""
    if independent == 1:
        return f"In {articles} articles, copies of one report."
    if independent < articles:
        return f"In {articles} articles, {independent} of them independent of one another."
    return f"In {articles} articles, independent of one another."


def short_citation(answer: Mapping[str, Any]) -> int | None:
    """Return the number of the citation that holds the short answer, or None.

    Args:
        answer: As :meth:`Answer.to_dict` gives it.
    """
    short = answer.get("short_answer")
    held = (c["number"] for c in answer.get("citations", ()) if short and short in c["quote"])
    return next(held, None)


def iso(day: dt.date | None) -> str | None:
    """Return the day as ``2025-07-24``, or None."""
    return day.isoformat() if day else None


History = Sequence["Turn | str | Answer | Mapping[str, str]"]
"""Earlier turns, oldest first: plain questions, Turns, Answers, or ``{"question", "answer"}``."""

__all__ = [
    "Answer",
    "AnswerKind",
    "Article",
    "ArticleSummary",
    "Citation",
    "Disagreement",
    "Event",
    "FileState",
    "Finished",
    "History",
    "Hit",
    "IndexReport",
    "Passage",
    "Progress",
    "ProgressListener",
    "Reading",
    "Skipped",
    "Span",
    "Stage",
    "Statement",
    "StatementWritten",
    "Turn",
    "Verdict",
    "iso",
    "short_citation",
    "told_alike",
]
