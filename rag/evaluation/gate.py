"""A run, a gate file and perhaps a baseline -> one verdict, for the text and the exit code.

``gate.toml``::

    max_errors = 0

    [floors]                  # a figure must be at least this
    "hit@5" = 0.90

    [ceilings]                # a figure must be at most this; also speed, as "total_p95_ms"
    over_refusal = 0.10

    [no_regression]           # against --baseline: the 95 % interval of the change must not
    "hit@5" = 0.03            # reach further down than this
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import GateFailedError, UsageError
from rag.evaluation.questions import Question
from rag.evaluation.results import Run
from rag.evaluation.scoring import METRICS
from rag.evaluation.statistics import Share, paired_bootstrap


class Gate(BaseModel):
    """What a run must reach. Figures by name; a gate names at least one rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_errors: int = Field(default=0, ge=0)
    floors: dict[str, float] = Field(default_factory=dict)
    ceilings: dict[str, float] = Field(default_factory=dict)
    no_regression: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One rule and how the run stands to it."""

    rule: str
    found: str
    passed: bool


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether a run passed its gate. Text and exit code are both read from here."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)

    @property
    def word(self) -> str:
        """``passed`` or ``failed``."""
        return "passed" if self.passed else "failed"

    @property
    def lines(self) -> list[str]:
        """One line per check, failures first."""
        ordered = sorted(self.checks, key=lambda check: check.passed)
        return [f"{'ok  ' if c.passed else 'FAIL'} {c.rule}: {c.found}" for c in ordered]

    def enforce(self) -> None:
        """Return if the gate passed.

        Raises:
            GateFailedError: If it did not; the command line exits with 7.
        """
        failed = [check for check in self.checks if not check.passed]
        if failed:
            raise GateFailedError(
                f"The gate failed on {len(failed)} of {len(self.checks)} checks: "
                + "; ".join(f"{check.rule}: {check.found}" for check in failed)
                + ".",
                remedy="Look at the questions in report.html that came out wrong, or at "
                "`rag eval diff BASELINE RUN`.",
            )


def load_gate(path: str | Path) -> Gate:
    """Return the gate in a TOML file.

    Raises:
        UsageError: If it cannot be read, is malformed, names an unknown figure, or has no rule.
    """
    path = Path(path)
    try:
        gate = Gate.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UsageError(
            f"The gate {path} cannot be read: {error.strerror or error}.", remedy="Check the path."
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"The gate {path} is not TOML: {error}.", remedy=f"Mend {path}."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"The gate {path} cannot be used: {key}: {first['msg']}.",
            remedy="Known tables: floors, ceilings, no_regression; known key: max_errors.",
        ) from error
    for table in (gate.floors, gate.ceilings, gate.no_regression):
        for name in table:
            if name not in METRICS and not (table is gate.ceilings and name.endswith("_ms")):
                raise UsageError(
                    f"The gate {path} names {name!r}, which is no figure.",
                    remedy=f"Figures: {', '.join(METRICS)}; ceilings also take speed, such as "
                    "total_p95_ms.",
                )
    for name in gate.no_regression:
        if METRICS[name].each == "whole":
            raise UsageError(
                f"The gate {path} compares {name!r}, which no single question has a share in.",
                remedy="Give it a floor or a ceiling instead.",
            )
    if not (gate.floors or gate.ceilings or gate.no_regression):
        raise UsageError(f"The gate {path} has no rule.", remedy="Add a floor to [floors].")
    return gate


def judge(run: Run, gate: Gate, baseline: Run | None = None) -> GateVerdict:
    """Return how the run stands to its gate.

    A figure that the run does not have fails its rule: a gate must not pass because nothing was
    measured.

    Raises:
        UsageError: If the gate asks for no regression and there is no baseline, or the baseline
            shares no question with the run.
    """
    checks = [
        Check(
            f"at most {gate.max_errors} errors",
            f"{len(run.errors)} of {len(run)} questions",
            len(run.errors) <= gate.max_errors,
        )
    ]
    for name, floor in gate.floors.items():
        value = _figure(run, name)
        found = "not measured" if value is None else f"{value:.4f}"
        checks.append(
            Check(f"{name} at least {floor:g}", found, value is not None and value >= floor)
        )
    for name, ceiling in gate.ceilings.items():
        value = _figure(run, name)
        found = "not measured" if value is None else f"{value:.4f}"
        checks.append(
            Check(f"{name} at most {ceiling:g}", found, value is not None and value <= ceiling)
        )
    if baseline is not None:
        checks += [_regression(run, baseline, n, d) for n, d in gate.no_regression.items()]
    elif gate.no_regression and not (gate.floors or gate.ceilings):
        raise UsageError(
            "The gate asks for no regression, but there is nothing to compare with.",
            remedy="Name an earlier run with --baseline.",
        )
    return GateVerdict(tuple(checks))


def _figure(run: Run, name: str) -> float | None:
    if name in run.figures:
        return run.figures[name].value
    stage, _, rest = name.removesuffix("_ms").rpartition("_")
    return run.speed.get(stage, {}).get(rest) if name.endswith("_ms") else None


def shared_shares(first: Run, second: Run, name: str) -> tuple[list[Share], list[Share], list[str]]:
    """Return both runs' shares in a figure and the clusters, for the questions that both have.

    A question of which only one run has a share counts only in figures whose denominators vary
    (a citation figure of a declined question); it adds nothing on the other side.
    """
    rows_first = {r["id"]: s for r, s in zip(first.records, first.scores, strict=True)}
    rows_second = {r["id"]: s for r, s in zip(second.records, second.scores, strict=True)}
    failed = {r["id"] for run in (first, second) for r in run.errors}
    nothing = Share(0.0, 0.0)
    left, right, clusters = [], [], []
    for record in first.records:
        key = record["id"]
        if key not in rows_second or key in failed:
            continue
        a, b = rows_first[key].get(name), rows_second[key].get(name)
        if a is None and b is None:
            continue
        left.append(a or nothing)
        right.append(b or nothing)
        clusters.append(Question.model_validate(record["question"]).cluster)
    return left, right, clusters


def _regression(run: Run, baseline: Run, name: str, delta: float) -> Check:
    metric = METRICS[name]
    sign = 1 if metric.higher_is_better else -1
    rule = f"{name} no worse than the baseline by {delta:g}"
    before, after, clusters = shared_shares(baseline, run, name)
    if not before or not any(s.denominator for s in before):
        return Check(rule, "the runs share no question with this figure", passed=False)
    if not any(s.denominator for s in after):
        return Check(rule, "not measured", passed=False)
    change = paired_bootstrap(before, after, clusters)
    worst = change.low if sign > 0 else -change.high
    found = (
        f"{change.first:.4f} -> {change.second:.4f}, change {change.change:+.4f} "
        f"({change.low:+.4f} to {change.high:+.4f}, n={change.n})"
    )
    return Check(rule, found, worst > -delta)


def describe(verdict: GateVerdict) -> dict[str, Any]:
    """Return the verdict as JSON values."""
    return {
        "passed": verdict.passed,
        "checks": [
            {"rule": check.rule, "found": check.found, "passed": check.passed}
            for check in verdict.checks
        ],
    }
