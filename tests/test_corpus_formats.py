"""Markdown, HTML, JSON lines -> articles."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time

import pytest
from article_files import LIMIT, PROSE, one, unquotable, write

from rag.corpus import (
    read_articles,
)

# --- Markdown --------------------------------------------------------------------------------


def test_front_matter_is_understood_and_never_quoted(tmp_path):
    front = (
        "---\ntitle: Gaza, what we know\ndate: 2024-03-03\npublication: BBC News\n"
        "url: https://example.org/a\n---"
    )
    text = f"{front}\n\n# Another title\n\n{PROSE}\n\n## A section\n\n![map](map.png)\n{PROSE}\n"

    article = one(tmp_path, "a.md", text)

    assert article.text == text
    assert article.title == "Gaza, what we know"
    assert article.published == dt.date(2024, 3, 3)
    assert article.outlet == "BBC News"
    assert article.url == "https://example.org/a"
    assert unquotable(article) == [front, "# Another title", "## A section", "![map](map.png)"]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"# **Talks** collapse #\n\n{PROSE}", "Talks collapse"),
        (f"{PROSE}\n\n# Talks collapse\n", "Talks collapse"),
        (f"Talks collapse\n==============\n\n{PROSE}", "Talks collapse"),
        (f"## Talks collapse\n\n{PROSE}", "Talks collapse"),
        (f"# [Talks](https://example.org) collapse\n\n{PROSE}", "Talks collapse"),
        (f"---\ntitle: Gaza: what we know\n---\n{PROSE}", "Gaza: what we know"),
    ],
)
def test_the_first_heading_names_a_markdown_article(tmp_path, text, title):
    assert one(tmp_path, "a.md", text).title == title


@pytest.mark.parametrize(
    "front",
    [
        "title: [a, b]\ndate: 2024-13-45",
        "title: !!python/object/apply:os.system [id]",
        "a: &a [x,x]\nb: &b [*a,*a]\n" + "c: {<<: [*b, *b]}",
        "[" * 3_000,
        "date: 03/04/2024",
    ],
)
def test_hostile_front_matter_is_harmless(tmp_path, front):
    article = one(tmp_path, "a.md", f"---\n{front}\n---\n\n{PROSE}")

    assert article.published is None
    assert article.text.endswith(PROSE)


# --- HTML ------------------------------------------------------------------------------------

PARAGRAPHS = "".join(f"<p>{PROSE} &ldquo;Number {i}&rdquo; &amp; more.</p>" for i in range(9))
PAGE = f"""<!DOCTYPE html><html><head><title>Talks collapse | BBC News</title>
<meta property="og:site_name" content="BBC News"><meta property="og:title" content="Talks collapse">
<meta property="article:published_time" content="2024-03-03T10:00:00Z">
<link rel="canonical" href="https://example.org/talks"><style>.evil {{}}</style>
<script>var evil = 1;</script></head><body><nav><a href="/">Home</a></nav>
<article><h1>Talks collapse</h1>{PARAGRAPHS}<script>evil()</script></article></body></html>"""


def test_a_page_gives_its_text_and_what_it_says_about_itself(tmp_path):
    article = one(tmp_path, "a.html", PAGE)

    assert article.title == "Talks collapse"
    assert article.published == dt.date(2024, 3, 3)
    assert article.outlet == "BBC News"
    assert article.url == "https://example.org/talks"
    assert "“Number 8” & more." in article.text
    assert "evil" not in article.text
    assert "<" not in article.text
    assert unquotable(article) in ([], ["Talks collapse"])
    assert one(tmp_path, "b.html", PAGE).text == article.text


def test_a_short_page_still_gives_its_words(tmp_path):
    page = (
        "<html><head><title>Note</title><script>evil()</script></head><body><p>Talks &amp; more "
        "ended.</p><style>evil</style><p>A second <b>line</b>.</p></body></html>"
    )

    article = one(tmp_path, "a.html", page)

    assert article.text == "Talks & more ended.\nA second line."
    assert article.title == "Note"


def test_a_page_of_many_megabytes_is_read_in_seconds(tmp_path):
    page = "<title>Long</title>" + "".join(
        f"<p>Number {i} said <b>the talks</b> had <i>ended</i>.</p>" for i in range(100_000)
    )
    before = time.process_time()

    article = one(tmp_path, "a.html", page)

    assert time.process_time() - before < 15
    assert article.text.endswith("Number 99999 said the talks had ended.")
    assert article.title == "Long"


def test_a_short_article_is_not_drowned_by_the_menus_around_it(tmp_path):
    menu = "".join(f"<div><a href='/{i}'>Menu entry {i}</a></div>" for i in range(99))
    page = f"<html><body><div>{menu}</div><article><p>{PROSE}</p><p>Then: {PROSE}</p></article>"

    assert one(tmp_path, "a.html", page).text == f"{PROSE}\nThen: {PROSE}"


def test_a_page_of_plain_words_is_read(tmp_path):
    assert one(tmp_path, "a.html", "Only plain words here.").text == "Only plain words here."


def test_a_page_is_decoded_as_it_declares(tmp_path):
    page = f'<html><head><meta charset="koi8-r"></head><body><p>Переговоры. {PROSE}</p></body>'

    article = one(tmp_path, "a.html", page.encode("koi8-r"))

    assert "Переговоры" in article.text
    assert article.encoding == "koi8-r"


@pytest.mark.parametrize(
    "page",
    [
        '<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "'
        + "&a;" * 50
        + '"><!ENTITY c "'
        + "&b;" * 50
        + '">]>'
        + "<html><body><p>Fine words. &c;</p></body></html>",
        '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><p>Fine words. &f;</p>',
        '<?xml version="1.0" encoding="utf-8"?><html><body><p>Fine words.</p></body></html>',
        "<div>" * 100_000 + "Fine words.",
        "<p>Fine words.</p>" + "<a" * 50_000,
        "<p>Fine words.</p><iframe src='http://192.0.2.1/'></iframe><img src='http://192.0.2.1/x'>",
        "<p>Fine words.\0 And more.</p>",
    ],
)
def test_a_hostile_page_is_harmless(tmp_path, page):
    before = time.process_time()
    articles, _ = read_articles(tmp_path, write(tmp_path, "a.html", page), max_bytes=LIMIT)

    assert time.process_time() - before < 10
    for article in articles:
        assert article.text.startswith("Fine words.")
        assert "root:" not in article.text
        assert len(article.text) < 100
    assert articles or page.startswith("<div>")  # the parser gives up on the deepest one


# --- JSON lines ------------------------------------------------------------------------------


def test_each_line_of_a_jsonl_file_is_an_article(tmp_path):
    lines = [
        {"title": "One", "text": PROSE, "date": "2024-03-03T10:00:00Z", "outlet": "BBC News"},
        {"text": "Second\u2028text. " + PROSE, "published": "March 4, 2024", "source": "Reuters"},
        {"text": PROSE, "date": "03/04/2024", "source": {"name": "AP"}, "url": "javascript:x()"},
    ]
    text = "\r\n".join(json.dumps(line, ensure_ascii=False) for line in lines[:2])
    write(tmp_path, "news.jsonl", text + "\n\n" + json.dumps(lines[2]) + "\n")

    articles, skipped = read_articles(tmp_path, "news.jsonl", max_bytes=LIMIT)

    assert skipped == []
    assert [a.path for a in articles] == ["news.jsonl#1", "news.jsonl#2", "news.jsonl#4"]
    assert [a.text for a in articles] == [line["text"] for line in lines]
    assert [a.published for a in articles] == [dt.date(2024, 3, 3), dt.date(2024, 3, 4), None]
    assert [a.outlet for a in articles] == ["BBC News", "Reuters", "AP"]
    assert articles[0].title == "One"
    assert articles[1].title.startswith("Second")
    assert articles[2].url is None


def test_a_bad_line_is_skipped_with_its_number_and_spoils_no_other(tmp_path):
    good = json.dumps({"text": PROSE}).encode()
    bad = [
        b"[" * 100_000,
        b"{not json}",
        b'{"text": ""}',
        b'{"text": 5}',
        b'["text"]',
        b"\xff\xfe\xfd",
        b'{"text": ' + b"1" * 10_000 + b"}",
        b'{"a":' * 100_000,
    ]
    write(tmp_path, "news.jsonl", b"\n".join([good, *bad, good]))

    articles, skipped = read_articles(tmp_path, "news.jsonl", max_bytes=LIMIT)

    assert [article.path for article in articles] == ["news.jsonl#1", "news.jsonl#10"]
    assert [skip.path for skip in skipped] == [f"news.jsonl#{n}" for n in range(2, 10)]
    assert all(skip.reason.isprintable() and "line" in skip.reason for skip in skipped)
    assert "nested too deep" in skipped[0].reason
    assert "no text" in skipped[2].reason


def test_a_lone_surrogate_in_a_jsonl_text_is_kept_and_hashed(tmp_path):
    article = one(tmp_path, "a.jsonl", json.dumps({"text": "Broken \ud83d emoji. " + PROSE}))

    assert "\ud83d" in article.text
    assert (
        article.sha256 == hashlib.sha256(article.text.encode("utf-8", "surrogatepass")).hexdigest()
    )
