"""The archive: ask, stream, search, and everything a program relies on."""

from __future__ import annotations

import concurrent.futures
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from indexing_fakes import HashingEmbedder, article_text, write_articles

import rag
from rag.errors import (
    IndexMissingError,
    LockedError,
    QuestionError,
    UsageError,
)
from rag.indexer import index_lock
from rag.schema import Finished, Stage, StatementWritten, Turn

QUESTIONS = [
    "How many hostages remain?",
    "Who is President Trump's special envoy to the Middle East?",
    "What did Hamas demand?",
    "Why did the talks stall?",
    "When did Israel and the United States recall their teams?",
    "How long would the cease-fire last?",
    "What did Mr. Netanyahu say?",
    "Where did the negotiators meet?",
    "What does the United Nations say about hunger in Gaza?",
    "Which countries mediate?",
    "How many people were killed on Oct. 7?",
    "hostages",
    "What is the recipe for pancakes?",
    '" * NEAR AND (',
    "🙂🙂🙂",
    "停火",
    "Was?",
]
KEYS = [
    "question", "standalone_question", "text", "abstained", "reason", "confidence",
    "short_answer", "statements", "citations", "readings", "disagreement", "passages",
    "generator", "timings_ms", "notes", "kind", "suggestions",
]  # fmt: skip
CITATION_KEYS = [
    "number", "path", "start", "end", "quote", "title", "published", "outlet", "passage_id",
    "file_state",
]  # fmt: skip
PASSAGE_KEYS = [
    "passage_id", "path", "start", "end", "similarity", "bm25", "relevance", "used",
]  # fmt: skip


@pytest.fixture
def seeds(seeds_archive: rag.Archive) -> rag.Archive:
    return seeds_archive


@pytest.fixture
def own(tmp_path: Path) -> Iterator[rag.Archive]:
    """A small archive that a test may change."""
    write_articles(tmp_path / "corpus", 6)
    with rag.build(
        tmp_path / "corpus",
        tmp_path / "index",
        settings=rag.load_settings(caution="eager"),
        embedding=HashingEmbedder(),
    ) as archive:
        yield archive


# --- asking -----------------------------------------------------------------------------------


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_quote_is_in_the_file_on_disk_to_the_letter(
    seeds: rag.Archive, question: str
) -> None:
    answer = seeds.ask(question)

    assert answer.abstained == (not answer.statements)
    for citation in answer.citations:
        on_disk = (ROOT / "seeds" / citation.path).read_bytes().decode("utf-8-sig")
        assert on_disk[citation.start : citation.end] == citation.quote
        assert citation.file_state == "same"
    for statement in answer.statements:
        assert statement.verdict == "quoted"
        quotes = {citation.quote for citation in answer.citations}
        assert statement.text in quotes


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_as_json_has_the_promised_keys_and_is_json(
    seeds: rag.Archive, question: str
) -> None:
    values = seeds.ask(question).to_dict()

    assert list(values) == KEYS
    assert json.loads(json.dumps(values)) == values
    assert all(list(item) == CITATION_KEYS for item in values["citations"])
    assert all(list(item) == PASSAGE_KEYS for item in values["passages"])
    assert [item["number"] for item in values["citations"]] == list(
        range(1, len(values["citations"]) + 1)
    )
    used = {item["passage_id"] for item in values["citations"]}
    assert {item["passage_id"] for item in values["passages"] if item["used"]} == used
    assert 0 <= values["confidence"] <= 1
    assert values["generator"] == "extractive"
    assert values["timings_ms"]["total"] > 0
    numbers = {item["number"] for item in values["citations"]}
    for statement in values["statements"]:
        assert list(statement) == ["text", "citations", "verdict", "independent_sources"]
        assert set(statement["citations"]) <= numbers


def test_how_many_hostages_remain_brings_what_each_article_says(seeds: rag.Archive) -> None:
    answer = seeds.ask("How many hostages remain?")

    said = {citation.path[:3]: citation for citation in answer.citations}
    quotes = " ".join(citation.quote for citation in answer.citations)
    assert "About 50 hostages remain" in quotes
    assert "50 remaining hostages, 20 of whom are still believed to be alive" in quotes
    assert "As of June 2024, more than 120" in quotes
    assert {"001", "003", "004"} <= said.keys()
    assert said["003"].published is None or said["003"].published.year == 2025


