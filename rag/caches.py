"""The two search caches of one generation, in a folder of their own: built once, then only read.

Whatever happens to them, they are rebuilt from the ledger without embedding anything again.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rag.embedder import Vectors
from rag.errors import IndexDamagedError
from rag.ledger import Snapshot, Writer
from rag.lexicon import Lexicon
from rag.vectors import ChromaVectors, ExactVectors, VectorSearch

CACHES_FOLDER = "caches"
_SEAL = "complete.json"
# Copying the previous folder pays as long as little of it changes.
_COPY_SHARE = 0.3
_PORTION = 2000


@dataclass(frozen=True, slots=True)
class Caches:
    """Dense and lexical search over one generation."""

    vectors: VectorSearch
    lexicon: Lexicon

    def close(self) -> None:
        """Let go of the files."""
        self.vectors.close()


def open_caches(index: Path, name: str, *, passages: int, language: str) -> Caches:
    """Open the caches of a generation.

    Args:
        index: The index folder.
        name: The folder's name, as the ledger has it.
        passages: How many passages there must be.
        language: ISO 639 code of the articles.

    Raises:
        IndexDamagedError: If they are missing, unfinished or damaged.
    """
    folder = index / CACHES_FOLDER / name
    _check_seal(folder)
    vectors = ChromaVectors(folder / "vectors")
    lexicon = Lexicon(folder / "words", language=language)
    for found, what in ((vectors.count(), "vectors"), (lexicon.count(), "word entries")):
        if found != passages:
            vectors.close()
            raise _damaged(folder, f"it has {found} {what} for {passages} passages")
    return Caches(vectors, lexicon)


def caches_in_memory(view: Snapshot, generation: int, *, language: str) -> Caches:
    """Return caches made from the ledger alone, where the folder can be neither used nor mended."""
    row_ids = view.row_ids(generation)
    stored = view.vectors(row_ids)
    matrix = np.stack([stored[row_id] for row_id in row_ids]) if row_ids else np.zeros((0, 1), "f4")
    lexicon = Lexicon(None, language=language, create=True)
    lexicon.add(view.texts_of(row_ids))
    return Caches(ExactVectors(row_ids, matrix), lexicon)


def build_caches(
    index: Path,
    writer: Writer,
    row_ids: Sequence[int],
    *,
    generation: int,
    language: str,
    previous: tuple[str, Sequence[int]] | None,
    on_progress: Callable[[int, int], None],
) -> str:
    """Fill a new folder with the caches of a generation and return its name.

    Args:
        index: The index folder.
        writer: The ledger, where the vectors come from.
        row_ids: Every passage of the generation.
        generation: Its number.
        language: ISO 639 code of the articles.
        previous: The folder of the generation before and its passages, if it can be copied.
        on_progress: Called with passages done and passages to do.
    """
    (index / CACHES_FOLDER).mkdir(exist_ok=True)
    name = _new_name(generation)
    if previous is None or not _continue(
        index / CACHES_FOLDER / previous[0],
        index / CACHES_FOLDER / name,
        writer,
        set(previous[1]),
        set(row_ids),
        language=language,
        on_progress=on_progress,
    ):
        shutil.rmtree(index / CACHES_FOLDER / name, ignore_errors=True)
        name = _new_name(generation)  # Chroma remembers a path that it failed to open
        _fill(
            index / CACHES_FOLDER / name,
            writer,
            row_ids,
            [],
            fresh=True,
            language=language,
            on_progress=on_progress,
        )
    folder = index / CACHES_FOLDER / name
    sizes = {file: size for file, size in _sizes(folder).items() if size}
    (folder / _SEAL).write_text(json.dumps({"generation": generation, "sizes": sizes}))
    return name


def _new_name(generation: int) -> str:
    return f"{generation:06d}-{secrets.token_hex(4)}"


def _continue(
    source: Path,
    folder: Path,
    writer: Writer,
    old: set[int],
    new: set[int],
    *,
    language: str,
    on_progress: Callable[[int, int], None],
) -> bool:
    """Copy the previous caches and change what changed; say whether that was worth it."""
    if not (source / _SEAL).is_file() or len(new ^ old) > _COPY_SHARE * len(new):
        return False
    try:
        _check_seal(source)
        shutil.copytree(source, folder)
        (folder / _SEAL).unlink()
        added, removed = sorted(new - old), sorted(old - new)
        counted = _fill(
            folder, writer, added, removed, fresh=False, language=language, on_progress=on_progress
        )
    except (IndexDamagedError, shutil.Error):
        return False
    return counted == (len(new), len(new))


def _fill(
    folder: Path,
    writer: Writer,
    added: Sequence[int],
    removed: Sequence[int],
    *,
    fresh: bool,
    language: str,
    on_progress: Callable[[int, int], None],
) -> tuple[int, int]:
    """Add and remove passages; return how many vectors and word entries there are then."""
    vectors = ChromaVectors(folder / "vectors", create=fresh)
    try:
        lexicon = Lexicon(folder / "words", language=language, create=fresh)
        if removed:
            vectors.remove(removed)
            lexicon.remove(removed)
        done = 0
        on_progress(done, len(added))
        for start in range(0, len(added), _PORTION):
            portion = added[start : start + _PORTION]
            vectors.add(_rows(writer, portion))
            done += len(portion)
            on_progress(done, len(added))
        if added:
            lexicon.add(writer.texts_of(added))
        return vectors.count(), lexicon.count()
    finally:
        vectors.close()


def distrust_caches(index: Path, name: str) -> None:
    """Have the caches of a generation rebuilt when they are opened next."""
    with suppress(OSError):  # in a read-only folder they cannot be rebuilt either
        (index / CACHES_FOLDER / name / _SEAL).unlink(missing_ok=True)


def _check_seal(folder: Path) -> None:
    """Raise if a file is missing or cut off: reading a damaged store can kill the process."""
    try:
        sealed = json.loads((folder / _SEAL).read_text())["sizes"].items()
    except FileNotFoundError as error:
        raise _damaged(folder, "it is missing or unfinished") from error
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise _damaged(folder, f"{_SEAL} cannot be read") from error
    found = _sizes(folder)
    for file, size in sealed:
        if found.get(file, 0) < size:
            raise _damaged(folder, f"{file} has {found.get(file, 0)} bytes of {size}")


def _sizes(folder: Path) -> dict[str, int]:
    return {
        file.relative_to(folder).as_posix(): file.stat().st_size
        for file in folder.rglob("*")
        if file.is_file() and file.name != _SEAL and not file.name.endswith(("-wal", "-journal"))
    }


def sweep_caches(index: Path, keep: Sequence[str]) -> None:
    """Delete the folders of earlier and of unfinished generations."""
    folder = index / CACHES_FOLDER
    for child in folder.iterdir() if folder.is_dir() else ():
        if child.name not in keep:
            shutil.rmtree(child, ignore_errors=True)


def _rows(writer: Writer, row_ids: Sequence[int]) -> Iterator[tuple[int, Vectors]]:
    yield from writer.vectors(row_ids).items()


def _damaged(folder: Path, problem: str) -> IndexDamagedError:
    return IndexDamagedError(
        f"The search caches {folder} cannot be used: {problem}.",
        remedy="Run `rag index`; they are rebuilt from the ledger without embedding again.",
    )
