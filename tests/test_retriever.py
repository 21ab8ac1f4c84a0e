"""Question -> passages: what is found, how near it is, and what a filter lets through."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indexing_fakes import HashingEmbedder

import rag
from rag.errors import QuestionError, UsageError
from rag.lexicon import Lexicon, folded
from rag.retriever import fuse
from rag.schema import Hit
from rag.vectors import ChromaVectors, ExactVectors

ARTICLES = {
    "north/whale.txt": "A Whale in the Harbour\n\nJuly 1, 2024\n\nA whale swam into the harbour "
    "on Monday. The U.S. coast guard closed 1,200 berths.",
    "north/strike.txt": "Strike at the Port\n\nAugust 2, 2024\n\nDockers laid down their tools. "
    "The strike closed the port for nine days.",
    "south/cheese.txt": "A Prize for Cheese\n\nThe cheese of the valley won a prize. Its maker is "
    "Jean Müller.",
    "news.jsonl": '{"title": "Trains", "text": "Trains stood still in the snow.", '
    '"date": "2025-01-05"}\n{"title": "Planes", "text": "Planes flew above the snow.", '
    '"date": "2025-02-06"}\n',
}
OPERATORS = [
    '" * NEAR AND (', "whale AND OR NOT", "title:whale^9", "-whale", "[whale TO zebra}", "whale~2",
    "\\", '"unbalanced', "*", "?", "a:b:c", "{}", "%s %d", "<|im_start|>", "'; DROP TABLE articles",
    "\x1b[31mwhale", "\0whale", "🙂🙂", "\ud800", "the of and", "NEAR/3 (whale, harbour)",
]  # fmt: skip


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rag.Archive]:
    folder = tmp_path_factory.mktemp("retriever")
    for path, text in ARTICLES.items():
        file = folder / "corpus" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    with rag.build(folder / "corpus", folder / "index", embedding=HashingEmbedder()) as opened:
        yield opened


def _paths(hits: list[Hit]) -> list[str]:
    return [hit.passage.path for hit in hits]


def test_the_passage_with_the_words_comes_first(archive: rag.Archive) -> None:
    assert _paths(archive.search("whale harbour"))[0] == "north/whale.txt"
    assert _paths(archive.search("Which cheese won the prize?"))[0] == "south/cheese.txt"


def test_hits_are_ordered_by_relevance_and_each_passage_comes_once(archive: rag.Archive) -> None:
    hits = archive.search("snow in the harbour", limit=50)

    relevance = [hit.relevance for hit in hits]
    assert relevance == sorted(relevance, reverse=True)
    ids = [hit.passage.passage_id for hit in hits]
    assert len(ids) == len(set(ids)) == 5


def test_measures_stay_within_their_bounds(archive: rag.Archive) -> None:
    for question in ["whale", "whale whale whale", "cheese prize valley", *OPERATORS]:
        for hit in archive.search(question):
            assert 0 <= hit.relevance <= 1
            assert -1.001 <= hit.similarity <= 1.001
            assert hit.bm25 >= 0
            assert math.isfinite(hit.bm25)


@settings(max_examples=200, deadline=None)
@given(st.floats(-1, 1), st.floats(0, 100), st.floats(0, 100), st.floats(0, 1))
def test_fused_relevance_lies_between_nothing_and_everything(
    similarity: float, bm25: float, best: float, weight: float
) -> None:
    fused = fuse(similarity, bm25, best_bm25=best, bm25_weight=weight)

    assert 0 <= fused <= 1 + 1e-9
    assert fuse(1, 50, best_bm25=50, bm25_weight=weight) == pytest.approx(1)
    assert fuse(0, 0, best_bm25=best, bm25_weight=weight) == 0


def test_a_fused_value_by_hand() -> None:
    # Half of the words' weight, a cosine of 0.6, each counting half: 0.5 * 0.5 + 0.5 * 0.6.
    assert fuse(0.6, 5, best_bm25=10, bm25_weight=0.5) == pytest.approx(0.55)
    assert fuse(0.6, 5, best_bm25=10, bm25_weight=0.0) == pytest.approx(0.6)
    assert fuse(0.6, 5, best_bm25=10, bm25_weight=1.0) == pytest.approx(0.5)
    assert fuse(-0.6, 0, best_bm25=0, bm25_weight=0.5) == 0


@pytest.mark.parametrize("question", OPERATORS)
def test_there_is_no_query_syntax_to_get_wrong(archive: rag.Archive, question: str) -> None:
    hits = archive.search(question)

    assert len(hits) == 5, "every passage is near enough in so small an archive"
    with_words = [hit.passage.path for hit in hits if hit.bm25 > 0]
    if "whale" in re.findall(r"\w+", question):
        assert "north/whale.txt" in with_words


@pytest.mark.parametrize("question", ["", " ", "\n\t", "\0"])
def test_an_empty_query_is_refused(archive: rag.Archive, question: str) -> None:
    with pytest.raises(QuestionError, match="empty"):
        archive.search(question)


def test_a_query_of_a_megabyte_is_refused_with_the_limit(archive: rag.Archive) -> None:
    with pytest.raises(QuestionError, match="the limit is 4,000"):
        archive.search("whale " * 170_000)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_out_of_bounds_is_refused(archive: rag.Archive, limit: int) -> None:
    with pytest.raises(UsageError, match="1 to 1000"):
        archive.search("whale", limit=limit)


def test_a_limit_is_kept_and_its_hits_are_the_first_of_a_longer_search(
    archive: rag.Archive,
) -> None:
    longer = archive.search("snow", limit=5)

    assert archive.search("snow", limit=2) == longer[:2]


# --- filters ----------------------------------------------------------------------------------


def test_only_chosen_articles_and_folders_are_found(archive: rag.Archive) -> None:
    assert set(_paths(archive.search("snow", paths=["north"]))) == {
        "north/whale.txt",
        "north/strike.txt",
    }
    assert _paths(archive.search("snow", paths=["south/cheese.txt"])) == ["south/cheese.txt"]
    assert set(_paths(archive.search("whale", paths=["news.jsonl", "south/"]))) == {
        "news.jsonl#1",
        "news.jsonl#2",
        "south/cheese.txt",
    }
    assert archive.search("whale", paths=["nowhere"]) == []
    assert archive.search("whale", paths=[]) == []


def test_one_path_may_be_given_as_it_is(archive: rag.Archive) -> None:
    assert _paths(archive.search("snow", paths="south/cheese.txt")) == ["south/cheese.txt"]


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2024-06-30", {"south/cheese.txt"}),
        ("2024-07", {"south/cheese.txt", "north/whale.txt"}),
        ("2024", {"south/cheese.txt", "north/whale.txt", "north/strike.txt"}),
        ("2025-02-05", {"south/cheese.txt", "north/whale.txt", "north/strike.txt", "news.jsonl#1"}),
    ],
)
def test_what_was_published_later_is_left_out_and_the_undated_stays(
    archive: rag.Archive, day: str, found: set[str]
) -> None:
    assert set(_paths(archive.search("snow whale port cheese", as_of=day))) == found


@pytest.mark.parametrize("day", ["yesterday", "2024-13", "2024-02-30", "24-7-1-1", "9999-99", "-"])
def test_a_day_that_is_none_is_refused(archive: rag.Archive, day: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        archive.search("whale", as_of=day)


def test_filters_work_together(archive: rag.Archive) -> None:
    assert _paths(archive.search("snow", as_of="2024-07", paths=["north"])) == ["north/whale.txt"]


def test_a_filtered_hit_has_the_measures_of_an_unfiltered_one(archive: rag.Archive) -> None:
    everywhere = {hit.passage.path: hit for hit in archive.search("whale harbour")}
    (chosen,) = archive.search("whale harbour", paths=["north/whale.txt"])

    assert chosen.similarity == pytest.approx(everywhere["north/whale.txt"].similarity, abs=1e-5)
    assert chosen.bm25 == pytest.approx(everywhere["north/whale.txt"].bm25, abs=1e-5)
    assert chosen.relevance == pytest.approx(everywhere["north/whale.txt"].relevance, abs=1e-5)


# --- which search -----------------------------------------------------------------------------


@pytest.mark.parametrize("retrieval", ["dense", "bm25", "hybrid"])
def test_each_search_alone_finds_the_whale(archive: rag.Archive, retrieval: str) -> None:
    settings_ = rag.load_settings(retrieval=retrieval)
    with rag.open_archive(archive.index, settings_, HashingEmbedder()) as other:
        hits = other.search("A whale swam into the harbour")

    assert hits[0].passage.path == "north/whale.txt"
    if retrieval == "dense":
        assert hits[0].relevance == pytest.approx(max(0, hits[0].similarity))
        assert all(hit.bm25 == 0 for hit in hits)


# --- words ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ("US coast guard", "north/whale.txt"),
        ("1200 berths", "north/whale.txt"),
        ("striking dockers", "north/strike.txt"),
        ("Jean Muller", "south/cheese.txt"),
        ("MU\u0308LLER", "south/cheese.txt"),
    ],
)
def test_spellings_of_a_word_are_one_word(archive: rag.Archive, question: str, path: str) -> None:
    settings_ = rag.load_settings(retrieval="bm25")
    with rag.open_archive(archive.index, settings_, HashingEmbedder()) as words_only:
        assert words_only.search(question)[0].passage.path == path


def test_folding_keeps_us_and_numbers_apart_from_other_words() -> None:
    assert folded("The U.S. counted 1,200,000 of them’s") == "The US counted 1200000 of them's"


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    lexicon = Lexicon(None, language="en", create=True)
    lexicon.add([(n, "T", "boats" + (" whale" if n == 1 else "")) for n in range(1, 10)])

    (whale,), (boat,) = lexicon.terms("whale"), lexicon.terms("boats")

    assert lexicon.rarity(whale) > lexicon.rarity(boat) > 0
    # ln(1 + (9 - 1 + 0.5) / (1 + 0.5)), by hand.
    assert lexicon.rarity(whale) == pytest.approx(math.log(1 + 8.5 / 1.5))
    assert lexicon.best_bm25("whale") == pytest.approx(2.2 * lexicon.rarity(whale))


def test_no_passage_reaches_more_than_the_most_that_bm25_could_be() -> None:
    lexicon = Lexicon(None, language="en", create=True)
    lexicon.add([(1, "whale", "whale " * 50), (2, "T", "boats came in"), (3, "T", "ice")])

    ((_, bm25),) = lexicon.matches("whale", limit=5)

    assert bm25 <= lexicon.best_bm25("whale") * 1.3 + 1e-6, "the title counts 0.3 more"


def test_removed_words_are_not_found_again() -> None:
    lexicon = Lexicon(None, language="en", create=True)
    lexicon.add([(1, "T", "whale"), (2, "T", "whale")])

    lexicon.remove([1])

    assert [row for row, _ in lexicon.matches("whale", limit=5)] == [2]
    assert lexicon.count() == 1


# --- vectors ----------------------------------------------------------------------------------


def test_chroma_finds_what_exact_search_finds(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    rows = random.normal(size=(300, 16)).astype("f4")
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    ids = list(range(1000, 1300))
    chroma = ChromaVectors(tmp_path / "vectors", create=True)
    chroma.add(zip(ids, rows, strict=True))

    exact = ExactVectors(ids, rows).nearest(rows[7], limit=5)
    found = chroma.nearest(rows[7], limit=5)

    assert found[0][0] == exact[0][0] == 1007
    assert [row for row, _ in found] == [row for row, _ in exact]
    assert [cosine for _, cosine in found] == pytest.approx([c for _, c in exact], abs=1e-5)
    chroma.add([(1007, rows[8])])
    assert chroma.count() == 300
    assert chroma.nearest(rows[7], limit=1)[0][1] < 0.999, "a row can be replaced"
    chroma.remove([1007])
    assert chroma.count() == 299
    chroma.close()


def test_more_rows_than_chroma_takes_at_once_are_stored(tmp_path: Path) -> None:
    rows = np.eye(8, dtype="f4")[np.arange(6000) % 8]
    chroma = ChromaVectors(tmp_path / "vectors", create=True)

    chroma.add(enumerate(rows))

    assert chroma.count() == 6000
    chroma.close()
