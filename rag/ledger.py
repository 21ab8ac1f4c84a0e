"""SQLite: articles, passages, vectors, generations. The truth; every cache is rebuilt from it.

A generation is one finished state of the archive. An indexing run writes its articles ahead of the
current generation, where no reader sees them, and becomes visible in one transaction at its end.
An interrupted run therefore changes nothing a reader sees and loses nothing it finished: the next
run finds its articles and goes on.

Rows carry ``added_in`` and ``removed_in``; a row is visible in generation g when
``added_in <= g`` and (``removed_in`` is null or ``removed_in > g``).
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rag.embedder import Vectors
from rag.errors import (
    IndexDamagedError,
    IndexForeignError,
    IndexMissingError,
    IndexProblem,
)
from rag.schema import Article, ArticleSummary, Passage, Skipped, Span

LEDGER_FILE = "ledger.sqlite"
APPLICATION_ID = 0x44544C4E  # "DTLN"
FORMAT_VERSION = 1
_MAX_VARIABLES = 500

_TABLES = f"""
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_VERSION};
CREATE TABLE generations (
    number INTEGER PRIMARY KEY,
    fingerprint TEXT NOT NULL,
    corpus TEXT NOT NULL,
    corpus_from_index TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    caches TEXT NOT NULL,
    skipped TEXT NOT NULL
);
CREATE TABLE articles (
    article_id INTEGER PRIMARY KEY,
    path BLOB NOT NULL,
    file BLOB NOT NULL,
    file_sha256 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    title BLOB NOT NULL,
    published TEXT,
    outlet BLOB,
    url BLOB,
    encoding TEXT NOT NULL,
    text BLOB NOT NULL,
    unquotable TEXT NOT NULL,
    words INTEGER NOT NULL,
    passages INTEGER NOT NULL,
    added_in INTEGER NOT NULL,
    removed_in INTEGER
);
CREATE INDEX articles_by_path ON articles (path);
CREATE INDEX articles_by_file ON articles (file, file_sha256, fingerprint);
CREATE TABLE finished_files (
    file BLOB NOT NULL,
    file_sha256 TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    skipped TEXT NOT NULL,
    articles INTEGER NOT NULL,
    PRIMARY KEY (file, file_sha256, fingerprint)
);
CREATE TABLE passages (
    row_id INTEGER PRIMARY KEY AUTOINCREMENT,
    passage_id TEXT NOT NULL,
    article_id INTEGER NOT NULL REFERENCES articles ON DELETE CASCADE,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    sentences TEXT NOT NULL,
    embedded_sha256 TEXT NOT NULL,
    vector BLOB NOT NULL
);
CREATE TABLE vectors_ahead (
    embedded_sha256 TEXT PRIMARY KEY,
    vector BLOB NOT NULL
);
CREATE INDEX passages_by_article ON passages (article_id);
CREATE INDEX passages_by_embedded_text ON passages (embedded_sha256);
"""

_VISIBLE = "added_in <= :g AND (removed_in IS NULL OR removed_in > :g)"


@dataclass(frozen=True, slots=True)
class Generation:
    """One finished state of the archive.

    Attributes:
        fingerprint: What its vectors and passages were made with.
        corpus: The folder, absolute; ``corpus_from_index`` the same, seen from the index folder.
        caches: Name of the folder with its search caches.
    """

    number: int
    fingerprint: str
    corpus: str
    corpus_from_index: str
    finished_at: str
    caches: str
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class StoredPassage:
    """A passage with its place in the caches."""

    row_id: int
    passage: Passage


class Ledger:
    """The SQLite file of one index.

    Args:
        index: The index folder.
        create: Make the file if it is not there.

    Raises:
        IndexMissingError: If there is no ledger and ``create`` is false.
        IndexForeignError: If the file is not a ledger, or a newer version wrote it.
        IndexDamagedError: If it cannot be read.
    """

    def __init__(self, index: Path, *, create: bool = False) -> None:
        self.path = index / LEDGER_FILE
        if not self.path.is_file():
            if not create:
                raise IndexMissingError(
                    f"There is no index in {shown(index)}.",
                    remedy="Run `rag index` to build it, or name another one with --index.",
                )
            with _explained(self.path):
                _create(self.path)
        self._check()

    def _check(self) -> None:
        with self.snapshot() as view:
            view.check_format(self.path)

    @contextmanager
    def _connect(self, *, write: bool) -> Iterator[sqlite3.Connection]:
        uri = self.path.absolute().as_uri()
        if not write and not _writable(self.path.parent):
            # A write-ahead log cannot be opened in a read-only folder; the file is at rest there.
            uri += "?immutable=1"
        connection = sqlite3.connect(
            uri, uri=True, timeout=30.0, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            if write:
                connection.execute("PRAGMA synchronous = FULL")
            else:
                connection.execute("PRAGMA query_only = ON")
            yield connection
        finally:
            connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Give one unchanging view of the ledger, whatever a writer does meanwhile."""
        with _explained(self.path), self._connect(write=False) as connection:
            connection.execute("BEGIN")
            yield Snapshot(connection)

    @contextmanager
    def writer(self) -> Iterator[Writer]:
        """Give the writing side; the caller holds the index lock."""
        with _explained(self.path), self._connect(write=True) as connection:
            yield Writer(connection)

    def integrity_problems(self) -> list[str]:
        """Return what SQLite itself finds wrong with the file, [] when all is well."""
        with _explained(self.path), self._connect(write=False) as connection:
            rows = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(5)")]
        return [] if rows == ["ok"] else rows


