"""What a run found, in memory and as a folder: ``run.json``, ``questions.jsonl``, ``timings.json``.

Everything that may differ between two equal runs (times, memory) is in ``timings.json`` alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rag.errors import UsageError
from rag.evaluation.questions import Question
from rag.evaluation.scoring import (
    METRICS,
    Figure,
    Record,
    figures,
    is_right,
    score,
    support_tests,
)
from rag.evaluation.statistics import Share, nearest_rank

SCHEMA = 1
KIND = "dateline-evaluation"
RUN_FILE, QUESTIONS_FILE, TIMINGS_FILE = "run.json", "questions.jsonl", "timings.json"
WARM_UP = 10


class RunError(UsageError):
    """A run folder cannot be used; the problem names the file and the line."""


@dataclass(frozen=True)
class Run:
    """One evaluation: every question's record, what it adds to each figure, and the figures.

    Attributes:
        about: Set, selection, settings, versions, corpus: what ``run.json`` says of the run.
        records: One per question, in the set's order.
        scores: What each record adds to each figure, in the same order.
        figures: By name, in the order of the report.
        by_type: The same per question type, without intervals.
        timings: Milliseconds per question and stage, cold start, memory; empty when unknown.
        folder: Where the run is kept, or None.
    """

    about: Mapping[str, Any]
    records: tuple[Record, ...]
    scores: tuple[Mapping[str, Share], ...]
    figures: Mapping[str, Figure]
    by_type: Mapping[str, Mapping[str, Figure]]
    timings: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    @classmethod
    def of(
        cls,
        about: Mapping[str, Any],
        records: Sequence[Record],
        timings: Mapping[str, Any] | None = None,
        *,
        folder: Path | None = None,
    ) -> Run:
        """Return the run that the records make, scored now."""
        scores = tuple(score(record) for record in records)
        by_type: dict[str, Mapping[str, Figure]] = {}
        for kind in sorted({Question.model_validate(r["question"]).type for r in records}):
            rows = [
                (record, shares)
                for record, shares in zip(records, scores, strict=True)
                if record["question"].get("type", "fact") == kind
            ]
            by_type[kind] = figures([r for r, _ in rows], [s for _, s in rows], intervals=False)
        return cls(
            about=about,
            records=tuple(records),
            scores=scores,
            figures=figures(records, scores),
            by_type=by_type,
            timings=timings or {},
            folder=folder,
        )

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __str__(self) -> str:
        """Return the figures as a table of plain text."""
        return table(self)

    @property
    def errors(self) -> tuple[Record, ...]:
        """The questions that raised an error; they are in no figure."""
        return tuple(record for record in self.records if record.get("error"))

    @property
    def speed(self) -> dict[str, dict[str, float]]:
        """Return p50, p95, max and n of each stage in milliseconds, the warm-up left out."""
        rows = list(self.timings.get("questions", {}).values())[self.warm_up :]
        stages: dict[str, list[float]] = {}
        for row in rows:
            for stage, value in row.items():
                stages.setdefault(stage, []).append(value)
        return {
            stage: {
                "p50": nearest_rank(values, 50),
                "p95": nearest_rank(values, 95),
                "max": max(values),
                "n": len(values),
            }
            for stage, values in sorted(stages.items(), key=lambda item: item[0] == "total")
        }

    @property
    def warm_up(self) -> int:
        """How many first questions the speed figures leave out: 10, a fifth of a small run."""
        return min(WARM_UP, len(self.timings.get("questions", {})) // 5)

    def right(self) -> dict[str, bool]:
        """Return whether each question that gold can judge was answered rightly, by id."""
        verdicts = {
            record["id"]: is_right(Question.model_validate(record["question"]), record)
            for record in self.records
        }
        return {name: right for name, right in verdicts.items() if right is not None}

    def to_frame(self) -> Any:
        """Return one row per question with its scores, as a pandas frame.

        Raises:
            UsageError: If pandas is not installed.
        """
        try:
            import pandas as pd  # type: ignore[import-untyped]
        except ImportError as error:
            raise UsageError(
                "A frame needs pandas, which is not installed.", remedy="pip install pandas"
            ) from error
        return pd.DataFrame(rows(self)).set_index("id")

    def to_dict(self) -> dict[str, Any]:
        """Return what ``run.json`` holds."""
        return {
            "schema": SCHEMA,
            "kind": KIND,
            **self.about,
            "questions": len(self.records),
            "errors": len(self.errors),
            "support_tests": support_tests(self.records),
            "figures": {name: figure.to_dict() for name, figure in self.figures.items()},
            "by_type": {
                kind: {name: {"value": round(f.value, 6), "n": f.n} for name, f in figures_.items()}
                for kind, figures_ in self.by_type.items()
            },
        }

    def write_data(self, folder: Path) -> None:
        """Write the three data files; each is complete or not there at all."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(
            _json({**record, "scores": _shares(shares)}) + "\n"
            for record, shares in zip(self.records, self.scores, strict=True)
        )
        about = self.to_dict() | {
            "questions_sha256": hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()
        }
        write_file(folder / QUESTIONS_FILE, lines)
        write_file(folder / TIMINGS_FILE, _json(self.timings, indent=1) + "\n")
        write_file(folder / RUN_FILE, _json(about, indent=1) + "\n")


