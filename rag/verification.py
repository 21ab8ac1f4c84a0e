"""An index checked against itself, in a child process: a damaged store can kill the one who reads it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rag.caches import open_caches
from rag.errors import RagError
from rag.ledger import Generation, Ledger, shown

_TIMEOUT_S = 600
_SELF_QUERIES = 20


def verify_index(index: Path, generation: Generation, *, language: str) -> list[str]:
    """Return what is wrong with an index, one line each, [] when all is well."""
    done = subprocess.run(
        [sys.executable, "-m", "rag.verification", str(index), generation.caches, language],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        return [f"Reading the index killed the checker (exit {done.returncode}): {last}"]
    problems: list[str] = json.loads(done.stdout)
    return problems


def find_problems(index: Path, caches: str, language: str) -> list[str]:
    """Look for problems in this process; see :func:`verify_index`."""
    ledger = Ledger(index)
    problems = [f"The ledger: {line}" for line in ledger.integrity_problems()]
    with ledger.snapshot() as view:
        generation = view.generation()
        if generation is None:
            return [*problems, "The first indexing run was never finished."]
        number = generation.number
        for summary in view.summaries(number):
            article = view.article(summary.path, number)
            if article is None or article.sha256 != article.text_sha256():
                problems.append(f"{shown(summary.path)}: the stored text does not match its hash.")
        row_ids = view.row_ids(number)
        stored = view.stored_passages(row_ids, number)
        vectors = view.vectors(row_ids)
        for row_id in row_ids:
            passage = stored[row_id].passage
            if not passage.text or any(
                span.start < passage.start or span.end > passage.end for span in passage.sentences
            ):
                problems.append(f"{shown(passage.path)}: a passage does not fit its article.")
        try:
            opened = open_caches(index, caches, passages=len(row_ids), language=language)
        except RagError as error:
            return [*problems, error.problem]
        step = max(1, len(row_ids) // _SELF_QUERIES)
        for row_id in row_ids[::step]:
            nearest = opened.vectors.nearest(vectors[row_id], limit=5)
            if not any(similarity > 0.999 for _, similarity in nearest):
                problems.append(f"The vector cache does not find passage {row_id} by its vector.")
        opened.close()
    return problems


if __name__ == "__main__":
    sys.stdout.write(json.dumps(find_problems(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
