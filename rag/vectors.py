"""Vectors in Chroma: the dense search cache. The only room that imports chromadb.

A folder is filled once, by one process, and never written again: every generation has its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from rag.embedder import Vectors
from rag.errors import IndexDamagedError

_COLLECTION = "passages"


class VectorSearch(Protocol):
    """Finds the passages nearest to a question."""

    def nearest(self, question: Vectors, *, limit: int) -> list[tuple[int, float]]:
        """Return (row id, cosine similarity), nearest first.

        Args:
            question: Unit vector, shape ``(dim,)``.
            limit: How many at most.
        """

    def count(self) -> int:
        """Return how many passages there are."""

    def close(self) -> None:
        """Let go of files."""


class ChromaVectors:
    """A Chroma collection in a folder of its own.

    Args:
        folder: Where it is kept; made if ``create``.
        create: Make a new, empty collection.

    Raises:
        IndexDamagedError: If the collection cannot be opened.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        # Chroma looks for a .env file and for telemetry settings in the environment.
        os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
        import chromadb
        from chromadb.config import Settings

        if not create and not (folder / "chroma.sqlite3").is_file():
            # Opening would silently make a new, empty one.
            raise _damaged(folder, "its file is missing")
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        with _explained(folder):
            self._client: Any = chromadb.PersistentClient(
                path=str(folder), settings=Settings(anonymized_telemetry=False)
            )
            if create:
                self._collection: Any = self._client.create_collection(
                    _COLLECTION,
                    embedding_function=None,
                    configuration={"hnsw": {"space": "cosine"}},
                )
            else:
                self._collection = self._client.get_collection(_COLLECTION, embedding_function=None)

    def add(self, rows: Iterable[tuple[int, Vectors]]) -> None:
        """Store vectors under their row ids, replacing what was there."""
        limit = self._client.get_max_batch_size()
        batch: list[tuple[int, Vectors]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == limit:
                self._upsert(batch)
                batch = []
        if batch:
            self._upsert(batch)

    def _upsert(self, batch: Sequence[tuple[int, Vectors]]) -> None:
        self._collection.upsert(
            ids=[str(row_id) for row_id, _ in batch],
            embeddings=np.stack([vector for _, vector in batch]),
        )

    def remove(self, row_ids: Sequence[int]) -> None:
        """Forget vectors."""
        limit = self._client.get_max_batch_size()
        for start in range(0, len(row_ids), limit):
            self._collection.delete(ids=[str(r) for r in row_ids[start : start + limit]])

    def nearest(self, question: Vectors, *, limit: int) -> list[tuple[int, float]]:
        """Return (row id, cosine similarity), nearest first."""
        with _explained(self._folder):
            found = self._collection.query(
                query_embeddings=question[None, :],
                n_results=max(1, min(limit, self.count() or 1)),
                include=["distances"],
            )
        return [
            (int(row_id), 1.0 - float(distance))
            for row_id, distance in zip(found["ids"][0], found["distances"][0], strict=True)
        ]

    def count(self) -> int:
        """Return how many passages there are."""
        with _explained(self._folder):
            return int(self._collection.count())

    def close(self) -> None:
        """Let go of the files."""
        self._client.close()


class ExactVectors:
    """Exact search in memory: for read-only folders and small selections.

    Args:
        row_ids: One per row of ``matrix``.
        matrix: Unit vectors, shape ``(len(row_ids), dim)``.
    """

    def __init__(self, row_ids: Sequence[int], matrix: Vectors) -> None:
        self._row_ids = list(row_ids)
        self._matrix = matrix

    def nearest(self, question: Vectors, *, limit: int) -> list[tuple[int, float]]:
        """Return (row id, cosine similarity), nearest first."""
        if not self._row_ids:
            return []
        similarities = self._matrix @ question
        order = np.argsort(-similarities, kind="stable")[:limit]
        return [(self._row_ids[index], float(similarities[index])) for index in order]

    def count(self) -> int:
        """Return how many passages there are."""
        return len(self._row_ids)

    def close(self) -> None:
        """Nothing to let go of."""


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Turn what Chroma raises over a damaged store into our error."""
    from chromadb.errors import ChromaError

    try:
        yield
    except (ChromaError, ValueError, OSError, RuntimeError, KeyError, AttributeError) as error:
        # AttributeError: Chroma stumbles while it tidies up after a store it could not open.
        raise _damaged(folder, str(error)) from error
    except BaseException as error:
        # A damaged store can raise a PanicException, which is no Exception.
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(folder, str(error)) from error


def _damaged(folder: Path, problem: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"The vector cache {folder} cannot be opened: {problem}.",
        remedy="Run `rag index`; it is rebuilt from the ledger without embedding again.",
    )
