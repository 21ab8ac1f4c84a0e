"""Whom a sentence means by "he"."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import rag
from rag.antecedents import leans, people, who


@pytest.mark.parametrize(
    ("sentence", "before", "name"),
    [
        ("He added that talks go on.", ["Steve Witkoff arrived on Monday."], "Steve Witkoff"),
        ("“We will not stop,” he said.", ["Mr. Netanyahu spoke on Sunday."], "Mr. Netanyahu"),
        ("But she refused.", ["Anna Holm led the team.", "The team left."], None),
        ("But she refused.", ["Anna Holm led the team.", "She asked for time."], "Anna Holm"),
        # Two people, the first of whom the sentence is about.
        ("His office declined.", ["Omar Said wrote to Jane Poe again."], "Omar Said"),
        # Two people, and nobody can tell.
        ("He refused.", ["In the long letter that reached the capital late on Sunday evening the "
                         "envoys met Omar Said and John Poe."], None),
        ("They refused.", ["Omar Said spoke."], None),
        ("The army refused.", ["Omar Said spoke."], None),
        ("Omar Said said he refused.", ["Jane Poe spoke."], None),
    ],
)  # fmt: skip
def test_the_person_meant_is_the_one_named_before_if_only_one_can_be(
    sentence: str, before: list[str], name: str | None
) -> None:
    assert who(sentence, before) == name


def test_a_sentence_that_names_its_speaker_does_not_lean() -> None:
    assert not leans("Ada Byron said he had left.")
    assert leans("“No,” he said.")
    assert leans("They left.")


def test_a_person_named_twice_counts_once() -> None:
    assert people("Jane Poe left. Ms. Poe came back.") == ["Jane Poe"]


def test_a_quote_stays_to_the_letter_beside_the_name_in_brackets(tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "harbour.md").write_text(
        "---\ntitle: Harbour\ndate: 2024-03-01\n---\n\n"
        "Minister Ada Byron opened the new harbour of Tarn on Friday. "
        "She said that the harbour had cost 40 million euros to build.\n",
        encoding="utf-8",
    )
    with rag.build(folder, index=tmp_path / "index") as archive:
        answer = archive.ask("How much did the harbour of Tarn cost to build?")
        text = archive.article("harbour.md").text

    first = answer.statements[0]
    citation = answer.citations[first.citations[0] - 1]
    assert first.text == f"[Minister Ada Byron] {citation.quote}"
    assert citation.quote.startswith("She said")
    assert text[citation.start : citation.end] == citation.quote
    assert citation.published == dt.date(2024, 3, 1)
