"""Answers and articles as HTML, text and Markdown: escaped, exact, complete."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any

import pytest

from rag.llm import OpenAICompatible
from rag.schema import Answer, Article, Citation, Reading, Span, Statement
from rag.settings import Settings
from ui.conversations import Conversation, ConversationTurn
from ui.evidence import Mark, evidence_html, lost_html, text_html
from ui.exports import to_html, to_json, to_markdown
from ui.markup import age, day, file_name, label, markdown, words
from ui.render import answer_markdown, answer_text, stream_html, turn_html
from ui.sidebar import unavailable_html
from ui.writers import model_of, writer_html

TEXT = "First line.\nAbout 50 remain, officials say.\r\nMore than 120 were held.\n"
ARTICLE = Article("a b.txt", TEXT, "A <b>title</b>", dt.date(2025, 7, 24), "The Post & Co")


def citation(number: int, quote: str) -> Citation:
    start = TEXT.index(quote)
    return Citation(number, ARTICLE, start, start + len(quote), quote, f"p{number}")


def answer(**changed: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "question": "How many?",
        "standalone_question": "How many?",
        "abstained": False,
        "reason": None,
        "confidence": 0.8,
        "short_answer": "About 50",
        "statements": (
            Statement("About 50 remain, officials say.", (1,), "quoted"),
            Statement("There were once over 120.", (2,), "partly"),
        ),
        "citations": (
            citation(1, "About 50 remain, officials say."),
            citation(2, "More than 120 were held."),
        ),
        "readings": (
            Reading("More than 120", "2024-06", "stated", None, 2),
            Reading("About 50", "2025-07-24", "published", "officials", 1),
        ),
        "disagreement": "over_time",
    }
    return Answer(**(values | changed)).to_dict()


def turn(values: dict[str, Any], **changed: Any) -> ConversationTurn:
    given: dict[str, Any] = {
        "id": 7,
        "conversation_id": "c",
        "question": "How many?",
        "options": {},
        "outcome": "answered",
        "answer": values,
        "nearest": [],
        "asked_at": "2025-07-25T10:00:00+00:00",
    }
    return ConversationTurn(**(given | changed))


def plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def test_the_short_answer_comes_first_then_statements_with_markers() -> None:
    shown = turn_html(turn(answer()))

    assert shown.index("dl-short") < shown.index("dl-statements")
    assert shown.count('class="dl-cite"') == 1 + 2 + 2  # short answer, statements, readings
    assert 'data-act="open" data-turn="7" data-number="2"' in shown


def test_without_a_short_answer_the_first_statement_is_the_large_one() -> None:
    shown = turn_html(turn(answer(short_answer=None)))

    assert shown.count("dl-lead") == 1
    assert "dl-short" not in shown


def test_date_outlet_and_attribution_stand_beside_each_statement() -> None:
    shown = plain(turn_html(turn(answer())))

    assert "The Post & Co · 24 July 2025 · according to officials" in shown
    assert "The Post & Co · as of June 2024" in shown


def test_readings_are_listed_newest_first() -> None:
    shown = plain(turn_html(turn(answer())))

    table = shown[shown.index("What changed over time") :]
    assert table.index("About 50") < table.index("More than 120")


def test_a_statement_that_is_not_verbatim_carries_its_verdict() -> None:
    shown = turn_html(turn(answer()))

    assert shown.count("dl-verdict") == 1
    assert "Partly supported" in shown


def test_a_struck_sentence_is_shown_as_struck_with_its_reason_everywhere() -> None:
    invented = Statement(
        "Sixty fled.",
        (),
        "unsupported",
        (
            "“fled” is not in the cited words.",
            "The number Sixty is not in the cited words.",
        ),
    )
    standing = Statement("About 50 remain, officials say.", (1,), "quoted")
    values = answer(statements=(standing, invented), generator="some-model")
    kept = Conversation("c", "Name", "2025", (turn(values),))

    shown = turn_html(turn(values))

    assert "<s>Sixty fled.</s>" in shown
    why = "Not in the words nearest to it: the number Sixty, “fled”."
    assert f"Struck {why}" in plain(shown)
    assert "written by some-model" in plain(shown)
    assert "<s>Sixty fled.</s>" in stream_html("Q?", "Writing", "", (standing, invented))
    assert "About 50 remain, officials say. [1]" in stream_html("Q?", "", "", (standing, invented))
    assert f"~~Sixty fled.~~ *(struck: {why})*" in to_markdown(kept)
    assert f"<s>Sixty fled.</s> <small>(Struck: {why})</small>" in to_html(kept)
    assert "[struck, no article supports it: Sixty fled.]" in answer_text(values)


def test_where_the_model_failed_that_is_told_above_the_answer() -> None:
    failed = answer(notes=("A file has changed.", "some-model gave no answer."))

    chosen = {"writer": "model", "model": "some-model"}
    asked_model = turn_html(turn(failed, options=chosen))
    asked_sources = turn_html(turn(failed, options={"writer": "extractive"}))

    assert asked_model.index("gave no answer") < asked_model.index("dl-short")
    assert asked_sources.index("gave no answer") > asked_sources.index("dl-statements")
    assert asked_model.count("gave no answer") == 1
    assert asked_model.index("A file has changed") > asked_model.index("dl-statements")


def test_what_was_searched_for_can_be_changed_where_it_is_not_what_was_asked() -> None:
    filled = answer(standalone_question="How many? (the <hostages>)")

    shown = turn_html(turn(filled))
    edited = turn_html(turn(answer(), options={"as_written": True}))

    assert "Searched for: How many? (the <hostages>)" in plain(shown)
    assert 'data-form="searched" data-turn="7" hidden' in shown
    assert "How many? (the &lt;hostages&gt;)</textarea>" in shown
    assert "Searched for" not in turn_html(turn(answer()))
    assert "Asked as written" in edited
    assert 'data-as-written="yes"' in edited


def test_a_short_answer_is_bound_to_the_citation_that_holds_it() -> None:
    values = answer(short_answer="More than 120")
    kept = Conversation("c", "Name", "2025", (turn(values),))

    shown = turn_html(turn(values))
    lead = shown[shown.index("dl-short") : shown.index("dl-statements")]

    assert "<bdi>More than 120</bdi>" in lead
    assert 'data-number="2"' in lead
    assert answer_text(values).startswith("More than 120 [2]\n\nAbout 50 remain")
    assert "**More than 120** \\[2\\]\n\nAbout 50" in to_markdown(kept)
    assert '<strong><bdi>More than 120</bdi></strong> <a href="#c7-2">[2]</a>' in to_html(kept)
    assert "dl-long" in turn_html(turn(answer(short_answer="x" * 90)))


def test_the_switch_says_where_the_words_go() -> None:
    here = writer_html(OpenAICompatible("http://localhost:11434/v1", "llama3.2"))
    away = writer_html(OpenAICompatible("https://api.example.com/v1", "big`${1}{{x}}"))

    assert "Written by llama3.2" in plain(here)
    assert "stay on this machine" in plain(here)
    assert "go to api.example.com ." in plain(away)
    assert not set("`${}") & set(away), "a template would read them"
    assert "No language model is asked." in plain(away)
    assert writer_html(model_of(Settings())) == ""
    assert model_of(Settings(llm_base_url="http://localhost:1/v1", llm_model="m")) is not None


def test_an_opinion_may_be_explained_afterwards() -> None:
    liked = turn_html(turn(answer(), liked=True))
    explained = turn_html(turn(answer(), liked=True, comment="To the <b>point</b>."))

    assert 'data-form="feedback" data-liked="yes" data-turn="7"' in liked
    assert "data-liked" not in turn_html(turn(answer()))
    assert "Kept with it: To the &lt;b&gt;point&lt;/b&gt;." in explained
    assert "data-liked" not in explained


@pytest.mark.parametrize("uploads", [True, False])
def test_an_empty_archive_tells_what_can_be_done_on_any_screen(uploads: bool) -> None:
    told = plain(unavailable_html("P", "R", empty=True, corpus="news", uploads=uploads))

    assert "at the left" not in told
    assert "files into news and try again" in told
    assert ("Add articles" in told) is uploads


def test_an_abstention_names_the_nearest_passages_and_the_archives_dates() -> None:
    nothing = answer(
        abstained=True,
        reason="They do not say.",
        statements=(),
        citations=(),
        readings=(),
        disagreement=None,
        short_answer=None,
    )
    near = {"path": "a.txt", "start": 0, "end": 5, "text": "First", "title": "T"}
    near |= {"outlet": None, "published": None}
    span = {"articles": 5, "dated": 1, "earliest": "2025-07-24", "latest": "2025-07-24"}

    shown = plain(turn_html(turn(nothing, nearest=[near]), span=span))

    assert "Not in these articles They do not say." in shown
    assert "The archive holds 5 articles; 1 of them dated, 24 July 2025." in shown
    assert "The nearest passages First" in shown
    closest = turn_html(turn(nothing, nearest=[{**near, "excerpt": "Last & least"}]), span=span)
    assert "The nearest passages Last & least" in plain(closest)


def test_a_question_back_is_no_abstention_and_offers_questions_to_ask() -> None:
    back = answer(
        abstained=True,
        reason="Which talks do you mean?",
        kind="clarification",
        suggestions=("The talks in Doha?", "The talks <b>in Cairo</b>?"),
        statements=(),
        citations=(),
        readings=(),
        disagreement=None,
        short_answer=None,
    )

    shown = turn_html(turn(back))

    assert "Not in these articles" not in shown
    assert "Which talks do you mean?" in shown
    assert shown.count('data-act="suggest"') == 2
    assert 'data-question="The talks &lt;b&gt;in Cairo&lt;/b&gt;?"' in shown
    assert answer_markdown(back).startswith("Which talks do you mean?\n\n- The talks in Doha?")


@pytest.mark.parametrize("hostile", ["<script>x</script>", '"><img src=x onerror=y>', "`${1}`"])
def test_nothing_foreign_becomes_markup(hostile: str) -> None:
    text = f"{hostile}.\n"
    article = Article(hostile, text, hostile, None, hostile)
    cited = Citation(1, article, 0, len(text) - 1, text[:-1], "p")
    values = answer(
        question=hostile,
        standalone_question=hostile + "?",
        short_answer=hostile,
        statements=(Statement(text[:-1], (1,), "quoted"),),
        citations=(cited,),
        readings=(Reading(hostile, hostile, "stated", hostile, 1),) * 2,
        notes=(hostile,),
        generator=hostile,
    )
    struck = Statement(hostile, (), "unsupported", (hostile,)).to_dict()
    hostile_turn = turn(values, question=hostile, options={"as_of": hostile, "articles": hostile})
    marks = [Mark(Span(0, len(text) - 1), 1, True)]
    shown = [
        turn_html(hostile_turn),
        turn_html(turn({"problem": hostile, "remedy": hostile}, outcome="failed")),
        stream_html(hostile, hostile, hostile, [Statement(hostile, (1,), "quoted")]),
        turn_html(turn(values | {"statements": [struck]}), span={}),
        to_html(Conversation("c", hostile, "2025", (turn(values | {"statements": [struck]}),))),
        writer_html(OpenAICompatible("http://127.0.0.1:1/v1", hostile)),
        evidence_html(article, marks, turn_id=1, number=1, numbers=[1], file_state="same"),
        lost_html(values["citations"][0], turn_id=1, numbers=[1], problem=hostile),
        to_html(Conversation("c", hostile, "2025", (hostile_turn,))),
    ]

    for markup in shown:
        tags = re.findall(r"<\s*/?\s*([a-zA-Z]+)", markup)
        assert not {"script", "img"} & set(tags)
        assert not re.search(r"<[^>]*\sonerror\s*=[^>]*>", re.sub(r'"[^"]*"', '""', markup))


def test_the_marked_words_are_the_quote_to_the_letter_across_lines() -> None:
    quote = "About 50 remain, officials say.\r\nMore than 120"
    start = TEXT.index(quote)

    shown = text_html(ARTICLE, [Mark(Span(start, start + len(quote)), 1, True)])

    pieces = re.findall(r"<mark[^>]*>(.*?)</mark>", shown, re.S)
    assert html.unescape("".join(pieces)) == quote
    whole = re.sub(r"</?(p|mark|span)[^>]*>", "", shown)
    assert html.unescape(whole) == TEXT


def test_the_open_citation_wins_where_two_overlap() -> None:
    marks = [Mark(Span(0, 20), 1, False), Mark(Span(12, 17), 2, True)]

    shown = text_html(ARTICLE, marks)

    assert re.findall(r'<mark class="dl-mark dl-active"[^>]*>(.*?)</mark>', shown) == ["About"]
    assert shown.count('data-number="1"') == 3  # before the line's end, the end itself, after


def test_a_very_long_article_is_shown_around_the_cited_words() -> None:
    text = "x" * 500_000 + "HERE" + "y" * 500_000
    article = Article("long.txt", text, "Long")

    shown = text_html(article, [Mark(Span(500_000, 500_004), 1, True)])

    assert ">HERE</mark>" in shown
    assert len(shown) < 220_000


def test_a_changed_file_is_said_to_have_changed() -> None:
    marks = [Mark(Span(0, 5), 1, True)]
    shown = evidence_html(ARTICLE, marks, turn_id=1, number=1, numbers=[1, 2], file_state="changed")

    assert "This file has changed since it was indexed." in shown
    assert "characters 0 to 5" in shown
    assert "Citation 1 of 2" in shown


def test_copies_carry_every_quote_with_its_place() -> None:
    values = answer()

    text = answer_text(values)
    marked = answer_markdown(values)

    for copied in (text, marked):
        assert "About 50 remain, officials say." in copied
        assert "a b.txt" in copied
        assert "characters 12 to 43" in copied
    assert "A \\<b\\>title\\</b\\>" in marked
    assert "| About 50 | 24 July 2025 | officials | \\[1\\] |" in marked


def test_exports_hold_the_whole_conversation() -> None:
    kept = Conversation(
        "c", "Name", "2025-07-25", (turn(answer()), turn({"problem": "P"}, outcome="failed"))
    )

    assert '"quote": "About 50 remain, officials say."' in to_json(kept)
    assert to_markdown(kept).startswith("# Name\n\n## How many?")
    page = to_html(kept)
    assert "<blockquote>About 50 remain, officials say.</blockquote>" in page
    assert "default-src 'none'" in page


def test_hiding_and_reordering_characters_are_shown_in_names_and_kept_in_quotes() -> None:
    assert label("evil\u202etxt.exe\u200b") == "evil□txt.exe□"
    assert words("a\u202eb\r") == "a\u202eb&#13;"
    assert label("\ud800") == "\ufffd"


def test_markdown_text_renders_as_itself() -> None:
    assert markdown("[x](http://a.b) *c*\n# d") == "\\[x\\](http\\://a.b) \\*c\\* \\# d"
    assert markdown("1. one") == "1\\. one"


def test_dates_and_ages_read_as_people_write_them() -> None:
    now = dt.datetime(2025, 7, 24, 12, tzinfo=dt.UTC)

    assert [day(value) for value in ("2025-07-04", "2025-07", "2025", "2025-13", "soon", None)] == [
        "4 July 2025",
        "July 2025",
        "2025",
        "2025-13",
        "soon",
        "",
    ]
    assert age("2025-07-24T11:59:50+00:00", now) == "just now"
    assert age("2025-07-24T11:57:00Z", now) == "3 minutes ago"
    assert age("2025-07-23T11:00:00", now) == "1 day ago"
    assert age(None, now) == "at an unknown time"


def test_a_file_name_is_harmless() -> None:
    assert file_name('../../etc/passwd\r\nX: "y"') == "etc-passwd-X-y"
    assert file_name("\u202e", "article") == "article"
