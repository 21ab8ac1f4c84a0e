"""Orders to machines and honest text -> the weights of ``rag.order_detector``.

Orders: ``injections/attacks.txt`` and ``orders_to_machines.txt``, one a line. Honest text:
``injections/honest.txt`` (one a line, made to look alike), the made-up news of ``news/``,
paragraphs of SQuAD 1.1, premises of LingNLI and texts of SummEdits (mails, talks, reports). A
logistic regression; of an order of several sentences only those count that look like one after a
first fit (multiple-instance learning: Dietterich et al., 1997). The bound strikes a share of the
honest windows that no fold knew. Run: ``python -m training.fit_order_detector BENCH``; it writes
``rag/graphs/order_detector.json``.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from rag.embedder import PACKAGED_MODEL, Embedder, open_embedder
from rag.machine_talk import KINDS, is_order_by_form, kinds_of_words, sentences_in
from rag.order_detector import EMBEDDING_SCALE, WEIGHTS, windows
from training.reader_data import read_lines

HERE = Path(__file__).parent
SEED = 20261121
PARAGRAPHS = 420
PREMISES = 3000
DOCUMENTS = 250
FOLDS = 5
# An order that is missed costs more than a paragraph that a model may not use; and a window of
# other honest text weighs a tenth, because there are ten times as many.
LOOK_ALIKE_WEIGHT = 0.4
OTHER_WEIGHT = 0.1
# Windows of an order count whose score is so near that of its best.
NEAR_THE_BEST = 1.0
STRUCK_SHARE = 0.002


@dataclass(frozen=True)
class Texts:
    """Texts cut into windows.

    Attributes:
        owner: Index of the text of each window.
        rows: What the model sees of each window.
        order: Whether each text is an order.
        look_alike: Whether each is honest, and made to look like an order.
        by_form: Whether a rule finds each text by its form alone.
    """

    owner: np.ndarray
    rows: np.ndarray
    order: np.ndarray
    look_alike: np.ndarray
    by_form: np.ndarray


def texts_of(
    attacks: Sequence[str], alike: Sequence[str], other: Sequence[str], embedder: Embedder
) -> Texts:
    """Return orders, look-alikes and other honest texts, cut and embedded."""
    texts = [*attacks, *alike, *other]
    kind = np.repeat([0, 1, 2], [len(attacks), len(alike), len(other)])
    cut = [
        (text, at)
        for at, whole in enumerate(texts)
        for text, _ in windows(sentences_in(whole) or [whole])
    ]
    vectors = embedder.embed_passages([text for text, _ in cut])
    kinds = np.array([[float(name in kinds_of_words(text)) for name in KINDS] for text, _ in cut])
    return Texts(
        np.array([at for _, at in cut]),
        np.hstack([EMBEDDING_SCALE * vectors, kinds]),
        kind == 0,
        kind == 1,
        np.array([is_order_by_form(text) for text in texts]),
    )


def fitted(texts: Texts, known: np.ndarray) -> LogisticRegression:
    """Return a model of the windows of some texts."""
    mine = known[texts.owner]
    order = texts.order[texts.owner]
    counted = mine.copy()
    model = LogisticRegression(C=1.0, max_iter=3000)
    for _ in range(2):
        sizes = np.bincount(texts.owner[counted], minlength=len(texts.order))
        each = 1 / np.maximum(1, sizes[texts.owner])
        alike = np.where(texts.look_alike[texts.owner], LOOK_ALIKE_WEIGHT * each, OTHER_WEIGHT)
        weights = np.where(order, each, alike)
        model.fit(texts.rows[counted], order[counted], sample_weight=weights[counted])
        scores = model.decision_function(texts.rows)
        near = scores >= best_of(texts, scores)[texts.owner] - NEAR_THE_BEST
        counted = mine & (~order | near)
    return model


def best_of(texts: Texts, scores: np.ndarray) -> np.ndarray:
    """Return the highest score of a window of each text."""
    best = np.full(len(texts.order), -np.inf)
    np.maximum.at(best, texts.owner, scores)
    return best


def main() -> None:
    """Fit, measure on folds, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bench", type=Path)
    options = parser.parse_args()
    attacks = [
        line
        for name in ("injections/attacks.txt", "orders_to_machines.txt")
        for line in (HERE / name).read_text(encoding="utf-8").splitlines()
    ]
    alike = (HERE / "injections/honest.txt").read_text(encoding="utf-8").splitlines()
    news = [
        paragraph
        for path in sorted((HERE / "news").rglob("*.txt"))
        for paragraph in path.read_text(encoding="utf-8").splitlines()
        if paragraph.strip()
    ]
    train, sets = options.bench / "train", options.bench / "sets"
    paragraphs = [row["text"] for row in read_lines(train / "squad11_train.corpus.jsonl.xz")]
    pairs = read_lines(train / "train_nli.pairs.jsonl.xz")
    premises = dict.fromkeys(row["premise"] for row in pairs if row["source"] == "lingnli")
    edited = read_lines(sets / "summedits_other" / "pairs.jsonl.gz")
    documents = dict.fromkeys(row["premise"] for row in edited)
    chosen = random.Random(SEED)
    known = [
        *chosen.sample(paragraphs, PARAGRAPHS),
        *chosen.sample(list(premises), PREMISES),
        *chosen.sample(list(documents), min(DOCUMENTS, len(documents))),
    ]
    texts = texts_of(attacks, alike, [*news, *known], open_embedder(PACKAGED_MODEL))
    folds = np.random.RandomState(SEED % 2**32).randint(0, FOLDS, len(texts.order))
    scores = np.zeros(len(texts.rows))
    for fold in range(FOLDS):
        of = (folds == fold)[texts.owner]
        scores[of] = fitted(texts, folds != fold).decision_function(texts.rows[of])
    plain = ~texts.order & ~texts.look_alike
    bound = float(np.quantile(scores[plain[texts.owner]], 1 - STRUCK_SHARE))
    found = (best_of(texts, scores) >= bound) | texts.by_form
    print(
        f"folds: orders found {found[texts.order].mean():.3f} ({len(attacks)}), look-alikes struck "
        f"{found[texts.look_alike].mean():.3f} ({len(alike)}), of {plain[texts.owner].sum()} "
        f"windows of other honest text {STRUCK_SHARE:.1%} from {bound:.2f} on"
    )
    model = fitted(texts, np.ones(len(texts.order), dtype=bool))
    embedding, kinds = np.split(model.coef_[0], [texts.rows.shape[1] - len(KINDS)])
    WEIGHTS.write_text(
        json.dumps(
            {
                "embedding": np.round(embedding, 3).tolist(),
                "kinds": dict(zip(KINDS, np.round(kinds, 3).tolist(), strict=True)),
                "bias": round(float(model.intercept_[0]), 3),
                "bound": round(bound, 3),
            }
        )
        + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
