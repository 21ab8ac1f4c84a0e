"""(question, words) -> whether they answer and which of them; (statement, words) -> support.

A small trained model (see ``rag/graphs/reader/README.md``) on onnxruntime and tokenizers alone.
Words longer than the model's window are read in overlapping parts and put together again, so that
nothing falls away; offsets are code points of the words as given, to the letter.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.errors import ReaderError, ReaderWeightsError
from rag.schema import Span

Logits = npt.NDArray[np.float32]
Places = npt.NDArray[np.int32]

FOLDER = Path(__file__).parent / "graphs" / "reader"
WEIGHTS = "reader.onnx"
TOKENIZER = "tokenizer.json"
HASHES = "sha256.json"

MAX_PIECES = 256
MAX_QUESTION_PIECES = 64
MAX_TITLE_PIECES = 48
MAX_STATEMENT_PIECES = 96
# Twice the longest answer, so that each answer stands whole in one part.
_OVERLAP = 60
# Measured: up to eight windows a batch are equally fast, more are slower (caches).
_BATCH = 4
_THREADS = 2
_MARKS = 3
_REINSTALL = "Install Dateline again; until then, answers come from retrieval alone."


@dataclass(frozen=True, slots=True)
class Window:
    """Words of an article that are read at once.

    Attributes:
        title: Of the article, as context: it is never answered from. May be empty.
        text: The words.
    """

    title: str
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What the reader found in one window.

    Attributes:
        window: What was read.
        relevance: Whether the words are about what is asked, 0 to 1.
        answers: How surely the words answer (log-odds; above 0 is more likely than not).
        null: How strongly the reader points at no words at all.
        offsets: Code points of each word piece of the text: (pieces, 2).
        words: Code points of the word that each piece is of: (pieces, 2).
        starts, ends: How strongly each piece begins and ends the answer: (pieces,).
    """

    window: Window
    relevance: float
    answers: float
    null: float
    offsets: Places
    words: Places
    starts: Logits
    ends: Logits

    def best_span(
        self, within: Span | None = None, max_pieces: int = 30
    ) -> tuple[Span, float] | None:
        """Return the words that most likely answer, and their strength.

        A strength above 0 means: rather these words than none.

        Args:
            within: Only words inside this span of the text.
            max_pieces: The longest answer, in word pieces.

        Returns:
            The span in the text, whole words; None when there is no word to choose.
        """
        found = self._best(within, max_pieces)
        if found is None:
            return None
        first, last, strength = found
        start, end = int(self.words[first, 0]), int(self.words[last, 1])
        if within is not None:
            start, end = max(start, within.start), min(end, within.end)
        return Span(start, end), strength

    def strength(self, within: Span | None = None) -> float:
        """Return the strength of the best span there; minus infinity where no word stands."""
        found = self._best(within, 30)
        return -math.inf if found is None else found[2]

    def _best(self, within: Span | None, max_pieces: int) -> tuple[int, int, float] | None:
        low, high = 0, len(self.offsets)
        if within is not None:
            low = int(np.searchsorted(self.offsets[:, 0], within.start, side="left"))
            high = int(np.searchsorted(self.offsets[:, 1], within.end, side="right"))
        if high <= low:
            return None
        starts, ends = self.starts[low:high], self.ends[low:high]
        best: tuple[int, int, float] | None = None
        for extra in range(min(max_pieces, high - low)):
            sums = starts[: len(starts) - extra] + ends[extra:]
            at = int(sums.argmax())
            if best is None or sums[at] > best[2]:
                best = at + low, at + low + extra, float(sums[at])
        return best and (best[0], best[1], best[2] - self.null)


@dataclass(frozen=True, slots=True)
class _Text:
    """Word pieces of words to read."""

    ids: list[int]
    offsets: Places
    words: Places


@dataclass(frozen=True, slots=True)
class _Part:
    """As much of a text as is read at once: pieces ``low`` to ``high`` of it.

    Attributes:
        owner: Which window or pair it is of.
        words_from: Where its second segment begins.
        text_from: Where the text itself begins in ``ids``.
    """

    owner: int
    low: int
    high: int
    ids: list[int]
    words_from: int
    text_from: int


@dataclass(frozen=True, slots=True)
class _Outputs:
    """What the model gave for one part; ``span`` is (pieces of the part, 2)."""

    span: Logits
    answers: float
    relevant: float
    support: Logits


