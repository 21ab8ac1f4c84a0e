"""One reader and the public sets it was not trained on -> figures with intervals.

Thresholds and mixing weights are chosen on other articles or other data than they are reported on;
each figure's note says where. Run: ``python -m training.evaluate_reader MODEL --bench BENCH``;
MODEL is a checkpoint (``.safetensors``, read with torch) or a folder or file that
:mod:`training.export_reader` wrote. ``--limit`` draws a sample of each set.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import numpy.typing as npt
import onnx
from scipy.stats import rankdata
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from tokenizers import Tokenizer
from tqdm import tqdm

from rag.citations import closest_sentences
from rag.embedder import PackagedEmbedder, packaged_model_folder
from rag.evaluation.metrics import exact_match, graded_ndcg_at, token_f1
from rag.evaluation.statistics import wilson
from rag.passages import split_sentences
from rag.reader import WEIGHTS, Found, Reader, Window
from rag.schema import Span
from training import support_data
from training.export_reader import session_of
from training.reader_data import part_of, read_lines

SEED = 20261121
RESAMPLES = 1000
SUPPORT_WORDS = 165
PAIRS_AT_ONCE = 16
MIX_QUESTIONS = 150
MIX_CANDIDATES = 12
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        low, high: Of its 95 % interval; drawn by document where that is a bootstrap.
        n: How many questions, pairs or rankings it is over.
        note: How it was made, where that is not plain.
    """

    value: float
    low: float
    high: float
    n: int
    note: str = ""


Figures = dict[str, Figure]


class TorchSession:
    """A checkpoint behind the call that onnxruntime sessions have, in bfloat16."""

    def __init__(self, checkpoint: Path) -> None:
        import torch
        import transformers

        from training.reader_model import load_weights

        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        self._torch = torch
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.set_num_threads(1)
        self._model = load_weights(checkpoint).to(self._device, torch.bfloat16)

    def run(self, names: Sequence[str], given: Mapping[str, Any]) -> list[Any]:
        """Return span, answers, relevant and support as float32 arrays."""
        inputs = [
            self._torch.from_numpy(given[name]).to(self._device)
            for name in ("input_ids", "attention_mask", "token_type_ids")
        ]
        with self._torch.inference_mode():
            return [output.float().cpu().numpy() for output in self._model(*inputs)]


