"""What a reader does with the chat page, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from conftest import Server, ask, visit
from gradio_client import Client
from playwright.sync_api import BrowserContext, Page, expect

from ui.conversations import feedback_rows

pytestmark = pytest.mark.browser
Serve = Callable[..., Server]
LORRIES = "How many lorries cross the bridge?"
IN_VIEW = """mark => {
  const box = mark.getBoundingClientRect();
  const frame = mark.closest('.dl-text').getBoundingClientRect();
  return box.top >= frame.top && box.bottom <= frame.bottom;
}"""


def cited(page: Page) -> str:
    """The quote that the open citation's hover card holds."""
    shown = page.locator(".dl-evidence").first
    turn, number = shown.get_attribute("data-turn"), shown.get_attribute("data-number")
    return page.locator(f"#dl-card-{turn}-{number} blockquote").text_content() or ""


def test_a_click_on_a_citation_shows_the_exact_words_marked_and_in_view(
    serve: Serve, page: Page
) -> None:
    filler = "Nothing was said about it.\n" * 200
    server = serve({"long.txt": f"A long piece\n\n{filler}About 40 ferries sail.\n{filler}"})
    visit(page, server)
    ask(page, "How many ferries sail?")

    page.locator("#dl-thread .dl-cite").first.click()

    mark = page.locator("mark.dl-active")
    expect(mark).to_have_text("About 40 ferries sail.")
    assert mark.text_content() == cited(page)
    page.wait_for_function(IN_VIEW, arg=mark.element_handle())
    start = len(f"A long piece\n\n{filler}")
    expect(page.locator(".dl-place")).to_contain_text(
        f"long.txt · characters {start} to {start + 22}"
    )


def test_other_citations_of_the_article_are_marked_fainter_and_the_pager_goes_through_them(
    serve: Serve, page: Page
) -> None:
    server = serve({"a.txt": "Bridge news\n\nThe bridge is long. The bridge is old.\n"})
    visit(page, server)
    ask(page, "What of the bridge?")
    page.locator(".dl-statements .dl-cite").first.click()
    expect(page.locator("mark.dl-mark")).to_have_count(2)
    expect(page.locator("mark.dl-active")).to_have_text("The bridge is long.")

    page.locator(".dl-pager button", has_text="Next").click()

    expect(page.locator("mark.dl-active")).to_have_text("The bridge is old.")
    page.locator(".dl-evidence h2").click()
    page.keyboard.press("[")
    expect(page.locator("mark.dl-active")).to_have_text("The bridge is long.")


def test_hovering_a_marker_shows_the_quote_title_outlet_and_date(serve: Serve, page: Page) -> None:
    visit(page, serve())
    ask(page, LORRIES)

    page.locator(".dl-statements .dl-cite").last.hover()

    card = page.locator(".dl-float")
    expect(card).to_be_visible()
    expect(card).to_contain_text("About 120 lorries cross the bridge every day")
    expect(card).to_contain_text("The bridge opens")
    expect(card).to_contain_text("The Harbour Post · 24 July 2025")


def test_where_sources_differ_every_reading_is_shown_newest_first(serve: Serve, page: Page) -> None:
    visit(page, serve())
    ask(page, LORRIES)

    rows = page.locator(".dl-readings tbody tr")

    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("More than 300")
    expect(rows.nth(0)).to_contain_text("25 July 2025")
    expect(rows.nth(0)).to_contain_text("the council")
    expect(rows.nth(1)).to_contain_text("About 120")


def test_an_answer_is_written_before_the_readers_eyes_at_most_eight_times_a_second(
    serve: Serve, page: Page
) -> None:
    visit(page, serve())
    page.evaluate(
        """() => { window.seen = [];
        const live = document.querySelector('#dl-live');
        new MutationObserver(() => { if (live.innerText !== window.seen.at(-1)?.[1])
          window.seen.push([performance.now(), live.innerText]); }).observe(live,
          {childList: true, subtree: true, characterData: true}); }"""
    )

    ask(page, LORRIES + " slowly")

    seen = page.evaluate("window.seen")
    told = " ".join(text for _, text in seen)
    assert "Searching" in told
    assert "Reading" in told
    assert any("lorries cross" in text and "Writing" in text for _, text in seen)
    page.evaluate("window.seen = []")
    ask(page, LORRIES + " hastily")
    times = [time_ms for time_ms, _ in page.evaluate("window.seen")]
    # The first, the last and one that a slow machine delays come on top.
    assert 3 <= len(times) <= 8 * (times[-1] - times[0]) / 1000 + 4


