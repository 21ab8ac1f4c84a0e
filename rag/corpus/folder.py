"""A folder -> the files in it that may hold articles, their bytes, and why others are skipped."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from rag.corpus.no_links import is_link, is_within, listing, open_file
from rag.errors import CorpusError
from rag.schema import Skipped

Kind = Literal["text", "markdown", "html", "jsonl"]

_KINDS: Final[Mapping[str, Kind]] = {
    ".txt": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".jsonl": "jsonl",
}
NOT_AN_ARTICLE: Final = "not an article: only .txt, .md, .html and .jsonl are read"
_NOT_A_FILE: Final = "not a regular file"
_CHANGED: Final = "changed while it was being read"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file of the corpus that may hold articles, found but not read.

    Attributes:
        path: Relative to the corpus, posix. ``os.fsencode`` gives the file's name back, byte by
            byte: a name that is not UTF-8 holds lone surrogates, so escape it before printing.
        size: In bytes.
        mtime_ns: Time of the last change, in nanoseconds since 1970.
    """

    path: str
    size: int
    mtime_ns: int


def kind_of(path: str) -> Kind | None:
    """Return what the file's extension says it holds; None for no article."""
    return _KINDS.get(os.path.splitext(path)[1].lower())  # noqa: PTH122 - Path would alter names


def list_files(corpus: Path, *, max_bytes: int) -> tuple[list[FileEntry], list[Skipped]]:
    """Return the files that may hold articles, and everything else with its reason.

    Both lists are sorted by path. Names that start with a dot are ignored without a word. Links
    are never followed.

    Args:
        corpus: The folder of articles.
        max_bytes: Larger files are skipped.

    Raises:
        CorpusError: If the folder is missing, is no folder, or cannot be read.
    """
    if "\0" in str(corpus):
        raise _corpus_error(corpus, FileNotFoundError())
    files: list[FileEntry] = []
    skipped: list[Skipped] = []
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with listing(corpus, folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    found = _classified(corpus, path, entry, max_bytes=max_bytes)
                    if isinstance(found, FileEntry):
                        files.append(found)
                    elif isinstance(found, Skipped):
                        skipped.append(found)
                    else:
                        pending.append(path)
        except OSError as error:
            if not folder:
                raise _corpus_error(corpus, error) from error
            skipped.append(Skipped(folder, _reason(error)))
    files.sort(key=lambda file: file.path)
    skipped.sort(key=lambda skip: (skip.path, skip.reason))
    return files, skipped


def read_file(corpus: Path, path: str, *, max_bytes: int) -> bytes | Skipped:
    """Return the file's bytes as they stood at one moment, or why they cannot be read."""
    if not is_within(path):
        return Skipped(path, "not a path within the corpus")
    for _ in range(2):
        try:
            with open_file(corpus, path) as file:
                before = os.fstat(file.fileno())
                if not stat.S_ISREG(before.st_mode):
                    return Skipped(path, _NOT_A_FILE)
                if before.st_size > max_bytes:
                    return Skipped(path, _too_large(before.st_size, max_bytes))
                data = _read_bytes(file.read, before.st_size + 1)
                after = os.fstat(file.fileno())
        except OSError as error:
            return Skipped(path, _reason(error))
        if len(data) == before.st_size == after.st_size and before.st_mtime_ns == after.st_mtime_ns:
            return data
    return Skipped(path, _CHANGED)


def file_sha256(corpus: Path, path: str, *, max_bytes: int) -> str | Skipped:
    """Return the hash of a file's bytes, hexadecimal, or why it cannot be read.

    Args:
        corpus: The folder of articles.
        path: The file, as :func:`list_files` names it.
        max_bytes: A larger file is skipped.
    """
    data = read_file(corpus, path, max_bytes=max_bytes)
    return data if isinstance(data, Skipped) else hashlib.sha256(data).hexdigest()


def _classified(
    corpus: Path, path: str, entry: os.DirEntry[str], *, max_bytes: int
) -> FileEntry | Skipped | None:
    """Return what the entry is; None for a folder to enter."""
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Skipped(path, _reason(error))
    if is_link(status):
        return Skipped(path, _link_reason(corpus, path))
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, _NOT_A_FILE)
    if kind_of(path) is None:
        return Skipped(path, NOT_AN_ARTICLE)
    if status.st_size > max_bytes:
        return Skipped(path, _too_large(status.st_size, max_bytes))
    return FileEntry(path, status.st_size, status.st_mtime_ns)


def _read_bytes(read: Callable[[int], bytes | None], size: int) -> bytes:
    """Return up to ``size`` bytes; a raw file may give fewer than asked at a time."""
    chunks: list[bytes] = []
    while size > 0 and (chunk := read(size)):
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _link_reason(corpus: Path, path: str) -> str:
    """Say where a link leads: nothing behind it is read through it."""
    root = os.path.realpath(corpus)
    try:
        target = os.path.realpath(os.path.join(root, path), strict=True)  # noqa: PTH118
    except OSError:
        return "a link that leads nowhere"
    if not Path(target).is_relative_to(root):
        return "a link out of the corpus"
    if os.path.isdir(target):  # noqa: PTH112
        return "a link to another folder of the corpus"
    return "a link to another file of the corpus"


def _corpus_error(corpus: Path, error: OSError) -> CorpusError:
    """Say why the corpus itself cannot be listed."""
    shown = _printable(str(corpus))
    if isinstance(error, FileNotFoundError):
        return CorpusError(
            f"There is no folder {shown}.", remedy="Name the folder that holds your articles."
        )
    if isinstance(error, NotADirectoryError):
        return CorpusError(
            f"{shown} is not a folder.", remedy="Name the folder that holds the file."
        )
    return CorpusError(
        f"The folder {shown} cannot be read: {_reason(error)}.",
        remedy="Check that you may read it.",
    )


def _reason(error: OSError) -> str:
    """Say in one line why a file or folder could not be opened or read."""
    if isinstance(error, PermissionError):
        return "permission denied"
    if isinstance(error, FileNotFoundError):
        return "it is no longer there"
    if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENOTDIR):
        return "a link, or below one"
    if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP, errno.EISDIR):
        return _NOT_A_FILE
    return f"cannot be read: {os.strerror(error.errno or errno.EIO)}"


def _too_large(size: int, max_bytes: int) -> str:
    """Name the size, the limit that it is over, and what raises the limit."""
    over = f"{size / 1e6:.1f} MB" if size - max_bytes >= 1e5 else f"{size:,} bytes"
    limit = f"{max_bytes / 1e6:g} MB" if size - max_bytes >= 1e5 else f"{max_bytes:,} bytes"
    return f"{over} is over the limit of {limit} a file; to read it, raise max_file_mb"


def _printable(text: str) -> str:
    """Return the text with everything that a terminal must not get written as an escape."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )
