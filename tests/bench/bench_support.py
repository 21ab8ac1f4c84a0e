"""How often a verdict on a statement and its words is right: by rules, by the reader, by both.

    python tests/bench/bench_support.py [--reader FOLDER] [--quick]

True statements and their alterations: those of tests/questions/statements.jsonl, written by hand
(shortened in the source's words, or reworded), and as many made by rule from paragraphs of the
held-out half of `squad20_dev` as are missing to 200. An alteration passes if its verdict is quoted
or supported. Public sets: `summedits_other` (the half of its documents that no training sees),
`qags_cnndm` (never trained on) and `wice` (held-out half): balanced accuracy, and the F1 of the
supported. There a verdict is supported if all sentences of the statement are. Verdicts are strict:
how
well the chances behind them tell the sets' pairs apart is told too, with the bound that is best on
one half of a set's documents applied to the other.

Intervals are Wilson's, at 95 %; that of a balanced accuracy adds up those of its two halves, which
is wider than it need be. Without the sets beside the project, only what is written by hand is
measured, and the script says so; without weights, only the rules.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from sklearn.metrics import roc_auc_score  # noqa: E402

from rag.citations import Check  # noqa: E402
from rag.citations import check as check_by_rules  # noqa: E402
from rag.errors import ReaderWeightsError  # noqa: E402
from rag.evaluation.statistics import wilson  # noqa: E402
from rag.reader import Reader  # noqa: E402
from rag.support import SUPPORTED_FROM, SupportReader, chance_of, read_as, together  # noqa: E402
from training.support_data import (  # noqa: E402
    document_of_summary,
    is_held_out,
    statements_from_paragraphs,
)

BENCH = ROOT.parent / "shared" / "bench"
STATEMENTS = ROOT / "tests" / "questions" / "statements.jsonl"
TRUE_STATEMENTS = 200
_KINDS = {"negation": "negation", "entity": "entity", "roles": "entity", "number": "number",
          "date": "number", "speaker": "speaker", "tense": "tense"}  # fmt: skip
PUBLIC = ("summedits", "qags_cnndm", "wice")
Chances = Sequence[float]
System = Callable[[Check, Chances | None], bool]


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement to judge.

    Attributes:
        group: What it counts for: a set, or a kind of alteration.
        statement: One sentence or more.
        words: A sentence or an article.
        true: Whether the words support it.
    """

    group: str
    statement: str
    words: str
    true: bool


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reader", type=Path, help="a folder of weights other than the shipped")
    parser.add_argument("--quick", action="store_true", help="200 pairs of each public set")
    options = parser.parse_args()
    try:
        reader: SupportReader | None = Reader.load(options.reader)
    except ReaderWeightsError as error:
        say(f"{error.problem} Only the rules are measured.")
        reader = None
    measure(list(pairs(quick=options.quick)), reader)
    return 0


def pairs(*, quick: bool) -> Iterator[Pair]:
    """Yield everything that is judged."""
    by_hand = [json.loads(line) for line in STATEMENTS.read_text(encoding="utf-8").splitlines()]
    for row in by_hand:
        yield Pair(f"true, {row['wording']}", row["statement"], row["words"], True)
        for kind, altered in row["altered"].items():
            yield Pair(f"altered {kind}", altered, row["words"], False)
    if not BENCH.is_dir():
        say(f"skipped: {BENCH} is not there; only what is written by hand is measured")
        return
    yield from made_by_rule(TRUE_STATEMENTS - len(by_hand))
    for found in (summedits(), qags(), wice()):
        yield from random.Random(5).sample(found, min(200, len(found))) if quick else found


def made_by_rule(count: int) -> Iterator[Pair]:
    """Yield true statements from paragraphs, and their alterations."""
    for made in statements_from_paragraphs(BENCH, count, held_out=True, seed=11):
        if made.kind == "true":
            yield Pair("true, by rule", made.statement, made.words, True)
        elif made.kind in _KINDS:
            group = f"altered {_KINDS[made.kind]}, by rule"
            yield Pair(group, made.statement, made.words, False)


def summedits() -> list[Pair]:
    """Return summaries of held-out documents."""
    return [
        Pair("summedits", row["hypothesis"], row["premise"], row["label"] == 1)
        for row in rows(BENCH / "sets" / "summedits_other" / "pairs.jsonl.gz")
        if is_held_out(document_of_summary(row))
    ]


def qags() -> list[Pair]:
    """Return sentences of summaries of news articles."""
    return [
        Pair("qags_cnndm", row["hypothesis"], row["premise"], row["label"] == 1)
        for row in rows(BENCH / "sets" / "qags_cnndm" / "pairs.jsonl.gz")
    ]


def wice() -> list[Pair]:
    """Return claims with the page that they cite, of held-out pages."""
    texts = {row["id"]: row["text"] for row in rows(BENCH / "sets" / "wice" / "corpus.jsonl.gz")}
    return [
        Pair("wice", row["question"], texts[row["context_doc"]], row["label"] == "supported")
        for row in rows(BENCH / "sets" / "wice" / "questions.jsonl.gz")
        if is_held_out(row["context_doc"])
    ]


