"""An HTML page -> the text of its article, and what the page says about itself."""

from __future__ import annotations

import re
from typing import Any, Final

from rag.corpus.dates import stated_day
from rag.corpus.lines import has_text
from rag.corpus.metadata import Metadata, web_address

_BLOCK: Final = re.compile(
    r"address|article|aside|blockquote|br|d[dlt]|div|fig(?:caption|ure)|footer|form|h[1-6]|hr"
    r"|header|li|main|nav|[ou]l|option|p|pre|section|table|t[dhr]"
)
_NEVER_TEXT: Final = (
    *("script", "style", "noscript", "template", "head", "iframe", "object", "svg"),
    *("nav", "footer", "aside", "button", "select"),
)
_DOCUMENT_TYPE: Final = re.compile(
    r"\A\s*(?:<\?xml[^>]*>\s*)?<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>", re.IGNORECASE
)
_SHORTEST_EXTRACTION_CHARS: Final = 250  # below this, trafilatura itself calls its result short
# Its time grows with the square: 16,000 elements take one second, 400,000 over five minutes.
_LARGEST_PAGE_ELEMENTS: Final = 20_000


def read_web_page(page: str) -> tuple[str, Metadata]:
    """Return the text of the article on the page and what the page says about itself."""
    import trafilatura
    from trafilatura.metadata import extract_metadata

    page = page.replace("\0", "")  # older versions of libxml2 stop there
    page = _DOCUMENT_TYPE.sub("", page)  # whose entities the parser would leave in the text
    tree = trafilatura.load_html(page)
    if tree is None:
        tree = trafilatura.load_html(f"<html><body>{page}</body></html>")
    if tree is None:
        return "", Metadata()
    # Only dates that the page marks as such: the extensive search takes any date in the text.
    dates = {"extensive_search": False, "original_date": True}
    document: Any = None
    about: Any = None
    is_large = sum(1 for _ in tree.iter()) > _LARGEST_PAGE_ELEMENTS
    try:
        if not is_large:
            document = trafilatura.bare_extraction(
                page, include_comments=False, with_metadata=True, date_extraction_params=dates
            )
        about = document or extract_metadata(tree, date_config=dates, extensive=False)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        # Its heuristics were written for real pages; a hostile one still has plain text.
        pass
    text = (document.text or "") if document else ""
    # Of a page this short it makes a line of each piece between two tags, or finds nothing; but
    # where most words are left out, they are menus.
    if len(text) < _SHORTEST_EXTRACTION_CHARS:
        plain = _plain_text(tree)
        text = plain if not has_text(text) or len(plain) < 2 * len(text) else text
    if about is None:
        return text, Metadata()
    outlet = about.sitename
    found = Metadata(
        title=about.title,
        published=stated_day(about.date),
        outlet=outlet.lstrip("@") if isinstance(outlet, str) else None,
        url=web_address(about.url),
    )
    return text, found


def _plain_text(tree: Any) -> str:
    """Return the words of the page, a line per block."""
    for element in list(tree.iter(*_NEVER_TEXT)):
        if element.getparent() is not None:
            element.drop_tree()
    for element in tree.iter():
        if not isinstance(element.tag, str) or not _BLOCK.fullmatch(element.tag):
            continue
        element.text = "\n" + (element.text or "")
        element.tail = "\n" + (element.tail or "")
    lines = (" ".join(line.split()) for line in str(tree.text_content()).splitlines())
    return "\n".join(line for line in lines if line)
