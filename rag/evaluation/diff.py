"""Two runs -> what changed: flips both ways, how sure the changes are, links per question."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rag.evaluation.gate import shared_shares
from rag.evaluation.report import render, verdict_word
from rag.evaluation.results import Run, RunError, write_file
from rag.evaluation.scoring import HEADLINES, METRICS
from rag.evaluation.statistics import Difference, holm, mcnemar, paired_bootstrap


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that came out otherwise in the second run."""

    id: str
    question: str
    before: str
    after: str


@dataclass(frozen=True)
class RunDiff:
    """What changed from the first run to the second.

    Attributes:
        shared: Questions that both runs have, errors left out.
        gained, lost: Flips from not right to right, and the other way.
        p: McNemar's exact p for the flips.
        changes: Per figure, in the report's order.
        adjusted: Holm-adjusted p of the headline figures.
        settings: Settings that differ: name, first, second.
    """

    first: Run
    second: Run
    shared: int
    gained: tuple[Flip, ...]
    lost: tuple[Flip, ...]
    p: float
    changes: dict[str, Difference]
    adjusted: dict[str, float]
    settings: tuple[tuple[str, Any, Any], ...]

    def __str__(self) -> str:
        """Return the comparison as lines of text."""
        return as_text(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "shared": self.shared,
            "gained": [flip.id for flip in self.gained],
            "lost": [flip.id for flip in self.lost],
            "mcnemar_p": round(self.p, 6),
            "settings": [list(row) for row in self.settings],
            "changes": {
                name: {
                    "first": round(c.first, 6),
                    "second": round(c.second, 6),
                    "low": round(c.low, 6),
                    "high": round(c.high, 6),
                    "p": round(c.p, 6),
                    "p_holm": round(self.adjusted[name], 6) if name in self.adjusted else None,
                    "n": c.n,
                }
                for name, c in self.changes.items()
            },
        }


def compare(first: Run, second: Run) -> RunDiff:
    """Return what changed, over the questions that both runs have.

    Raises:
        RunError: If they share none, or asked different questions under the same ids.
    """
    questions = {record["id"]: record["question"] for record in first.records}
    failed = {record["id"] for run in (first, second) for record in run.errors}
    shared = [r for r in second.records if r["id"] in questions and r["id"] not in failed]
    if not shared:
        raise RunError(
            "The two runs have no question in common.", remedy="Compare runs of one question set."
        )
    for record in shared:
        if record["question"]["question"] != questions[record["id"]]["question"]:
            raise RunError(
                f"The runs asked different questions under the id {record['id']!r}.",
                remedy="Compare runs of one question set.",
            )
    before, after = first.right(), second.right()
    rows = {record["id"]: record for record in first.records}
    gained: list[Flip] = []
    lost: list[Flip] = []
    for record in shared:
        key = record["id"]
        if before.get(key) is None or after.get(key) is None or before[key] == after[key]:
            continue
        flip = Flip(
            key,
            record["question"]["question"],
            verdict_word(rows[key], before[key]),
            verdict_word(record, after[key]),
        )
        (gained if after[key] else lost).append(flip)
    changes: dict[str, Difference] = {}
    for name, metric in METRICS.items():
        if metric.each == "whole":
            continue
        left, right, clusters = shared_shares(first, second, name)
        if any(s.denominator for s in left) and any(s.denominator for s in right):
            changes[name] = paired_bootstrap(left, right, clusters)
    headline = {name: changes[name].p for name in HEADLINES if name in changes}
    one, two = first.about.get("settings", {}), second.about.get("settings", {})
    return RunDiff(
        first=first,
        second=second,
        shared=len(shared),
        gained=tuple(gained),
        lost=tuple(lost),
        p=mcnemar(len(lost), len(gained)),
        changes=changes,
        adjusted=holm(headline),
        settings=tuple(
            (name, one.get(name), two.get(name))
            for name in sorted({*one, *two})
            if one.get(name) != two.get(name)
        ),
    )


def as_text(diff: RunDiff) -> str:
    """Return the comparison as lines of text, the headline figures and every flip."""
    lines = [
        f"{diff.shared} questions in both; now right: {len(diff.gained)}, "
        f"no longer right: {len(diff.lost)}, McNemar p = {diff.p:.4f}"
    ]
    lines += [f"  setting {name}: {a} -> {b}" for name, a, b in diff.settings]
    for name, change in diff.changes.items():
        adjusted = f"  p (Holm) = {diff.adjusted[name]:.4f}" if name in diff.adjusted else ""
        lines.append(
            f"  {name:<26}{change.first:7.3f} -> {change.second:6.3f}  {change.change:+.3f} "
            f"({change.low:+.3f} to {change.high:+.3f})  n={change.n}{adjusted}"
        )
    for title, flips, run in (
        ("now right", diff.gained, diff.second),
        ("no longer right", diff.lost, diff.second),
    ):
        if flips:
            lines.append(title)
            lines += [
                f"  {flip.id}: {flip.question} ({flip.before} -> {flip.after})"
                + (
                    f"  {run.folder / 'report.html'}#q-{quote(flip.id, safe='')}"
                    if run.folder
                    else ""
                )
                for flip in flips
            ]
    return "\n".join(lines)


def write_diff(diff: RunDiff, path: Path) -> None:
    """Write the comparison as one self-contained page, linked to both runs' questions."""
    path.parent.mkdir(parents=True, exist_ok=True)

    def link(run: Run, key: str) -> str | None:
        if run.folder is None:
            return None
        return f"{_relative(run.folder / 'report.html', path.parent)}#q-{quote(key, safe='')}"

    page = render(
        "diff",
        diff=diff,
        metrics=METRICS,
        flips=[
            (
                title,
                [(f, link(diff.first, f.id), link(diff.second, f.id)) for f in flips],
            )
            for title, flips in (("Now right", diff.gained), ("No longer right", diff.lost))
        ],
    )
    write_file(path, page)


def _relative(target: Path, start: Path) -> str:
    return quote(Path(os.path.relpath(target, start)).as_posix())
