"""A file of questions with gold -> a checked question set, and its gold -> places in articles.

JSONL (one object a line), YAML (a list, or ``questions:`` with a list) and CSV (a header row; lists
as ``a | b`` or as JSON) hold the same keys, those of :class:`Question`.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from rag.errors import UsageError
from rag.evaluation.metrics import Place
from rag.schema import Article, Turn

AnswerType = Literal["span", "short", "numeric", "list", "yesno", "long"]
UnanswerableKind = Literal["no_topic", "near_miss", "false_premise"]
_DATE = r"^\d{4}(-\d{2}(-\d{2})?)?$"


class QuestionSetError(UsageError):
    """A question file cannot be used; the problem names the file and the line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Evidence(_Strict):
    """Where the answer stands: words of a file, offsets into it, or the whole file.

    Attributes:
        file: The article's path in the archive.
        quote: Words that stand in the file to the letter.
        start, end: Code points into the article's text, ``end`` exclusive. With a quote they say
            which occurrence is meant; without either, the whole article is the evidence.
    """

    file: str = Field(min_length=1)
    quote: str | None = Field(default=None, min_length=1)
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _both_offsets(self) -> Evidence:
        if (self.start is None) != (self.end is None):
            raise ValueError("give both start and end, or neither")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("end must be above start")
        return self


class GoldReading(_Strict):
    """A value that one source gives: what the conflict figures look for.

    Attributes:
        as_of: ISO 8601 day, month or year, when the date belongs to the gold.
    """

    value: str = Field(min_length=1)
    as_of: str | None = Field(default=None, pattern=_DATE)
    file: str | None = None
    quote: str | None = Field(default=None, min_length=1)


