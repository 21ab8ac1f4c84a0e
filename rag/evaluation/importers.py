"""Other people's question sets -> a folder of articles to index and a set in our schema.

Each importer writes ``articles/part-001.jsonl`` (and so on) and ``questions.jsonl`` into a folder;
``rag index FOLDER/articles --index DIR`` and ``rag eval FOLDER/questions.jsonl --index DIR`` then
take the path that every user's folder takes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import lzma
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rag.errors import UsageError
from rag.evaluation.questions import Question, QuestionSetError, write_questions

PART_BYTES = 8_000_000
ARTICLES = "articles"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an importer wrote."""

    folder: Path
    articles: int
    questions: int


@dataclass(frozen=True, slots=True)
class _Document:
    id: str
    text: str
    title: str = ""
    date: str | None = None
    url: str | None = None
    outlet: str | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A question whose gold still names documents by their own ids.

    Attributes:
        values: Keys of :class:`Question` other than those below.
        evidence: (document, quote or None).
        readings: Gold readings with the document under ``doc_id``.
        candidates: The only documents to look at, or None.
        gains: Judged gain per document.
        needs: Further documents that belong to the question.
    """

    values: dict[str, Any]
    evidence: tuple[tuple[str, str | None], ...] = ()
    readings: tuple[dict[str, Any], ...] = ()
    candidates: tuple[str, ...] | None = None
    gains: Mapping[str, float] | None = None
    needs: tuple[str, ...] = ()

    @property
    def documents(self) -> set[str]:
        return {
            *(name for name, _ in self.evidence),
            *(reading["doc_id"] for reading in self.readings if reading.get("doc_id")),
            *(self.candidates or ()),
            *(self.gains or ()),
            *self.needs,
        }


# --- reading --------------------------------------------------------------------------------


def _open_text(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text file, packed or not, with their numbers."""
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".xz": lzma.open}
    opener = openers.get(path.suffix, open)
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            yield from enumerate(file, start=1)
    except (OSError, EOFError, lzma.LZMAError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path} cannot be read: {error}.", remedy="Check the path and the file."
        ) from error


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in _open_text(path):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            raise QuestionSetError(
                f"{path}:{number} is not JSON: {error.msg}.", remedy="Mend that line."
            ) from error
        if not isinstance(value, dict):
            raise QuestionSetError(f"{path}:{number} is no object.", remedy="Mend that line.")
        yield value


