"""Folder of articles -> the next generation of an index.

Only what is new is read and embedded. Each file is stored when its last passage is embedded, so an
interrupted run is taken up where it stopped; the generation becomes visible at the very end.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from rag import corpus as corpus_room
from rag.caches import build_caches, open_caches, sweep_caches
from rag.embedder import Embedder
from rag.errors import CorpusError, IndexProblem, LockedError
from rag.ledger import Generation, Ledger, Writer, shown
from rag.passages import embedded_text, split_passages
from rag.schema import (
    Article,
    IndexReport,
    Passage,
    Progress,
    ProgressListener,
    Skipped,
)

SPLITTER_VERSION = 1
_LOCK_FILE = "writer.lock"
_HOLDER_FILE = "writer.json"
# Passages embedded before files are stored; more loses more when a run is killed.
_BATCH_PASSAGES = 64
_EMBED_AT_ONCE = 32
_CONTEXT_PIECES = 48
_BYTES_PER_PASSAGE = 650


@dataclass(frozen=True, slots=True)
class Recipe:
    """What turns articles into passages and vectors.

    Attributes:
        embedder: Makes the vectors.
        passage_words: Words a passage aims at.
        language: ISO 639 code of the articles.
    """

    embedder: Embedder
    passage_words: int
    language: str

    @property
    def fingerprint(self) -> str:
        """What an index made with it can be searched with."""
        return (
            f"{self.embedder.fingerprint} words={self.passage_words} "
            f"language={self.language} splitter={SPLITTER_VERSION}"
        )

    def passages(self, article: Article) -> list[Passage]:
        """Return the passages of an article."""
        return split_passages(
            article,
            passage_words=self.passage_words,
            max_pieces=max(16, self.embedder.window - 2 - _CONTEXT_PIECES),
            count_pieces=self.embedder.count_pieces,
            language=self.language,
        )

    def embedded_text(self, article: Article, passage: Passage) -> str:
        """Return what of a passage is turned into its vector; it fits the model's window."""
        return embedded_text(
            article,
            passage,
            context_pieces=_CONTEXT_PIECES,
            count_pieces=self.embedder.count_pieces,
        )


@contextmanager
def index_lock(index: Path) -> Iterator[None]:
    """Be the only process (and thread) that writes an index.

    Raises:
        LockedError: If another one is, named by its process id.
        IndexProblem: If the folder cannot be written.
    """
    try:
        index.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(index / _LOCK_FILE)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise LockedError(
            f"{_holder(index)} is writing the index {shown(index)}.",
            remedy="Wait until it has finished, then try again; questions are answered meanwhile.",
        ) from error
    except OSError as error:
        raise IndexProblem(
            f"The index folder {shown(index)} cannot be written: {error.strerror}.",
            remedy="Make it writable, or name another folder with --index.",
        ) from error
    try:
        now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        # Only a courtesy to those who find it locked: a full disk must not stop a rebuild.
        with suppress(OSError):
            (index / _HOLDER_FILE).write_text(
                json.dumps({"pid": os.getpid(), "since": now}), encoding="utf-8"
            )
        yield
    finally:
        with suppress(OSError):
            (index / _HOLDER_FILE).unlink(missing_ok=True)
        lock.release()


def _holder(index: Path) -> str:
    try:
        holder = json.loads((index / _HOLDER_FILE).read_text(encoding="utf-8"))
        return f"Process {holder['pid']} (since {holder['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "Another process"


def index_corpus(
    corpus: Path,
    index: Path,
    recipe: Recipe,
    *,
    max_bytes: int,
    on_progress: ProgressListener | None = None,
) -> IndexReport:
    """Bring an index up to date with its folder of articles.

    Args:
        corpus: The folder.
        index: The index folder, made if it is not there.
        recipe: What turns articles into passages and vectors.
        max_bytes: Larger files are skipped.
        on_progress: Called every so often.

    Raises:
        CorpusError: If the folder is missing or holds no article.
        LockedError: If another process is writing the index.
        IndexProblem: If the index cannot be written or read.
    """
    with index_lock(index):
        # Looked for before the ledger is made: a mistyped folder leaves nothing behind.
        files, skipped = _without_index(
            index, corpus, *corpus_room.list_files(corpus, max_bytes=max_bytes)
        )
        if not files:
            raise _nothing_to_index(corpus, skipped)
        ledger = Ledger(index, create=True)
        with ledger.writer() as writer:
            run = _Run(corpus, index, recipe, writer, max_bytes, on_progress)
            return run.carry_out(files, skipped)


def _without_index(
    index: Path, corpus: Path, files: list[corpus_room.FileEntry], skipped: list[Skipped]
) -> tuple[list[corpus_room.FileEntry], list[Skipped]]:
    """Leave out what belongs to the index, where that lies inside the corpus."""
    place = Path(_seen_from(index.resolve(), corpus.resolve())).as_posix()
    inside = f"{place}/"
    return (
        [entry for entry in files if not entry.path.startswith(inside)],
        [item for item in skipped if not item.path.startswith(inside)],
    )


