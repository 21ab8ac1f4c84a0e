"""An archive: a folder of articles and its index, opened. Both flows, end to end; start here.

Indexing: corpus -> passages -> embedder -> ledger -> caches (:mod:`rag.indexer`).
Asking: question -> conversation -> retriever -> extractive -> citations -> Answer; where a language
model is wanted, it writes on top of that (:mod:`rag.model_answers`), under the same checks.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from rag import corpus as corpus_room
from rag.binding import Binder, file_notes, told
from rag.caches import Caches, caches_in_memory, distrust_caches, open_caches
from rag.conversation import (
    Standalone,
    checked_question,
    lacks_subject,
    leaned_on,
    reworded,
    small_talk,
    standalone,
    with_subject,
)
from rag.disagreement import (
    VALUE_PASSAGES,
    Evidence,
    asks_for_value,
    evidence_in,
    read_values,
)
from rag.embedder import Embedder, LlamaIndexEmbedder, open_embedder
from rag.errors import (
    IndexDamagedError,
    IndexIncompleteError,
    IndexMissingError,
    IndexProblem,
    IndexStaleError,
    LockedError,
    ModelUnavailableError,
    ReaderError,
    ReaderWeightsError,
    UsageError,
)
from rag.extractive import Draft, Place, Selector
from rag.indexer import Recipe, index_corpus, rebuild_caches
from rag.ledger import Generation, Ledger, Snapshot, shown
from rag.llm import LanguageModel, Limits, NotReachableError, OpenAICompatible, open_model, read_key
from rag.machine_talk import Hears
from rag.model_answers import retold
from rag.order_detector import OrderDetector
from rag.question import looks_english
from rag.reader import Reader
from rag.retriever import Background, Filter, search
from rag.rewriting import rewrite
from rag.schema import (
    Answer,
    AnswerKind,
    Article,
    ArticleSummary,
    Disagreement,
    Event,
    FileState,
    Finished,
    History,
    Hit,
    IndexReport,
    ProgressListener,
    Reading,
    Skipped,
    Stage,
    Statement,
)
from rag.settings import Settings, load_settings

__version__ = "0.1.0"
MAX_SEARCH_RESULTS = 1000
_SHORT_ANSWER_FROM = 0.5
_WITHOUT_READER = "Answered from retrieval alone: {}"
# Where its files lie is for whoever runs the program, not for whoever asks.
_NO_READER = _WITHOUT_READER.format(
    "the trained reader's files are missing or altered; `rag status` says which."
)
_NOT_ENGLISH = (
    "The question does not look English, which is what the reader knows: answered from retrieval "
    "alone."
)
_SUGGESTIONS = 3
_WHICH = "That could be about several things. What do you mean?"


_FILTERED_OUT = (
    "No article is left to answer from: none is among the chosen paths, or published by then."
)


class Archive:
    """Articles that can be asked. Made by :func:`rag.build` and :func:`rag.open_archive`.

    Safe to use from several threads. When another process finishes an indexing run, the next
    question sees it.

    Args:
        index: The index folder.
        settings: Every knob.
        embedder: Turns text into vectors; by default what the settings name.

    Raises:
        IndexMissingError: If there is no index.
        IndexIncompleteError: If its first run was interrupted.
        IndexStaleError: If it was built with another model or other passage settings.
        IndexForeignError, IndexDamagedError: If the ledger cannot be read.
        ModelUnavailableError: If the embedding weights are missing or altered.
    """

    def __init__(self, index: Path, settings: Settings, embedder: Embedder | None = None) -> None:
        self.index = index
        self.settings = settings
        self._lock = threading.RLock()
        self._ledger = Ledger(index)
        self._embedder = embedder or open_embedder(settings.embedding_model)
        self._recipe = Recipe(self._embedder, settings.passage_words, settings.language)
        self._selector = Selector(self._embedder, language=settings.language)
        self._reader: Reader | None = None
        self._reader_problem: str | None = None
        self._orders: OrderDetector | None = None
        self._state: _State | None = None
        self._file_hashes: dict[str, tuple[tuple[int, ...], str]] = {}
        self._closed = False
        with self._opened():
            pass

    # --- asking -----------------------------------------------------------------------------

    def ask(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Iterable[str] | None = None,
        model: Any = None,
    ) -> Answer:
        """Return the answer to a question, each statement bound to words of an article.

        Args:
            question: In plain words.
            history: Earlier turns of the conversation, oldest first.
            as_of: Only what was published by then counts (a day, ``2025-07`` or ``2025``);
                undated articles stay.
            paths: Only these articles, files or folders of the corpus count.
            model: Who writes the answer: None for what the settings say, False or
                ``"extractive"`` for the sources' own words, a model's name at the configured
                address, or any LlamaIndex ``LLM`` object.

        Raises:
            QuestionError: If the question is empty or too long.
            LanguageModelError: If a model is asked for and none is configured. One that fails
                raises nothing: the answer is then in the sources' own words, and says why.
        """
        for event in self.stream(question, history, as_of, paths, model):
            if isinstance(event, Finished):
                return event.answer
        raise AssertionError("a stream ends with its answer")

    def stream(
        self,
        question: str,
        history: History = (),
        as_of: dt.date | str | None = None,
        paths: Iterable[str] | None = None,
        model: Any = None,
    ) -> Iterator[Event]:
        """Yield the answer as it is made: stages, statements, and the whole at the end.

        Takes and raises what :meth:`ask` does. While a language model is thinking, the stage is
        told again every tenth of a second; closing the generator then stops the model.
        """
        clock = _Clock()
        asked = checked_question(question)
        only = Filter(_last_day(as_of), _wanted(paths))
        writer = self._language_model(model)
        query = standalone(asked, history)
        reply = small_talk(asked)
        if reply is not None:
            yield Finished(_reply(asked, clock, "small_talk", reply))
            return
        out_of_reach = None
        earlier = leaned_on(asked, history)
        if writer is not None and earlier:
            rewritten = yield from rewrite(asked, earlier, writer, self._limits())
            if rewritten.question is not None:
                query = reworded(query, rewritten.question)
            if isinstance(rewritten.problem, NotReachableError):
                out_of_reach = rewritten.problem
            clock.lap("rewrite")
        searched = query.question
        with self._opened() as (view, state):
            yield Stage("searching", searched)
            wanted = self.settings.candidates
            # Sources that give another value stand further down than the best answer.
            further = max(wanted, VALUE_PASSAGES) if asks_for_value(searched) else wanted
            found = self._search(query, view, state, further, only)
            hits = found[:wanted]
            clock.lap("search")
            if lacks_subject(asked) and not query.background:
                suggestions = _subjects(asked, hits)
                if len(suggestions) > 1:
                    yield Finished(_reply(asked, clock, "clarification", _WHICH, suggestions))
                    return
            yield Stage("reading", f"{len(hits)} passages")
            draft = self._draft(asked, searched, hits, view, state)
            clock.lap("read")
            if not hits and not only.is_open:
                draft = replace(draft, reason=_FILTERED_OUT)
            evidence: list[Evidence] = []
            if draft.reason is None and asks_for_value(searched):
                evidence = evidence_in(
                    found,
                    article=lambda path: self._indexed(path, view, state).text,
                )
            answer = self._answer(asked, searched, draft, hits, evidence, view, state)
            if writer is None or answer.abstained:
                # A model does not answer what the articles do not.
                yield Stage("writing", f"{len(draft.statements)} statements")
                yield from told(answer.statements, answer.citations)
                clock.lap("cite")
            else:
                yield Stage("writing", writer.name)
                answer = yield from retold(
                    answer,
                    hits,
                    writer,
                    self._limits(),
                    binder=lambda: self._binder(view, state),
                    max_passages=self.settings.llm_passages,
                    reader=self._trained_reader(searched)[0],
                    hears=self._hears(),
                    problem=out_of_reach,
                )
                clock.lap("write")
        yield Finished(replace(answer, timings_ms={**answer.timings_ms, **clock.laps()}))

    def search(
        self,
        query: str,
        limit: int = 10,
        as_of: dt.date | str | None = None,
        paths: Iterable[str] | None = None,
    ) -> list[Hit]:
        """Return the passages nearest to a query, best first.

        Args:
            query: In plain words; there is no query syntax.
            limit: How many at most, up to 1,000.
            as_of: Only what was published by then counts; undated articles stay.
            paths: Only these articles, files or folders of the corpus count.

        Raises:
            QuestionError: If the query is empty or too long.
            UsageError: If ``limit`` is out of bounds.
        """
        if not 1 <= limit <= MAX_SEARCH_RESULTS:
            raise UsageError(
                f"A search gives 1 to {MAX_SEARCH_RESULTS} passages, not {limit}.",
                remedy="Choose a limit in between.",
            )
        only = Filter(_last_day(as_of), _wanted(paths))
        with self._opened() as (view, state):
            asked = checked_question(query)
            return self._search(Standalone(asked, asked), view, state, limit, only)

    def _search(
        self, query: Standalone, view: Snapshot, state: _State, limit: int, only: Filter
    ) -> list[Hit]:
        vector, *others = self._embedder.embed_questions(
            [query.typed, *(text for text, _ in query.background)]
        )
        background = [
            Background(text, other, weight)
            for (text, weight), other in zip(query.background, others, strict=True)
        ]

        def found() -> list[Hit]:
            return search(
                query.typed,
                vector,
                view=view,
                generation=state.generation.number,
                vectors=state.caches.vectors,
                lexicon=state.caches.lexicon,
                limit=limit,
                retrieval=self.settings.retrieval,
                bm25_weight=self.settings.bm25_weight,
                only=only,
                background=background,
            )

        try:
            return found()
        except IndexDamagedError:
            if state.in_memory:
                raise
            # The caches were damaged under our hands: the ledger alone can answer too.
            distrust_caches(self.index, state.generation.caches)
            state.caches = caches_in_memory(
                view, state.generation.number, language=self.settings.language
            )
            state.in_memory = True
            return found()

    def _answer(
        self,
        asked: str,
        searched: str,
        draft: Draft,
        hits: list[Hit],
        evidence: Sequence[Evidence],
        view: Snapshot,
        state: _State,
    ) -> Answer:
        """Bind a draft to its articles; what cannot be bound cannot be said."""
        binder = self._binder(view, state)
        statements = []
        for drafted in draft.statements:
            numbers = binder.numbers(drafted.places)
            independent = binder.independent_sources(numbers)
            statements.append(
                Statement(drafted.text, numbers, "quoted", independent_sources=independent)
            )
        citations = binder.citations
        values, disagreement = read_values(searched, evidence)
        readings = [
            Reading(
                value=value.words,
                as_of=value.as_of,
                as_of_kind=value.as_of_kind,
                attribution=value.attribution,
                citation=binder.numbers([_place_of(value.evidence)])[0],
            )
            for value in values
        ]
        return Answer(
            question=asked,
            standalone_question=searched,
            abstained=draft.reason is not None,
            reason=draft.reason,
            confidence=draft.confidence,
            short_answer=_short_answer(readings, disagreement, draft),
            statements=tuple(statements),
            citations=tuple(citations),
            readings=tuple(readings),
            disagreement=disagreement,
            hits=tuple(hits),
            notes=(*file_notes(citations), *draft.notes),
        )

    def _draft(
        self, asked: str, question: str, hits: Sequence[Hit], view: Snapshot, state: _State
    ) -> Draft:
        """Choose sentences with the trained reader, or without it where it cannot read."""
        reader, note = self._trained_reader(question)

        def drafted(reader: Reader | None) -> Draft:
            return self._selector.draft(
                question,
                hits,
                typed=asked,
                reader=reader,
                lexicon=state.caches.lexicon,
                article=lambda path: self._indexed(path, view, state),
                max_statements=self.settings.max_statements,
                caution=self.settings.caution,
            )

        try:
            draft = drafted(reader)
        except ReaderError as error:
            note = _WITHOUT_READER.format(error.problem)
            draft = drafted(None)
        return replace(draft, notes=(note,)) if note else draft

    def _trained_reader(self, question: str) -> tuple[Reader | None, str | None]:
        """Return the trained reader, or None and, where a user should know, why not."""
        if not self.settings.reader or self.settings.language != "en":
            return None, None
        if not looks_english(question):
            return None, _NOT_ENGLISH
        with self._lock:
            if self._reader is None and self._reader_problem is None:
                try:
                    self._reader = Reader.load()
                except ReaderWeightsError as error:
                    self._reader_problem = error.problem
            return self._reader, _NO_READER if self._reader_problem else None

    def _hears(self) -> Hears | None:
        """Return what finds orders to a machine; it knows English only."""
        if self.settings.language != "en":
            return None
        with self._lock:
            self._orders = self._orders or OrderDetector(self._embedder)
            return self._orders

    def _language_model(self, model: Any) -> LanguageModel | None:
        """Return who writes; see :meth:`ask`."""
        settings = self.settings
        if model is False or not (settings.llm_base_url or model):
            return None
        key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
        if key is None and settings.llm_api_key_file is not None:
            key = read_key(settings.llm_api_key_file)
        return open_model(
            model, base_url=settings.llm_base_url, name=settings.llm_model, api_key=key
        )

    def _limits(self) -> Limits:
        settings = self.settings
        return Limits(
            settings.llm_first_token_s,
            settings.llm_token_s,
            settings.llm_timeout_s,
            settings.llm_max_tokens,
        )

    def _binder(self, view: Snapshot, state: _State) -> Binder:
        return Binder(
            lambda path: self._indexed(path, view, state),
            lambda path: self._file_state(path, view, state),
        )

    def _indexed(self, path: str, view: Snapshot, state: _State) -> Article:
        found = view.article(path, state.generation.number)
        if found is None:
            raise IndexDamagedError(
                f"The index has passages of {shown(path)}, but not the article.",
                remedy="Run `rag verify`, then `rag index`.",
            )
        return found

    def as_query_engine(self, llm: Any = None, **options: Any) -> Any:
        """Return the archive as a LlamaIndex query engine.

        Args:
            llm: A LlamaIndex ``LLM`` that writes the answers; by default what the settings say.
            options: ``as_of`` and ``paths``, as for :meth:`ask`.
        """
        # By name: that room uses this one, not the other way round.
        room: Any = import_module("rag.llamaindex")
        return room.ArchiveQueryEngine(self, llm=llm, **options)

    def as_chat_engine(self, llm: Any = None, **options: Any) -> Any:
        """Return the archive as a LlamaIndex chat engine; takes what the query engine does."""
        room: Any = import_module("rag.llamaindex")
        return room.ArchiveChatEngine(self, llm=llm, **options)

    # --- what is in it ----------------------------------------------------------------------

    @property
    def corpus(self) -> Path:
        """The folder of articles that the index was made from."""
        with self._opened() as (_, state):
            return self._corpus_of(state.generation)

    def articles(self) -> list[ArticleSummary]:
        """Return every indexed article without its text, by path."""
        with self._opened() as (view, state):
            return view.summaries(state.generation.number)

    def article(self, path: str) -> Article:
        """Return an article as it was indexed.

        Raises:
            UsageError: If no indexed article has that path.
        """
        with self._opened() as (view, state):
            found = view.article(path, state.generation.number)
        if found is None:
            raise UsageError(
                f"No indexed article is called {shown(path)}.",
                remedy="`rag status` lists the corpus; `rag index` takes in new files.",
            )
        return found

    def file_state(self, path: str) -> FileState:
        """Say whether an article's file is still the one that was indexed."""
        with self._opened() as (view, state):
            return self._file_state(path, view, state)

    def status(self) -> dict[str, Any]:
        """Return what the index holds, as JSON values."""
        with self._opened() as (view, state):
            generation = state.generation
            summaries = view.summaries(generation.number)
            days = sorted(item.published for item in summaries if item.published)
            return {
                "version": __version__,
                "index": str(self.index),
                "corpus": str(self._corpus_of(generation)),
                "generation": generation.number,
                "built_at": generation.finished_at,
                "articles": len(summaries),
                "passages": sum(item.passages for item in summaries),
                "dated": len(days),
                "earliest": days[0].isoformat() if days else None,
                "latest": days[-1].isoformat() if days else None,
                "embedding_model": self.settings.embedding_model,
                "fingerprint": generation.fingerprint,
                "reader": self._reader_status(),
                "caches": "in memory" if state.in_memory else "on disk",
                "skipped": [
                    {"path": shown(item.path), "reason": item.reason} for item in generation.skipped
                ],
            }

    def _reader_status(self) -> str:
        """Say whether the trained reader reads, or why not."""
        if not self.settings.reader:
            return "off"
        if self.settings.language != "en":
            return "off: it reads English"
        self._trained_reader("")
        return self._reader_problem or "on"

    def language_model_status(self) -> dict[str, Any]:
        """Return which language model is configured and whether it answers, as JSON values.

        ``name`` and ``address`` are None for none; ``problem`` says why it does not answer.
        """
        try:
            model = self._language_model(None)
        except ModelUnavailableError as error:
            return {"name": None, "address": None, "answers": False, "problem": error.problem}
        if model is None:
            return {"name": None, "address": None, "answers": False, "problem": None}
        problem = model.problem() if isinstance(model, OpenAICompatible) else None
        return {
            "name": model.name,
            "address": model.where,
            "answers": problem is None,
            "problem": problem,
        }

    def verify(self) -> list[str]:
        """Check the whole index against itself; return the problems, [] when all is well."""
        from rag.verification import verify_index

        return verify_index(self.index, language=self.settings.language)

    # --- keeping it up to date --------------------------------------------------------------

    def update(self, progress: ProgressListener | None = None) -> IndexReport:
        """Bring the index up to date with its folder; questions go on being answered meanwhile.

        Raises:
            CorpusError: If the folder is missing or empty.
            LockedError: If another process is writing the index.
        """
        return index_corpus(
            self.corpus,
            self.index,
            self._recipe,
            max_bytes=round(self.settings.max_file_mb * 1e6),
            on_progress=progress,
        )

    def close(self) -> None:
        """Let go of the index's files; the archive cannot be used afterwards."""
        with self._lock:
            self._closed = True
            if self._state is not None:
                self._state.retire()
                self._state = None

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # --- inside -----------------------------------------------------------------------------

    @contextmanager
    def _opened(self) -> Iterator[tuple[Snapshot, _State]]:
        """Give one view of the ledger and the caches of the generation that it shows."""
        if self._closed:
            raise UsageError("The archive is closed.", remedy="Open it again.")
        with self._ledger.snapshot() as view:
            state = self._state_for(view)
            try:
                yield view, state
            finally:
                state.leave()

    def _state_for(self, view: Snapshot) -> _State:
        generation = view.generation()
        if generation is None:
            raise IndexIncompleteError(
                f"The index {shown(self.index)} is not finished: the run that builds it was "
                f"interrupted, or goes on ({view.unfinished_articles()} articles are done).",
                remedy="Run `rag index` to finish it; what is done is kept.",
            )
        with self._lock:
            current = self._state
            if current is None or current.generation != generation:
                if generation.fingerprint != self._recipe.fingerprint:
                    raise IndexStaleError(
                        f"The index was built with {generation.fingerprint}, but the settings say "
                        f"{self._recipe.fingerprint}.",
                        remedy="Run `rag index` to rebuild it, or put the settings back.",
                    )
                opened, in_memory = self._open_caches(view, generation)
                self._state = _State(generation, opened, in_memory)
                if current is not None:
                    current.retire()
                current = self._state
            current.enter()
            return current

    def _open_caches(self, view: Snapshot, generation: Generation) -> tuple[Caches, bool]:
        language = self.settings.language
        _, passages = view.counts(generation.number)
        try:
            return (
                open_caches(self.index, generation.caches, passages=passages, language=language),
                False,
            )
        except IndexDamagedError:
            pass
        try:
            rebuild_caches(self.index, self._ledger, language=language)
            with self._ledger.snapshot() as fresh:
                rebuilt = fresh.generation()
            if rebuilt is not None and rebuilt.number == generation.number:
                return (
                    open_caches(self.index, rebuilt.caches, passages=passages, language=language),
                    False,
                )
        except (LockedError, IndexProblem):
            # A read-only folder, or somebody is writing: the ledger alone can answer too.
            pass
        return caches_in_memory(view, generation.number, language=language), True

    def _corpus_of(self, generation: Generation) -> Path:
        absolute = Path(generation.corpus)
        if absolute.is_dir():
            return absolute
        # Index and corpus may have moved together.
        return Path(self.index.absolute() / generation.corpus_from_index).resolve()

    def _file_state(self, path: str, view: Snapshot, state: _State) -> FileState:
        file = view.file_of(path, state.generation.number)
        if file is None:
            return "missing"
        name, indexed_sha256 = file
        corpus = self._corpus_of(state.generation)
        try:
            now = (corpus / name).stat()
        except OSError:
            return "missing"
        # The time of the last change of the inode cannot be set back.
        stamp = (now.st_mtime_ns, now.st_ctime_ns, now.st_size)
        known = self._file_hashes.get(name)
        if known is None or known[0] != stamp:
            digest = corpus_room.file_sha256(corpus, name, max_bytes=1 << 40)
            if isinstance(digest, Skipped):
                return "missing"
            known = self._file_hashes[name] = (stamp, digest)
        return "same" if known[1] == indexed_sha256 else "changed"