def test_nothing_relevant_is_an_abstention_with_a_reason_and_the_nearest_passages(
    seeds: rag.Archive,
) -> None:
    answer = seeds.ask("What is the recipe for pancakes with maple syrup?")

    assert answer.abstained
    assert answer.reason
    assert answer.text == answer.reason
    assert answer.statements == answer.citations == ()
    assert answer.hits
    assert answer.confidence < 0.5


def test_the_same_question_has_the_same_answer_again(seeds: rag.Archive) -> None:
    first, again = (seeds.ask(QUESTIONS[0]).to_dict() for _ in range(2))

    first.pop("timings_ms")
    again.pop("timings_ms")
    assert first == again


def test_a_stream_ends_with_the_answer_that_asking_gives(seeds: rag.Archive) -> None:
    for question in (QUESTIONS[0], "What is the recipe for pancakes?"):
        events = list(seeds.stream(question))
        asked = seeds.ask(question)

        stages = [event.name for event in events if isinstance(event, Stage)]
        written = [event for event in events if isinstance(event, StatementWritten)]
        assert stages == ["searching", "reading", "writing"]
        assert isinstance(events[-1], Finished)
        answer = events[-1].answer
        assert [event.statement for event in written] == list(answer.statements)
        assert [c for event in written for c in event.citations] == list(answer.citations)
        assert {**answer.to_dict(), "timings_ms": 0} == {**asked.to_dict(), "timings_ms": 0}


def test_a_stream_that_is_left_lets_go_of_the_index(own: rag.Archive) -> None:
    for _ in range(50):
        stream = own.stream("How many boats did the mayor count in town 3?")
        next(stream)
        stream.close()

    assert own.update().unchanged == 6


@pytest.mark.parametrize("question", ["", "  ", "\n", "\0\0"])
def test_an_empty_question_is_refused(seeds: rag.Archive, question: str) -> None:
    with pytest.raises(QuestionError, match="empty"):
        seeds.ask(question)


def test_a_question_of_a_megabyte_is_refused_with_the_limit(seeds: rag.Archive) -> None:
    with pytest.raises(QuestionError, match="1,000,000 characters; the limit is 4,000"):
        seeds.ask("x" * 1_000_000)


# --- history ----------------------------------------------------------------------------------


def test_earlier_turns_may_be_given_in_any_documented_shape(seeds: rag.Archive) -> None:
    earlier = "Who is President Trump's special envoy?"
    answered = seeds.ask(earlier)
    shapes: list[object] = [
        earlier,
        Turn(earlier),
        Turn(earlier, answered.text),
        answered,
        answered.to_dict(),
        {"question": earlier},
        {"question": earlier, "answer": answered.text},
    ]

    searched = {
        seeds.ask("What did he say?", history=[shape]).standalone_question for shape in shapes
    }

    assert len(searched) == 1
    assert searched != {"What did he say?"}


def test_a_question_that_stands_alone_is_searched_as_typed(seeds: rag.Archive) -> None:
    answer = seeds.ask(QUESTIONS[0], history=["What did Hamas demand?"])

    assert answer.standalone_question == answer.question == QUESTIONS[0]


@pytest.mark.parametrize("turn", [7, None, {"role": "user", "content": "x"}, ["x"], b"x"])
def test_a_turn_of_another_shape_is_refused(seeds: rag.Archive, turn: object) -> None:
    with pytest.raises(QuestionError, match="no turn"):
        seeds.ask("What did he say?", history=[turn])  # type: ignore[list-item]


# --- filters ----------------------------------------------------------------------------------