def rebuild_caches(index: Path, ledger: Ledger, *, language: str) -> None:
    """Make the current generation's search caches anew from the ledger.

    Raises:
        LockedError: If another process is writing the index.
        IndexProblem: If the folder cannot be written.
    """
    with index_lock(index), ledger.writer() as writer:
        generation = writer.generation()
        if generation is None:
            return
        name = build_caches(
            index,
            writer,
            writer.row_ids(generation.number),
            generation=generation.number,
            language=language,
            previous=None,
            on_progress=lambda done, total: None,
        )
        writer.replace_caches(generation.number, name)
        sweep_caches(index, [name])


@dataclass(slots=True)
class _Pending:
    """A file whose passages wait for their vectors."""

    file: str
    file_sha256: str
    contents: list[tuple[Article, list[Passage], list[str], list[str]]]
    skipped: list[Skipped]

    @property
    def passages(self) -> int:
        return sum(len(passages) for _, passages, _, _ in self.contents)


class _Run:
    """One indexing run, under the lock."""

    def __init__(
        self,
        corpus: Path,
        index: Path,
        recipe: Recipe,
        writer: Writer,
        max_bytes: int,
        on_progress: ProgressListener | None,
    ) -> None:
        self._corpus = corpus
        self._index = index
        self._recipe = recipe
        self._writer = writer
        self._max_bytes = max_bytes
        self._on_progress = on_progress or (lambda progress: None)
        self._embedded = 0
        self._done_passages = 0
        self._expected_passages = 0

    def carry_out(
        self, files: Sequence[corpus_room.FileEntry], skipped: list[Skipped]
    ) -> IndexReport:
        started = time.monotonic()
        previous = self._writer.generation()
        sweep_caches(self._index, [previous.caches] if previous else [])
        before = (
            self._writer.identities_of(self._writer.article_ids(previous.number))
            if previous
            else {}
        )
        previous_rows = self._writer.row_ids(previous.number) if previous else []
        number = self._writer.begin_run()
        carried, pending = self._look(files, skipped)
        carried += self._read_and_embed(pending, skipped, number)
        if not carried:
            raise _nothing_to_index(self._corpus, skipped)
        after = self._writer.identities_of(carried)
        unchanged = previous is not None and self._is_current(previous, carried, skipped)
        if unchanged and previous is not None and self._caches_stand(previous):
            number = previous.number
        else:
            self._make_visible(number, carried, skipped, previous, previous_rows)
        row_ids = self._writer.row_ids(number)
        return IndexReport(
            generation=number,
            added=len(after.keys() - before.keys()),
            changed=sum(1 for path in after.keys() & before.keys() if after[path] != before[path]),
            removed=len(before.keys() - after.keys()),
            unchanged=sum(1 for p in after.keys() & before.keys() if after[p] == before[p]),
            articles=len(after),
            passages=len(row_ids),
            embedded=self._embedded,
            skipped=tuple(skipped),
            seconds=time.monotonic() - started,
        )

    def _look(
        self, files: Sequence[corpus_room.FileEntry], skipped: list[Skipped]
    ) -> tuple[list[int], list[tuple[corpus_room.FileEntry, str]]]:
        """Tell the files that are indexed already from those that must be read."""
        carried: list[int] = []
        pending: list[tuple[corpus_room.FileEntry, str]] = []
        for position, entry in enumerate(files):
            self._on_progress(Progress("reading", position, len(files), entry.path))
            digest = corpus_room.file_sha256(self._corpus, entry.path, max_bytes=self._max_bytes)
            if isinstance(digest, Skipped):
                skipped.append(digest)
                continue
            known = self._writer.finished_file(entry.path, digest, self._recipe.fingerprint)
            if known is None:
                pending.append((entry, digest))
            else:
                carried.extend(known[0])
                skipped.extend(known[1])
        self._on_progress(Progress("reading", len(files), len(files)))
        return carried, pending

    def _read_and_embed(
        self,
        pending: Sequence[tuple[corpus_room.FileEntry, str]],
        skipped: list[Skipped],
        number: int,
    ) -> list[int]:
        carried: list[int] = []
        waiting: list[_Pending] = []
        bytes_left = sum(entry.size for entry, _ in pending)
        bytes_read = passages_read = 0
        for entry, digest in pending:
            found = self._read(entry.path, digest)
            if isinstance(found, Skipped):
                skipped.append(found)
                continue
            waiting.append(found)
            skipped.extend(found.skipped)
            bytes_left -= entry.size
            bytes_read += entry.size
            passages_read += found.passages
            rate = passages_read / bytes_read if bytes_read > 20_000 else 1 / _BYTES_PER_PASSAGE
            self._expected_passages = passages_read + round(bytes_left * rate)
            if sum(item.passages for item in waiting) >= _BATCH_PASSAGES:
                carried += self._store(waiting, number)
                waiting = []
        carried += self._store(waiting, number)
        return carried

    def _read(self, path: str, digest: str) -> _Pending | Skipped:
        articles, skipped = corpus_room.read_articles(self._corpus, path, max_bytes=self._max_bytes)
        again = corpus_room.file_sha256(self._corpus, path, max_bytes=self._max_bytes)
        if isinstance(again, Skipped):
            return again
        if again != digest:
            return Skipped(path, "changed while it was being read; run `rag index` again")
        contents = []
        for article in articles:
            passages = self._recipe.passages(article)
            texts = [self._recipe.embedded_text(article, passage) for passage in passages]
            hashes = [self._text_hash(text) for text in texts]
            if passages:
                contents.append((article, passages, hashes, texts))
            else:
                skipped = [*skipped, Skipped(article.path, "no text")]
        return _Pending(path, digest, contents, skipped)

    def _text_hash(self, text: str) -> str:
        key = f"{self._recipe.embedder.fingerprint}\0{text}"
        return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    def _store(self, waiting: Sequence[_Pending], number: int) -> list[int]:
        """Embed what was never embedded before, and store each file as finished."""
        texts = {
            digest: text
            for item in waiting
            for _, _, hashes, file_texts in item.contents
            for digest, text in zip(hashes, file_texts, strict=True)
        }
        vectors = self._writer.known_vectors(list(texts))
        new = [digest for digest in texts if digest not in vectors]
        self._done_passages += len(texts) - len(new)
        for start in range(0, len(new), _EMBED_AT_ONCE):
            portion = new[start : start + _EMBED_AT_ONCE]
            self._on_progress(
                Progress(
                    "embedding",
                    self._done_passages,
                    max(self._expected_passages, self._done_passages),
                    waiting[-1].file,
                )
            )
            rows = self._recipe.embedder.embed_passages([texts[digest] for digest in portion])
            made = {digest: row.tobytes() for digest, row in zip(portion, rows, strict=True)}
            vectors.update(made)
            if len(new) > _BATCH_PASSAGES:
                # A file of thousands of articles is finished late; its vectors are kept meanwhile.
                self._writer.keep_vectors(made)
            self._embedded += len(portion)
            self._done_passages += len(portion)
        if waiting:
            self._on_progress(
                Progress(
                    "embedding",
                    self._done_passages,
                    max(self._expected_passages, self._done_passages),
                    waiting[-1].file,
                )
            )
        carried: list[int] = []
        for item in waiting:
            carried += self._writer.add_file(
                item.file,
                item.file_sha256,
                self._recipe.fingerprint,
                [
                    (article, passages, hashes, [vectors[digest] for digest in hashes])
                    for article, passages, hashes, _ in item.contents
                ],
                item.skipped,
                generation=number,
            )
        return carried

    def _is_current(
        self, previous: Generation, carried: Sequence[int], skipped: Sequence[Skipped]
    ) -> bool:
        return (
            previous.fingerprint == self._recipe.fingerprint
            and previous.skipped == tuple(skipped)
            and previous.corpus == str(self._corpus.absolute())
            and self._writer.article_ids(previous.number) == sorted(carried)
        )

    def _caches_stand(self, previous: Generation) -> bool:
        try:
            _, passages = self._writer.counts(previous.number)
            open_caches(
                self._index, previous.caches, passages=passages, language=self._recipe.language
            ).close()
        except IndexProblem:
            return False
        return True

    def _make_visible(
        self,
        number: int,
        carried: Sequence[int],
        skipped: Sequence[Skipped],
        previous: Generation | None,
        previous_rows: Sequence[int],
    ) -> None:
        caches = build_caches(
            self._index,
            self._writer,
            self._writer.row_ids(number, carried),
            generation=number,
            language=self._recipe.language,
            previous=(previous.caches, previous_rows) if previous else None,
            on_progress=lambda done, total: self._on_progress(Progress("linking", done, total)),
        )
        corpus = self._corpus.absolute()
        self._writer.finish_run(
            Generation(
                number=number,
                fingerprint=self._recipe.fingerprint,
                corpus=str(corpus),
                corpus_from_index=_seen_from(corpus, self._index.absolute()),
                finished_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
                caches=caches,
                skipped=tuple(skipped),
            ),
            carried,
        )


def _seen_from(path: Path, folder: Path) -> str:
    """Return a relative path where there is one; Windows has none from one drive to another."""
    try:
        return os.path.relpath(path, folder)
    except ValueError:
        return str(path)


def _nothing_to_index(corpus: Path, skipped: Sequence[Skipped]) -> CorpusError:
    reasons = "; ".join(f"{shown(item.path)}: {item.reason}" for item in skipped[:3])
    return CorpusError(
        f"There is nothing to index in {shown(corpus)}{f' ({reasons})' if reasons else ''}.",
        remedy="Put .txt, .md, .html or .jsonl articles there, or name another folder.",
    )
