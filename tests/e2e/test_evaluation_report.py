"""The evaluation report in a real browser: self-contained, filterable, drilled into."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation_fake import FakeArchive
from playwright.sync_api import BrowserContext, Page
from test_evaluation_runs import QUESTIONS, SAYS

from rag.evaluation import run

pytestmark = pytest.mark.browser


@pytest.fixture
def report(tmp_path: Path) -> str:
    folder = tmp_path / "corpus"
    folder.mkdir()
    run(FakeArchive(folder, SAYS), QUESTIONS, out=tmp_path / "run")
    return (tmp_path / "run" / "report.html").as_uri()


@pytest.fixture
def page(context: BrowserContext, report: str) -> Page:
    opened = context.new_page()
    opened.asked, opened.said = [], []  # type: ignore[attr-defined]
    opened.on("request", lambda request: opened.asked.append(request.url))  # type: ignore[attr-defined]
    opened.on("console", lambda message: opened.said.append(message.text))  # type: ignore[attr-defined]
    opened.goto(report)
    return opened


def test_the_report_loads_nothing_and_breaks_no_rule_of_its_own_policy(
    page: Page, report: str
) -> None:
    assert page.asked == [report]  # type: ignore[attr-defined]
    assert page.said == []  # type: ignore[attr-defined]
    assert page.locator("svg").count() > 10


def test_the_questions_are_filtered_by_words_type_and_verdict(page: Page) -> None:
    shown = page.locator("details.question:visible")
    assert shown.count() == 4

    page.fill("#words", "witkoff DOHA")
    assert "q2" in [row.get_attribute("id")[2:] for row in shown.all()]  # type: ignore[index]
    page.fill("#words", "")
    page.select_option("#verdict", "wrong")
    assert [row.get_attribute("id") for row in shown.all()] == ["q-q4"]
    assert page.text_content("#count") == "1 of 4"
    page.select_option("#type", "unanswerable")
    assert shown.count() == 0


def test_a_link_to_a_question_opens_it_down_to_its_passages(
    context: BrowserContext, report: str
) -> None:
    opened = context.new_page()
    opened.goto(f"{report}#q-q1")

    row = opened.locator("details#q-q1")
    assert row.get_attribute("open") is not None
    assert row.locator("mark.gold").first.text_content() == "About 50 hostages remain"
    assert row.get_by_text("more than 120").first.is_visible()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_report_never_scrolls_sideways(
    context: BrowserContext, report: str, width: int
) -> None:
    opened = context.new_page()
    opened.set_viewport_size({"width": width, "height": 800})
    opened.goto(report)

    assert not opened.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
