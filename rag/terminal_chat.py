"""Typed lines -> a conversation in the terminal: answers as they are made, numbered citations.

The conversation is kept in the index, so that the next session goes on where this one ended.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rag.archive import Archive
from rag.errors import RagError, UsageError
from rag.ledger import shown
from rag.llm import OpenAICompatible
from rag.schema import (
    Answer,
    Finished,
    Stage,
    Statement,
    StatementWritten,
    Turn,
    iso,
    short_citation,
)

CONVERSATION_FILE = "terminal_chat.jsonl"
AROUND_CHARACTERS = 500
MAX_EARLIER = 50
_STAGES = {"searching": "Searching", "reading": "Reading", "writing": "Writing"}
_PROMPT = "> "

HELP = """\
Ask in plain words; a follow-up may lean on what came before.
/open 2          the article around the words of citation 2
/as-of 2025-07   only what was published by then counts; /as-of alone lifts that
/model NAME      that language model writes; /model off: the sources' own words;
                 /model on: the one of the settings; /model alone tells who writes
/export FILE     write the conversation as Markdown, or as JSON if FILE ends in .json
/new             forget the conversation and begin another
/help            this
/quit            leave (so does Ctrl-D); Ctrl-C stops an answer"""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what was answered, as JSON values (see ``Answer.to_dict``)."""

    question: str
    as_of: str | None
    answer: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the exchange as JSON values."""
        return {"question": self.question, "as_of": self.as_of, "answer": self.answer}


def chat(archive: Archive, model: str | None = None) -> None:
    """Talk on this process's terminal until the user leaves.

    Args:
        archive: What is asked.
        model: Who writes the answers, as :meth:`rag.archive.Archive.ask` takes it.

    Raises:
        UsageError: If a model is named and no address of one is configured.
    """
    with suppress(ImportError):  # gives the prompt its line editing; not there on Windows
        import readline  # noqa: F401
    console = Console(highlight=False)
    TerminalChat(archive, console, read_line=lambda: input(_PROMPT), model=model).run()


class TerminalChat:
    """One conversation in a terminal.

    Args:
        archive: What is asked.
        console: Where everything is shown.
        read_line: Gives the next line that the user typed; raises ``EOFError`` at the end.
        keep_in: File of the conversation; by default ``terminal_chat.jsonl`` in the index.
        model: Who writes the answers: None for what the settings say, ``extractive`` for the
            sources' own words, or a model's name at the configured address.

    Raises:
        UsageError: If a model is named and no address of one is configured.
    """

    def __init__(
        self,
        archive: Archive,
        console: Console,
        read_line: Callable[[], str],
        keep_in: Path | None = None,
        model: str | None = None,
    ) -> None:
        self._archive = archive
        self._console = console
        self._read_line = read_line
        self._file = keep_in or archive.index / CONVERSATION_FILE
        self._as_of: str | None = None
        self._exchanges: list[Exchange] = []
        self._model = model
        self._writer = self._writer_of(model)
        self._commands: dict[str, Callable[[str], None]] = {
            "/open": self._open,
            "/as-of": self._set_as_of,
            "/export": self._export,
            "/model": self._choose_model,
            "/new": self._begin_anew,
            "/help": lambda _: self._say(HELP),
        }

    def run(self) -> None:
        """Talk until the user leaves."""
        count = self._archive.status()["articles"]
        self._say(f"{count} articles. Ask, or /help.", "dim")
        if self._writer is not None:
            self._tell_writer()
        self._go_on()
        while True:
            try:
                line = self._read_line().strip()
            except EOFError:
                self._say("")
                return
            except KeyboardInterrupt:
                self._say("\nCtrl-D or /quit leaves.", "dim")
                continue
            if line in ("/quit", "/exit"):
                return
            if line:
                self._carry_out(line)

    def _carry_out(self, line: str) -> None:
        try:
            if line.startswith("/"):
                name, _, rest = line.partition(" ")
                command = self._commands.get(name)
                if command is None:
                    raise UsageError(f"There is no {shown(name)}.", remedy="/help lists what is.")
                command(rest.strip())
            else:
                self._ask(line)
        except RagError as error:
            self._say(error.problem, "red")
            self._say(error.remedy)
        except KeyboardInterrupt:
            self._say("\nStopped; the answer is not kept.", "dim")

    # --- asking -----------------------------------------------------------------------------

    def _ask(self, question: str) -> None:
        earlier = self._exchanges[-MAX_EARLIER:]
        history = [Turn.of(item.question, item.answer) for item in earlier]
        written: list[Statement] = []
        with self._console.status("Searching") as status:
            for event in self._archive.stream(question, history, self._as_of, model=self._model):
                match event:
                    case Stage():
                        detail = f": {_line(event.detail)}" if event.detail else ""
                        status.update(Text(f"{_STAGES[event.name]}{detail}", "dim"))
                    # The sources' own words are there at once, and may wait for the short answer.
                    case StatementWritten() if self._writer is not None:
                        written.append(event.statement)
                        self._show_statement(event.statement)
                    case Finished():
                        answer = event.answer
        self._show_rest(answer, tuple(written))
        self._keep(Exchange(question, self._as_of, answer.to_dict()))

    def _show_statement(self, statement: Statement) -> None:
        unsupported = statement.verdict == "unsupported"
        text = Text(_line(statement.text), "strike dim" if unsupported else "")
        if unsupported:
            why = _line(" ".join(statement.reasons[:1])) or "no article supports it"
            text.append(f" (struck: {why})", "not strike red")
        else:
            for number in statement.citations:
                text.append(f" [{number}]", "cyan")
        self._console.print(text)

    def _show_rest(self, answer: Answer, written: tuple[Statement, ...]) -> None:
        if answer.abstained:
            self._say(_line(answer.text), "yellow")
            for question in answer.suggestions:
                self._say(f"  {_line(question)}")
            for hit in answer.hits[:3] if answer.kind == "abstention" else ():
                passage = hit.passage
                self._say(f"Nearest: {shown(passage.path)}:{passage.start}-{passage.end}", "dim")
            return
        if answer.short_answer:
            number = short_citation(answer.to_dict())
            lead = Text(_line(answer.short_answer), "bold")
            lead.append("" if number is None else f" [{number}]", "not bold cyan")
            self._console.print(Text("In short: ", "dim") + lead if written else lead)
        if written != answer.statements:
            if written:
                self._say("After all checks:", "dim")
            for statement in answer.statements:
                self._show_statement(statement)
        if answer.standalone_question != answer.question:
            self._say(f"Searched for: {_line(answer.standalone_question)}", "dim")
        if len(answer.readings) > 1:
            table = Table(box=None, padding=(0, 2, 0, 0))
            for name in ("value", "as of", "according to", ""):
                table.add_column(name, header_style="dim")
            for reading in answer.readings:
                table.add_row(
                    Text(_line(reading.value)),
                    Text(reading.as_of or "undated"),
                    Text(_line(reading.attribution or "")),
                    Text(f"[{reading.citation}]", "cyan"),
                )
            self._console.print(table)
        for citation in answer.citations:
            self._console.print(_source(citation.to_dict()))
        by = "" if answer.generator == "extractive" else f" Written by {_line(answer.generator)}."
        self._say(f"Confidence {answer.confidence:.2f}.{by} /open N shows the words.", "dim")
        for note in answer.notes:
            self._say(_line(note), "yellow")

    # --- commands ---------------------------------------------------------------------------

    def _open(self, which: str) -> None:
        citation = self._citation(which)
        article = self._archive.article(citation["path"])
        start, end = citation["start"], citation["end"]
        if article.text[start:end] != citation["quote"]:
            raise UsageError(
                f"{shown(citation['path'])} has been indexed anew since; "
                "the words are no longer there.",
                remedy="Ask again.",
            )
        self._say("")
        self._console.print(Text(_line(article.title), "bold"))
        outlet = f"{_line(article.outlet)}, " if article.outlet else ""
        day = iso(article.published) or "undated"
        self._say(f"{outlet}{day}, {shown(article.path)}:{start}-{end}", "dim")
        before, after = _around(article.text, start, end)
        text = Text("… " if before else "", "dim")
        text.append(_lines(article.text[before:start]), "not dim")
        # Without colours, the words are between marks.
        marks = ("", "") if self._console.color_system else ("▸", "◂")
        quote = _lines(article.text[start:end])
        text.append(f"{marks[0]}{quote}{marks[1]}", "not dim reverse")
        text.append(_lines(article.text[end:after]), "not dim")
        text.append(" …" if after < len(article.text) else "")
        self._console.print(text)
        state = self._archive.file_state(article.path)
        if state != "same":
            what = "has changed" if state == "changed" else "is gone"
            self._say(f"The file {what} since it was indexed; these are its words then.", "yellow")

    def _citation(self, which: str) -> dict[str, Any]:
        citations = self._exchanges[-1].answer["citations"] if self._exchanges else []
        for citation in citations:
            if str(citation["number"]) == which.strip("[]"):
                found: dict[str, Any] = citation
                return found
        numbers = ", ".join(str(citation["number"]) for citation in citations)
        raise UsageError(
            f"The last answer has no citation {shown(which)!r}."
            if which
            else "Which citation is meant?",
            remedy=f"It has {numbers}." if numbers else "Ask something first.",
        )

    def _set_as_of(self, day: str) -> None:
        if not day or day.casefold() in ("none", "off"):
            self._as_of = None
            self._say("All articles count again.", "dim")
            return
        # The archive knows what a date is; nothing is found for these words, or something is.
        self._archive.search("date", 1, day)
        self._as_of = day
        self._say(f"Only what was published by {day} counts; undated articles stay.", "dim")

    def _choose_model(self, name: str) -> None:
        if name:
            model = {"off": "extractive", "on": None}.get(name.casefold(), name)
            self._writer = self._writer_of(model)
            self._model = model
        self._tell_writer()

    def _writer_of(self, model: str | None) -> OpenAICompatible | None:
        """Return the language model that would write, or None for the sources' own words."""
        settings = self._archive.settings
        if model == "extractive" or (model is None and not settings.llm_base_url):
            return None
        name = model or settings.llm_model
        if not settings.llm_base_url or not name:
            raise UsageError(
                "No address of a language model is configured."
                if name
                else "No language model is named.",
                remedy="Set llm_base_url and llm_model in rag.toml, or RAG_LLM_BASE_URL and "
                "RAG_LLM_MODEL; /model off goes on without.",
            )
        return OpenAICompatible(settings.llm_base_url, name)

    def _tell_writer(self) -> None:
        writer = self._writer
        if writer is None:
            self._say("Answers are in the sources' own words; no language model is asked.", "dim")
            return
        goes = "stay on this machine" if writer.is_here else f"go to {_line(writer.where)}"
        self._say(
            f"Answers are written by {_line(writer.name)}, each sentence checked. This "
            f"conversation and the passages found {goes}; /model off for the sources' own words.",
            "dim",
        )

    def _export(self, name: str) -> None:
        if not name:
            raise UsageError("Which file?", remedy="/export conversation.md")
        if not self._exchanges:
            raise UsageError("There is nothing to export.", remedy="Ask something first.")
        path = Path(name).expanduser()
        text = (
            json.dumps([item.to_dict() for item in self._exchanges], ensure_ascii=True, indent=2)
            if path.suffix == ".json"
            else _markdown(self._exchanges)
        )
        try:
            with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text + "\n")
        except FileExistsError as error:
            raise UsageError(
                f"{shown(path)} is there already.", remedy="Name another file."
            ) from error
        except OSError as error:
            raise UsageError(
                f"{shown(path)} cannot be written: {error.strerror}.", remedy="Name another file."
            ) from error
        self._say(f"Written to {shown(path)}.", "dim")

    def _begin_anew(self, _: str) -> None:
        self._exchanges = []
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            raise UsageError(
                f"{shown(self._file)} cannot be removed: {error.strerror}.",
                remedy="This session has forgotten it; the next one will find it.",
            ) from error
        self._say("A new conversation.", "dim")

    # --- keeping ----------------------------------------------------------------------------

    def _go_on(self) -> None:
        try:
            lines = self._file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        except (OSError, ValueError):
            self._say(f"The last conversation ({shown(self._file)}) cannot be read.", "yellow")
            return
        for line in lines:
            try:
                kept = json.loads(line)
                exchange = Exchange(kept["question"], kept["as_of"], kept["answer"])
                _ = (exchange.answer["citations"], Turn.of(exchange.question, exchange.answer))
            except (ValueError, KeyError, TypeError):
                continue  # a line that was cut off
            self._exchanges.append(exchange)
        if self._exchanges:
            last = _line(self._exchanges[-1].question)
            self._say(
                f"Going on after {len(self._exchanges)} questions, the last “{last}”; "
                "/new begins another conversation.",
                "dim",
            )

    def _keep(self, exchange: Exchange) -> None:
        self._exchanges.append(exchange)
        try:
            self._file.touch(mode=0o600)
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(exchange.to_dict()) + "\n")
        except OSError:
            if len(self._exchanges) == 1:
                self._say("(This conversation cannot be kept: the index is read-only.)", "yellow")

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style))


