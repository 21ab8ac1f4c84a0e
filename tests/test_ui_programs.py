"""What programs ask on the page's own port: the same as of `rag serve`, under the same guard."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import rag
from ui.app import build_app
from ui.archives import ArchiveHolder

QUESTION = "How many hostages remain?"
TOKEN = "a-long-enough-test-token"
ADDRESS = "http://127.0.0.1:7860"


@contextmanager
def asking(archive: Any, folder: Path, **settings: Any) -> Iterator[TestClient]:
    """A client of the page over an archive; ``folder`` keeps the page's conversations."""
    knobs = rag.load_settings(chat_conversations=folder / "c.sqlite", **settings)
    with asking_of(ArchiveHolder.of(archive), knobs) as client:
        yield client


@contextmanager
def asking_of(holder: ArchiveHolder, knobs: rag.Settings) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        # Gradio leaves event loops open, at which every later test would stumble.
        room = ModuleType("ui.page")
        room.assemble = page  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "ui.page", room)
        app = build_app(holder, knobs)
    with TestClient(app, base_url=ADDRESS, raise_server_exceptions=False) as client:
        yield client


def page(holder: ArchiveHolder, knobs: rag.Settings, *, beside: FastAPI) -> FastAPI:
    """Stands where the Gradio page does."""
    app = FastAPI(lifespan=lambda _: beside.router.lifespan_context(beside))
    app.get("/")(lambda: "the page")
    return app


@pytest.fixture(scope="module")
def client(
    seeds_archive: rag.Archive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    with asking(seeds_archive, tmp_path_factory.mktemp("page")) as opened:
        yield opened


def test_the_page_answers_programs_as_the_server_does(
    client: TestClient, seeds_archive: rag.Archive
) -> None:
    answer = client.post("/api/ask", json={"question": QUESTION}).json()
    messages = [{"role": "user", "content": QUESTION}]
    completion = client.post(
        "/v1/chat/completions", json={"model": "dateline", "messages": messages}
    ).json()

    expected = json.loads(json.dumps(seeds_archive.ask(QUESTION).to_dict()))
    assert answer["statements"] == expected["statements"]
    assert answer["citations"] == expected["citations"]
    assert completion["choices"][0]["message"]["citations"] == expected["citations"]
    assert client.get("/api/articles").json()["total"] == 5
    assert client.get("/openapi.json").json()["paths"]["/api/ask"]
    assert "/v1/chat/completions" in client.get("/docs").text
    assert "default-src 'none'" in client.get("/docs").headers["content-security-policy"]
    assert client.get("/").json() == "the page"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 421),
        ({"origin": "http://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": ADDRESS}, 200),
    ],
)
def test_other_sites_and_other_names_are_refused_there_too(
    client: TestClient, headers: dict[str, str], status: int
) -> None:
    refused = client.post("/api/search", json={"query": "hostages"}, headers=headers)

    assert refused.status_code == status
    assert status == 200 or set(refused.json()) == {"problem", "remedy"}


def test_who_asks_the_page_too_often_or_too_much_is_refused(
    seeds_archive: rag.Archive, tmp_path: Path
) -> None:
    limits = {"serve_requests_per_minute": 2, "serve_max_body_kb": 1}
    with asking(seeds_archive, tmp_path, **limits) as client:
        large = client.post("/api/ask", json={"question": "x" * 2000})
        statuses = [client.get("/v1/models").status_code for _ in range(2)]

    assert large.status_code == 413
    assert statuses == [200, 429]


def test_a_page_with_a_password_wants_it_or_the_token_of_programs(
    seeds_archive: rag.Archive, tmp_path: Path
) -> None:
    basic = base64.b64encode(b"reader:open sesame").decode()
    locks = {"chat_password": "open sesame", "serve_token": TOKEN}
    with asking(seeds_archive, tmp_path, **locks) as client:
        statuses = {
            header: client.get("/v1/models", headers={"authorization": header}).status_code
            for header in ("", "Bearer wrong", f"Bearer {TOKEN}", f"Basic {basic}")
        }
        page = client.get("/", headers={"authorization": f"Bearer {TOKEN}"}).status_code

    assert list(statuses.values()) == [401, 401, 200, 200]
    assert page == 401, "a program's token does not open the page"


def test_while_the_index_is_built_programs_are_told_so(tmp_path: Path) -> None:
    holder = ArchiveHolder(lambda _: None)  # type: ignore[arg-type, return-value]
    knobs = rag.load_settings(chat_conversations=tmp_path / "c.sqlite")
    with asking_of(holder, knobs) as client:
        told = client.post("/api/ask", json={"question": QUESTION})

    assert told.status_code == 503
    assert "still being built" in told.json()["problem"]
