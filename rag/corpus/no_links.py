"""A path below a folder -> a listing or an open file; no link on the way is followed.

Where the system can open a name relative to an open folder and refuse links (Linux, macOS, BSD),
a path is opened step by step, so that nobody can slip a link in between. Elsewhere (Windows) each
step is looked at first and the path is opened whole.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_WINDOWS_JUNCTION: Final = 0xA0000003  # ``stat`` names it on Windows only


def is_link(status: os.stat_result) -> bool:
    """Say whether this is a symbolic link, or what Windows has in its place for folders."""
    junction = getattr(status, "st_reparse_tag", 0) == _WINDOWS_JUNCTION
    return stat.S_ISLNK(status.st_mode) or junction


def is_within(path: str) -> bool:
    """Say whether the path, relative and posix, cannot lead out of the folder by its letters."""
    if "\0" in path or any(part in ("", ".", "..") for part in path.split("/")):
        return False
    # Elsewhere than on Windows both are letters of a name.
    return os.sep == "/" or not ("\\" in path or ":" in path)


@contextmanager
def listing(root: Path, folder: str) -> Iterator[Iterator[os.DirEntry[str]]]:
    """Give the entries of a folder below ``root``; of ``root`` itself where ``folder`` is empty.

    Raises:
        OSError: If it cannot be listed; ELOOP or ENOTDIR for a link on the way.
    """
    if not _opens_step_by_step():
        with os.scandir(_looked_at(root, folder)) as entries:
            yield entries
        return
    descriptor = _open_folder(root, folder)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def open_file(root: Path, path: str) -> io.FileIO:
    """Open a file below ``root`` for reading bytes; a pipe does not block.

    Raises:
        OSError: If it cannot be opened; ELOOP or ENOTDIR for a link on the way.
    """
    if not _opens_step_by_step():
        whole = _looked_at(root, path)
        if not stat.S_ISREG(os.lstat(whole).st_mode):
            raise OSError(errno.ENODEV, os.strerror(errno.ENODEV))
        return open(whole, "rb", buffering=0)  # noqa: PTH123 - Path would alter names
    folder, _, name = path.rpartition("/")
    descriptor = _open_folder(root, folder)

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=descriptor)

    try:
        return open(name, "rb", buffering=0, opener=opener)
    finally:
        os.close(descriptor)


def _opens_step_by_step() -> bool:
    return hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY")


def _open_folder(root: Path, folder: str) -> int:
    """Open a folder step by step, also because a deep path can be too long for one call."""
    step = os.O_RDONLY | os.O_DIRECTORY
    descriptor = os.open(root, step)
    for part in folder.split("/") if folder else ():
        parent = descriptor
        try:
            descriptor = os.open(part, step | os.O_NOFOLLOW, dir_fd=parent)
        finally:
            os.close(parent)
    return descriptor


def _looked_at(root: Path, path: str) -> str:
    """Return the whole path, when no step of it is a link now."""
    whole = os.fspath(root)
    for part in path.split("/") if path else ():
        whole = os.path.join(whole, part)  # noqa: PTH118 - Path would alter names
        if is_link(os.lstat(whole)):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return whole
