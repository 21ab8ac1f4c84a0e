"""Public question sets -> the examples that the reader learns to read from.

Only sets whose licence allows it; whole articles are held out for measuring (:func:`is_held_out`),
so that figures on them are figures on articles that were never trained on. Run:
``python -m training.reader_data BENCH OUT``; BENCH is a folder with ``train/`` and ``sets/``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import lzma
import random
import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tqdm import tqdm

from rag.passages import split_sentences
from training import support_data
from training.altered_questions import altered
from training.support_data import SupportExample

SEED = 20261121
Part = Literal["train", "validation", "held out"]


@dataclass(frozen=True, slots=True)
class Example:
    """A question, words to read, and what is to be found.

    Attributes:
        title: Of the article; context only. Empty where it is not shown.
        span: The answer in ``text``, in code points; None where there is none or none is marked.
        answers: Whether the words answer.
        span_known: Whether ``span`` is to be learned (None then means: no answer).
        relevant: Whether the words are about what is asked; None where that is not known.
        source: Which data it is from.
    """

    question: str
    title: str
    text: str
    span: tuple[int, int] | None
    answers: bool
    span_known: bool
    relevant: bool | None
    source: str


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSONL file, plain or compressed."""
    opener: Any = {".xz": lzma.open, ".gz": gzip.open}.get(path.suffix, open)
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def part_of(article: str) -> Part:
    """Return which part an article of a set with held-out articles belongs to.

    Half of them are never trained on; an eighth chooses thresholds and draws the learning curve.
    """
    bucket = zlib.crc32(re.sub(r"[\s_]+", "_", article).encode()) % 8
    return "held out" if bucket in (0, 3, 5, 6) else "validation" if bucket == 1 else "train"


def is_held_out(article: str) -> bool:
    """Say whether an article is only ever measured on."""
    return part_of(article) == "held out"


def squad11(bench: Path, seed: int, *, validation: bool = False) -> Iterator[Example]:
    """Yield one example for each question of SQuAD 1.1's training half."""
    choice = random.Random(seed)
    texts = {}
    titles = {}
    paragraphs = defaultdict(list)
    for row in read_lines(bench / "train" / "squad11_train.corpus.jsonl.xz"):
        texts[row["id"]], titles[row["id"]] = row["text"], row["title"]
        paragraphs[row["title"]].append(row["id"])
    asked = read_lines(bench / "train" / "squad11_train.questions.jsonl.xz")
    by_title = defaultdict(list)
    for row in asked:
        by_title[titles[row["context_doc"]]].append(row["question"])
    all_ids = list(texts)
    words = {key: frozenset(re.findall(r"\w+", text.lower())) for key, text in texts.items()}
    cut: dict[str, list[tuple[int, int]]] = {}
    for row in tqdm(asked, desc="SQuAD 1.1", unit=" questions"):
        key, question, answer = row["context_doc"], row["question"].strip(), row["answers"][0]
        title, text, start = titles[key], texts[key], row["answer_start"]
        if (zlib.crc32(title.encode()) % 50 == 0) is not validation:
            continue
        if text[start : start + len(answer)] != answer:
            continue
        if key not in cut:
            cut[key] = [(span.start, span.end) for span in split_sentences(text)]
        sentences = cut[key]
        shown = title if choice.random() < 0.5 else ""
        span = (start, start + len(answer))
        draw = choice.random()
        if draw < 0.50:
            yield _positive(_reworded(question, choice), shown, text, span, sentences, choice)
            continue
        if draw < 0.60:
            without = _without_answer(text, span, answer, sentences, choice)
            if without is not None:
                yield Example(question, shown, without, None, False, True, None, "answer removed")
                continue
        if draw < 0.70:
            siblings = [other for other in paragraphs[title] if other != key]
            tried = choice.sample(siblings, min(12, len(siblings)))
            asking = frozenset(re.findall(r"\w+", question.lower()))
            tried = [other for other in tried if answer.lower() not in texts[other].lower()]
            if tried:
                other = max(tried, key=lambda key: len(words[key] & asking))
                yield Example(
                    question, shown, texts[other], None, False, True, False, "same article"
                )
                continue
        if draw < 0.73:
            other = choice.choice(all_ids)
            if answer.lower() not in texts[other].lower():
                title = titles[other] if shown else ""
                yield Example(question, title, texts[other], None, False, True, False, "elsewhere")
                continue
        around = " ".join(
            texts[other]
            for other in choice.sample(paragraphs[title], min(3, len(paragraphs[title])))
        )
        near = altered(
            question,
            answer=answer,
            nearby=text,
            around=around,
            others=by_title[title],
            choice=choice,
        )
        if near is None:
            yield _positive(question, shown, text, span, sentences, choice)
            continue
        positive = _positive(near, shown, text, span, sentences, choice)
        yield Example(near, shown, positive.text, None, False, True, None, "altered question")


