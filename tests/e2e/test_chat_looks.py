"""The four pages a reader meets, narrow and wide, light and dark: accessible, and photographed.

axe-core comes from ``npm install --prefix .cache/axe axe-core@4.14.1``; the pictures lie in
``.cache/shots`` afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import ROOT, Server, ask, visit
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
Serve = Callable[..., Server]
AXE = ROOT / ".cache" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
SHOTS = ROOT / ".cache" / "shots"
WINDOWS = [(1280, 800, "light"), (1280, 800, "dark"), (390, 844, "light"), (390, 844, "dark")]


def violations(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical: rule, and the elements."""
    page.evaluate(AXE.read_text("utf-8") + "; undefined")
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {json.dumps([node['target'] for node in rule['nodes']][:4])}"
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


def settled(page: Page, name: str) -> None:
    """Wait for the last movement and take the picture."""
    page.wait_for_timeout(350)
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png")


@pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core in .cache/axe (see the docstring)")
@pytest.mark.parametrize("kind", ["readings", "abstention", "evidence", "empty", "archive"])
def test_axe_finds_nothing_serious(serve: Serve, browser: Browser, kind: str) -> None:
    server = serve({} if kind == "empty" else None)
    found: dict[str, list[str]] = {}
    for width, height, scheme in WINDOWS:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=width < 600
        )
        page = context.new_page()
        if kind == "empty":
            page.goto(server.url)
            expect(page.locator(".dl-welcome")).to_contain_text("No articles yet")
        else:
            visit(page, server)
        if kind in ("readings", "evidence"):
            ask(page, "How many lorries cross the bridge?")
        if kind == "abstention":
            ask(page, "Who won the chess match?")
        if kind == "evidence":
            page.locator("#dl-thread .dl-cite").last.click()
            page.locator("mark.dl-active").first.wait_for()
        if kind == "archive":
            ask(page, "How many lorries cross the bridge?")
            if width < 600:
                page.click("[data-act=toggle-left]")
            page.click(".dl-choose summary")
            page.click(".dl-add summary")
            page.click(".dl-more summary")
        settled(page, f"{kind}-{width}-{scheme}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        problems = violations(page)
        if problems:
            found[f"{width} {scheme}"] = problems
        context.close()

    assert found == {}


def test_pictures_stay_out_of_the_repository() -> None:
    assert "/.cache/" in Path(ROOT / ".gitignore").read_text("utf-8").splitlines()
