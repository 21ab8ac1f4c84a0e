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
from typer.testing import CliRunner

import rag
from rag.cli import app
from rag.errors import UsageError
from rag.schema import (
    Answer,
    Article,
    Citation,
    Finished,
    Stage,
    Statement,
    StatementWritten,
    Turn,
)
from rag.terminal_chat import TerminalChat

QUESTION = "How many hostages remain?"


def talk(
    archive: Any,
    *lines: str | BaseException,
    keep_in: Path,
    width: int = 200,
    model: str | None = None,
    **console: Any,
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
    TerminalChat(archive, screen, read_line, keep_in, model).run()
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
        self.settings = rag.load_settings()
        self.asked = 0
        text = "\x1b[2J\x1b]0;owned\x07Call [bold]me[/bold] now.\u202e"
        self.page = Article("a\x1b[31m.txt", text, "T\x1b[2J", sha256="")

    def status(self) -> dict[str, Any]:
        return {"articles": 1}

    def article(self, path: str) -> Article:
        return self.page

    def file_state(self, path: str) -> str:
        return "same"

    def stream(self, question: str, *_: Any, **__: Any) -> Iterator[Any]:
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


class TalkingArchive:
    """An archive that tells how it was asked; the first question has no answer."""

    def __init__(self, **settings: Any) -> None:
        self.index = Path()
        self.settings = rag.load_settings(**settings)
        self.told: list[tuple[list[Turn], Any]] = []
        text = "About 50 remain, officials say. Some were freed."
        self.page = Article("a.txt", text, "Title")

    def status(self) -> dict[str, Any]:
        return {"articles": 1}

    def stream(
        self, question: str, history: list[Turn], as_of: str | None, model: Any = None
    ) -> Iterator[Any]:
        self.told.append((history, model))
        if len(self.told) == 1:
            yield Finished(Answer(question, question, True, "They do not say.", 0.1, None, (), ()))
            return
        cited = tuple(
            Citation(number, self.page, start, end, self.page.text[start:end], "p")
            for number, (start, end) in enumerate([(32, 48), (0, 31)], 1)
        )
        statements = (
            Statement("Some were freed.", (1,), "quoted"),
            Statement("About 50 remain, officials say.", (2,), "quoted"),
            Statement("Sixty fled.", (), "unsupported", ("The number Sixty is not there.",)),
        )
        for statement in statements:
            yield StatementWritten(statement, tuple(cited[n - 1] for n in statement.citations))
        yield Finished(
            Answer(
                question, question, False, None, 0.8, "About 50", statements, cited, generator="m"
            )
        )


MODEL = {"llm_base_url": "https://api.example.com/v1", "llm_model": "big"}


def test_the_short_answer_leads_with_the_citation_that_holds_it(tmp_path: Path, kept: Path) -> None:
    export = tmp_path / "talk.md"

    shown = talk(TalkingArchive(), "Why?", "How many?", f"/export {export}", keep_in=kept)

    answered = shown.partition("> How many?")[2]
    assert answered.index("About 50 [2]\n") < answered.index("Some were freed. [1]")
    assert "Sixty fled. (struck: The number Sixty is not there.)" in answered
    exported = export.read_text()
    assert exported.index("**About 50** \\[2\\]") < exported.index("Some were freed.")


def test_an_abstention_and_a_struck_sentence_are_no_answers_for_a_follow_up(kept: Path) -> None:
    archive = TalkingArchive()

    talk(archive, "Why?", "How many?", "And then?", keep_in=kept)

    last, _ = archive.told[-1]
    said = "Some were freed.\nAbout 50 remain, officials say."
    assert last == [Turn("Why?"), Turn("How many?", said)]


def test_who_writes_is_told_and_can_be_changed(kept: Path) -> None:
    archive = TalkingArchive(**MODEL)

    shown = talk(
        archive, "A?", "/model off", "B?", "/model llama3.2", "C?", "/model on", "D?", keep_in=kept
    )

    assert [model for _, model in archive.told] == [None, "extractive", "llama3.2", None]
    assert "written by big" in shown.partition("> A?")[0]
    assert "go to https://api.example.com" in shown
    assert "in the sources' own words; no language model is asked" in shown
    streamed = shown.partition("> C?")[2].partition("> /model on")[0]
    assert streamed.index("Some were freed. [1]") < streamed.index("In short: About 50 [2]")
    assert "Written by m." in streamed


def test_a_model_without_an_address_is_refused_and_the_talk_goes_on(kept: Path) -> None:
    archive = TalkingArchive()

    shown = talk(archive, "/model big", "Why?", "/model", keep_in=kept)

    assert "No address of a language model is configured." in shown
    assert "RAG_LLM_BASE_URL" in shown
    assert archive.told[0][1] is None
    with pytest.raises(UsageError, match="No address"):
        talk(archive, keep_in=kept, model="big")
    here = TalkingArchive(llm_base_url="http://localhost:11434/v1", llm_model="m")
    assert "stay on this machine" in talk(here, keep_in=kept)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--model", "big"], "In the page, who writes is chosen per question."),
        (["--terminal", "--model", "big", "--extractive"], "contradict each other"),
    ],
)
def test_the_command_refuses_choices_that_cannot_be(options: list[str], problem: str) -> None:
    ended = CliRunner().invoke(app, ["chat", *options])

    assert isinstance(ended.exception, UsageError)
    assert problem in ended.exception.problem
