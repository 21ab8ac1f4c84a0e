"""Questions with known answers -> the linear models of rag.extractive.

Paragraphs of articles that the reader was not trained on are indexed, some of each article held
out so that the questions about those cannot be answered; candidates come from the very path that a
user's question takes. Made-up news (``training/news``) is asked in the same way. The sentence
model is fitted on pairs (a sentence that answers, one that does not, of the same question), the two
answer models on whether the articles answer at all and whether the first sentence does (logistic
regressions, whose chances are calibrated by construction; reliability is measured on articles of
their own).
Run: ``python -m training.fit_answer_models BENCH``; it prints the models and their figures.
"""

from __future__ import annotations

import argparse
import itertools
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
from rag.schema import Span
from training.reader_data import part_of, read_lines

SEED = 20240701
# Made-up news, for this.
NEWS = Path(__file__).with_name("news")
KEPT_SHARE = 0.7
READ_BY = ("score", "strength", "answers", "passage_similarity", "context_named")
SHIPPED = [READ_MODEL.weights[name] for name in READ_BY]
_PLAIN = (
    "similarity",
    "coverage",
    "context_coverage",
    "kind_fit",
    "kind_known",
    "context_named",
    "clash",
)
# What each answer model sees: by whether the sentences were read, and what it says.
JUDGED_BY = {
    (False, "answerable"): _PLAIN,
    (False, "right"): _PLAIN,
    (True, "answerable"): (
        "score",
        "most_answers",
        "clash",
        "kind_fit",
        "kind_known",
        "context_named",
    ),
    (True, "right"): ("score", "most_answers", "clash", "kind_known", "ahead"),
}


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
                    [
                        (
                            paths[row["context_doc"]],
                            Span(row["answer_start"], row["answer_start"] + 1),
                        )
                    ]
                    if row["answerable"] and row["context_doc"] in paths
                    else [],
                )
                for row in questions[:limit]
            ]


def news_asked(corpus: Path) -> list[Asked]:
    """Return the questions over a corpus of :data:`NEWS`: each has two stories, told five times."""
    asked = []
    with (
        tempfile.TemporaryDirectory() as folder,
        rag.build(corpus / "articles", index=Path(folder, "index")) as archive,
    ):
        for row in read_lines(corpus / "questions.jsonl"):
            gold = []
            for evidence in row["evidence"]:
                text = archive.article(evidence["file"]).text
                start = text.index(evidence["quote"])
                gold.append((evidence["file"], Span(start, start + len(evidence["quote"]))))
            asked.append(judge(archive, row["question"], gold))
    return asked


def judge(archive: rag.Archive, question: str, gold: Sequence[tuple[str, Span]]) -> Asked:
    """Return the candidates of a question and which of them hold a known answer."""
    plain, read = candidates_for(archive, question)

    def right(candidates: Sequence[Candidate]) -> list[bool]:
        return [
            any(
                c.passage.path == path and c.span.start < place.end and place.start < c.span.end
                for path, place in gold
            )
            for c in candidates
        ]

    return Asked(plain, read, right(plain), right(read), bool(gold))


def candidates_for(archive: rag.Archive, question: str) -> tuple[list[Candidate], list[Candidate]]:
    """Return the candidates as the features and as the reader order them."""
    with archive._opened() as (view, state):
        query = standalone(question, ())
        hits = archive._search(query, view, state, archive.settings.candidates, Filter())
        plain = archive._selector.candidates(query.question, hits, lexicon=state.caches.lexicon)
    reader, problem = archive._trained_reader("")
    assert reader is not None, problem
    return plain, judged(query.question, plain, reader) if plain else []


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
            [
                scores[c.passage.passage_id, c.span],
                c.judgement.strength,
                c.judgement.answers,
                c.features.passage_similarity,
                c.features.context_named,
            ]
            for c in item.read
            if c.judgement is not None
        ]
    )


def reordered(item: Asked, weights: np.ndarray | Sequence[float]) -> Asked:
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
    parser.add_argument("--limit", type=int, default=900, help="questions of each public source")
    wanted = parser.parse_args()
    news = [news_asked(corpus) for corpus in sorted(NEWS.iterdir())]
    public = squad_asked(wanted.bench, part="squad11", limit=wanted.limit)
    public += squad_asked(wanted.bench, part="validation", limit=wanted.limit)
    unseen = squad_asked(wanted.bench, part="held out", limit=wanted.limit)
    report(public, news, unseen)