def open_reader(model: Path) -> Reader:
    """Return a reader over a checkpoint or an exported graph."""
    tokenizer = Tokenizer.from_file(str(packaged_model_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if model.suffix == ".safetensors":
        return Reader(TorchSession(model), tokenizer)
    return Reader(session_of(onnx.load(model / WEIGHTS if model.is_dir() else model)), tokenizer)


# --- statistics -----------------------------------------------------------------------------------


def share(right: Sequence[bool], note: str = "") -> Figure:
    """Return a proportion with its Wilson interval."""
    interval = wilson(sum(right), len(right))
    return Figure(float(np.mean(right)), interval.low, interval.high, len(right), note)


def drawn(
    figure: Callable[[npt.NDArray[np.intp]], float], clusters: Sequence[str], note: str = ""
) -> Figure:
    """Return a figure with the percentile interval of a bootstrap over documents.

    Args:
        figure: Gives the figure of the items with these numbers.
        clusters: The document of each item.
        note: See :class:`Figure`.
    """
    members = defaultdict(list)
    for number, cluster in enumerate(clusters):
        members[cluster].append(number)
    groups = [np.array(numbers) for numbers in members.values()]
    chosen = np.random.default_rng(SEED)
    values = []
    for _ in range(RESAMPLES):
        picked = chosen.integers(0, len(groups), len(groups))
        value = figure(np.concatenate([groups[number] for number in picked]))
        if np.isfinite(value):
            values.append(value)
    low, high = np.quantile(values, (0.025, 0.975))
    whole = figure(np.arange(len(clusters)))
    return Figure(whole, float(low), float(high), len(clusters), note)


def area(scores: Values, positive: npt.NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve: how often a positive stands above a negative."""
    most = int(positive.sum())
    rest = len(positive) - most
    if not most or not rest:
        return float("nan")
    ranks = rankdata(scores)
    return float((ranks[positive].sum() - most * (most + 1) / 2) / (most * rest))


def areas(scores: Values, positive: Sequence[bool], clusters: Sequence[str], note: str) -> Figure:
    """Return the area under the ROC curve with its interval."""
    truth = np.array(positive, dtype=bool)
    return drawn(lambda at: area(scores[at], truth[at]), clusters, note)


def balanced(chosen: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Return the mean of the shares of positives and of negatives that are told right."""
    if truth.all() or not truth.any():
        return float("nan")
    return float((chosen[truth].mean() + (~chosen[~truth]).mean()) / 2)


def f1(chosen: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Return the harmonic mean of precision and recall."""
    hits = int((chosen & truth).sum())
    return 2 * hits / max(1, int(chosen.sum()) + int(truth.sum()))


def best_threshold(
    scores: Values, truth: Sequence[bool], figure: Callable[[Any, Any], float]
) -> float:
    """Return the threshold at which a figure is highest."""
    known = np.array(truth, dtype=bool)
    tried = np.unique(np.quantile(scores, np.linspace(0, 1, 201)))
    return float(max(tried, key=lambda threshold: figure(scores >= threshold, known)))


# --- the sets -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A question and what the reader found in the paragraph it was asked about."""

    article: str
    answers: tuple[str, ...]
    answerable: bool
    said: str
    strength: float
    surely: float


def read_squad(reader: Reader, bench: Path, part: str, limit: int | None) -> list[Asked]:
    """Return what is found for the SQuAD 2 questions of a part, given their paragraph."""
    folder = bench / "sets" / "squad20_dev"
    texts = {row["id"]: row for row in read_lines(folder / "corpus.jsonl.gz")}
    rows = [
        row
        for row in read_lines(folder / "questions.jsonl.gz")
        if part_of(row["context_doc"].split("#")[0]) == part
    ]
    read = []
    for row in tqdm(sample(rows, limit), desc=f"SQuAD 2, {part}", unit=" questions"):
        paragraph = texts[row["context_doc"]]
        window = Window(paragraph["title"], paragraph["text"])
        (found,) = reader.read(row["question"].strip(), [window])
        said, strength = words_of(found)
        read.append(
            Asked(
                row["context_doc"].split("#")[0],
                tuple(row["answers"]),
                bool(row["answerable"]),
                said,
                strength,
                found.answers,
            )
        )
    return read


def words_of(found: Found) -> tuple[str, float]:
    """Return the chosen words and their strength."""
    best = found.best_span()
    return ("", -50.0) if best is None else (best[0].within(found.window.text), best[1])


def squad20(reader: Reader, bench: Path, limit: int | None) -> Figures:
    """Given the paragraph: answers, and telling near-misses apart, on held-out articles."""
    chosen_on = read_squad(reader, bench, "validation", limit)
    asked = read_squad(reader, bench, "held out", limit)
    weight = max(
        (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0),
        key=lambda k: area(scored(chosen_on, k), np.array([a.answerable for a in chosen_on])),
    )

    def over_all(items: Sequence[Asked], threshold: float, metric: Any) -> list[float]:
        return [
            float(not item.answerable)
            if score < threshold
            else (metric(item.said, item.answers) if item.answerable else 0.0)
            for item, score in zip(items, scored(items, weight), strict=True)
        ]

    threshold = max(
        np.unique(np.quantile(scored(chosen_on, weight), np.linspace(0, 1, 101))),
        key=lambda t: float(np.mean(over_all(chosen_on, float(t), token_f1))),
    )
    answerable = [item for item in asked if item.answerable]
    clusters = [item.article for item in answerable]
    every = [item.article for item in asked]
    note = f"strength + {weight:g} x answers"
    at = f"threshold {threshold:.2f} chosen on other articles"
    return {"answerable exact": mean(
        [exact_match(item.said, item.answers) for item in answerable], clusters
    ), "answerable F1": mean([token_f1(item.said, item.answers) for item in answerable], clusters),
        "near-miss AUC": areas(
            scored(asked, weight), [item.answerable for item in asked], every, note
        ),
        "near-miss AUC, answers head alone": areas(
            np.array([item.surely for item in asked]), [i.answerable for i in asked], every, ""
        ),
        "near-miss AUC, strength alone": areas(
            scored(asked, 0), [item.answerable for item in asked], every, ""
        ),
        "exact": mean(over_all(asked, threshold, exact_match), every, at),
        "F1": mean(over_all(asked, threshold, token_f1), every, at),
        "always abstaining": mean([float(not item.answerable) for item in asked], every),
    }  # fmt: skip


def scored(items: Sequence[Asked], weight: float) -> Values:
    """Return strength + weight x answers of each."""
    return np.array([item.strength + weight * item.surely for item in items])


def mean(values: Sequence[float], clusters: Sequence[str], note: str = "") -> Figure:
    """Return a mean with its interval, documents drawn together."""
    held = np.array(values, dtype=float)
    return drawn(lambda at: float(held[at].mean()), clusters, note)


def clapnq(reader: Reader, bench: Path, limit: int | None) -> Figures:
    """Long answers: which sentences people chose; whether the passage answers at all."""
    folder = bench / "sets" / "clapnq"
    passages = {row["id"]: row for row in read_lines(folder / "corpus.jsonl.gz")}
    rows = [
        row
        for row in read_lines(folder / "questions.jsonl.gz")
        if part_of(passages[row["context_doc"]]["title"]) == "held out"
    ]
    kinds = ("answers", "strength", "strength + 2 x answers")
    first: dict[str, list[bool]] = {kind: [] for kind in kinds}
    precision: dict[str, list[float]] = {kind: [] for kind in kinds}
    best: dict[str, list[float]] = {kind: [] for kind in kinds}
    answerable, groups, chance = [], [], []
    for row in tqdm(sample(rows, limit), desc="CLAPnq", unit=" questions"):
        passage = passages[row["context_doc"]]
        text, sentences = passage["text"], split_sentences(passage["text"])
        windows, inside = [], []
        for at, sentence in enumerate(sentences):
            low = sentences[max(0, at - 1)].start
            high = sentences[min(len(sentences) - 1, at + 1)].end
            windows.append(Window(passage["title"], text[low:high]))
            inside.append(Span(sentence.start - low, sentence.end - low))
        found = reader.read(row["question"], windows)
        surely = np.array([one.answers for one in found])
        strength = np.array(
            [max(-50.0, o.strength(within)) for o, within in zip(found, inside, strict=True)]
        )
        scores = dict(zip(kinds, (surely, strength, strength + 2 * surely), strict=True))
        answerable.append(bool(row["answerable"]))
        groups.append(passage["title"])
        quotes = [(text.find(e["quote"]), len(e["quote"])) for e in row["evidence"]]
        places = [Span(at, at + size) for at, size in quotes if at >= 0 and size]
        gold = np.array([any(s.overlaps(place) for place in places) for s in sentences])
        for kind in kinds:
            best[kind].append(float(scores[kind].max()))
            if row["answerable"] and gold.any():
                order = np.argsort(-scores[kind], kind="stable")
                first[kind].append(bool(gold[order[0]]))
                precision[kind].append(average_precision(gold[order]))
        if row["answerable"] and gold.any():
            chance.append(float(gold.mean()))
    figures: Figures = {}
    for kind in kinds:
        figures[f"first sentence chosen by people, by {kind}"] = share(first[kind])
        figures[f"average precision of sentences, by {kind}"] = mean(
            precision[kind], [str(n) for n in range(len(precision[kind]))]
        )
        figures[f"answerable AUC, by {kind}"] = areas(
            np.array(best[kind]), answerable, groups, "best of the windows of the given passage"
        )
    figures["share of sentences chosen by people"] = mean(
        chance, [str(n) for n in range(len(chance))], "what a random first sentence would reach"
    )
    return figures


def average_precision(relevant: npt.NDArray[np.bool_]) -> float:
    """Return the mean precision at each relevant place of a ranking."""
    at = np.flatnonzero(relevant)
    return float(np.mean([(n + 1) / (place + 1) for n, place in enumerate(at)]))


@dataclass(frozen=True)
class Ranking:
    """What is known of each candidate of a question: (candidates, features)."""

    question: str
    candidates: list[str]
    features: Values
    gold: npt.NDArray[np.bool_]


FEATURES = ("answers", "relevant", "strength", "cosine", "minus log rank")
READER_ALONE = (0, 1, 2)


def ranking(
    reader: Reader,
    vectors: Callable[[Sequence[str]], Values],
    question: str,
    candidates: Sequence[tuple[str, str, str]],
    gold: Sequence[bool],
) -> Ranking:
    """Return the features of candidates (id, title, text), given in the order of BM25."""
    found = reader.read(question, [Window(title, text) for _, title, text in candidates])
    near = vectors([text for _, _, text in candidates]) @ vectors([question])[0]
    chances = np.clip([one.relevance for one in found], 1e-6, 1 - 1e-6)
    features = np.stack(
        [
            np.array([one.answers for one in found]),
            np.log(chances / (1 - chances)),
            np.array([words_of(one)[1] for one in found]),
            near,
            -np.log1p(np.arange(len(found))),
        ],
        axis=1,
    )
    ids = [key for key, _, _ in candidates]
    return Ranking(question, ids, features, np.array(gold, dtype=bool))


def cached_vectors(cache: Path) -> Callable[[Sequence[str]], Values]:
    """Return a function from texts to unit vectors that remembers them on disk."""
    embedder = PackagedEmbedder(packaged_model_folder())
    known: dict[str, Any] = {}
    if cache.exists():
        with np.load(cache) as kept:
            known = dict(zip(kept["keys"].tolist(), kept["rows"], strict=True))

    def vectors(texts: Sequence[str]) -> Values:
        keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            known.update(zip(new, embedder.embed_passages(list(new.values())), strict=True))
            cache.parent.mkdir(parents=True, exist_ok=True)
            np.savez(cache, keys=np.array(list(known)), rows=np.stack(list(known.values())))
        return np.stack([known[key] for key in keys]).astype(float)

    return vectors


def bm25_order(question: str, texts: Sequence[str], k1: float = 0.9, b: float = 0.4) -> list[int]:
    """Return the numbers of the texts by BM25, best first."""
    counter = CountVectorizer(token_pattern=r"(?u)\b\w+\b")
    counts = counter.fit_transform(texts)
    asked = counter.transform([question]).indices
    lengths = np.asarray(counts.sum(axis=1)).ravel()
    columns = counts[:, asked].toarray().astype(float)
    spread = (columns > 0).sum(axis=0)
    weights = np.log(1 + (len(texts) - spread + 0.5) / (spread + 0.5))
    length_part = k1 * (1 - b + b * lengths / lengths.mean())
    scores = (weights * columns * (k1 + 1) / (columns + length_part[:, None])).sum(axis=1)
    return [int(n) for n in np.argsort(-scores, kind="stable")]


def mixing_weights(
    reader: Reader, bench: Path, vectors: Callable[[Sequence[str]], Values], limit: int | None
) -> dict[str, Values]:
    """Return weights of the features, fitted on SQuAD 2's validation articles.

    Its answerable questions rank paragraphs of all those articles.
    """
    folder = bench / "sets" / "squad20_dev"
    paragraphs = [
        row
        for row in read_lines(folder / "corpus.jsonl.gz")
        if part_of(row["id"].split("#")[0]) in ("validation", "train")
    ]
    texts = [row["text"] for row in paragraphs]
    rows = [
        row
        for row in read_lines(folder / "questions.jsonl.gz")
        if row["answerable"] and part_of(row["context_doc"].split("#")[0]) == "validation"
    ]
    rankings = []
    for row in tqdm(
        sample(rows, min(MIX_QUESTIONS, limit or MIX_QUESTIONS)), desc="mix", unit=" questions"
    ):
        order = bm25_order(row["question"], texts)[:MIX_CANDIDATES]
        candidates = [(paragraphs[n]["id"], "", texts[n]) for n in order]
        gold = [key == row["context_doc"] for key, _, _ in candidates]
        if any(gold):
            rankings.append(ranking(reader, vectors, row["question"], candidates, gold))
    spread = np.concatenate([one.features for one in rankings]).std(axis=0) + 1e-9
    found = {}
    for name, columns in (("reader", READER_ALONE), ("mixed", tuple(range(len(FEATURES))))):
        differences = np.concatenate(
            [
                (one.features[one.gold][0] - one.features[~one.gold])[:, columns]
                / spread[list(columns)]
                for one in rankings
            ]
        )
        model = LogisticRegression(fit_intercept=False, C=1.0, max_iter=2000)
        model.fit(np.concatenate([differences, -differences]), np.repeat([1, 0], len(differences)))
        weights = np.zeros(len(FEATURES))
        weights[list(columns)] = model.coef_[0] / spread[list(columns)]
        found[name] = weights
    return found


def single(feature: str) -> Values:
    """Return weights that rank by one feature."""
    return np.array([float(name == feature) for name in FEATURES])


def trec(
    reader: Reader, bench: Path, limit: int | None, *, cache: Path, mixes: Mapping[str, Values]
) -> Figures:
    """TREC-DL 2019: BM25's top 100 passages ranked anew, nDCG@10."""
    folder = bench / "sets" / "trec_dl_dl19"
    texts = {row["id"]: row["text"] for row in read_lines(folder / "corpus.jsonl.gz")}
    rows = [
        row for row in read_lines(folder / "questions.jsonl.gz") if row["first_stage"] == "bm25"
    ]
    vectors = cached_vectors(cache)
    rankings, gains = [], []
    for row in tqdm(sample(rows, limit and max(4, limit // 12)), desc="TREC-DL", unit=" queries"):
        candidates = [(key, "", texts[key]) for key in row["candidates"]]
        judged = [row["qrels"].get(key, 0) > 1 for key in row["candidates"]]
        rankings.append(ranking(reader, vectors, row["question"], candidates, judged))
        gains.append(row["qrels"])
    figures = {}
    ways = {name: single(name) for name in FEATURES} | dict(mixes)
    for name, weights in ways.items():
        values = []
        for one, gain in zip(rankings, gains, strict=True):
            order = np.argsort(-(one.features @ weights), kind="stable")
            values.append(graded_ndcg_at([one.candidates[n] for n in order], gain, 10))
        label = {"minus log rank": "BM25", "cosine": "cosine of the embedding"}.get(name, name)
        note = "weights from SQuAD 2's validation articles" if name in mixes else ""
        figures[f"nDCG@10, {label}"] = mean(values, [one.question for one in rankings], note)
    return figures


def trecqa(
    reader: Reader, bench: Path, limit: int | None, *, mixes: Mapping[str, Values]
) -> Figures:
    """TREC QA: which sentences answer; questions with sentences of both kinds."""
    folder = bench / "sets" / "trecqa"
    texts = {row["id"]: row["text"] for row in read_lines(folder / "corpus.jsonl.gz")}
    rows = [
        row
        for row in read_lines(folder / "questions.jsonl.gz")
        if row["split"] == "dev" and 0 < sum(row["labels"]) < len(row["labels"])
    ]
    precisions: dict[str, list[float]] = defaultdict(list)
    ranks: dict[str, list[float]] = defaultdict(list)
    ways = {name: single(name) for name in FEATURES[:3]} | {"reader": mixes["reader"]}
    for row in tqdm(sample(rows, limit), desc="TREC QA", unit=" questions"):
        found = reader.read(
            row["question"].replace("<num>", "2"),
            [Window("", texts[key]) for key in row["candidates"]],
        )
        features = np.array(
            [[one.answers, one.relevance, words_of(one)[1], 0.0, 0.0] for one in found]
        )
        chances = np.clip(features[:, 1], 1e-6, 1 - 1e-6)
        features[:, 1] = np.log(chances / (1 - chances))
        gold = np.array(row["labels"], dtype=bool)
        for name, weights in ways.items():
            ordered = gold[np.argsort(-(features @ weights), kind="stable")]
            precisions[name].append(average_precision(ordered))
            ranks[name].append(1 / (1 + int(ordered.argmax())))
    numbers = [str(n) for n in range(len(precisions["reader"]))]
    note = "development questions; the set here has no test split"
    return {
        f"{what}, {name}": mean(values[name], numbers, note)
        for what, values in (("MAP", precisions), ("MRR", ranks))
        for name in ways
    }


@dataclass(frozen=True)
class Pair:
    """A statement, what it is to be checked against, whether people say it is supported."""

    statement: str
    text: str
    supported: bool
    document: str
    held_out: bool


def support_pairs(bench: Path, name: str) -> Iterator[Pair]:
    """Yield the pairs of a set."""
    folder = bench / "sets" / name
    if name == "wice":
        texts = {row["id"]: row["text"] for row in read_lines(folder / "corpus.jsonl.gz")}
        for row in read_lines(folder / "questions.jsonl.gz"):
            key = row["context_doc"]
            held = support_data.is_held_out(key)
            yield Pair(row["question"], texts[key], row["label"] == "supported", key, held)
        return
    for row in read_lines(folder / "pairs.jsonl.gz"):
        if name == "summedits_other":
            document = support_data.document_of_summary(row)
            held = support_data.is_held_out(document)
        else:
            document, held = hashlib.sha256(row["premise"].encode()).hexdigest()[:16], True
        yield Pair(row["hypothesis"], row["premise"], row["label"] == 1, document, held)


def supported(reader: Reader, pairs: Sequence[Pair], desc: str, *, whole: bool) -> Values:
    """Return the chance of support of each pair.

    Args:
        reader: The reader.
        pairs: What to check.
        desc: For the progress bar.
        whole: Against the whole text, in overlapping parts; else against its closest sentences.
    """
    given = []
    for pair in pairs:
        words = pair.text
        if not whole:
            sentences = [span.within(pair.text) for span in split_sentences(pair.text)]
            words = closest_sentences(pair.statement, sentences, SUPPORT_WORDS)
        given.append((pair.statement, words))
    chances: list[float] = []
    for at in tqdm(range(0, len(given), PAIRS_AT_ONCE), desc=desc, unit=" batches"):
        chances += reader.support(given[at : at + PAIRS_AT_ONCE])[:, 0].tolist()
    return np.array(chances)


def support(reader: Reader, bench: Path, limit: int | None, *, name: str) -> Figures:
    """Say whether a text supports a statement, on documents that were never trained on."""
    pairs = list(support_pairs(bench, name))
    held = sample([pair for pair in pairs if pair.held_out], limit)
    # A set without a training half takes its threshold from SummEdits.
    others = [pair for pair in pairs if not pair.held_out] or [
        pair for pair in support_pairs(bench, "summedits_other") if not pair.held_out
    ]
    others = sample(others, min(400, limit or 400))
    truth = np.array([pair.supported for pair in held], dtype=bool)
    documents = [pair.document for pair in held]
    figures = {}
    for way, whole in (("closest sentences", False), ("whole text", True)):
        if whole and name == "wice":
            continue
        chances = supported(reader, held, f"{name}, {way}", whole=whole)
        known = supported(reader, others, f"{name}, threshold", whole=whole)
        for label, measure in (("balanced accuracy", balanced), ("F1", f1)):
            threshold = best_threshold(known, [pair.supported for pair in others], measure)
            for note, at in (
                (f"threshold {threshold:.2f} chosen on other documents", threshold),
                ("threshold 0.5", 0.5),
            ):
                figures[f"{label}, {way}, {note.split(' chosen')[0]}"] = drawn(
                    lambda n, at=at, measure=measure, c=chances: measure(c[n] >= at, truth[n]),
                    documents,
                    note,
                )
        figures[f"AUC, {way}"] = areas(chances, truth.tolist(), documents, "")
    figures["supported"] = share(truth.tolist(), "the set's own share")
    return figures


def sample(rows: Sequence[Any], limit: int | None) -> list[Any]:
    """Return a fixed random sample, in the set's order; all where there is no limit."""
    if limit is None or limit >= len(rows):
        return list(rows)
    return [rows[n] for n in sorted(random.Random(SEED).sample(range(len(rows)), limit))]


SETS = ("squad20", "clapnq", "trec_dl", "trecqa", "qags", "summedits", "wice")


def evaluate(
    reader: Reader, bench: Path, sets: Sequence[str], limit: int | None, cache: Path
) -> dict[str, Figures]:
    """Return the figures of each set."""
    mixes: dict[str, Values] = {}
    if {"trec_dl", "trecqa"} & set(sets):
        mixes = mixing_weights(reader, bench, cached_vectors(cache), limit)
    return {
        name: {
            "squad20": lambda: squad20(reader, bench, limit),
            "clapnq": lambda: clapnq(reader, bench, limit),
            "trec_dl": lambda: trec(reader, bench, limit, cache=cache, mixes=mixes),
            "trecqa": lambda: trecqa(reader, bench, limit, mixes=mixes),
            "qags": lambda: support(reader, bench, limit, name="qags_cnndm"),
            "summedits": lambda: support(reader, bench, limit, name="summedits_other"),
            "wice": lambda: support(reader, bench, limit, name="wice"),
        }[name]()
        for name in sets
    }


def table(figures: Mapping[str, Figures]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| set | figure | value | 95 % | n | |", "|---|---|---|---|---|---|"]
    for name, found in figures.items():
        for label, figure in found.items():
            interval = f"{figure.low:.3f} to {figure.high:.3f}"
            cells = (name, label, f"{figure.value:.3f}", interval, str(figure.n), figure.note)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Evaluate one model; print the table, write the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--limit", type=int, help="questions or pairs of each set at most")
    parser.add_argument("--out", type=Path, help="the figures as JSON")
    parser.add_argument("--cache", type=Path, default=Path(".cache/evaluate_reader.npz"))
    wanted = parser.parse_args()
    sets = wanted.sets.split(",")
    if unknown := set(sets) - set(SETS):
        parser.error(f"no set {', '.join(sorted(unknown))}; there are {', '.join(SETS)}")
    begun = time.monotonic()
    figures = evaluate(open_reader(wanted.model), wanted.bench, sets, wanted.limit, wanted.cache)
    print(table(figures))
    if wanted.out:
        wanted.out.parent.mkdir(parents=True, exist_ok=True)
        told = {
            "model": wanted.model.name,
            "limit": wanted.limit,
            "seconds": round(time.monotonic() - begun, 1),
            "sets": {
                name: {label: asdict(figure) for label, figure in found.items()}
                for name, found in figures.items()
            },
        }
        wanted.out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
