"""The command line: ``rag index | ask | search | chat | serve | mcp | eval | status | verify``.

Exit codes: 0 ok, 1 internal error, 2 usage, 3 indexed but some files were skipped, 4 index problem,
5 model unavailable, 6 locked by another process, 7 an evaluation gate failed. An abstention is an
answer: exit 0.
"""

from __future__ import annotations

import importlib
import json
import re
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer

from rag.archive import Archive, __version__, open_archive
from rag.embedder import open_embedder
from rag.errors import RagError, UsageError
from rag.evaluation.cli import app as eval_app
from rag.indexer import Recipe, index_corpus
from rag.ledger import shown
from rag.schema import Answer, Citation, IndexReport, short_citation, told_alike
from rag.settings import load_settings
from rag.terminal import index_progress
from rag.verification import verify_index

EXIT_SKIPPED = 3
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
_STEERING = re.compile("[\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Ask a folder of news articles; every sentence of an answer is bound to exact words.",
)
app.add_typer(eval_app, name="eval")

IndexOption = Annotated[
    Path | None, typer.Option("--index", help="The index folder.", show_default="index")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="Only what was published by then: 2025-07-24, 2025-07 or 2025."),
]
PathOption = Annotated[
    list[str] | None,
    typer.Option("--path", help="Only this article, file or folder of the corpus. Repeatable."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"dateline {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Ask a folder of news articles; every sentence of an answer is bound to exact words."""


@app.command("index")
def index_command(
    corpus: Annotated[
        Path | None, typer.Argument(help="The folder of articles.", show_default="seeds")
    ] = None,
    index: IndexOption = None,
    as_json: JsonOption = False,
) -> int:
    """Index a folder of articles; only what is new or changed is read."""
    settings = load_settings(corpus=corpus, index=index)
    recipe = Recipe(
        open_embedder(settings.embedding_model), settings.passage_words, settings.language
    )
    with index_progress(sys.stderr) as on_progress:
        report = index_corpus(
            settings.corpus,
            settings.index,
            recipe,
            max_bytes=round(settings.max_file_mb * 1e6),
            on_progress=on_progress,
        )
    if as_json:
        _print_json(report.to_dict())
    else:
        _print_report(report)
    return EXIT_SKIPPED if report.skipped else 0


@app.command("ask")
def ask_command(
    question: Annotated[str, typer.Argument(help="In plain words.")],
    index: IndexOption = None,
    as_json: JsonOption = False,
    as_of: AsOfOption = None,
    path: PathOption = None,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            help="JSON file with the earlier turns: a list of questions, or of objects with "
            "`question` and `answer`.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Written by this model of the configured address."),
    ] = None,
    extractive: Annotated[
        bool, typer.Option("--extractive", help="In the sources' own words, without a model.")
    ] = False,
) -> int:
    """Answer a question, with citations."""
    chosen = _writer(model, extractive)
    turns = _read_history(history) if history else []
    with _open(index) as archive:
        answer = archive.ask(question, turns, as_of, path, chosen)
    if as_json:
        _print_json(answer.to_dict())
    else:
        _print_answer(answer)
    return 0


@app.command("search")
def search_command(
    query: Annotated[str, typer.Argument(help="In plain words; there is no query syntax.")],
    index: IndexOption = None,
    as_json: JsonOption = False,
    limit: Annotated[int, typer.Option("--limit", help="How many passages at most.")] = 10,
    as_of: AsOfOption = None,
    path: PathOption = None,
) -> int:
    """Find the passages nearest to a query."""
    with _open(index) as archive:
        hits = archive.search(query, limit, as_of, path)
    if as_json:
        _print_json({"query": query, "hits": [hit.to_dict() for hit in hits]})
        return 0
    for number, hit in enumerate(hits, start=1):
        place = f"{shown(hit.passage.path)}:{hit.passage.start}-{hit.passage.end}"
        print(f"{number}. {place}  relevance {hit.relevance:.2f}  cosine {hit.similarity:.2f}")
        print(f"   {_plain(hit.passage.text)}")
    return 0