class Snapshot:
    """Reading the ledger. Every list is in a fixed order: articles by path, passages by row."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def check_format(self, path: Path) -> None:
        """Raise if the file is not a ledger of this version."""
        (application_id,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application_id != APPLICATION_ID:
            raise IndexForeignError(
                f"{shown(path)} is not an index of this program.",
                remedy="Name another folder with --index; nothing was changed.",
            )
        if version > FORMAT_VERSION:
            raise IndexForeignError(
                f"{shown(path)} was written by a newer version (format {version}, "
                f"this one knows {FORMAT_VERSION}).",
                remedy="Upgrade dateline, or index into another folder; nothing was changed.",
            )

    def generation(self) -> Generation | None:
        """Return the current generation; None before the first run has finished."""
        row = self._connection.execute(
            "SELECT number, fingerprint, corpus, corpus_from_index, finished_at, caches, skipped "
            "FROM generations ORDER BY number DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        return Generation(row[0], row[1], row[2], row[3], row[4], row[5], _skipped(row[6]))

    def unfinished_articles(self) -> int:
        """Return how many articles an interrupted run has finished already."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM articles WHERE added_in > "
            "(SELECT coalesce(max(number), 0) FROM generations)"
        ).fetchone()
        return int(count)

    def summaries(self, generation: int) -> list[ArticleSummary]:
        """Return the visible articles without their texts, by path."""
        rows = self._connection.execute(
            "SELECT path, title, published, outlet, url, words, passages FROM articles "
            f"WHERE {_VISIBLE} ORDER BY path",
            {"g": generation},
        )
        return [
            ArticleSummary(
                _text(r[0]),
                _text(r[1]),
                _day(r[2]),
                _text_or_none(r[3]),
                _text_or_none(r[4]),
                *r[5:],
            )
            for r in rows
        ]

    def article_ids(self, generation: int) -> list[int]:
        """Return the ids of the visible articles, ascending."""
        return [
            row[0]
            for row in self._connection.execute(
                f"SELECT article_id FROM articles WHERE {_VISIBLE} ORDER BY article_id",
                {"g": generation},
            )
        ]

    def identities_of(self, articles: Sequence[int]) -> dict[str, str]:
        """Return path and text hash of some articles."""
        found: dict[str, str] = {}
        for some in _portions(articles):
            marks = ",".join("?" * len(some))
            for path, sha256 in self._connection.execute(
                f"SELECT path, sha256 FROM articles WHERE article_id IN ({marks})", list(some)
            ):
                found[_text(path)] = sha256
        return found

    def counts(self, generation: int) -> tuple[int, int]:
        """Return how many articles and passages are visible."""
        row = self._connection.execute(
            f"SELECT count(*), coalesce(sum(passages), 0) FROM articles WHERE {_VISIBLE}",
            {"g": generation},
        ).fetchone()
        return int(row[0]), int(row[1])

    def article(self, path: str, generation: int) -> Article | None:
        """Return the visible article at ``path``, or None if there is none."""
        row = self._connection.execute(
            "SELECT path, text, title, published, outlet, url, encoding, sha256, unquotable "
            f"FROM articles WHERE path = :path AND {_VISIBLE}",
            {"g": generation, "path": _blob(path)},
        ).fetchone()
        if row is None:
            return None
        return Article(
            path=_text(row[0]),
            text=_text(zlib.decompress(row[1])),
            title=_text(row[2]),
            published=_day(row[3]),
            outlet=_text_or_none(row[4]),
            url=_text_or_none(row[5]),
            encoding=row[6],
            sha256=row[7],
            unquotable=_spans(row[8]),
        )

    def file_of(self, path: str, generation: int) -> tuple[str, str] | None:
        """Return the file that holds the article, and its sha256 when it was indexed."""
        row = self._connection.execute(
            f"SELECT file, file_sha256 FROM articles WHERE path = :path AND {_VISIBLE}",
            {"g": generation, "path": _blob(path)},
        ).fetchone()
        return (_text(row[0]), str(row[1])) if row else None

    def allowed_articles(
        self, generation: int, *, published_by: str | None, paths: Sequence[str] | None
    ) -> list[int]:
        """Return ids of the visible articles that a filter lets through.

        Args:
            generation: The generation that is read.
            published_by: ISO day; articles published later are left out, undated ones stay.
            paths: Articles, files or folders; None for all.
        """
        wanted = None if paths is None else frozenset(path.rstrip("/") for path in paths)
        found = []
        for article_id, path_blob, published in self._connection.execute(
            f"SELECT article_id, path, published FROM articles WHERE {_VISIBLE}", {"g": generation}
        ):
            if published_by is not None and published is not None and published > published_by:
                continue
            path = _text(path_blob)
            if wanted is not None and not wanted.intersection(_path_and_parents(path)):
                continue
            found.append(article_id)
        return found

    def stored_passages(self, row_ids: Sequence[int], generation: int) -> dict[int, StoredPassage]:
        """Return the visible passages among ``row_ids``, by row id."""
        found: dict[int, StoredPassage] = {}
        texts: dict[int, str] = {}
        for some in _portions(row_ids):
            marks = ",".join("?" * len(some))
            rows = self._connection.execute(
                "SELECT p.row_id, p.passage_id, p.start, p.end, p.sentences, a.article_id, a.path, "
                "a.title, a.published, a.outlet FROM passages p JOIN articles a USING (article_id) "
                f"WHERE p.row_id IN ({marks}) AND a.added_in <= ? "
                "AND (a.removed_in IS NULL OR a.removed_in > ?)",
                [*some, generation, generation],
            ).fetchall()
            for row in rows:
                article_id = row[5]
                if article_id not in texts:
                    (text,) = self._connection.execute(
                        "SELECT text FROM articles WHERE article_id = ?", [article_id]
                    ).fetchone()
                    texts[article_id] = _text(zlib.decompress(text))
                passage = Passage(
                    passage_id=row[1],
                    path=_text(row[6]),
                    start=row[2],
                    end=row[3],
                    text=texts[article_id][row[2] : row[3]],
                    title=_text(row[7]),
                    published=_day(row[8]),
                    outlet=_text_or_none(row[9]),
                    sentences=_spans(row[4]),
                )
                found[row[0]] = StoredPassage(row[0], passage)
        return found

    def vectors(self, row_ids: Sequence[int]) -> dict[int, Vectors]:
        """Return the vectors of passages, by row id."""
        found: dict[int, Vectors] = {}
        for some in _portions(row_ids):
            marks = ",".join("?" * len(some))
            for row_id, blob in self._connection.execute(
                f"SELECT row_id, vector FROM passages WHERE row_id IN ({marks})", list(some)
            ):
                found[row_id] = np.frombuffer(blob, dtype=np.float32)
        return found

    def row_ids(self, generation: int, articles: Sequence[int] | None = None) -> list[int]:
        """Return the row ids of the visible passages, all or those of some articles, ascending."""
        if articles is None:
            rows = self._connection.execute(
                "SELECT row_id FROM passages JOIN articles USING (article_id) "
                f"WHERE {_VISIBLE} ORDER BY row_id",
                {"g": generation},
            )
            return [row[0] for row in rows]
        found: list[int] = []
        for some in _portions(articles):
            marks = ",".join("?" * len(some))
            found.extend(
                row[0]
                for row in self._connection.execute(
                    f"SELECT row_id FROM passages WHERE article_id IN ({marks})", list(some)
                )
            )
        return sorted(found)

    def texts_of(self, row_ids: Sequence[int]) -> Iterator[tuple[int, str, str]]:
        """Yield (row id, title, passage text), whatever generation they belong to."""
        previous: tuple[int, str, str] | None = None
        for some in _portions(sorted(row_ids)):
            marks = ",".join("?" * len(some))
            for row_id, article_id, start, end in self._connection.execute(
                "SELECT row_id, article_id, start, end FROM passages "
                f"WHERE row_id IN ({marks}) ORDER BY row_id",
                list(some),
            ).fetchall():
                if previous is None or previous[0] != article_id:
                    title, text = self._connection.execute(
                        "SELECT title, text FROM articles WHERE article_id = ?", [article_id]
                    ).fetchone()
                    previous = (article_id, _text(title), _text(zlib.decompress(text)))
                yield row_id, previous[1], previous[2][start:end]


