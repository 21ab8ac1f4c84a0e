"""`rag chat --terminal` as somebody types it."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import rag
from rag.schema import Answer, Article, Citation, Finished, Stage, Statement, StatementWritten
from rag.terminal_chat import TerminalChat

QUESTION = "How many hostages remain?"


def talk(
    archive: Any, *lines: str | BaseException, keep_in: Path, width: int = 200, **console: Any
) -> str:
    """Return what the terminal shows when these lines are typed."""
    typed: Iterator[str | BaseException] = iter(lines)

    def read_line() -> str:
        line = next(typed, EOFError())
        if isinstance(line, BaseException):
            raise line
        shown.write(f"> {line}\n")
        return line

    shown = io.StringIO()
    screen = Console(file=shown, width=width, highlight=False, **console)
    TerminalChat(archive, screen, read_line, keep_in).run()
    return shown.getvalue()


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "conversation.jsonl"


def test_an_answer_has_numbered_citations(seeds_archive: rag.Archive, kept: Path) -> None:
    shown = talk(seeds_archive, QUESTION, keep_in=kept)

    answer = seeds_archive.ask(QUESTION)
    for statement in answer.statements:
        assert statement.marked in shown
    for citation in answer.citations:
        assert f"{citation.path}:{citation.start}-{citation.end}" in shown
    assert "Israeli officials" in shown, "who said it"


def test_open_shows_the_article_around_the_words(seeds_archive: rag.Archive, kept: Path) -> None:
    shown = talk(seeds_archive, QUESTION, "/open 2", keep_in=kept, width=10_000)

    citation = seeds_archive.ask(QUESTION).citations[1]
    text = seeds_archive.article(citation.path).text
    opened = shown.partition("> /open 2")[2]
    assert f"▸{citation.quote}◂" in opened
    assert text[citation.start - 60 : citation.start].splitlines()[-1] in opened
    assert citation.title in opened


def test_open_without_such_a_citation_says_which_there_are(
    seeds_archive: rag.Archive, kept: Path
) -> None:
    shown = talk(seeds_archive, "/open 1", QUESTION, "/open 99", "/open", "/open x", keep_in=kept)

    assert "Ask something first." in shown
    assert shown.count("It has 1, 2") == 3


def test_a_follow_up_leans_on_what_came_before(seeds_archive: rag.Archive, kept: Path) -> None:
    shown = talk(seeds_archive, QUESTION, "How many of them are alive?", keep_in=kept)

    assert "hostages" in shown.partition("> How many of them")[2].partition("Searched for:")[2]


def test_as_of_holds_until_it_is_lifted(seeds_archive: rag.Archive, kept: Path) -> None:
    shown = talk(
        seeds_archive, "/as-of 2024", QUESTION, "/as-of", QUESTION, "/as-of soon", keep_in=kept
    )

    then, now = shown.split("All articles count again.")
    assert "2025-07-24" not in then.partition(QUESTION)[2]
    assert "2025-07-24" in now
    assert "is not a date" in now
    kept_lines = [json.loads(line) for line in kept.read_text().splitlines()]
    assert [line["as_of"] for line in kept_lines] == ["2024", None]


def test_the_conversation_is_exported_and_nothing_is_overwritten(
    seeds_archive: rag.Archive, kept: Path, tmp_path: Path
) -> None:
    markdown, values = tmp_path / "talk.md", tmp_path / "talk.json"

    shown = talk(
        seeds_archive,
        f"/export {markdown}",
        QUESTION,
        f"/export {markdown}",
        f"/export {values}",
        f"/export {values}",
        f"/export {tmp_path / 'nowhere' / 'talk.md'}",
        keep_in=kept,
        width=500,
    )

    assert "nothing to export" in shown
    assert "is there already" in shown
    assert "cannot be written" in shown
    first = seeds_archive.ask(QUESTION).citations[0]
    assert f"## {QUESTION}" in markdown.read_text()
    assert f":{first.start}-{first.end}" in markdown.read_text()
    (exchange,) = json.loads(values.read_text())
    assert exchange["answer"]["citations"][0]["quote"] == first.quote


def test_the_conversation_goes_on_in_the_next_session(
    seeds_archive: rag.Archive, kept: Path
) -> None:
    talk(seeds_archive, QUESTION, keep_in=kept)
    with kept.open("a") as file:
        file.write('{"question": "cut o')  # the machine went down

    shown = talk(seeds_archive, "/open 1", "/new", "/open 1", keep_in=kept)

    assert "Going on after 1 questions" in shown
    assert "▸" in shown.partition("> /new")[0]
    assert "Ask something first." in shown.partition("> /new")[2]
    assert not kept.exists()


def test_only_the_user_may_read_the_kept_conversation(
    seeds_archive: rag.Archive, kept: Path
) -> None:
    talk(seeds_archive, QUESTION, keep_in=kept)

    assert stat.S_IMODE(kept.stat().st_mode) & 0o077 == 0


def test_what_cannot_be_kept_is_said_once_and_the_talk_goes_on(
    seeds_archive: rag.Archive, tmp_path: Path
) -> None:
    shown = talk(seeds_archive, QUESTION, QUESTION, keep_in=tmp_path / "nowhere" / "talk.jsonl")

    assert shown.count("cannot be kept") == 1
    assert shown.count("Confidence") == 2


def test_what_the_articles_do_not_answer_is_said(seeds_archive: rag.Archive, kept: Path) -> None:
    shown = talk(seeds_archive, "What is the melting point of tungsten?", keep_in=kept)

    assert "tungsten" in shown.partition("\n> ")[2].partition("\n")[2]
    assert "Confidence" not in shown


def test_a_wrong_command_an_empty_line_and_help(seeds_archive: rag.Archive, kept: Path) -> None:
    shown = talk(seeds_archive, "/opne 1", "", "/help", "/quit", "never read", keep_in=kept)

    assert "There is no /opne." in shown
    assert "/as-of" in shown
    assert "never read" not in shown


class HostileArchive:
    """An archive with words that would steer a terminal; the second question is interrupted."""

    def __init__(self, index: Path) -> None:
        self.index = index
        self.asked = 0
        text = "\x1b[2J\x1b]0;owned\x07Call [bold]me[/bold] now.\u202e"
        self.page = Article("a\x1b[31m.txt", text, "T\x1b[2J", sha256="")

    def status(self) -> dict[str, Any]:
        return {"articles": 1}

    def article(self, path: str) -> Article:
        return self.page

    def file_state(self, path: str) -> str:
        return "same"

    def stream(self, question: str, *_: Any) -> Iterator[Any]:
        self.asked += 1
        yield Stage("searching", "\x1b[2J")
        text = self.page.text
        citation = Citation(1, self.page, 0, len(text), text, "p")
        statement = Statement(text, (1,), "quoted")
        yield StatementWritten(statement, (citation,))
        if self.asked == 2:
            raise KeyboardInterrupt
        yield Finished(
            Answer(
                question, question, False, None, 0.9, None, (statement,), (citation,), notes=(text,)
            )
        )


def test_an_articles_words_cannot_steer_the_terminal(tmp_path: Path, kept: Path) -> None:
    export = tmp_path / "talk.md"
    shown = talk(
        HostileArchive(tmp_path), "Who?", "/open 1", f"/export {export}", keep_in=kept, width=500
    )

    for said in (shown, export.read_text()):
        assert not set(said) & {"\x1b", "\x07", "\u202e"}
    assert "[bold]me[/bold]" in shown, "as it stands"


def test_an_interrupted_answer_is_not_kept(tmp_path: Path, kept: Path) -> None:
    shown = talk(
        HostileArchive(tmp_path), "Who?", "Who else?", KeyboardInterrupt(), "Who?", keep_in=kept
    )

    assert "Stopped; the answer is not kept." in shown
    assert "Ctrl-D or /quit leaves." in shown
    assert len(kept.read_text().splitlines()) == 2
