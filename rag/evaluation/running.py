"""A question set and an archive -> a run, through the path that a user's question takes."""

from __future__ import annotations

import datetime as dt
import hashlib
import importlib.metadata
import json
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

from pydantic import BaseModel

from rag.errors import IndexProblem, ModelUnavailableError, RagError
from rag.evaluation.questions import (
    Gold,
    Question,
    QuestionSet,
    load_questions,
    locate,
    question_set,
    selected,
)
from rag.evaluation.report import write_reports
from rag.evaluation.results import PARTIAL_FILE, RUN_FILE, Run, RunError
from rag.schema import Answer, Article, ArticleSummary, FileState, History, Hit

SEARCH_DEPTH = 100
Listener = Callable[[int, int, str], None]
"""Called with questions done, questions in all, and the id of the one just done."""


class Askable(Protocol):
    """What is evaluated: an archive, or a test's stand-in."""

    def ask(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Iterable[str] | None = None,
    ) -> Answer:
        """Return the answer that a user would get."""

    def search(
        self,
        query: str,
        limit: int = 10,
        as_of: dt.date | str | None = None,
        paths: Iterable[str] | None = None,
    ) -> list[Hit]:
        """Return the passages nearest to the query."""

    def articles(self) -> list[ArticleSummary]:
        """Return what is indexed."""

    def article(self, path: str) -> Article:
        """Return the indexed copy of an article."""

    def file_state(self, path: str) -> FileState:
        """Say whether the file is still the one that was indexed."""

    def status(self) -> dict[str, Any]:
        """Return what the index is."""

    @property
    def corpus(self) -> Path:
        """The folder of articles."""

    @property
    def settings(self) -> Any:
        """The settings in force."""


def run(
    archive: Askable,
    questions: str | Path | QuestionSet | Iterable[Question | Mapping[str, Any]],
    *,
    out: str | Path | None = None,
    resume: bool = False,
    types: Sequence[str] = (),
    limit: int | None = None,
    sample: int | None = None,
    seed: int = 0,
    opened_ms: float | None = None,
    on_progress: Listener | None = None,
) -> Run:
    """Return how good the archive's answers to the questions are.

    Args:
        archive: What to ask.
        questions: A question file, a checked set, or questions made in Python.
        out: A folder for the run and its reports; nothing is written when None.
        resume: Go on with the interrupted run in ``out``; what it answered is not asked again.
        types: Ask questions of these types only.
        limit: Ask the first so many only.
        sample: Ask so many, drawn with ``seed``.
        seed: For ``sample``.
        opened_ms: What opening the archive took, for the cold start.
        on_progress: Told after each question.

    Raises:
        QuestionSetError: If the set is malformed or its evidence is not in the archive.
        RunError: If ``out`` holds a run already, or an interrupted one and ``resume`` is False.
    """
    asked = _as_set(questions)
    chosen = selected(asked, types=types, limit=limit, sample=sample, seed=seed)
    selection = {"types": list(types), "limit": limit, "sample": sample, "seed": seed}
    gold = locate(chosen, archive)
    about = describe(archive, chosen, selection)
    folder = Path(out) if out is not None else None
    started_at, started = dt.datetime.now(dt.UTC), time.perf_counter()
    with _partial(folder, about, resume=resume) as (done, keep):
        for number, question in enumerate(chosen.questions, start=1):
            if question.id not in done:
                row = _ask(archive, question, gold[question.id])
                done[question.id] = row
                keep(row)
            if on_progress is not None:
                on_progress(number, len(chosen.questions), question.id)
    rows = [done[question.id] for question in chosen.questions]
    first: dict[str, float] = next((row["timings"] for row in rows if row["timings"]), {})
    timings = {
        "started_at": started_at.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - started, 3),
        "open_ms": None if opened_ms is None else round(opened_ms, 1),
        "cold_start_ms": None
        if opened_ms is None
        else round(opened_ms + float(first.get("total", 0.0)), 1),
        "peak_rss_mb": peak_rss_mb(),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        "questions": {row["record"]["id"]: row["timings"] for row in rows if row["timings"]},
    }
    finished = Run.of(about, [row["record"] for row in rows], timings, folder=folder)
    if folder is not None:
        save(finished, folder)
        (folder / PARTIAL_FILE).unlink(missing_ok=True)
    return finished