class Writer(Snapshot):
    """Writing the ledger: one indexing run at a time."""

    def begin_run(self) -> int:
        """Drop what only earlier generations saw; return the number this run will get."""
        current = self.generation()
        number = current.number if current else 0
        with self._transaction():
            self._connection.execute("DELETE FROM articles WHERE removed_in <= ?", [number])
            self._connection.execute("DELETE FROM generations WHERE number < ?", [number])
        return number + 1

    def finished_file(
        self, file: str, file_sha256: str, fingerprint: str
    ) -> tuple[list[int], tuple[Skipped, ...]] | None:
        """Return article ids and skipped parts of a file that is indexed already, else None."""
        key = [_blob(file), file_sha256, fingerprint]
        row = self._connection.execute(
            "SELECT skipped, articles FROM finished_files WHERE file = ? AND file_sha256 = ? "
            "AND fingerprint = ?",
            key,
        ).fetchone()
        if row is None:
            return None
        ids = [
            r[0]
            for r in self._connection.execute(
                "SELECT article_id FROM articles WHERE file = ? AND file_sha256 = ? "
                "AND fingerprint = ?",
                key,
            )
        ]
        return (ids, _skipped(row[0])) if len(ids) == row[1] else None

    def known_vectors(self, embedded_sha256: Sequence[str]) -> dict[str, bytes]:
        """Return vectors of texts that were embedded before, by the hash of what was embedded."""
        found: dict[str, bytes] = {}
        for some in _portions(embedded_sha256):
            marks = ",".join("?" * len(some))
            found.update(
                self._connection.execute(
                    "SELECT embedded_sha256, vector FROM vectors_ahead "
                    f"WHERE embedded_sha256 IN ({marks}) UNION ALL "
                    "SELECT embedded_sha256, vector FROM passages "
                    f"WHERE embedded_sha256 IN ({marks})",
                    [*some, *some],
                )
            )
        return found

    def keep_vectors(self, vectors: Mapping[str, bytes]) -> None:
        """Store vectors of a file that is not finished, by the hash of what was embedded.

        They outlive an interruption, not the end of the run.
        """
        with self._transaction():
            self._connection.executemany(
                "INSERT OR REPLACE INTO vectors_ahead VALUES (?,?)", list(vectors.items())
            )

    def add_file(
        self,
        file: str,
        file_sha256: str,
        fingerprint: str,
        contents: Iterable[tuple[Article, Sequence[Passage], Sequence[str], Sequence[bytes]]],
        skipped: Sequence[Skipped],
        *,
        generation: int,
    ) -> list[int]:
        """Store a file's articles with passages, hashes of what was embedded, and vectors.

        All of it or nothing: a file counts as finished when this returns. Returns article ids.
        """
        ids = []
        with self._transaction():
            self._connection.execute(
                "DELETE FROM articles WHERE file = ? AND file_sha256 = ? AND fingerprint = ?",
                [_blob(file), file_sha256, fingerprint],
            )
            for article, passages, hashes, vectors in contents:
                cursor = self._connection.execute(
                    "INSERT INTO articles (path, file, file_sha256, fingerprint, sha256, title, "
                    "published, outlet, url, encoding, text, unquotable, words, passages, "
                    "added_in) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                    [
                        _blob(article.path),
                        _blob(file),
                        file_sha256,
                        fingerprint,
                        article.sha256,
                        _blob(article.title),
                        article.published.isoformat() if article.published else None,
                        _blob_or_none(article.outlet),
                        _blob_or_none(article.url),
                        article.encoding,
                        zlib.compress(_blob(article.text), 1),
                        json.dumps([[span.start, span.end] for span in article.unquotable]),
                        len(article.text.split()),
                        len(passages),
                        generation,
                    ],
                )
                article_id = int(cursor.lastrowid or 0)
                ids.append(article_id)
                self._connection.executemany(
                    "INSERT INTO passages (passage_id, article_id, start, end, sentences, "
                    "embedded_sha256, vector) VALUES (?,?,?,?,?,?,?)",
                    [
                        [
                            passage.passage_id,
                            article_id,
                            passage.start,
                            passage.end,
                            json.dumps([[span.start, span.end] for span in passage.sentences]),
                            digest,
                            vector,
                        ]
                        for passage, digest, vector in zip(passages, hashes, vectors, strict=True)
                    ],
                )
            self._connection.execute(
                "INSERT OR REPLACE INTO finished_files VALUES (?,?,?,?,?)",
                [_blob(file), file_sha256, fingerprint, _skipped_json(skipped), len(ids)],
            )
        return ids

    def finish_run(self, generation: Generation, carried: Sequence[int]) -> None:
        """Make ``carried`` articles, and nothing else, the current generation at one stroke."""
        with self._transaction():
            self._connection.execute("CREATE TEMP TABLE carried (article_id INTEGER PRIMARY KEY)")
            self._connection.executemany(
                "INSERT OR IGNORE INTO carried VALUES (?)", [[article] for article in carried]
            )
            self._connection.execute(
                "DELETE FROM articles WHERE added_in >= ? AND article_id NOT IN carried",
                [generation.number],
            )
            self._connection.execute(
                "UPDATE articles SET removed_in = ? WHERE removed_in IS NULL "
                "AND article_id NOT IN carried",
                [generation.number],
            )
            self._connection.execute(
                "DELETE FROM finished_files WHERE (file, file_sha256, fingerprint) NOT IN "
                "(SELECT file, file_sha256, fingerprint FROM articles WHERE removed_in IS NULL) "
                "AND articles > 0"
            )
            self._connection.execute(
                "INSERT INTO generations VALUES (?,?,?,?,?,?,?)",
                [
                    generation.number,
                    generation.fingerprint,
                    generation.corpus,
                    generation.corpus_from_index,
                    generation.finished_at,
                    generation.caches,
                    _skipped_json(generation.skipped),
                ],
            )
            self._connection.execute("DELETE FROM vectors_ahead")
            self._connection.execute("DROP TABLE carried")

    def replace_caches(self, generation: int, caches: str) -> None:
        """Point a generation at another folder of caches, rebuilt from this ledger."""
        with self._transaction():
            self._connection.execute(
                "UPDATE generations SET caches = ? WHERE number = ?", [caches, generation]
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")


def _create(path: Path) -> None:
    """Make an empty ledger, which appears under its name when it is whole."""
    unfinished = path.with_name(f"{path.name}.new")
    for leftover in (unfinished, *(Path(f"{unfinished}-{end}") for end in ("journal", "wal"))):
        leftover.unlink(missing_ok=True)
    connection = sqlite3.connect(unfinished, isolation_level=None)
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {_TABLES} COMMIT;")
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    unfinished.replace(path)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except (sqlite3.DatabaseError, zlib.error) as error:
        message = str(error)
        if "not a database" in message:
            raise IndexForeignError(
                f"{shown(path)} is damaged, or not an index of this program ({message}).",
                remedy="Name another folder with --index, or move the file away and run "
                "`rag index`; nothing was changed.",
            ) from error
        if "full" in message or "readonly" in message or "disk I/O" in message:
            raise IndexProblem(
                f"{shown(path)} cannot be written ({message}).",
                remedy="Free some space, or make the folder writable, then run `rag index` again; "
                "what was finished is kept.",
            ) from error
        raise IndexDamagedError(
            f"{shown(path)} cannot be read ({message}).",
            remedy="Restore it from a backup, or move the file away and run `rag index`.",
        ) from error


def shown(path: Path | str) -> str:
    """Return a path as it can be printed: control characters and odd bytes escaped."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(path)
    )


def _writable(folder: Path) -> bool:
    return os.access(folder, os.W_OK)


def _path_and_parents(path: str) -> list[str]:
    """Return an article's path, the file that it is a line of, and the folders above."""
    return [path, *(path[:at] for at, letter in enumerate(path) if letter in "/#")]


def _portions(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MAX_VARIABLES):
        yield values[start : start + _MAX_VARIABLES]


def _blob(text: str) -> bytes:
    # Lone surrogates (file names that are not UTF-8) would not pass as SQLite text.
    return text.encode("utf-8", "surrogatepass")


def _blob_or_none(text: str | None) -> bytes | None:
    return None if text is None else _blob(text)


def _text(blob: bytes) -> str:
    return blob.decode("utf-8", "surrogatepass")


def _text_or_none(blob: bytes | None) -> str | None:
    return None if blob is None else _text(blob)


def _day(text: str | None) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def _spans(text: str) -> tuple[Span, ...]:
    return tuple(Span(start, end) for start, end in json.loads(text))


def _skipped_json(skipped: Sequence[Skipped]) -> str:
    return json.dumps([[item.path, item.reason] for item in skipped])


def _skipped(text: str) -> tuple[Skipped, ...]:
    return tuple(Skipped(path, reason) for path, reason in json.loads(text))
