"""The Gradio page: what happens in the browser -> the archive and the store -> HTML of its parts.

The only room that imports Gradio; :func:`ui.app.build_app` imports it when the page is wanted. The
browser's side is ``static/page.js``: one delegated listener that triggers the events handled here.
What it sends is foreign: every handler reads it through :class:`_Given` and asks the store under
the visitor's own name.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
import itertools
import json
import re
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import FastAPI, Request, Response
from gradio.events import api as gradio_api

from rag.errors import RagError, UsageError
from rag.schema import ArticleSummary, IndexReport, Progress, Span, Turn
from rag.settings import Settings
from ui import evidence, render, sidebar, uploads
from ui.archives import Archive, ArchiveHolder, Building, Opened, Unavailable
from ui.conversations import ConversationStore, ConversationTurn
from ui.exports import EXPORTS
from ui.guard import visitor_of
from ui.markup import file_name, words
from ui.runs import Asked, Run, Runs
from ui.writers import model_of, writer_html

STATIC = Path(__file__).parent / "static"
UPDATE_EVERY_S = 0.125
"""At most eight updates a second while an answer is written."""
LOOK_EVERY_S = 0.03
MAX_QUESTION_CHARS = 4000
MAX_TABS = 10_000
KEPT_SETTINGS = (
    "embedding_model",
    "passage_words",
    "language",
    "retrieval",
    "bm25_weight",
    "candidates",
    "max_statements",
    "caution",
    "llm_model",
)

View = dict[Any, Any]


class _Given:
    """What the browser sent with an event; anything of the wrong kind counts as not given."""

    def __init__(self, event: gr.EventData) -> None:
        data = getattr(event, "_data", None)
        self._values: Mapping[str, Any] = data if isinstance(data, dict) else {}

    def text(self, name: str, max_chars: int = 200) -> str:
        value = self._values.get(name)
        if not isinstance(value, str):
            return ""
        # A lone surrogate fits in JSON but in no file.
        return value[:max_chars].encode("utf-8", "replace").decode("utf-8")

    def number(self, name: str) -> int | None:
        value = self._values.get(name)
        if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value):
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def flag(self, name: str) -> bool:
        return self._values.get(name) is True

    def texts(self, name: str) -> list[str]:
        value = self._values.get(name)
        return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []

    def groups(self, name: str) -> list[Mapping[str, Any]]:
        value = self._values.get(name)
        return (
            [group for group in value if isinstance(group, dict)] if isinstance(value, list) else []
        )

    def date(self, name: str) -> str | None:
        text = self.text(name)
        try:
            return dt.date.fromisoformat(text).isoformat() if text else None
        except ValueError as error:
            raise UsageError(f"{text} is not a date.", remedy="Write it as 2025-07-24.") from error


@dataclass(frozen=True, slots=True)
class Parts:
    """The components that handlers write to."""

    thread: gr.HTML
    live: gr.HTML
    evidence: gr.HTML
    articles: gr.HTML
    conversations: gr.HTML
    adding: gr.HTML
    notice: gr.HTML

    def all(self) -> list[gr.HTML]:
        """Return them all, as the outputs of every event."""
        return [getattr(self, name) for name in self.__slots__]


class Page:
    """What the page does, for all visitors; keeps nothing of any of them but who looks at what."""

    def __init__(self, holder: ArchiveHolder, settings: Settings) -> None:
        self.holder = holder
        self.settings = settings
        path = settings.chat_conversations or settings.index / "conversations.sqlite"
        self.store = ConversationStore(path)
        self.model = model_of(settings)
        self.runs = Runs(holder, self.store, settings.chat_answers_at_once)
        self.parts: Parts
        self._viewing: OrderedDict[str, str] = OrderedDict()
        self._problems = itertools.count(1)
        self._listed: tuple[Any, list[ArticleSummary]] = (None, [])

    # -- what a tab shows ------------------------------------------------------------------------

    async def ready(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[View]:
        """Fill the page: when it is loaded, and when opening the archive is tried again."""
        given = _Given(event)
        if given.flag("reopen"):
            self.holder.open_in_background()
        while isinstance(state := self.holder.state, Building):
            yield {self.parts.thread: self._no_archive(state)}
            await asyncio.sleep(0.3)
        if isinstance(state, Unavailable):
            yield {self.parts.thread: self._no_archive(state), self.parts.articles: ""}
            return
        view = {self.parts.articles: self._articles("")}
        identity = given.text("conversation")
        async for update in self._guarded(lambda: self._look_at(identity, request)):
            yield {**view, **update}
            view = {}

    async def conversation(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[View]:
        """Open, rename or delete a conversation, or begin an empty one."""
        given, visitor = _Given(event), _visitor(request)
        identity, act = given.text("conversation"), given.text("act")
        current = given.text("current")

        def change() -> AsyncIterator[View]:
            if act == "rename":
                self.store.rename(visitor, identity, given.text("name"))
                return _once({self.parts.conversations: self._conversations(visitor, current)})
            if act == "delete":
                self.runs.stop(visitor, identity)
                self.store.delete(visitor, identity)
                if current != identity:
                    return _once({self.parts.conversations: self._conversations(visitor, current)})
            shown = identity if act == "select" else ""
            return self._look_at(shown, request, forget_evidence=True)

        async for update in self._guarded(change):
            yield update

    async def ask(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[View]:
        """Answer a question, showing how it is written."""
        given, visitor = _Given(event), _visitor(request)
        identity = given.text("conversation")
        question = given.text("question", MAX_QUESTION_CHARS).strip()

        def begin() -> AsyncIterator[View]:
            archive = self.holder.archive()
            if not question:
                raise UsageError("There is no question.", remedy="Type one.")
            paths, options = self._chosen(archive, given)
            options |= self._how(given)
            kept = identity or self.store.begin(visitor, question)
            anew = given.number("replace")
            if anew is not None and not self.runs.running(visitor, kept):
                self.store.forget_from(visitor, kept, anew)
            # A question as it was edited is searched as it stands: there is nothing to read in.
            earlier = () if options.get("as_written") else self._history(visitor, kept)
            own = options.get("writer") == render.OWN_WORDS
            asked = Asked(
                question, earlier, options, options["as_of"], paths, False if own else None
            )
            self.runs.start(visitor, kept, asked)
            return self._look_at(kept, request)

        async for update in self._guarded(begin):
            yield update

    def stop(self, event: gr.EventData, request: gr.Request) -> View:
        """Stop the answer that is being written; what there is of it is kept."""
        self.runs.stop(_visitor(request), _Given(event).text("conversation"))
        return {}

    # -- evidence --------------------------------------------------------------------------------

    def open(self, event: gr.EventData, request: gr.Request) -> View:
        """Show the article that a citation or a nearest passage stands in, its words marked."""
        given = _Given(event)
        try:
            turn = self.store.turn(_visitor(request), given.number("turn") or 0)
            return {self.parts.evidence: self._evidence(turn, given), self.parts.notice: ""}
        except RagError as error:
            return self._problem(error)

    def _evidence(self, turn: ConversationTurn, given: _Given) -> str:
        citations = {int(c["number"]): c for c in turn.answer.get("citations", ())}
        numbers = list(citations)
        number, place = given.number("number"), given.number("passage")
        if number is not None and number in citations:
            chosen: Mapping[str, Any] = citations[number]
        elif place is not None and 0 <= place < len(turn.nearest):
            number, chosen = None, {**turn.nearest[place], "quote": turn.nearest[place]["text"]}
        else:
            raise UsageError("There is no such citation.", remedy="Reload the page.")
        try:
            archive = self.holder.archive()
            article = archive.article(chosen["path"])
            state = archive.file_state(chosen["path"])
        except RagError as error:
            return evidence.lost_html(
                chosen, turn_id=turn.id, numbers=numbers, problem=error.problem
            )
        neighbours = [c for c in citations.values() if c["path"] == chosen["path"]]
        marks: list[evidence.Mark] = []
        for cited in [c for c in neighbours if c is not chosen] + [chosen]:
            span = _found(article.text, cited)
            if span is not None:
                at = None if number is None and cited is chosen else int(cited["number"])
                marks.append(evidence.Mark(span, at, cited is chosen))
        if not marks or not marks[-1].active:
            return evidence.lost_html(
                chosen,
                turn_id=turn.id,
                numbers=numbers,
                problem="This article has changed since the answer; these words are gone from it.",
            )
        return evidence.evidence_html(
            article,
            marks,
            turn_id=turn.id,
            number=number,
            numbers=numbers,
            file_state=state,
        )

    def judge(self, event: gr.EventData, request: gr.Request) -> View:
        """Keep what the visitor thinks of an answer."""
        given, visitor = _Given(event), _visitor(request)
        turn_id = given.number("turn") or 0
        try:
            self.store.add_feedback(
                visitor,
                turn_id,
                liked=given.flag("liked"),
                reason=given.text("reason"),
                comment=given.text("comment", 4000),
                settings=self._settings(),
            )
            identity = self.store.turn(visitor, turn_id).conversation_id
        except RagError as error:
            return self._problem(error)
        return {self.parts.thread: self._thread(visitor, identity), self.parts.notice: ""}

    # -- the archive -----------------------------------------------------------------------------

    def list_articles(self, event: gr.EventData) -> View:
        """List the articles that have the wanted words."""
        try:
            return {self.parts.articles: self._articles(_Given(event).text("wanted"))}
        except RagError as error:
            return self._problem(error)

    async def add(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[View]:
        """Take files or pasted text into the corpus and index them."""
        given = _Given(event)
        _visitor(request)
        added: list[str] = []
        problems: list[str] = []
        max_bytes = int(self.settings.chat_upload_mb * 1e6)
        corpus = self._corpus()
        try:
            self._check_uploads()
            text = given.text("text", max_bytes + 1)
            if text:
                title = given.text("title", 300)
                saved = uploads.save_text(corpus, title, text, max_bytes=max_bytes)
                added.append(saved.name)
        except RagError as error:
            problems.append(f"{error.problem} {error.remedy}")
        for group in given.groups("files") if self.settings.chat_uploads else ():
            try:
                name, data = str(group.get("name", "")), _bytes(group.get("data"))
                if group.get("too_large"):  # the browser did not send it
                    raise uploads.too_large(name, max_bytes)
                saved = uploads.save_file(corpus, name, data, max_bytes=max_bytes)
                added.append(saved.name)
            except RagError as error:
                problems.append(f"{error.problem} {error.remedy}")
        if not added:
            yield {self.parts.adding: sidebar.report_html(added, problems, None)}
            return
        async for update in self._indexed(request, given, added, problems):
            yield update

    async def remove(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[View]:
        """Move an article's file out of the corpus and index anew."""
        given = _Given(event)
        _visitor(request)
        try:
            self._check_uploads()
            path = given.text("article", 4000)
            archive = self.holder.archive()
            archive.article(path)
            if len({_file_of(article.path) for article in self._all_articles(archive)}) == 1:
                raise UsageError(
                    "This is the archive’s last file, and an archive without one cannot be.",
                    remedy="Add another article first; then remove this one.",
                )
            bin_folder = self.settings.index / "removed"
            uploads.remove_file(self._corpus(), path, into=bin_folder)
        except RagError as error:
            yield self._problem(error)
            return
        kept = f"{path} was moved to {bin_folder}."
        async for update in self._indexed(request, given, [], [kept]):
            yield update

    async def refresh(self, event: gr.EventData, request: gr.Request) -> AsyncIterator[View]:
        """Index what has changed in the folder."""
        async for update in self._indexed(request, _Given(event), [], []):
            yield update

    async def _indexed(
        self, request: gr.Request, given: _Given, added: list[str], problems: list[str]
    ) -> AsyncIterator[View]:
        latest: list[Progress] = []
        first = not isinstance(self.holder.state, Opened)

        def listen(progress: Progress) -> None:
            latest[:] = [progress]

        task: asyncio.Task[IndexReport | None] = asyncio.create_task(
            asyncio.to_thread(self.holder.index, listen)
        )
        while not task.done():
            progress = latest[0] if latest else None
            yield {self.parts.adding: sidebar.progress_html(progress)}
            await asyncio.wait([task], timeout=0.25)
        try:
            report = task.result()
        except RagError as error:
            failed = [*problems, f"{error.problem} {error.remedy}"]
            yield {self.parts.adding: sidebar.report_html(added, failed, None)}
            return
        view: View = {
            self.parts.adding: sidebar.report_html(added, problems, report),
            self.parts.articles: self._articles(given.text("wanted")),
        }
        if first:
            view[self.parts.thread] = self._thread(_visitor(request), "")
        yield view

    # -- one documented endpoint -----------------------------------------------------------------

    def answer(self, question: str, as_of: str = "", history: list[str] | None = None) -> str:
        """Answer a question over the whole archive.

        Args:
            question: What is asked.
            as_of: A date such as ``2025-07-24``; later articles are left out. Empty for all.
            history: Earlier questions of the conversation, oldest first.

        Returns:
            The JSON that ``rag ask --json`` prints, as text: Gradio's clients take an object with
            a path for a file to fetch.
        """
        try:
            answer = self.holder.archive().ask(
                question[:MAX_QUESTION_CHARS], history=history or (), as_of=as_of or None
            )
        except RagError as error:
            raise gr.Error(str(error), print_exception=False) from error
        return json.dumps(answer.to_dict(), ensure_ascii=False)

    def export(self, conversation: str, suffix: str, request: Request) -> Response:
        """Return a conversation as a file, to the visitor whose it is."""
        visitor = visitor_of(request.headers.get("cookie", ""))
        try:
            kept = self.store.conversation(visitor or "", conversation)
        except UsageError as error:
            return Response(f"{error}\n", status_code=404, media_type="text/plain")
        media_type, write = EXPORTS[suffix]
        name = f"{file_name(kept.name, 'conversation')}.{suffix}"
        disposition = {"content-disposition": f'attachment; filename="{name}"'}
        content = write(kept).encode("utf-8", "replace")
        return Response(content, media_type=media_type, headers=disposition)

    # -- inside ----------------------------------------------------------------------------------

    async def _guarded(self, begin: Callable[[], AsyncIterator[View]]) -> AsyncIterator[View]:
        try:
            async for update in begin():
                yield {self.parts.notice: "", **update}
        except RagError as error:
            yield self._problem(error)

    async def _look_at(
        self, identity: str, request: gr.Request, *, forget_evidence: bool = False
    ) -> AsyncIterator[View]:
        """Show a conversation and, while its last question is being answered, how that goes."""
        visitor, tab = _visitor(request), str(request.session_hash)
        self._viewing[tab] = identity
        self._viewing.move_to_end(tab)
        while len(self._viewing) > MAX_TABS:
            self._viewing.popitem(last=False)
        # Before the thread is read: a run that ends in between is then in the thread.
        run = self.runs.running(visitor, identity)
        try:
            view: View = {self.parts.thread: self._thread(visitor, identity)}
        except UsageError:
            # An old address: its conversation is gone or another visitor's.
            identity = self._viewing[tab] = ""
            view = {self.parts.thread: self._thread(visitor, "")}
        view[self.parts.conversations] = self._conversations(visitor, identity)
        view[self.parts.live] = ""
        if forget_evidence:
            view[self.parts.evidence] = evidence.PLACEHOLDER
        if run is None:
            yield view
            return
        seen = run.snapshot().version
        yield {**view, self.parts.live: _live(run)}
        await asyncio.sleep(UPDATE_EVERY_S)
        while not (snapshot := run.snapshot()).done:
            if self._viewing.get(tab) != identity:
                return
            if snapshot.version == seen:
                await asyncio.sleep(LOOK_EVERY_S)
                continue
            seen = snapshot.version
            yield {self.parts.live: _live(run)}
            await asyncio.sleep(UPDATE_EVERY_S)
        if self._viewing.get(tab) == identity:
            yield {
                self.parts.thread: self._thread(visitor, identity),
                self.parts.live: "",
                self.parts.conversations: self._conversations(visitor, identity),
            }

    def _thread(self, visitor: str, identity: str) -> str:
        state = self.holder.state
        if not identity:
            if not isinstance(state, Opened):
                return self._no_archive(state)
            inner = sidebar.welcome_html(self._all_articles(state.archive), state.archive.status())
            return f'<div data-conversation="">{inner}</div>'
        kept = self.store.conversation(visitor, identity)
        span = state.archive.status() if isinstance(state, Opened) else None
        turns = "".join(render.turn_html(turn, span=span) for turn in kept.turns)
        writer = words(kept.writer)
        return f'<div data-conversation="{kept.id}" data-writer="{writer}">{turns}</div>'

    def _no_archive(self, state: object) -> str:
        corpus = str(self.settings.corpus)
        if isinstance(state, Unavailable):
            inner = sidebar.unavailable_html(
                state.problem,
                state.remedy,
                empty=state.empty,
                corpus=corpus,
                uploads=self.settings.chat_uploads,
            )
        else:
            progress = state.progress if isinstance(state, Building) else None
            inner = sidebar.building_html(progress, corpus)
        return f'<div data-conversation="" data-closed="yes">{inner}</div>'

    def _conversations(self, visitor: str, current: str) -> str:
        return sidebar.conversations_html(self.store.summaries(visitor), current)

    def _articles(self, wanted: str) -> str:
        archive = self.holder.archive()
        return sidebar.articles_html(
            self._all_articles(archive),
            archive.status(),
            wanted=wanted,
            removable=self.settings.chat_uploads,
            now=dt.datetime.now(dt.UTC),
        )

    def _all_articles(self, archive: Archive) -> list[ArticleSummary]:
        generation = archive.status().get("generation")
        if self._listed[0] != (id(archive), generation):
            self._listed = ((id(archive), generation), archive.articles())
        return self._listed[1]

    def _chosen(self, archive: Archive, given: _Given) -> tuple[list[str] | None, dict[str, Any]]:
        """Return the paths to look in (None for all) and the options to keep with the turn."""
        articles = self._all_articles(archive)
        named = set(given.texts("paths"))
        only = given.flag("only")
        first, last = given.date("from"), given.date("to")
        chosen = [
            article.path
            for article in articles
            if (article.path in named) == only and _within(article.published, first, last)
        ]
        if not chosen:
            raise UsageError(
                "No article is chosen.",
                remedy="Tick one in the list of the archive, or widen the dates.",
            )
        options: dict[str, Any] = {"as_of": given.date("as_of"), "articles": ""}
        if len(chosen) == len(articles):
            return None, options
        options |= {"articles": f"{len(chosen)} of {len(articles)} articles", "paths": chosen}
        return chosen, options

    def _how(self, given: _Given) -> dict[str, Any]:
        """Return how the question is to be answered, as options to keep with the turn."""
        options: dict[str, Any] = {"as_written": True} if given.flag("as_written") else {}
        writer = given.text("writer")
        if self.model and writer in ("model", render.OWN_WORDS):
            options |= {"writer": writer, "model": self.model.name}
        return options

    def _history(self, visitor: str, identity: str) -> Sequence[Turn]:
        return self.store.conversation(visitor, identity).history()

    def _corpus(self) -> Path:
        state = self.holder.state
        return state.archive.corpus if isinstance(state, Opened) else self.settings.corpus

    def _check_uploads(self) -> None:
        if not self.settings.chat_uploads:
            raise UsageError(
                "Adding and removing articles is switched off.",
                remedy="Set chat_uploads, or change the folder of articles itself.",
            )

    def _settings(self) -> dict[str, Any]:
        values = self.settings.model_dump(mode="json")
        return {name: values[name] for name in KEPT_SETTINGS}

    def _problem(self, error: RagError) -> View:
        # Numbered, so that the same problem twice is a change that the browser notices.
        number = next(self._problems)
        inner = render.error_html(error.problem, error.remedy)
        return {self.parts.notice: f'<div data-number="{number}">{inner}</div>'}