def _json_file(path: Path) -> Any:
    text = "".join(line for _, line in _open_text(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise QuestionSetError(
            f"{path}:{error.lineno} is not JSON: {error.msg}.", remedy="Check the file's format."
        ) from error


def _one_of(folder: Path, *names: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise UsageError(
        f"{folder} holds none of {', '.join(names)}.", remedy="Name the folder of the set."
    )


# --- writing --------------------------------------------------------------------------------


def _write(
    out: Path,
    documents: Iterable[_Document],
    drafts: Sequence[_Draft],
    *,
    limit: int | None,
    corpus_limit: int | None,
) -> Imported:
    if (out / "questions.jsonl").exists():
        raise UsageError(
            f"{out} holds an imported set already.", remedy="Give another folder with --out."
        )
    drafts = drafts[:limit]
    known = {document.id: document for document in documents if document.text.strip()}
    kept = _kept(known, drafts, corpus_limit)
    paths = _write_articles(out / ARTICLES, [known[name] for name in kept])
    questions = []
    for draft in drafts:
        try:
            questions.append(_finished(draft, known, paths))
        except ValidationError as error:
            first = error.errors()[0]
            raise QuestionSetError(
                f"The question {draft.values.get('id')!r} cannot be imported: {first['msg']}.",
                remedy="Mend the set, or leave the question out.",
            ) from error
    count = write_questions(questions, out / "questions.jsonl")
    return Imported(out, len(paths), count)


def _kept(
    known: Mapping[str, _Document], drafts: Sequence[_Draft], corpus_limit: int | None
) -> list[str]:
    """Return the documents to write, in their order: those the questions name, then others."""
    if corpus_limit is None:
        return list(known)
    needed = set().union(*(draft.documents for draft in drafts)) & set(known)
    others = sorted(set(known) - needed, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    chosen = needed | set(others[: max(0, corpus_limit - len(needed))])
    return [name for name in known if name in chosen]


def _write_articles(folder: Path, documents: Sequence[_Document]) -> dict[str, str]:
    """Write the documents as JSONL and return each one's path in an archive of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: dict[str, str] = {}
    part, line, size = 0, 0, PART_BYTES
    file = None
    try:
        for document in documents:
            row = {
                key: value
                for key, value in (
                    ("id", document.id), ("title", document.title), ("text", document.text),
                    ("date", document.date), ("url", document.url), ("outlet", document.outlet),
                )
                if value
            }  # fmt: skip
            data = json.dumps(row, ensure_ascii=False) + "\n"
            if size + len(data.encode()) > PART_BYTES:
                part, line, size = part + 1, 0, 0
                if file is not None:
                    file.close()
                name = f"part-{part:03d}.jsonl"
                file = (folder / name).open("w", encoding="utf-8", newline="\n")
            line, size = line + 1, size + len(data.encode())
            if file is not None:
                file.write(data)
            paths[document.id] = f"part-{part:03d}.jsonl#{line}"
    finally:
        if file is not None:
            file.close()
    return paths


def _finished(draft: _Draft, known: Mapping[str, _Document], paths: Mapping[str, str]) -> Question:
    evidence = []
    for name, quote in draft.evidence:
        if name in paths:
            # A quote that was tidied by the set's authors still names the right document.
            stands = quote and quote in known[name].text
            evidence.append({"file": paths[name], **({"quote": quote} if stands else {})})
    readings = []
    row: dict[str, Any]
    for reading in draft.readings:
        name = reading.get("doc_id", "")
        row = {"value": str(reading["value"]), "as_of": reading.get("as_of")}
        if name in paths:
            row["file"] = paths[name]
            if reading.get("quote") and reading["quote"] in known[name].text:
                row["quote"] = reading["quote"]
        readings.append(row)
    values = dict(draft.values)
    if draft.candidates is not None:
        values["paths"] = [paths[name] for name in draft.candidates if name in paths]
    if draft.gains:
        # A judged document that is not written stays in the ideal order, as in trec_eval.
        values["gains"] = {paths.get(k, k): float(v) for k, v in draft.gains.items()}
    return Question.model_validate({**values, "evidence": evidence, "readings": readings})


# --- the corpus.jsonl + questions.jsonl form ------------------------------------------------

_LONG = frozenset({"long_form", "multi_turn", "conversational", "multi_source_cited"})


def import_bench(
    folder: Path,
    out: Path,
    *,
    quick: bool = False,
    every_document: bool = False,
    dated: bool = False,
    limit: int | None = None,
    corpus_limit: int | None = None,
) -> Imported:
    """Import ``corpus.jsonl`` + ``questions.jsonl``, packed with gzip or xz or not at all.

    Args:
        folder: Of the set.
        out: Where to write.
        quick: Take only the questions marked ``quick``.
        every_document: Search the whole corpus, also where a question names its candidates.
        dated: Ask as of the question's own date, where it has one.
        limit: Take the first so many questions.
        corpus_limit: Write so many documents at most; those that questions name come first.
    """
    corpus = _one_of(folder, "corpus.jsonl", "corpus.jsonl.gz", "corpus.jsonl.xz")
    asked = _one_of(folder, "questions.jsonl", "questions.jsonl.gz", "questions.jsonl.xz")
    documents = [
        _Document(
            id=str(row["id"]),
            text=str(row.get("text", "")),
            title=str(row.get("title") or ""),
            date=row.get("date"),
            url=row.get("url"),
        )
        for row in _json_lines(corpus)
    ]
    ids = [document.id for document in documents]
    drafts = []
    for row in _json_lines(asked):
        if quick and not row.get("quick"):
            continue
        drafts.append(_bench_draft(row, ids, every_document=every_document, dated=dated))
    return _write(out, documents, drafts, limit=limit, corpus_limit=corpus_limit)


def _bench_draft(
    row: Mapping[str, Any], ids: Sequence[str], *, every_document: bool, dated: bool
) -> _Draft:
    kind = re.sub(r"[^a-z0-9_-]", "_", str(row.get("type", "fact")).lower())
    answerable = row.get("answerable", True)
    # Sets of judged or labelled documents have labels for answers: they can only be searched.
    labelled = "label" in row or bool(row.get("qrels"))
    answers = [str(a) for a in row.get("answers", []) if str(a).strip()]
    if answerable is not True or labelled:
        answers = [] if answerable is False or labelled else answers
    values: dict[str, Any] = {
        "id": str(row["id"]),
        "question": row["question"],
        "history": _turns(row.get("history", ())),
        "answers": answers,
        "type": kind,
        "answerable": None if labelled else answerable,
        "task": "search" if labelled else "answer",
    }
    if kind in _LONG:
        values["answer_type"] = "long"
    if row.get("wrong_answers") is not None:
        values["must_not"] = [w for w in row["wrong_answers"] if w]
        several = "disambig_entity" in row
        values["all_of"] = [[a] for a in answers] if several else [answers] if answers else []
    if {str(choice) for choice in row.get("choices", ())} & set(answers):
        values["choices"] = [str(choice) for choice in row["choices"]]
    if row.get("readings"):
        values["accept"] = [str(value) for value in row.get("accept", [])]
        values["reject"] = [str(value) for value in row.get("must_not", [])]
        if kind in ("over_time", "between_sources"):
            values["disagreement"] = kind
    if dated and row.get("question_date"):
        values["as_of"] = row["question_date"]
    prefix = row.get("candidate_docs_prefix")
    group = row.get("context_doc") or prefix
    if group:
        values["group"] = str(group)
    candidates: tuple[str, ...] | None = None
    if not every_document:
        named = row.get("candidates") or row.get("candidate_docs")
        if isinstance(named, Mapping):
            named = [name for part in named.values() for name in part]
        if prefix:
            named = [name for name in ids if name.startswith(prefix)]
        candidates = tuple(named) if named else None
    evidence = tuple((str(e["doc_id"]), e.get("quote")) for e in row.get("evidence", []))
    if "evidence_kind" in row:  # weak evidence was guessed from the answer's words
        named = [*row.get("gold_docs", []), *row.get("evidence_strong", [])]
        evidence = tuple((name, None) for name in dict.fromkeys(named))
    return _Draft(
        values,
        evidence,
        tuple(row.get("readings", ())),
        candidates,
        row.get("qrels"),
        needs=(
            *row.get("gcs_docs", ()),
            *row.get("gold_docs", ()),
            *([row["context_doc"]] if row.get("context_doc") else ()),
        ),
    )


def _turns(history: Iterable[Any]) -> list[Any]:
    """Return role-and-text turns as questions with their answers; strings stay questions."""
    turns: list[Any] = []
    for turn in history:
        if isinstance(turn, str):
            turns.append(turn)
        elif turn.get("role") == "user":
            turns.append({"question": turn["text"], "answer": ""})
        elif turn.get("role") and turns:
            turns[-1] = {"question": turns[-1]["question"], "answer": turn["text"]}
        elif "question" in turn:
            turns.append({"question": turn["question"], "answer": turn.get("answer", "")})
    return turns


# --- BEIR -----------------------------------------------------------------------------------


def import_beir(
    folder: Path,
    out: Path,
    *,
    split: str = "test",
    limit: int | None = None,
    corpus_limit: int | None = None,
) -> Imported:
    """Import a BEIR folder: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/SPLIT.tsv``."""
    documents = [
        _Document(id=str(row["_id"]), text=str(row.get("text", "")), title=row.get("title") or "")
        for row in _json_lines(_one_of(folder, "corpus.jsonl", "corpus.jsonl.gz"))
    ]
    gains: dict[str, dict[str, float]] = {}
    judged = folder / "qrels" / f"{split}.tsv"
    for row in csv.reader((line for _, line in _open_text(judged)), delimiter="\t"):
        if len(row) != 3:
            raise QuestionSetError(
                f"{judged} has a row of {len(row)} cells.",
                remedy="Each row is query-id, corpus-id, score.",
            )
        if row[2] != "score":
            gains.setdefault(row[0], {})[row[1]] = float(row[2])
    drafts = [
        _Draft(
            {
                "id": str(row["_id"]),
                "question": row["text"],
                "type": "retrieval",
                "task": "search",
                "answerable": None,
            },
            gains=gains[str(row["_id"])],
        )
        for row in _json_lines(_one_of(folder, "queries.jsonl", "queries.jsonl.gz"))
        if str(row["_id"]) in gains
    ]
    return _write(out, documents, drafts, limit=limit, corpus_limit=corpus_limit)


# --- SQuAD ----------------------------------------------------------------------------------


def import_squad(
    file: Path, out: Path, *, limit: int | None = None, corpus_limit: int | None = None
) -> Imported:
    """Import a SQuAD 1.1 or 2.0 JSON file; every paragraph becomes an article."""
    value = _json_file(file)
    documents, drafts = [], []
    try:
        for article in value["data"]:
            for number, paragraph in enumerate(article["paragraphs"]):
                name = f"{article['title']}#{number}"
                documents.append(
                    _Document(name, paragraph["context"], article["title"].replace("_", " "))
                )
                for row in paragraph["qas"]:
                    answerable = not row.get("is_impossible", False)
                    golds = row["answers"] if answerable else []
                    drafts.append(
                        _Draft(
                            {
                                "id": str(row["id"]),
                                "question": row["question"].strip(),
                                "answers": list(dict.fromkeys(a["text"] for a in golds)),
                                "type": "fact" if answerable else "unanswerable",
                                "answerable": answerable,
                                "kind": None if answerable else "near_miss",
                                "group": name,
                            },
                            evidence=tuple(
                                (name, _around(paragraph["context"], a["answer_start"], a["text"]))
                                for a in golds[:1]
                            ),
                            needs=(name,),
                        )
                    )
    except (KeyError, TypeError) as error:
        raise QuestionSetError(
            f"{file} is not of SQuAD's form: {error}.",
            remedy='It holds {"data": [{"title", "paragraphs": [{"context", "qas"}]}]}.',
        ) from error
    return _write(out, documents, drafts, limit=limit, corpus_limit=corpus_limit)


def _around(context: str, start: int, answer: str) -> str:
    """Return the answer with a few words on both sides, so that the quote stands only once."""
    low = max(0, start - 40)
    return context[low : start + len(answer) + 40]


# --- MultiHop-RAG ---------------------------------------------------------------------------


def import_multihop(
    folder: Path, out: Path, *, limit: int | None = None, corpus_limit: int | None = None
) -> Imported:
    """Import MultiHop-RAG: ``corpus.json`` and ``MultiHopRAG.json``."""
    documents = []
    try:
        for row in _json_file(_one_of(folder, "corpus.json")):
            documents.append(
                _Document(
                    id=row["url"],
                    text=row["body"],
                    title=row.get("title") or "",
                    date=(row.get("published_at") or "")[:10] or None,
                    url=row["url"],
                    outlet=row.get("source"),
                )
            )
        drafts = []
        for number, row in enumerate(_json_file(_one_of(folder, "MultiHopRAG.json")), start=1):
            kind = str(row.get("question_type", "multi_hop")).lower().replace(" ", "_")
            answerable = kind != "null_query"
            drafts.append(
                _Draft(
                    {
                        "id": f"multihop-{number}",
                        "question": row["query"],
                        "answers": [row["answer"]] if answerable else [],
                        "type": kind,
                        "answer_type": "yesno"
                        if row["answer"].lower() in ("yes", "no")
                        else "span",
                        "answerable": answerable,
                        "kind": None if answerable else "no_topic",
                    },
                    evidence=tuple((e["url"], e.get("fact")) for e in row["evidence_list"]),
                )
            )
    except (KeyError, TypeError, AttributeError) as error:
        raise QuestionSetError(
            f"{folder} is not of MultiHop-RAG's form: {error}.",
            remedy="It holds corpus.json (url, body) and MultiHopRAG.json (query, answer, "
            "evidence_list).",
        ) from error
    return _write(out, documents, drafts, limit=limit, corpus_limit=corpus_limit)


# --- likes and dislikes ---------------------------------------------------------------------


def import_feedback(store: Path, out: Path) -> int:
    """Write the page's stored likes and dislikes as a question set; return how many.

    A liked answer's short answer and citations are gold; an abstention that was liked says that
    the articles do not answer. What a disliked answer said is a wrong answer (``must_not``); a
    disliked abstention says that there is an answer.

    Args:
        store: The page's conversation file (SQLite), or JSONL with ``question``, ``history``,
            ``options``, ``answer`` (as ``rag ask --json`` prints it) and ``liked``.
        out: The ``.jsonl`` to write.
    """
    if not store.is_file():
        raise UsageError(f"There is no {store}.", remedy="Judge an answer in the page first.")
    rows = list(_json_lines(store) if store.suffix == ".jsonl" else _stored_feedback(store))
    if not rows:
        raise UsageError(f"{store} holds no feedback.", remedy="Judge an answer in the page first.")
    if out.exists():
        raise UsageError(f"{out} exists.", remedy="Give another file with --out.")
    questions: dict[str, Question] = {}
    for row in rows:
        question = _from_feedback(row)
        # The last word on one question counts.
        questions[question.id] = question
    return write_questions(questions.values(), out)


def _stored_feedback(store: Path) -> Iterator[dict[str, Any]]:
    columns = "question, history, options, answer, liked"
    try:
        with closing(sqlite3.connect(f"{store.absolute().as_uri()}?mode=ro", uri=True)) as database:
            found = database.execute(f"SELECT {columns} FROM feedback ORDER BY id").fetchall()
    except sqlite3.DatabaseError as error:
        raise UsageError(
            f"{store} holds no feedback: {error}.", remedy="Name the page's conversation file."
        ) from error
    for question, history, options, answer, liked in found:
        yield {
            "question": question,
            "history": json.loads(history),
            "options": json.loads(options),
            "answer": json.loads(answer),
            "liked": bool(liked),
        }


def _from_feedback(row: Mapping[str, Any]) -> Question:
    answer, options = row["answer"], row.get("options") or {}
    short, declined, liked = answer.get("short_answer"), answer["abstained"], bool(row["liked"])
    history = [
        turn if isinstance(turn, str) else {"question": turn["question"],
                                            "answer": turn.get("answer", "")}
        for turn in row.get("history") or []
    ]  # fmt: skip
    seen = json.dumps([row["question"], history, options], sort_keys=True)
    values: dict[str, Any] = {
        "id": f"feedback-{hashlib.sha256(seen.encode()).hexdigest()[:12]}",
        "question": row["question"],
        "history": history,
        "type": "liked" if liked else "disliked",
        "as_of": options.get("as_of") or None,
        "paths": options.get("paths") or None,
    }
    if liked:
        values["answerable"] = not declined
        values["answer_type"] = "span" if short else "long"
        values["answers"] = [short] if short and not declined else []
        values["evidence"] = [
            {"file": citation["path"], "quote": citation["quote"]}
            for citation in answer.get("citations", [])
            if not declined
        ]
    else:
        values["answerable"] = True if declined else None
        values["answer_type"] = "long"
        values["must_not"] = [short] if short else []
    return Question.model_validate(values)
