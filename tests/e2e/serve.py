"""Serve the page for a browser test: ``serve.py PORT CORPUS INDEX [fake|real]``."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import uvicorn
from fake_archive import FakeArchive

from rag.settings import Settings
from ui.app import build_app
from ui.archives import Archive, ArchiveHolder, open_or_build


def main() -> None:
    port, corpus, index, kind = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    settings = Settings(corpus=corpus, index=index, chat_port=port)

    def opening(_: object) -> Archive:
        return FakeArchive(corpus)

    holder = ArchiveHolder(opening if kind == "fake" else partial(open_or_build, settings))
    holder.open_in_background()
    uvicorn.run(
        build_app(holder, settings),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


main()
