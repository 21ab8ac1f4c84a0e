"""Other sets become a folder of articles and a set whose gold stands in an archive of it."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.corpus import read_articles
from rag.errors import UsageError
from rag.evaluation.importers import (
    import_beir,
    import_bench,
    import_feedback,
    import_multihop,
    import_squad,
)
from rag.evaluation.questions import Question, QuestionSetError, load_questions, locate
from rag.schema import Article

BENCH = Path(__file__).resolve().parent.parent.parent / "shared" / "bench" / "sets"


class Folder:
    """The articles of a folder as ``rag index`` reads them, without an index."""

    def __init__(self, folder: Path) -> None:
        self.articles: dict[str, Article] = {}
        for path in sorted(folder.iterdir()):
            for line, text in enumerate(path.read_text(encoding="utf-8").split("\n"), start=1):
                if text:
                    name = f"{path.name}#{line}"
                    self.articles[name] = Article(name, json.loads(text)["text"], name)

    def article(self, path: str) -> Article:
        return self.articles[path]


def _imported(folder: Path) -> dict[str, Question]:
    questions = load_questions(folder / "questions.jsonl")
    locate(questions, Folder(folder / "articles"))
    return {question.id: question for question in questions.questions}


def _lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


def test_the_corpus_reader_gives_the_paths_that_importers_write(tmp_path: Path) -> None:
    _bench_set(tmp_path / "set")
    import_bench(tmp_path / "set", tmp_path / "out")

    articles, skipped = _read(tmp_path / "out" / "articles")

    assert [article.path for article in articles] == ["part-001.jsonl#1", "part-001.jsonl#2"]
    assert articles[0].text == "Fifty\nremain."
    assert str(articles[0].published) == "2025-07-24"
    assert skipped == []


def _read(folder: Path) -> tuple[list[Article], list[Any]]:
    found, skipped = read_articles(folder, "part-001.jsonl", max_bytes=10_000_000)
    return list(found), list(skipped)


def _bench_set(folder: Path) -> None:
    _lines(
        folder / "corpus.jsonl.gz",
        [
            {"id": "d1", "title": "T", "text": "Fifty\nremain.", "date": "2025-07-24"},
            {"id": "d2", "title": "", "text": "More than 120 remain."},
            {"id": "d3", "title": "", "text": " "},
        ],
    )
    _lines(
        folder / "questions.jsonl.gz",
        [
            {"id": "q1", "question": "How many?", "answers": ["Fifty"], "type": "Odd Type",
             "answerable": True, "quick": True, "context_doc": "d1", "choices": ["Fifty", "Ten"],
             "evidence": [{"doc_id": "d1", "quote": "Fifty\nremain"},
                          {"doc_id": "d2", "quote": "tidied words"},
                          {"doc_id": "gone"}],
             "history": [{"role": "user", "text": "Who?"}, {"role": "assistant", "text": "They."}]},
            {"id": "q2", "question": "Judged?", "answers": [], "evidence": [],
             "answerable": None, "type": "rerank", "candidates": ["d1", "d2", "gone"],
             "qrels": {"d2": 3, "d1": 0, "unseen": 1}},
            {"id": "q3", "question": "Toll?", "type": "over_time", "answerable": True,
             "readings": [{"value": 120, "doc_id": "d2", "as_of": "2024-06", "quote": "120"}],
             "accept": [100], "must_not": [7], "quick": True},
            {"id": "q4", "question": "Which?", "answers": ["a", "b"], "wrong_answers": ["c"],
             "disambig_entity": ["x"], "evidence": [{"doc_id": "d1"}], "type": "ambiguous",
             "answerable": True, "candidate_docs": {"positive": ["d1"], "negative": ["d2"]}},
        ],
    )  # fmt: skip


def test_a_bench_set_keeps_its_gold_its_history_and_its_judgements(tmp_path: Path) -> None:
    _bench_set(tmp_path / "set")

    report = import_bench(tmp_path / "set", tmp_path / "out")
    found = _imported(tmp_path / "out")

    assert (report.articles, report.questions) == (2, 4)
    assert [e.quote for e in found["q1"].evidence] == ["Fifty\nremain", None]
    assert found["q1"].type == "odd_type"
    assert found["q1"].choices == ("Fifty", "Ten")
    assert found["q1"].to_dict()["history"] == [{"question": "Who?", "answer": "They."}]
    assert found["q2"].task == "search"
    assert found["q2"].gains == {"part-001.jsonl#2": 3, "part-001.jsonl#1": 0, "unseen": 1}
    assert found["q2"].paths == ("part-001.jsonl#1", "part-001.jsonl#2")
    assert found["q3"].readings[0].value == "120"
    assert (found["q3"].accept, found["q3"].reject) == (("100",), ("7",))
    assert found["q3"].disagreement == "over_time"
    assert found["q4"].all_of == (("a",), ("b",))
    assert found["q4"].must_not == ("c",)
    assert found["q4"].paths == ("part-001.jsonl#1", "part-001.jsonl#2")


def test_a_part_of_a_bench_set_keeps_the_documents_it_needs(tmp_path: Path) -> None:
    _bench_set(tmp_path / "set")

    report = import_bench(
        tmp_path / "set", tmp_path / "out", quick=True, limit=1, corpus_limit=1, every_document=True
    )

    assert (report.articles, report.questions) == (2, 1)


def test_a_beir_folder_becomes_search_tasks(tmp_path: Path) -> None:
    _lines(tmp_path / "b" / "corpus.jsonl", [{"_id": "1", "title": "T", "text": "words"}])
    _lines(tmp_path / "b" / "queries.jsonl", [{"_id": "q", "text": "?"}, {"_id": "r", "text": "!"}])
    (tmp_path / "b" / "qrels").mkdir()
    (tmp_path / "b" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\t1\t2\n")

    import_beir(tmp_path / "b", tmp_path / "out")

    assert _imported(tmp_path / "out")["q"].gains == {"part-001.jsonl#1": 2}


def test_squad_keeps_near_misses_as_unanswerable(tmp_path: Path) -> None:
    context = "Norman. The Normans gave their name to Normandy, a region in France."
    rows = [
        {"id": "a", "question": "Where is Normandy? ", "is_impossible": False,
         "answers": [{"text": "France", "answer_start": context.index("France")}]},
        {"id": "b", "question": "Who gave their name in the 1000's?", "is_impossible": True,
         "answers": []},
    ]  # fmt: skip
    data = {"data": [{"title": "Normans", "paragraphs": [{"context": context, "qas": rows}]}]}
    (tmp_path / "dev.json").write_text(json.dumps(data))

    import_squad(tmp_path / "dev.json", tmp_path / "out")
    found = _imported(tmp_path / "out")

    assert found["a"].answers == ("France",)
    assert "France" in (found["a"].evidence[0].quote or "")
    assert found["b"].answerable is False
    assert found["b"].kind == "near_miss"
    assert found["a"].cluster == found["b"].cluster


def test_multihop_rag_keeps_every_piece_of_evidence(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "corpus.json").write_text(
        json.dumps([
            {"url": "u1", "body": "A said yes.", "title": "A", "source": "X",
             "published_at": "2023-10-01T10:00:00+00:00"},
            {"url": "u2", "body": "B said no.", "title": "B", "source": "Y",
             "published_at": "2023-10-02"},
        ])
    )  # fmt: skip
    (folder / "MultiHopRAG.json").write_text(
        json.dumps([
            {"query": "Do A and B agree?", "answer": "no", "question_type": "comparison_query",
             "evidence_list": [{"url": "u1", "fact": "A said yes."}, {"url": "u2", "fact": "B"}]},
            {"query": "C?", "answer": "Insufficient information.", "question_type": "null_query",
             "evidence_list": []},
        ])
    )  # fmt: skip

    import_multihop(folder, tmp_path / "out")
    found = _imported(tmp_path / "out")

    assert len(found["multihop-1"].evidence) == 2
    assert found["multihop-1"].answer_type == "yesno"
    assert found["multihop-2"].answerable is False


ANSWER = {
    "abstained": False, "short_answer": "50", "text": "50 remain. [1]",
    "citations": [{"path": "talks.txt", "quote": "About 50 hostages remain"}],
}  # fmt: skip


def _feedback(path: Path, rows: list[tuple[str, dict[str, Any], bool]]) -> None:
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE feedback (id INTEGER PRIMARY KEY, question TEXT, history TEXT,"
            " options TEXT, settings TEXT, answer TEXT, liked INTEGER, comment TEXT)"
        )
        database.executemany(
            "INSERT INTO feedback (question, history, options, answer, liked) VALUES (?,?,?,?,?)",
            [
                (question, json.dumps([{"question": "Who?", "answer": "They."}]),
                 json.dumps({"as_of": None}), json.dumps(answer), int(liked))
                for question, answer, liked in rows
            ],
        )  # fmt: skip
    database.close()


def test_likes_become_gold_and_dislikes_wrong_answers(tmp_path: Path) -> None:
    declined = {"abstained": True, "short_answer": None, "text": "No.", "citations": []}
    store = tmp_path / "conversations.sqlite"
    _feedback(
        store,
        [("liked?", ANSWER, True), ("disliked?", ANSWER, False), ("rightly not?", declined, True),
         ("wrongly not?", declined, False), ("liked?", {**ANSWER, "short_answer": "51"}, True)],
    )  # fmt: skip

    count = import_feedback(store, tmp_path / "set.jsonl")
    found = {q.question: q for q in load_questions(tmp_path / "set.jsonl").questions}

    assert count == 4  # the last word on one question counts
    assert found["liked?"].answers == ("51",)
    assert found["liked?"].evidence[0].quote == "About 50 hostages remain"
    assert found["disliked?"].must_not == ("50",)
    assert found["disliked?"].answerable is None
    assert found["rightly not?"].answerable is False
    assert found["wrongly not?"].answerable is True
    assert found["liked?"].history


def test_the_pages_own_store_can_be_read(tmp_path: Path) -> None:
    conversations = pytest.importorskip("ui.conversations")
    store = tmp_path / "conversations.sqlite"
    with sqlite3.connect(store) as database:
        database.executescript(conversations.SCHEMA)
    database.close()

    with pytest.raises(UsageError, match="holds no feedback"):
        import_feedback(store, tmp_path / "set.jsonl")


@pytest.mark.parametrize(
    "broken",
    [
        lambda folder: import_bench(folder, folder / "out"),
        lambda folder: import_beir(folder, folder / "out"),
        lambda folder: import_multihop(folder, folder / "out"),
        lambda folder: import_squad(folder / "none.json", folder / "out"),
        lambda folder: import_feedback(folder / "none.sqlite", folder / "out.jsonl"),
    ],
)
def test_a_folder_without_the_set_is_refused(
    tmp_path: Path, broken: Callable[[Path], object]
) -> None:
    with pytest.raises(UsageError) as caught:
        broken(tmp_path)

    assert caught.value.remedy


def test_a_broken_line_of_a_set_is_named(tmp_path: Path) -> None:
    _bench_set(tmp_path / "set")
    (tmp_path / "set" / "corpus.jsonl").write_text('{"id": "d1"}\n{"id"\n')

    with pytest.raises(QuestionSetError, match=r"corpus\.jsonl:2 is not JSON"):
        import_bench(tmp_path / "set", tmp_path / "out")


def test_an_import_never_overwrites(tmp_path: Path) -> None:
    _bench_set(tmp_path / "set")
    import_bench(tmp_path / "set", tmp_path / "out")

    with pytest.raises(UsageError, match="holds an imported set"):
        import_bench(tmp_path / "set", tmp_path / "out")


@pytest.mark.skipif(not BENCH.is_dir(), reason="the public question sets are not on this machine")
@pytest.mark.parametrize("name", ["squad20_dev", "clapnq", "tolls", "ramdocs", "rgb_fact"])
def test_the_public_sets_can_be_imported(tmp_path: Path, name: str) -> None:
    report = import_bench(BENCH / name, tmp_path / "out", quick=True)

    assert report.questions == len(_imported(tmp_path / "out")) > 0