class Question(_Strict):
    """One question with its gold.

    Attributes:
        id: Unique in the set.
        history: Earlier turns, oldest first: questions, or ``{"question", "answer"}``.
        answers: Right answers; any one will do.
        all_of: Groups of alternatives; a complete answer holds one of each group.
        must_not: Wrong answers that the articles tempt to.
        choices: Answers to choose from, right and wrong ones; the archive does not see them.
        evidence: Where the answer stands.
        readings: Values that differ over time or between sources.
        accept: Values that are no error among the readings shown.
        reject: Values among the readings shown that are about something else.
        disagreement: What the answer should say about the readings.
        type: Of the question, for ``--type``: fact, list, quote, temporal, conflict, followup,
            unanswerable, or a word of one's own.
        answer_type: How an answer is compared; ``long`` answers have no right or wrong of words.
        answerable: False if the articles do not answer; None if nobody has said.
        kind: Of an unanswerable question.
        as_of: The day, month or year the question is asked about.
        paths: The only articles to look at.
        group: What questions are drawn together in resampling; by default the first evidence's
            file.
        task: ``answer`` asks the archive, ``search`` only searches it.
        gains: Judged gain of each article, for search tasks.
    """

    id: str = Field(min_length=1, max_length=200)
    question: str = Field(min_length=1)
    history: tuple[Turn | str, ...] = ()
    answers: tuple[str, ...] = ()
    all_of: tuple[tuple[str, ...], ...] = ()
    must_not: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    readings: tuple[GoldReading, ...] = ()
    accept: tuple[str, ...] = ()
    reject: tuple[str, ...] = ()
    disagreement: Literal["over_time", "between_sources"] | None = None
    type: str = Field(default="fact", pattern=r"^[a-z][a-z0-9_-]*$")
    answer_type: AnswerType = "span"
    answerable: bool | None = True
    kind: UnanswerableKind | None = None
    as_of: str | None = Field(default=None, pattern=_DATE)
    paths: tuple[str, ...] | None = None
    group: str | None = None
    task: Literal["answer", "search"] = "answer"
    gains: dict[str, float] = Field(default_factory=dict)

    @field_validator("question")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("the question is blank")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Question:
        if self.answerable is False and self.answers:
            raise ValueError("an unanswerable question has no answers")
        if self.kind and self.answerable is not False:
            raise ValueError("only an unanswerable question has a kind")
        if self.choices and not set(self.choices) & set(self.answers):
            raise ValueError("none of the choices is among the answers")
        if any(not group for group in self.all_of):
            raise ValueError("a group in all_of is empty")
        if self.answer_type == "numeric" and self.answerable and not self.answers:
            raise ValueError("a numeric question needs answers")
        return self

    @property
    def cluster(self) -> str:
        """What the question is drawn together with in resampling."""
        if self.group:
            return self.group
        return self.evidence[0].file if self.evidence else f"question:{self.id}"

    def to_dict(self) -> dict[str, Any]:
        """Return the question as its line in a JSONL set: keys that are not at their default."""
        return self.model_dump(mode="json", exclude_defaults=True)


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Checked questions and where they came from.

    Attributes:
        name: The file's name, or what the caller named the set.
        lines: Line of each question's id in the file.
        sha256: Of the questions as they are, so that a run knows its set again.
    """

    name: str
    questions: tuple[Question, ...]
    lines: Mapping[str, int]
    sha256: str

    def where(self, question_id: str) -> str:
        """Return ``file:line`` of a question."""
        line = self.lines.get(question_id)
        return f"{self.name}:{line}" if line else self.name


class ReadsArticles(Protocol):
    """What gold is looked up in: an archive."""

    def article(self, path: str) -> Article:
        """Return the indexed copy of an article."""


def question_set(
    questions: Iterable[Question | Mapping[str, Any]], *, name: str = "questions"
) -> QuestionSet:
    """Return a checked set of questions made in Python.

    Raises:
        QuestionSetError: If a question is malformed, an id stands twice or there are none.
    """
    rows = [
        (number, q.model_dump(exclude_defaults=True) if isinstance(q, Question) else dict(q))
        for number, q in enumerate(questions, start=1)
    ]
    return _checked(name, rows)


def load_questions(path: str | Path) -> QuestionSet:
    """Return the question set in a ``.jsonl``, ``.yaml``, ``.yml`` or ``.csv`` file.

    Raises:
        QuestionSetError: If the file cannot be read, is empty, or a line is malformed.
    """
    path = Path(path)
    readers = {".jsonl": _jsonl, ".yaml": _yaml, ".yml": _yaml, ".csv": _csv}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise QuestionSetError(
            f"{path} is not a question set: its name must end in {', '.join(sorted(readers))}.",
            remedy="Convert other formats with `rag eval import`.",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QuestionSetError(
            f"The question set {path} cannot be read: {error.strerror or error}.",
            remedy="Check the path; a set for the shipped articles is tests/questions/seeds.jsonl.",
        ) from error
    except UnicodeDecodeError as error:
        raise QuestionSetError(
            f"The question set {path} is not UTF-8 (byte {error.start}).",
            remedy="Save it as UTF-8.",
        ) from error
    return _checked(str(path), reader(path, text))


Rows = list[tuple[int, dict[str, Any]]]


def _jsonl(path: Path, text: str) -> Rows:
    rows: Rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise QuestionSetError(
                f"{path}:{number} is not JSON: {error.msg} at column {error.colno}.",
                remedy="Write one JSON object a line.",
            ) from error
        rows.append((number, _as_object(path, number, value)))
    return rows


def _yaml(path: Path, text: str) -> Rows:
    try:
        node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise QuestionSetError(
            f"{path}{line} is not YAML: {getattr(error, 'problem', None) or 'malformed'}.",
            remedy="Write a list of questions, each a mapping.",
        ) from error
    if isinstance(value, dict) and set(value) == {"questions"}:
        value, node = value["questions"], node.value[0][1]
    if value is None:
        return []
    if not isinstance(value, list):
        raise QuestionSetError(
            f"{path}:1 holds no list of questions.",
            remedy="Write a list of questions, each a mapping.",
        )
    lines = [item.start_mark.line + 1 for item in node.value]
    return [
        (line, _plain_dates(_as_object(path, line, item)))
        for line, item in zip(lines, value, strict=True)
    ]


def _plain_dates(row: dict[str, Any]) -> dict[str, Any]:
    """Turn YAML's dates and bare numbers back into the words they were written as."""

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value.isoformat() if hasattr(value, "isoformat") else value

    row = {str(key): plain(value) for key, value in row.items()}
    for key in ("id", "as_of"):
        if isinstance(row.get(key), int):
            row[key] = str(row[key])
    for key in ("answers", "must_not", "choices", "accept", "reject"):
        if isinstance(row.get(key), list):
            row[key] = [str(v) if isinstance(v, (int, float)) else v for v in row[key]]
    return row


