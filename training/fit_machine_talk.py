"""Fit the weights by which `rag/machine_talk.py` tells orders to a machine from news.

    python -m training.fit_machine_talk NEWS.jsonl[.gz|.xz] ... > weights.py

Orders come from `orders_to_machines.txt`, one a line, without the words that they want said; news
from JSON Lines with a `text`, of which every other article is left out for measuring. What a form
gives away is not fitted. Prints what is pasted into the module, and to stderr how many orders that
the fold did not know are found at which share of news sentences struck.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import random
import sys
from itertools import islice
from pathlib import Path

import numpy as np

from rag.machine_talk import _FORMS, _SENTENCE, KINDS, _disguised, _foreign, kinds_of_words

ORDERS = Path(__file__).with_name("orders_to_machines.txt")
PAIRS = (
    "made+point strong+make made+duty drop+text you+made point+make machine+point text+point "
    "drop+point imperative+point imperative+text reader+point made+make strong+point strong+made "
    "strong+text text+duty reader+make drop+make machine+make machine+made imperative+made "
    "reader+made you+text point+duty drop+made"
).split()
_ARTICLES = 700
_FALSE_ALARMS = (0.0003, 0.0005, 0.001, 0.002)
# An order weighs as much as so many sentences of news: there are few of them.
_ORDER_WEIGHT = 20.0


def sentences(text: str) -> list[str]:
    """Return the sentences of a text that no form gives away."""
    found = [part for part in _SENTENCE.split(text) if part.strip()]
    return [s for s in found if not (_FORMS.search(s) or _disguised(s) or _foreign(s))]


def features(sentence: str, names: list[str]) -> list[float]:
    """Return one number for each name: whether the sentence has such words."""
    found = set(kinds_of_words(sentence))
    return [float(name in found) for name in names]


def main() -> None:
    """Fit and print."""
    from sklearn.linear_model import LogisticRegression

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("news", nargs="+", type=Path)
    parser.add_argument("--false-alarms", type=float, default=0.0005)
    options = parser.parse_args()
    names = [*KINDS, *PAIRS]
    openers = {".gz": gzip.open, ".xz": lzma.open}
    news = []
    for path in options.news:
        with openers.get(path.suffix, open)(path, "rt", encoding="utf-8") as lines:
            articles = [json.loads(line)["text"] for line in islice(lines, 10 * _ARTICLES)]
        chosen = random.Random(3).sample(articles, min(_ARTICLES, len(articles)))
        news += [s for text in chosen[::2] for s in sentences(text)]
    orders = [
        s for line in ORDERS.read_text(encoding="utf-8").splitlines() if (s := sentences(line))
    ]
    rows = np.array([features(s, names) for s in news])
    known = np.array([features(s, names) for order in orders for s in order])
    owner = np.array([at for at, order in enumerate(orders) for _ in order])

    def fitted(mask: np.ndarray) -> LogisticRegression:
        both = np.vstack([rows, known[mask]])
        labels = np.r_[np.zeros(len(rows)), np.ones(mask.sum())]
        weights = np.r_[np.ones(len(rows)), np.full(mask.sum(), _ORDER_WEIGHT)]
        return LogisticRegression(C=0.3, max_iter=3000).fit(both, labels, sample_weight=weights)

    folds = np.random.RandomState(0).randint(0, 5, len(orders))
    unknown = np.full(len(orders), -np.inf)
    for fold in range(5):
        model = fitted(folds[owner] != fold)
        scores = model.decision_function(known)
        for at in np.flatnonzero(folds == fold):
            unknown[at] = scores[owner == at].max()
    model = fitted(np.ones(len(known), dtype=bool))
    scores = model.decision_function(rows)
    say = lambda *words: print(*words, file=sys.stderr)  # noqa: E731
    say(f"{len(orders)} orders without a form, {len(news)} sentences of news")
    for share in _FALSE_ALARMS:
        at = np.quantile(scores, 1 - share)
        say(f"news struck {share:.2%}: orders found {(unknown > at).mean():.1%} (from {at:.2f})")
    for at in np.argsort(unknown)[:25]:
        say(f"  {unknown[at]:.1f} {' '.join(orders[at])[:90]}")
    weights = {
        name: round(float(weight), 1)
        for name, weight in zip(names, model.coef_[0], strict=True)
        if abs(weight) >= 0.05
    }
    threshold = float(np.quantile(scores, 1 - options.false_alarms))
    print(json.dumps({"w": weights, "b": round(float(model.intercept_[0]), 1),
                      "t": round(threshold, 1)}))  # fmt: skip


if __name__ == "__main__":
    main()
