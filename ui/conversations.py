"""Questions and answers -> rows of one SQLite file -> the same, after a restart.

A conversation belongs to one visitor: every reading and writing method takes the visitor and finds
nothing that is another's. Answers are kept as :meth:`rag.schema.Answer.to_dict` gives them, so that
their citations open as they did on the day.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rag.errors import UsageError
from rag.schema import Turn

Outcome = Literal["answered", "stopped", "failed"]

MAX_NAME_CHARS = 120
SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS conversations (
    id TEXT PRIMARY KEY, visitor TEXT NOT NULL, name TEXT NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS conversations_of ON conversations (visitor, updated_at);
CREATE TABLE IF NOT EXISTS turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    question TEXT NOT NULL, options TEXT NOT NULL, outcome TEXT NOT NULL, answer TEXT NOT NULL,
    nearest TEXT NOT NULL, asked_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS turns_of ON turns (conversation_id, id);
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY AUTOINCREMENT, turn_id INTEGER NOT NULL UNIQUE,
    liked INTEGER NOT NULL, reason TEXT NOT NULL, comment TEXT NOT NULL, question TEXT NOT NULL,
    history TEXT NOT NULL, options TEXT NOT NULL, settings TEXT NOT NULL, answer TEXT NOT NULL,
    given_at TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """A conversation without its turns, for lists."""

    id: str
    name: str
    updated_at: str
    turns: int


@dataclass(frozen=True, slots=True)
class ConversationTurn:
    """One question of a conversation and what came of it.

    Attributes:
        options: What the visitor had set: ``as_of``, ``paths``, who was to be the ``writer``, and
            so on; JSON values.
        outcome: ``answered``; ``stopped`` by the visitor, then ``answer`` holds what was written
            until then; or ``failed``, then ``answer`` holds ``problem`` and ``remedy``.
        answer: :meth:`rag.schema.Answer.to_dict`, except as said above.
        nearest: The passages nearest to the question, with their words; shown for an abstention.
        liked: What the visitor thinks of the answer, or None; then ``comment`` is their words.
    """

    id: int
    conversation_id: str
    question: str
    options: Mapping[str, Any]
    outcome: Outcome
    answer: Mapping[str, Any]
    nearest: Sequence[Mapping[str, Any]]
    asked_at: str
    liked: bool | None = None
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation with all its turns, oldest first."""

    id: str
    name: str
    created_at: str
    turns: tuple[ConversationTurn, ...] = field(default=())

    def history(self) -> list[Turn]:
        """Return the answered turns as ``archive.ask`` takes its history."""
        return [
            Turn.of(turn.question, turn.answer) for turn in self.turns if turn.outcome == "answered"
        ]

    @property
    def writer(self) -> str:
        """Who was to write the last answer (``extractive`` or ``model``); empty if nobody chose."""
        return str(self.turns[-1].options.get("writer") or "") if self.turns else ""


