"""A run -> what people and machines read: ``report.html``, ``report.md``, JUnit XML, CSV."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from rag.evaluation import charts, metrics
from rag.evaluation.questions import Question
from rag.evaluation.results import Run, rows, write_file
from rag.evaluation.scoring import METRICS, Record, judged_answers, place_of, spoken

if TYPE_CHECKING:
    from rag.evaluation.gate import GateVerdict

SHOWN_PASSAGES = 10


def write_reports(run: Run, folder: Path, verdict: GateVerdict | None = None) -> None:
    """Write the four reports into the run's folder; ``verdict`` is shown where there is one."""
    write_file(folder / "report.html", html(run, verdict))
    write_file(folder / "report.md", markdown(run, verdict))
    write_file(folder / "junit.xml", junit(run, verdict))
    write_file(folder / "results.csv", comma_separated(run))


# --- HTML -----------------------------------------------------------------------------------


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["three"] = lambda value: "" if value is None else f"{value:.3f}"
    return environment


def render(page: str, **values: Any) -> str:
    """Return one of the pages, self-contained: style and script inline, allowed by their hash."""
    environment = _environment()
    style = environment.get_template("style.css").render()
    script = environment.get_template(f"{page}.js").render()
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    )
    return environment.get_template(f"{page}.html").render(
        policy=policy, style=Markup(style), script=Markup(script), **values
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def html(run: Run, verdict: GateVerdict | None = None) -> str:
    """Return the run as one self-contained page: no network, light and dark."""
    judged = judged_answers(run.records)
    answered = sum(1 for r in run.records if r.get("answer"))
    pictures = []
    if judged:
        pictures += [
            ("Risk and coverage", charts.risk_coverage(metrics.risk_coverage(judged, answered)),
             "How often an answer is wrong, if only the surest are given. Lower is better."),
            ("Calibration", charts.calibration(metrics.calibration_bins(judged)),
             "Of answers given at 0.8, four in five should be right: dots on the line."),
        ]  # fmt: skip
    if run.speed:
        bars = [charts.Bar(name, row["p50"], row["p95"]) for name, row in run.speed.items()]
        pictures.append(
            ("Latency", charts.latency(bars), _latency_note(run)),
        )
    return render(
        "report",
        run=run,
        about=run.about,
        groups=_groups(run),
        headlines=_headlines(run),
        pictures=[(title, Markup(svg), note) for title, svg, note in pictures],
        types=_types(run),
        questions=[_drill_down(record, right) for record, right in _with_verdicts(run)],
        settings=_flat(run.about.get("settings", {})),
        timings=run.timings,
        verdict=verdict,
        support=run.to_dict()["support_tests"],
    )


def _latency_note(run: Run) -> str:
    memory, cold = run.timings.get("peak_rss_mb"), run.timings.get("cold_start_ms")
    total = next(iter(run.speed.values()))["n"]
    parts = [f"p50 / p95 in ms over {total:.0f} questions, {run.warm_up} of warm-up left out."]
    if cold is not None:
        parts.append(f"Cold start {cold / 1000:.1f} s.")
    if memory is not None:
        parts.append(f"Peak memory {memory:.0f} MB.")
    return " ".join(parts)


def _groups(run: Run) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for name, figure in run.figures.items():
        metric = METRICS[name]
        in_range = 0 <= figure.value <= 1 and metric.name not in (
            "answer_tokens",
            "citations_per_statement",
        )
        groups.setdefault(metric.group, []).append(
            {
                "figure": figure,
                "metric": metric,
                "picture": Markup(charts.interval(figure.value, figure.low, figure.high))
                if in_range
                else "",
            }
        )
    return [{"name": name, "rows": members} for name, members in groups.items()]


def _headlines(run: Run) -> list[dict[str, Any]]:
    shown = (
        ("answer_correct", "answers right"),
        ("contains_anywhere", "gold answer somewhere in the answer"),
        ("hit@5", "evidence in the first 5"),
        ("quote_faithful", "quotes to the letter"),
        ("citation_recall", "statements supported"),
        ("abstain_recall", "unanswerable declined"),
        ("over_refusal", "answerable declined"),
    )
    return [
        {"label": label, "figure": run.figures[name]} for name, label in shown
        if name in run.figures
    ]  # fmt: skip


def _types(run: Run) -> dict[str, Any]:
    names = [
        name
        for name in ("hit@5", "ndcg@10", "answer_correct", "all_of", "f1", "cites_gold",
                     "citation_recall", "abstain_recall", "over_refusal", "reading_recall")
        if any(name in found for found in run.by_type.values())
    ]  # fmt: skip
    counts: dict[str, int] = {}
    for record in run.records:
        kind = record["question"].get("type", "fact")
        counts[kind] = counts.get(kind, 0) + 1
    return {
        "names": names,
        "rows": [
            (kind, counts[kind], [found.get(name) for name in names])
            for kind, found in run.by_type.items()
        ],
    }


def _with_verdicts(run: Run) -> list[tuple[Record, bool | None]]:
    right = run.right()
    return [(record, right.get(record["id"])) for record in run.records]


def verdict_word(record: Record, right: bool | None) -> str:
    """Return how a question came out, in one word."""
    if record.get("error"):
        return "error"
    if right is None:
        return "unjudged"
    answer = record.get("answer") or {}
    if answer.get("abstained"):
        return "declined rightly" if right else "declined wrongly"
    if right:
        return "right"
    gold = record["question"].get("answers", [])
    if gold and record["question"].get("answer_type") != "list":
        said = f"{spoken(answer)} \n {answer.get('short_answer') or ''}"
        if metrics.groups_met(said, [gold]) == 1:
            return "too long"  # the gold answer stands in it, among more words than count
    return "wrong"


def _drill_down(record: Record, right: bool | None) -> dict[str, Any]:
    question, answer = record["question"], record.get("answer")
    evidence = [place_of(value) for value in record["gold"]["evidence"]]
    cited = [place_of(c) for c in (answer or {}).get("citations", [])]
    passages = []
    for rank, passage in enumerate(record["passages"], start=1):
        holds = any(metrics.relevant(place_of(passage), place) for place in evidence)
        if rank <= SHOWN_PASSAGES or passage["used"] or holds:
            passages.append(
                {
                    **passage,
                    "rank": rank,
                    "holds": holds,
                    "pieces": _pieces(passage, evidence, cited),
                }
            )
    return {
        "id": record["id"],
        "question": Question.model_validate(question).model_dump(mode="json"),
        "type": question.get("type", "fact"),
        "verdict": verdict_word(record, right),
        "answer": answer,
        "error": record.get("error"),
        "passages": passages,
        "left_out": len(record["passages"]) - len(passages),
        "gold": [
            {"file": e["file"], "quote": e.get("quote"), "place": place}
            for e, place in zip(question.get("evidence", []), evidence, strict=True)
        ],
    }


def _pieces(
    passage: Mapping[str, Any],
    evidence: Sequence[metrics.Place],
    cited: Sequence[metrics.Place],
) -> list[tuple[str, str]]:
    """Cut a passage's text where gold or citations begin and end: (class, words) in order."""
    start, text = passage["start"], passage["text"]

    def inside(places: Sequence[metrics.Place]) -> list[tuple[int, int]]:
        spans = [p.span for p in places if p.path == passage["path"] and not p.whole]
        return [
            (max(0, s - start), min(len(text), e - start))
            for s, e in spans
            if s < start + len(text) and e > start
        ]

    gold, quoted = inside(evidence), inside(cited)
    cuts = sorted({0, len(text), *(at for span in gold + quoted for at in span)})
    pieces = []
    for low, high in pairwise(cuts):
        kinds = [
            name
            for name, spans in (("gold", gold), ("cited", quoted))
            if any(s <= low and high <= e for s, e in spans)
        ]
        pieces.append((" ".join(kinds), text[low:high]))
    return pieces


def _flat(settings: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in settings.items() if value not in (None, "")]


# --- Markdown -------------------------------------------------------------------------------


def _cell(text: Any) -> str:
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").replace("<", "&lt;")


def markdown(run: Run, verdict: GateVerdict | None = None) -> str:
    """Return the run as Markdown: figures, types, speed, and every question that went wrong."""
    about = run.about
    lines = [
        f"# Evaluation: {_cell(about.get('set', {}).get('name', 'questions'))}",
        "",
        f"{len(run)} questions, {len(run.errors)} with an error (in no figure). Intervals are "
        "95 %: Wilson for shares of questions, else the bootstrap by document.",
        "",
    ]
    if verdict is not None:
        lines += [f"**Gate: {verdict.word}**", ""]
        lines += [f"- {_cell(line)}" for line in verdict.lines] + [""]
    lines += ["| figure | value | 95 % | n | meaning |", "|---|---:|---|---:|---|"]
    for name, figure in run.figures.items():
        interval = "" if figure.low is None else f"{figure.low:.3f} to {figure.high:.3f}"
        lines.append(
            f"| {name} | {figure.value:.3f} | {interval} | {figure.n} | {METRICS[name].title} |"
        )
    types = _types(run)
    if types["names"]:
        lines += ["", "## By type", "", "| type | n | " + " | ".join(types["names"]) + " |"]
        lines.append("|---|---:|" + "---:|" * len(types["names"]))
        for kind, count, cells in types["rows"]:
            shown = ["" if cell is None else f"{cell.value:.3f}" for cell in cells]
            lines.append(f"| {kind} | {count} | " + " | ".join(shown) + " |")
    if run.speed:
        lines += ["", "## Speed", "", _latency_note(run), "", "| stage | p50 | p95 | max |",
                  "|---|---:|---:|---:|"]  # fmt: skip
        for stage, row in run.speed.items():
            lines.append(
                f"| {_cell(stage)} | {row['p50']:.1f} | {row['p95']:.1f} | {row['max']:.1f} |"
            )
    failed = [
        (record, verdict_word(record, right))
        for record, right in _with_verdicts(run)
        if verdict_word(record, right) in ("wrong", "too long", "declined wrongly", "error")
    ]
    lines += ["", f"## Not right ({len(failed)})", ""]
    if failed:
        lines += [
            "| id | type | question | gold | came out | answer |",
            "|---|---|---|---|---|---|",
        ]
    for record, word in failed:
        question, answer = record["question"], record.get("answer") or {}
        told = (record["error"] or {}).get("problem") if record["error"] else (
            answer.get("short_answer") or answer.get("text", "")
        )  # fmt: skip
        lines.append(
            f"| {_cell(record['id'])} | {question.get('type', 'fact')} "
            f"| {_cell(question['question'])} | {_cell(', '.join(question.get('answers', [])[:3]))}"
            f" | {word} | {_cell(told)[:160]} |"
        )
    return "\n".join(lines) + "\n"


# --- JUnit and CSV --------------------------------------------------------------------------

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml(text: Any) -> str:
    return _NOT_XML.sub("�", str(text))


def junit(run: Run, verdict: GateVerdict | None = None) -> str:
    """Return the run as JUnit XML: a wrong answer is a failure, an unjudged one is skipped."""
    root = ElementTree.Element("testsuites")
    name = _xml(run.about.get("set", {}).get("name", "questions"))
    suite = ElementTree.SubElement(root, "testsuite", name=name)
    counts = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for record, right in _with_verdicts(run):
        question, answer = record["question"], record.get("answer") or {}
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=_xml(f"{name}.{question.get('type', 'fact')}"),
            name=_xml(f"{record['id']}: {question['question']}"),
        )
        word = verdict_word(record, right)
        counts["tests"] += 1
        if word == "error":
            counts["errors"] += 1
            error = record["error"]
            ElementTree.SubElement(
                case, "error", type=_xml(error["type"]), message=_xml(error["problem"])
            )
        elif word == "unjudged":
            counts["skipped"] += 1
            ElementTree.SubElement(case, "skipped", message="no gold for the answer")
        elif word in ("wrong", "too long", "declined wrongly"):
            counts["failures"] += 1
            failure = ElementTree.SubElement(case, "failure", message=_xml(word))
            failure.text = _xml(
                f"gold: {question.get('answers', [])}\nanswer: {answer.get('text', '')}"
            )
    for key, value in counts.items():
        suite.set(key, str(value))
    if verdict is not None:
        gate = ElementTree.SubElement(
            root,
            "testsuite",
            name="gate",
            tests=str(len(verdict.checks)),
            failures=str(sum(not check.passed for check in verdict.checks)),
        )
        for check in verdict.checks:
            case = ElementTree.SubElement(gate, "testcase", classname="gate", name=_xml(check.rule))
            if not check.passed:
                ElementTree.SubElement(case, "failure", message=_xml(check.found))
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def formula_safe(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, str) and value.lstrip(" \u00a0")[:1] in tuple("=+-@\t\r\n＝＋－＠|%"):
        return "'" + value
    return value


def comma_separated(run: Run) -> str:
    """Return one row per question as CSV, formula-safe."""
    table = rows(run)
    names = list(table[0]) if table else ["id"]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, lineterminator="\r\n")
    writer.writeheader()
    for row in table:
        writer.writerow(
            {name: "" if value is None else formula_safe(value) for name, value in row.items()}
        )
    return out.getvalue()
