"""An index checked against itself, in a child process: a damaged store can kill its reader."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rag.caches import distrust_caches, open_caches
from rag.errors import IndexIncompleteError, RagError
from rag.ledger import Generation, Ledger, Snapshot, shown

_TIMEOUT_S = 600
_SELF_QUERIES = 20
_PORTION = 2000


def verify_index(index: Path, *, language: str) -> list[str]:
    """Return what is wrong with an index, one line each, [] when all is well.

    Search caches that are damaged are rebuilt from the ledger when they are opened next.

    Raises:
        IndexProblem: If the ledger cannot be opened, or its first run was not finished.
    """
    with Ledger(index).snapshot() as view:
        generation = view.generation()
    if generation is None:
        raise IndexIncompleteError(
            f"The index {shown(index)} is not finished.",
            remedy="Run `rag index` to finish it; what is done is kept.",
        )
    problems: list[str] = []
    for part in ("ledger", "caches"):
        done = subprocess.run(
            [sys.executable, "-m", "rag.verification", part, str(index), language],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if done.returncode == 0:
            found: list[str] = json.loads(done.stdout)
        else:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            found = [f"Reading the {part} killed the checker (exit {done.returncode}): {last}"]
        if part == "caches" and found:
            distrust_caches(index, generation.caches)
            found.append("The search caches are rebuilt from the ledger at the next question.")
        problems += found
    return problems


def find_problems(part: str, index: Path, language: str) -> list[str]:
    """Look for problems of the ledger or of the caches in this process."""
    try:
        ledger = Ledger(index)
        problems = ledger.integrity_problems() if part == "ledger" else []
        with ledger.snapshot() as view:
            generation = view.generation()
            if generation is None:
                return ["The first indexing run was never finished."]
            if part == "ledger":
                return [
                    *(f"The ledger: {line}" for line in problems),
                    *_ledger_problems(view, generation),
                ]
            return list(_cache_problems(index, view, generation, language))
    except RagError as error:
        return [error.problem]


def _ledger_problems(view: Snapshot, generation: Generation) -> Iterator[str]:
    number = generation.number
    for summary in view.summaries(number):
        article = view.article(summary.path, number)
        if article is None or article.sha256 != article.text_sha256():
            yield f"{shown(summary.path)}: the stored text does not match its hash."
    row_ids = view.row_ids(number)
    _, expected = view.counts(number)
    if len(row_ids) != expected:
        yield f"There are {len(row_ids)} passages; the articles had {expected}."
    for start in range(0, len(row_ids), _PORTION):
        portion = row_ids[start : start + _PORTION]
        vectors = view.vectors(portion)
        for row_id, stored in view.stored_passages(portion, number).items():
            passage = stored.passage
            if not passage.text or any(
                span.start < passage.start or span.end > passage.end for span in passage.sentences
            ):
                yield f"{shown(passage.path)}: a passage does not fit its article."
            if abs(float(np.linalg.norm(vectors[row_id])) - 1) > 1e-3:
                yield f"{shown(passage.path)}: the vector of a passage is damaged."


def _cache_problems(
    index: Path, view: Snapshot, generation: Generation, language: str
) -> Iterator[str]:
    row_ids = view.row_ids(generation.number)
    caches = open_caches(index, generation.caches, passages=len(row_ids), language=language)
    sample = row_ids[:: max(1, len(row_ids) // _SELF_QUERIES)]
    vectors = view.vectors(sample)
    unfound = 0
    for row_id, title, text in view.texts_of(sample):
        nearest = caches.vectors.nearest(vectors[row_id], limit=5)
        unfound += not any(similarity > 0.999 for _, similarity in nearest)
        words = f"{title} {text}"
        if caches.lexicon.terms(words) and not caches.lexicon.matches(
            words, limit=1, only=[row_id]
        ):
            yield f"The word cache does not find passage {row_id} by its words."
    # The search is approximate: among near-duplicates it misses about one passage in a thousand.
    if unfound > max(1, len(sample) // 10):
        yield f"The vector cache does not find {unfound} of {len(sample)} passages."
    caches.close()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(find_problems(sys.argv[1], Path(sys.argv[2]), sys.argv[3])))