def _as_object(path: Path, line: int, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise QuestionSetError(
            f"{path}:{line} is no object but {type(value).__name__}.",
            remedy='Write each question as {"id": ..., "question": ...}.',
        )
    return value


def _csv(path: Path, text: str) -> Rows:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: Rows = []
    try:
        previous = reader.line_num
        for cells in reader:
            line, previous = previous + 1 if rows else 2, reader.line_num
            if None in cells:
                raise QuestionSetError(
                    f"{path}:{line} has more cells than the header has columns.",
                    remedy="Quote cells that hold a comma.",
                )
            rows.append((line, _from_cells(path, line, cells)))
    except csv.Error as error:
        raise QuestionSetError(
            f"{path}:{reader.line_num} is not CSV: {error}.", remedy="Quote cells as RFC 4180 says."
        ) from error
    return rows


_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def _from_cells(path: Path, line: int, cells: Mapping[str, str | None]) -> dict[str, Any]:
    """Return one CSV row as an object; empty cells are absent keys."""
    row: dict[str, Any] = {}
    for key, cell in cells.items():
        text = (cell or "").strip()
        if not text:
            continue
        if text[0] in "[{" and key not in ("question", "id"):
            try:
                row[key] = json.loads(text)
            except json.JSONDecodeError as error:
                raise QuestionSetError(
                    f"{path}:{line}, column {key}: not JSON: {error.msg}.",
                    remedy="Write `a | b`, or a JSON list.",
                ) from error
        elif key == "answerable":
            row[key] = _TRUTH.get(text.lower(), text)
        elif key in ("history", "answers", "must_not", "choices", "accept", "reject", "paths"):
            row[key] = [part.strip() for part in text.split("|")]
        elif key == "all_of":
            row[key] = [[word.strip() for word in group.split("/")] for group in text.split("|")]
        elif key == "evidence":
            row[key] = [_evidence_cell(part) for part in text.split("|")]
        else:
            row[key] = text
    return row


def _evidence_cell(text: str) -> dict[str, str]:
    file, found, quote = text.strip().partition(": ")
    return {"file": file, "quote": quote.strip()} if found else {"file": file}


def _checked(name: str, rows: Rows) -> QuestionSet:
    if not rows:
        raise QuestionSetError(
            f"{name} holds no question.",
            remedy='Write at least one line, such as {"id": "q1", "question": "Who ...?"}.',
        )
    questions: list[Question] = []
    lines: dict[str, int] = {}
    for line, row in rows:
        try:
            question = Question.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"] if not str(part).startswith("Turn"))
            known = (
                f"Known keys: {', '.join(Question.model_fields)}."
                if first["type"] == "extra_forbidden"
                else "Mend that line; the keys are described in rag/evaluation/questions.py."
            )
            raise QuestionSetError(
                f"{name}:{line}, {key or 'question'}: {_plain_message(first)}.", remedy=known
            ) from error
        if question.id in lines:
            raise QuestionSetError(
                f"{name}:{line}: the id {question.id!r} stands on line {lines[question.id]} too.",
                remedy="Give every question an id of its own.",
            )
        lines[question.id] = line
        questions.append(question)
    digest = hashlib.sha256()
    for question in questions:
        digest.update(json.dumps(question.to_dict(), sort_keys=True).encode())
    return QuestionSet(name, tuple(questions), lines, digest.hexdigest())


def _plain_message(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


@dataclass(frozen=True, slots=True)
class Gold:
    """A question's gold as places in the archive's articles.

    Attributes:
        evidence: In the question's order.
        readings: One per gold reading; None where the gold names no file.
    """

    evidence: tuple[Place, ...]
    readings: tuple[Place | None, ...]


def locate(questions: QuestionSet, archive: ReadsArticles) -> dict[str, Gold]:
    """Return where each question's gold stands in the archive, by id.

    Raises:
        QuestionSetError: If a file is not in the archive, or a quote not in its file.
    """
    texts: dict[str, str] = {}
    return {
        question.id: Gold(
            tuple(
                _place(questions, question, archive, texts, e.file, e.quote, e.start, e.end)
                for e in question.evidence
            ),
            tuple(
                _place(questions, question, archive, texts, r.file, r.quote, None, None)
                if r.file
                else None
                for r in question.readings
            ),
        )
        for question in questions.questions
    }


def _place(
    questions: QuestionSet,
    question: Question,
    archive: ReadsArticles,
    texts: dict[str, str],
    file: str,
    quote: str | None,
    start: int | None,
    end: int | None,
) -> Place:
    where = f"{questions.where(question.id)} ({question.id})"
    if file not in texts:
        try:
            texts[file] = archive.article(file).text
        except UsageError as error:
            raise QuestionSetError(
                f"{where}: the evidence names {file}, which is not in the archive.",
                remedy="Index the folder this set is about (`rag index FOLDER --index DIR`), "
                "or mend the path.",
            ) from error
    text = texts[file]
    if start is not None and end is not None:
        if end > len(text) or (quote is not None and text[start:end] != quote):
            raise QuestionSetError(
                f"{where}: {file} has other words at {start} to {end}.",
                remedy="Offsets count code points of the article's text; drop them and keep the "
                "quote if the file has changed.",
            )
        return Place(file, start, end)
    if quote is None:
        return Place(file)
    at = text.find(quote)
    if at < 0:
        raise QuestionSetError(
            f"{where}: these words are not in {file}: {_short(quote)!r}.",
            remedy=_nearest(quote, text),
        )
    return Place(file, at, at + len(quote))


def _short(quote: str) -> str:
    return quote if len(quote) <= 80 else quote[:77] + "..."


def _nearest(quote: str, text: str) -> str:
    """Return a remedy that says how the words do stand, where only their typing differs."""
    gap = r"\W+".join(re.escape(word) for word in re.findall(r"\w+", quote))
    found = re.search(gap, text, re.IGNORECASE) if gap else None
    if found:
        return f"Copy the words to the letter; the file has {_short(found.group())!r}."
    return "Copy the words from the file to the letter."


def selected(
    questions: QuestionSet,
    *,
    types: Sequence[str] = (),
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
) -> QuestionSet:
    """Return part of a set, in the set's order.

    Args:
        questions: The whole set.
        types: Keep these types only; all when empty.
        limit: Keep the first so many.
        sample: Keep so many drawn at random; the same seed draws the same.
        seed: For ``sample``.

    Raises:
        QuestionSetError: If nothing is left, or a type is unknown to the set.
    """
    kept = list(questions.questions)
    known = sorted({question.type for question in kept})
    unknown = sorted(set(types) - set(known))
    if unknown:
        raise QuestionSetError(
            f"{questions.name} has no question of type {unknown[0]!r}.",
            remedy=f"Its types are: {', '.join(known)}.",
        )
    if types:
        kept = [question for question in kept if question.type in types]
    if sample is not None and sample < len(kept):
        # By hash and not by random.sample: a question added to the set moves no other one out.
        drawn = sorted(kept, key=lambda q: hashlib.sha256(f"{seed}:{q.id}".encode()).hexdigest())[
            :sample
        ]
        ids = {question.id for question in drawn}
        kept = [question for question in kept if question.id in ids]
    if limit is not None:
        kept = kept[:limit]
    if not kept:
        raise QuestionSetError(
            f"Nothing of {questions.name} is left to ask.", remedy="Select more questions."
        )
    return QuestionSet(questions.name, tuple(kept), questions.lines, questions.sha256)


def write_questions(questions: Iterable[Question], path: Path) -> int:
    """Write a JSONL set and return how many questions it holds."""
    lines = [json.dumps(q.to_dict(), ensure_ascii=False) + "\n" for q in questions]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return len(lines)
