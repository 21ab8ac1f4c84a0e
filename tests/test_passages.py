"""Article -> sentences and passages: exact spans, nothing lost, nothing twice."""

from __future__ import annotations

import datetime as dt
import time
import unicodedata
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.embedder import Embedder, open_embedder
from rag.indexer import Recipe
from rag.passages import (
    context_line,
    embedded_text,
    estimate_pieces,
    split_passages,
    split_sentences,
)
from rag.schema import Article, Span

WINDOW = 60

_FRAGMENTS = [
    "Mr. Trump spoke at 5:02 p.m. ET on Thursday.",
    "“We will not go,” he said. “Never.”",
    "The same line again. The same line again. The same line again.",
    "The U.S. State Department said so.",
    "Image",
    "\r\n", "\n", "\n\n", "\r", "\t", "\f", "\u2028", "\u00a0", " ", "\v", "\x85", "\x1c",
    "👩‍👩‍👧‍👦", "👍🏽", "🇮🇱🇵🇸", "e\u0301", "a\u0308\u0323", "\u200f", "\u202e", "\u200d", "\ufeff",
    "קרא את המאמר. הוא ארוך!", "هذا خبر. وهذا آخر؟", "停火持续了六十天。然后呢？",
    "\0", "\ud800", "x" * 450, "zqxjkv" * 20, "3.14", "a.b.c", "!?…", "(see [1])", "...", "\"", "”",
]  # fmt: skip
_TEXTS = st.lists(
    st.one_of(
        st.sampled_from(_FRAGMENTS),
        st.text(max_size=40),
        st.text(alphabet="ab .\n", max_size=60),
        st.text(alphabet="qxzvkjw0aé漢", min_size=20, max_size=200),
    ),
    max_size=25,
).map("".join)


@st.composite
def _articles(draw: st.DrawFn) -> Article:
    text = draw(_TEXTS)
    holes: list[Span] = []
    at = 0
    for gap, length in draw(
        st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=4)
    ):
        start, end = at + gap, min(len(text), at + gap + length)
        if start >= end:
            break
        holes.append(Span(start, end))
        at = end + 1
    return Article(path="a.txt", text=text, title="A title", unquotable=tuple(holes))


def _to_cover(article: Article) -> set[int]:
    hidden = {at for hole in article.unquotable for at in range(hole.start, hole.end)}
    return {at for at, char in enumerate(article.text) if not char.isspace() and at not in hidden}


_thorough = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@_thorough
@given(_articles())
def test_every_word_that_may_be_quoted_is_in_exactly_one_sentence(article: Article) -> None:
    passages = split_passages(article, passage_words=30, max_pieces=WINDOW)

    spans = [span for passage in passages for span in passage.sentences]
    covered: list[int] = []
    for span in spans:
        assert article.text[span.start : span.end] == span.within(article.text).strip()
        covered.extend(range(span.start, span.end))
    assert len(covered) == len(set(covered)), "two sentences overlap"
    assert covered == sorted(covered), "sentences are out of order"
    hidden = {at for hole in article.unquotable for at in range(hole.start, hole.end)}
    assert not hidden & set(covered), "an unquotable character is in a sentence"
    assert _to_cover(article) <= set(covered), "a character is lost"


@_thorough
@given(_articles())
def test_passages_slice_exactly_and_hold_their_sentences_in_order(article: Article) -> None:
    passages = split_passages(article, passage_words=30, max_pieces=WINDOW)

    for passage in passages:
        assert passage.text == article.text[passage.start : passage.end]
        assert (passage.start, passage.end) == (
            passage.sentences[0].start,
            passage.sentences[-1].end,
        )
        for span in passage.sentences:
            assert passage.sentence_text(span) == article.text[span.start : span.end]
    for before, after in pairwise(passages):
        assert before.end <= after.start
    assert len({passage.passage_id for passage in passages}) == len(passages)


@_thorough
@given(_articles())
def test_sentences_of_a_passage_fit_the_window_of_the_model_that_counts(article: Article) -> None:
    def letters(text: str) -> int:
        return 2 * sum(not char.isspace() for char in text)

    for count_pieces in (estimate_pieces, letters):
        passages = split_passages(
            article, passage_words=30, max_pieces=WINDOW, count_pieces=count_pieces
        )
        for passage in passages:
            total = sum(count_pieces(passage.sentence_text(span)) for span in passage.sentences)
            assert total <= WINDOW, passage.text


@settings(max_examples=60, deadline=None, derandomize=True)
@given(_articles())
def test_what_is_embedded_fits_the_packaged_model(article: Article) -> None:
    embedder = _packaged()
    recipe = Recipe(embedder, 110, "en")
    article = replace(article, title="停火 agreement " * 40)

    for passage in recipe.passages(article):
        embedded = recipe.embedded_text(article, passage)
        assert embedder.count_pieces(embedded) <= embedder.window - 2
        assert all(passage.sentence_text(span) in embedded for span in passage.sentences)


def test_what_may_not_be_quoted_is_not_embedded_either() -> None:
    text = "Boats came in.\nCredit: A. Photographer\nBoats went out.\r\n\r\nAll was well."
    article = Article("a.txt", text, "The Harbour", unquotable=(Span(15, 38),))
    (passage,) = split_passages(article)

    embedded = embedded_text(article, passage, context_pieces=48, count_pieces=estimate_pieces)

    assert embedded == "The Harbour\nBoats came in.\nBoats went out.\r\n\r\nAll was well."