def test_a_stopped_answer_keeps_what_was_written(serve: Serve, page: Page) -> None:
    visit(page, serve())
    page.fill("#dl-question", LORRIES + " slowly")
    page.keyboard.press("Enter")
    page.locator(".dl-streaming p").first.wait_for()

    page.click("#dl-stop")

    turn = page.locator("#dl-thread .dl-turn")
    expect(turn).to_contain_text("Stopped here.")
    expect(turn.locator(".dl-statements li")).to_have_count(1)
    expect(page.locator("#dl-send")).to_be_visible()


def test_a_follow_up_is_read_together_with_what_was_asked_before(serve: Serve, page: Page) -> None:
    visit(page, serve())
    ask(page, LORRIES)

    ask(page, "And who said so?")

    second = page.locator("#dl-thread .dl-turn").nth(1)
    expect(second).to_contain_text(f"Searched for: And who said so? ({LORRIES})")
    expect(second.locator(".dl-statements li").first).to_contain_text("300 lorries")


def test_what_the_articles_do_not_say_is_told_calmly_with_the_nearest_passages(
    serve: Serve, page: Page
) -> None:
    visit(page, serve())
    ask(page, "Wherefore opera?")
    shown = page.locator(".dl-abstained")
    expect(shown).to_contain_text("Not in these articles")
    expect(shown).to_contain_text("24 July 2025 to 25 July 2025")

    shown.locator(".dl-source-card").first.click()

    expect(page.locator(".dl-evidence mark.dl-active").first).to_be_visible()
    expect(page.locator(".dl-pager")).to_contain_text("not cited")


def test_a_conversation_survives_reload_and_restart_with_working_citations(
    serve: Serve, page: Page
) -> None:
    server = serve()
    visit(page, server)
    ask(page, LORRIES)

    for restart in (False, True):
        if restart:
            server.stop()
            server.start()
        page.reload()
        page.locator("#dl-thread .dl-turn").wait_for()
        page.locator(".dl-statements .dl-cite").last.click()
        mark = page.locator("mark.dl-active")
        expect(mark.first).to_contain_text("About 120 lorries")
        assert "".join(mark.all_text_contents()) == cited(page)

    page.click("[data-act=new-conversation]")
    expect(page.locator(".dl-welcome")).to_be_visible()
    page.click(".dl-conversation")
    expect(page.locator("#dl-thread .dl-turn")).to_have_count(1)


def test_reloading_while_an_answer_is_written_loses_nothing(serve: Serve, page: Page) -> None:
    visit(page, serve())
    page.fill("#dl-question", LORRIES + " slowly")
    page.keyboard.press("Enter")
    page.locator(".dl-streaming p").first.wait_for()
    page.wait_for_url("**/?c=*")

    page.reload()

    expect(page.locator("#dl-live .dl-stage")).to_contain_text("Writing")
    expect(page.locator("#dl-thread .dl-statements li")).to_have_count(2)


def test_a_file_that_changed_after_indexing_is_said_to_have_changed(
    serve: Serve, page: Page
) -> None:
    server = serve()
    visit(page, server)
    ask(page, LORRIES)
    (server.corpus / "council.md").write_text("Something else entirely.", "utf-8")

    page.locator(".dl-statements .dl-cite").first.click()

    expect(page.locator(".dl-warning")).to_have_text("This file has changed since it was indexed.")
    expect(page.locator("mark.dl-active")).to_contain_text("More than 300 lorries")


def test_an_uploaded_article_is_indexed_and_cited(serve: Serve, page: Page) -> None:
    server = serve()
    visit(page, server)
    text = "Airport notes\n\nExactly 77 gates serve the airport.\n"

    page.set_input_files(
        "#dl-files",
        [{"name": "../air port.txt", "mimeType": "text/plain", "buffer": text.encode()}],
    )

    expect(page.locator("#dl-adding")).to_contain_text("1 added")
    expect(page.locator(".dl-articles > li")).to_have_count(4)
    assert (server.corpus / "air-port.txt").read_text("utf-8") == text
    ask(page, "How many gates has the airport?")
    page.locator("#dl-thread .dl-cite").first.click()
    expect(page.locator("mark.dl-active")).to_have_text("Exactly 77 gates serve the airport.")


