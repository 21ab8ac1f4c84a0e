"""Folder -> index, step by step: what is unchanged costs nothing, what is finished stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from indexing_fakes import HashingEmbedder, article_text, write_articles

import rag
from rag.embedder import Vectors
from rag.errors import (
    CorpusError,
    IndexForeignError,
    IndexIncompleteError,
    IndexMissingError,
    IndexProblem,
    IndexStaleError,
    LockedError,
    ModelUnavailableError,
)
from rag.indexer import Recipe, index_corpus, index_lock
from rag.schema import IndexReport, Progress


class Place:
    """A corpus and its index in one folder, indexed with a counted embedder."""

    def __init__(self, folder: Path) -> None:
        self.corpus = folder / "corpus"
        self.index = folder / "index"
        self.seen: list[str] = []
        self.progress: list[Progress] = []

    def run(self, embedder: HashingEmbedder | None = None, **changes: object) -> IndexReport:
        """Index; what was embedded is in ``seen``, of this run alone."""
        embedder = embedder or HashingEmbedder()
        values: dict[str, object] = {"passage_words": 110, "language": "en", **changes}
        max_bytes = values.pop("max_bytes", 1_000_000)
        self.progress.clear()
        try:
            return index_corpus(
                self.corpus,
                self.index,
                Recipe(embedder, **values),  # type: ignore[arg-type]
                max_bytes=max_bytes,  # type: ignore[arg-type]
                on_progress=self.progress.append,
            )
        finally:
            self.seen = embedder.passages

    def open(self) -> rag.Archive:
        return rag.open_archive(self.index, embedding=HashingEmbedder())

    def paths(self) -> list[str]:
        with self.open() as archive:
            return [item.path for item in archive.articles()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    write_articles(place.corpus, 6)
    return place


# --- only what is new -------------------------------------------------------------------------


def test_a_first_run_takes_in_every_article(place: Place) -> None:
    report = place.run()

    assert (report.added, report.changed, report.removed, report.unchanged) == (6, 0, 0, 0)
    assert report.embedded == report.passages == len(place.seen) > 6
    assert report.skipped == ()
    assert len(place.paths()) == 6


def test_an_unchanged_corpus_embeds_nothing_and_stays_the_same_generation(place: Place) -> None:
    first = place.run()

    again = place.run()

    assert place.seen == []
    assert (again.unchanged, again.embedded, again.added) == (6, 0, 0)
    assert again.generation == first.generation


def test_new_times_of_change_alone_embed_nothing(place: Place) -> None:
    place.run()
    for file in place.corpus.iterdir():
        os.utime(file, (0, 0))

    assert place.run().unchanged == 6
    assert place.seen == []


def test_a_change_is_noticed_when_size_and_time_are_the_same(place: Place) -> None:
    place.run()
    file = place.corpus / "article_0002.txt"
    stamp = file.stat()
    file.write_text(file.read_text().replace("boats", "goats"))
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))

    report = place.run()

    assert report.changed == 1
    with place.open() as archive:
        assert "goats" in archive.article("article_0002.txt").text


def test_a_changed_article_is_replaced_and_only_its_new_passages_are_embedded(
    place: Place,
) -> None:
    place.run()
    file = place.corpus / "article_0003.txt"
    file.write_text(file.read_text() + "\nA whale was seen in the harbour on Sunday.\n")

    report = place.run()

    assert (report.changed, report.added, report.removed, report.unchanged) == (1, 0, 0, 5)
    assert len(place.seen) == report.embedded == 1
    with place.open() as archive:
        (best, *_) = archive.search("whale seen on Sunday")
        assert "whale" in best.passage.text
        assert archive.verify() == []


def test_a_deleted_article_disappears(place: Place) -> None:
    place.run()
    (place.corpus / "article_0001.txt").unlink()

    report = place.run()

    assert (report.removed, report.unchanged) == (1, 5)
    assert place.seen == []
    assert "article_0001.txt" not in place.paths()
    with place.open() as archive:
        hits = archive.search("In town 1 the mayor counted boats", limit=50)
        assert all(hit.passage.path != "article_0001.txt" for hit in hits)


def test_a_renamed_article_embeds_nothing_and_has_its_new_name(place: Place) -> None:
    place.run()
    (place.corpus / "north").mkdir()
    (place.corpus / "article_0001.txt").rename(place.corpus / "north" / "harbour.txt")

    report = place.run()

    assert place.seen == []
    assert (report.added, report.removed, report.embedded) == (1, 1, 0)
    assert "north/harbour.txt" in place.paths()
    assert "article_0001.txt" not in place.paths()


def test_the_same_text_under_two_names_is_embedded_once(place: Place) -> None:
    (place.corpus / "copy.txt").write_bytes((place.corpus / "article_0000.txt").read_bytes())

    report = place.run()

    assert len(place.seen) == len(set(place.seen)) == report.embedded < report.passages
    assert {"copy.txt", "article_0000.txt"} <= set(place.paths())


def test_many_changes_at_once_leave_a_sound_index(place: Place) -> None:
    write_articles(place.corpus, 40)
    place.run()
    for number in range(0, 40, 3):
        (place.corpus / f"article_{number:04d}.txt").unlink()
    write_articles(place.corpus, 30, start=100)
    (place.corpus / "article_0001.txt").write_text(article_text(999))

    report = place.run()

    assert (report.added, report.removed, report.changed) == (30, 14, 1)
    with place.open() as archive:
        assert archive.verify() == []
        assert len(archive.articles()) == 56


def test_progress_never_goes_back_and_ends_complete(place: Place) -> None:
    write_articles(place.corpus, 40)

    report = place.run()

    for stage in ("reading", "embedding", "linking"):
        told = [item for item in place.progress if item.stage == stage]
        assert [item.done for item in told] == sorted(item.done for item in told)
        assert all(item.done <= item.total for item in told)
        assert told[-1].done == told[-1].total
    assert told[-1].total == report.passages


# --- interrupted runs -------------------------------------------------------------------------


def test_an_interrupted_first_run_opens_as_no_index_and_is_taken_up_again(place: Place) -> None:
    write_articles(place.corpus, 60)
    with pytest.raises(KeyboardInterrupt):
        place.run(HashingEmbedder(crash_after=100))
    before = set(place.seen)
    assert before

    with pytest.raises(IndexIncompleteError) as caught:
        place.open()
    assert "rag index" in caught.value.remedy

    report = place.run()

    in_flight = 64 + 5
    assert len(before & set(place.seen)) <= in_flight
    assert report.articles == 60
    assert len(place.seen) < report.passages
    with place.open() as archive:
        assert archive.verify() == []


def test_an_interrupted_later_run_leaves_the_old_generation_in_force(place: Place) -> None:
    place.run()
    write_articles(place.corpus, 60, start=10)
    (place.corpus / "article_0000.txt").unlink()

    with pytest.raises(KeyboardInterrupt):
        place.run(HashingEmbedder(crash_after=100))

    assert place.paths() == [f"article_{number:04d}.txt" for number in range(6)]
    with place.open() as archive:
        assert archive.verify() == []
    report = place.run()
    assert (report.added, report.removed, report.articles) == (60, 1, 65)


def test_a_run_interrupted_again_and_again_ends_whole_and_embeds_each_passage_about_once(
    place: Place,
) -> None:
    write_articles(place.corpus, 100)
    embedded: list[str] = []
    interruptions = 0
    for _ in range(20):
        try:
            place.run(HashingEmbedder(crash_after=90))
            embedded += place.seen
            break
        except KeyboardInterrupt:
            embedded += place.seen
            interruptions += 1

    assert interruptions >= 3
    assert len(place.paths()) == 100
    assert len(embedded) - len(set(embedded)) <= interruptions * 64


def test_one_file_of_many_articles_does_not_begin_anew_after_an_interruption(
    place: Place,
) -> None:
    lines = [json.dumps({"title": f"T{n}", "text": article_text(n)}) for n in range(150)]
    (place.corpus / "news.jsonl").write_text("\n".join(lines))
    with pytest.raises(KeyboardInterrupt):
        place.run(HashingEmbedder(crash_after=300))
    first = set(place.seen)

    report = place.run()

    assert len(first & set(place.seen)) <= 64
    assert len(first) + len(place.seen) <= report.passages + 64
    assert report.articles == 156


def test_articles_of_an_interrupted_run_that_are_gone_by_then_do_not_come_back(
    place: Place,
) -> None:
    write_articles(place.corpus, 60)
    with pytest.raises(KeyboardInterrupt):
        place.run(HashingEmbedder(crash_after=150))
    for number in range(50):
        (place.corpus / f"article_{number:04d}.txt").unlink()

    place.run()

    assert place.paths() == [f"article_{number:04d}.txt" for number in range(50, 60)]
    with place.open() as archive:
        assert archive.verify() == []


# --- another recipe ---------------------------------------------------------------------------


@pytest.mark.parametrize("change", [{"passage_words": 40}, {"language": "de"}, {"name": "other"}])
def test_an_index_made_otherwise_is_refused_until_it_is_rebuilt(
    place: Place, change: dict[str, object]
) -> None:
    place.run()
    name = str(change.pop("name", "hashing"))
    settings = rag.load_settings(**change)

    with pytest.raises(IndexStaleError) as caught:
        rag.open_archive(place.index, settings, HashingEmbedder(name))
    assert "rag index" in caught.value.remedy

    report = place.run(HashingEmbedder(name), **change)
    assert report.unchanged == 6
    with rag.open_archive(place.index, settings, HashingEmbedder(name)) as archive:
        assert archive.verify() == []
        assert len(archive.articles()) == 6


def test_vectors_are_used_again_when_only_the_size_of_passages_changed(place: Place) -> None:
    place.run()
    (place.corpus / "short.txt").write_text("A Short Piece\n\nOne whale was seen.\n")
    place.run()

    place.run(passage_words=115)

    assert not any("whale" in text for text in place.seen), "its only passage did not change"


def test_an_embedder_that_gives_no_numbers_stops_the_run_and_nothing_is_lost(
    place: Place,
) -> None:
    class Broken(HashingEmbedder):
        def embed_passages(self, texts: Sequence[str]) -> Vectors:
            super().embed_passages(texts)
            raise ModelUnavailableError("It broke.", remedy="Mend it.")

    place.run()
    write_articles(place.corpus, 3, start=50)

    with pytest.raises(ModelUnavailableError):
        place.run(Broken())

    assert len(place.paths()) == 6


# --- folders that cannot be indexed -----------------------------------------------------------


def test_a_missing_folder_is_told_and_leaves_no_index(tmp_path: Path) -> None:
    place = Place(tmp_path)

    with pytest.raises(CorpusError, match="There is no folder"):
        place.run()
    with pytest.raises(IndexMissingError):
        place.open()


def test_an_empty_folder_is_told(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.corpus.mkdir()

    with pytest.raises(CorpusError, match="nothing to index"):
        place.run()
    with pytest.raises(IndexMissingError):
        place.open()


def test_a_folder_of_nothing_but_bad_files_is_told_with_the_reasons(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.corpus.mkdir()
    (place.corpus / "empty.txt").write_text(" \n")
    (place.corpus / "picture.txt").write_bytes(b"\x89PNG" + bytes(100))

    with pytest.raises(CorpusError) as caught:
        place.run()

    assert "empty.txt: no text" in caught.value.problem
    assert "PNG" in caught.value.problem
    with pytest.raises(IndexProblem):
        place.open()


def test_a_corpus_that_was_emptied_does_not_take_the_old_index_with_it(place: Place) -> None:
    place.run()
    for file in place.corpus.iterdir():
        file.unlink()

    with pytest.raises(CorpusError, match="nothing to index"):
        place.run()

    assert len(place.paths()) == 6, "an unmounted disk looks just like this"


def test_a_bad_file_is_skipped_with_its_reason_and_the_others_are_indexed(place: Place) -> None:
    (place.corpus / "empty.txt").write_text("")
    (place.corpus / "big.txt").write_text("x " * 600_000)
    (place.corpus / "notes.docx").write_bytes(b"PK\x03\x04")

    report = place.run()

    reasons = {item.path: item.reason for item in report.skipped}
    assert reasons.keys() == {"empty.txt", "big.txt", "notes.docx"}
    assert reasons["empty.txt"] == "no text"
    assert "max_file_mb" in reasons["big.txt"]
    assert report.articles == 6
    assert place.run().skipped == report.skipped, "told again as long as they are there"


def test_lone_surrogates_in_a_line_do_not_stop_the_run(place: Place) -> None:
    line = r'{"title": "Odd \ud800", "text": "Boats \udfff came in. Then they left.", "url": "x"}'
    (place.corpus / "odd.jsonl").write_text(line)

    place.run()

    with place.open() as archive:
        article = archive.article("odd.jsonl#1")
        assert "came in" in article.text
        assert archive.verify() == []
        json.dumps(archive.ask("Who came in with boats?", paths=["odd.jsonl"]).to_dict())


def test_an_index_inside_its_corpus_does_not_index_itself(place: Place) -> None:
    place.index = place.corpus / "my index"

    first = place.run()
    again = place.run()

    assert first.skipped == again.skipped == ()
    assert again.generation == first.generation


def test_a_file_that_changes_while_it_is_read_is_taken_next_time(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rag.corpus

    real = rag.corpus.read_articles

    def while_edited(corpus: Path, path: str, **options: int):  # type: ignore[no-untyped-def]
        found = real(corpus, path, **options)
        if path == "article_0002.txt":
            (corpus / path).write_text("Rewritten at the same time. It is another text now.")
        return found

    monkeypatch.setattr(rag.corpus, "read_articles", while_edited)
    report = place.run()
    assert [item.path for item in report.skipped] == ["article_0002.txt"]
    monkeypatch.undo()

    assert place.run().added == 1
    assert "article_0002.txt" in place.paths()


# --- one writer at a time ---------------------------------------------------------------------


def test_a_second_writer_is_told_who_the_first_is(place: Place) -> None:
    place.index.mkdir()
    code = (
        "import pathlib, sys, rag.indexer\n"
        "with rag.indexer.index_lock(pathlib.Path(sys.argv[1])):\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(place.index)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == "locked\n"

        with pytest.raises(LockedError) as caught:
            place.run()

        assert caught.value.exit_code == 6
        assert f"Process {holder.pid}" in caught.value.problem
    finally:
        holder.stdin.close()
        holder.wait(10)
        holder.stdout.close()
    assert place.run().articles == 6


def test_a_lock_left_by_a_killed_process_is_taken_over(place: Place) -> None:
    code = (
        "import os, pathlib, sys, rag.indexer\n"
        "with rag.indexer.index_lock(pathlib.Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    place.index.mkdir()
    subprocess.run([sys.executable, "-c", code, str(place.index)], check=False)
    assert (place.index / "writer.json").is_file()

    assert place.run().articles == 6


def test_two_threads_do_not_write_at_once(place: Place) -> None:
    found: list[str] = []

    def try_it() -> None:
        try:
            place.run()
        except LockedError as error:
            found.append(error.problem)

    with index_lock(place.index):
        thread = threading.Thread(target=try_it)
        thread.start()
        thread.join()

    assert f"Process {os.getpid()}" in found[0]


# --- what is in the way -----------------------------------------------------------------------


def test_a_foreign_file_where_the_index_should_be_is_left_alone(place: Place) -> None:
    place.index.mkdir()
    (place.index / "ledger.sqlite").write_bytes(b"Not a database at all, but long enough." * 50)
    before = (place.index / "ledger.sqlite").read_bytes()

    with pytest.raises(IndexForeignError):
        place.run()

    assert (place.index / "ledger.sqlite").read_bytes() == before


def test_a_file_where_the_index_folder_should_be_is_an_index_problem(place: Place) -> None:
    place.index.write_text("a file")

    with pytest.raises(IndexProblem, match="cannot be written"):
        place.run()

    assert place.index.read_text() == "a file"


def test_a_moved_corpus_and_index_find_each_other(tmp_path: Path) -> None:
    place = Place(tmp_path / "before")
    write_articles(place.corpus, 2)
    place.run()
    (tmp_path / "before").rename(tmp_path / "after müller 停")

    moved = Place(tmp_path / "after müller 停")
    with moved.open() as archive:
        assert archive.corpus == moved.corpus
        assert archive.file_state("article_0000.txt") == "same"
    assert moved.run().embedded == 0


def test_stored_vectors_have_length_one(place: Place) -> None:
    place.run()

    with place.open() as archive, archive._ledger.snapshot() as view:
        rows = view.vectors(view.row_ids(1))
    assert [float(np.linalg.norm(row)) for row in rows.values()] == pytest.approx([1] * len(rows))
