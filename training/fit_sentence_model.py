"""Questions with known answers -> the weights of rag.extractive's linear models.

Takes a ``corpus.jsonl`` (id, title, text) and a ``questions.jsonl`` (question, context_doc,
answer_start) as SQuAD 1.1 gives them. Paragraphs of some articles are indexed, others of the same
articles held out, so that the questions about those cannot be answered; the features come from the
very path that a user's question takes. The sentence model is fitted on pairs (a sentence that
answers, one that does not, of the same question), the answer model on whether the first sentence
answers. Run: ``python -m training.fit_sentence_model CORPUS QUESTIONS``; it prints both models.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import random
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import rag
from rag.extractive import SENTENCE_MODEL, Candidate, Features
from rag.retriever import Filter

SEED = 20240701
ARTICLES = 44
PARAGRAPHS_PER_ARTICLE = 12
QUESTIONS = 1500
UNANSWERABLE = 750
OTHER_TOPICS = 350
JUDGED_BY = (
    "similarity",
    "coverage",
    "context_coverage",
    "kind_fit",
    "kind_known",
    "context_named",
)


@dataclass(frozen=True)
class Judged:
    """A question with its candidates, best first, and which of them answer."""

    candidates: list[Candidate]
    right: list[bool]
    answerable: bool


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSONL file, plain or compressed."""
    opener: Any = {".xz": lzma.open, ".gz": gzip.open}.get(path.suffix, open)
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def collect(corpus: Path, questions: Path, *, seed: int) -> list[Judged]:
    """Index part of the paragraphs and judge the candidates of every question."""
    shuffled = random.Random(seed)
    by_title = defaultdict(list)
    for paragraph in read_lines(corpus):
        by_title[paragraph["title"]].append(paragraph)
    titles = sorted(title for title, found in by_title.items() if len(found) >= 20)
    shuffled.shuffle(titles)
    chosen, others = titles[:ARTICLES], titles[ARTICLES:]
    kept: list[dict[str, Any]] = []
    held_out: set[str] = set()
    for title in chosen:
        paragraphs = by_title[title][:]
        shuffled.shuffle(paragraphs)
        kept += paragraphs[:PARAGRAPHS_PER_ARTICLE]
        held_out |= {paragraph["id"] for paragraph in paragraphs[PARAGRAPHS_PER_ARTICLE:]}
    kept_ids = {paragraph["id"] for paragraph in kept}
    elsewhere = {paragraph["id"] for title in others for paragraph in by_title[title]}
    asked = read_lines(questions)
    shuffled.shuffle(asked)
    answerable = [q for q in asked if q["context_doc"] in kept_ids][:QUESTIONS]
    near = [q for q in asked if q["context_doc"] in held_out][:UNANSWERABLE]
    far = [q for q in asked if q["context_doc"] in elsewhere][:OTHER_TOPICS]
    with tempfile.TemporaryDirectory() as folder:
        lines = "".join(json.dumps({"title": p["title"], "text": p["text"]}) + "\n" for p in kept)
        articles = Path(folder, "articles")
        articles.mkdir()
        Path(articles, "paragraphs.jsonl").write_text(lines, encoding="utf-8")
        paths = {p["id"]: f"paragraphs.jsonl#{n}" for n, p in enumerate(kept, start=1)}
        with rag.build(articles, index=Path(folder, "index")) as archive:
            return [
                judge(archive, question, paths.get(question["context_doc"]))
                for question in [*answerable, *near, *far]
            ]


def judge(archive: rag.Archive, question: dict[str, Any], path: str | None) -> Judged:
    """Return the candidates of a question and which of them hold the known answer."""
    with archive._opened() as (view, state):
        hits = archive._search(
            question["question"], view, state, archive.settings.candidates, Filter()
        )
        candidates = archive._reader.candidates(
            question["question"], hits, lexicon=state.caches.lexicon
        )
    at = question["answer_start"]
    right = [c.passage.path == path and c.span.start <= at < c.span.end for c in candidates]
    return Judged(candidates, right, path is not None)


def fit_sentences(judged: list[Judged]) -> np.ndarray:
    """Return weights, one per feature, from pairs within each question."""
    differences = []
    for item in judged:
        rows = np.array([candidate.features.row() for candidate in item.candidates])
        right = np.array(item.right, dtype=bool)
        if right.any() and not right.all():
            best = rows[right][0]
            differences.append(best - rows[~right])
    pairs = np.concatenate(differences)
    weights = np.concatenate([np.full(len(d), 1 / len(d)) for d in differences])
    model = LogisticRegression(fit_intercept=False, C=10.0, max_iter=2000)
    model.fit(
        np.concatenate([pairs, -pairs]),
        np.repeat([1, 0], len(pairs)),
        sample_weight=np.concatenate([weights, weights]),
    )
    return model.coef_[0]


def first_right(judged: list[Judged], weights: np.ndarray) -> tuple[float, float]:
    """Return how often the first, and one of the first three, sentences answer."""
    first = three = asked = 0
    for item in judged:
        if item.answerable and item.candidates:
            asked += 1
            order = np.argsort([-weights @ c.features.row() for c in item.candidates])
            first += item.right[order[0]]
            three += any(item.right[index] for index in order[:3])
    return first / asked, three / asked


def main() -> None:
    """Fit, report and print the models as Python."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    judged = collect(arguments.corpus, arguments.questions, seed=arguments.seed)
    half = [item for number, item in enumerate(judged) if number % 2]
    rest = [item for number, item in enumerate(judged) if not number % 2]
    print("fitted on half, first / first three right on the other half:")
    print("  %.3f / %.3f" % first_right(rest, fit_sentences(half)))
    weights = fit_sentences(judged)
    print("sentence model:")
    for name, weight in zip(Features.__slots__, weights, strict=True):
        print(f'        "{name}": {weight:.3f},')
    shown = np.array([SENTENCE_MODEL.weights.get(name, 0.0) for name in Features.__slots__])
    print("the shipped sentence model, all questions:")
    print("  %.3f / %.3f" % first_right(judged, shown))
    asked = [item for item in judged if item.candidates]
    firsts = [int(np.argmax([shown @ c.features.row() for c in i.candidates])) for i in asked]
    matrix = np.array(
        [
            [getattr(item.candidates[first].features, name) for name in JUDGED_BY]
            for item, first in zip(asked, firsts, strict=True)
        ]
    )
    targets = {
        "answerable": np.array([item.answerable for item in asked]),
        "right": np.array([i.right[first] for i, first in zip(asked, firsts, strict=True)]),
    }
    odd = np.arange(len(asked)) % 2 == 1
    for name, found in targets.items():
        model = LogisticRegression(max_iter=3000).fit(matrix[odd], found[odd])
        chances = model.predict_proba(matrix[~odd])[:, 1]
        print(f"{name} model, AUC on the other half: {roc_auc_score(found[~odd], chances):.3f}")
        model.fit(matrix, found)
        for feature, weight in zip(JUDGED_BY, model.coef_[0], strict=True):
            print(f'        "{feature}": {weight:.2f},')
        print(f"    bias={model.intercept_[0]:.2f},")


if __name__ == "__main__":
    main()
