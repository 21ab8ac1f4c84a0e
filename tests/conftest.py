"""What several tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import rag

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def seeds_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rag.Archive]:
    """The five seed articles, indexed with the packaged model; read only."""
    index = tmp_path_factory.mktemp("seeds") / "index"
    with rag.build(ROOT / "seeds", index=index, settings=rag.load_settings()) as archive:
        yield archive
