"""Hostile words through every door of the page: no script runs, no foreign server is asked."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import Server, ask, visit
from payloads import payloads
from playwright.sync_api import Page

pytestmark = pytest.mark.browser
Serve = Callable[..., Server]


class Canary:
    """A foreign server that counts who asks it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the name that http.server calls

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def canary() -> Iterator[Canary]:
    started = Canary()
    yield started
    started.close()


def harmless(page: Page, canary: Canary) -> None:
    """Check that nothing ran and nobody was asked; hover and press all that can be."""
    for cite in page.locator("#dl-thread .dl-cite").all()[:3]:
        cite.hover()
    page.wait_for_timeout(150)
    assert page.evaluate("window.pwned") is None
    assert canary.asked == []
    assert (
        page.locator("#dl-shell :is(script, img, iframe, object, embed, style, link)").count() == 0
    )
    assert page.locator("#dl-shell :is(svg, video, audio, base, meta, math)").count() == 0


def test_the_canary_notices_and_the_payloads_do_bite_where_nothing_guards(
    page: Page, canary: Canary
) -> None:
    hostile = payloads(canary.url)
    assert len(hostile) >= 31

    page.set_content(f"<html><body>{''.join(hostile[3:8])}</body></html>")

    page.wait_for_timeout(500)
    assert canary.asked
    assert page.evaluate("window.pwned") == 1


def test_hostile_article_text_and_titles_do_nothing(
    serve: Serve, page: Page, canary: Canary
) -> None:
    hostile = payloads(canary.url)
    files = {
        f"n{place}.txt": f"Report{place}: {text}\n\nBridge{place:02d}x {text} is open.\n"
        for place, text in enumerate(hostile)
    }
    server = serve(files)
    visit(page, server)
    harmless(page, canary)
    for place in range(len(hostile)):
        ask(page, f"Bridge{place:02d}x?")
        turn = page.locator("#dl-thread .dl-turn").last
        if turn.locator(".dl-cite").count():
            turn.locator(".dl-cite").first.click()
            page.locator("mark.dl-active").first.wait_for()
        assert canary.asked == []
    harmless(page, canary)
    page.reload()
    page.locator("#dl-thread .dl-turn").first.wait_for()
    harmless(page, canary)


def test_hostile_questions_and_conversation_names_do_nothing(
    serve: Serve, page: Page, canary: Canary
) -> None:
    server = serve()
    visit(page, server)
    for text in payloads(canary.url):
        ask(page, text.replace("\x00", "").replace("\x08", ""))
        assert canary.asked == []
    harmless(page, canary)
    page.click(".dl-more summary")
    for text in payloads(canary.url):
        name = " ".join(text.split())[:100].replace("\x00", "").replace("\x08", "")
        if not page.locator(".dl-menu").is_visible():
            page.click(".dl-more summary")
        page.fill(".dl-menu input", name)
        page.click(".dl-menu button[type=submit]")
        page.wait_for_timeout(120)
        assert canary.asked == []
    harmless(page, canary)
    exported = page.locator(".dl-exports a[href$='.html']").get_attribute("href") or ""
    text = page.request.get(server.url.rstrip("/") + exported).text()
    page.goto("about:blank")
    page.set_content(text)
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert canary.asked == []


def test_hostile_file_names_and_what_is_said_of_them_do_nothing(
    serve: Serve, page: Page, canary: Canary
) -> None:
    server = serve()
    visit(page, server)
    for place, text in enumerate(payloads(canary.url)):
        # On disk under its own name, as far as a file system can hold it, ...
        name = text.replace("/", "_").replace("\x00", "")[:80]
        (server.corpus / f"{name}.txt").write_text(f"Ferry{place}\n\nFerry{place:02d}x sails.\n")
        # ... and sent with it: as an article, and as no article, so that the error names it.
        for data in (f"Sent {place}.".encode(), b"%PDF"):
            buffer = {"name": text, "mimeType": "text/plain", "buffer": data}
            page.set_input_files("#dl-files", [buffer])
            page.wait_for_timeout(60)
    page.wait_for_function("!document.querySelector('#dl-adding progress')")
    page.click("[data-act=refresh]")
    page.locator("#dl-adding", has_text="added").wait_for()
    harmless(page, canary)
    for place in (0, 3, 12, 26, 30):
        ask(page, f"Ferry{place:02d}x?")
        page.locator("#dl-thread .dl-turn").last.locator(".dl-cite").first.click()
        page.locator("mark.dl-active").first.wait_for()
    harmless(page, canary)
    assert sorted(path.parent for path in server.corpus.parent.rglob("Sent*")) == []
    assert {path.name for path in server.corpus.parent.iterdir()} == {
        "corpus",
        "index",
        "server.log",
    }


def test_hostile_values_in_errors_and_dates_do_nothing(
    serve: Serve, page: Page, canary: Canary
) -> None:
    visit(page, serve())
    for text in payloads(canary.url):
        page.evaluate(
            """text => { const box = document.querySelector('#dl-as-of');
            box.type = 'text'; box.value = text; }""",
            text,
        )
        page.fill("#dl-question", "How many lorries?")
        page.keyboard.press("Enter")
        page.locator("#dl-notice .dl-error").wait_for()
        page.wait_for_selector("body:not(.dl-is-running)")
        assert canary.asked == []
    harmless(page, canary)
