"""Index folders in processes that are made to be killed, with an embedder that keeps a log.

Reads lines of ``corpus<TAB>index<TAB>log``. For each it forks (imports are paid for once), writes
``pid N``, and when the child has ended ``ended STATUS``; the child writes ``done`` at its end.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence

import chromadb  # noqa: F401 - paid for before the fork
from indexing_fakes import HashingEmbedder

import rag
from rag.embedder import Vectors


class Logging(HashingEmbedder):
    """Writes down what it embedded once it has; as slow as a small model, so that kills hit it."""

    def __init__(self, log: str) -> None:
        super().__init__()
        self._log = log

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        rows = super().embed_passages(texts)
        time.sleep(0.0005 * len(texts))
        with open(self._log, "a", encoding="ascii") as log:  # noqa: PTH123
            for text in texts:
                digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
                log.write(f"{digest}\n")
        return rows


def _index(corpus: str, index: str, log: str) -> None:
    rag.build(corpus, index, embedding=Logging(log)).close()
    os.write(1, b"done\n")


if __name__ == "__main__":
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _index(*line.rstrip("\n").split("\t"))
            os._exit(0)
        os.write(1, f"pid {child}\n".encode())
        _, status = os.waitpid(child, 0)
        os.write(1, f"ended {os.waitstatus_to_exitcode(status)}\n".encode())
