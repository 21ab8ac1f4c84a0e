"""`rag serve` as its clients use it: httpx, curl, the OpenAI client, and callers who mean ill."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from scripted_server import Handler
from scripted_server import Server as ModelServer

import rag
from rag import openai_door
from rag.errors import IndexStaleError, UsageError
from rag.guard import Allowance, Entrance, host_name
from rag.schema import (
    Answer,
    Article,
    Citation,
    Event,
    Finished,
    Stage,
    Statement,
    StatementWritten,
    Turn,
)
from rag.server import build_server, check_address, serve, token_of
from rag.workers import Workers

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import openai

QUESTION = "How many hostages remain?"
NAMES = frozenset({"127.0.0.1", "localhost"})
TOKEN = "a-long-enough-test-token"
MESSAGES: list[Any] = [{"role": "user", "content": QUESTION}]


@dataclass(frozen=True)
class Server:
    """A server on loopback."""

    url: str
    port: int
    workers: Workers

    def post(self, path: str, body: Any, **options: Any) -> httpx.Response:
        return httpx.post(self.url + path, json=body, timeout=60, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=60, **options)


@contextmanager
def serving(archive: Any, *, token: str | None = None, **settings: Any) -> Iterator[Server]:
    knobs = rag.load_settings(**settings)
    entrance = Entrance(NAMES, "serve_names", token) if token else None
    app = build_server(lambda: archive, knobs, entrance)
    server = uvicorn.Server(
        uvicorn.Config(app, ws="none", log_level="critical", timeout_graceful_shutdown=1)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield Server(f"http://127.0.0.1:{port}", port, app.state.workers)
        finally:
            server.should_exit = True
            thread.join()


def wait_until(true: Any, within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def server(seeds_archive: rag.Archive) -> Iterator[Server]:
    with serving(seeds_archive, serve_requests_per_minute=100_000) as running:
        yield running


class PatientArchive:
    """An archive that answers only when it is let; it tells that it goes on thinking."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.closed = threading.Event()

    def stream(self, question: str, *_: Any) -> Iterator[Event]:
        try:
            while not self.let.wait(0.02):
                yield Stage("writing", "some model")
            yield Finished(abstention(question))
        finally:
            self.closed.set()


class FailingArchive:
    """An archive whose index is of no use, or that has a bug; before or after it has begun."""

    def __init__(self, error: Exception, *, begun: bool) -> None:
        self._error = error
        self._begun = begun

    def stream(self, *_: Any) -> Iterator[Event]:
        if self._begun:
            yield Stage("searching", "")
        raise self._error


STALE = IndexStaleError("It was built with another model.", remedy="Run `rag index`.")


def abstention(question: str) -> Answer:
    return Answer(
        question=question,
        standalone_question=question,
        abstained=True,
        reason="The articles do not say.",
        confidence=0.0,
        short_answer=None,
        statements=(),
        citations=(),
    )


