"""The command line: what is printed, which exit codes, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from conftest import ROOT

import rag
import rag.cli
from rag.errors import GateFailedError
from rag.indexer import index_lock

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    """Run `rag` in this process, as its console script does, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rag.cli.signal, "signal", lambda *args: None)

    def run_it(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["rag", *arguments])
        with pytest.raises(SystemExit) as ended:
            rag.cli.main()
        out, err = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        assert "Traceback" not in out + err
        assert not CONTROL.search(out + err), "what steers a terminal was printed"
        return Ended(code, out, err)

    return run_it


@pytest.fixture
def seeds_index(seeds_archive: rag.Archive) -> str:
    return str(seeds_archive.index)


def _is_told(ended: Ended, code: int, *words: str) -> None:
    assert ended.code == code, ended
    assert ended.out == ""
    lines = [line for line in ended.err.splitlines() if not line.startswith("Reading files")]
    assert len(lines) == 2, ended.err
    assert all(line.strip() for line in lines)
    for word in words:
        assert word in ended.err


# --- index ------------------------------------------------------------------------------------


def test_indexing_says_what_it_did_and_again_that_nothing_was_to_do(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "a.txt").write_text("A Whale\n\nA whale was seen on Sunday.")

    first = run("index", "news")
    again = run("index", "news")

    assert first.code == again.code == 0
    assert "1 articles, 1 passages: 1 added" in first.out
    assert "1 unchanged (0 passages embedded" in again.out
    assert "Embedding passages: 1 of 1" in first.err
    assert (tmp_path / "index" / "ledger.sqlite").is_file()


def test_skipped_files_are_listed_with_their_reasons_and_the_exit_code_is_3(  # type: ignore[no-untyped-def]
    run, tmp_path: Path
) -> None:
    corpus = tmp_path / "news"
    corpus.mkdir()
    (corpus / "a.txt").write_text("A Whale\n\nA whale was seen on Sunday.")
    (corpus / "empty.txt").write_text("")
    (corpus / "program.txt").write_bytes(b"\x7fELF" + bytes(range(256)))
    os.mkfifo(corpus / "pipe.txt")
    (corpus / "loop").symlink_to(corpus)
    (tmp_path / "secret.txt").write_text("A secret outside.")
    (corpus / "outside.txt").symlink_to(tmp_path / "secret.txt")
    (corpus / "dir.txt").mkdir()
    with (corpus / "huge.txt").open("wb") as huge:
        huge.truncate(50_000_000)
    name = os.fsencode(corpus) + b"/new\nline \x1b[31m caf\xe9.txt"
    with open(name, "w") as odd:  # noqa: PTH123 - bytes
        odd.write("Odd\n\nThe odd file is read as well.")
    with open(os.fsencode(corpus) + b"/bad\n\xff.txt", "w"):  # noqa: PTH123
        pass

    ended = run("index", "news")
    as_json = run("index", "news", "--json")

    assert ended.code == as_json.code == 3
    listed = {line.split(": ", 1)[0]: line for line in ended.out.splitlines()[1:]}
    assert listed.keys() == {
        "skipped empty.txt",
        "skipped program.txt",
        "skipped pipe.txt",
        "skipped loop",
        "skipped outside.txt",
        "skipped huge.txt",
        "skipped bad\\n\\udcff.txt",
    }
    assert "no text" in listed["skipped empty.txt"]
    assert "50.0 MB is over the limit of 20 MB" in listed["skipped huge.txt"]
    assert "max_file_mb" in listed["skipped huge.txt"]
    assert "out of the corpus" in listed["skipped outside.txt"]
    report = json.loads(as_json.out)
    assert report["articles"] == 2
    assert len(report["skipped"]) == 7
    asked = run("search", "secret outside", "--json")
    assert "secret" not in "".join(hit["text"] for hit in json.loads(asked.out)["hits"])
    shown = run("search", "the odd file is read")
    assert "new\\nline \\x1b[31m caf\\udce9.txt" in shown.out
    status = run("status")
    assert "skipped          huge.txt: 50.0 MB" in status.out