def report(public: list[Asked], news: list[list[Asked]], unseen: list[Asked]) -> None:
    """Print how models do that are fitted without what they are measured on, and the shipped ones.

    Args:
        public: Questions over paragraphs.
        news: Questions over each made-up corpus; each is measured with models fitted on the others.
        unseen: Questions over paragraphs that nothing is fitted on.
    """
    every = [*public, *itertools.chain.from_iterable(news)]
    for at, corpus in enumerate(news):
        rest = [item for other in range(len(news)) if other != at for item in news[other]]
        measure(f"news {at + 1}", [*public, *rest], corpus)
    measure("paragraphs", every, unseen)
    print_models(every)


def measure(name: str, fitted_on: Sequence[Asked], test: Sequence[Asked]) -> None:
    """Print how models fitted on some questions do on others."""
    print(f"{name}: first / first three, n")
    print("  features alone: %.3f / %.3f, %d" % first_right(test, read=False))
    weights = read_weights(fitted_on)
    for which, chosen in (("fitted", weights), ("shipped", SHIPPED)):
        ordered = [reordered(item, chosen) for item in test]
        print(f"  with the reader, {which}: %.3f / %.3f, %d" % first_right(ordered, read=True))
    fitted_on = [reordered(item, SHIPPED) for item in fitted_on]
    test = [reordered(item, SHIPPED) for item in test]
    for (read, target), columns in JUDGED_BY.items():
        model = answer_model(fitted_on, columns, target, read=read)
        kept = [item for item in test if item.plain]
        chances = model.predict_proba(inputs_of(kept, columns, read=read))[:, 1]
        truth = targets_of(kept, target, read=read)
        print(
            f"  {'with' if read else 'without'} the reader, {target}: "
            f"AUC {roc_auc_score(truth, chances):.3f}, "
            f"accuracy at .5 {np.mean((chances >= 0.5) == truth):.3f}, "
            f"calibration error {calibration_error(chances, truth):.3f}, n {len(chances)}"
        )


def print_models(items: Sequence[Asked]) -> None:
    """Print the models fitted on all of some questions.

    The answer models are fitted on sentences in the shipped order: a new :data:`READ_MODEL` goes in
    first, and then this runs again.
    """
    weights = read_weights(items)
    print("READ_MODEL:", dict(zip(READ_BY, np.round(weights, 3).tolist(), strict=True)))
    items = [reordered(item, SHIPPED) for item in items]
    for (read, target), columns in JUDGED_BY.items():
        model = answer_model(items, columns, target, read=read)
        found = {k: round(float(v), 3) for k, v in zip(columns, model.coef_[0], strict=True)}
        print(f"{'READ_' if read else ''}{target.upper()}_MODEL:", found)
        share = np.mean(targets_of([item for item in items if item.plain], target, read=read))
        print(f"    bias={model.intercept_[0]:.3f} where {share:.3f} are so")


def read_weights(items: Sequence[Asked]) -> np.ndarray:
    """Return the weights of :data:`READ_BY`, fitted on the questions that are answered."""
    return fit_pairs(
        (read_rows(item), np.array(item.right_read))
        for item in items
        if item.answerable and item.read
    )


def answer_model(
    items: Sequence[Asked], columns: Sequence[str], target: str, *, read: bool
) -> LogisticRegression:
    """Return a model of whether the articles answer, or of whether the first sentence does."""
    kept = [item for item in items if item.plain]
    return LogisticRegression(C=1.0, max_iter=5000).fit(
        inputs_of(kept, columns, read=read),
        targets_of(kept, target, read=read),
    )


def targets_of(items: Sequence[Asked], target: str, *, read: bool) -> np.ndarray:
    """Return what an answer model is to say of each question."""
    if target == "answerable":
        return np.array([item.answerable for item in items])
    return np.array([(item.right_read if read else item.right_plain)[0] for item in items])


if __name__ == "__main__":
    main()