def assemble(holder: ArchiveHolder, settings: Settings, *, beside: FastAPI) -> FastAPI:
    """Return the application: the Gradio page and the download of conversations, unguarded.

    Args:
        holder: Has the archive.
        settings: The page's knobs.
        beside: An application that begins and ends with this one.
    """
    page = Page(holder, settings)
    blocks = _blocks(page)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with beside.router.lifespan_context(beside):
            yield
        page.runs.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.get("/conversations/{conversation}/export.{suffix}")(page.export)
    style = (STATIC / "page.css").read_bytes()
    app.get("/page.css")(
        lambda: Response(style, media_type="text/css", headers={"cache-control": "no-cache"})
    )
    font = ["system-ui", "-apple-system", "Segoe UI", "sans-serif"]
    gr.mount_gradio_app(
        app,
        blocks,
        path="/",
        theme=gr.themes.Base(font=font, font_mono=["ui-monospace", "Consolas", "monospace"]),
        # Not as `css`: Gradio would prefix each rule, and what stands outside would go bare.
        head='<link rel="stylesheet" href="/page.css">',
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        mcp_server=False,
        show_error=False,
        enable_monitoring=False,
        max_file_size=1,  # Gradio's own uploads are not used; see ui.guard
    )
    return app


def _blocks(page: Page) -> gr.Blocks:
    def part(name: str, value: str = "") -> gr.HTML:
        return gr.HTML(value, elem_id=f"dl-{name}", apply_default_css=False, js_on_load=None)

    def fixed(name: str) -> gr.HTML:
        template = (STATIC / f"{name}.html").read_text("utf-8")
        template = template.replace("MAX_UPLOAD_MB", f"{page.settings.chat_upload_mb:g}")
        return gr.HTML(
            html_template=template, elem_id=f"dl-{name}", apply_default_css=False, js_on_load=None
        )

    blocks = gr.Blocks(title="Dateline", fill_width=True)
    with blocks:
        fixed("top")
        with gr.Row(elem_id="dl-shell"):
            with gr.Column(elem_id="dl-left"):
                conversations = part("conversations")
                fixed("choose")
                articles = part("articles")
                if page.settings.chat_uploads:
                    fixed("add")
                adding = part("adding")
            with gr.Column(elem_id="dl-centre"):
                thread = part("thread")
                live = part("live")
                notice = part("notice")
                composer = (STATIC / "composer.html").read_text("utf-8")
                bridge = gr.HTML(
                    html_template=composer.replace("WRITER", writer_html(page.model)),
                    js_on_load=(STATIC / "page.js").read_text("utf-8"),
                    elem_id="dl-composer",
                    apply_default_css=False,
                )
            with gr.Column(elem_id="dl-right"):
                shown = part("evidence", evidence.PLACEHOLDER)
        page.parts = Parts(thread, live, shown, articles, conversations, adding, notice)
        handlers: dict[str, tuple[Callable[..., Any], int]] = {
            "dl_ready": (page.ready, 200),
            "dl_conversation": (page.conversation, 200),
            "dl_ask": (page.ask, 200),
            "dl_stop": (page.stop, 20),
            "dl_open": (page.open, 20),
            "dl_judge": (page.judge, 5),
            "dl_articles": (page.list_articles, 5),
            "dl_add": (page.add, 5),
            "dl_remove": (page.remove, 5),
            "dl_refresh": (page.refresh, 5),
        }
        for name, (handler, at_once) in handlers.items():
            getattr(bridge, name)(
                handler,
                None,
                page.parts.all(),
                api_name=f"page_{name}",
                api_visibility="private",
                concurrency_limit=at_once,
                trigger_mode="multiple",
                show_progress="hidden",
            )
        gradio_api(
            page.answer,
            api_name="ask",
            concurrency_limit=page.settings.chat_answers_at_once,
            api_visibility="public",
        )
    blocks.queue(max_size=1000, default_concurrency_limit=5)
    return blocks


