"""Questions with known answers -> the linear models of rag.extractive.

Paragraphs of articles that the reader was not trained on are indexed, some of each article held
out so that the questions about those cannot be answered; candidates come from the very path that a
user's question takes. The sentence model is fitted on pairs (a sentence that answers, one that
does not, of the same question), the two answer models on whether the articles answer at all and
whether the first sentence does (logistic regressions, whose chances are calibrated by
construction; reliability is measured on articles of their own).
Run: ``python -m training.fit_answer_models BENCH``; it prints the models and their figures.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import rag
from rag.conversation import standalone
from rag.extractive import READ_MODEL, Candidate, answer_inputs, judged
from rag.retriever import Filter
from training.reader_data import part_of, read_lines

SEED = 20240701
KEPT_SHARE = 0.7
READ_BY = ("score", "strength", "answers")
JUDGED_BY = (
    "similarity",
    "coverage",
    "context_coverage",
    "kind_fit",
    "kind_known",
    "context_named",
)
JUDGED_READ_BY = ("strength", "answers", "most_answers", "about", "similarity", "coverage",
                  "context_coverage", "context_named")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """A question with its candidates, best first, and which of them answer.

    Attributes:
        plain: As the features see them.
        read: As the reader sees them.
        right_plain, right_read: Whether each answers.
    """

    plain: list[Candidate]
    read: list[Candidate]
    right_plain: list[bool]
    right_read: list[bool]
    answerable: bool
    article: str


def squad_asked(bench: Path, *, part: str, limit: int) -> list[Asked]:
    """Return questions over articles of one part, which the reader never saw."""
    if part == "squad11":
        corpus = read_lines(bench / "train" / "squad11_train.corpus.jsonl.xz")
        asked = read_lines(bench / "train" / "squad11_train.questions.jsonl.xz")
        kept = {row["id"]: row for row in corpus if zlib.crc32(row["title"].encode()) % 50 == 0}
    else:
        corpus = read_lines(bench / "sets" / "squad20_dev" / "corpus.jsonl.gz")
        asked = read_lines(bench / "sets" / "squad20_dev" / "questions.jsonl.gz")
        kept = {row["id"]: row for row in corpus if part_of(row["id"].split("#")[0]) == part}
    shuffled = random.Random(SEED)
    shown = (
        {key for key in kept if shuffled.random() < KEPT_SHARE} if part == "squad11" else set(kept)
    )
    questions = [row for row in asked if row["context_doc"] in kept]
    shuffled.shuffle(questions)
    rows = [kept[key] for key in sorted(shown)]
    with tempfile.TemporaryDirectory() as folder:
        lines = "".join(json.dumps({"title": r["title"], "text": r["text"]}) + "\n" for r in rows)
        articles = Path(folder, "articles")
        articles.mkdir()
        Path(articles, "paragraphs.jsonl").write_text(lines, encoding="utf-8")
        paths = {row["id"]: f"paragraphs.jsonl#{n}" for n, row in enumerate(rows, start=1)}
        with rag.build(articles, index=Path(folder, "index")) as archive:
            return [
                judge(
                    archive,
                    row["question"],
                    paths.get(row["context_doc"]) if row["answerable"] else None,
                    row["answer_start"],
                    kept[row["context_doc"]]["title"],
                )
                for row in questions[:limit]
            ]


def judge(archive: rag.Archive, question: str, path: str | None, at: int, article: str) -> Asked:
    """Return the candidates of a question and which of them hold the known answer."""
    plain, read = candidates_for(archive, question)

    def right(candidates: Sequence[Candidate]) -> list[bool]:
        return [c.passage.path == path and c.span.start <= at < c.span.end for c in candidates]

    return Asked(plain, read, right(plain), right(read), path is not None, article)


def candidates_for(archive: rag.Archive, question: str) -> tuple[list[Candidate], list[Candidate]]:
    """Return the candidates as the features and as the reader order them."""
    with archive._opened() as (view, state):
        query = standalone(question, ())
        hits = archive._search(query, view, state, archive.settings.candidates, Filter())
        plain = archive._selector.candidates(query.question, hits, lexicon=state.caches.lexicon)
    assert archive._reader is not None
    return plain, judged(query.question, plain, archive._reader) if plain else []


def fit_pairs(items: Iterable[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return weights, one per column, from pairs within each question."""
    differences = []
    for rows, right in items:
        if right.any() and not right.all():
            differences.append(rows[right][0] - rows[~right])
    pairs = np.concatenate(differences)
    weights = np.concatenate([np.full(len(d), 1 / len(d)) for d in differences])
    model = LogisticRegression(fit_intercept=False, C=10.0, max_iter=2000)
    model.fit(
        np.concatenate([pairs, -pairs]),
        np.repeat([1, 0], len(pairs)),
        sample_weight=np.concatenate([weights, weights]),
    )
    return model.coef_[0]


