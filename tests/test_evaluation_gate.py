"""The gate: one verdict for text and exit code, and what it catches."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from evaluation_fake import FakeArchive, Says
from test_evaluation_runs import QUESTIONS, SAYS

from rag.errors import GateFailedError, UsageError
from rag.evaluation import Gate, Run, judge, load_gate, run
from rag.evaluation.report import html, junit

ROOT = Path(__file__).resolve().parent.parent


def _run(folder: Path, says: dict[str, Says]) -> Run:
    folder.mkdir(exist_ok=True)
    return run(FakeArchive(folder, says), QUESTIONS)


@pytest.fixture
def good(tmp_path: Path) -> Run:
    return _run(tmp_path / "good", SAYS)


@pytest.fixture
def worse(tmp_path: Path) -> Run:
    return _run(tmp_path / "worse", {**SAYS, "Who left Doha?": Says(), "How many remain?": Says()})


def test_a_floor_that_is_reached_passes_and_one_that_is_not_fails_with_exit_code_7(
    good: Run,
) -> None:
    passed = judge(good, Gate(floors={"hit@1": 0.6}, ceilings={"over_refusal": 0.0}))
    failed = judge(good, Gate(floors={"hit@1": 0.7, "em": 0.1}))

    passed.enforce()
    assert (passed.word, failed.word) == ("passed", "failed")
    assert failed.lines[0] == "FAIL hit@1 at least 0.7: 0.6667"
    with pytest.raises(GateFailedError, match=r"hit@1 at least 0\.7: 0\.6667") as caught:
        failed.enforce()
    assert caught.value.exit_code == 7


def test_a_regression_against_the_baseline_fails_and_the_same_answers_pass(
    good: Run, worse: Run
) -> None:
    gate = Gate(no_regression={"answer_correct": 0.05, "over_refusal": 0.05})

    assert judge(good, gate, good).passed
    assert judge(good, gate, worse).passed  # better than before is no regression
    verdict = judge(worse, gate, good)
    assert [check.passed for check in verdict.checks] == [True, False, False]
    assert "0.6667 -> 0.0000" in verdict.lines[0]


def test_a_figure_that_was_not_measured_fails_its_rule(good: Run) -> None:
    verdict = judge(good, Gate(floors={"list_f1": 0.0}))

    assert not verdict.passed
    assert "not measured" in verdict.lines[0]


def test_errors_fail_the_gate_unless_it_allows_them(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    found = run(FakeArchive(folder, SAYS, fails_on="Who won?"), QUESTIONS)

    assert not judge(found, Gate(floors={"em": 0})).passed
    assert judge(found, Gate(floors={"em": 0}, max_errors=1)).passed


def test_speed_can_be_given_a_ceiling(good: Run) -> None:
    assert judge(good, Gate(ceilings={"total_p95_ms": 1000})).passed
    assert not judge(good, Gate(ceilings={"total_p95_ms": 0.001})).passed


def test_the_reports_show_the_same_verdict(good: Run) -> None:
    verdict = judge(good, Gate(floors={"hit@1": 0.9}))

    assert "Gate: failed" in html(good, verdict)
    gate = ElementTree.fromstring(junit(good, verdict))[1]
    assert gate.attrib["failures"] == "1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[floors]\nhits = 1", "'hits', which is no figure"),
        ("[no_regression]\naurc = 1", "no single question"),
        ("[flors]\nem = 1", "flors"),
        ("max_errors = 0", "has no rule"),
        ("[floors", "is not TOML"),
    ],
)
def test_a_gate_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(text)

    with pytest.raises(UsageError, match=message):
        load_gate(path)


def test_no_regression_without_a_baseline_is_refused_when_it_is_all_there_is(good: Run) -> None:
    with pytest.raises(UsageError, match="nothing to compare"):
        judge(good, Gate(no_regression={"em": 0.1}))


def test_the_shipped_gate_can_be_read() -> None:
    gate = load_gate(ROOT / "tests" / "questions" / "gate.toml")

    assert gate.floors["quote_faithful"] == 1
