"""The two search caches of one generation, in a folder of their own: built once, then only read.

Whatever happens to them, they are rebuilt from the ledger without embedding anything again.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.embedder import Vectors
from rag.errors import IndexDamagedError
from rag.ledger import Snapshot, Writer
from rag.lexicon import Lexicon
from rag.vectors import ChromaVectors, ExactVectors, VectorSearch

CACHES_FOLDER = "caches"
_SEAL = "complete.json"
# Copying the previous folder pays as long as little of it changes.
_COPY_SHARE = 0.3
_PORTION = 2000


@dataclass(frozen=True, slots=True)
class Caches:
    """Dense and lexical search over one generation."""

    vectors: VectorSearch
    lexicon: Lexicon

    def close(self) -> None:
        """Let go of the files."""
        self.vectors.close()


def open_caches(index: Path, name: str, *, passages: int, language: str) -> Caches:
    """Open the caches of a generation.

    Args:
        index: The index folder.
        name: The folder's name, as the ledger has it.
        passages: How many passages there must be.
        language: ISO 639 code of the articles.

    Raises:
        IndexDamagedError: If they are missing, unfinished or damaged.
    """
    folder = index / CACHES_FOLDER / name
    if not (folder / _SEAL).is_file():
        raise _damaged(folder, "it is missing or unfinished")
    vectors = ChromaVectors(folder / "vectors")
    lexicon = Lexicon(folder / "words", language=language)
    for found, what in ((vectors.count(), "vectors"), (lexicon.count(), "word entries")):
        if found != passages:
            vectors.close()
            raise _damaged(folder, f"it has {found} {what} for {passages} passages")
    return Caches(vectors, lexicon)


def caches_in_memory(view: Snapshot, generation: int, *, language: str) -> Caches:
    """Return caches made from the ledger alone, where the folder can be neither used nor mended."""
    row_ids = view.row_ids(generation)
    stored = view.vectors(row_ids)
    matrix = np.stack([stored[row_id] for row_id in row_ids]) if row_ids else np.zeros((0, 1), "f4")
    lexicon = Lexicon(None, language=language, create=True)
    lexicon.add(view.texts_of(row_ids))
    return Caches(ExactVectors(row_ids, matrix), lexicon)


def build_caches(
    index: Path,
    writer: Writer,
    row_ids: Sequence[int],
    *,
    generation: int,
    language: str,
    previous: tuple[str, Sequence[int]] | None,
    on_progress: Callable[[int, int], None],
) -> str:
    """Fill a new folder with the caches of a generation and return its name.

    Args:
        index: The index folder.
        writer: The ledger, where the vectors come from.
        row_ids: Every passage of the generation.
        generation: Its number.
        language: ISO 639 code of the articles.
        previous: The folder of the generation before and its passages, if it can be copied.
        on_progress: Called with passages done and passages to do.
    """
    name = f"{generation:06d}-{secrets.token_hex(4)}"
    folder = index / CACHES_FOLDER / name
    folder.parent.mkdir(exist_ok=True)
    added, removed = list(row_ids), list[int]()
    if previous is not None:
        old = set(previous[1])
        new = set(row_ids)
        source = index / CACHES_FOLDER / previous[0]
        changes = len(new ^ old)
        if (source / _SEAL).is_file() and changes <= _COPY_SHARE * len(new):
            shutil.copytree(source, folder)
            (folder / _SEAL).unlink()
            added, removed = sorted(new - old), sorted(old - new)
    fresh = not folder.exists()
    vectors = ChromaVectors(folder / "vectors", create=fresh)
    try:
        lexicon = Lexicon(folder / "words", language=language, create=fresh)
        if removed:
            vectors.remove(removed)
            lexicon.remove(removed)
        done = 0
        on_progress(done, len(added))
        for start in range(0, len(added), _PORTION):
            portion = added[start : start + _PORTION]
            vectors.add(_rows(writer, portion))
            done += len(portion)
            on_progress(done, len(added))
        if added:
            lexicon.add(writer.texts_of(added))
    finally:
        vectors.close()
    (folder / _SEAL).write_text(json.dumps({"generation": generation, "passages": len(row_ids)}))
    return name


def sweep_caches(index: Path, keep: Sequence[str]) -> None:
    """Delete the folders of earlier and of unfinished generations."""
    folder = index / CACHES_FOLDER
    for child in folder.iterdir() if folder.is_dir() else ():
        if child.name not in keep:
            shutil.rmtree(child, ignore_errors=True)


def _rows(writer: Writer, row_ids: Sequence[int]) -> Iterator[tuple[int, Vectors]]:
    yield from writer.vectors(row_ids).items()


def _damaged(folder: Path, problem: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"The search caches {folder} cannot be used: {problem}.",
        remedy="Run `rag index`; they are rebuilt from the ledger without embedding again.",
    )
