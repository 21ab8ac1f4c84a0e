"""``rag eval``: run a set, compare two runs, score one anew, import sets."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from typer.core import TyperGroup

from rag import archive as archives
from rag.errors import UsageError
from rag.evaluation import importers
from rag.evaluation.diff import compare, write_diff
from rag.evaluation.gate import GateVerdict, judge, load_gate
from rag.evaluation.questions import load_questions
from rag.evaluation.report import write_reports
from rag.evaluation.results import Run, load_run
from rag.evaluation.running import Listener, save
from rag.evaluation.running import run as run_questions
from rag.settings import Settings, load_settings

RUNS = Path("runs")
INTERRUPTED = 130
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


class _RunsByDefault(TyperGroup):
    """``rag eval QUESTIONS`` means ``rag eval run QUESTIONS``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``run`` before arguments that do not begin with a known command."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunsByDefault,
    no_args_is_help=True,
    help="Say how good the answers are, and whether a change made them better. "
    "`rag eval QUESTIONS` runs a question set; its options: `rag eval run --help`.",
)
import_app = typer.Typer(
    no_args_is_help=True, help="Turn other question sets into articles and a set of ours."
)
app.add_typer(import_app, name="import")

Index = Annotated[Path | None, typer.Option("--index", help="The index to ask.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Take the first N questions only.")]
CorpusLimit = Annotated[
    int | None,
    typer.Option(min=1, help="Write N articles at most; those that questions name come first."),
]
NewFolder = Annotated[Path, typer.Option("--out", help="The folder to write.")]


@app.command("run")
def run_command(
    questions: Annotated[Path, typer.Argument(help="A .jsonl, .yaml or .csv question set.")],
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/NAME-TIME by default.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="An earlier run to compare with.")] = None,
    gate: Annotated[
        Path | None, typer.Option(help="A gate.toml; exit code 7 if the run falls short of it.")
    ] = None,
    limit: Limit = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Ask this type only; may be repeated.")
    ] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="Ask N drawn at random.")] = None,
    seed: Annotated[int, typer.Option(help="For --sample.")] = 0,
    vary: Annotated[
        list[str] | None,
        typer.Option(help="SETTING=A,B,...: run once per value; may be repeated."),
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with the interrupted run in --out.")] = False,
    index: Index = None,
) -> None:
    """Ask every question, write figures and reports, judge the gate."""
    asked = load_questions(questions)
    limits = load_gate(gate) if gate else None
    before = load_run(baseline) if baseline else None
    folder = out or RUNS / f"{questions.stem}-{dt.datetime.now():%Y%m%d-%H%M%S}"
    variants = _variants(vary or [])
    if variants and (gate or baseline):
        raise UsageError(
            "--vary compares its own runs; a gate or a baseline has no place there.",
            remedy="Run once more with --gate and without --vary.",
        )

    def one(settings: Settings, place: Path, label: str) -> Run:
        began = time.perf_counter()
        with archives.open_archive(settings.index, settings=settings) as archive:
            opened_ms = (time.perf_counter() - began) * 1000
            with _progress(label) as on_progress:
                return run_questions(
                    archive, asked, out=place, resume=resume, types=types or (), limit=limit,
                    sample=sample, seed=seed, opened_ms=opened_ms, on_progress=on_progress,
                )  # fmt: skip

    try:
        if variants:
            _vary(variants, index, folder, one)
            return
        finished = one(load_settings(index=index), folder, questions.name)
    except KeyboardInterrupt:
        _err.print(f"Interrupted; what was answered is kept. Go on with --out {folder} --resume.")
        raise typer.Exit(INTERRUPTED) from None
    _out.print(str(finished), markup=False)
    if before is not None:
        _out.print("\nagainst the baseline", markup=False)
        _out.print(str(compare(before, finished)), markup=False)
    verdict: GateVerdict | None = None
    if limits is not None:
        verdict = judge(finished, limits, before)
        write_reports(finished, folder, verdict)
        _out.print(f"\ngate {verdict.word}", markup=False)
        _out.print("\n".join(f"  {line}" for line in verdict.lines), markup=False)
    _out.print(f"\nreport: {folder / 'report.html'}", markup=False)
    if verdict is not None:
        verdict.enforce()


def _variants(vary: list[str]) -> list[dict[str, str]]:
    """Return every combination of the values that ``--vary`` names."""
    choices: dict[str, list[str]] = {}
    for option in vary:
        name, equals, values = option.partition("=")
        listed = [value.strip() for value in values.split(",") if value.strip()]
        if not equals or not listed or name not in Settings.model_fields:
            raise UsageError(
                f"--vary {option} names no setting and values.",
                remedy="Write --vary retrieval=dense,bm25,hybrid; settings: "
                + ", ".join(sorted(set(Settings.model_fields) - {"index", "corpus"}))
                + ".",
            )
        choices[name] = listed
    if not choices:
        return []
    return [
        dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())
    ]


def _vary(
    variants: list[dict[str, str]],
    index: Path | None,
    folder: Path,
    one: Callable[[Settings, Path, str], Run],
) -> None:
    runs: list[tuple[str, Run]] = []
    for variant in variants:
        label = ",".join(f"{name}={value}" for name, value in variant.items())
        overrides: dict[str, Any] = {"index": index, **variant}
        place = folder / label.replace("/", "_")
        if (place / "run.json").exists():  # a resumed ablation
            runs.append((label, load_run(place)))
            continue
        runs.append((label, one(load_settings(**overrides), place, label)))
    base_label, base = runs[0]
    _out.print(ablation(runs), markup=False)
    for label, run in runs[1:]:
        _out.print(f"\n{base_label} -> {label}", markup=False)
        difference = compare(base, run)
        _out.print(str(difference), markup=False)
        write_diff(difference, folder / f"{base_label}..{label}.html".replace("/", "_"))
    (folder / "ablation.md").write_text(ablation(runs, markdown=True), encoding="utf-8")
    _out.print(f"\nreports: {folder}", markup=False)


