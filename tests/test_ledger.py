"""SQLite, the truth: generations, what a reader sees, and files that are not ours or damaged."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.errors import (
    IndexDamagedError,
    IndexForeignError,
    IndexMissingError,
    IndexProblem,
)
from rag.ledger import LEDGER_FILE, Generation, Ledger, Writer, shown
from rag.passages import split_passages
from rag.schema import Article, Skipped, Span

ODD = "caf\udce9\n.txt"
"""A file name with a newline and a byte that is not UTF-8."""


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path, create=True)


def test_an_article_comes_back_as_it_went_in(ledger: Ledger) -> None:
    article = Article(
        path=ODD,
        text="Boats came in.\r\nImage\r\n\0 停火 \ud800 e\u0301",
        title="The \udce9 Harbour",
        published=dt.date(2025, 7, 4),
        outlet="The Bay",
        url="http://bay.example/a",
        encoding="cp1252",
        sha256="0" * 64,
        unquotable=(Span(16, 21),),
    )
    with ledger.writer() as writer:
        number = writer.begin_run()
        ids = _add(writer, article, number)
        _finish(writer, number, ids)

    with ledger.snapshot() as view:
        assert view.article(ODD, number) == article
        (summary,) = view.summaries(number)
        (row_id, *_) = view.row_ids(number)
        stored = view.stored_passages([row_id], number)[row_id].passage

    assert (summary.path, summary.title, summary.published) == (
        ODD,
        article.title,
        article.published,
    )
    assert stored.text == article.text[stored.start : stored.end]
    assert stored.sentences[0].within(article.text) == "Boats came in."


def test_nothing_of_a_run_is_seen_before_it_has_finished(ledger: Ledger) -> None:
    with ledger.writer() as writer:
        number = writer.begin_run()
        ids = _add(writer, _article("a.txt", "One."), number)

        with ledger.snapshot() as view:
            assert view.generation() is None
            assert view.unfinished_articles() == 1

        _finish(writer, number, ids)

    with ledger.snapshot() as view:
        assert view.generation() is not None
        assert [item.path for item in view.summaries(1)] == ["a.txt"]


def test_a_reader_keeps_its_view_while_the_next_generation_is_made(ledger: Ledger) -> None:
    first = _generation(ledger, [_article("a.txt", "One."), _article("b.txt", "Two.")])
    with ledger.snapshot() as view:
        assert len(view.summaries(first)) == 2

        second = _generation(ledger, [_article("a.txt", "Three.")], forget=True)

        assert view.generation().number == first  # type: ignore[union-attr]
        assert view.article("a.txt", first).text == "One."  # type: ignore[union-attr]
        assert len(view.row_ids(first)) == 2
    with ledger.snapshot() as view:
        assert view.generation().number == second  # type: ignore[union-attr]
        assert view.article("a.txt", second).text == "Three."  # type: ignore[union-attr]
        assert view.article("b.txt", second) is None


def test_rows_of_one_generation_are_not_given_to_another(ledger: Ledger) -> None:
    first = _generation(ledger, [_article("a.txt", "One.")])
    with ledger.snapshot() as view:
        old_rows = view.row_ids(first)
    second = _generation(ledger, [_article("b.txt", "Two.")], forget=True)

    with ledger.snapshot() as view:
        assert view.stored_passages(old_rows, second) == {}
        assert set(view.row_ids(second)).isdisjoint(old_rows)


def test_what_only_earlier_generations_saw_is_dropped_by_the_next_run(ledger: Ledger) -> None:
    _generation(ledger, [_article("a.txt", "One.")])
    _generation(ledger, [_article("b.txt", "Two.")], forget=True)

    with ledger.writer() as writer:
        writer.begin_run()

    connection = sqlite3.connect(ledger.path)
    counts = [
        connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("articles", "passages", "generations")
    ]
    connection.close()
    assert counts == [1, 1, 1]


def test_a_file_is_stored_whole_or_not_at_all(ledger: Ledger) -> None:
    class PowerCutError(Exception):
        pass

    def contents():  # type: ignore[no-untyped-def]
        yield _content(_article("a.jsonl#1", "One."))
        raise PowerCutError

    with ledger.writer() as writer:
        number = writer.begin_run()
        with pytest.raises(PowerCutError):
            writer.add_file("a.jsonl", "f" * 64, "fp", contents(), [], generation=number)

        assert writer.unfinished_articles() == 0
        assert writer.finished_file("a.jsonl", "f" * 64, "fp") is None


def test_a_finished_file_is_known_by_name_hash_and_recipe(ledger: Ledger) -> None:
    skipped = [Skipped("a.jsonl#2", "no text")]
    with ledger.writer() as writer:
        number = writer.begin_run()
        ids = writer.add_file(
            "a.jsonl",
            "f" * 64,
            "fp",
            [_content(_article("a.jsonl#1", "One."))],
            skipped,
            generation=number,
        )

        assert writer.finished_file("a.jsonl", "f" * 64, "fp") == (ids, tuple(skipped))
        assert writer.finished_file("b.jsonl", "f" * 64, "fp") is None
        assert writer.finished_file("a.jsonl", "e" * 64, "fp") is None
        assert writer.finished_file("a.jsonl", "f" * 64, "other") is None


def test_a_vector_is_found_again_by_the_hash_of_what_was_embedded(ledger: Ledger) -> None:
    article = _article("a.txt", "One.")
    _generation(ledger, [article])

    with ledger.writer() as writer:
        found = writer.known_vectors([_hash("One."), _hash("Never.")])

    assert list(found) == [_hash("One.")]
    assert np.frombuffer(found[_hash("One.")], dtype=np.float32).shape == (4,)


def test_a_filter_knows_files_folders_lines_and_days(ledger: Ledger) -> None:
    number = _generation(
        ledger,
        [
            _article("a.txt", "One.", dt.date(2025, 1, 1)),
            _article("ab.txt", "Two.", dt.date(2025, 2, 1)),
            _article("north/a.txt", "Three."),
            _article("news.jsonl#3", "Four.", dt.date(2025, 3, 1)),
        ],
    )

    def let_through(day: str | None = None, paths: Sequence[str] | None = None) -> set[str]:
        with ledger.snapshot() as view:
            ids = view.allowed_articles(number, published_by=day, paths=paths)
            return set(view.identities_of(ids))

    assert let_through() == {"a.txt", "ab.txt", "north/a.txt", "news.jsonl#3"}
    assert let_through(paths=["a.txt"]) == {"a.txt"}
    assert let_through(paths=["north"]) == let_through(paths=["north/"]) == {"north/a.txt"}
    assert let_through(paths=["news.jsonl"]) == {"news.jsonl#3"}
    assert let_through(paths=["a"]) == set()
    assert let_through(paths=[]) == set()
    assert let_through(day="2025-02-01") == {"a.txt", "ab.txt", "north/a.txt"}
    assert let_through(day="2024-12-31", paths=["a.txt", "north"]) == {"north/a.txt"}


def test_more_rows_than_a_statement_takes_variables_are_found(ledger: Ledger) -> None:
    text = "\n\n".join(f"Sentence number {n} stands alone." for n in range(1200))
    number = _generation(ledger, [_article("a.txt", text)], passage_words=5)

    with ledger.snapshot() as view:
        rows = view.row_ids(number)
        assert len(rows) == 1200
        assert len(view.stored_passages(rows, number)) == len(view.vectors(rows)) == 1200
        assert [row for row, _, _ in view.texts_of(rows)] == rows


# --- files that are no ledger, or no longer ----------------------------------------------------


def test_a_folder_without_a_ledger_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(IndexMissingError, match="no index"):
        Ledger(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"Dear diary, this is text.", b"\0" * 5000, b"SQLite format 3\0" + b"\0" * 90]
)
def test_a_file_that_is_no_ledger_is_refused_and_left_as_it_is(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / LEDGER_FILE).write_bytes(content)

    for create in (False, True):
        with pytest.raises(IndexProblem) as caught:
            Ledger(tmp_path, create=create)
        assert caught.value.exit_code == 4
        assert LEDGER_FILE in caught.value.problem

    assert (tmp_path / LEDGER_FILE).read_bytes() == content


def test_another_programs_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / LEDGER_FILE)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.commit()
    connection.close()
    before = (tmp_path / LEDGER_FILE).read_bytes()

    for create in (False, True):
        with pytest.raises(IndexForeignError, match="not an index of this program"):
            Ledger(tmp_path, create=create)

    assert (tmp_path / LEDGER_FILE).read_bytes() == before


def test_a_ledger_of_a_newer_version_is_refused_and_left_as_it_is(ledger: Ledger) -> None:
    connection = sqlite3.connect(ledger.path)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()
    before = ledger.path.read_bytes()

    for create in (False, True):
        with pytest.raises(IndexForeignError, match=r"newer version \(format 99"):
            Ledger(ledger.path.parent, create=create)

    assert ledger.path.read_bytes() == before


@pytest.mark.parametrize("kept", [50, 4096, 0.5])
def test_a_ledger_that_was_cut_off_is_an_error_and_never_an_empty_index(
    ledger: Ledger, kept: float
) -> None:
    number = _generation(ledger, [_article(f"{n}.txt", f"Text of {n}. " * 50) for n in range(100)])
    size = ledger.path.stat().st_size
    os.truncate(ledger.path, int(kept if kept > 1 else size * kept))

    with pytest.raises(IndexProblem) as caught, _read_all(ledger.path.parent, number):
        pass

    assert caught.value.exit_code == 4


def test_a_zeroed_header_is_an_error_that_changes_nothing(ledger: Ledger) -> None:
    _generation(ledger, [_article("a.txt", "One.")])
    data = bytearray(ledger.path.read_bytes())
    data[:100] = bytes(100)
    ledger.path.write_bytes(data)

    with pytest.raises(IndexForeignError, match="damaged, or not an index"):
        Ledger(ledger.path.parent)

    assert ledger.path.read_bytes() == data


def test_a_damaged_text_is_an_error_and_never_a_wrong_text(ledger: Ledger) -> None:
    number = _generation(ledger, [_article("a.txt", "Boats came in. " * 40)])
    connection = sqlite3.connect(ledger.path)
    (blob,) = connection.execute("SELECT text FROM articles").fetchone()
    for position in range(2, len(blob), 3):
        damaged = bytearray(blob)
        damaged[position] ^= 0x10
        connection.execute("UPDATE articles SET text = ?", [bytes(damaged)])
        connection.commit()

        with pytest.raises(IndexDamagedError, match="cannot be read"), ledger.snapshot() as view:
            view.article("a.txt", number)
    connection.close()


def test_a_ledger_half_made_by_a_killed_run_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        pass

    statements: list[str] = []
    stop_at = 0

    def trace(statement: str) -> None:
        statements.append(statement)
        if len(statements) == stop_at:
            raise KilledError

    real = sqlite3.connect

    class Dying(sqlite3.Connection):
        def execute(self, *args):  # type: ignore[no-untyped-def]
            trace(args[0])
            return super().execute(*args)

        def executescript(self, script):  # type: ignore[no-untyped-def]
            for statement in script.split(";"):
                trace(statement)
                if statement.strip():
                    super().execute(statement)

    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **options: real(*args, factory=Dying, **options)
    )
    stopped = 0
    for stop_at in range(1, 40):
        folder = tmp_path / str(stop_at)
        folder.mkdir()
        statements.clear()
        try:
            Ledger(folder, create=True)
        except KilledError:
            stopped += 1
        statements.clear()
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", real)
            Ledger(folder, create=True)
            assert _generation(Ledger(folder), [_article("a.txt", "One.")]) == 1

    assert stopped > 5


def test_paths_are_shown_without_what_steers_a_terminal() -> None:
    assert shown("a\x1b[31m\n\x9b\udce9.txt") == "a\\x1b[31m\\n\\x9b\\udce9.txt"
    assert shown("Größe 停火.txt") == "Größe 停火.txt"


# --- small parts --------------------------------------------------------------------------------


def _article(path: str, text: str, published: dt.date | None = None) -> Article:
    article = Article(path, text, "T", published=published)
    return Article(path, text, "T", published=published, sha256=article.text_sha256())


def _hash(text: str) -> str:
    return f"embedded {text!a}"


def _content(article: Article, passage_words: int = 110):  # type: ignore[no-untyped-def]
    passages = split_passages(article, passage_words=passage_words)
    vector = np.ones(4, dtype=np.float32).tobytes()
    return article, passages, [_hash(p.text) for p in passages], [vector] * len(passages)


def _add(writer: Writer, article: Article, number: int, passage_words: int = 110) -> list[int]:
    return writer.add_file(
        article.path,
        article.sha256,
        "fp",
        [_content(article, passage_words)],
        [],
        generation=number,
    )


def _finish(writer: Writer, number: int, carried: Sequence[int]) -> None:
    writer.finish_run(Generation(number, "fp", "/c", "../c", "2025", "caches", ()), carried)


def _generation(
    ledger: Ledger, articles: Sequence[Article], *, forget: bool = False, passage_words: int = 110
) -> int:
    with ledger.writer() as writer:
        before = writer.generation()
        number = writer.begin_run()
        carried = [] if forget or before is None else writer.article_ids(before.number)
        for article in articles:
            carried += _add(writer, article, number, passage_words)
        _finish(writer, number, carried)
    return number


def _read_all(index: Path, number: int):  # type: ignore[no-untyped-def]
    ledger = Ledger(index)
    with ledger.snapshot() as view:
        for summary in view.summaries(number):
            view.article(summary.path, number)
        view.stored_passages(view.row_ids(number), number)
    return ledger.snapshot()