def events_of(text: str) -> list[tuple[str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def without_times(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "timings_ms"}


# --- asking -----------------------------------------------------------------------------------


def test_an_answer_over_http_is_the_json_of_the_command_line(
    server: Server, seeds_archive: rag.Archive
) -> None:
    response = server.post("/api/ask", {"question": QUESTION})

    assert response.status_code == 200
    expected = json.loads(json.dumps(seeds_archive.ask(QUESTION).to_dict()))
    assert without_times(response.json()) == without_times(expected)


def test_history_date_and_paths_count_over_http(server: Server, seeds_archive: rag.Archive) -> None:
    path = seeds_archive.articles()[1].path
    asked = {
        "question": "And how many of them?",
        "history": [{"question": QUESTION, "answer": "About 50."}, "Where are they?"],
        "as_of": "2024",
        "paths": [path],
    }

    answer = server.post("/api/ask", asked).json()

    expected = seeds_archive.ask(asked["question"], asked["history"], "2024", [path])  # type: ignore[arg-type]
    assert answer["standalone_question"] == expected.standalone_question
    assert {citation["path"] for citation in answer["citations"]} <= {path}


def test_an_abstention_in_the_history_is_no_answer() -> None:
    told: list[Any] = []

    class Listening:
        def stream(self, question: str, history: Any, *_: Any) -> Iterator[Event]:
            told.extend(history)
            yield Finished(abstention(question))

    history = [{"question": "A?", "answer": "They do not say.", "abstained": True}, "B?"]
    with serving(Listening()) as running:
        running.post("/api/ask", {"question": "C?", "history": history})

    assert told == [Turn("A?"), "B?"]


def test_a_stream_tells_stages_statements_and_the_answer(server: Server) -> None:
    response = server.post("/api/ask", {"question": QUESTION, "stream": True})

    assert response.headers["content-type"].startswith("text/event-stream")
    events = events_of(response.text)
    names = [name for name, _ in events]
    assert names[0] == "stage"
    assert names[-1] == "answer"
    statements = [value["statement"] for name, value in events if name == "statement"]
    assert statements == events[-1][1]["statements"] != []
    whole = server.post("/api/ask", {"question": QUESTION}).json()
    assert without_times(events[-1][1]) == without_times(whole)


def test_a_search_over_http_is_the_json_of_the_command_line(
    server: Server, seeds_archive: rag.Archive
) -> None:
    body = server.post("/api/search", {"query": "cease-fire length", "limit": 3}).json()

    hits = [hit.to_dict() for hit in seeds_archive.search("cease-fire length", 3)]
    assert body == json.loads(json.dumps({"query": "cease-fire length", "hits": hits}))


def test_articles_are_listed_and_read(server: Server, seeds_archive: rag.Archive) -> None:
    listed = server.get("/api/articles", params={"limit": 2, "offset": 1}).json()

    assert listed["total"] == 5
    assert len(listed["articles"]) == 2
    path = listed["articles"][0]["path"]
    read = server.get(f"/api/articles/{path}").json()
    assert read["text"] == seeds_archive.article(path).text
    assert read["file_state"] == "same"


def test_an_article_whose_path_has_a_slash_and_a_hash_can_be_read(tmp_path: Any) -> None:
    folder = tmp_path / "articles" / "2025"
    folder.mkdir(parents=True)
    (folder / "news.jsonl").write_text(json.dumps({"text": "The mayor resigned on Friday."}))
    with rag.build(tmp_path / "articles", index=tmp_path / "index") as archive:
        path = archive.articles()[0].path
        with serving(archive) as running:
            assert "/" in path
            read = running.get("/api/articles/" + path.replace("#", "%23")).json()

    assert read["path"] == path
    assert read["text"] == "The mayor resigned on Friday."


@pytest.mark.parametrize(
    "path",
    [
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "/etc/passwd",
        "%2e%2e/%2e%2e/pyproject.toml",
        "file:///etc/passwd",
        "%00",
        "",
    ],
)
def test_nothing_but_an_indexed_article_can_be_read(server: Server, path: str) -> None:
    asked = f"GET /api/articles/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(asked.encode())  # by hand: a client would tidy the path
        response = b"".join(iter(lambda: connection.recv(65536), b""))

    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 404", b"HTTP/1.1 307"))
    assert b"root:" not in body
    assert b"[project]" not in body


def test_the_description_needs_nothing_from_elsewhere(server: Server) -> None:
    described = server.get("/openapi.json").json()
    page = server.get("/docs")

    assert "/api/ask" in described["paths"]
    assert "/v1/chat/completions" in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


# --- the OpenAI door --------------------------------------------------------------------------


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as opened:
        yield opened


def test_the_openai_client_gets_an_answer_with_readable_and_structured_citations(
    client: openai.OpenAI, seeds_archive: rag.Archive
) -> None:
    completion = client.chat.completions.create(model="dateline", messages=MESSAGES)

    message: Any = completion.choices[0].message
    expected = seeds_archive.ask(QUESTION)
    assert expected.statements[0].marked in message.content
    first = expected.citations[0]
    assert f"[1] {first.path}:{first.start}-{first.end}" in message.content
    assert message.citations == json.loads(json.dumps([c.to_dict() for c in expected.citations]))
    assert message.dateline["question"] == QUESTION
    assert completion.choices[0].finish_reason == "stop"


def test_the_openai_client_streams_the_same_text(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="dateline", messages=MESSAGES)

    chunks = list(
        client.chat.completions.create(
            model="dateline",
            messages=MESSAGES,
            stream=True,
            stream_options={"include_usage": True},
        )
    )

    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == whole.choices[0].message.content
    last: Any = chunks[-1]
    assert last.choices[0].finish_reason == "stop"
    assert last.choices[0].delta.citations[0]["number"] == 1
    assert whole.usage is None, "nobody counted tokens"


def test_the_tokens_that_the_model_counts_are_told(
    server: Server, client: openai.OpenAI, seeds_archive: rag.Archive, monkeypatch: Any
) -> None:
    def counting(handler: Handler) -> None:
        handler.stream(["About 50 hostages remain in Gaza [1]."], done=False)
        handler.event("", "stop")
        usage = {"prompt_tokens": 900, "completion_tokens": 9, "total_tokens": 909}
        handler.raw(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n".encode())
        handler.raw(b"data: [DONE]\n\n")

    model = ModelServer("")
    model.behave = counting
    settings = rag.load_settings(llm_base_url=model.url, llm_model="scripted")
    monkeypatch.setattr(seeds_archive, "settings", settings)
    try:
        whole = client.chat.completions.create(model="dateline", messages=MESSAGES)
        chunks = list(
            client.chat.completions.create(
                model="dateline",
                messages=MESSAGES,
                stream=True,
                stream_options={"include_usage": True},
            )
        )
    finally:
        model.close()

    for usage in (whole.usage, chunks[-1].usage):
        assert usage is not None
        assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (900, 9, 909)
    assert chunks[-1].choices == []


def test_earlier_messages_are_the_history(client: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Answer like a pirate."},
        *MESSAGES,
        {"role": "assistant", "content": "About 50. [1]\n\nSources:\n[1] a.txt:0-9 “x”"},
        {"role": "user", "content": [{"type": "text", "text": "And how many of them are alive?"}]},
    ]

    message: Any = (
        client.chat.completions.create(model="dateline", messages=messages).choices[0].message
    )

    assert message.dateline["question"] == "And how many of them are alive?"
    assert "hostages" in message.dateline["standalone_question"]
    assert "Sources" not in message.dateline["standalone_question"]


def test_an_earlier_message_that_cites_nothing_answered_nothing() -> None:
    spoken = [
        ("user", "A?"),
        ("assistant", "The articles do not say."),
        ("user", "B?"),
        ("assistant", "About 50. [1]\n\nSources:\n[1] a.txt:0-9 “x”"),
        ("user", "C?"),
    ]
    messages = [openai_door.Message.model_validate({"role": r, "content": c}) for r, c in spoken]

    assert openai_door.conversation_of(messages) == (
        "C?",
        [Turn("A?"), Turn("B?", "About 50. [1]")],
    )


def test_an_articles_words_become_no_image_link_or_tag_in_a_chat_client() -> None:
    text = "See ![x](http://evil.example/?q), [this][1] or <img src=//evil.example> for $5 < $6."
    article = Article("a](b).txt", text, "Title")
    citation = Citation(1, article, 0, len(text), text, "p")
    statement = Statement(text, (1,), "quoted")
    answer = Answer("Q?", "Q?", False, None, 0.9, None, (statement,), (citation,))
    chunks = openai_door.Chunks()

    content = openai_door.content_of(answer)
    events: list[Event] = [StatementWritten(statement, (citation,)), Finished(answer)]
    streamed = [chunk["choices"][0]["delta"] for event in events for chunk in chunks.of(event)]

    for lively in ("![", "](", "][", "<img"):
        assert lively not in content.replace("\\[", "").replace("\\(", "").replace("\\<", "")
    assert "for $5 < $6. [1]" in content, "the rest is as it stands"
    assert "".join(delta.get("content", "") for delta in streamed) == content
    assert streamed[-1]["citations"][0]["quote"] == text, "to the letter"


def test_the_models_are_listed_and_an_unknown_one_is_refused(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["dateline"]
    assert client.models.retrieve("dateline").id == "dateline"
    with pytest.raises(openai.NotFoundError, match="gpt-9") as refused:
        client.chat.completions.create(model="gpt-9", messages=MESSAGES)
    assert refused.value.code == "model_not_found"


def test_a_conversation_that_ends_with_an_answer_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no question"):
        client.chat.completions.create(
            model="dateline", messages=[*MESSAGES, {"role": "assistant", "content": "50."}]
        )


def test_curl_gets_a_stream_that_ends_with_done(server: Server) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    body = json.dumps({"model": "dateline", "messages": MESSAGES, "stream": True})

    told = subprocess.run(
        [curl, "-sN", f"{server.url}/v1/chat/completions", "--json", body],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout

    assert told.startswith("data: {")
    assert told.endswith("data: [DONE]\n\n")


# --- many at once -----------------------------------------------------------------------------


def test_fifty_callers_at_once_each_get_their_own_answer(server: Server) -> None:
    questions = [f"How many hostages remain, asks caller {n:02}?" for n in range(50)]

    async def ask_all() -> list[httpx.Response]:
        async with httpx.AsyncClient(base_url=server.url, timeout=120) as client:

            def ask(number: int, question: str) -> Any:
                if number % 3 == 0:
                    return client.post("/api/ask", json={"question": question})
                if number % 3 == 1:
                    return client.post("/api/ask", json={"question": question, "stream": True})
                messages = [{"role": "user", "content": question}]
                return client.post(
                    "/v1/chat/completions", json={"model": "dateline", "messages": messages}
                )

            return await asyncio.gather(*(ask(n, q) for n, q in enumerate(questions)))

    responses = asyncio.run(ask_all())

    assert [response.status_code for response in responses] == [200] * 50
    for number, (question, response) in enumerate(zip(questions, responses, strict=True)):
        if number % 3 == 0:
            answer = response.json()
        elif number % 3 == 1:
            answer = events_of(response.text)[-1][1]
        else:
            answer = response.json()["choices"][0]["message"]["dateline"]
        assert answer["question"] == answer["standalone_question"] == question
        others = [other for other in questions if other != question]
        assert not any(other in response.text for other in others)
    wait_until(lambda: server.workers.taken == 0)


@pytest.mark.parametrize("streamed", [False, True])
def test_a_caller_who_goes_away_frees_the_place(streamed: bool) -> None:
    archive = PatientArchive()
    with serving(archive, serve_answers_at_once=1, serve_waiting=0) as running:
        body = json.dumps({"question": "Why?", "stream": streamed}).encode()
        with socket.create_connection(("127.0.0.1", running.port)) as connection:
            connection.sendall(
                b"POST /api/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            wait_until(lambda: running.workers.taken == 1)
            full = running.post("/api/ask", {"question": "Me too?"})
            for_openai = running.post(
                "/v1/chat/completions", {"model": "dateline", "messages": MESSAGES}
            )

        assert archive.closed.wait(2), "the answer is stopped"
        wait_until(lambda: running.workers.taken == 0, within_s=2)
        archive.let.set()
        assert running.post("/api/ask", {"question": "Now?"}).status_code == 200

    assert full.status_code == 503
    assert int(full.headers["retry-after"]) >= 1
    assert full.json()["remedy"]
    assert for_openai.status_code == 503
    assert for_openai.json()["error"]["code"] == "overloaded"


def test_who_asks_too_often_is_told_when_to_come_back(seeds_archive: rag.Archive) -> None:
    with serving(seeds_archive, serve_requests_per_minute=3) as running:
        responses = [running.get("/v1/models") for _ in range(4)]

    assert [response.status_code for response in responses] == [200, 200, 200, 429]
    assert 1 <= int(responses[-1].headers["retry-after"]) <= 20
    assert responses[-1].json()["error"]["type"] == "rate_limit_error"


def test_an_allowance_refills_steadily_and_is_each_callers_own() -> None:
    now = [0.0]
    allowance = Allowance(60, clock=lambda: now[0])

    assert {allowance.wait_s("a") for _ in range(60)} == {0}
    assert allowance.wait_s("a") == 1
    assert allowance.wait_s("b") == 0
    now[0] = 1.0
    assert allowance.wait_s("a") == 0
    assert allowance.wait_s("a") == 1


# --- who may ask ------------------------------------------------------------------------------


def test_other_machines_are_served_with_a_token_only() -> None:
    open_to_all = rag.load_settings(serve_host="0.0.0.0")

    with pytest.raises(UsageError, match="RAG_SERVE_TOKEN"):
        check_address(open_to_all, None)
    check_address(open_to_all, TOKEN)
    check_address(rag.load_settings(), None)


def test_a_server_that_may_not_or_cannot_listen_says_so() -> None:
    with pytest.raises(UsageError, match="RAG_SERVE_TOKEN"):
        serve(rag.load_settings(serve_host="0.0.0.0"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match="RAG_SERVE_PORT"):
            serve(rag.load_settings(serve_port=port))


def test_the_token_may_stand_in_a_file(tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")

    assert token_of(rag.load_settings(serve_token_file=file)) == TOKEN
    assert token_of(rag.load_settings(serve_token=TOKEN)) == TOKEN
    file.write_text("short")
    with pytest.raises(UsageError, match="16 characters"):
        token_of(rag.load_settings(serve_token_file=file))
    with pytest.raises(UsageError, match="cannot be read"):
        token_of(rag.load_settings(serve_token_file=tmp_path / "none"))


def test_every_address_wants_the_token(seeds_archive: rag.Archive) -> None:
    with serving(seeds_archive, token=TOKEN) as running:
        for path in ("/api/articles", "/v1/models", "/docs", "/openapi.json", "/nothing"):
            assert running.get(path).status_code == 401, path
            for wrong in ("Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer", TOKEN):
                assert running.get(path, headers={"authorization": wrong}).status_code == 401
        admitted = {"authorization": f"Bearer {TOKEN}"}
        assert running.get("/v1/models", headers=admitted).status_code == 200
        with openai.OpenAI(base_url=f"{running.url}/v1", api_key=TOKEN) as client:
            assert client.models.retrieve("dateline").id == "dateline"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example"}, 421),
        ({"host": ""}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "localhost", "origin": "http://localhost"}, 200),
    ],
)
def test_other_sites_and_other_names_are_refused(
    server: Server, headers: dict[str, str], status: int
) -> None:
    response = server.post("/api/ask", {"question": QUESTION}, headers=headers)

    assert response.status_code == status
    assert "access-control-allow-origin" not in response.headers


def test_a_further_name_can_be_allowed(seeds_archive: rag.Archive) -> None:
    with serving(seeds_archive, serve_names="news.example, other.example") as running:
        named = running.get("/v1/models", headers={"host": "news.example:443"})

    assert named.status_code == 200
    assert host_name("[::1]:80") == "::1"


# --- bad input --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"", 422),
        (b"[]", 422),
        (b"[" * 50_000, 400),
        (b'{"question": 5}', 422),
        (b'{"question": ""}', 400),
        (b'{"question": "' + b"x" * 5000 + b'"}', 400),
        (b'{"question": "Why?", "as_of": "soon"}', 400),
        (b'{"question": "Why?", "paths": "a.txt"}', 422),
        (b'{"question": "Why?", "history": {"question": "x"}}', 422),
        (b'{"question": "Why?", "history": [{"answer": "x"}]}', 422),
        (b'{"question": "Why?", "temperature": 1}', 422),
    ],
)
def test_a_bad_body_has_a_clear_answer_and_the_server_lives_on(
    server: Server, body: bytes, status: int
) -> None:
    headers = {"content-type": "application/json"}
    response = httpx.post(f"{server.url}/api/ask", content=body, headers=headers, timeout=60)

    assert response.status_code == status, response.text
    assert set(response.json()) == {"problem", "remedy"}
    assert all(response.json().values())
    assert server.get("/v1/models").status_code == 200


def test_a_body_that_is_not_marked_as_json_is_refused(server: Server) -> None:
    response = httpx.post(f"{server.url}/api/ask", content=b'{"question": "Why?"}')

    assert response.status_code == 415
    assert "Content-Type" in response.json()["remedy"]


@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_body_is_refused(server: Server, declared: bool) -> None:
    big = b'{"question": "' + b"x" * 3_000_000 + b'"}'
    headers = {"content-type": "application/json"}
    pieces = big if declared else (big[i : i + 50_000] for i in range(0, len(big), 50_000))
    try:
        response = httpx.post(f"{server.url}/api/ask", content=pieces, headers=headers)
    except (httpx.WriteError, httpx.ReadError):  # it hung up while we were still talking
        assert not declared
    else:
        assert response.status_code == 413
        assert "serve_max_body_kb" in response.json()["remedy"]
    assert server.get("/v1/models").status_code == 200


def test_a_history_of_500_turns_is_answered(server: Server) -> None:
    history = [{"question": f"What happened on day {n}?", "answer": "A lot."} for n in range(500)]

    answer = server.post("/api/ask", {"question": QUESTION, "history": history})
    messages = [
        message
        for turn in history
        for message in (
            {"role": "user", "content": turn["question"]},
            {"role": "assistant", "content": turn["answer"]},
        )
    ]
    completion = server.post(
        "/v1/chat/completions", {"model": "dateline", "messages": [*messages, *MESSAGES]}
    )

    assert answer.status_code == completion.status_code == 200
    assert answer.json()["question"] == QUESTION


def test_half_a_surrogate_pair_does_not_break_the_answer(server: Server) -> None:
    headers = {"content-type": "application/json"}
    response = httpx.post(
        f"{server.url}/api/ask",
        content=b'{"question": "\\ud800 How many hostages remain?"}',
        headers=headers,
        timeout=60,
    )

    assert response.status_code == 200
    assert response.json()["question"].startswith("\ud800")


def test_an_unknown_address_and_a_wrong_method_are_told(server: Server) -> None:
    assert server.get("/api/nothing").status_code == 404
    assert server.get("/api/ask").status_code == 405
    assert "problem" in server.get("/api/nothing").json()
    assert "error" in server.get("/v1/nothing").json()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("error", "status"), [(STALE, 503), (RuntimeError("secret detail"), 500)])
def test_what_fails_before_the_answer_begins_has_a_status(
    error: Exception, status: int, streamed: bool
) -> None:
    with serving(FailingArchive(error, begun=False)) as running:
        response = running.post("/api/ask", {"question": "Why?", "stream": streamed})
        again = running.post("/api/ask", {"question": "Why?", "stream": streamed})

    assert response.status_code == again.status_code == status
    assert response.json()["remedy"]
    assert "secret" not in response.text


@pytest.mark.parametrize("error", [STALE, RuntimeError("secret detail")])
def test_what_fails_in_the_middle_of_a_stream_is_its_last_event(error: Exception) -> None:
    with serving(FailingArchive(error, begun=True)) as running:
        ours = running.post("/api/ask", {"question": "Why?", "stream": True})
        with openai.OpenAI(base_url=f"{running.url}/v1", api_key="none") as client:
            stream = client.chat.completions.create(
                model="dateline", messages=MESSAGES, stream=True
            )
            with pytest.raises(openai.APIError) as told:
                list(stream)
        wait_until(lambda: running.workers.taken == 0)

    name, value = events_of(ours.text)[-1]
    assert name == "error"
    assert value["remedy"]
    assert "secret" not in ours.text + str(told.value)
