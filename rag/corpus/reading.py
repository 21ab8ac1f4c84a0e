"""One file -> its Articles, and what of it was skipped and why."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from rag.corpus.decoding import UndecodableError, declared_encoding, decode, foreign_type
from rag.corpus.folder import NOT_AN_ARTICLE, kind_of, read_file
from rag.corpus.json_lines import read_json_lines
from rag.corpus.lines import NO_TEXT, has_text, on_one_line
from rag.corpus.markdown import read_markdown
from rag.corpus.masthead import read_masthead, title_lines
from rag.corpus.metadata import Metadata
from rag.corpus.stray_lines import stray_lines
from rag.corpus.web_page import read_web_page
from rag.schema import Article, Skipped, Span


def read_articles(
    corpus: Path, path: str, *, max_bytes: int
) -> tuple[list[Article], list[Skipped]]:
    """Return the articles of one file, and what of it was skipped and why.

    A .txt, .md or .html file gives one article, a .jsonl file one per line (``news.jsonl#3`` is
    line 3). A file that cannot be opened, read or decoded is skipped, never an error.

    Args:
        corpus: The folder of articles.
        path: The file, as :func:`rag.corpus.list_files` names it.
        max_bytes: A larger file is skipped.
    """
    kind = kind_of(path)
    if kind is None:
        return [], [Skipped(path, NOT_AN_ARTICLE)]
    data = read_file(corpus, path, max_bytes=max_bytes)
    if isinstance(data, Skipped):
        return [], [data]
    looks_like = foreign_type(data)
    if looks_like:
        reason = f"content does not match its type: it looks like {looks_like}"
        return [], [Skipped(path, reason)]
    if kind == "jsonl":
        records, skipped = read_json_lines(path, data)
        articles = []
        for each in records:
            repeated = title_lines(each.text, each.metadata.title)
            articles.append(_article(each.path, each.text, each.encoding, each.metadata, repeated))
        return articles, skipped
    try:
        text, encoding = decode(data, declared=declared_encoding(data) if kind == "html" else None)
    except UndecodableError as error:
        return [], [Skipped(path, str(error))]
    metadata = Metadata()
    unquotable: list[Span] = []
    if kind == "html":
        text, metadata = read_web_page(text)
        unquotable = title_lines(text, metadata.title)
    elif kind == "markdown":
        metadata, unquotable = read_markdown(text)
    if not has_text(text):
        return [], [Skipped(path, NO_TEXT)]
    return [_article(path, text, encoding, metadata, unquotable)], []


def _article(
    path: str, text: str, encoding: str, metadata: Metadata, unquotable: Iterable[Span]
) -> Article:
    """Return the article, with what the metadata leaves open read from the text."""
    known = _merged(unquotable)
    masthead = read_masthead(text, known)
    return Article(
        path=path,
        text=text,
        title=on_one_line(metadata.title) or masthead.title or _file_title(path),
        published=metadata.published or masthead.published,
        outlet=on_one_line(metadata.outlet) or masthead.outlet,
        url=metadata.url,
        encoding=encoding,
        sha256=hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        unquotable=_merged([*known, *masthead.unquotable, *stray_lines(text)]),
    )


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans ascending, those that overlap or touch as one."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return tuple(merged)


def _file_title(path: str) -> str:
    """Return the file's name as a title of last resort."""
    name = os.fsencode(path.rpartition("/")[2]).decode("utf-8", "replace")
    return on_one_line(name) or "untitled"
