"""Sentences of an article -> which of them give orders to a machine, by meaning and by words.

A linear model over the embedding of a sentence (or of two that follow each other) and over the
kinds of words of :mod:`rag.machine_talk`, fitted by `training/fit_order_detector.py`. It knows
orders in words that no rule lists. It is heard where a language model is to read an article, never
for answers in the sources' own words.
"""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.embedder import PACKAGED_MODEL, Embedder, PackagedEmbedder, open_embedder
from rag.errors import ModelUnavailableError
from rag.machine_talk import KINDS, kinds_of_words

WEIGHTS = Path(__file__).parent / "graphs" / "order_detector.json"
DIMENSIONS = 384
# Unit vectors are small beside words that are there or not.
EMBEDDING_SCALE = 3.0
# So many judged texts are kept.
MOST_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class LinearModel:
    """What is fitted.

    Attributes:
        embedding: One weight per dimension.
        kinds: One weight per kind of words.
        bias: Is added.
        bound: From this score on, a sentence is an order.
    """

    embedding: npt.NDArray[Any]
    kinds: dict[str, float]
    bias: float
    bound: float

    @classmethod
    @functools.cache
    def shipped(cls) -> LinearModel:
        """Return the shipped weights.

        Raises:
            ModelUnavailableError: If they are missing or damaged.
        """
        return cls.load(WEIGHTS)

    @classmethod
    def load(cls, path: Path) -> LinearModel:
        """Return the weights of a file.

        Raises:
            ModelUnavailableError: If it is missing or damaged. No language model reads articles
                without them: an answer would be less safe, and nobody would see it.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            embedding = np.array(found["embedding"], dtype=np.float32)
            if embedding.shape != (DIMENSIONS,):
                raise ValueError(embedding.shape)
            return cls(embedding, found["kinds"], found["bias"], found["bound"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelUnavailableError(
                f"The detector of orders to a machine, {path}, cannot be read: "
                f"{type(error).__name__}.",
                remedy="Install the package again, or ask without a language model.",
            ) from error

    def scores(self, texts: Sequence[str], vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return one score per text: the log of the odds that it is an order."""
        kinds = [
            sum(self.kinds.get(name, 0.0) for name in kinds_of_words(text) if name in KINDS)
            for text in texts
        ]
        of_words = np.array(kinds) + self.bias
        scores: npt.NDArray[Any] = EMBEDDING_SCALE * (vectors @ self.embedding) + of_words
        return scores


class OrderDetector:
    """Finds the sentences that give orders to a machine.

    Args:
        embedder: Used where it is the packaged model; otherwise that one is opened.
    """

    def __init__(self, embedder: Embedder) -> None:
        packaged = isinstance(embedder, PackagedEmbedder)
        self._embedder = embedder if packaged else open_embedder(PACKAGED_MODEL)
        self._model = LinearModel.shipped()
        self._known: dict[str, bool] = {}
        self._lock = threading.Lock()

    def __call__(self, paragraphs: Sequence[Sequence[str]]) -> list[list[bool]]:
        """Return for each sentence of each paragraph whether it is an order, or part of one."""
        told = [list(windows(sentences)) for sentences in paragraphs]
        known = self._judged([text for found in told for text, _ in found])
        heard = [[False] * len(sentences) for sentences in paragraphs]
        for its, found in zip(heard, told, strict=True):
            alone = [known[text] for text, members in found if len(members) == 1]
            for text, members in found:
                # Beside one that is an order by itself, an honest sentence stays honest.
                if known[text] and (
                    len(members) == 1 or not any(alone[member] for member in members)
                ):
                    for member in members:
                        its[member] = True
        return heard

    def _judged(self, texts: Sequence[str]) -> dict[str, bool]:
        """Return whether each text is an order; the same passages come again and again."""
        wanted = dict.fromkeys(texts)
        with self._lock:
            if len(self._known) > MOST_KNOWN:
                self._known = {text: its for text, its in self._known.items() if text in wanted}
            new = [text for text in wanted if text not in self._known]
            if new:
                scores = self._model.scores(new, self._embedder.embed_passages(new))
                self._known.update(zip(new, (scores >= self._model.bound).tolist(), strict=True))
            return {text: self._known[text] for text in wanted}


def windows(sentences: Sequence[str]) -> list[tuple[str, tuple[int, ...]]]:
    """Return each sentence, then each two that follow each other, with their places."""
    alone = [(text, (at,)) for at, text in enumerate(sentences)]
    both = [(f"{text} {sentences[at + 1]}", (at, at + 1)) for at, text in enumerate(sentences[:-1])]
    return [*alone, *both]


__all__ = ["LinearModel", "OrderDetector", "windows"]