@app.command("chat")
def chat_command(
    index: IndexOption = None,
    in_terminal: Annotated[
        bool, typer.Option("--terminal", help="Talk here instead of in a browser.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", help="In the terminal: written by this model of the address."),
    ] = None,
    extractive: Annotated[
        bool, typer.Option("--extractive", help="In the terminal: in the sources' own words.")
    ] = False,
) -> int:
    """Open the chat page in a browser, or talk in the terminal."""
    chosen = _writer(model, extractive)
    if in_terminal:
        from rag.terminal_chat import chat

        with _open(index) as archive:
            chat(archive, chosen)
        return 0
    if chosen:
        raise UsageError(
            "In the page, who writes is chosen per question.",
            remedy="Leave --model and --extractive out, or talk here with --terminal.",
        )
    # By name: the page uses this library, not the other way round.
    page: Any = importlib.import_module("ui.app")
    page.launch(load_settings(index=index), open_browser=True)
    return 0


@app.command("serve")
def serve_command(
    index: IndexOption = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address; any but this machine's needs a token.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port.", show_default="7861")] = None,
) -> int:
    """Answer over HTTP: JSON, server-sent events and an OpenAI-compatible address."""
    from rag.server import serve  # FastAPI takes a second to import

    serve(load_settings(index=index, serve_host=host, serve_port=port))
    return 0


@app.command("mcp")
def mcp_command(index: IndexOption = None) -> int:
    """Be a Model Context Protocol server on standard input and output, for agents."""
    from rag.mcp_server import serve  # needs the extra `mcp`

    serve(load_settings(index=index))
    return 0


@app.command("status")
def status_command(index: IndexOption = None, as_json: JsonOption = False) -> int:
    """Say what the index holds, and whether the language model answers."""
    with _open(index) as archive:
        status = archive.status()
        status["language_model"] = archive.language_model_status()
    if as_json:
        _print_json(status)
        return 0
    for name, value in status.items():
        if name not in ("skipped", "language_model"):
            print(f"{name:16} {value}")
    print(f"language_model   {_plain(_model_line(status['language_model']))}")
    for item in status["skipped"]:
        print(f"skipped          {item['path']}: {item['reason']}")
    return 0


@app.command("verify")
def verify_command(index: IndexOption = None, as_json: JsonOption = False) -> int:
    """Check the index against itself and against its articles."""
    # Without opening the archive: a damaged cache could kill this process.
    settings = load_settings(index=index)
    problems = verify_index(settings.index, language=settings.language)
    if as_json:
        _print_json({"problems": problems})
    else:
        for problem in problems:
            print(problem)
        print("The index is sound." if not problems else f"{len(problems)} problems found.")
    return 4 if problems else 0


def main() -> None:
    """Run the command line: expected errors are two lines, bugs keep their traceback."""
    signal.signal(signal.SIGTERM, _on_sigterm)
    for stream in (sys.stdout, sys.stderr):
        # File names need not be UTF-8.
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = app(standalone_mode=False)
        if code == EXIT_INTERRUPTED:  # typer has caught the interruption already
            raise KeyboardInterrupt
    except RagError as error:
        print(f"{_plain(error.problem)}\n{_plain(error.remedy)}", file=sys.stderr)
        code = error.exit_code
    except typer.TyperException as error:
        print(f"{error.format_message()}\nSee `rag --help`.", file=sys.stderr)
        code = error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        print("Interrupted; what was finished is kept.", file=sys.stderr)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _on_sigterm(signum: int, frame: FrameType | None) -> None:
    print("Stopped; what was finished is kept.", file=sys.stderr)
    sys.exit(EXIT_TERMINATED)


def _open(index: Path | None) -> Archive:
    settings = load_settings(index=index)
    return open_archive(settings.index, settings)


def _writer(model: str | None, extractive: bool) -> str | None:
    """Return who is to write, as :meth:`Archive.ask` takes it."""
    if model and extractive:
        raise UsageError(
            "--model and --extractive contradict each other.", remedy="Give one of them."
        )
    return "extractive" if extractive else model


