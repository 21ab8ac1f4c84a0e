"""An archive over HTTP: the command line's JSON, server-sent events, an OpenAI-compatible door.

Start reading at :func:`build_server`. Every request passes :class:`rag.guard.Guard` first; every
answer is made by :class:`rag.workers.Workers`.
"""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
import socket
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Literal, TypeVar

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from rag import openai_door
from rag.archive import MAX_SEARCH_RESULTS, Archive, __version__, open_archive
from rag.errors import RagError, UsageError
from rag.guard import OPENAI_PREFIX, Entrance, Guard, Refusal, host_name, is_loopback
from rag.ledger import shown
from rag.schema import Event, Finished, Stage, StatementWritten, Turn, iso
from rag.settings import Settings
from rag.workers import FullError, Job, Workers

logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_HISTORY_TURNS = 2000
MAX_PATHS = 10_000
MAX_LISTED = 10_000
RETRY_AFTER_S = 2
ROUTES = re.compile(r"/(?:api|v1)/.*|/docs|/openapi\.json")
"""What is answered here, for a server that answers other things too."""
_GRACE_S = 3


class EarlierTurn(BaseModel):
    """An earlier question of the conversation and, where known, what was answered."""

    model_config = ConfigDict(extra="ignore")
    question: str
    answer: str = ""
    abstained: bool = False

    def to_turn(self) -> Turn:
        """Return the turn; an abstention answered nothing."""
        return Turn(self.question, "" if self.abstained else self.answer)