@_thorough
@given(_TEXTS)
def test_sentences_without_an_article_cover_the_text_too(text: str) -> None:
    covered: list[int] = []
    for span in split_sentences(text):
        covered.extend(range(span.start, span.end))

    assert covered == sorted(set(covered))
    assert {at for at, char in enumerate(text) if not char.isspace()} <= set(covered)


@pytest.mark.parametrize(
    "sentences",
    [
        ["Mr. Trump met Mr. Netanyahu on Monday.", "They spoke for an hour."],
        ["The U.S. State Department said so.", "Mr. Rubio agreed."],
        ["He would order the I.D.F. to storm the city.", "Nobody else would."],
        ["“We will stay until it is over.”", "He then left."],
        ['"We will stay."', "He then left."],
        ["“We will stay,” he said. ", "“Then we go.”"],
        ["It was updated at 5:02 p.m. ET on Thursday.", "Nothing else changed."],
        ["Gen. Herzi Halevi and Lt. Col. Avi Dahan spoke.", "Dr. Smith listened."],
        ["The price rose by 3.5 percent.", "It fell in the U.S. market."],
        ["Is it over?", "No!", "It goes on…"],
    ],
    ids=lambda sentences: sentences[0][:30],
)
def test_sentences_end_where_a_reader_would_end_them(sentences: list[str]) -> None:
    text = " ".join(sentence.strip() for sentence in sentences)

    found = [span.within(text) for span in split_sentences(text)]

    assert found == [sentence.strip() for sentence in sentences]


def test_a_closing_quote_stays_with_the_sentence_that_it_closes() -> None:
    text = "He said: “They must go.” Then silence. “It lasted.” And on."

    found = [span.within(text) for span in split_sentences(text)]

    assert found == ["He said: “They must go.”", "Then silence.", "“It lasted.”", "And on."]


def test_repeated_text_has_offsets_of_its_own() -> None:
    line = "Subscribe to our newsletter for more stories like this one today."
    text = "\n\n".join([line] * 1000)

    passages = split_passages(Article("a.txt", text, "T"), passage_words=30)

    starts = [span.start for passage in passages for span in passage.sentences]
    assert starts == [index * (len(line) + 2) for index in range(1000)]
    assert all(passage.text == text[passage.start : passage.end] for passage in passages)


def test_carriage_returns_count_in_the_offsets() -> None:
    text = "First line here.\r\n\r\nSecond line here.\r\n\r\nThird line here.\r\n"

    found = split_sentences(text)

    assert [span.start for span in found] == [0, 20, 41]
    assert [span.within(text)[-1] for span in found] == [".", ".", "."]


def test_hard_wrapped_lines_are_one_sentence_again() -> None:
    text = (
        "The harbour of the small northern town was opened again on\n"
        "Monday after the longest strike of its history had ended.\n"
    )

    assert [span.within(text) for span in split_sentences(text)] == [text.strip()]


def test_a_cut_never_parts_an_accent_or_a_joined_emoji_from_its_letter() -> None:
    family = "👩\u200d👩\u200d👧"
    text = (family + "e\u0301" + "👍🏽") * 400

    passages = split_passages(Article("a.txt", text, "T"), max_pieces=WINDOW)

    spans = [span for passage in passages for span in passage.sentences]
    assert len(spans) > 1
    for span in spans:
        first, before = text[span.start], text[span.start - 1] if span.start else ""
        assert not unicodedata.combining(first)
        assert first not in "\u200d\ufe0f🏽"
        assert before != "\u200d"


@pytest.mark.parametrize(
    "line",
    [
        "word " * 1_000_000,
        "x" * 5_000_000,
        "Stop. “Go.” " * 20_000,
        pytest.param("Stop. " * 800_000, marks=pytest.mark.slow),
    ],
    ids=["words", "one word", "quotes", "sentences"],
)
def test_a_line_of_five_megabytes_is_split_without_trouble(line: str) -> None:
    started = time.monotonic()

    passages = split_passages(Article("a.txt", line, "T"))

    assert passages
    assert passages[-1].end == len(line.rstrip())
    assert time.monotonic() - started < 60


def test_a_passage_has_the_same_id_in_every_build() -> None:
    text = "One sentence here. Another one there."
    article = Article("a.txt", text, "T", sha256="0" * 64)

    first, again = split_passages(article), split_passages(article)
    moved = split_passages(Article("b.txt", text, "T", sha256="0" * 64))

    assert [p.passage_id for p in first] == [p.passage_id for p in again]
    assert {p.passage_id for p in first}.isdisjoint(p.passage_id for p in moved)
    assert first[0].passage_id == "db27cfb0fd92390e"


def test_title_and_date_are_embedded_but_never_quoted() -> None:
    text = "Boats came in. Boats went out."
    article = Article("a.txt", text, "The Harbour", published=dt.date(2025, 7, 4))

    (passage,) = split_passages(article)

    assert context_line(article) == "The Harbour (July 4, 2025)"
    assert context_line(Article("a.txt", text, "The Harbour")) == "The Harbour"
    assert passage.text == text
    assert all("Harbour" not in passage.sentence_text(span) for span in passage.sentences)


def test_stray_lines_are_in_no_sentence() -> None:
    text = "Boats came in.\nImage\nBoats went out."
    article = Article("a.txt", text, "T", unquotable=(Span(15, 20),))

    sentences = [p.sentence_text(s) for p in split_passages(article) for s in p.sentences]

    assert sentences == ["Boats came in.", "Boats went out."]


@cache
def _packaged() -> Embedder:
    return open_embedder("packaged")