def save(finished: Run, folder: str | Path) -> None:
    """Write a run's folder: its data and its four reports."""
    folder = Path(folder)
    finished.write_data(folder)
    write_reports(finished, folder)


def _as_set(
    questions: str | Path | QuestionSet | Iterable[Question | Mapping[str, Any]],
) -> QuestionSet:
    if isinstance(questions, QuestionSet):
        return questions
    if isinstance(questions, (str, Path)):
        return load_questions(questions)
    return question_set(questions)


def _ask(archive: Askable, question: Question, gold: Gold) -> dict[str, Any]:
    """Return one question's record and its timings."""
    record: dict[str, Any] = {
        "id": question.id,
        "question": question.to_dict(),
        "gold": {
            "evidence": [_place(place) for place in gold.evidence],
            "readings": [None if place is None else _place(place) for place in gold.readings],
        },
        "error": None,
        "answer": None,
        "passages": [],
        "found": [],
    }
    began = time.perf_counter()
    try:
        if question.task == "search":
            hits = archive.search(
                question.question, limit=SEARCH_DEPTH, as_of=question.as_of, paths=question.paths
            )
            taken = {"total": (time.perf_counter() - began) * 1000}
            record["passages"] = [_passage(hit, frozenset()) for hit in hits]
            return {"record": record, "timings": _rounded(taken)}
        answer = archive.ask(
            question.question,
            history=question.history,
            as_of=question.as_of,
            paths=question.paths,
        )
    except (IndexProblem, ModelUnavailableError):
        raise  # concerns every question, not this one
    except (RagError, ArithmeticError, AssertionError, LookupError, OSError, RuntimeError,
            TypeError, ValueError) as error:  # fmt: skip
        # A bug met by one question must not cost the figures of the others; it is counted.
        problem = error.problem if isinstance(error, RagError) else str(error)
        record["error"] = {"type": type(error).__name__, "problem": problem}
        return {"record": record, "timings": {}}
    taken = dict(answer.timings_ms) or {"total": (time.perf_counter() - began) * 1000}
    values = answer.to_dict()
    del values["timings_ms"], values["passages"]
    record["answer"] = values
    record["passages"] = [_passage(hit, answer.used) for hit in answer.hits]
    record["found"] = [
        {
            "number": citation.number,
            "indexed": archive.article(citation.path).text[citation.start : citation.end],
            "on_disk": _on_disk(archive, citation.path, citation.start, citation.end),
        }
        for citation in answer.citations
    ]
    return {"record": record, "timings": _rounded(taken)}


def _rounded(timings: Mapping[str, float]) -> dict[str, float]:
    return {stage: round(value, 2) for stage, value in timings.items()}


def _place(place: Any) -> dict[str, Any]:
    if place.whole:
        return {"path": place.path}
    return {"path": place.path, "start": place.start, "end": place.end}


def _passage(hit: Hit, used: frozenset[str]) -> dict[str, Any]:
    return {**hit.to_dict(), "used": hit.passage.passage_id in used}


def _on_disk(archive: Askable, path: str, start: int, end: int) -> str | None:
    """Return the words at the offsets in the file as it is now; None if they cannot be read.

    Text files are read afresh, apart from the archive; of the other kinds, whose text is not the
    file's own, the archive says whether the file is the indexed one.
    """
    article = archive.article(path)
    if path.lower().endswith((".txt", ".md")):
        try:
            data = (archive.corpus / path).read_bytes()
            return data.decode(article.encoding)[start:end]
        except (OSError, ValueError, LookupError):
            return None
    return article.text[start:end] if archive.file_state(path) == "same" else None