def _read_history(path: Path) -> list[Any]:
    try:
        history = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"The history {shown(path)} cannot be read: {error}.",
            remedy="Give a JSON file with a list of earlier questions.",
        ) from error
    if not isinstance(history, list):
        raise UsageError(
            f"The history {shown(path)} is no list.",
            remedy="Give a JSON file with a list of earlier questions.",
        )
    return history


def _print_json(value: dict[str, Any]) -> None:
    # JSON escapes what steers a terminal only as far as ASCII goes.
    text = json.dumps(value, ensure_ascii=False, indent=2)
    print(_STEERING.sub(lambda match: f"\\u{ord(match.group()):04x}", text))


def _print_report(report: IndexReport) -> None:
    print(
        f"{report.articles} articles, {report.passages} passages: {report.added} added, "
        f"{report.changed} changed, {report.removed} removed, {report.unchanged} unchanged "
        f"({report.embedded} passages embedded, {report.seconds:.1f} s)."
    )
    for item in report.skipped:
        print(f"skipped {shown(item.path)}: {item.reason}")


def _model_line(model: dict[str, Any]) -> str:
    if model["name"] is None and model["problem"] is None:
        return "none; answers are in the sources' own words"
    told = "answers" if model["answers"] else model["problem"]
    return f"{model['name']} at {model['address']}: {told}" if model["name"] else str(told)


def _print_answer(answer: Answer) -> None:
    if answer.standalone_question != answer.question:
        print(f"Searched for: {_plain(answer.standalone_question)}\n")
    if answer.abstained:
        print(_plain(answer.text))
        for suggested in answer.suggestions:
            print(f"  {_plain(suggested)}")
        for hit in answer.hits[:3] if answer.kind == "abstention" else ():
            place = f"{shown(hit.passage.path)}:{hit.passage.start}-{hit.passage.end}"
            print(f"\nNearest: {place}\n  {_plain(hit.passage.text)}")
        return
    if answer.short_answer:
        number = short_citation(answer.to_dict())
        print(_plain(answer.short_answer) + ("" if number is None else f" [{number}]") + "\n")
    for statement in answer.statements:
        print(_plain(statement.marked))
        paths = (answer.citations[number - 1].path for number in statement.citations)
        alike = told_alike(statement.independent_sources, paths)
        print(f"({alike})\n" if alike else "")
    _print_readings(answer)
    for citation in answer.citations:
        print(_source_line(citation))
    if answer.generator != "extractive":
        print(f"Written by {_plain(answer.generator)}; each sentence checked.")
    print(f"Confidence {answer.confidence:.2f}.")
    for note in answer.notes:
        print(_plain(note))


_DIFFERENCES = {
    "over_time": "The sources differ over time:",
    "between_sources": "The sources differ:",
    None: "Values:",
}


def _print_readings(answer: Answer) -> None:
    if len(answer.readings) < 2:
        return
    print(_DIFFERENCES[answer.disagreement])
    width = max(len(reading.value) for reading in answer.readings)
    for reading in answer.readings:
        day = f"as of {reading.as_of}" if reading.as_of else "undated"
        if reading.as_of_kind == "published":
            day += " (the article's date)"
        who = f", according to {_plain(reading.attribution)}" if reading.attribution else ""
        print(f"  {_plain(reading.value):{width}}  {day}{who} [{reading.citation}]")
    print()


def _source_line(citation: Citation) -> str:
    day = citation.published.isoformat() if citation.published else "undated"
    outlet = f"{_plain(citation.outlet)}, " if citation.outlet else ""
    return (
        f"[{citation.number}] {shown(citation.path)}:{citation.start}-{citation.end}  "
        f"{outlet}{day}, “{_plain(citation.title)}”"
    )


def _plain(text: str) -> str:
    """Return text without what could steer a terminal."""
    return " ".join(shown(line) for line in text.replace("\t", " ").splitlines() if line.strip())


if __name__ == "__main__":
    main()
