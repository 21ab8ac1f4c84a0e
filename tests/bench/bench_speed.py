"""How fast it is here: warm and cold questions, passages a second, memory. Not a test.

Usage: python tests/bench/bench_speed.py [--quick] [--passages N]

Indexing is measured against the bare embedder in the same run, on Reuters stories that lie beside
the project; without them that part is left out.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import rag
from rag.embedder import Vectors, open_embedder

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = ROOT.parent / "shared"
STORIES = SHARED / "bench" / "scale" / "reuters21578.jsonl.gz"
QUESTIONS = SHARED / "questions" / "seeds.jsonl"
OWN_QUESTIONS = (
    "How many hostages remain?",
    "Who is the special envoy to the Middle East?",
    "What did Hamas demand?",
    "Why did the talks stall?",
    "How long would the cease-fire last?",
    "What is the recipe for pancakes?",
)


class _Recording:
    """The packaged embedder; remembers what it embedded and how long that took."""

    def __init__(self) -> None:
        self._embedder = open_embedder("packaged")
        self.window = self._embedder.window
        self.fingerprint = self._embedder.fingerprint
        self.batches: list[list[str]] = []
        self.seconds = 0.0

    def count_pieces(self, text: str) -> int:
        return self._embedder.count_pieces(text)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        rows = self._embedder.embed_passages(texts)
        self.seconds += time.perf_counter() - started
        self.batches.append(list(texts))
        return rows

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        return self._embedder.embed_questions(texts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer questions and passages")
    parser.add_argument("--passages", type=int, default=5000, help="to index at least")
    arguments = parser.parse_args()
    passages = min(arguments.passages, 300) if arguments.quick else arguments.passages
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _say("cores", os.cpu_count())
        _say("load before", " ".join(f"{load:.2f}" for load in os.getloadavg()))
        _warm(folder, 40 if arguments.quick else 200)
        _cold(folder, 2 if arguments.quick else 5)
        if STORIES.is_file():
            _indexing(folder, passages)
    _say("memory of this process at most, MB", round(_peak_mb()))
    _say("load after", " ".join(f"{load:.2f}" for load in os.getloadavg()))


def _warm(folder: Path, count: int) -> None:
    questions = list(OWN_QUESTIONS)
    if QUESTIONS.is_file():
        lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
        questions = [json.loads(line)["question"] for line in lines]
    with rag.build(ROOT / "seeds", folder / "seeds") as archive:
        for question in questions[:3]:
            archive.ask(question)
        taken = []
        for number in range(count):
            started = time.perf_counter()
            archive.ask(questions[number % len(questions)])
            taken.append((time.perf_counter() - started) * 1e3)
    first = taken[: len(questions)]
    _say(f"warm ask, {count} questions, p50 ms", f"{np.percentile(taken, 50):.0f}")
    _say(f"warm ask, {count} questions, p95 ms", f"{np.percentile(taken, 95):.0f}")
    _say(f"warm ask, each asked the first time ({len(first)}), p50 ms", f"{np.median(first):.0f}")
    _say("memory after questions, MB", round(_peak_mb()))


def _cold(folder: Path, times: int) -> None:
    command = [str(Path(sys.executable).with_name("rag")), "ask", "--json", OWN_QUESTIONS[0]]
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        subprocess.run(
            [*command, "--index", str(folder / "seeds")], check=True, capture_output=True
        )
        taken.append(time.perf_counter() - started)
    _say(f"cold `rag ask`, median of {times}, s", f"{statistics.median(taken):.1f}")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    _say("cold `rag ask`, memory at most, MB", round(children))


def _indexing(folder: Path, wanted: int) -> None:
    corpus = folder / "stories"
    corpus.mkdir()
    words = 0
    with gzip.open(STORIES, "rt", encoding="utf-8") as stories:
        for number, line in enumerate(stories):
            story = json.loads(line)
            text = f"{story.get('title') or 'Untitled'}\n\n{story['text']}\n"
            (corpus / f"{number:05d}.txt").write_text(text, encoding="utf-8")
            words += len(text.split())
            if words > wanted * 90:
                break
    embedder = _Recording()
    started = time.perf_counter()
    with rag.build(corpus, folder / "index", embedding=embedder) as archive:
        whole_s = time.perf_counter() - started
        passages = archive.status()["passages"]
    embedded = sum(len(batch) for batch in embedder.batches)
    # The same batches again, with nothing around them.
    started = time.perf_counter()
    for batch in embedder.batches:
        embedder._embedder.embed_passages(batch)
    bare_s = time.perf_counter() - started
    _say("indexed passages", f"{passages} ({embedded} embedded)")
    _say("indexing, passages a second", f"{embedded / whole_s:.1f}")
    _say("bare embedder, passages a second", f"{embedded / bare_s:.1f}")
    _say("indexing against the bare embedder", f"{bare_s / whole_s:.2f}")
    _say("of indexing, share spent embedding", f"{embedder.seconds / whole_s:.2f}")


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _say(what: str, value: object) -> None:
    sys.stdout.write(f"{what:55} {value}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
