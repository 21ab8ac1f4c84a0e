"""What the tests of reading articles share: a file is written and read."""

from __future__ import annotations

from pathlib import Path

from rag.corpus import read_articles
from rag.schema import Article

LIMIT = 20_000_000
PROSE = "The minister said on Monday that the talks had ended without any agreement at all."


def write(folder: Path, name: str, content: str | bytes) -> str:
    data = content if isinstance(content, bytes) else content.encode()
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return name


def one(folder: Path, name: str, content: str | bytes) -> Article:
    articles, skipped = read_articles(folder, write(folder, name, content), max_bytes=LIMIT)
    assert skipped == []
    assert len(articles) == 1
    return articles[0]


def why_skipped(folder: Path, name: str, *, max_bytes: int = LIMIT) -> str:
    articles, skipped = read_articles(folder, name, max_bytes=max_bytes)
    assert articles == []
    assert len(skipped) == 1
    assert skipped[0].reason.isprintable()
    return skipped[0].reason


def unquotable(article: Article) -> list[str]:
    return [span.within(article.text) for span in article.unquotable]