def squad20(bench: Path, part: Part) -> Iterator[Example]:
    """Yield the questions of SQuAD 2's development half whose articles belong to a part."""
    folder = bench / "sets" / "squad20_dev"
    rows = {row["id"]: row for row in read_lines(folder / "corpus.jsonl.gz")}
    for row in read_lines(folder / "questions.jsonl.gz"):
        key = row["context_doc"]
        if part_of(key.split("#")[0]) != part:
            continue
        text = rows[key]["text"]
        title = rows[key]["title"] if zlib.crc32(row["id"].encode()) % 2 else ""
        span = None
        if row["answerable"]:
            start = row["answer_start"]
            answer = next((a for a in row["answers"] if text.startswith(a, start)), None)
            if answer is None:
                continue
            span = (start, start + len(answer))
        yield Example(
            row["question"].strip(), title, text, span, row["answerable"], True, None, "squad20"
        )


def clapnq(bench: Path, part: Part) -> Iterator[Example]:
    """Yield questions with windows of three sentences that people marked as answering, or not."""
    folder = bench / "sets" / "clapnq"
    rows = {row["id"]: row for row in read_lines(folder / "corpus.jsonl.gz")}
    choice = random.Random(SEED)
    for row in read_lines(folder / "questions.jsonl.gz"):
        passage = rows[row["context_doc"]]
        if part_of(passage["title"]) != part:
            continue
        text = passage["text"]
        marked = []
        for evidence in row["evidence"]:
            at = text.find(evidence["quote"])
            if evidence["doc_id"] == row["context_doc"] and at >= 0:
                marked.append((at, at + len(evidence["quote"])))
        sentences = [(span.start, span.end) for span in split_sentences(text)]
        if row["answerable"] and not marked:
            continue
        for at in range(0, len(sentences), 2):
            start, end = sentences[max(0, at - 1)][0], sentences[min(len(sentences) - 1, at + 1)][1]
            answers = any(a < end and b > start for a, b in marked)
            if not answers and choice.random() < 0.4:
                continue
            yield Example(
                row["question"], passage["title"], text[start:end], None, answers, False,
                True if answers else None, "clapnq",
            )  # fmt: skip


def timeqa(bench: Path, part: Part) -> Iterator[Example]:
    """Yield questions about a stated time, with paragraphs that answer for it or do not."""
    folder = bench / "sets" / "timeqa"
    rows = {row["id"]: row for row in read_lines(folder / "corpus.jsonl.gz")}
    by_prefix: dict[str, list[str]] = defaultdict(list)
    for key in rows:
        by_prefix[key.split("#")[0] + "#"].append(key)
    choice = random.Random(SEED)
    for row in read_lines(folder / "questions.jsonl.gz"):
        prefix = row["candidate_docs_prefix"]
        if part_of(prefix) != part:
            continue
        marked = {evidence["doc_id"] for evidence in row["evidence"]}
        for evidence in row["evidence"][:2]:
            text = rows[evidence["doc_id"]]["text"]
            at = text.find(evidence["quote"])
            if at < 0:
                continue
            sentences = [(span.start, span.end) for span in split_sentences(text)]
            yield _positive(
                row["question"], rows[evidence["doc_id"]]["title"], text,
                (at, at + len(evidence["quote"])), sentences, choice, source="timeqa",
            )  # fmt: skip
        asking = frozenset(re.findall(r"\w+", row["question"].lower()))
        answers = [answer.lower() for answer in row["answers"]]
        rest = [
            key
            for key in by_prefix[prefix]
            if key not in marked
            and not any(answer in rows[key]["text"].lower() for answer in answers)
        ]
        rest.sort(key=lambda key: -len(asking & set(re.findall(r"\w+", rows[key]["text"].lower()))))
        for key in rest[: 1 if row["answerable"] else 2]:
            yield Example(
                row["question"], rows[key]["title"], rows[key]["text"][:900], None, False, True,
                None, "timeqa",
            )  # fmt: skip


