"""What the archive holds and what was asked before -> the left part of the page. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from rag.schema import ArticleSummary, IndexReport, Progress, iso
from ui.conversations import ConversationSummary
from ui.markup import age, dates, day, label, words

SHOWN_ARTICLES = 200
STAGES = {
    "reading": ("Reading files", "files"),
    "embedding": ("Learning passages", "passages"),
    "linking": ("Preparing the search", "passages"),
}


def articles_html(
    articles: Sequence[ArticleSummary],
    status: Mapping[str, Any],
    *,
    wanted: str = "",
    removable: bool,
    now: dt.datetime,
) -> str:
    """Return the archive: its size and age, a checkbox for each article, what was skipped.

    Args:
        articles: All of them.
        status: As ``archive.status()`` gives it.
        wanted: Only articles with these words in title, outlet or path are listed.
        removable: Whether each has a button that removes it.
        now: For the age of the index.
    """
    found = [article for article in articles if _matches(article, wanted)]
    found.sort(key=lambda article: (article.published or dt.date.min, article.path), reverse=True)
    rows = "".join(_row(article, removable=removable) for article in found[:SHOWN_ARTICLES])
    more = len(found) - SHOWN_ARTICLES
    further = (
        f'<p class="dl-small">and {more:,} more; narrow the list with the box above.</p>'
        if more > 0
        else ""
    )
    none = '<p class="dl-small">No article matches.</p>' if articles and not found else ""
    return (
        f'<div data-articles="{len(articles)}"><p class="dl-small dl-held">'
        f"{_count(len(articles), 'article')}"
        f" · {_count(int(status.get('passages', 0)), 'passage')}"
        f"{_dated(status)}<br>Indexed {age(status.get('built_at'), now)}"
        ' <button type="button" class="dl-quiet" data-act="refresh"'
        ' title="Index what has changed in the folder">Refresh</button></p>'
        f'<ul class="dl-articles" aria-label="Articles">{rows}</ul>{further}{none}'
        f"{skipped_html(status.get('skipped') or ())}</div>"
    )


def conversations_html(conversations: Sequence[ConversationSummary], current: str) -> str:
    """Return the visitor's conversations, the open one marked."""
    rows = "".join(_conversation(entry, entry.id == current) for entry in conversations)
    listed = (
        f'<ul class="dl-conversations">{rows}</ul>'
        if rows
        else '<p class="dl-small">Nothing asked yet.</p>'
    )
    return f'<nav class="dl-past" aria-label="Conversations"><h2>Conversations</h2>{listed}</nav>'


def skipped_html(skipped: Sequence[Mapping[str, Any]]) -> str:
    """Return the files that were not indexed, each with its reason."""
    if not skipped:
        return ""
    rows = "".join(
        f'<li><span class="dl-path">{label(entry["path"])}</span>: {label(entry["reason"])}</li>'
        for entry in skipped[:SHOWN_ARTICLES]
    )
    return (
        f"<details class='dl-skipped'><summary>{_count(len(skipped), 'file')} skipped</summary>"
        f"<ul>{rows}</ul></details>"
    )


def progress_html(progress: Progress | None) -> str:
    """Return how far an indexing run is, as a bar with its words."""
    if progress is None:
        return (
            '<div class="dl-progress"><label>Opening the index '
            '<progress aria-label="Opening the index"></progress></label></div>'
        )
    name, unit = STAGES[progress.stage]
    total = max(progress.total, progress.done, 1)
    detail = f' <span class="dl-path">{label(progress.detail)}</span>' if progress.detail else ""
    return (
        f'<div class="dl-progress"><label>{name}: {progress.done:,} of {progress.total:,} {unit} '
        f'<progress max="{total}" value="{progress.done}"></progress></label>{detail}</div>'
    )


def report_html(added: Sequence[str], problems: Sequence[str], report: IndexReport | None) -> str:
    """Return what came of adding, removing or refreshing."""
    lines = [f"<li>Added {label(name)}</li>" for name in added]
    lines += [f'<li class="dl-warn">{label(problem)}</li>' for problem in problems]
    if report is not None:
        lines.append(
            f"<li>{report.added} added, {report.changed} changed, {report.removed} removed; "
            f"{_count(report.articles, 'article')} in {report.seconds:.1f} s</li>"
        )
    return f'<ul class="dl-report" role="status">{"".join(lines)}</ul>' if lines else ""


