"""Foreign bytes and a name -> a checked file in the corpus folder; and out of it again.

What a file is, is read from its content; its name only becomes a hint and, made harmless, the name
on disk. Nothing is ever written outside the corpus folder or over another file.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from pathlib import Path, PurePosixPath

from rag.errors import UsageError
from ui.markup import file_name, visible

_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_BINARY = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an office document",
    b"\x89PNG": "an image",
    b"\xff\xd8\xff": "an image",
    b"GIF8": "an image",
    b"\x1f\x8b": "a compressed file",
    b"\xd0\xcf\x11\xe0": "an office document",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"SQLite format 3": "a database",
}
_HTML = re.compile(r"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b", re.I)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")


def save_file(corpus: Path, name: str, data: bytes, *, max_bytes: int) -> Path:
    """Write an article into the corpus folder and return its path.

    Args:
        corpus: The folder of articles; made if missing.
        name: What the visitor's machine calls the file.
        data: Its content.
        max_bytes: Larger files are refused.

    Raises:
        UsageError: If it is too large, empty or no text, or the folder cannot be written.
    """
    shown = visible(name)[:80] or "the file"
    if len(data) > max_bytes:
        raise too_large(name, max_bytes)
    suffix = _suffix(shown, PurePosixPath(name.replace("\\", "/")).suffix.lower(), data)
    stem = file_name(PurePosixPath(name.replace("\\", "/")).stem, "article")
    return _write(corpus, stem, suffix, data)


def too_large(name: str, max_bytes: int) -> UsageError:
    """Return what to say of a file above the limit."""
    return UsageError(
        f"{visible(name)[:80] or 'The file'} is larger than {max_bytes / 1e6:g} MB.",
        remedy="Split it, or raise the setting `chat_upload_mb`.",
    )


def save_text(corpus: Path, title: str, text: str, *, max_bytes: int) -> Path:
    """Write pasted text into the corpus folder, under its title, and return its path.

    Raises:
        UsageError: As :func:`save_file`.
    """
    heading = " ".join(title.split())[:300]
    stem = heading or " ".join(text.split()[:8])
    content = f"{heading}\n\n{text.strip()}\n" if heading else f"{text.strip()}\n"
    if not text.strip():
        raise UsageError("There is no text to add.", remedy="Paste the article's text.")
    data = content.encode("utf-8", "replace")
    return save_file(corpus, f"{file_name(stem, 'article')}.txt", data, max_bytes=max_bytes)


def remove_file(corpus: Path, path: str, *, into: Path) -> Path:
    """Move an article's file out of the corpus folder and return where it lies now.

    Args:
        corpus: The folder of articles.
        path: As the archive names it.
        into: The folder that takes removed files.

    Raises:
        UsageError: If it is a line of a larger file, or no file of the corpus.
    """
    if "#" in path and not (corpus / path).is_file():
        raise UsageError(
            f"{visible(path)} is one line of a larger file.",
            remedy="Take the line out of that file, then refresh the index.",
        )
    root = corpus.resolve()
    source = root / path
    inside = source.is_file() and not source.is_symlink() and source.resolve().is_relative_to(root)
    if not inside:
        raise UsageError(
            f"There is no file {visible(path)} in the folder of articles.",
            remedy="Refresh the index; it may have been removed already.",
        )
    into.mkdir(parents=True, exist_ok=True)
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S-%f")
    target = into / f"{stamp}-{source.name}"
    shutil.move(source, target)
    return target


def _suffix(shown: str, hinted: str, data: bytes) -> str:
    """Return the suffix that the content deserves; raise if it is no article."""
    binary = next((what for magic, what in _BINARY.items() if data.startswith(magic)), None)
    if binary:
        raise UsageError(
            f"{shown} is {binary}, not text.", remedy="Save it as text (.txt, .md, .html, .jsonl)."
        )
    mark = next((m for m in _BYTE_ORDER_MARKS if data.startswith(m)), None)
    try:
        text = data.decode(_BYTE_ORDER_MARKS[mark] if mark else "utf-8")
    except UnicodeDecodeError:
        # An older single-byte encoding; the index detects which.
        text = data.decode("latin-1")
    if _CONTROL.search(text):
        raise UsageError(
            f"{shown} is not text.", remedy="Save it as text (.txt, .md, .html, .jsonl)."
        )
    if not text.strip():
        raise UsageError(f"{shown} is empty.", remedy="Choose a file with an article in it.")
    if hinted == ".jsonl":
        _check_lines(shown, text)
        return ".jsonl"
    if _HTML.match(text[:4096]) or hinted in {".html", ".htm"}:
        return ".html"
    return ".md" if hinted in {".md", ".markdown"} else ".txt"


def _check_lines(shown: str, text: str) -> None:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise UsageError(
                f"Line {number} of {shown} is not a JSON object.",
                remedy='Give each line the form {"text": "...", "title": "..."}.',
            )


def _write(corpus: Path, stem: str, suffix: str, data: bytes) -> Path:
    try:
        corpus.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, 1000):
            target = corpus / f"{stem}{'' if attempt == 1 else f'-{attempt}'}{suffix}"
            try:
                with target.open("xb") as file:
                    file.write(data)
            except FileExistsError:
                if target.is_file() and target.read_bytes() == data:
                    raise UsageError(
                        f"{target.name} is in the archive already.", remedy="Nothing is to be done."
                    ) from None
                continue
            return target
    except OSError as error:
        raise UsageError(
            f"{corpus} cannot be written: {error.strerror}.",
            remedy="Make the folder of articles writable, or copy the file there yourself.",
        ) from error
    raise UsageError(f"There are too many files named {stem}.", remedy="Rename the file.")