def test_a_file_that_is_no_article_is_refused_with_its_reason(serve: Serve, page: Page) -> None:
    server = serve()
    visit(page, server)

    page.set_input_files(
        "#dl-files", [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"%PDF-1.7 ..."}]
    )

    expect(page.locator("#dl-adding")).to_contain_text("a.txt is a PDF, not text.")
    large = {"name": "b.txt", "mimeType": "text/plain", "buffer": b"x" * 5_000_001}
    page.set_input_files("#dl-files", [large])
    expect(page.locator("#dl-adding")).to_contain_text("b.txt is larger than 5 MB.")
    assert len(list(server.corpus.iterdir())) == 3


def test_a_removed_article_is_no_longer_cited_and_its_file_is_kept_aside(
    serve: Serve, page: Page
) -> None:
    server = serve()
    visit(page, server)
    row = page.locator(".dl-articles > li", has_text="Council report")
    row.hover()
    row.locator(".dl-remove").click()
    row.locator(".dl-remove").click()

    expect(page.locator(".dl-articles > li")).to_have_count(2)
    ask(page, LORRIES)
    expect(page.locator("#dl-thread")).not_to_contain_text("300 lorries")
    assert [path.name[-10:] for path in (server.index / "removed").iterdir()] == ["council.md"]


def test_the_last_article_stays_and_the_reader_is_told_what_to_do(serve: Serve, page: Page) -> None:
    server = serve({"only.txt": "Only\n\nOne ferry sails.\n"})
    visit(page, server)
    page.locator(".dl-articles > li").hover()
    page.click(".dl-remove")
    page.click(".dl-remove")

    expect(page.locator("#dl-notice")).to_contain_text("the archive’s last file")
    expect(page.locator("#dl-notice")).to_contain_text("Add another article first")
    assert (server.corpus / "only.txt").is_file()


def test_only_ticked_articles_are_asked(serve: Serve, page: Page) -> None:
    visit(page, serve())
    page.get_by_label("Council report on the bridge").first.uncheck()
    expect(page.locator("#dl-scope")).to_have_text("Asking 2 of 3 articles")

    ask(page, LORRIES)

    expect(page.locator("#dl-thread .dl-statements li")).to_have_count(1)
    expect(page.locator("#dl-thread")).to_contain_text("Only in: 2 of 3 articles")


def test_only_articles_of_the_chosen_dates_are_asked(serve: Serve, page: Page) -> None:
    visit(page, serve())
    page.click(".dl-choose summary")
    page.fill("#dl-from", "2025-07-25")
    expect(page.locator("#dl-scope")).to_have_text("published from 2025-07-25")

    ask(page, LORRIES)

    expect(page.locator("#dl-thread .dl-statements li")).to_have_count(1)
    expect(page.locator("#dl-thread")).to_contain_text("More than 300 lorries")


def test_as_of_a_day_later_articles_are_left_out(serve: Serve, page: Page) -> None:
    visit(page, serve())
    page.click(".dl-choose summary")
    page.fill("#dl-as-of", "2025-07-24")

    ask(page, LORRIES)

    expect(page.locator("#dl-thread .dl-statements li")).to_have_count(1)
    expect(page.locator("#dl-thread")).to_contain_text("As of 24 July 2025")


def test_a_question_can_be_edited_and_sent_again_in_place(serve: Serve, page: Page) -> None:
    visit(page, serve())
    ask(page, "Wherefore opera?")
    page.click("[data-act=edit]")
    expect(page.locator("#dl-question")).to_have_value("Wherefore opera?")

    page.fill("#dl-question", LORRIES)
    page.keyboard.press("Enter")

    expect(page.locator("#dl-thread .dl-question h2")).to_have_text([LORRIES])
    expect(page.locator("#dl-thread .dl-readings")).to_be_visible()


