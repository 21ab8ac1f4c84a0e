"""Question -> Hits: dense and BM25 search, their scores fused.

Fusion is a weighted sum of scores with theoretical bounds (Bruch, Gai & Ingber, "An Analysis of
Fusion Functions for Hybrid Retrieval", ACM TOIS 42(1), 2023): the cosine as it is, and BM25 as a
share of the most that it could be for this question. Unlike rank fusion, and unlike scaling by the
best result, it knows when the words of a question are hardly found at all, and the fused value
means the same in every search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from rag.embedder import Vectors
from rag.ledger import Snapshot
from rag.lexicon import Lexicon
from rag.schema import Hit
from rag.vectors import ExactVectors, VectorSearch

Retrieval = Literal["hybrid", "dense", "bm25"]
_DEPTH = 50
# Above this many allowed passages a filtered search over-fetches before it looks at each.
_EXACT_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which articles may answer.

    Attributes:
        published_by: ISO day; later articles are left out, undated ones stay.
        paths: Articles, files or folders of the corpus; None for all.
    """

    published_by: str | None = None
    paths: tuple[str, ...] | None = None

    @property
    def is_open(self) -> bool:
        """Whether every article passes."""
        return self.published_by is None and self.paths is None


@dataclass(frozen=True, slots=True)
class Background:
    """What a conversation was about, as a further query that counts less than the question.

    Attributes:
        text: Its words.
        vector: The same, embedded, shape ``(dim,)``.
        weight: How much it counts; the question counts 1.
    """

    text: str
    vector: Vectors
    weight: float


def search(
    question: str,
    vector: Vectors | None,
    *,
    view: Snapshot,
    generation: int,
    vectors: VectorSearch,
    lexicon: Lexicon,
    limit: int,
    retrieval: Retrieval = "hybrid",
    bm25_weight: float = 0.5,
    only: Filter = Filter(),
    background: Sequence[Background] = (),
) -> list[Hit]:
    """Return the passages nearest to a question, best first.

    Args:
        question: Its words.
        vector: The same, embedded, shape ``(dim,)``; may be None for BM25 alone.
        view: One snapshot of the ledger.
        generation: What of it is visible.
        vectors: Dense search.
        lexicon: BM25 search.
        limit: How many at most.
        retrieval: Which of the two are used.
        bm25_weight: Share of BM25 in hybrid search, 0 to 1.
        only: Which articles may answer.
        background: What the question is asked against; it moves passages up that fit both.
    """
    allowed: list[int] | None = None
    if not only.is_open:
        articles = view.allowed_articles(
            generation, published_by=only.published_by, paths=only.paths
        )
        allowed = view.row_ids(generation, articles)
        if not allowed:
            return []
    depth = max(_DEPTH, 2 * limit)
    similarities: dict[int, float] = {}
    bm25: dict[int, float] = {}
    if retrieval != "bm25" and vector is not None:
        similarities = _dense(vector, view, vectors, depth, allowed)
    if retrieval != "dense":
        bm25 = dict(lexicon.matches(question, limit=depth, only=allowed))
    also = _near_background(background, view, vectors, lexicon, depth, allowed, retrieval)
    found = view.stored_passages(sorted({*similarities, *bm25, *also}), generation)
    if also and retrieval != "dense":
        bm25 = dict(lexicon.matches(question, limit=len(found), only=sorted(found)))
    if vector is not None:
        # A passage that only one search found is compared by the other's measure all the same.
        missing = [row_id for row_id in found if row_id not in similarities]
        for row_id, stored in view.vectors(missing).items():
            similarities[row_id] = float(stored @ vector)
    weight = {"hybrid": bm25_weight, "dense": 0.0, "bm25": 1.0}[retrieval]
    best_bm25 = lexicon.best_bm25(question)
    fused = {
        row_id: fuse(
            similarities.get(row_id, 0.0),
            bm25.get(row_id, 0.0),
            best_bm25=best_bm25,
            bm25_weight=weight,
        )
        for row_id in found
    }
    if background:
        # Each candidate is held against each query, whichever of them found it.
        every = view.vectors(sorted(found))
        for query in background:
            words = dict(lexicon.matches(query.text, limit=max(1, len(found)), only=sorted(found)))
            best = lexicon.best_bm25(query.text)
            for row_id, stored in every.items():
                fused[row_id] += query.weight * fuse(
                    float(stored @ query.vector),
                    words.get(row_id, 0.0),
                    best_bm25=best,
                    bm25_weight=weight,
                )
        whole = 1 + sum(query.weight for query in background)
        fused = {row_id: value / whole for row_id, value in fused.items()}
    ranked = sorted(found, key=lambda row_id: (-fused[row_id], row_id))[:limit]
    return [
        Hit(
            passage=found[row_id].passage,
            similarity=similarities.get(row_id, 0.0),
            bm25=bm25.get(row_id, 0.0),
            relevance=fused[row_id],
        )
        for row_id in ranked
    ]


def _near_background(
    background: Sequence[Background],
    view: Snapshot,
    vectors: VectorSearch,
    lexicon: Lexicon,
    depth: int,
    allowed: Sequence[int] | None,
    retrieval: Retrieval,
) -> set[int]:
    found: set[int] = set()
    for query in background:
        if retrieval != "bm25":
            found.update(_dense(query.vector, view, vectors, depth, allowed))
        if retrieval != "dense":
            matches = lexicon.matches(query.text, limit=depth, only=allowed)
            found.update(row_id for row_id, _ in matches)
    return found


def fuse(similarity: float, bm25: float, *, best_bm25: float, bm25_weight: float) -> float:
    """Return how relevant a passage is, 0 to 1: a weighted mean of two shares.

    Args:
        similarity: Cosine of question and passage.
        bm25: BM25 of the question in the passage.
        best_bm25: What BM25 could be at most for this question, above 0; see
            :meth:`rag.lexicon.Lexicon.best_bm25`.
        bm25_weight: Share of BM25, 0 to 1.
    """
    words = min(1.0, bm25 / best_bm25) if best_bm25 > 0 else 0.0
    return bm25_weight * words + (1 - bm25_weight) * max(0.0, similarity)


def _dense(
    vector: Vectors,
    view: Snapshot,
    vectors: VectorSearch,
    depth: int,
    allowed: Sequence[int] | None,
) -> dict[int, float]:
    if allowed is None:
        return dict(vectors.nearest(vector, limit=depth))
    if len(allowed) > _EXACT_ROWS:
        # Chroma's own filters cost more than fetching a little more and choosing here.
        chosen = set(allowed)
        for factor in (2, 8):
            nearest = vectors.nearest(vector, limit=factor * depth)
            kept = [(row_id, cosine) for row_id, cosine in nearest if row_id in chosen][:depth]
            if len(kept) == depth:
                return dict(kept)
    stored = view.vectors(allowed)
    exact = ExactVectors(list(stored), np.stack(list(stored.values())))
    return dict(exact.nearest(vector, limit=depth))