def read_rows(item: Asked) -> np.ndarray:
    """Return what the read model sees of each candidate of a question."""
    scores = {(c.passage.passage_id, c.span): c.score for c in item.plain}
    return np.array(
        [
            [scores[c.passage.passage_id, c.span], c.judgement.strength, c.judgement.answers]
            for c in item.read
            if c.judgement is not None
        ]
    )


def reordered(item: Asked, weights: Sequence[float]) -> Asked:
    """Return a question with its read candidates ordered by other weights."""
    values = read_rows(item) @ np.asarray(weights) if item.read else np.zeros(0)
    order = np.argsort(-values, kind="stable")
    read = [replace(item.read[n], score=float(values[n])) for n in order]
    return replace(item, read=read, right_read=[item.right_read[n] for n in order])


def first_right(items: Sequence[Asked], *, read: bool) -> tuple[float, float, int]:
    """Return how often the first, and one of the first three, sentences answer, of how many."""
    rights = [i.right_read if read else i.right_plain for i in items if i.answerable and i.plain]
    first = sum(right[0] for right in rights)
    three = sum(any(right[:3]) for right in rights)
    return first / len(rights), three / len(rights), len(rights)


def calibration_error(chances: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Return the expected calibration error over equally filled bins (Guo et al., ICML 2017)."""
    order = np.argsort(chances)
    parts = np.array_split(order, bins)
    return float(
        sum(len(p) * abs(chances[p].mean() - right[p].mean()) for p in parts if len(p)) / len(order)
    )


def inputs_of(items: Sequence[Asked], names: Sequence[str], *, read: bool) -> np.ndarray:
    """Return what an answer model sees of each question."""
    return np.array(
        [
            [answer_inputs(item.read if read else item.plain)[name] for name in names]
            for item in items
        ]
    )


def main() -> None:
    """Fit, report and print the models as Python."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", type=Path)
    parser.add_argument("--limit", type=int, default=900, help="questions of each source")
    wanted = parser.parse_args()
    fitted_on = squad_asked(wanted.bench, part="squad11", limit=wanted.limit)
    fitted_on += squad_asked(wanted.bench, part="validation", limit=wanted.limit)
    test = squad_asked(wanted.bench, part="held out", limit=wanted.limit)
    fitted_on = [item for item in fitted_on if item.plain]
    test = [item for item in test if item.plain]
    report(fitted_on, test)


def report(fitted_on: list[Asked], test: list[Asked]) -> None:
    """Print the models fitted on some questions and how they do on others."""
    print("features alone, first / first three, n: %.3f / %.3f, %d" % first_right(test, read=False))
    print("with the reader: %.3f / %.3f, %d" % first_right(test, read=True))
    weights = fit_pairs(
        (read_rows(item), np.array(item.right_read)) for item in fitted_on if item.answerable
    )
    print("READ_MODEL:", dict(zip(READ_BY, np.round(weights, 3).tolist(), strict=True)))
    for name, chosen in (
        ("fitted", weights),
        ("shipped", [READ_MODEL.weights[name] for name in READ_BY]),
    ):
        print(
            f"  {name}: %.3f / %.3f, %d"
            % first_right([reordered(item, chosen) for item in test], read=True)
        )
    for name, read, columns in (
        ("without the reader", False, JUDGED_BY),
        ("with the reader", True, JUDGED_READ_BY),
    ):
        for target in ("answerable", "right"):
            xs, ys, held, truth = [], [], [], []
            for items, rows, targets in ((fitted_on, xs, ys), (test, held, truth)):
                rows.append(inputs_of(items, columns, read=read))
                targets.append(
                    np.array(
                        [
                            i.answerable
                            if target == "answerable"
                            else (i.right_read if read else i.right_plain)[0]
                            for i in items
                        ]
                    )
                )
            model = LogisticRegression(C=1.0, max_iter=5000).fit(xs[0], ys[0])
            chances = model.predict_proba(held[0])[:, 1]
            print(
                f"{name}, {target}: held-out AUC {roc_auc_score(truth[0], chances):.3f}, "
                f"accuracy at .5 {np.mean((chances >= 0.5) == truth[0]):.3f}, "
                f"calibration error {calibration_error(chances, truth[0]):.3f}, n {len(chances)}"
            )
            print({k: round(float(v), 3) for k, v in zip(columns, model.coef_[0], strict=True)})
            print(f"    bias={model.intercept_[0]:.3f}")


if __name__ == "__main__":
    main()