def describe(
    archive: Askable, questions: QuestionSet, selection: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a run is a run of: set, selection, settings, corpus, versions."""
    status = archive.status()
    digest = hashlib.sha256()
    articles = archive.articles()
    for summary in articles:
        digest.update(f"{summary.path}\0{archive.article(summary.path).sha256}\n".encode())
    settings = archive.settings
    knobs = settings.model_dump(mode="json") if isinstance(settings, BaseModel) else dict(settings)
    return {
        "set": {"name": _set_name(questions.name), "sha256": questions.sha256},
        "selection": dict(selection),
        # Where corpus and index lie changes no answer, and is nobody's business in a report.
        "settings": {key: knobs[key] for key in knobs if key not in ("corpus", "index")},
        "archive": {
            "articles": len(articles),
            "passages": status.get("passages"),
            "fingerprint": status.get("fingerprint"),
            "embedding_model": status.get("embedding_model"),
            "corpus_sha256": digest.hexdigest(),
        },
        "versions": _versions(),
    }


def _set_name(name: str) -> str:
    """Return a set's short name; an imported set is named after its folder."""
    path = Path(name)
    return path.parent.name if path.stem == "questions" and path.parent.name else path.name


_PARTS = (
    "dateline", "torch", "sentence-transformers", "transformers", "onnxruntime", "tokenizers",
    "chromadb", "tantivy", "llama-index-core", "sentencex", "numpy",
)  # fmt: skip


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for part in _PARTS:
        try:
            found[part] = importlib.metadata.version(part)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def peak_rss_mb() -> float | None:
    """Return the most memory this process has held so far, in MB; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource  # not on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024), 1)


# --- what is kept while a run goes on -------------------------------------------------------


@contextmanager
def _partial(
    folder: Path | None, about: Mapping[str, Any], *, resume: bool
) -> Iterator[tuple[dict[str, Any], Callable[[Mapping[str, Any]], None]]]:
    """Give what an interrupted run answered already, and a way to keep each further answer."""
    if folder is None:
        yield {}, lambda row: None
        return
    path = folder / PARTIAL_FILE
    header = {"about": about}
    done: dict[str, Any] = {}
    if (folder / RUN_FILE).exists():
        raise RunError(f"{folder} holds a finished run.", remedy="Give another folder with --out.")
    if path.exists() and not resume:
        raise RunError(
            f"{folder} holds an interrupted run.",
            remedy="Add --resume to go on with it, or give another folder with --out.",
        )
    if path.exists():
        done = _resumed(path, header)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("a", encoding="utf-8", errors="surrogatepass", newline="\n")
    except OSError as error:
        raise RunError(
            f"Nothing can be written to {folder}: {error.strerror or error}.",
            remedy="Give another folder with --out.",
        ) from error
    with file:
        if path.stat().st_size == 0:
            _write_line(file, header)
        yield done, lambda row: _write_line(file, row)


def _write_line(file: IO[str], value: Mapping[str, Any]) -> None:
    file.write(json.dumps(value, ensure_ascii=False) + "\n")
    file.flush()


def _resumed(path: Path, header: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rows of an interrupted run; a last line cut short is dropped from the file."""
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    lines = whole.decode("utf-8", errors="surrogatepass").split("\n")[:-1]
    try:
        values = [json.loads(line) for line in lines]
    except json.JSONDecodeError as error:
        raise RunError(
            f"{path} is damaged: {error.msg}.",
            remedy="Delete it and run again, or give another folder with --out.",
        ) from error
    if not values:
        path.write_bytes(b"")
        return {}
    if values[0] != json.loads(json.dumps(header)):
        changed = [
            key
            for key, value in json.loads(json.dumps(header))["about"].items()
            if values[0].get("about", {}).get(key) != value
        ]
        raise RunError(
            f"{path.parent} holds a run of something else; changed since: {', '.join(changed)}.",
            remedy="Resume with the same questions, selection, settings and index, or give "
            "another folder with --out.",
        )
    if len(whole) < len(data):
        path.write_bytes(whole)
    return {row["record"]["id"]: row for row in values[1:]}