async def _once(view: View) -> AsyncIterator[View]:
    yield view


def _live(run: Run) -> str:
    snapshot = run.snapshot()
    return render.stream_html(
        run.asked.question, snapshot.stage, snapshot.detail, snapshot.statements
    )


def _visitor(request: gr.Request) -> str:
    visitor = visitor_of(request.headers.get("cookie", ""))
    if visitor is None:
        raise gr.Error("Allow cookies for this page and reload it.", print_exception=False)
    return visitor


def _file_of(path: str) -> str:
    """Return the file that an article is in: ``news.jsonl`` of ``news.jsonl#3``."""
    return path.partition("#")[0]


def _found(text: str, cited: Mapping[str, Any]) -> Span | None:
    """Return where the cited words stand in the text now, or None if they are gone."""
    quote, start = cited["quote"], int(cited["start"])
    if not quote:
        return None
    if text[start : start + len(quote)] == quote:
        return Span(start, start + len(quote))
    again = text.find(quote)
    return Span(again, again + len(quote)) if again >= 0 else None


def _within(published: dt.date | None, first: str | None, last: str | None) -> bool:
    if first is None and last is None:
        return True
    if published is None:
        return False
    shown = published.isoformat()
    return (first is None or first <= shown) and (last is None or shown <= last)


def _bytes(encoded: object) -> bytes:
    try:
        return base64.b64decode(str(encoded), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("A file arrived damaged.", remedy="Add it again.") from error
