"""A served page and a real Chromium to look at it with; one server a test, on its own port."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the extra `test` is not installed")

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HARBOUR = """The bridge opens

Thursday, 2025-07-24

The Harbour Post. About 120 lorries cross the bridge every day, according to the harbour office.
The mayor thanked the builders.
"""
COUNCIL = """Council report on the bridge

Friday, 2025-07-25

More than 300 lorries cross the bridge daily, according to the council.
"""
OLD = """A quiet year

The lighthouse keeper retired after decades.
"""


class Server:
    """The page in a process of its own, which can be stopped and started again."""

    def __init__(self, folder: Path, kind: str, settings: dict[str, str]) -> None:
        self.corpus = folder / "corpus"
        self.index = folder / "index"
        self.corpus.mkdir(parents=True, exist_ok=True)
        self.kind = kind
        self._settings = {f"RAG_{name.upper()}": value for name, value in settings.items()}
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "server.log"

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **self._settings}
        command = [sys.executable, str(HERE / "serve.py"), str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*command, str(self.corpus), str(self.index), self.kind],
                env=environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self._process.poll() is None, self.log()
            time.sleep(0.05)
        raise AssertionError(f"the page did not start: {self.log()}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=20)
            self._process = None

    def log(self) -> str:
        return self._log.read_text("utf-8", "replace")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium for a file of tests; no longer, for its event loop is in the way of others."""
    if CHROMIUM is None:
        pytest.skip("needs Debian's chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a page over these files; ``kind`` is one of those of serve.py."""
    servers: list[Server] = []

    def start(files: dict[str, str] | None = None, kind: str = "fake", **settings: str) -> Server:
        server = Server(tmp_path / f"page{len(servers)}", kind, settings)
        given = {"harbour.txt": HARBOUR, "council.md": COUNCIL, "old.txt": OLD}
        for name, text in (given if files is None else files).items():
            (server.corpus / name).write_text(text, "utf-8")
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One visitor: cookies of their own, a window 1280 wide."""
    made = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme="light")
    made.set_default_timeout(20_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


def visit(page: Page, server: Server) -> None:
    """Load the page and wait until it can be used."""
    page.goto(server.url)
    page.wait_for_selector(".dl-articles > li", state="attached")


def ask(page: Page, question: str) -> None:
    """Ask and wait for the finished answer."""
    before = page.locator("#dl-thread .dl-turn").count()
    page.fill("#dl-question", question)
    page.keyboard.press("Enter")
    page.locator("#dl-thread .dl-turn").nth(before).wait_for()
    page.wait_for_selector("body:not(.dl-is-running)")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
