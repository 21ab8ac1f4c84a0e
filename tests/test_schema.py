"""The nouns: what cannot be true cannot be constructed."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json

import pytest

from rag.schema import (
    Answer,
    Article,
    Citation,
    Hit,
    IndexReport,
    Passage,
    Skipped,
    Span,
    Statement,
)

TEXT = "Boats came in. Boats went out."
ARTICLE = Article("a.txt", TEXT, "The Harbour", published=dt.date(2025, 7, 4), outlet="The Bay")
PASSAGE = Passage(
    "p1", "a.txt", 0, 30, TEXT, "The Harbour", None, None, (Span(0, 14), Span(15, 30))
)


def _cited(number: int = 1) -> Citation:
    return Citation(number, ARTICLE, 0, 14, "Boats came in.", "p1")


def test_words_that_are_in_the_article_can_be_cited() -> None:
    citation = _cited()

    assert (citation.path, citation.title) == ("a.txt", "The Harbour")
    assert (citation.published, citation.outlet) == (dt.date(2025, 7, 4), "The Bay")
    assert TEXT[citation.start : citation.end] == citation.quote


@pytest.mark.parametrize(
    ("start", "end", "quote"),
    [
        (0, 14, "Boats sank in."),
        (1, 15, "Boats came in."),
        (0, 14, "boats came in."),
        (0, 13, "Boats came in."),
        (0, 0, ""),
        (-14, -1, "Boats went out"),
        (15, 31, "Boats went out."),
        (15, 99, "Boats went out."),
        (5, 2, ""),
    ],
)
def test_words_that_are_not_there_to_the_letter_cannot_be_cited(
    start: int, end: int, quote: str
) -> None:
    with pytest.raises(ValueError, match=r"a\.txt"):
        Citation(1, ARTICLE, start, end, quote, "p1")


def test_a_citation_cannot_be_altered_afterwards() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        _cited().quote = "Boats sank."  # type: ignore[misc]


def test_citation_numbers_start_at_one() -> None:
    with pytest.raises(ValueError, match="start at 1"):
        _cited(0)


def test_a_statement_without_a_citation_is_marked_unsupported_or_not_made() -> None:
    assert Statement("Boats sank.", (), "unsupported").citations == ()
    with pytest.raises(ValueError, match="needs a citation"):
        Statement("Boats sank.", (), "quoted")


def test_an_answer_cannot_refer_to_a_citation_that_it_does_not_have() -> None:
    with pytest.raises(ValueError, match=r"no citation numbered \[2\]"):
        _answer(statements=(Statement("Boats came in.", (2,), "quoted"),))


def test_an_abstention_and_nothing_else_has_a_reason() -> None:
    with pytest.raises(ValueError, match="abstention"):
        _answer(abstained=True, statements=(), citations=())
    with pytest.raises(ValueError, match="abstention"):
        _answer(reason="Because.")


def test_the_text_of_an_answer_has_markers_and_that_of_an_abstention_its_reason() -> None:
    assert _answer().text == "Boats came in. [1]"
    told = _answer(abstained=True, reason="Nothing is said.", statements=(), citations=())
    assert told.text == "Nothing is said."


def test_an_answer_as_json_has_the_promised_keys_and_plain_values() -> None:
    values = _answer().to_dict()

    assert list(values) == [
        "question", "standalone_question", "text", "abstained", "reason", "confidence",
        "short_answer", "statements", "citations", "readings", "disagreement", "passages",
        "generator", "timings_ms", "notes", "kind", "suggestions",
    ]  # fmt: skip
    assert json.loads(json.dumps(values)) == values
    assert values["passages"][0]["used"] is True
    assert values["citations"][0]["published"] == "2025-07-04"


def test_a_span_has_a_length_and_no_negative_start() -> None:
    for start, end in ((3, 3), (4, 3), (-1, 3)):
        with pytest.raises(ValueError, match="not a span"):
            Span(start, end)
    assert Span(0, 5).within(TEXT) == "Boats"
    assert Span(0, 5).overlaps(Span(4, 9))
    assert not Span(0, 5).overlaps(Span(5, 9))


def test_a_report_as_json_names_what_was_skipped() -> None:
    report = IndexReport(1, 1, 0, 0, 0, 1, 2, 2, (Skipped("b.pdf", "no article"),), 1.234)

    assert json.loads(json.dumps(report.to_dict())) == {
        "generation": 1, "added": 1, "changed": 0, "removed": 0, "unchanged": 0, "articles": 1,
        "passages": 2, "embedded": 2, "skipped": [{"path": "b.pdf", "reason": "no article"}],
        "seconds": 1.23,
    }  # fmt: skip


def _answer(**changes: object) -> Answer:
    values: dict[str, object] = {
        "question": "What came in?",
        "standalone_question": "What came in?",
        "abstained": False,
        "reason": None,
        "confidence": 0.9,
        "short_answer": None,
        "statements": (Statement("Boats came in.", (1,), "quoted"),),
        "citations": (_cited(),),
        "hits": (Hit(PASSAGE, 0.5, 1.0, 0.6),),
    }
    return Answer(**{**values, **changes})  # type: ignore[arg-type]