class ConversationStore:
    """The conversations of all visitors, each seen by its own visitor only.

    Safe to use from several threads and processes: every call opens its own connection.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._connected() as database:
                known = int(database.execute("PRAGMA user_version").fetchone()[0])
                if known > SCHEMA_VERSION:
                    raise UsageError(
                        f"{path} was written by a newer version.",
                        remedy="Set RAG_CHAT_CONVERSATIONS to another file, or upgrade.",
                    )
                database.executescript(SCHEMA)
                database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"{path} cannot be used for conversations: {error}.",
                remedy="Move it away, or set RAG_CHAT_CONVERSATIONS to another file.",
            ) from error

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=30)) as database:
            database.row_factory = sqlite3.Row
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA foreign_keys = ON")
            with database:
                yield database

    def begin(self, visitor: str, name: str) -> str:
        """Return the id of a new conversation, named after its first question."""
        identity, now = secrets.token_urlsafe(12), _now()
        with self._connected() as database:
            database.execute(
                "INSERT INTO conversations VALUES (?, ?, ?, ?, ?)",
                (identity, visitor, _name(name), now, now),
            )
        return identity

    def summaries(self, visitor: str, limit: int = 200) -> list[ConversationSummary]:
        """Return the visitor's conversations, last used first."""
        with self._connected() as database:
            rows = database.execute(
                "SELECT c.id, c.name, c.updated_at, count(t.id) AS turns FROM conversations c"
                " LEFT JOIN turns t ON t.conversation_id = c.id WHERE c.visitor = ?"
                " GROUP BY c.id ORDER BY c.updated_at DESC, c.rowid DESC LIMIT ?",
                (visitor, limit),
            ).fetchall()
        return [ConversationSummary(**dict(row)) for row in rows]

    def conversation(self, visitor: str, identity: str) -> Conversation:
        """Return one conversation with its turns.

        Raises:
            UsageError: If the visitor has no such conversation.
        """
        with self._connected() as database:
            owned = self._owned(database, visitor, identity)
            rows = database.execute(
                "SELECT t.*, f.liked, f.reason, f.comment FROM turns t"
                " LEFT JOIN feedback f ON f.turn_id = t.id"
                " WHERE t.conversation_id = ? ORDER BY t.id",
                (identity,),
            ).fetchall()
        return Conversation(
            identity, owned["name"], owned["created_at"], tuple(_turn(row) for row in rows)
        )

    def turn(self, visitor: str, turn_id: int) -> ConversationTurn:
        """Return one turn.

        Raises:
            UsageError: If no conversation of the visitor has it.
        """
        with self._connected() as database:
            row = database.execute(
                "SELECT t.*, f.liked, f.reason, f.comment FROM turns t"
                " JOIN conversations c ON c.id = t.conversation_id"
                " LEFT JOIN feedback f ON f.turn_id = t.id WHERE t.id = ? AND c.visitor = ?",
                (turn_id, visitor),
            ).fetchone()
        if row is None:
            raise _unknown("answer")
        return _turn(row)

    def add_turn(
        self,
        visitor: str,
        identity: str,
        question: str,
        *,
        options: Mapping[str, Any],
        outcome: Outcome,
        answer: Mapping[str, Any],
        nearest: Sequence[Mapping[str, Any]] = (),
    ) -> int:
        """Keep what came of a question and return the turn's id.

        Raises:
            UsageError: If the visitor has no such conversation (it may just have been deleted).
        """
        now = _now()
        with self._connected() as database:
            self._owned(database, visitor, identity)
            cursor = database.execute(
                "INSERT INTO turns (conversation_id, question, options, outcome, answer, nearest,"
                " asked_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (identity, question, _json(options), outcome, _json(answer), _json(nearest), now),
            )
            database.execute(
                "UPDATE conversations SET updated_at = ? WHERE id = ?", (now, identity)
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def forget_from(self, visitor: str, identity: str, turn_id: int) -> None:
        """Delete a turn and all later ones, so that its question can be asked anew.

        Raises:
            UsageError: If the visitor has no such conversation.
        """
        with self._connected() as database:
            self._owned(database, visitor, identity)
            database.execute(
                "DELETE FROM turns WHERE conversation_id = ? AND id >= ?", (identity, turn_id)
            )

    def rename(self, visitor: str, identity: str, name: str) -> None:
        """Give a conversation another name.

        Raises:
            UsageError: If the visitor has no such conversation.
        """
        with self._connected() as database:
            self._owned(database, visitor, identity)
            database.execute(
                "UPDATE conversations SET name = ? WHERE id = ?", (_name(name), identity)
            )

    def delete(self, visitor: str, identity: str) -> None:
        """Delete a conversation; what was said about its answers is kept for evaluation.

        Raises:
            UsageError: If the visitor has no such conversation.
        """
        with self._connected() as database:
            self._owned(database, visitor, identity)
            database.execute("DELETE FROM conversations WHERE id = ?", (identity,))

    def add_feedback(
        self,
        visitor: str,
        turn_id: int,
        *,
        liked: bool,
        reason: str = "",
        comment: str = "",
        settings: Mapping[str, Any],
    ) -> None:
        """Keep what the visitor thinks of an answer; a second opinion replaces the first.

        Raises:
            UsageError: If no conversation of the visitor has the turn.
        """
        turn = self.turn(visitor, turn_id)
        earlier = [
            past
            for past in self.conversation(visitor, turn.conversation_id).turns
            if past.id < turn_id and past.outcome == "answered"
        ]
        history = [asdict(Turn.of(past.question, past.answer)) for past in earlier]
        with self._connected() as database:
            database.execute(
                "INSERT OR REPLACE INTO feedback (turn_id, liked, reason, comment, question,"
                " history, options, settings, answer, given_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    turn_id,
                    liked,
                    reason[:200],
                    comment[:4000],
                    turn.question,
                    _json(history),
                    _json(turn.options),
                    _json(settings),
                    _json(turn.answer),
                    _now(),
                ),
            )

    @staticmethod
    def _owned(database: sqlite3.Connection, visitor: str, identity: str) -> sqlite3.Row:
        row: sqlite3.Row | None = database.execute(
            "SELECT * FROM conversations WHERE id = ? AND visitor = ?", (identity, visitor)
        ).fetchone()
        if row is None:
            raise _unknown("conversation")
        return row


def feedback_rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield what visitors thought of answers, oldest first, as evaluation material.

    Each row has ``question``, ``history``, ``options``, ``settings``, ``answer`` (all JSON values),
    ``liked``, ``reason``, ``comment`` and ``given_at``. Who said it is not in it.

    Raises:
        UsageError: If the file is missing or is no conversation file.
    """
    if not path.is_file():
        raise UsageError(f"There is no {path}.", remedy="Judge an answer in the page first.")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            rows = database.execute("SELECT * FROM feedback ORDER BY id").fetchall()
    except sqlite3.DatabaseError as error:
        raise UsageError(
            f"{path} holds no feedback: {error}.", remedy="Name the page's conversation file."
        ) from error
    for row in rows:
        yield {
            "question": row["question"],
            "liked": bool(row["liked"]),
            "reason": row["reason"],
            "comment": row["comment"],
            "given_at": row["given_at"],
            **{
                name: json.loads(row[name]) for name in ("history", "options", "settings", "answer")
            },
        }


def _turn(row: sqlite3.Row) -> ConversationTurn:
    return ConversationTurn(
        id=row["id"],
        conversation_id=row["conversation_id"],
        question=row["question"],
        options=json.loads(row["options"]),
        outcome=row["outcome"],
        answer=json.loads(row["answer"]),
        nearest=json.loads(row["nearest"]),
        asked_at=row["asked_at"],
        liked=None if row["liked"] is None else bool(row["liked"]),
        comment=": ".join(told for told in (row["reason"], row["comment"]) if told),
    )


def _unknown(what: str) -> UsageError:
    return UsageError(
        f"There is no such {what}.", remedy="Reload the page; it may have been deleted."
    )


def _name(text: str) -> str:
    return " ".join(text.split())[:MAX_NAME_CHARS] or "Untitled"


def _json(value: Any) -> str:
    # Lone surrogates stay escaped, so that SQLite can store what a broken file contains.
    return json.dumps(value, ensure_ascii=True, default=list)


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