def test_answers_keep_to_the_day_and_the_articles_that_were_named(seeds: rag.Archive) -> None:
    dated = [item for item in seeds.articles() if item.published]
    assert dated
    last = max(item.published for item in dated if item.published)
    before = last - dt.timedelta(days=1)

    for as_of in (before, before.isoformat()):
        answer = seeds.ask(QUESTIONS[0], as_of=as_of)
        assert answer.hits
        assert all(not h.passage.published or h.passage.published < last for h in answer.hits)

    path = dated[0].path
    for paths in ([path], (path,), path, iter([path])):
        answer = seeds.ask(QUESTIONS[0], paths=paths)
        assert {hit.passage.path for hit in answer.hits} == {path}


def test_no_article_let_through_is_an_abstention(seeds: rag.Archive) -> None:
    answer = seeds.ask(QUESTIONS[0], paths=["no/such/folder"])

    assert answer.abstained
    assert answer.hits == ()


# --- the corpus -------------------------------------------------------------------------------


def test_articles_are_listed_by_path_and_given_as_they_were_indexed(seeds: rag.Archive) -> None:
    listed = seeds.articles()

    assert [item.path for item in listed] == sorted(
        file.name for file in (ROOT / "seeds").glob("*.txt")
    )
    for item in listed:
        article = seeds.article(item.path)
        assert article.text == (ROOT / "seeds" / item.path).read_bytes().decode("utf-8-sig")
        assert (article.title, article.published) == (item.title, item.published)
        assert item.words > 100
        assert json.dumps(item.to_dict())


def test_an_article_that_is_not_indexed_is_refused(seeds: rag.Archive) -> None:
    for path in ("nothing.txt", "../pyproject.toml", "", "\x1b[31m"):
        with pytest.raises(UsageError, match="No indexed article") as caught:
            seeds.article(path)
        assert "\x1b" not in str(caught.value)


def test_the_status_counts_what_is_there_and_is_json(seeds: rag.Archive) -> None:
    status = seeds.status()

    assert list(status) == [
        "version", "index", "corpus", "generation", "built_at", "articles", "passages", "dated",
        "earliest", "latest", "embedding_model", "fingerprint", "reader",
        "caches", "skipped",
    ]  # fmt: skip
    assert status["articles"] == 5
    assert status["passages"] == sum(item.passages for item in seeds.articles())
    assert dt.datetime.fromisoformat(status["built_at"]).tzinfo == dt.UTC
    assert json.loads(json.dumps(status)) == status


def test_a_sound_index_has_no_problems(seeds: rag.Archive) -> None:
    assert seeds.verify() == []


# --- files that change ------------------------------------------------------------------------


def test_a_file_that_changed_or_went_is_said_and_the_words_are_the_indexed_ones(
    tmp_path: Path,
) -> None:
    shutil.copytree(ROOT / "seeds", tmp_path / "corpus")
    with rag.build(tmp_path / "corpus", tmp_path / "index", settings=rag.load_settings()) as own:
        before = own.ask(QUESTIONS[0])
        path = before.citations[0].path
        text = own.article(path).text
        assert before.notes == ()

        (tmp_path / "corpus" / path).write_text("Something else altogether.")
        changed = own.ask(QUESTIONS[0])
        (tmp_path / "corpus" / path).unlink()
        missing = own.ask(QUESTIONS[0])

        assert own.file_state(path) == "missing"
    for answer, state, told in ((changed, "changed", "has changed"), (missing, "missing", "gone")):
        assert [c.quote for c in answer.citations] == [c.quote for c in before.citations]
        own_citations = [citation for citation in answer.citations if citation.path == path]
        assert {citation.file_state for citation in own_citations} == {state}
        assert all(text[c.start : c.end] == c.quote for c in own_citations)
        (note,) = answer.notes
        assert told in note
        assert "rag index" in note
        assert answer.to_dict()["notes"] == [note]


