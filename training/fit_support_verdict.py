"""Pairs that nothing else is trained or measured on -> the weights and bounds of ``rag.support``.

Statements made by rule from the half of ``squad20_dev``'s articles that is not measured, true and
altered, and LingNLI pairs that the reader was not trained on. A logistic regression weighs the
rules' doubts and the reader's chances; the bounds are the lowest that let few altered statements
pass, of each kind. Run: ``python -m training.fit_support_verdict BENCH [--reader FOLDER]``; it
prints what goes into :mod:`rag.support`, and how well it does on other folds of the same pairs.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from rag.citations import SURE_DOUBTS, Check
from rag.citations import check as check_by_rules
from rag.reader import Reader
from rag.support import SupportReader, features
from training.reader_data import SEED
from training.support_data import statements_from_paragraphs, unused_nli

PARAGRAPH_STATEMENTS = 450
NLI_PAIRS = 1200
# Of the altered statements of a kind, so many may pass: below the promised twentieth.
MOST_PASSING = 0.03


@dataclass(frozen=True, slots=True)
class Judged:
    """A pair with what the rules and the reader say of it."""

    kind: str
    group: str
    true: bool
    rules: Check
    chances: tuple[float, float, float]


def judged(bench: Path, reader: SupportReader) -> Iterator[Judged]:
    """Yield the pairs to fit on."""
    made = [
        (made.kind, made.group, made.statement, made.words, made.kind == "true")
        for made in statements_from_paragraphs(
            bench, PARAGRAPH_STATEMENTS, held_out=False, seed=SEED
        )
    ]
    pairs = random.Random(SEED).sample(list(unused_nli(bench, SEED)), NLI_PAIRS)
    made += [
        (f"nli {pair.label}", pair.group, pair.statement, pair.words, pair.label == 0)
        for pair in pairs
    ]
    for at in range(0, len(made), 64):
        some = made[at : at + 64]
        rows = reader.support([(statement, words) for _, _, statement, words, _ in some])
        for (kind, group, statement, words, true), row in zip(some, rows, strict=True):
            chances = (float(row[0]), float(row[1]), float(row[2]))
            yield Judged(kind, group, true, check_by_rules(statement, words), chances)


def fit(pairs: list[Judged]) -> None:
    """Fit, and print weights, bounds and figures."""
    vectorizer = DictVectorizer(sparse=False)
    table = vectorizer.fit_transform([features(pair.rules, pair.chances) for pair in pairs])
    true = np.array([pair.true for pair in pairs])
    groups = np.array([hash_of(pair.group) for pair in pairs])
    model = LogisticRegression(C=1.0, max_iter=2000, fit_intercept=False)
    chances = np.zeros(len(pairs))
    for seen, unseen in GroupKFold(5).split(table, true, groups):
        chances[unseen] = model.fit(table[seen], true[seen]).predict_proba(table[unseen])[:, 1]
    reader_alone = np.array([pair.chances[0] for pair in pairs])
    by_rules = np.array([pair.rules.verdict in ("quoted", "supported") for pair in pairs])
    for name in ("nli", ""):
        of = np.array([pair.kind.startswith("nli") == (name == "nli") for pair in pairs])
        print(
            f"{name or 'paragraphs'}: {of.sum()} pairs, area under the curve: rules "
            f"{roc_auc_score(true[of], by_rules[of]):.3f}, reader "
            f"{roc_auc_score(true[of], reader_alone[of]):.3f}, "
            f"both {roc_auc_score(true[of], chances[of]):.3f}"
        )
    open_ = np.array([not pair.rules.doubts & SURE_DOUBTS for pair in pairs])
    print("\nfrom   kept   altered that pass, by kind (rules' own verdict stands)")
    for bound in np.arange(0.5, 0.96, 0.05):
        passed = by_rules | (open_ & (chances >= bound))
        by_kind: dict[str, list[bool]] = defaultdict(list)
        for pair, one in zip(pairs, passed, strict=True):
            by_kind[pair.kind].append(bool(one))
        print(
            f"{bound:.2f}  ",
            ", ".join(f"{kind} {np.mean(its):.3f}" for kind, its in sorted(by_kind.items())),
        )
    print("\nchances of those the rules support: true", end=" ")
    for is_true in (True, False):
        some = chances[by_rules & (true == is_true)]
        quantiles = np.quantile(some, [0.01, 0.05, 0.5]) if len(some) else []
        print(np.round(quantiles, 3), len(some), "" if not is_true else "others", end=" ")
    model.fit(table, true)
    print("\n\nWEIGHTS = {")
    for name, weight in zip(vectorizer.feature_names_, model.coef_[0], strict=True):
        print(f'    "{name}": {weight:.3f},')
    print("}")


def hash_of(group: str) -> int:
    """Return a number for a group, always the same."""
    return sum(ord(letter) * 31**at for at, letter in enumerate(group[:40])) % 2**31


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    parser.add_argument("--reader", type=Path)
    options = parser.parse_args()
    fit(list(judged(options.bench, Reader.load(options.reader))))


if __name__ == "__main__":
    main()