class Reader:
    """The trained reader. Safe to share between threads.

    Args:
        session: An onnxruntime session of the graph that ``training/export_reader.py`` writes.
        tokenizer: A ``tokenizers.Tokenizer`` that neither cuts nor pads.
    """

    def __init__(self, session: Any, tokenizer: Any) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self._first = tokenizer.token_to_id("[CLS]")
        self._between = tokenizer.token_to_id("[SEP]")
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    @classmethod
    def load(cls, path: Path | None = None) -> Reader:
        """Return a reader with the shipped weights, or those of another folder.

        Args:
            path: A folder with ``reader.onnx``, ``tokenizer.json`` and ``sha256.json``.

        Raises:
            ReaderWeightsError: If a file is missing, altered or cannot be opened. Retrieval can
                still answer.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        folder = FOLDER if path is None else Path(path)
        expected = _expected(folder / HASHES)
        graph, pieces = (_checked(folder / name, expected) for name in (WEIGHTS, TOKENIZER))
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # The two threads are ours, a batch each: one product is too short to be shared.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The graph is fused already; more would bring in an operator that is ten times slower.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        try:
            session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_str(pieces.decode("utf-8"))
        except Exception as error:
            raise ReaderWeightsError(
                f"The reader in {folder} cannot be opened: {str(error).splitlines()[0][:200]}.",
                remedy=_REINSTALL,
            ) from error
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(session, tokenizer)

    def read(self, question: str, windows: Sequence[Window]) -> list[Found]:
        """Return what stands in each window on a question, in their order.

        Args:
            question: Beyond :data:`MAX_QUESTION_PIECES` word pieces it is cut.
            windows: Of any length; a long one is read in overlapping parts.

        Raises:
            ReaderError: If the model gives nothing or what is no number.
        """
        if not windows:
            return []
        asked = self._pieces([question])[0].ids[:MAX_QUESTION_PIECES]
        shown = {title: self._title(title) for title in {window.title for window in windows}}
        texts = self._pieces([window.text for window in windows])
        parts = [
            part
            for owner, (window, text) in enumerate(zip(windows, texts, strict=True))
            for part in self._parts(owner, asked, shown[window.title], text.ids)
        ]
        outputs = self._run(parts)
        found = []
        for owner, mine in _by_owner(parts, outputs):
            found.append(_joined(windows[owner], texts[owner], mine))
        return found

    def support(self, pairs: Sequence[tuple[str, str]]) -> Logits:
        """Return for each (statement, words): chances of supported, not told, contradicted.

        Long words are read in overlapping parts, and the part that supports most speaks for them;
        only where none supports, the one that contradicts most. Of a statement longer than
        :data:`MAX_STATEMENT_PIECES`, the part that is supported least speaks.

        Returns:
            Shape ``(len(pairs), 3)``; each row sums to 1.

        Raises:
            ReaderError: If the model gives nothing or what is no number.
        """
        if not pairs:
            return np.zeros((0, 3), dtype=np.float32)
        statements = self._pieces([statement for statement, _ in pairs])
        texts = self._pieces([words for _, words in pairs])
        owners: list[int] = []
        parts: list[_Part] = []
        for number, (statement, text) in enumerate(zip(statements, texts, strict=True)):
            for said in _slices(statement.ids, MAX_STATEMENT_PIECES):
                parts += self._parts(len(owners), said, [], text.ids)
                owners.append(number)
        outputs = self._run(parts)
        least = np.full((len(pairs), 3), np.inf, dtype=np.float32)
        for owner, mine in _by_owner(parts, outputs):
            row = _speaking(np.stack([_softmax(output.support) for _, output in mine]))
            number = owners[owner]
            if row[0] < least[number, 0]:
                least[number] = row
        return least

    def _title(self, title: str) -> list[int]:
        if not title:
            return []
        ids = self._pieces([title, " - "])
        return ids[0].ids[:MAX_TITLE_PIECES] + ids[1].ids

    def _pieces(self, texts: Sequence[str]) -> list[_Text]:
        # Lone surrogates cannot be UTF-8; one character stands for one.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        made = []
        for encoded in self._tokenizer.encode_batch(clean, add_special_tokens=False):
            offsets = np.array(encoded.offsets, dtype=np.int32).reshape(-1, 2)
            made.append(_Text(encoded.ids, offsets, _words(offsets, encoded.word_ids)))
        return made

    def _parts(
        self, owner: int, first: list[int], title: list[int], ids: list[int]
    ) -> Iterator[_Part]:
        room = MAX_PIECES - _MARKS - len(first) - len(title)
        low = 0
        while True:
            # The last part reaches back, so that its words have neighbours too.
            low = max(0, min(low, len(ids) - room))
            high = min(len(ids), low + room)
            words = [*title, *ids[low:high]]
            yield _Part(
                owner,
                low,
                high,
                [self._first, *first, self._between, *words, self._between],
                len(first) + 2,
                len(first) + 2 + len(title),
            )
            if high == len(ids):
                return
            low = high - _OVERLAP

    def _run(self, parts: Sequence[_Part]) -> list[_Outputs]:
        order = sorted(range(len(parts)), key=lambda number: len(parts[number].ids))
        size = max(1, min(_BATCH, math.ceil(len(parts) / _THREADS)))
        batches = [order[at : at + size] for at in range(0, len(order), size)]
        given = [[parts[number] for number in batch] for batch in batches]
        if len(given) == 1:
            done = [self._run_batch(given[0])]
        else:
            done = list(self._pool().map(self._run_batch, given))
        outputs = dict(
            zip(itertools.chain(*batches), itertools.chain.from_iterable(done), strict=True)
        )
        return [outputs[number] for number in range(len(parts))]

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reader")
            return self._threads

    def _run_batch(self, batch: Sequence[_Part]) -> list[_Outputs]:
        longest = max(len(part.ids) for part in batch)
        ids = np.zeros((len(batch), longest), dtype=np.int64)
        mask = np.zeros_like(ids)
        types = np.zeros_like(ids)
        for row, part in enumerate(batch):
            ids[row, : len(part.ids)] = part.ids
            mask[row, : len(part.ids)] = 1
            types[row, part.words_from : len(part.ids)] = 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
        names = ("span", "answers", "relevant", "support")
        made = self._session.run(list(names), given)
        shapes = ((len(batch), longest, 2), (len(batch),), (len(batch),), (len(batch), 3))
        for name, value, shape in zip(names, made, shapes, strict=True):
            if value.shape != shape:
                raise ReaderError(
                    f"The reader's output {name!r} has shape {value.shape}, expected {shape}.",
                    remedy=_REINSTALL,
                )
            if not np.isfinite(value).all():
                raise ReaderError(
                    f"The reader's output {name!r} holds a value that is not a number.",
                    remedy=_REINSTALL,
                )
        span, answers, relevant, support = made
        return [
            _Outputs(
                span[row, : len(part.ids)], float(answers[row]), float(relevant[row]), support[row]
            )
            for row, part in enumerate(batch)
        ]


def _joined(window: Window, text: _Text, parts: Sequence[tuple[_Part, _Outputs]]) -> Found:
    """Return what the parts of one window say together.

    Each piece counts as the part says in which it has most neighbours on both sides. A part's
    strengths are over its own no-answer strength, so that parts can be compared.
    """
    starts = np.zeros(len(text.ids), dtype=np.float32)
    ends = np.zeros_like(starts)
    neighbours = np.full(len(text.ids), -1)
    for part, output in parts:
        here = output.span[part.text_from : part.text_from + part.high - part.low]
        over = here - output.span[0].sum() / 2
        inside = np.arange(part.high - part.low)
        around = np.minimum(inside, inside[::-1])
        better = around > neighbours[part.low : part.high]
        neighbours[part.low : part.high][better] = around[better]
        starts[part.low : part.high][better] = over[better, 0]
        ends[part.low : part.high][better] = over[better, 1]
    null = min(float(output.span[0].sum()) for _, output in parts)
    kept = text.offsets[:, 0] < text.offsets[:, 1]
    return Found(
        window,
        relevance=1 / (1 + math.exp(-max(output.relevant for _, output in parts))),
        answers=max(output.answers for _, output in parts),
        null=null,
        offsets=text.offsets[kept],
        words=text.words[kept],
        starts=starts[kept] + np.float32(null / 2),
        ends=ends[kept] + np.float32(null / 2),
    )


def _speaking(rows: Logits) -> Logits:
    """Return the part that speaks for a text: that which supports, else that which contradicts."""
    supporting = rows[int(rows[:, 0].argmax())]
    contradicting = rows[int(rows[:, 2].argmax())]
    supports = int(supporting.argmax()) == 0
    contradicts = int(contradicting.argmax()) == 2
    spoken: Logits = contradicting if contradicts and not supports else supporting
    return spoken


def _softmax(logits: Logits) -> Logits:
    raised = np.exp(logits - logits.max())
    return np.asarray(raised / raised.sum(), dtype=np.float32)


def _words(offsets: Places, word_ids: Sequence[int | None]) -> Places:
    """Return for each piece where the word stands that it is of."""
    words = offsets.copy()
    at = 0
    for _, group in itertools.groupby(word_ids):
        size = len(list(group))
        words[at : at + size, 0] = offsets[at, 0]
        words[at : at + size, 1] = offsets[at + size - 1, 1]
        at += size
    return words


def _slices(ids: list[int], size: int) -> list[list[int]]:
    return [ids[at : at + size] for at in range(0, len(ids), size)] or [[]]


def _by_owner(
    parts: Sequence[_Part], outputs: Sequence[_Outputs]
) -> Iterator[tuple[int, list[tuple[_Part, _Outputs]]]]:
    both = zip(parts, outputs, strict=True)
    for owner, mine in itertools.groupby(both, key=lambda pair: pair[0].owner):
        yield owner, list(mine)


def _expected(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ReaderWeightsError(
            f"The reader's hashes {path} cannot be read.", remedy=_REINSTALL
        ) from error


def _checked(path: Path, expected: dict[str, str]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReaderWeightsError(
            f"The reader's file {path} cannot be read: {error.strerror}.", remedy=_REINSTALL
        ) from error
    found, wanted = hashlib.sha256(data).hexdigest(), expected.get(path.name, "")
    if found != wanted:
        raise ReaderWeightsError(
            f"The reader's file {path} is not the shipped one (sha256 {found[:16]}…, "
            f"expected {wanted[:16]}…).",
            remedy=_REINSTALL,
        )
    return data


__all__ = ["Found", "Logits", "Reader", "Window"]