def test_a_disliked_answer_is_kept_with_its_reason_for_evaluation(serve: Serve, page: Page) -> None:
    server = serve()
    visit(page, server)
    ask(page, LORRIES)

    page.click("[data-act=dislike]")
    page.check("input[value='Out of date']")
    page.fill(".dl-judge textarea", "The bridge was widened.")
    page.click(".dl-judge button[type=submit]")

    expect(page.locator("[data-act=dislike]")).to_have_attribute("aria-pressed", "true")
    (row,) = feedback_rows(server.index / "conversations.sqlite")
    assert row["question"] == LORRIES
    assert (row["liked"], row["reason"]) == (False, "Out of date")
    assert row["comment"] == "The bridge was widened."
    assert row["answer"]["citations"][0]["quote"].startswith("More than 300")
    assert row["settings"]["retrieval"] == "hybrid"


def test_a_good_answer_counts_at_once_and_may_be_explained(serve: Serve, page: Page) -> None:
    server = serve()
    visit(page, server)
    ask(page, LORRIES)

    page.click("[data-act=like]")
    expect(page.locator("[data-act=like]")).to_have_attribute("aria-pressed", "true")
    (row,) = feedback_rows(server.index / "conversations.sqlite")
    assert (row["liked"], row["comment"]) == (True, "")
    page.click(".dl-praise summary")
    page.fill(".dl-praise textarea", "Both sources, side by side.")
    page.click(".dl-praise button[type=submit]")

    expect(page.locator(".dl-kept")).to_have_text("Kept with it: Both sources, side by side.")
    (row,) = feedback_rows(server.index / "conversations.sqlite")
    assert (row["liked"], row["comment"]) == (True, "Both sources, side by side.")


@pytest.mark.parametrize("suffix", ["md", "json", "html"])
def test_a_conversation_is_exported_with_its_quotes(serve: Serve, page: Page, suffix: str) -> None:
    visit(page, serve())
    ask(page, LORRIES)
    page.click(".dl-more summary")

    with page.expect_download() as started:
        page.click(f".dl-exports a[href$='.{suffix}']")

    text = started.value.path().read_text("utf-8")
    assert started.value.suggested_filename == f"How-many-lorries-cross-the-bridge.{suffix}"
    assert "About 120 lorries cross the bridge every day, according to the harbour office." in text
    if suffix == "json":
        citation = json.loads(text)["turns"][0]["answer"]["citations"][1]
        assert citation["path"] == "harbour.txt"
    if suffix == "html":
        assert "<script" not in text
        assert "src=" not in text