class _State:
    """The caches of one generation, closed when nobody uses them any more."""

    def __init__(self, generation: Generation, caches: Caches, in_memory: bool) -> None:
        self.generation = generation
        self.caches = caches
        self.in_memory = in_memory
        self._users = 0
        self._retired = False
        self._lock = threading.Lock()

    def enter(self) -> None:
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            self._close_if_unused()

    def retire(self) -> None:
        with self._lock:
            self._retired = True
            self._close_if_unused()

    def _close_if_unused(self) -> None:
        if self._retired and self._users == 0:
            self.caches.close()


class _Clock:
    """Milliseconds per stage."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps[stage] = (now - self._last) * 1e3
        self._last = now

    def laps(self) -> dict[str, float]:
        return {**self._laps, "total": (time.perf_counter() - self._start) * 1e3}


def build(
    corpus: Path | str,
    index: Path | str = "index",
    settings: Settings | None = None,
    embedding: Any = None,
    progress: ProgressListener | None = None,
) -> Archive:
    """Index a folder of articles, as far as it is not indexed yet, and open it.

    Args:
        corpus: The folder.
        index: Where the index is kept.
        settings: Every knob; by default what ``rag.toml`` and the environment say.
        embedding: A LlamaIndex ``BaseEmbedding``, or an own :class:`rag.embedder.Embedder`, instead
            of the model that the settings name.
        progress: Called as the work goes on.

    Raises:
        RagError: See :mod:`rag.errors`; each names its remedy.
    """
    settings = settings or load_settings()
    embedder = _embedder(embedding, settings)
    index_corpus(
        Path(corpus),
        Path(index),
        Recipe(embedder, settings.passage_words, settings.language),
        max_bytes=round(settings.max_file_mb * 1e6),
        on_progress=progress,
    )
    return Archive(Path(index), settings, embedder)


def open_archive(
    index: Path | str = "index", settings: Settings | None = None, embedding: Any = None
) -> Archive:
    """Open an index that was built before.

    Args:
        index: Where it is kept.
        settings: Every knob; by default what ``rag.toml`` and the environment say.
        embedding: As for :func:`build`.

    Raises:
        RagError: See :class:`Archive`.
    """
    settings = settings or load_settings()
    path = Path(index)
    if not path.is_dir():
        raise IndexMissingError(
            f"There is no index in {shown(path)}.",
            remedy="Run `rag index` to build it, or name another one with --index.",
        )
    return Archive(path, settings, None if embedding is None else _embedder(embedding, settings))


def _embedder(embedding: Any, settings: Settings) -> Embedder:
    if embedding is None:
        return open_embedder(settings.embedding_model)
    if hasattr(embedding, "embed_passages"):
        found: Embedder = embedding
        return found
    return LlamaIndexEmbedder(embedding)


def _last_day(as_of: dt.date | str | None) -> str | None:
    """Return the last day of a date, month or year as ISO 8601.

    Raises:
        UsageError: If it is none of these.
    """
    if as_of is None or as_of == "":
        return None
    if isinstance(as_of, dt.datetime):
        return as_of.date().isoformat()
    if isinstance(as_of, dt.date):
        return as_of.isoformat()
    parts = as_of.strip().split("-")
    try:
        numbers = [int(part) for part in parts]
        if len(numbers) == 3:
            return dt.date(*numbers).isoformat()
        if len(numbers) in (1, 2):
            year, month = numbers[0], numbers[1] if len(numbers) == 2 else 12
            first = dt.date(year, month, 1)
            following = dt.date(year + month // 12, month % 12 + 1, 1)
            return (following - dt.timedelta(days=1)).isoformat() if first else None
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"{as_of!r} is not a date.", remedy="Write it as 2025-07-24, 2025-07 or 2025.")


def _wanted(paths: Iterable[str] | None) -> tuple[str, ...] | None:
    if paths is None:
        return None
    # A lone path is no list of its letters.
    return (paths,) if isinstance(paths, str) else tuple(paths)


def _reply(
    asked: str, clock: _Clock, kind: AnswerKind, reply: str, suggestions: Sequence[str] = ()
) -> Answer:
    """Return an answer that claims nothing and cites nothing."""
    return Answer(
        question=asked,
        standalone_question=asked,
        abstained=True,
        reason=reply,
        confidence=0.0,
        short_answer=None,
        statements=(),
        citations=(),
        timings_ms=clock.laps(),
        kind=kind,
        suggestions=tuple(suggestions),
    )


def _subjects(asked: str, hits: Sequence[Hit]) -> list[str]:
    """Return the question about each of the nearest articles: what it might have meant."""
    titles = dict.fromkeys(hit.passage.title for hit in hits)
    return [with_subject(asked, title) for title in list(titles)[:_SUGGESTIONS]]


def _place_of(evidence: Evidence) -> Place:
    return Place(evidence.passage.path, evidence.span, evidence.text, evidence.passage.passage_id)


def _short_answer(
    readings: Sequence[Reading], disagreement: Disagreement | None, draft: Draft
) -> str | None:
    """Return the few words that answer, if the sources agree on them and they are likely right."""
    if disagreement is not None or draft.confidence < _SHORT_ANSWER_FROM:
        return None
    if readings:
        return min(readings, key=lambda reading: reading.citation).value
    return draft.short_answer


__all__ = ["Archive", "build", "open_archive"]
