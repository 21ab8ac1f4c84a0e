"""JSON lines -> the text and metadata of each; which lines hold none, and why."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from rag.corpus.decoding import UndecodableError, decode
from rag.corpus.lines import NO_TEXT, has_text
from rag.corpus.metadata import Metadata, metadata_of
from rag.schema import Skipped


@dataclass(frozen=True, slots=True)
class Record:
    """The article on one line; ``path`` is ``news.jsonl#3`` for line 3."""

    path: str
    text: str
    encoding: str
    metadata: Metadata


def read_json_lines(path: str, data: bytes) -> tuple[list[Record], list[Skipped]]:
    """Return a record for each line that holds an article, and what was skipped and why."""
    records: list[Record] = []
    skipped: list[Skipped] = []
    damage: UndecodableError | None = None
    lines: Iterable[str | UndecodableError]
    try:
        whole, encoding = decode(data)
        # Only at line feeds: other separators may stand inside a JSON string.
        lines = whole.split("\n")
    except UndecodableError as error:
        damage, encoding = error, "utf-8"
        lines = _lines_by_themselves(data)
    for number, line in enumerate(lines, start=1):
        if isinstance(line, str) and not line.strip():
            continue
        where = f"{path}#{number}"
        found = _parsed(line)
        if isinstance(found, str):
            skipped.append(Skipped(where, f"line {number:,}: {found}"))
            continue
        metadata = metadata_of(found, title_keys=("title",), outlet_keys=("outlet", "source"))
        records.append(Record(where, found["text"], encoding, metadata))
    if damage and not records:
        return [], [Skipped(path, str(damage))]
    if not records and not skipped:
        skipped.append(Skipped(path, NO_TEXT))
    return records, skipped


def _parsed(line: str | UndecodableError) -> dict[str, Any] | str:
    """Return the line's object, whose ``text`` is one, or what is wrong with the line."""
    if isinstance(line, UndecodableError):
        return str(line)
    try:
        record = json.loads(line)
    except RecursionError:
        return "nested too deep"
    except json.JSONDecodeError as error:
        return f"not JSON ({error.msg}, column {error.colno:,})"
    except ValueError:  # a number of thousands of digits
        return "not JSON that can be read"
    text = record.get("text") if isinstance(record, dict) else None
    return record if isinstance(text, str) and has_text(text) else NO_TEXT


def _lines_by_themselves(data: bytes) -> Iterator[str | UndecodableError]:
    """Yield each line, or what is wrong with it: a damaged line spoils no other."""
    at = 0
    for raw in data.split(b"\n"):
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            yield UndecodableError(f"not valid utf-8 at byte {at + error.start:,}")
        at += len(raw) + 1
