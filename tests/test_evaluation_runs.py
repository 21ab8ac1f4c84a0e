"""Runs: what is asked, kept, resumed, counted apart, written and read again."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from evaluation_fake import OLDER, TALKS, FakeArchive, Says

from rag.errors import UsageError
from rag.evaluation import Run, compare, load_run, run, save
from rag.evaluation.diff import write_diff
from rag.evaluation.report import formula_safe
from rag.evaluation.results import RunError

FIFTY = "About 50 hostages remain in Gaza, officials say."
QUESTIONS = [
    {"id": "q1", "question": "How many remain?", "answers": ["50"], "answer_type": "numeric",
     "type": "conflict", "disagreement": "over_time",
     "evidence": [{"file": "talks.txt", "quote": "About 50 hostages remain"}],
     "readings": [{"value": "50", "file": "talks.txt"},
                  {"value": "120", "as_of": "2024-06", "file": "older.txt"}]},
    {"id": "q2", "question": "Who left Doha?", "answers": ["Witkoff"],
     "evidence": [{"file": "talks.txt", "quote": "Mr. Witkoff left Doha"}]},
    {"id": "q3", "question": "Who won?", "answerable": False, "type": "unanswerable",
     "kind": "no_topic"},
    {"id": "q4", "question": "=Who spoke?", "answers": ["minister"],
     "evidence": [{"file": "other.txt"}]},
]  # fmt: skip
SAYS = {
    "How many remain?": Says(
        (("talks.txt", FIFTY), ("older.txt", OLDER)),
        short="50",
        readings=(("About 50", None, 1), ("more than 120", "2024-06", 2)),
        disagreement="over_time",
    ),
    "Who left Doha?": Says(
        (("talks.txt", "Mr. Witkoff left Doha on Thursday."),), short="Witkoff", confidence=0.7
    ),
    "Who won?": Says(),
    "=Who spoke?": Says((("older.txt", OLDER),), confidence=0.2),
}


@pytest.fixture
def archive(tmp_path: Path) -> FakeArchive:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return FakeArchive(folder, SAYS)


def test_a_run_gives_the_figures_that_the_answers_deserve(archive: FakeArchive) -> None:
    figures = run(archive, QUESTIONS).figures

    assert figures["answer_correct"].value == pytest.approx(2 / 3)
    assert figures["hit@1"].value == pytest.approx(2 / 3)
    assert figures["mrr@10"].value == pytest.approx((1 + 1 + 1 / 3) / 3)
    assert figures["abstain_recall"].value == figures["abstain_precision"].value == 1
    assert figures["over_refusal"].value == 0
    assert figures["citation_valid"].value == figures["quote_faithful"].value == 1
    assert figures["offset_integrity"].value == figures["citation_recall"].value == 1
    assert figures["reading_recall"].value == figures["reading_precision"].value == 1
    assert figures["disagreement_kind"].value == 1
    # Right at .9 and .7, wrong at .2.
    assert figures["aurc"].value == pytest.approx((0 + 0 + 1 / 3) / 3)
    assert figures["ece"].value == pytest.approx((0.1 + 0.3 + 0.2) / 3)


def test_choices_are_scored_and_never_shown_to_the_archive(archive: FakeArchive) -> None:
    right = {**QUESTIONS[1], "choices": ["Netanyahu", "Witkoff"]}
    wrong = {**QUESTIONS[3], "choices": ["minister", "hostages"]}

    figures = run(archive, [right, wrong]).figures

    assert figures["choice"].value == 0.5
    assert archive.asked == ["Who left Doha?", "=Who spoke?"]


def test_gold_articles_that_are_cited_are_sources_found(archive: FakeArchive) -> None:
    both = {"id": "b", "question": "How many remain?", "evidence": [
        {"file": "talks.txt", "quote": "About 50"}, {"file": "other.txt", "quote": "The finance"},
    ]}  # fmt: skip

    assert run(archive, [both]).figures["sources_cited"].value == 0.5


def test_choices_without_the_answer_are_refused(archive: FakeArchive) -> None:
    with pytest.raises(UsageError, match="none of the choices is among the answers"):
        run(archive, [{**QUESTIONS[1], "choices": ["Netanyahu"]}])


def test_two_runs_give_the_same_bytes_apart_from_times(
    archive: FakeArchive, tmp_path: Path
) -> None:
    run(archive, QUESTIONS, out=tmp_path / "a")
    run(archive, QUESTIONS, out=tmp_path / "b")

    for name in ("run.json", "questions.jsonl", "results.csv", "junit.xml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_an_interrupted_run_goes_on_where_it_stopped(archive: FakeArchive, tmp_path: Path) -> None:
    archive.interrupted_on = "Who won?"
    with pytest.raises(KeyboardInterrupt):
        run(archive, QUESTIONS, out=tmp_path / "a")
    archive.interrupted_on, archive.asked = None, []

    with pytest.raises(RunError, match="interrupted run") as caught:
        run(archive, QUESTIONS, out=tmp_path / "a")
    resumed = run(archive, QUESTIONS, out=tmp_path / "a", resume=True)

    assert "--resume" in caught.value.remedy
    assert archive.asked == ["Who won?", "=Who spoke?"]
    assert resumed.figures == run(archive, QUESTIONS).figures
    assert not list((tmp_path / "a").glob("*partial*"))


def test_a_line_cut_short_by_a_crash_is_asked_again(archive: FakeArchive, tmp_path: Path) -> None:
    archive.interrupted_on = "=Who spoke?"
    with pytest.raises(KeyboardInterrupt):
        run(archive, QUESTIONS, out=tmp_path / "a")
    partial = tmp_path / "a" / "questions.partial.jsonl"
    partial.write_bytes(partial.read_bytes()[:-20])
    archive.interrupted_on, archive.asked = None, []

    resumed = run(archive, QUESTIONS, out=tmp_path / "a", resume=True)

    assert archive.asked == ["Who won?", "=Who spoke?"]
    assert len(resumed) == 4


def test_a_run_is_not_resumed_with_other_settings(archive: FakeArchive, tmp_path: Path) -> None:
    archive.interrupted_on = "Who won?"
    with pytest.raises(KeyboardInterrupt):
        run(archive, QUESTIONS, out=tmp_path / "a")
    archive.interrupted_on, archive.settings = None, {"retrieval": "dense"}

    with pytest.raises(RunError, match="changed since: settings"):
        run(archive, QUESTIONS, out=tmp_path / "a", resume=True)


def test_a_finished_run_is_never_overwritten(archive: FakeArchive, tmp_path: Path) -> None:
    run(archive, QUESTIONS, out=tmp_path / "a")

    with pytest.raises(RunError, match="finished run"):
        run(archive, QUESTIONS, out=tmp_path / "a", resume=True)


def test_errors_are_counted_apart_and_in_no_figure(archive: FakeArchive, tmp_path: Path) -> None:
    archive.fails_on = "=Who spoke?"

    found = run(archive, QUESTIONS, out=tmp_path / "a")

    assert [record["id"] for record in found.errors] == ["q4"]
    assert found.figures["answer_correct"].value == 1
    assert found.figures["answer_correct"].n == found.figures["hit@1"].n == 2
    assert found.figures["hit@1"].value == 1
    assert json.loads((tmp_path / "a" / "run.json").read_text())["errors"] == 1
    assert "1 questions ended in an error" in (tmp_path / "a" / "report.html").read_text()


def test_a_stored_run_is_scored_anew_without_asking(archive: FakeArchive, tmp_path: Path) -> None:
    first = run(archive, QUESTIONS, out=tmp_path / "a")
    archive.asked = []

    again = load_run(tmp_path / "a")
    save(again, tmp_path / "b")

    assert again.figures == first.figures
    assert archive.asked == []
    for name in ("run.json", "questions.jsonl", "report.html", "report.md", "results.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_an_edited_run_must_be_scored_anew(archive: FakeArchive, tmp_path: Path) -> None:
    run(archive, QUESTIONS, out=tmp_path / "a")
    lines = tmp_path / "a" / "questions.jsonl"
    lines.write_text(lines.read_text().replace('"short_answer": "50"', '"short_answer": "51"'))

    with pytest.raises(RunError, match="was changed after"):
        load_run(tmp_path / "a")
    assert load_run(tmp_path / "a", rescore=True).figures["em"].value == pytest.approx(1 / 3)


def test_a_run_folder_of_another_version_is_refused(archive: FakeArchive, tmp_path: Path) -> None:
    run(archive, QUESTIONS, out=tmp_path / "a")
    about = tmp_path / "a" / "run.json"
    about.write_text(about.read_text().replace('"schema": 1', '"schema": 99'))

    with pytest.raises(RunError, match=r"run\.json has schema 99"):
        load_run(tmp_path / "a")


@pytest.mark.parametrize("damage", ["{", '{"id": "x"}', '{"question": {"id": "x"}}'])
def test_a_damaged_line_of_a_run_is_named(
    archive: FakeArchive, tmp_path: Path, damage: str
) -> None:
    run(archive, QUESTIONS, out=tmp_path / "a")
    lines = tmp_path / "a" / "questions.jsonl"
    rows = lines.read_text().splitlines()
    lines.write_text("\n".join([rows[0], damage, *rows[2:]]) + "\n")

    with pytest.raises(RunError, match=r"questions\.jsonl:2 "):
        load_run(tmp_path / "a", rescore=True)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="is no run folder"):
        load_run(tmp_path)


def test_a_file_that_changed_since_indexing_breaks_offsets_unless_the_answer_says_so(
    archive: FakeArchive,
) -> None:
    (archive.folder / "talks.txt").write_text("Xx" + TALKS, encoding="utf-8")

    said = run(archive, QUESTIONS[:2]).figures["offset_integrity"]
    archive.file_state = lambda path: "same"  # type: ignore[method-assign]
    silent = run(archive, QUESTIONS[:2]).figures["offset_integrity"]

    assert said.value == 1
    assert silent.value == pytest.approx(1 / 3)


def test_a_run_prints_as_a_table_and_gives_a_frame(archive: FakeArchive) -> None:
    pandas = pytest.importorskip("pandas")

    found = run(archive, QUESTIONS)

    assert re.search(r"answer_correct +0\.667 .* n=3", str(found))
    frame = found.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame.index) == ["q1", "q2", "q3", "q4"]
    assert frame.loc["q1", "em"] == 1


def test_speed_leaves_the_warm_up_out(archive: FakeArchive) -> None:
    many = [{"id": f"n{n}", "question": "Who won?", "answerable": False} for n in range(20)]

    found = run(archive, many, opened_ms=100.0)

    assert found.warm_up == 4
    assert found.speed["total"] == {"p50": 14.0, "p95": 22.0, "max": 22.0, "n": 16}
    assert found.timings["cold_start_ms"] == 103.0
    assert found.timings["peak_rss_mb"] > 1


def test_progress_is_told_after_each_question(archive: FakeArchive) -> None:
    told: list[tuple[int, int, str]] = []

    run(archive, QUESTIONS, on_progress=lambda *step: told.append(step))

    assert told[0] == (1, 4, "q1")
    assert told[-1] == (4, 4, "q4")


def test_search_tasks_are_scored_by_judged_articles(archive: FakeArchive) -> None:
    found = run(
        archive,
        [{"id": "r", "question": "Who left Doha?", "task": "search", "answerable": None,
          "gains": {"talks.txt": 2, "other.txt": 1, "older.txt": 0}}],
    )  # fmt: skip

    assert found.figures["mrr@10"].value == 1
    assert found.figures["ndcg@10"].value == pytest.approx((2 + 1 / 2) / (2 + 1 / 1.5849625007))
    assert "answer_correct" not in found.figures


# --- reports --------------------------------------------------------------------------------


@pytest.fixture
def folder(archive: FakeArchive, tmp_path: Path) -> Path:
    run(archive, QUESTIONS, out=tmp_path / "run")
    return tmp_path / "run"


def test_the_page_is_self_contained_and_asks_the_network_for_nothing(folder: Path) -> None:
    page = html.unescape((folder / "report.html").read_text())

    assert "default-src 'none'" in page
    assert "unsafe" not in page
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)
    assert "@import" not in page
    assert "url(" not in page
    assert 'id="q-q4"' in page
    assert page.count("<svg") > 10


def test_what_an_article_says_is_never_markup_in_the_page(tmp_path: Path) -> None:
    evil = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    archive = FakeArchive(
        corpus, {evil: Says((("a.txt", evil),), short=evil)}, texts={"a.txt": evil}
    )

    run(archive, [{"id": evil, "question": evil, "answers": [evil]}], out=tmp_path / "run")

    page = (tmp_path / "run" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<script>" not in (tmp_path / "run" / "report.md").read_text()


def test_junit_counts_wrong_answers_as_failures(folder: Path) -> None:
    suite = ElementTree.fromstring((folder / "junit.xml").read_text())[0]

    assert suite.attrib["tests"] == "4"
    assert suite.attrib["failures"] == "1"
    assert suite[3].find("failure") is not None


def test_junit_survives_characters_that_xml_forbids(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    archive = FakeArchive(corpus, {"a\x00b\x0bc": Says()})

    run(archive, [{"id": "x", "question": "a\x00b\x0bc", "answers": ["y"]}], out=tmp_path / "run")

    ElementTree.fromstring((tmp_path / "run" / "junit.xml").read_text())


def test_no_cell_of_the_csv_is_a_formula(folder: Path) -> None:
    with (folder / "results.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    assert rows[3]["question"] == "'=Who spoke?"
    assert rows[0]["em"] == "1.0"
    for text in ("=1", "+1", "-1", "@x", "\t=1", " =1"):
        assert formula_safe(text).startswith("'")
    assert formula_safe(-1.5) == -1.5


def test_the_markdown_lists_what_went_wrong(folder: Path) -> None:
    text = (folder / "report.md").read_text()

    assert "| answer_correct | 0.667 |" in text
    assert "## Not right (1)" in text
    assert "| q4 |" in text


def test_a_long_answer_that_holds_the_gold_is_told_apart_from_a_wrong_one(tmp_path: Path) -> None:
    long = "It was said that " + "so " * 70 + "fifty remain."
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    archive = FakeArchive(corpus, {"How many?": Says((("a.txt", long),))}, texts={"a.txt": long})

    run(archive, [{"id": "x", "question": "How many?", "answers": ["fifty"]}], out=tmp_path / "run")

    assert "| too long |" in (tmp_path / "run" / "report.md").read_text()


# --- comparing ------------------------------------------------------------------------------


def _without_q2(archive: FakeArchive) -> FakeArchive:
    archive.says = {**SAYS, "Who left Doha?": Says()}
    return archive


def test_a_comparison_names_the_flips_both_ways_and_links_them(
    archive: FakeArchive, folder: Path, tmp_path: Path
) -> None:
    worse = run(_without_q2(archive), QUESTIONS, out=tmp_path / "worse")

    down, up = compare(load_run(folder), worse), compare(worse, load_run(folder))
    write_diff(down, tmp_path / "diff.html")

    assert [flip.id for flip in down.lost] == ["q2"]
    assert (down.lost[0].before, down.lost[0].after) == ("right", "declined wrongly")
    assert [flip.id for flip in up.gained] == ["q2"]
    assert down.changes["answer_correct"].change == pytest.approx(-1 / 3)
    assert down.p == 1
    page = (tmp_path / "diff.html").read_text()
    assert 'href="run/report.html#q-q2"' in page
    assert 'href="worse/report.html#q-q2"' in page
    assert "no longer right: 1" in str(down)


def test_runs_without_common_questions_cannot_be_compared(archive: FakeArchive) -> None:
    one, two = run(archive, QUESTIONS[:1]), run(archive, QUESTIONS[1:])

    with pytest.raises(RunError, match="no question in common"):
        compare(one, two)


def test_runs_that_asked_different_things_cannot_be_compared(archive: FakeArchive) -> None:
    one = run(archive, [{"id": "x", "question": "Who won?"}])
    two = run(archive, [{"id": "x", "question": "Who left Doha?"}])

    with pytest.raises(RunError, match="different questions"):
        compare(one, two)


def test_a_frame_without_pandas_is_an_error_with_a_remedy(
    archive: FakeArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: Run = run(archive, QUESTIONS[:1])
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)

    with pytest.raises(UsageError, match="needs pandas"):
        found.to_frame()