def load_run(folder: str | Path, *, rescore: bool = False) -> Run:
    """Return a stored run.

    Args:
        folder: With ``run.json`` and ``questions.jsonl``; ``run.json`` itself will do.
        rescore: Also take a run whose ``questions.jsonl`` was edited, or that another version of
            the figures wrote: the scores are computed anew either way.

    Raises:
        RunError: If it is no run, of another version, unfinished, or was edited.
    """
    folder = Path(folder)
    if folder.name == RUN_FILE:
        folder = folder.parent
    about_file, lines_file = folder / RUN_FILE, folder / QUESTIONS_FILE
    if not about_file.is_file():
        unfinished = (folder / PARTIAL_FILE).is_file()
        raise RunError(
            f"{folder} holds an unfinished run." if unfinished else f"{folder} is no run folder.",
            remedy=f"Finish it with `rag eval QUESTIONS --out {folder} --resume`."
            if unfinished
            else "Name a folder that `rag eval` wrote; it holds run.json and questions.jsonl.",
        )
    about = _read_object(about_file)
    if about.get("kind") != KIND:
        raise RunError(f"{about_file} is not of an evaluation run.", remedy="Name a run folder.")
    if about.get("schema") != SCHEMA:
        raise RunError(
            f"{about_file} has schema {about.get('schema')}; this version reads {SCHEMA}.",
            remedy="Run the set again, or read the folder with the version that wrote it.",
        )
    records = read_records(lines_file)
    text = lines_file.read_bytes()
    if not rescore and hashlib.sha256(text).hexdigest() != about.get("questions_sha256"):
        raise RunError(
            f"{lines_file} was changed after the run was written.",
            remedy=f"Score it anew with `rag eval rescore {folder}`.",
        )
    timings_file = folder / TIMINGS_FILE
    timings = _read_object(timings_file) if timings_file.is_file() else {}
    computed = (
        "schema", "kind", "questions", "errors", "support_tests", "figures", "by_type",
        "questions_sha256",
    )  # fmt: skip
    kept = {key: value for key, value in about.items() if key not in computed}
    return Run.of(kept, records, timings, folder=folder)


PARTIAL_FILE = "questions.partial.jsonl"


def read_records(path: Path) -> list[dict[str, Any]]:
    """Return the records of a ``questions.jsonl``, without their stored scores.

    Raises:
        RunError: If the file is missing or a line is malformed.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="surrogatepass")
    except OSError as error:
        raise RunError(
            f"{path} cannot be read: {error.strerror or error}.", remedy="Run the set again."
        ) from error
    records = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line:
            continue
        try:
            record = json.loads(line)
            Question.model_validate(record["question"])
            missing = {"id", "gold", "passages", "answer", "found"} - set(record)
        except (ValueError, KeyError, TypeError) as error:
            raise RunError(
                f"{path}:{number} is no record of a run.",
                remedy="Restore the line, or run the set again.",
            ) from error
        if missing:
            raise RunError(
                f"{path}:{number} lacks {', '.join(sorted(missing))}.",
                remedy="Restore the line, or run the set again.",
            )
        record.pop("scores", None)
        records.append(record)
    return records


def _read_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} is not readable JSON: {error}.", remedy="Run the set again."
        ) from error
    if not isinstance(value, dict):
        raise RunError(f"{path}:1 is no object.", remedy="Run the set again.")
    return value


def write_file(path: Path, text: str) -> None:
    """Write a file so that no reader ever sees half of it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8", errors="surrogatepass", newline="\n")
    draft.replace(path)


def _json(value: Any, *, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, sort_keys=False)


def _shares(shares: Mapping[str, Share]) -> dict[str, list[float]]:
    return {
        name: [round(shares[name].numerator, 9), round(shares[name].denominator, 9)]
        for name in METRICS
        if name in shares
    }


def rows(run: Run) -> list[dict[str, Any]]:
    """Return one flat row per question: what was asked, what came, and its scores."""
    names = [name for name in METRICS if any(name in shares for shares in run.scores)]
    right = run.right()
    out = []
    for record, shares in zip(run.records, run.scores, strict=True):
        answer = record.get("answer") or {}
        question = record["question"]
        out.append(
            {
                "id": record["id"],
                "type": question.get("type", "fact"),
                "question": question["question"],
                "gold": " | ".join(question.get("answers", [])),
                "answerable": question.get("answerable", True),
                "abstained": answer.get("abstained"),
                "short_answer": answer.get("short_answer"),
                "answer": answer.get("text"),
                "confidence": answer.get("confidence"),
                "right": right.get(record["id"]),
                "error": (record.get("error") or {}).get("problem"),
                **{
                    name: round(shares[name].numerator / shares[name].denominator, 6)
                    if name in shares and shares[name].denominator
                    else None
                    for name in names
                },
            }
        )
    return out


def table(run: Run) -> str:
    """Return the figures as lines of text: name, value, interval, n."""
    about = run.about
    lines = [f"{about.get('set', {}).get('name', 'questions')}: {len(run)} questions"]
    if run.errors:
        lines[0] += f", {len(run.errors)} of them with an error (in no figure)"
    group = ""
    for name, figure in run.figures.items():
        metric = METRICS[name]
        if metric.group != group:
            group = metric.group
            lines.append(group)
        interval = "" if figure.low is None else f"{figure.low:6.3f} to {figure.high:.3f}"
        lines.append(f"  {name:<26}{figure.value:7.3f}  {interval:<17} n={figure.n:<5}"
                     f" {metric.title}")  # fmt: skip
    speed = run.speed
    if speed:
        lines.append(
            f"speed, ms (first {run.warm_up} left out): "
            + "; ".join(
                f"{stage} p50 {row['p50']:.0f} p95 {row['p95']:.0f}" for stage, row in speed.items()
            )
        )
    return "\n".join(line.rstrip() for line in lines)