def building_html(progress: Progress | None, corpus: str) -> str:
    """Return the centre of the page while the first index is being built."""
    return (
        '<section class="dl-welcome" aria-label="Building the index">'
        "<h2>The index is being built</h2>"
        f'<p>The articles in <span class="dl-path">{label(corpus)}</span> are read, split into'
        " passages and made searchable. This is done once; the next start takes seconds.</p>"
        f"{progress_html(progress)}</section>"
    )


def unavailable_html(problem: str, remedy: str, *, empty: bool, corpus: str, uploads: bool) -> str:
    """Return the centre of the page when there is no archive to ask, and what to do.

    Args:
        problem: Why there is none; not told where all that is missing is a first article.
        remedy: What helps.
        empty: Whether all that is missing is a first article.
        corpus: The folder of articles.
        uploads: Whether articles can be added in the page.
    """
    heading = "No articles yet" if empty else "The archive cannot be opened"
    told = (
        f"<p>{'Add articles, or copy' if uploads else 'Copy'} files into"
        f' <span class="dl-path">{label(corpus)}</span> and try again. Text, Markdown, HTML and'
        " JSON Lines files are read.</p>"
        if empty
        else f"<p>{label(problem)}</p><p>{label(remedy)}</p>"
    )
    # Where the window is narrow, the form to add them is out of sight.
    adding = (
        '<button type="button" class="dl-button dl-only-narrow" data-act="toggle-left">'
        "Add articles</button>"
        if empty and uploads
        else ""
    )
    return (
        f'<section class="dl-welcome" aria-label="{heading}"><h2>{heading}</h2>{told}'
        f'<p class="dl-choices">{adding}<button type="button" class="dl-button dl-plain"'
        ' data-act="reopen">Try again</button></p></section>'
    )


def welcome_html(articles: Sequence[ArticleSummary], status: Mapping[str, Any]) -> str:
    """Return the centre of the page before the first question."""
    return (
        '<section class="dl-welcome" aria-label="Welcome"><h2>What do the articles say?</h2>'
        f"<p>Ask {_count(len(articles), 'article')}{_dated(status, ', dated ')}."
        " Every sentence of an answer is bound to the exact words of an article;"
        " choose a number to read them there. Where the articles do not answer,"
        " you will be told so.</p></section>"
    )


def _row(article: ArticleSummary, *, removable: bool) -> str:
    parts = [label(article.outlet)] if article.outlet else []
    parts.append(day(iso(article.published)) if article.published else "undated")
    parts.append(_count(article.passages, "passage"))
    remove = (
        f'<button type="button" class="dl-quiet dl-remove" data-act="remove"'
        f' data-path="{words(article.path)}" aria-label="Remove {label(article.title)}">'
        "Remove</button>"
        if removable
        else ""
    )
    return (
        f'<li><label title="{label(article.path)}"><input type="checkbox" checked'
        f' data-path="{words(article.path)}"><span><span class="dl-title">{label(article.title)}'
        f'</span><span class="dl-small">{" · ".join(parts)}</span></span></label>{remove}</li>'
    )


def _conversation(entry: ConversationSummary, current: bool) -> str:
    ident = f'data-conversation="{words(entry.id)}"'
    marked = ' aria-current="true"' if current else ""
    exports = "".join(
        f'<a href="/conversations/{words(entry.id)}/export.{suffix}" download>{name}</a>'
        for suffix, name in (("md", "Markdown"), ("json", "JSON"), ("html", "HTML"))
    )
    return (
        f"<li{marked}><button type='button' class='dl-conversation' data-act='conversation'"
        f" {ident}{marked}>{label(entry.name)}</button>"
        f"<details class='dl-more'><summary aria-label='More about {label(entry.name)}'>"
        f"<span aria-hidden='true'>···</span></summary><div class='dl-menu'>"
        f"<form data-form='rename' {ident}><label>Name <input name='name' maxlength='120'"
        f" value='{label(entry.name)}'></label>"
        "<button type='submit' class='dl-quiet'>Rename</button></form>"
        f"<p class='dl-exports'>Export {exports}</p>"
        f"<button type='button' class='dl-quiet dl-danger' data-act='delete-conversation' {ident}>"
        "Delete</button></div></details></li>"
    )


def _matches(article: ArticleSummary, wanted: str) -> bool:
    held = f"{article.title} {article.outlet or ''} {article.path}".casefold()
    return all(word in held for word in wanted.casefold().split())


def _dated(status: Mapping[str, Any], before: str = " · ") -> str:
    told = dates(status.get("earliest"), status.get("latest"))
    return before + told if told else ""


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
