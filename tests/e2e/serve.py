"""Serve the page for a browser test: ``serve.py PORT CORPUS INDEX KIND``.

Kinds: ``fake``, ``real``, ``building`` (a first run that takes its time), ``damaged`` (an index
that cannot be read), ``weights`` (no model), ``locked`` (fake, with a password).
"""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import uvicorn
from fake_archive import FakeArchive

from rag.errors import IndexDamagedError, ModelUnavailableError
from rag.schema import Progress, ProgressListener
from rag.settings import Settings
from ui.app import build_app
from ui.archives import Archive, ArchiveHolder, open_or_build


def main() -> None:
    port, corpus, index, kind = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    password = "open sesame" if kind == "locked" else None
    settings = Settings(corpus=corpus, index=index, chat_port=port, chat_password=password)

    def opening(progress: ProgressListener) -> Archive:
        if kind == "building":
            for done in range(80):
                progress(Progress("embedding", done, 80, "harbour.txt"))
                time.sleep(0.15)
        if kind == "damaged":
            raise IndexDamagedError("The ledger cannot be read.", remedy="Run `rag index --new`.")
        if kind == "weights":
            raise ModelUnavailableError("The weights are missing.", remedy="Install the package.")
        return FakeArchive(corpus)

    holder = ArchiveHolder(partial(open_or_build, settings) if kind == "real" else opening)
    holder.open_in_background()
    uvicorn.run(
        build_app(holder, settings),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


main()
