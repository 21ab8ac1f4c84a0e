"""Embedders and articles for tests of the index: fast, counted, and wrong on purpose when asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.embedder import Vectors
from rag.passages import estimate_pieces

DIMENSIONS = 64


class HashingEmbedder:
    """Words -> a unit vector, by hashing; remembers what it embedded.

    Args:
        name: Goes into the fingerprint.
        crash_after: Raise KeyboardInterrupt when more passages than this were asked for.
    """

    window = 256

    def __init__(self, name: str = "hashing", crash_after: int | None = None) -> None:
        self.fingerprint = name
        self.passages: list[str] = []
        self.questions: list[str] = []
        self.crash_after = crash_after

    def count_pieces(self, text: str) -> int:
        return estimate_pieces(text)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        assert texts, "there is nothing to embed"
        if self.crash_after is not None and len(self.passages) + len(texts) > self.crash_after:
            raise KeyboardInterrupt
        self.passages.extend(texts)
        return _hashed(texts)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        self.questions.extend(texts)
        return _hashed(texts)


def _hashed(texts: Sequence[str]) -> Vectors:
    rows = np.full((len(texts), DIMENSIONS), 1e-3, dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()):
            digest = hashlib.md5(word.encode("utf-8", "replace"), usedforsecurity=False).digest()
            row[digest[0] % DIMENSIONS] += 1 if digest[1] % 2 else -1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def write_articles(folder: Path, count: int, *, paragraphs: int = 3, start: int = 0) -> list[Path]:
    """Write articles that are all different; return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number in range(start, start + count):
        file = folder / f"article_{number:04d}.txt"
        file.write_text(article_text(number, paragraphs), encoding="utf-8")
        written.append(file)
    return written


def article_text(number: int, paragraphs: int = 3) -> str:
    """Return an article whose every sentence names its number."""
    lines = [f"Harbour {number} Reopens After the Flood", "", f"March {number % 28 + 1}, 2024", ""]
    for paragraph in range(paragraphs):
        lines.append(
            " ".join(
                f"In town {number} the mayor counted {number * 7 + paragraph * 3 + sentence} boats "
                f"on pier {paragraph} when inspection {sentence} of the harbour was over."
                for sentence in range(5)
            )
        )
        lines.append("")
    return "\n".join(lines)