def test_a_file_of_the_same_size_and_time_is_still_seen_to_have_changed(
    own: rag.Archive,
) -> None:
    file = own.corpus / "article_0003.txt"
    assert own.file_state(file.name) == "same"
    stamp = file.stat()
    file.write_text(file.read_text().replace("boats", "goats"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    assert own.file_state(file.name) == "changed"


def test_a_file_replaced_by_a_link_out_of_the_corpus_is_not_read(
    own: rag.Archive, tmp_path: Path
) -> None:
    file = own.corpus / "article_0003.txt"
    shutil.move(file, tmp_path / "outside.txt")
    file.symlink_to(tmp_path / "outside.txt")

    assert own.file_state(file.name) != "same"


def test_an_update_takes_in_what_is_new(own: rag.Archive) -> None:
    (own.corpus / "whale.txt").write_text("A Whale\n\nA whale was seen in the harbour on Sunday.")

    report = own.update()

    assert report.added == 1
    assert own.search("whale seen on Sunday")[0].passage.path == "whale.txt"
    assert own.verify() == []


# --- threads and processes --------------------------------------------------------------------


def test_several_threads_may_ask_while_another_indexes(own: rag.Archive) -> None:
    stop = threading.Event()
    asked = []

    def ask(number: int) -> None:
        while not stop.is_set():
            answer = own.ask(f"How many boats did the mayor count in town {number}?")
            for citation in answer.citations:
                text = own.article(citation.path).text
                assert text[citation.start : citation.end] == citation.quote
            asked.append(number)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        running = [pool.submit(ask, number) for number in range(4)]
        for round_ in range(4):
            write_articles(own.corpus, 3, start=100 + 10 * round_)
            assert own.update().added == 3
        stop.set()
        for future in running:
            future.result(timeout=60)

    assert len(asked) >= 8
    assert len(own.articles()) == 18


def test_an_open_archive_sees_what_another_process_indexed(own: rag.Archive) -> None:
    before = own.status()["generation"]
    write_articles(own.corpus, 30, start=100)
    (own.corpus / "article_0000.txt").unlink()
    (own.corpus / "article_0001.txt").write_text(article_text(777))
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import rag; from indexing_fakes import HashingEmbedder\n"
        "rag.build(sys.argv[2], sys.argv[3], embedding=HashingEmbedder()).close()\n"
    )
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            code,
            str(Path(__file__).parent),
            str(own.corpus),
            str(own.index),
        ]
    )
    generations = set()
    while other.poll() is None:
        hits = own.search("How many boats did the mayor count in town 0?", limit=50)
        paths = {hit.passage.path for hit in hits}
        generations.add(own.status()["generation"])
        assert ("article_0000.txt" in paths) != ("article_0110.txt" in paths), "a mix"

    assert other.returncode == 0
    assert own.status()["generation"] == before + 1
    assert generations <= {before, before + 1}
    assert own.search("boats in town 777")[0].passage.path == "article_0001.txt"
    with pytest.raises(UsageError):
        own.article("article_0000.txt")


def test_an_update_while_another_writes_says_who(own: rag.Archive) -> None:
    with index_lock(own.index), pytest.raises(LockedError, match="Process"):
        own.update()

    assert own.search("boats"), "asking goes on"


# --- opening and closing ----------------------------------------------------------------------


def test_a_closed_archive_says_so(own: rag.Archive) -> None:
    own.close()
    own.close()

    for use in (
        lambda: own.ask("Boats?"),
        lambda: own.search("boats"),
        own.status,
        own.articles,
        own.update,
        lambda: list(own.stream("Boats?")),
    ):
        with pytest.raises(UsageError, match="closed"):
            use()


def test_there_is_no_index_where_there_is_none(tmp_path: Path) -> None:
    for place in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(IndexMissingError) as caught:
            rag.open_archive(place, embedding=HashingEmbedder())
        assert "rag index" in caught.value.remedy
    assert not (tmp_path / "nowhere").exists()


def test_a_filter_that_leaves_nothing_is_named_as_the_reason(seeds_archive: rag.Archive) -> None:
    answer = seeds_archive.ask("How many hostages remain?", paths=["no/such/folder"])

    assert answer.abstained
    assert answer.reason is not None
    assert "chosen paths" in answer.reason


def test_a_question_that_is_no_text_is_refused(seeds_archive: rag.Archive) -> None:
    with pytest.raises(QuestionError, match="not int"):
        seeds_archive.ask(7)  # type: ignore[arg-type]
