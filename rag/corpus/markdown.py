"""A Markdown text -> what its front matter and headings say, and where both stand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import yaml

from rag.corpus.metadata import Metadata, metadata_of
from rag.schema import Span

_FRONT_MATTER: Final = re.compile(
    r"\A---[ \t]*\r?\n(?P<yaml>.{0,20000}?)^(?:---|\.\.\.)[ \t]*(?=\r?\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_KEY_LINE: Final = re.compile(r"(?P<key>[A-Za-z][\w -]{0,40}):[ \t]*(?P<value>.*)")
_HEADING: Final = re.compile(
    r"[\r\n] {0,3}+(?P<line>(?P<marks>#{1,6})[ \t]+(?P<words>[^\r\n]+))(?=[\r\n]|\Z)"
)
_UNDERLINED: Final = re.compile(
    r"(?:\n|\r(?!\n)) {0,3}+(?P<words>[^\s#>|-][^\r\n]{0,200})(?<![.])"
    r"(?:\r\n|\r|\n) {0,3}+(?P<rule>={3,}|-{3,})[ \t]*(?=[\r\n]|\Z)"
)
_PICTURE: Final = re.compile(
    r"[\r\n][ \t]{0,20}+(?P<line>\[?!\[[^\]\r\n]{0,500}\]\([^)\r\n]{0,2000}\))"
    r"[^\S\r\n]{0,9}+(?=[\r\n]|\Z)"
)


def read_markdown(text: str) -> tuple[Metadata, list[Span]]:
    """Return what the front matter and the headings say, and the spans of both."""
    unquotable: list[Span] = []
    values: Mapping[str, object] = {}
    body = 0
    if front := _FRONT_MATTER.match(text):
        values = _front_matter(front["yaml"])
        if values:
            body = front.end()
            unquotable.append(Span(0, body))
    padded = "\n" + text
    headings: list[tuple[int, str, bool]] = []  # start, words, whether of the first level
    for match in _HEADING.finditer(padded, body):
        unquotable.append(Span(match.start("line") - 1, match.end("line") - 1))
        headings.append((match.start("line") - 1, match["words"], match["marks"] == "#"))
    for match in _UNDERLINED.finditer(padded, body):
        unquotable.append(Span(match.start("words") - 1, match.end() - 1))
        headings.append((match.start("words") - 1, match["words"], match["rule"][0] == "="))
    for match in _PICTURE.finditer(padded, body):
        unquotable.append(Span(match.start("line") - 1, match.end("line") - 1))
    metadata = metadata_of(
        values,
        title_keys=("title", "headline"),
        outlet_keys=("outlet", "source", "publication", "publisher"),
    )
    if not metadata.title:
        metadata = replace(metadata, title=_heading_title(text, body, sorted(headings)))
    return metadata, unquotable


def _heading_title(text: str, body: int, headings: list[tuple[int, str, bool]]) -> str | None:
    """Return the first heading of the first level, or any that stands above everything else."""
    first = [words for _, words, is_first_level in headings if is_first_level]
    if not first and headings and not text[body : headings[0][0]].strip():
        first = [headings[0][1]]
    if not first:
        return None
    return re.sub(r"\*\*|`|[ \t]+#+[ \t]*$|\[(?=[^\]]*\]\()|\]\([^)]*\)", "", first[0][:1_000])


def _front_matter(source: str) -> Mapping[str, object]:
    """Return the keys of the front matter in lower case; empty when it is none."""
    try:
        # Every value stays a string, and no key is merged: the full loader's dates raise on
        # 31 June, and its merge keys can grow without bound.
        loaded = yaml.load(source, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError):
        # The commonest slip is an unquoted colon: "title: Gaza: what we know".
        lines = [line for line in source.splitlines() if line.strip()]
        if not lines or not _KEY_LINE.fullmatch(lines[0]):
            return {}
        pairs = [match for line in lines if (match := _KEY_LINE.fullmatch(line))]
        return {pair["key"].lower(): pair["value"].strip().strip("\"'") for pair in pairs}
    if not isinstance(loaded, dict):
        return {}
    return {key.lower(): value for key, value in loaded.items() if isinstance(key, str)}