def _around(text: str, start: int, end: int) -> tuple[int, int]:
    """Return where what stands around some words begins and ends, whole words only."""
    before = max(0, start - AROUND_CHARACTERS)
    while 0 < before < start and not text[before - 1].isspace():
        before += 1
    after = min(len(text), end + AROUND_CHARACTERS)
    while end < after < len(text) and not text[after].isspace():
        after -= 1
    return before, after


def _source(citation: dict[str, Any]) -> Text:
    text = Text(f"[{citation['number']}] ", "cyan")
    outlet = f"{_line(citation['outlet'])}, " if citation["outlet"] else ""
    place = f"{shown(citation['path'])}:{citation['start']}-{citation['end']}"
    text.append(f"{outlet}{citation['published'] or 'undated'}, {place}", "not cyan dim")
    return text


def _markdown(exchanges: list[Exchange]) -> str:
    parts = ["# Conversation"]
    for item in exchanges:
        parts.append(f"## {_quiet(item.question)}")
        if item.as_of:
            parts.append(f"As of {item.as_of}.")
        answer = item.answer
        if answer["abstained"]:
            parts.append(_quiet(answer["text"]))
            continue
        if answer.get("short_answer"):
            number = short_citation(answer)
            marker = "" if number is None else f" \\[{number}\\]"
            parts.append(f"**{_quiet(answer['short_answer'])}**{marker}")
        for statement in answer["statements"]:
            markers = "".join(f" \\[{number}\\]" for number in statement["citations"])
            doubt = " (not supported)" if statement["verdict"] == "unsupported" else ""
            parts.append(f"{_quiet(statement['text'])}{markers}{doubt}")
        parts += [
            f"- \\[{citation['number']}\\] {_quiet(citation['path'])}:{citation['start']}-"
            f"{citation['end']}, {citation['published'] or 'undated'}: "
            f"“{_quiet(citation['quote'])}”"
            for citation in answer["citations"]
        ]
    return "\n\n".join(parts)


def _quiet(text: str) -> str:
    """Return text that Markdown shows as it stands."""
    plain = _line(text)
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>#!|~&" else letter for letter in plain)


def _line(text: str) -> str:
    """Return text as one line, without what could steer a terminal."""
    return " ".join(shown(line) for line in text.replace("\t", " ").splitlines() if line.strip())


def _lines(text: str) -> str:
    """Return text in its lines, without what could steer a terminal."""
    return "\n".join(shown(line) for line in text.replace("\t", " ").splitlines()) + (
        "\n" if text.endswith("\n") else ""
    )