def ablation(runs: list[tuple[str, Run]], *, markdown: bool = False) -> str:
    """Return one row per figure and one column per variant."""
    names = [name for name in runs[0][1].figures if all(name in run.figures for _, run in runs)]
    if markdown:
        lines = ["| figure | " + " | ".join(label for label, _ in runs) + " |"]
        lines.append("|---|" + "---:|" * len(runs))
        for name in names:
            cells = " | ".join(f"{run.figures[name].value:.3f}" for _, run in runs)
            lines.append(f"| {name} | {cells} |")
        return "\n".join(lines) + "\n"
    width = max(12, *(len(label) + 2 for label, _ in runs))
    lines = [" " * 26 + "".join(f"{label:>{width}}" for label, _ in runs)]
    for name in names:
        values = "".join(f"{run.figures[name].value:>{width}.3f}" for _, run in runs)
        lines.append(f"{name:<26}{values}")
    return "\n".join(lines)


@contextmanager
def _progress(label: str) -> Iterator[Listener]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task(label, total=None)

        def told(done: int, total: int, _: str) -> None:
            bar.update(task, completed=done, total=total)

        yield told


@app.command("diff")
def diff_command(
    first: Annotated[Path, typer.Argument(help="A run folder.")],
    second: Annotated[Path, typer.Argument(help="Another, of the same questions.")],
    out: Annotated[
        Path | None, typer.Option(help="Also write the comparison as an HTML page.")
    ] = None,
) -> None:
    """Say what changed from one run to another: flips both ways and how sure."""
    difference = compare(load_run(first), load_run(second))
    _out.print(str(difference), markup=False)
    if out is not None:
        write_diff(difference, out)
        _out.print(f"\nreport: {out}", markup=False)


@app.command("rescore")
def rescore_command(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    out: Annotated[
        Path | None, typer.Option(help="Write to this folder and leave RUN as it is.")
    ] = None,
    gate: Annotated[Path | None, typer.Option(help="A gate.toml to judge the run by.")] = None,
    baseline: Annotated[Path | None, typer.Option(help="An earlier run to compare with.")] = None,
) -> None:
    """Compute the figures of a stored run anew; nothing is asked again."""
    scored = load_run(folder, rescore=True)
    target = out or folder
    save(scored, target)
    _out.print(str(scored), markup=False)
    if gate is not None:
        verdict = judge(scored, load_gate(gate), load_run(baseline) if baseline else None)
        write_reports(scored, target, verdict)
        _out.print("\n".join([f"\ngate {verdict.word}", *verdict.lines]), markup=False)
        verdict.enforce()


def _told(imported: importers.Imported) -> None:
    folder = imported.folder
    _out.print(
        f"{imported.articles} articles and {imported.questions} questions in {folder}\n"
        f"next: rag index {folder / importers.ARTICLES} --index DIR\n"
        f"      rag eval {folder / 'questions.jsonl'} --index DIR",
        markup=False,
    )


@import_app.command("bench")
def import_bench_command(
    folder: Annotated[Path, typer.Argument(help="With corpus.jsonl and questions.jsonl.")],
    out: NewFolder,
    quick: Annotated[bool, typer.Option(help="Only questions marked quick.")] = False,
    every_document: Annotated[
        bool, typer.Option("--open", help="Search every article, not a question's candidates.")
    ] = False,
    dated: Annotated[bool, typer.Option(help="Ask as of the question's date.")] = False,
    limit: Limit = None,
    corpus_limit: CorpusLimit = None,
) -> None:
    """Import corpus.jsonl + questions.jsonl (.gz and .xz too)."""
    _told(
        importers.import_bench(
            folder, out, quick=quick, every_document=every_document, dated=dated, limit=limit,
            corpus_limit=corpus_limit,
        )
    )  # fmt: skip


@import_app.command("beir")
def import_beir_command(
    folder: Annotated[Path, typer.Argument(help="With corpus.jsonl, queries.jsonl, qrels/.")],
    out: NewFolder,
    split: Annotated[str, typer.Option(help="Which file of qrels/.")] = "test",
    limit: Limit = None,
    corpus_limit: CorpusLimit = None,
) -> None:
    """Import a BEIR folder."""
    _told(importers.import_beir(folder, out, split=split, limit=limit, corpus_limit=corpus_limit))


@import_app.command("squad")
def import_squad_command(
    file: Annotated[Path, typer.Argument(help="A SQuAD 1.1 or 2.0 JSON file.")],
    out: NewFolder,
    limit: Limit = None,
    corpus_limit: CorpusLimit = None,
) -> None:
    """Import SQuAD."""
    _told(importers.import_squad(file, out, limit=limit, corpus_limit=corpus_limit))


@import_app.command("multihop")
def import_multihop_command(
    folder: Annotated[Path, typer.Argument(help="With corpus.json and MultiHopRAG.json.")],
    out: NewFolder,
    limit: Limit = None,
    corpus_limit: CorpusLimit = None,
) -> None:
    """Import MultiHop-RAG."""
    _told(importers.import_multihop(folder, out, limit=limit, corpus_limit=corpus_limit))


@app.command("feedback")
def feedback_command(
    store: Annotated[Path, typer.Argument(help="The page's conversation file, or JSONL.")],
    out: Annotated[Path, typer.Option("--out", help="The .jsonl to write.")],
) -> None:
    """Turn the page's stored likes and dislikes into a question set."""
    count = importers.import_feedback(store, out)
    _out.print(f"{count} questions in {out}\nnext: rag eval {out}", markup=False)
