"""How many independent sources say the same."""

from __future__ import annotations

from pathlib import Path

import rag
from rag.copies import independent_sources
from rag.schema import Article, Citation

SAID = "The ferry Anna Maria sank off Lindesay on Tuesday with 31 people aboard."
REPORT = (
    "LINDESAY (Agency) - {said} Rescuers from three islands searched the sound until dark, the "
    "coast guard said, and found 29 of those aboard alive in two rafts. The cause is not known. "
    "The operator, Sound Lines, grounded its two other ships until inspectors have seen them."
)
OWN = (
    "It was the smell of diesel that Mary Keogh noticed first. {said} She had stood at her kitchen "
    "window above the harbour since four, she told this paper, and watched the boats go out one "
    "after another, her brother's among them, into a sea that she called flat as a plate."
)


def place(path: str, text: str) -> tuple[Citation, str]:
    article = Article(path, text, "A ferry sinks")
    start = text.index(SAID)
    return Citation(1, article, start, start + len(SAID), SAID, f"{path}#1"), text


def test_an_agencys_report_in_two_papers_is_one_source() -> None:
    first = place("post.txt", REPORT.format(said=SAID))
    second = place("herald.txt", "From our wires. " + REPORT.format(said=SAID)[:-60])

    assert independent_sources([first, second]) == 1


def test_a_sentence_shared_by_two_reports_of_their_own_is_two_sources() -> None:
    first = place("post.txt", REPORT.format(said=SAID))
    second = place("islander.txt", OWN.format(said=SAID))

    assert independent_sources([first, second]) == 2


def test_two_places_of_an_article_are_one_source() -> None:
    text = OWN.format(said=SAID)

    assert independent_sources([place("islander.txt", text), place("islander.txt", text)]) == 1


def test_a_copy_of_two_copies_joins_them() -> None:
    both = REPORT.format(said=SAID) + "\n" + OWN.format(said=SAID)
    between = Article("between.txt", both, "A ferry sinks")
    middle = both.index(SAID, both.index("Keogh"))
    joined = (Citation(1, between, middle, middle + len(SAID), SAID, "between.txt#1"), both)

    found = independent_sources(
        [place("post.txt", REPORT.format(said=SAID)), place("islander.txt", OWN.format(said=SAID)),
         joined]
    )  # fmt: skip

    assert found == 1


def test_an_answer_tells_how_many_independent_sources_say_a_statement(tmp_path: Path) -> None:
    articles = tmp_path / "articles"
    articles.mkdir()
    for name, text in (
        ("post.txt", REPORT), ("herald.txt", REPORT), ("islander.txt", OWN),
    ):  # fmt: skip
        Path(articles, name).write_text(f"A ferry sinks\n\n{text.format(said=SAID)}\n")
    with rag.build(articles, index=tmp_path / "index") as archive:
        answer = archive.ask("How many people were aboard the ferry Anna Maria?")

    statement = answer.statements[0]
    paths = {answer.citations[number - 1].path for number in statement.citations}
    assert paths == {"post.txt", "herald.txt", "islander.txt"}
    assert statement.independent_sources == 2
    assert statement.to_dict()["independent_sources"] == 2
