"""``rag eval`` over the shipped articles: runs, ablations, the gate's exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import rag
from rag.cli import main

ROOT = Path(__file__).resolve().parent.parent
SEEDS = str(ROOT / "tests" / "questions" / "seeds.jsonl")
GATE = str(ROOT / "tests" / "questions" / "gate.toml")


@pytest.fixture
def call(
    seeds_archive: rag.Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """Run the command line in an empty folder; give exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RAG_INDEX", str(seeds_archive.index))

    def _call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rag", *words])
        with pytest.raises(SystemExit) as done:
            main()
        out, err = capsys.readouterr()
        return int(done.value.code or 0), out, err

    return _call


def test_one_command_writes_the_whole_run_folder(call, tmp_path: Path) -> None:
    code, out, _ = call("eval", SEEDS, "--out", "run", "--limit", "6")

    assert code == 0
    assert "answer_correct" in out
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "run.json", "questions.jsonl", "timings.json", "report.html", "report.md", "junit.xml",
        "results.csv",
    }  # fmt: skip
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    assert about["questions"] == 6
    assert about["settings"]["retrieval"] == "hybrid"
    assert len(about["archive"]["corpus_sha256"]) == 64


def test_options_may_stand_before_the_question_file(call) -> None:
    code, out, _ = call("eval", "--type", "quote", "--sample", "2", SEEDS, "--out", "run")

    assert code == 0
    assert "2 questions" in out


def test_the_shipped_gate_passes_and_a_search_without_bm25_fails_it_with_exit_code_7(
    call,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, out, err = call("eval", SEEDS, "--out", "good", "--gate", GATE)
    assert (code, err) == (0, "")
    assert "gate passed" in out

    # The same answers again: what a change that alters nothing looks like.
    code, out, _ = call("eval", SEEDS, "--out", "same", "--gate", GATE, "--baseline", "good")
    assert code == 0
    assert "no longer right: 0" in out

    monkeypatch.setenv("RAG_RETRIEVAL", "dense")
    code, out, err = call("eval", SEEDS, "--out", "bad", "--gate", GATE, "--baseline", "good")
    assert code == 7
    assert "gate failed" in out
    assert "hit@5 at least" in err
    assert "hit@5 no worse than the baseline" in err


def test_an_ablation_is_one_command(call, tmp_path: Path) -> None:
    code, out, _ = call(
        "eval", SEEDS, "--out", "vary", "--limit", "8", "--vary", "retrieval=hybrid,dense,bm25"
    )

    assert code == 0
    assert "retrieval=dense" in out
    assert "setting retrieval: hybrid -> dense" in out
    assert (tmp_path / "vary" / "retrieval=bm25" / "report.html").is_file()
    assert "| hit@5 |" in (tmp_path / "vary" / "ablation.md").read_text()


def test_two_runs_are_compared_and_one_is_scored_anew(call, tmp_path: Path) -> None:
    call("eval", SEEDS, "--out", "a", "--limit", "5")
    call("eval", SEEDS, "--out", "b", "--limit", "5")

    code, out, _ = call("eval", "diff", "a", "b", "--out", "diff.html")
    assert code == 0
    assert "McNemar p = 1.0000" in out
    assert (tmp_path / "diff.html").is_file()

    code, _, _ = call("eval", "rescore", "a", "--out", "c")
    assert code == 0
    assert (tmp_path / "a" / "run.json").read_bytes() == (tmp_path / "c" / "run.json").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eval", "none.jsonl"), "cannot be read"),
        (("eval", SEEDS, "--vary", "colour=red"), "names no setting"),
        (("eval", SEEDS, "--vary", "retrieval=bm25", "--gate", GATE), "compares its own runs"),
        (("eval", SEEDS, "--gate", "none.toml"), "cannot be read"),
        (("eval", SEEDS, "--baseline", "none"), "is no run folder"),
        (("eval", "diff", "none", "none"), "is no run folder"),
        (("eval", SEEDS, "--type", "poem"), "no question of type"),
        (("eval", "import", "squad", "none.json", "--out", "x"), "cannot be read"),
        (("eval", "feedback", "none.sqlite", "--out", "x.jsonl"), "There is no"),
    ],
)
def test_wrong_use_is_two_lines_and_exit_code_2(call, words: tuple[str, ...], message: str) -> None:
    code, _, err = call(*words)

    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 2


def test_an_index_that_is_not_there_is_an_index_problem(call) -> None:
    code, _, err = call("eval", SEEDS, "--index", "nowhere")

    assert code == 4
    assert "rag index" in err
