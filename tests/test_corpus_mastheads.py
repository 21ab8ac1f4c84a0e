"""A text -> title, date, outlet, and the lines that are never quoted."""

from __future__ import annotations

import datetime as dt

import pytest
from article_files import PROSE, one, unquotable
from hypothesis import given
from hypothesis import strategies as st

from rag.corpus import (
    markdown,
    reading,
)

# --- title -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (f"Talks collapse in Doha\n\n{PROSE}", "Talks collapse in Doha"),
        (f"Talks collapse in Doha\r\n\r\n{PROSE}", "Talks collapse in Doha"),
        (f"Tariffs hit the U.S.\n\n{PROSE}", "Tariffs hit the U.S."),
        (f"Talks collapse\nBy Jane Doe\n{PROSE}", "Talks collapse"),
        (f"Talks collapse\nMarch 3, 2024\n{PROSE}", "Talks collapse"),
        (f"WORLD\n\nTalks collapse in Doha\n\n{PROSE}", "Talks collapse in Doha"),
        (f"March 3, 2024\n\nTalks collapse\n\n{PROSE}", "Talks collapse"),
        (f"Advertisement\n\nTalks collapse\n\n{PROSE}", "Talks collapse"),
        (f"Mr. Jones of the U.S. won the vote. {PROSE}", "Mr. Jones of the U.S. won the vote"),
        (f"It rained all day long.\n\n{PROSE}", "It rained all day long"),
        ("LONDON (AP) — " + PROSE, PROSE[:80].rsplit(" ", 1)[0] + "…"),
        ("x" * 500, "x" * 80 + "…"),
        (
            "Standard Oil Co and BP\nAmerica Inc said they\nwill merge.\n",
            "Standard Oil Co and BP America Inc said they will merge",
        ),
        ("Image\nAdvertisement\n", "a.txt"),
    ],
)
def test_an_article_is_known_by_its_headline_or_by_how_it_begins(tmp_path, text, title):
    assert one(tmp_path, "a.txt", text).title == title


def test_a_headline_is_not_quoted_but_a_first_sentence_is(tmp_path):
    assert unquotable(one(tmp_path, "a.txt", f"Talks collapse\n\n{PROSE}")) == ["Talks collapse"]
    assert unquotable(one(tmp_path, "b.txt", f"{PROSE}\n\n{PROSE}")) == []


# --- publication date ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "published"),
    [
        ("July 24, 2025Updated 5:02 p.m. ET", "2025-07-24"),
        ("Published 3 March 2024", "2024-03-03"),
        ("Published: 10:30 GMT, 3rd March 2024", "2024-03-03"),
        ("2024-03-03", "2024-03-03"),
        ("2024-03-03T23:30:00-05:00", "2024-03-03"),
        ("(Reuters) - Jan 5, 2023", "2023-01-05"),
        ("LONDON, March 3, 2024 (Reuters) - The talks went on", "2024-03-03"),
        ("24 July 2025", "2025-07-24"),
        ("Thu 24 Jul 2025 10.30 BSTLast modified on Fri 25 Jul 2025 11.00 BST", "2025-07-24"),
        ("Updated July 25, 2025", "2025-07-25"),
        ("Updated July 25, 2025 | Published July 24, 2025", "2025-07-24"),
        ("Thursday, July 24, 2025 at 5 p.m.", "2025-07-24"),
        ("By Jane Doe | Sept. 3, 2024", "2024-09-03"),
        ("25/12/2024", "2024-12-25"),
        ("26-FEB-1987 15:01:01.79", "1987-02-26"),
        ("*July 24, 2025* · 5 min read", "2025-07-24"),
        ("03/04/2024", None),
        ("February 30, 2024", None),
        ("July 24, 1025", None),
        ("July 24, 2999", None),
        ("July 24", None),
        ("On October 7, 2023, Hamas attacked.", None),
        ("October 7, 2023, was the day", None),
        ("5:02 p.m. ET", None),
    ],
)
def test_only_a_line_that_is_a_date_dates_an_article(tmp_path, line, published):
    article = one(tmp_path, "a.txt", f"{PROSE}\n\n{line}\n{PROSE}")

    assert article.published == (dt.date.fromisoformat(published) if published else None)