class AskRequest(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(description="In plain words.")
    history: list[EarlierTurn | str] = Field(
        default=[],
        max_length=MAX_HISTORY_TURNS,
        description="Earlier turns, oldest first: questions, or objects with `question`, `answer` "
        "and `abstained`.",
    )
    as_of: str | None = Field(
        default=None,
        description="Only what was published by then counts: 2025-07-24, 2025-07 or 2025.",
    )
    paths: list[str] | None = Field(
        default=None,
        max_length=MAX_PATHS,
        description="Only these articles, files or folders count.",
    )
    model: Literal["extractive"] | None = Field(
        default=None,
        description="`extractive` for the sources' own words; by default what the settings say.",
    )
    stream: bool = Field(
        default=False,
        description="Whether to send the answer as it is made: server-sent events `stage`, "
        "`statement`, `answer` (the last) and `error`.",
    )


class SearchRequest(BaseModel):
    """A query for passages."""

    model_config = ConfigDict(extra="forbid")
    query: str = Field(description="In plain words; there is no query syntax.")
    limit: int = Field(default=10, ge=1, le=MAX_SEARCH_RESULTS)
    as_of: str | None = None
    paths: list[str] | None = Field(default=None, max_length=MAX_PATHS)


class Json(Response):
    """JSON whatever the text holds: half a surrogate pair goes as an escape."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes of the body."""
        return _json(content).encode()


def serve(settings: Settings) -> None:
    """Answer over HTTP until it is interrupted.

    Raises:
        UsageError: If other machines are served without a token, or the address cannot be had.
        RagError: If the archive cannot be opened.
    """
    token = token_of(settings)
    check_address(settings, token)
    with _listening(settings) as listener, open_archive(settings.index, settings) as archive:
        entrance = Entrance(_names(settings), "serve_names", token)
        app = build_server(lambda: archive, settings, entrance)
        config = uvicorn.Config(
            app,
            ws="none",
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        sys.stderr.write(f"Serving at {_url(settings)}, described at /docs (Ctrl-C ends it).\n")
        sys.stderr.flush()
        with suppress(KeyboardInterrupt):  # how one ends it
            uvicorn.Server(config).run(sockets=[listener])


def build_server(
    archive: Callable[[], Archive], settings: Settings, entrance: Entrance | None = None
) -> FastAPI:
    """Return the server as an application that any ASGI server can run.

    Args:
        archive: Gives the archive to ask, or raises why there is none.
        settings: The server's knobs (``serve_*``).
        entrance: Who may come in; by default whoever is on this machine.
    """
    workers = Workers(at_once=settings.serve_answers_at_once, waiting=settings.serve_waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        workers.close()

    app = FastAPI(
        title="Dateline",
        description="Questions to a folder of news articles; every sentence of an answer is bound "
        "to the exact words of an exact file. Offsets are code points into the article's text.",
        version=__version__,
        docs_url=None,  # FastAPI's own page fetches its scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        default_response_class=Json,
    )
    _add_api(app, archive, workers)
    _add_openai_door(app, archive, workers)
    _add_errors(app)
    app.add_middleware(
        Guard,
        entrance=entrance or Entrance(_names(settings), "serve_names"),
        max_body_bytes=settings.serve_max_body_kb * 1000,
        requests_per_minute=settings.serve_requests_per_minute,
    )
    app.state.workers = workers
    return app


# --- routes -----------------------------------------------------------------------------------


def _add_api(app: FastAPI, archive: Callable[[], Archive], workers: Workers) -> None:
    @app.post("/api/ask", summary="Answer a question, with citations", tags=["Dateline"])
    async def ask(body: AskRequest, request: Request) -> Response:
        """Return what `rag ask --json` prints, or the same as server-sent events."""
        history = [turn if isinstance(turn, str) else turn.to_turn() for turn in body.history]
        job = workers.begin(
            lambda: archive().stream(body.question, history, body.as_of, body.paths, body.model)
        )
        if body.stream:
            return await _streamed(job, request, _EventLines(), _error_event)
        return Json((await _finished(job, request)).answer.to_dict())

    @app.post("/api/search", summary="Find the nearest passages", tags=["Dateline"])
    async def search(body: SearchRequest, request: Request) -> Response:
        """Return what `rag search --json` prints."""
        hits = await _one(
            workers,
            request,
            lambda: archive().search(body.query, body.limit, body.as_of, body.paths),
        )
        return Json({"query": body.query, "hits": [hit.to_dict() for hit in hits]})

    @app.get("/api/articles", summary="List the indexed articles", tags=["Dateline"])
    async def articles(
        request: Request,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=MAX_LISTED)] = 1000,
    ) -> Response:
        """Return `total` and the articles from `offset` on, by path, without their texts."""
        found = await _one(workers, request, lambda: archive().articles())
        some = found[offset : offset + limit]
        return Json(
            {"total": len(found), "offset": offset, "articles": [item.to_dict() for item in some]}
        )

    @app.get("/api/articles/{path:path}", summary="Read an article", tags=["Dateline"])
    async def article(path: str, request: Request) -> Response:
        """Return the article as it was indexed; `#` in a path is written `%23`."""
        try:
            return Json(await _one(workers, request, lambda: read_article(archive(), path)))
        except UsageError as error:
            raise _NotFoundError(error.problem, remedy="GET /api/articles lists them.") from error

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        """Return the description of all this as a page."""
        return HTMLResponse(_docs_page(app.openapi()))

    @app.get("/", include_in_schema=False)
    async def front() -> Response:
        """Lead to the description."""
        return RedirectResponse("/docs")


def _add_openai_door(app: FastAPI, archive: Callable[[], Archive], workers: Workers) -> None:
    known = openai_door.models(int(time.time()))

    @app.get("/v1/models", summary="List the models", tags=["OpenAI-compatible"])
    async def models() -> Response:
        """Return the names that a chat completion may ask for."""
        return Json({"object": "list", "data": known})

    @app.get("/v1/models/{model}", summary="Describe a model", tags=["OpenAI-compatible"])
    async def model(model: str) -> Response:
        """Return one of the models."""
        for item in known:
            if item["id"] == model:
                return Json(item)
        raise _unknown_model(model)

    @app.post(
        "/v1/chat/completions", summary="Answer as a chat completion", tags=["OpenAI-compatible"]
    )
    async def completions(body: openai_door.CompletionRequest, request: Request) -> Response:
        """Answer the last message; `citations` and `dateline` in the reply are the evidence."""
        if body.model not in {item["id"] for item in known}:
            raise _unknown_model(body.model)
        question, history = openai_door.conversation_of(body.messages)
        job = workers.begin(lambda: archive().stream(question, history, body.as_of, body.paths))
        if not body.stream:
            return Json(openai_door.completion((await _finished(job, request)).answer))
        usage = bool(body.stream_options and body.stream_options.include_usage)
        chunks = openai_door.Chunks(include_usage=usage)

        def lines(event: Event) -> Iterable[str]:
            for chunk in chunks.of(event):
                yield f"data: {_json(chunk)}\n\n"
            if isinstance(event, Finished):
                yield "data: [DONE]\n\n"

        return await _streamed(job, request, lines, _openai_error_event)


# --- answers ----------------------------------------------------------------------------------


class _GoneError(Exception):
    """The caller went away; nobody reads what we say."""


class _NotFoundError(UsageError):
    """What the address names is not there."""


def _unknown_model(name: str) -> _NotFoundError:
    return _NotFoundError(
        f"There is no model {shown(name[:80])}.", remedy="GET /v1/models lists them."
    )


def read_article(archive: Archive, path: str) -> dict[str, Any]:
    """Return an indexed article with its text, as JSON values.

    Raises:
        UsageError: If no indexed article has that path; files outside the index are never read.
    """
    article = archive.article(path)
    return {
        "path": article.path,
        "title": article.title,
        "published": iso(article.published),
        "outlet": article.outlet,
        "url": article.url,
        "encoding": article.encoding,
        "sha256": article.sha256,
        "file_state": archive.file_state(path),
        "text": article.text,
    }


async def _one(workers: Workers, request: Request, work: Callable[[], T]) -> T:
    """Do one thing on the workers' threads."""
    job = workers.begin(lambda: iter([work()]))
    return await _unless_gone(request, anext(job.events()), job)


async def _finished(job: Job[Event], request: Request) -> Finished:
    async def last() -> Finished:
        async for event in job.events():
            if isinstance(event, Finished):
                return event
        raise AssertionError("a stream ends with its answer")

    return await _unless_gone(request, last(), job)


async def _unless_gone(request: Request, wanted: Awaitable[T], job: Job[Any]) -> T:
    """Return what is wanted of a job, or drop it when the caller goes away."""
    working = asyncio.ensure_future(wanted)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise _GoneError
        return working.result()
    except BaseException:
        job.drop()
        raise
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _streamed(
    job: Job[Event],
    request: Request,
    lines: Callable[[Event], Iterable[str]],
    error_line: Callable[[Refusal], str],
) -> Response:
    """Return the events as server-sent ones; what fails before the first has its own status."""
    events = job.events()
    first = await _unless_gone(request, anext(events), job)

    async def body() -> AsyncGenerator[str]:
        try:
            for line in lines(first):
                yield line
            async for event in events:
                for line in lines(event):
                    yield line
        except RagError as error:
            yield error_line(_refusal(error))
        except Exception:  # the status is sent; the caller must not wait for ever
            logger.exception("an answer could not be finished")
            yield error_line(_BUG)
        finally:
            await events.aclose()  # gives the place back

    return StreamingResponse(
        body(),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


class _EventLines:
    """Events as server-sent ones; a stage that is told again is not."""

    def __init__(self) -> None:
        self._stage: Stage | None = None

    def __call__(self, event: Event) -> Iterable[str]:
        match event:
            case Stage() if event != self._stage:
                self._stage = event
                yield _sse("stage", {"name": event.name, "detail": event.detail})
            case StatementWritten():
                yield _sse(
                    "statement",
                    {
                        "statement": event.statement.to_dict(),
                        "citations": [citation.to_dict() for citation in event.citations],
                    },
                )
            case Finished():
                yield _sse("answer", event.answer.to_dict())


def _error_event(refusal: Refusal) -> str:
    return _sse("error", refusal.to_dict())


def _openai_error_event(refusal: Refusal) -> str:
    return f"data: {_json(refusal.to_dict(for_openai=True))}\n\n"


def _sse(name: Literal["stage", "statement", "answer", "error"], value: Mapping[str, Any]) -> str:
    return f"event: {name}\ndata: {_json(value)}\n\n"


def _json(value: Any) -> str:
    """Return one line of JSON that is valid UTF-8."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


# --- errors -----------------------------------------------------------------------------------

_BUG = Refusal(
    500, "Something went wrong inside the server.", "Ask again; its log has the details.", "bug"
)


def _refusal(error: RagError) -> Refusal:
    match error:
        case FullError():
            return Refusal(
                503, error.problem, error.remedy, code="overloaded", retry_after_s=RETRY_AFTER_S
            )
        case _NotFoundError():
            return Refusal(404, error.problem, error.remedy, code="model_not_found")
        case UsageError():
            return Refusal(400, error.problem, error.remedy)
    return Refusal(503, error.problem, error.remedy, code="unavailable")


def _refused(request: Request, refusal: Refusal) -> Response:
    for_openai = request.url.path.startswith(OPENAI_PREFIX)
    return Json(
        refusal.to_dict(for_openai=for_openai),
        status_code=refusal.status,
        headers=refusal.headers(),
    )


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(RagError)
    async def expected(request: Request, error: RagError) -> Response:
        return _refused(request, _refusal(error))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            problem = "The body is not JSON."
            status = 400
        else:
            where = ".".join(str(part) for part in first["loc"] if part != "body")
            problem = f"{where or 'The body'}: {first['msg']}."
            status = 422
        return _refused(request, Refusal(status, problem, "See /docs for what is expected."))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        return _refused(
            request,
            Refusal(error.status_code, f"{error.detail}.", "See /docs for what there is."),
        )

    @app.exception_handler(_GoneError)
    async def gone(request: Request, error: _GoneError) -> Response:
        return Response(status_code=499)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        # The server logs the traceback.
        return _refused(request, _BUG)


# --- the address ------------------------------------------------------------------------------


def token_of(settings: Settings) -> str | None:
    """Return the token that requests must carry, from the settings or the file that they name.

    Raises:
        UsageError: If the file cannot be used.
    """
    if settings.serve_token is not None:
        return settings.serve_token.get_secret_value()
    file = settings.serve_token_file
    if file is None:
        return None
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"The token's file {shown(file)} cannot be read.",
            remedy="Mend the setting serve_token_file.",
        ) from error
    if len(token) < 16:
        raise UsageError(
            f"The token in {shown(file)} is shorter than 16 characters.",
            remedy="Write a long random one, for example of `openssl rand -hex 24`.",
        )
    return token


def check_address(settings: Settings, token: str | None) -> None:
    """Refuse to serve other machines without a token.

    Raises:
        UsageError: If the address is not this machine's own and there is no token.
    """
    if token is None and not is_loopback(settings.serve_host):
        raise UsageError(
            f"The archive would be open to everyone who reaches {settings.serve_host}.",
            remedy="Set RAG_SERVE_TOKEN, or leave `serve_host` at 127.0.0.1.",
        )


def _names(settings: Settings) -> frozenset[str]:
    further = (host_name(name) for name in settings.serve_names.split(","))
    own = {"127.0.0.1", "localhost", "::1", settings.serve_host.lower()}
    return frozenset(own | {name for name in further if name})


def _listening(settings: Settings) -> socket.socket:
    host, port = settings.serve_host, settings.serve_port
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET
        )
    except OSError as error:
        raise UsageError(
            f"Nothing can be served at {_url(settings)}: {error.strerror}.",
            remedy="Set RAG_SERVE_PORT to a free port (and RAG_SERVE_HOST to an own address).",
        ) from error


def _url(settings: Settings) -> str:
    host = f"[{settings.serve_host}]" if ":" in settings.serve_host else settings.serve_host
    return f"http://{host}:{settings.serve_port}"


# --- the description --------------------------------------------------------------------------

_DOCS_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{background:#8881;border-radius:4px;padding:.1em .3em}pre{padding:.8em;overflow:auto}"
    "td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0}"
    ":root{color-scheme:light dark}"
)


def _docs_page(description: Mapping[str, Any]) -> str:
    """Return the OpenAPI description as a page that needs nothing from elsewhere."""
    schemas = description.get("components", {}).get("schemas", {})
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width'>",
        f"<title>{html.escape(description['info']['title'])}</title><style>{_DOCS_STYLE}</style>",
        f"<h1>{html.escape(description['info']['title'])}</h1>",
        f"<p>{html.escape(description['info']['description'])}</p>",
        "<p>For programs: <a href='/openapi.json'>openapi.json</a>. Errors are "
        "<code>{problem, remedy}</code>, under <code>/v1</code> in OpenAI's form.</p>",
    ]
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            parts.append(f"<h2><code>{method.upper()} {html.escape(path)}</code></h2>")
            parts.append(f"<p>{html.escape(told['summary'])}. ")
            parts.append(f"{_with_code(told.get('description', ''))}</p>")
            parts.append(_fields(_body_schema(told, schemas), told.get("parameters", ())))
    return "".join(parts)


def _body_schema(told: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        reference = told["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    except KeyError:
        return {}
    schema: Mapping[str, Any] = schemas[reference.rpartition("/")[2]]
    return schema


def _fields(schema: Mapping[str, Any], parameters: Iterable[Mapping[str, Any]]) -> str:
    needed = set(schema.get("required", ()))
    rows = [
        (name, name in needed, field.get("description", ""), field.get("default"))
        for name, field in schema.get("properties", {}).items()
    ]
    rows += [
        (item["name"], item["required"], "", item["schema"].get("default")) for item in parameters
    ]
    if not rows:
        return ""
    lines = []
    for name, required, meaning, default in rows:
        state = "required" if required else f"default <code>{html.escape(_json(default))}</code>"
        lines.append(
            f"<tr><td><code>{html.escape(name)}</code><td>{state}<td>{_with_code(meaning)}"
        )
    return f"<table>{''.join(lines)}</table>"


def _with_code(text: str) -> str:
    pieces = html.escape(text).split("`")
    return "".join(
        f"<code>{piece}</code>" if number % 2 else piece for number, piece in enumerate(pieces)
    )