def systems(reader: SupportReader | None) -> dict[str, System]:
    """Return what is compared: each says whether a sentence counts as supported."""

    def by_rules(rules: Check, chances: Chances | None) -> bool:
        return rules.verdict in ("quoted", "supported")

    def by_reader(rules: Check, chances: Chances | None) -> bool:
        return chances is not None and chances[0] >= 0.5

    def by_sure_reader(rules: Check, chances: Chances | None) -> bool:
        return chances is not None and chances[0] >= SUPPORTED_FROM

    def by_both(rules: Check, chances: Chances | None) -> bool:
        found = rules if chances is None else together(rules, chances)
        return found.verdict in ("quoted", "supported")

    if reader is None:
        return {"rules": by_rules}
    return {
        "rules": by_rules,
        "reader >= .5": by_reader,
        f"reader >= {SUPPORTED_FROM}": by_sure_reader,
        "both": by_both,
    }


def measure(judged: Sequence[Pair], reader: SupportReader | None) -> None:
    """Judge all pairs once and print what each system makes of them."""
    parts = [list(read_as(pair.statement, pair.words)) for pair in judged]
    flat = [part for its in parts for part in its]
    begun = time.perf_counter()
    rules = [check_by_rules(*part) for part in flat]
    say(f"{len(flat)} sentences; rules {time.perf_counter() - begun:.1f} s")
    chances: list[Chances | None] = [None] * len(flat)
    if reader is not None:
        begun = time.perf_counter()
        for at in range(0, len(flat), 64):
            for n, row in enumerate(reader.support(flat[at : at + 64])):
                chances[at + n] = [float(chance) for chance in row]
        took = time.perf_counter() - begun
        say(f"reader {took:.1f} s, {len(flat) / took:.0f} sentences a second")
    found = iter(zip(rules, chances, strict=True))
    judged_parts = [[next(found) for _ in its] for its in parts]
    for name, system in systems(reader).items():
        say(f"\n{name}")
        passed = [all(system(*part) for part in its) for its in judged_parts]
        tell(judged, passed)
    if reader is not None:
        for name, score in SCORES.items():
            say(f"\n{name}, from the bound that is best on the other half of a set's documents")
            worst = [min(score(*part) for part in its) for its in judged_parts]
            tell_scores(judged, worst)


SCORES: Mapping[str, Callable[[Check, Chances], float]] = {
    "reader": lambda rules, chances: chances[0],
    "both": chance_of,
}


def tell_scores(judged: Sequence[Pair], scores: Sequence[float]) -> None:
    """Print what a score tells apart on the public sets, its bound chosen out of fold."""
    for group in PUBLIC:
        its = [
            (pair, score) for pair, score in zip(judged, scores, strict=True) if pair.group == group
        ]
        if not its:
            continue
        true = [pair.true for pair, _ in its]
        halves = [hashlib.sha256(pair.words.encode()).digest()[1] % 2 == 0 for pair, _ in its]
        values = [score for _, score in its]
        bounds = {half: best_bound(values, true, halves, not half) for half in (True, False)}
        passed = [value >= bounds[half] for value, half in zip(values, halves, strict=True)]
        tell([pair for pair, _ in its], passed)
        say(f"  {'':32} area under the curve {roc_auc_score(true, values):.3f}")


def best_bound(
    values: Sequence[float], true: Sequence[bool], halves: Sequence[bool], half: bool
) -> float:
    """Return the bound with the best balanced accuracy on one half."""
    some = [(v, t) for v, t, h in zip(values, true, halves, strict=True) if h == half]
    positives = sum(t for _, t in some)

    def balanced(bound: float) -> float:
        found = sum(t and v >= bound for v, t in some)
        refused = sum(not t and v < bound for v, t in some)
        return found / positives + refused / (len(some) - positives)

    return max(sorted({v for v, _ in some}), key=balanced)


def tell(judged: Sequence[Pair], passed: Sequence[bool]) -> None:
    """Print one system's figures."""
    by_group: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for pair, one in zip(judged, passed, strict=True):
        by_group[pair.group].append((pair.true, one))
        if pair.group.startswith("true"):
            by_group["true, all"].append((pair.true, one))
    for group, its in sorted(by_group.items()):
        if group.startswith(("true", "altered")):
            what = "kept" if group.startswith("true") else "pass"
            say(f"  {group:32} {what} {share([one for _, one in its])}")
            continue
        right_true = [one for true, one in its if true]
        right_false = [not one for true, one in its if not true]
        balanced = (sum(right_true) / len(right_true) + sum(right_false) / len(right_false)) / 2
        half = (half_width(right_true) + half_width(right_false)) / 2
        say(
            f"  {group:32} balanced accuracy {balanced:.3f} [{balanced - half:.3f}, "
            f"{balanced + half:.3f}]; F1 {f1(its):.3f}; supported found {share(right_true)}; "
            f"others told {share(right_false)}"
        )


def f1(its: Iterable[tuple[bool, bool]]) -> float:
    """Return the F1 of the supported."""
    found = list(its)
    hits = sum(true and one for true, one in found)
    return 2 * hits / max(1, sum(true for true, _ in found) + sum(one for _, one in found))


def share(found: Sequence[bool]) -> str:
    """Return a share with its interval and counts."""
    around = wilson(sum(found), len(found))
    return (
        f"{sum(found) / len(found):.3f} [{around.low:.3f}, {around.high:.3f}] "
        f"({sum(found)} of {len(found)})"
    )


def half_width(found: Sequence[bool]) -> float:
    """Return half the width of a share's interval."""
    around = wilson(sum(found), len(found))
    return (around.high - around.low) / 2


def rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a set's file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