def test_a_publication_line_goes_before_an_update_line(tmp_path):
    text = f"Talks collapse\n\nUpdated March 5, 2024\nPublished March 3, 2024\n\n{PROSE}"

    assert one(tmp_path, "a.txt", text).published == dt.date(2024, 3, 3)


def test_a_chronology_and_a_date_far_down_do_not_date_an_article(tmp_path):
    chronology = f"October 7, 2023\n{PROSE}\nNovember 24, 2023\n{PROSE}"
    far_down = f"{PROSE}\n" * 20 + "October 7, 2023\n"

    assert one(tmp_path, "a.txt", chronology).published is None
    assert one(tmp_path, "b.txt", far_down).published is None


@pytest.mark.parametrize(
    "wrapped",
    [
        "The bank is issuing a bond of\n100 million due on\nMarch 30, 1990\nand priced at par.",
        "The company said that it completed the offering on\nFeb 26, 1992.\n",
        "The offering, which the company announced in\nMarch 12, 1987, was a success.",
        "It was announced on Monday,\nMarch 12, 1987,\nby the bank.",
    ],
)
def test_a_date_in_wrapped_prose_is_prose(tmp_path, wrapped):
    article = one(tmp_path, "a.txt", f"{PROSE}\n\n{wrapped}\n")

    assert article.published is None
    assert unquotable(article) == []


# --- outlet ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "outlet"),
    [
        ("By Jane Doe, Reuters", "Reuters"),
        ("By Jane Doe and John Roe | BBC News", "BBC News"),
        ("(Reuters) - The talks ended.", "Reuters"),
        ("LONDON (AP) — The talks ended.", "AP"),
        ("Source: BBC News", "BBC News"),
        ("© 2025 The New York Times Company", "The New York Times"),
        ("Copyright 2024 The Kansas City Star. All rights reserved.", "The Kansas City Star"),
        ("By Jane Doe", None),
        ("By Jane Doe, London", None),
        ("By Jane Doe in Jerusalem, Chief Correspondent", None),
        ("Source: Ministry of Health", None),
        ("The minister told Reuters (AP) — the agency — nothing.", None),
        ("(Analysis) - The talks ended.", None),
        ("© 2024 Jane Doe", None),
    ],
)
def test_an_outlet_is_named_only_where_it_is_stated(tmp_path, line, outlet):
    assert one(tmp_path, "a.txt", f"Talks collapse\n\n{line}\n\n{PROSE}").outlet == outlet


# --- lines that are no prose -----------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "Image",
        "Advertisement",
        "Photo",
        "Video",
        "Credit...Amir Cohen/Reuters",
        "Photo: Amir Cohen",
        "Share full article",
        "Listen to this article",
        "Listen · 5:02 min",
        "Read more: Ten things to know",
        "Continue reading the main story",
        "July 24, 2025",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_a_stray_line_between_paragraphs_is_never_quoted(tmp_path, line, newline):
    text = newline.join([PROSE, line, PROSE, f"  {line} ", PROSE])

    assert unquotable(one(tmp_path, "a.txt", text)) == [line, line]


@pytest.mark.parametrize(
    "line",
    [
        "Image rights are disputed.",
        "Video by the army showed troops entering the city.",
        "Photos by the agency show the damage.",
        "Steve Witkoff is a real estate developer.",
        "She covers the war for nobody.",
        "“We contributed reporting,” he said.",
        "On July 24, 2025, the talks ended.",
    ],
)
def test_prose_stays_quotable(tmp_path, line):
    assert unquotable(one(tmp_path, "a.txt", f"{PROSE}\n{line}\n{PROSE}\n{line}")) == []


@given(
    st.lists(
        st.sampled_from(
            ["# Head", "Image", "July 24, 2025", "By A B", PROSE, "", "---", "===", " ", "title: x"]
        )
    )
)
def test_unquotable_spans_ascend_and_never_overlap(lines):
    text = "\n".join(lines)
    found, spans = markdown.read_markdown(text)
    article = reading._article("a.md", text, "utf-8", found, spans)

    ends = [0]
    for span in article.unquotable:
        assert span.start >= ends[-1]
        ends.append(span.end)
    assert ends[-1] <= len(text)
    assert article.title
