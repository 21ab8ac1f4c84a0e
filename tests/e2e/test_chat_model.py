"""Who writes the answer, as a reader chooses it in a real browser; the model is a script."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

import pytest
from conftest import Server, ask, visit
from playwright.sync_api import Browser, Page, expect
from scripted_server import Handler
from scripted_server import Server as ModelServer
from test_chat_looks import AXE, SHOTS, WINDOWS, violations

pytestmark = pytest.mark.browser
Serve = Callable[..., Server]
HARBOUR = """The bridge opens

Thursday, 2025-07-24

The Harbour Post. About 120 lorries cross the bridge every day, according to the harbour office.
The mayor Ann Okoro thanked the builders of the bridge on Thursday.
"""
QUAY = """Cranes on the quay

Friday, 2025-07-25

The port has bought 15 cranes for the new quay. They arrive in May.
"""
FILES = {"harbour.txt": HARBOUR, "quay.txt": QUAY}
LORRIES = "How many lorries cross the bridge?"
TRUE = "About 120 lorries cross the bridge every day, according to the harbour office [1]. "
FALSE = "Some 900 buses cross the bridge every night [1]. "


@pytest.fixture
def model() -> Iterator[ModelServer]:
    started = ModelServer(TRUE + FALSE)
    yield started
    started.close()


@pytest.fixture
def written(serve: Serve, model: ModelServer) -> Server:
    """A page whose answers the scripted model writes."""
    return serve(FILES, kind="real", llm_base_url=model.url, llm_model="scripted-7b")


def test_a_reader_chooses_who_writes_and_sees_what_was_struck(
    written: Server, model: ModelServer, page: Page
) -> None:
    visit(page, written)
    expect(page.locator(".dl-writer [data-for=model]")).to_contain_text("stay on this machine")

    ask(page, LORRIES)

    turn = page.locator("#dl-thread .dl-turn")
    expect(turn.locator(".dl-facts")).to_contain_text("written by scripted-7b")
    expect(turn.locator(".dl-said").first).to_contain_text("About 120 lorries")
    expect(turn.locator(".dl-struck s")).to_have_text(
        "Some 900 buses cross the bridge every night."
    )
    expect(turn.locator(".dl-struck .dl-about")).not_to_be_empty()
    assert len(model.requests) == 1

    page.get_by_label("The sources’ own words").check()
    expect(page.locator(".dl-writer [data-for=extractive]")).to_be_visible()
    page.click("[data-act=retry]")
    expect(turn.locator(".dl-facts")).to_contain_text("the sources’ own words")
    assert len(model.requests) == 1
    assert turn.locator(".dl-struck").count() == 0

    page.reload()
    expect(turn.locator(".dl-facts")).to_be_visible()
    expect(page.get_by_label("The sources’ own words")).to_be_checked()


def test_stopping_keeps_what_was_checked_and_frees_the_model(
    written: Server, model: ModelServer, page: Page
) -> None:
    def hang(handler: Handler) -> None:
        handler.stream([TRUE + FALSE + "The mayor"], done=False)
        handler.wait_for_the_client_to_go()

    model.behave = hang
    visit(page, written)
    page.fill("#dl-question", LORRIES)
    page.keyboard.press("Enter")
    expect(page.locator(".dl-streaming p").first).to_contain_text("About 120 lorries")
    expect(page.locator(".dl-streaming .dl-struck s")).to_contain_text("900 buses")

    started = time.monotonic()
    page.click("#dl-stop")
    assert model.freed.wait(2)
    took = time.monotonic() - started
    logging.getLogger(__name__).info("from the click to the freed slot: %.3f s", took)

    turn = page.locator("#dl-thread .dl-turn")
    expect(turn).to_contain_text("Stopped here.")
    expect(turn.locator(".dl-said:not(.dl-struck)")).to_have_count(1)
    assert took < 1, "a click, two processes and a shared machine included"


def test_a_model_that_fails_is_told_above_the_sources_own_words(
    written: Server, model: ModelServer, page: Page
) -> None:
    model.behave = lambda handler: handler.plain(404, "no such model")
    visit(page, written)

    ask(page, LORRIES)

    turn = page.locator("#dl-thread .dl-turn")
    expect(turn.locator(".dl-fellback")).to_contain_text("HTTP 404")
    expect(turn.locator(".dl-fellback")).to_contain_text("in the sources’ own words")
    expect(turn.locator(".dl-said").first).to_contain_text("About 120 lorries")


def test_a_question_back_offers_questions_that_one_click_asks(serve: Serve, page: Page) -> None:
    visit(page, serve(FILES, kind="real"))
    assert page.locator(".dl-writer").count() == 0, "there is no model to choose"
    ask(page, "What happened next?")
    offered = page.locator("[data-act=suggest]", has_text="Cranes on the quay")

    offered.click()

    expect(page.locator("#dl-thread .dl-turn")).to_have_count(2)
    second = page.locator("#dl-thread .dl-turn").nth(1)
    expect(second.locator("h2").first).to_have_text("What happened next? (Cranes on the quay)")
    assert second.locator(".dl-searched").count() == 0, "it is searched as it stands"


def test_what_was_searched_for_is_changed_and_asked_as_written(serve: Serve, page: Page) -> None:
    visit(page, serve())
    ask(page, LORRIES)
    ask(page, "And who said so?")
    second = page.locator("#dl-thread .dl-turn").nth(1)
    expect(second.locator(".dl-searched")).to_have_text(f"And who said so? ({LORRIES})")

    second.locator("[data-act=change-search]").click()
    page.keyboard.press("Control+A")
    page.keyboard.type("Whom did the mayor thank, the builders?")
    page.keyboard.press("Enter")

    expect(second.locator("h2").first).to_have_text("Whom did the mayor thank, the builders?")
    expect(second).to_contain_text("Asked as written")
    expect(second.locator(".dl-said")).to_have_count(1)
    assert second.locator(".dl-searched").count() == 0
    expect(page.locator("#dl-thread .dl-turn")).to_have_count(2)


def test_the_pages_with_a_model_are_photographed(
    written: Server, model: ModelServer, browser: Browser
) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    for width, height, scheme in WINDOWS:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 600
        )
        page = context.new_page()
        page.set_default_timeout(20_000)
        visit(page, written)
        ask(page, LORRIES)
        page.wait_for_timeout(300)
        page.screenshot(path=SHOTS / f"model-{width}-{scheme}.png")
        ask(page, "And what did the mayor do there?")
        page.locator("[data-act=change-search]").last.click()
        page.wait_for_timeout(300)
        page.screenshot(path=SHOTS / f"searched-{width}-{scheme}.png")
        model.behave, working = lambda handler: handler.plain(404, "no"), model.behave
        page.locator("[data-act=like]").last.click()
        page.click("[data-act=new-conversation]")
        page.locator(".dl-welcome").wait_for()
        ask(page, LORRIES)
        page.wait_for_timeout(300)
        page.screenshot(path=SHOTS / f"fellback-{width}-{scheme}.png")
        model.behave = working
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if AXE.is_file():
            assert violations(page) == []
        context.close()