def test_an_answer_is_copied_with_its_citations(
    serve: Serve, page: Page, context: BrowserContext
) -> None:
    server = serve()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server.url)
    visit(page, server)
    ask(page, LORRIES)

    page.click("[data-act=copy]")

    expect(page.locator("[data-act=copy]")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "[2] “About 120 lorries cross the bridge every day" in copied
    assert "harbour.txt, characters" in copied


def test_a_conversation_is_renamed_and_deleted(serve: Serve, page: Page) -> None:
    visit(page, serve())
    ask(page, LORRIES)
    page.click(".dl-more summary")
    page.fill(".dl-menu input", "Bridge traffic")
    page.click(".dl-menu button[type=submit]")
    expect(page.locator(".dl-conversation")).to_have_text("Bridge traffic")

    if not page.locator(".dl-menu").is_visible():
        page.click(".dl-more summary")
    page.click("[data-act=delete-conversation]")
    page.click("[data-act=delete-conversation]")

    expect(page.locator("#dl-conversations")).to_contain_text("Nothing asked yet.")
    expect(page.locator(".dl-welcome")).to_be_visible()


def test_a_visitor_sees_nothing_of_another(
    serve: Serve, page: Page, context: BrowserContext
) -> None:
    server = serve()
    visit(page, server)
    ask(page, LORRIES)
    page.click(".dl-more summary")
    export = page.locator(".dl-exports a").first.get_attribute("href") or ""
    assert context.browser is not None
    other = context.browser.new_context()

    stranger = other.new_page()
    stranger.goto(page.url)
    stranger.wait_for_selector(".dl-articles > li", state="attached")

    expect(stranger.locator(".dl-welcome")).to_be_visible()
    expect(stranger.locator("#dl-conversations")).to_contain_text("Nothing asked yet.")
    answer = other.request.get(server.url.rstrip("/") + export)
    assert answer.status == 404
    assert "lorries" not in answer.text()
    other.close()


def test_a_bug_while_answering_is_told_and_the_page_goes_on(serve: Serve, page: Page) -> None:
    visit(page, serve())

    ask(page, "Does the bridge explode?")

    expect(page.locator(".dl-error")).to_contain_text("Something went wrong while answering.")
    ask(page, LORRIES)
    expect(page.locator("#dl-thread .dl-statements li")).to_have_count(2)


def test_an_empty_archive_says_what_to_do_and_takes_a_first_article(
    serve: Serve, page: Page
) -> None:
    server = serve({})
    page.goto(server.url)
    expect(page.locator(".dl-welcome")).to_contain_text("No articles yet")
    page.click(".dl-add summary")
    page.fill(".dl-add input[name=title]", "Harbour notes")
    page.fill(".dl-add textarea", "Some 15 cranes stand at the harbour.")

    page.click(".dl-add button[type=submit]")

    expect(page.locator(".dl-articles > li")).to_have_count(1)
    ask(page, "How many cranes stand there?")
    expect(page.locator("#dl-thread")).to_contain_text("Some 15 cranes stand at the harbour.")


def test_on_a_phone_an_empty_archive_leads_to_the_form_that_adds_articles(
    serve: Serve, page: Page
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(serve({}).url)

    page.click(".dl-welcome [data-act=toggle-left]")

    expect(page.locator("#dl-files")).to_be_in_viewport()


def test_everything_is_reached_with_the_keyboard(serve: Serve, page: Page) -> None:
    visit(page, serve())
    ask(page, LORRIES)
    page.locator(".dl-question [data-act=edit]").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('.dl-cite')"):
            break
    expect(page.locator(".dl-float")).to_be_visible()

    page.keyboard.press("Enter")

    expect(page.locator("mark.dl-active").first).to_be_visible()
    page.wait_for_function("document.activeElement.closest('#dl-evidence') !== null")
    page.keyboard.press("]")
    expect(page.locator(".dl-pager")).to_contain_text("Citation 2 of 2")
    ring = page.evaluate(
        "() => { document.querySelector('.dl-pager button:not([disabled])').focus();"
        " return getComputedStyle(document.activeElement).outlineStyle; }"
    )
    assert ring == "solid"


def test_the_whole_page_comes_from_its_own_server(serve: Serve, page: Page) -> None:
    server = serve()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    failures: list[str] = []
    page.on("console", lambda m: failures.append(m.text) if m.type == "error" else None)

    visit(page, server)
    ask(page, LORRIES)
    page.locator(".dl-cite").first.click()
    page.locator("mark.dl-active").first.wait_for()

    own = (server.url, "data:", "blob:")
    assert asked
    assert [url for url in asked if not url.startswith(own)] == []
    assert failures == []


def test_questions_go_on_while_an_article_is_indexed(serve: Serve, page: Page) -> None:
    visit(page, serve())
    slow = {"name": "slow.txt", "mimeType": "text/plain", "buffer": b"Slow\n\nSlow bridges sway.\n"}

    page.set_input_files("#dl-files", [slow])

    page.locator("#dl-adding progress").wait_for()
    ask(page, LORRIES)
    expect(page.locator("#dl-adding progress")).to_be_visible()
    expect(page.locator("#dl-adding")).to_contain_text("1 added")


def test_a_first_run_shows_what_is_being_built(serve: Serve, page: Page) -> None:
    server = serve(kind="building")
    page.goto(server.url)

    expect(page.locator(".dl-welcome")).to_contain_text("The index is being built")
    expect(page.locator(".dl-welcome progress")).to_have_attribute("max", "80")
    expect(page.locator(".dl-welcome")).to_contain_text("Learning passages")

    ask(page, LORRIES)
    expect(page.locator("#dl-thread .dl-statements li")).to_have_count(2)


@pytest.mark.parametrize(
    ("kind", "problem", "remedy"),
    [
        ("damaged", "The ledger cannot be read.", "Run `rag index --new`."),
        ("weights", "The weights are missing.", "Install the package."),
    ],
)
def test_an_archive_that_cannot_be_opened_says_what_to_do(
    serve: Serve, page: Page, kind: str, problem: str, remedy: str
) -> None:
    page.goto(serve(kind=kind).url)

    expect(page.locator(".dl-welcome")).to_contain_text(problem)
    expect(page.locator(".dl-welcome")).to_contain_text(remedy)
    expect(page.locator("[data-act=reopen]")).to_be_visible()


def test_with_a_password_the_page_opens_for_who_knows_it(
    serve: Serve, context: BrowserContext
) -> None:
    server = serve(kind="locked")
    assert context.browser is not None
    refused = context.request.get(server.url)
    assert refused.status == 401

    known = context.browser.new_context(
        http_credentials={"username": "reader", "password": "open sesame"}
    )
    page = known.new_page()
    visit(page, server)
    ask(page, LORRIES)
    expect(page.locator("#dl-thread .dl-statements li")).to_have_count(2)
    known.close()


def test_one_documented_endpoint_answers_programs_and_no_other_does(serve: Serve) -> None:
    client = Client(serve().url, verbose=False)

    described = client.view_api(return_format="dict", print_info=False)
    answer = json.loads(client.predict(LORRIES, as_of="2025-07-24", api_name="/ask"))

    assert list(described["named_endpoints"]) == ["/ask"]
    assert described["unnamed_endpoints"] == {}
    assert [citation["path"] for citation in answer["citations"]] == ["harbour.txt"]


def test_programs_ask_at_the_pages_own_address(serve: Serve) -> None:
    url = serve().url

    answer = httpx.post(f"{url}api/ask", json={"question": LORRIES}).json()
    foreign = httpx.post(
        f"{url}api/ask", json={"question": LORRIES}, headers={"origin": "http://evil.example"}
    )

    assert {citation["path"] for citation in answer["citations"]} == {"council.md", "harbour.txt"}
    assert foreign.status_code == 403
    assert "/v1/chat/completions" in httpx.get(f"{url}docs").text


@pytest.mark.slow
def test_the_shipped_articles_answer_and_their_words_are_found(serve: Serve, page: Page) -> None:
    from conftest import ROOT

    seeds = {path.name: path.read_text("utf-8") for path in (ROOT / "seeds").glob("*.txt")}
    seeds["reef.html"] = (
        "<html><head><title>Reef</title></head><body><article><h1>The reef</h1><p>Divers counted"
        " 412 coral colonies &amp; 9 wrecks on the Ostrander reef in May.</p></article></body>"
    )
    seeds["wire.jsonl"] = (
        '{"title": "Rail", "text": "The Kestrel line carried 8,400 passengers on Monday."}\n'
    )
    server = serve(seeds, kind="real")
    page.set_default_timeout(90_000)
    visit(page, server)
    ask(page, "How many hostages remain?")
    count = page.locator(".dl-statements .dl-cite").count()
    assert count >= 2

    for place in range(count):
        page.locator(".dl-statements .dl-cite").nth(place).click()
        page.wait_for_selector(f".dl-evidence[data-number='{place + 1}']")
        quote = cited(page)
        assert "".join(page.locator("mark.dl-active").all_text_contents()) == quote
        name = page.locator(".dl-place .dl-path").text_content() or ""
        start, end = (
            (page.locator(".dl-place").text_content() or "")
            .rsplit("characters ", 1)[1]
            .split(" to ")
        )
        assert seeds[name][int(start) : int(end)] == quote

    for question, words, path in (
        ("How many coral colonies on the Ostrander reef?", "412 coral colonies & 9", "reef.html"),
        ("How many passengers did the Kestrel line carry?", "8,400 passengers", "wire.jsonl#1"),
    ):
        ask(page, question)
        page.locator("#dl-thread .dl-turn").last.locator(".dl-cite").first.click()
        expect(page.locator("mark.dl-active")).to_contain_text(words)
        expect(page.locator(".dl-place .dl-path")).to_have_text(path)

    page.set_input_files(
        "#dl-files",
        [
            {
                "name": "copper.txt",
                "mimeType": "text/plain",
                "buffer": b"Copper\n\nThe Escondida mine in Chile produced 1.2 million tonnes of "
                b"copper in 2024, its owner said.\n",
            }
        ],
    )
    expect(page.locator("#dl-adding")).to_contain_text("1 added", timeout=60_000)
    ask(page, "How much copper did the Escondida mine produce?")
    page.locator("#dl-thread .dl-turn").last.locator(".dl-cite").first.click()
    expect(page.locator("mark.dl-active")).to_contain_text("1.2 million tonnes of copper")