def test_a_missing_or_empty_folder_is_two_lines_and_exit_code_2(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _is_told(run("index", "nowhere"), 2, "There is no folder nowhere")
    (tmp_path / "empty").mkdir()
    _is_told(run("index", "empty"), 2, "nothing to index")
    (tmp_path / "file").write_text("x")
    _is_told(run("index", "file"), 2, "is not a folder")


def test_a_locked_index_is_two_lines_and_exit_code_6(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with index_lock(tmp_path / "index"):
        _is_told(run("index", str(ROOT / "seeds")), 6, f"Process {os.getpid()}")


# --- ask and search ---------------------------------------------------------------------------


def test_asking_prints_statements_with_markers_and_their_places(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    ended = run("ask", "How many hostages remain?", "--index", seeds_index)

    assert ended.code == 0
    assert "About 50 hostages remain in Hamas captivity" in ended.out
    assert re.search(r"^\[1\] \d{3}_\w+\.txt:\d+-\d+ ", ended.out, re.MULTILINE)
    assert "undated" in ended.out
    assert "Confidence 0." in ended.out


def test_asking_for_json_prints_one_object(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    ended = run("ask", "--json", "How many hostages remain?", "--index", seeds_index)

    answer = json.loads(ended.out)
    assert ended.err == ""
    assert answer["question"] == "How many hostages remain?"
    for citation in answer["citations"]:
        text = (ROOT / "seeds" / citation["path"]).read_bytes().decode("utf-8-sig")
        assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_an_abstention_is_an_answer_with_the_nearest_passages(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    ended = run("ask", "What is the recipe for pancakes?", "--index", seeds_index)

    assert ended.code == 0
    assert ended.out.count("Nearest: ") == 3


def test_day_and_path_keep_the_answer_to_some_articles(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    path = next(file.name for file in (ROOT / "seeds").glob("003*"))

    ended = run(
        "ask", "How many hostages remain?", "--json", "--path", path, "--index", seeds_index
    )
    dated = run("search", "hostages", "--json", "--as-of", "2020", "--index", seeds_index)

    assert {item["path"] for item in json.loads(ended.out)["passages"]} == {path}
    assert all(hit["published"] is None for hit in json.loads(dated.out)["hits"])
    _is_told(run("ask", "Hostages?", "--as-of", "soon", "--index", seeds_index), 2, "is not a date")


def test_a_history_is_read_into_the_question(run, tmp_path: Path, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    earlier = "Who is President Trump's special envoy?"
    for history in ([earlier], [{"question": earlier, "answer": "Steve Witkoff."}]):
        (tmp_path / "history.json").write_text(json.dumps(history))

        ended = run(
            "ask", "What did he say?", "--history", "history.json", "--json", "--index", seeds_index
        )

        assert json.loads(ended.out)["standalone_question"] != "What did he say?"


@pytest.mark.parametrize("content", ["", "{", "{}", "7", "[7]", "[" * 100_000, "\0", "[null]"])
def test_a_history_that_cannot_be_read_is_two_lines(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, seeds_index: str, content: str
) -> None:
    (tmp_path / "history.json").write_text(content)

    _is_told(
        run("ask", "What did he say?", "--history", "history.json", "--index", seeds_index),
        2,
        "istory",
    )


def test_a_missing_history_is_two_lines(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    _is_told(run("ask", "He?", "--history", "no.json", "--index", seeds_index), 2, "no.json")


@pytest.mark.parametrize("question", ["", "   ", "\n", "x" * 1_000_000])
def test_an_empty_or_absurdly_long_question_is_two_lines(  # type: ignore[no-untyped-def]
    run, seeds_index: str, question: str
) -> None:
    _is_told(run("ask", question, "--index", seeds_index), 2, "question")
    _is_told(run("search", question, "--index", seeds_index), 2, "question")


@pytest.mark.parametrize(
    "question",
    ['" * NEAR AND (', "🙂🙂🙂", "{} %s {0!r}", "<|im_start|>", "\x1b[31mred", "--", "a\0b",
     "' OR 1=1; --", "\udce9", "\u202etxet"],
)  # fmt: skip
def test_an_odd_question_is_answered_or_declined_like_any_other(  # type: ignore[no-untyped-def]
    run, seeds_index: str, question: str
) -> None:
    for arguments in (["ask"], ["search", "--json"]):
        ended = run(*arguments, "--index", seeds_index, "--", question)
        assert ended.code == 0
        assert ended.err == ""
        assert ended.out


def test_escapes_in_an_article_never_reach_the_terminal(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "news").mkdir()
    hostile = "\x1b[2J\x1b]0;owned\x07 \x9b31m \u202e reversed \x7f \x08"
    (tmp_path / "news" / "a.jsonl").write_text(
        json.dumps(
            {
                "title": f"The Whale {hostile}",
                "text": f"A whale {hostile} was seen in the harbour on Sunday. It left.",
                "outlet": f"The Bay {hostile}",
                "url": f"http://x/{hostile}",
            }
        )
    )
    assert run("index", "news").code == 0

    for arguments in (["ask"], ["ask", "--json"], ["search"], ["search", "--json"]):
        ended = run(*arguments, "When was a whale seen in the harbour?")
        assert "was seen" in ended.out
    assert run("status").code == run("verify").code == 0


def test_a_limit_is_kept_and_its_bounds_are_told(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    ended = run("search", "hostages", "--limit", "2", "--json", "--index", seeds_index)

    assert len(json.loads(ended.out)["hits"]) == 2
    _is_told(run("search", "hostages", "--limit", "0", "--index", seeds_index), 2, "1 to 1000")


# --- status and verify ------------------------------------------------------------------------


def test_the_status_is_told_in_lines_or_as_json(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    lines = run("status", "--index", seeds_index)
    values = json.loads(run("status", "--json", "--index", seeds_index).out)

    assert re.search(r"^articles +5$", lines.out, re.MULTILINE)
    assert values["articles"] == 5


def test_a_sound_index_is_called_sound(run, seeds_index: str) -> None:  # type: ignore[no-untyped-def]
    assert run("verify", "--index", seeds_index) == Ended(0, "The index is sound.\n", "")
    assert json.loads(run("verify", "--json", "--index", seeds_index).out) == {"problems": []}


def test_problems_of_an_index_are_listed_with_exit_code_4(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "a.txt").write_text("A Whale\n\nA whale was seen on Sunday.")
    assert run("index", "news").code == 0
    (folder,) = (tmp_path / "index" / "caches").iterdir()
    (folder / "words" / "meta.json").unlink()

    broken = run("verify")

    assert broken.code == 4
    assert "meta.json" in broken.out
    assert run("ask", "When was a whale seen?").code == 0
    assert run("verify").code == 0


# --- index problems ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments", [["ask", "Boats?"], ["search", "boats"], ["status"], ["verify"]]
)
def test_a_missing_or_foreign_index_is_two_lines_and_exit_code_4(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, arguments: Sequence[str]
) -> None:
    _is_told(run(*arguments), 4, "There is no index", "rag index")
    (tmp_path / "index").mkdir()
    _is_told(run(*arguments), 4, "There is no index", "rag index")
    (tmp_path / "index" / "ledger.sqlite").write_text("Dear diary, " * 1000)
    _is_told(run(*arguments), 4, "damaged, or not an index")
    (tmp_path / "index" / "ledger.sqlite").write_bytes(b"")
    _is_told(run(*arguments), 4, "not an index of this program")


def test_an_index_built_with_other_settings_is_two_lines_with_the_remedy(  # type: ignore[no-untyped-def]
    run, seeds_index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_PASSAGE_WORDS", "50")

    _is_told(run("ask", "Boats?", "--index", seeds_index), 4, "words=50", "Run `rag index`")


def test_a_missing_model_is_two_lines_and_exit_code_5(  # type: ignore[no-untyped-def]
    run, monkeypatch: pytest.MonkeyPatch, seeds_index: str
) -> None:
    monkeypatch.setenv("RAG_EMBEDDING_MODEL", "/no/such/model")
    _is_told(run("ask", "Boats?", "--index", seeds_index), 5, "/no/such/model", "embedding_model")
    _is_told(run("index", str(ROOT / "seeds")), 5, "/no/such/model")


# --- usage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["ask"],
        ["ask", "Boats?", "--nonsense"],
        ["search", "boats", "--limit", "many"],
        ["ask", "one", "two"],
        ["--nonsense"],
    ],
)
def test_a_mistyped_command_is_two_lines_and_exit_code_2(  # type: ignore[no-untyped-def]
    run, arguments: Sequence[str]
) -> None:
    _is_told(run(*arguments), 2, "--help")


def test_a_setting_out_of_bounds_is_two_lines_and_exit_code_2(  # type: ignore[no-untyped-def]
    run, tmp_path: Path
) -> None:
    (tmp_path / "rag.toml").write_text("candidates = 0\n")
    _is_told(run("status"), 2, "candidates", "rag.toml")
    (tmp_path / "rag.toml").write_text("colour = 'red'\n")
    _is_told(run("status"), 2, "colour")


def test_help_names_every_command_and_the_version_is_printed(run) -> None:  # type: ignore[no-untyped-def]
    told = run("--help")

    commands = typer.main.get_command(rag.cli.app).commands  # type: ignore[attr-defined]
    assert {"index", "ask", "search", "chat", "eval", "status", "verify"} <= commands.keys()
    for name in commands:
        assert name in told.out
        assert run(name, "--help").code == 0
    assert run("--version") == Ended(0, f"dateline {rag.__version__}\n", "")


def test_a_missed_gate_is_exit_code_7(run, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def missed(*args: object, **options: object) -> None:
        raise GateFailedError("The answers are worse.", remedy="Look at the report.")

    monkeypatch.setattr(rag.cli, "load_settings", missed)

    _is_told(run("status"), 7, "worse")


def test_an_interruption_is_one_line_and_exit_code_130(  # type: ignore[no-untyped-def]
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(rag.cli, "load_settings", interrupted)

    ended = run("status")
    assert ended.code == 130
    assert "what was finished is kept" in ended.err


def test_the_installed_command_works_through_a_pipe_that_closes_early(seeds_index: str) -> None:
    command = Path(sys.executable).with_name("rag")

    done = subprocess.run(
        f"{command} search hostages --limit 50 --index {seeds_index} | head -1",
        shell=True, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.stdout.startswith("1. ")
    assert "Traceback" not in done.stderr