def support(bench: Path, *, validation: bool) -> Iterator[SupportExample]:
    """Yield statements with words that support them or not; one document in fifty validates."""
    for example in support_data.examples(bench, SEED):
        if (zlib.crc32(example.group.encode()) % 50 == 0) is validation:
            yield example


def _positive(
    question: str,
    title: str,
    text: str,
    span: tuple[int, int],
    sentences: Sequence[tuple[int, int]],
    choice: random.Random,
    source: str = "squad11",
) -> Example:
    """Return an example with the whole text or a window of a few sentences around the answer."""
    if choice.random() < 0.45 or not sentences:
        return Example(question, title, text, span, True, True, True, source)
    first = next((n for n, (_, end) in enumerate(sentences) if end > span[0]), len(sentences) - 1)
    last = next((n for n, (_, end) in enumerate(sentences) if end >= span[1]), len(sentences) - 1)
    before, after = choice.choice(((1, 1), (1, 1), (0, 0), (0, 1), (1, 0), (2, 2), (0, 3), (3, 0)))
    start = sentences[max(0, first - before)][0]
    end = sentences[min(len(sentences) - 1, last + after)][1]
    start, end = min(start, span[0]), max(end, span[1])
    return Example(
        question,
        title,
        text[start:end],
        (span[0] - start, span[1] - start),
        True,
        True,
        True,
        source,
    )


def _without_answer(
    text: str,
    span: tuple[int, int],
    answer: str,
    sentences: Sequence[tuple[int, int]],
    choice: random.Random,
) -> str | None:
    """Return words of the paragraph that lack the sentence of the answer, or None."""
    rest = [(a, b) for a, b in sentences if b <= span[0] or a >= span[1]]
    if len(rest) < 2:
        return None
    if choice.random() < 0.5:
        at = choice.randrange(len(rest))
        rest = rest[max(0, at - 1) : at + 2]
    kept = " ".join(text[a:b] for a, b in rest)
    return None if answer.lower() in kept.lower() else kept


def _reworded(question: str, choice: random.Random) -> str:
    """Return a question now and then worded in another harmless way."""
    draw = choice.random()
    if draw < 0.06:
        return question.rstrip("? ")
    if draw < 0.09:
        return f"According to the articles, {question}"
    if draw < 0.11:
        return f"Do you know {question[0].lower()}{question[1:]}"
    return question


def main() -> None:
    """Write the files that :mod:`training.train_reader` reads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bench", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--passes", type=int, default=2, help="over SQuAD 1.1, drawn anew each")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    parts: dict[str, list[Iterator[Example | SupportExample]]] = {
        "questions": [squad11(wanted.bench, SEED + n) for n in range(wanted.passes)],
        "real": [
            squad20(wanted.bench, "train"), clapnq(wanted.bench, "train"),
            timeqa(wanted.bench, "train"),
        ],
        "validation": [
            squad20(wanted.bench, "validation"), squad11(wanted.bench, SEED, validation=True),
        ],
    }  # fmt: skip
    for held, name in ((False, "support"), (True, "support_validation")):
        parts[name] = [support(wanted.bench, validation=held)]
    for name, sources in parts.items():
        counted: dict[str, int] = defaultdict(int)
        with gzip.open(wanted.out / f"{name}.jsonl.gz", "wt", encoding="utf-8") as lines:
            for source in sources:
                for example in source:
                    counted[example.source] += 1
                    lines.write(json.dumps(asdict(example)) + "\n")
        print(name, dict(counted))


if __name__ == "__main__":
    main()
