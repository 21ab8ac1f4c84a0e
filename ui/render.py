"""``Answer.to_dict()`` -> the HTML, text and Markdown of one turn of the conversation. Pure.

A marker is a button that carries the turn and the citation's number; the page's one listener does
the rest. Everything foreign passes through :mod:`ui.markup`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from rag.schema import Statement, short_citation, told_alike
from ui.conversations import ConversationTurn
from ui.markup import dates, day, label, markdown, words

Values = Mapping[str, Any]

LARGE_CHARS = 70
"""A longer short answer is set smaller."""

VERDICTS = {
    "supported": ("Paraphrase", "Not the source's own words; the cited words support it."),
    "partly": ("Partly supported", "The cited words support only a part of this."),
    "unsupported": ("Struck", "No words were found in the articles that support this."),
}
DISAGREEMENTS = {
    "over_time": ("What changed over time", "The newest reading comes first."),
    "between_sources": (
        "The sources differ",
        "Each source is given as it reads; nothing is averaged.",
    ),
}
FILE_STATES = {
    "changed": "This file has changed since it was indexed.",
    "missing": "This file is no longer in the folder.",
}
# The sentences' own words need no author.
OWN_WORDS = "extractive"
MISSING_TOLD = 4
_MISSING = " is not in the cited words."
REASONS = (
    "Wrong",
    "Citation does not fit",
    "Something is missing",
    "Out of date",
    "Should have answered",
    "Other",
)


def turn_html(turn: ConversationTurn, *, span: Values | None = None) -> str:
    """Return a finished turn: the question and what came of it.

    Args:
        turn: As kept in the conversation.
        span: ``earliest``, ``latest`` and ``articles`` of the archive; told with an abstention.
    """
    answer = turn.answer
    if turn.outcome == "failed":
        body = error_html(str(answer.get("problem", "")), str(answer.get("remedy", "")))
    elif is_reply(answer):
        body = _reply(answer)
    elif answer.get("abstained"):
        body = _abstention(turn, span or {})
    else:
        body = _answer(turn)
    stopped = '<p class="dl-note">Stopped here.</p>' if turn.outcome == "stopped" else ""
    return (
        f'<article class="dl-turn" data-turn="{turn.id}" aria-label="Question and answer">'
        f'<header class="dl-question"><h2>{label(turn.question)}</h2>'
        f'<button type="button" class="dl-quiet" data-act="edit" data-turn="{turn.id}"'
        f' data-question="{words(turn.question)}">Edit</button></header>'
        f"{_asked_with(turn)}{body}{stopped}{_tools(turn)}</article>"
    )


def stream_html(question: str, stage: str, detail: str, statements: Sequence[Statement]) -> str:
    """Return a turn that is being answered: its stage and what is written so far."""
    written = "".join(_streamed(statement) for statement in statements)
    about = f": {label(detail)}" if detail else ""
    return (
        '<article class="dl-turn dl-running" data-running="yes" aria-label="Being answered">'
        f'<header class="dl-question"><h2>{label(question)}</h2></header>'
        f'<p class="dl-stage" role="status"><span class="dl-spinner" aria-hidden="true"></span>'
        f"{label(stage)}{about} …</p>"
        f'<div class="dl-streaming">{written}</div></article>'
    )


def _streamed(statement: Statement) -> str:
    if statement.verdict == "unsupported":
        return f'<p class="dl-struck"><s>{words(statement.text)}</s></p>'
    return f"<p>{words(statement.marked)}</p>"


def error_html(problem: str, remedy: str) -> str:
    """Return what went wrong and what to do about it."""
    return (
        '<div class="dl-error" role="alert">'
        f"<p><strong>{label(problem)}</strong></p><p>{label(remedy)}</p></div>"
    )


def answer_text(answer: Values) -> str:
    """Return the answer as plain text followed by its citations."""
    number = short_citation(answer)
    short = f"{answer['short_answer']} [{number}]\n\n" if number is not None else ""
    lines = [f"{short}{answer.get('text', '')}"]
    for citation in answer.get("citations", ()):
        lines.append(
            f"[{citation['number']}] “{citation['quote']}” - {_credit(citation)}"
            f" ({citation['path']}, characters {citation['start']} to {citation['end']})"
        )
    return "\n\n".join([lines[0], "\n".join(lines[1:])]).strip()


def answer_markdown(answer: Values) -> str:
    """Return the answer as Markdown: statements, readings, then the quotes as a list."""
    parts: list[str] = []
    if answer.get("abstained"):
        calm = "" if is_reply(answer) else "*Not in these articles.* "
        parts.append(f"{calm}{markdown(answer.get('reason') or '')}")
        parts += [f"- {markdown(question)}" for question in answer.get("suggestions") or ()]
    if answer.get("short_answer"):
        number = short_citation(answer)
        marker = "" if number is None else f" \\[{number}\\]"
        parts.append(f"**{markdown(answer['short_answer'])}**{marker}")
    for statement in answer.get("statements", ()):
        markers = "".join(f" \\[{number}\\]" for number in statement["citations"])
        verdict = VERDICTS.get(statement["verdict"])
        why = "".join(f": {markdown(reason)}" for reason in reasons_of(statement)[:1])
        mark = f" *({verdict[0].lower()}{why})*" if verdict else ""
        said = markdown(statement["text"])
        said = f"~~{said}~~" if statement["verdict"] == "unsupported" else said
        parts.append(f"{said}{markers}{mark}")
    if answer.get("disagreement") and answer.get("readings"):
        rows = ["| Value | As of | According to | Citation |", "|---|---|---|---|"]
        rows += [
            f"| {markdown(reading['value'])} | {markdown(day(reading['as_of']))} "
            f"| {markdown(reading['attribution'] or '')} | \\[{reading['citation']}\\] |"
            for reading in newest_first(answer["readings"])
        ]
        parts.append("\n".join(rows))
    citations = [
        f"{citation['number']}. “{markdown(citation['quote'])}” {markdown(_credit(citation))}, "
        f"{markdown(citation['path'])}, characters {citation['start']} to {citation['end']}"
        for citation in answer.get("citations", ())
    ]
    if citations:
        parts.append("\n".join(citations))
    return "\n\n".join(parts)


def is_reply(answer: Values) -> bool:
    """Say whether the answer is a question back or small talk: nothing is claimed, none missing."""
    return answer.get("kind") in ("clarification", "small_talk")


def newest_first(readings: Sequence[Values]) -> list[Values]:
    """Return the readings by date, newest first, undated ones last."""
    return sorted(readings, key=lambda reading: str(reading["as_of"] or ""), reverse=True)


def marker(turn_id: int, citation: Values) -> str:
    """Return the ``[n]`` of a citation: a button that opens the words it stands for."""
    number = int(citation["number"])
    return (
        f'<button type="button" class="dl-cite" data-act="open" data-turn="{turn_id}"'
        f' data-number="{number}" aria-describedby="dl-card-{turn_id}-{number}"'
        f' aria-label="Citation {number}: {label(_credit(citation))}">{number}</button>'
    )


def _answer(turn: ConversationTurn) -> str:
    answer = turn.answer
    citations = {int(c["number"]): c for c in answer.get("citations", ())}
    said_by: dict[int, Values] = {}
    for reading in answer.get("readings", ()):
        said_by.setdefault(int(reading["citation"]), reading)
    notes = list(answer.get("notes", ()))
    above: list[str] = []
    if turn.options.get("writer") == "model" and answer.get("generator") == OWN_WORDS:
        above = [note for note in notes if _is_of_model(note, turn.options)]
        notes = [note for note in notes if note not in above]
    fell_back = f'<div class="dl-fellback" role="note">{_notes(above)}</div>' if above else ""
    # Without a short answer the first statement takes its place, in large type.
    lead = "" if answer.get("short_answer") else " dl-lead"
    statements = "".join(
        _statement(turn.id, statement, citations, said_by, "" if place else lead)
        for place, statement in enumerate(answer.get("statements", ()))
    )
    return (
        f'<div class="dl-answer">{fell_back}{_short_answer(turn.id, answer, citations)}'
        f'<ul class="dl-statements">{statements}</ul>{_readings(turn.id, answer, citations)}'
        f"{_notes(notes)}{_cards(turn.id, citations)}</div>"
    )


def _notes(notes: Sequence[str]) -> str:
    return "".join(f'<p class="dl-note">{label(note)}</p>' for note in notes)


def _is_of_model(note: str, options: Values) -> bool:
    return "language model" in note or str(options.get("model") or "\n") in note


def _short_answer(turn_id: int, answer: Values, citations: Mapping[int, Values]) -> str:
    short = answer.get("short_answer")
    if not short:
        return ""
    number = short_citation(answer)
    mark = "" if number is None else marker(turn_id, citations[number])
    size = " dl-long" if len(short) > LARGE_CHARS else ""
    return f'<p class="dl-short{size}"><bdi>{words(short)}</bdi> {mark}</p>'


def _statement(
    turn_id: int,
    statement: Values,
    citations: Mapping[int, Values],
    said_by: Mapping[int, Values],
    kind: str,
) -> str:
    if statement["verdict"] == "unsupported":
        return _struck(statement)
    numbers = [number for number in statement["citations"] if number in citations]
    markers = "".join(marker(turn_id, citations[number]) for number in numbers)
    verdict = VERDICTS.get(statement["verdict"])
    mark = (
        f'<span class="dl-verdict dl-{words(statement["verdict"])}" title="{verdict[1]}">'
        f"{verdict[0]}</span>"
        if verdict
        else ""
    )
    about = [label(reason) for reason in reasons_of(statement)]
    for number in numbers:
        reading = said_by.get(number)
        if reading and reading["attribution"]:
            line = f"according to {label(_lower_the(reading['attribution']))}"
        else:
            line = ""
        told = " · ".join(part for part in (_when(citations[number], reading), line) if part)
        source = label(citations[number]["outlet"] or citations[number]["title"])
        entry = f'<span class="dl-source">{source}</span>' + (f" · {told}" if told else "")
        warning = FILE_STATES.get(citations[number]["file_state"])
        if warning:
            entry += f' · <span class="dl-warn">{warning}</span>'
        if entry not in about:
            about.append(entry)
    alike = told_alike(
        statement.get("independent_sources", 1), (citations[number]["path"] for number in numbers)
    )
    if alike:
        about.append(alike)
    beside = f'<p class="dl-about">{"<br>".join(about)}</p>' if about else ""
    return (
        f'<li class="dl-said{kind}"><p class="dl-statement"><bdi>{words(statement["text"])}</bdi> '
        f'<span class="dl-markers">{markers}</span>{mark}</p>{beside}</li>'
    )


def _struck(statement: Values) -> str:
    """Return a sentence that no article supports: shown, but not as said."""
    name, meaning = VERDICTS["unsupported"]
    why = "<br>".join(label(reason) for reason in reasons_of(statement)) or meaning
    return (
        f'<li class="dl-said dl-struck"><p class="dl-statement"><s>{words(statement["text"])}</s>'
        f' <span class="dl-verdict dl-unsupported" title="{meaning}">{name}</span></p>'
        f'<p class="dl-about">{why}</p></li>'
    )


def reasons_of(statement: Values) -> list[str]:
    """Return why a statement does not stand, in a line or two: what is missing is told together."""
    missing: list[str] = []
    others: list[str] = []
    for reason in statement.get("reasons") or ():
        if reason.endswith(_MISSING):
            what = reason.removesuffix(_MISSING)
            missing.append(f"the {what[4:]}" if what.startswith("The ") else what)
        else:
            others.append(reason)
    if not missing:
        return others[:2]
    # Names and numbers come before plain words: they are what makes a sentence false.
    missing.sort(key=lambda what: what.startswith("“"))
    more = len(missing) - MISSING_TOLD
    told = ", ".join(missing[:MISSING_TOLD]) + (f" and {more} more" if more > 0 else "")
    struck = statement["verdict"] == "unsupported"
    return [f"Not in the {'words nearest to it' if struck else 'cited words'}: {told}."]


def _readings(turn_id: int, answer: Values, citations: Mapping[int, Values]) -> str:
    readings = answer.get("readings") or ()
    told = DISAGREEMENTS.get(answer.get("disagreement") or "")
    if not told or len(readings) < 2:
        return ""
    rows = "".join(
        f'<tr><th scope="row"><bdi>{words(reading["value"])}</bdi></th>'
        f"<td>{_as_of(reading)}</td>"
        f"<td>{label(reading['attribution']) if reading['attribution'] else _nobody()}</td>"
        f"<td>{_where(turn_id, citations.get(int(reading['citation'])))}</td></tr>"
        for reading in newest_first(readings)
    )
    return (
        f'<section class="dl-readings" aria-label="{told[0]}"><h3>{told[0]}</h3>'
        f'<p class="dl-small">{told[1]}</p><div class="dl-scroll" role="region" tabindex="0"'
        ' aria-label="Readings, a table"><table><thead><tr>'
        '<th scope="col">Value</th><th scope="col">As of</th><th scope="col">According to</th>'
        f'<th scope="col">Where</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _nobody() -> str:
    return '<span class="dl-small">the article itself</span>'


def _as_of(reading: Values) -> str:
    if not reading["as_of"]:
        return '<span class="dl-small">no date given</span>'
    kind = reading["as_of_kind"]
    hint = ' <span class="dl-small">the article’s date</span>' if kind == "published" else ""
    return f'<time datetime="{words(reading["as_of"])}">{day(reading["as_of"])}</time>{hint}'


def _where(turn_id: int, citation: Values | None) -> str:
    if citation is None:
        return ""
    return f"{marker(turn_id, citation)} {label(citation['outlet'] or '')}"


def _when(citation: Values, reading: Values | None) -> str:
    if reading and reading["as_of"] and reading["as_of_kind"] == "stated":
        return f"as of {day(reading['as_of'])}"
    return day(citation["published"]) if citation["published"] else "undated"


def _cards(turn_id: int, citations: Mapping[int, Values]) -> str:
    """Return the sources: a card each, shown below the answer and when its marker is hovered."""
    if not citations:
        return ""
    sources: dict[str, list[Values]] = {}
    for citation in citations.values():
        sources.setdefault(citation["path"], []).append(citation)
    listed = "".join(
        f'<li><button type="button" class="dl-source-card" data-act="open"'
        f' data-turn="{turn_id}" data-number="{int(cited[0]["number"])}">'
        f'<span class="dl-source-title">{label(cited[0]["title"])}</span>'
        f'<span class="dl-small">{_source_line(cited[0])}</span></button></li>'
        for cited in sources.values()
    )
    cards = "".join(
        f'<div class="dl-card" role="tooltip" id="dl-card-{turn_id}-{int(c["number"])}" hidden>'
        f"<blockquote>{words(c['quote'])}</blockquote>"
        f'<p class="dl-source-title">{label(c["title"])}</p><p>{_source_line(c)}</p></div>'
        for c in citations.values()
    )
    return (
        f'<section class="dl-sources" aria-label="Articles cited"><h3>Articles cited</h3>'
        f"<ul>{listed}</ul></section>{cards}"
    )


def _source_line(citation: Values) -> str:
    parts = [label(citation["outlet"])] if citation["outlet"] else []
    parts.append(day(citation["published"]) if citation["published"] else "undated")
    return " · ".join(parts)


def _abstention(turn: ConversationTurn, span: Values) -> str:
    count = span.get("articles")
    told = dates(span.get("earliest"), span.get("latest"))
    some = span.get("dated", count) != count
    dated = f"; {int(span['dated'])} of them dated, {told}" if told and some else f", dated {told}"
    held = (
        f'<p class="dl-small">The archive holds {int(count)} article{"" if count == 1 else "s"}'
        f"{dated if told else ''}.</p>"
        if count is not None
        else ""
    )
    nearest = "".join(
        f'<li><button type="button" class="dl-source-card" data-act="open" data-turn="{turn.id}"'
        f' data-passage="{place}"><span class="dl-excerpt">{_near_words(hit)}</span>'
        f'<span class="dl-source-title">{label(hit["title"])}</span>'
        f'<span class="dl-small">{_source_line(hit)}</span></button></li>'
        for place, hit in enumerate(turn.nearest)
    )
    near = f'<h3>The nearest passages</h3><ul class="dl-near">{nearest}</ul>' if nearest else ""
    return (
        '<div class="dl-answer dl-abstained"><p class="dl-short">Not in these articles</p>'
        f'<p class="dl-reason">{label(turn.answer.get("reason") or "")}</p>{held}{near}</div>'
    )


def _reply(answer: Values) -> str:
    suggestions = "".join(
        f'<li><button type="button" class="dl-source-card" data-act="suggest"'
        f' data-question="{words(question)}">{label(question)}</button></li>'
        for question in answer.get("suggestions") or ()
    )
    listed = f'<ul class="dl-near">{suggestions}</ul>' if suggestions else ""
    return (
        f'<div class="dl-answer"><p class="dl-statement dl-replied">'
        f"{label(answer.get('reason') or '')}</p>{listed}</div>"
    )


def _near_words(hit: Values) -> str:
    """Return the sentences of a passage that come closest to the question, or its beginning."""
    return words(_excerpt(hit.get("excerpt") or hit["text"]))


def _excerpt(text: str, max_chars: int = 220) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= max_chars else flat[:max_chars].rsplit(" ", 1)[0] + " …"


def _asked_with(turn: ConversationTurn) -> str:
    told: list[str] = []
    options = turn.options
    if options.get("as_written"):
        told.append("Asked as written, without what came before")
    if options.get("as_of"):
        told.append(f"As of {day(options['as_of'])}")
    if options.get("articles"):
        told.append(f"Only in: {label(options['articles'])}")
    with_options = f'<p class="dl-small dl-asked">{" · ".join(told)}</p>' if told else ""
    return _searched(turn) + with_options


def _searched(turn: ConversationTurn) -> str:
    """Return the question that was searched for, where it is another than the one asked."""
    searched = turn.answer.get("standalone_question")
    if not searched or searched == turn.question:
        return ""
    return (
        f'<div class="dl-small dl-asked"><p>Searched for: <span class="dl-searched">'
        f'{label(searched)}</span> <button type="button" class="dl-quiet" data-act="change-search"'
        f' aria-controls="dl-search-{turn.id}" aria-expanded="false">Change</button></p>'
        f'<form class="dl-search" id="dl-search-{turn.id}" data-form="searched"'
        f' data-turn="{turn.id}" hidden><label>Search for exactly this'
        f' <textarea name="question" rows="2" maxlength="4000" required>{words(searched)}'
        '</textarea></label><button type="submit" class="dl-button">Ask</button></form></div>'
    )


def _tools(turn: ConversationTurn) -> str:
    answer = turn.answer
    ident = f'data-turn="{turn.id}"'
    copies = judge = facts = ""
    as_written = ' data-as-written="yes"' if turn.options.get("as_written") else ""
    if turn.outcome != "failed":
        copies = (
            f'<button type="button" class="dl-quiet" data-act="copy" {ident}>Copy</button>'
            f'<button type="button" class="dl-quiet" data-act="copy-markdown" {ident}>'
            "Copy as Markdown</button>"
            f'<pre hidden class="dl-copy">{words(answer_text(answer))}</pre>'
            f'<pre hidden class="dl-copy-markdown">{words(answer_markdown(answer))}</pre>'
        )
        judge = _judgement(turn)
    if turn.outcome == "answered":
        told: list[str] = []
        if not answer.get("abstained"):
            told.append(f"confidence {round(100 * float(answer.get('confidence', 0)))} %")
            generator = answer.get("generator")
            own = generator in (None, OWN_WORDS)
            told.append("the sources’ own words" if own else f"written by {label(generator)}")
        total_ms = (answer.get("timings_ms") or {}).get("total")
        if total_ms is not None:
            told.append(f"{float(total_ms) / 1000:.1f} s")
        facts = (
            '<p class="dl-small dl-facts" title="Of answers given at 80 %, four in five are right">'
            f"{' · '.join(told)}</p>"
        )
    return (
        f'<footer class="dl-tools"><div class="dl-buttons">{copies}'
        f'<button type="button" class="dl-quiet" data-act="retry" {ident}'
        f' data-question="{words(turn.question)}"{as_written}>Ask again</button>{judge}</div>'
        f"{facts}</footer>"
    )


def _judgement(turn: ConversationTurn) -> str:
    ident = f'data-turn="{turn.id}"'
    reasons = "".join(
        f'<label><input type="radio" name="dl-reason-{turn.id}" value="{reason}"> {reason}</label>'
        for reason in REASONS
    )
    more = (
        '<label>More, if you like <textarea name="comment" rows="2" maxlength="4000"></textarea>'
        '</label><button type="submit" class="dl-button">Send</button>'
    )
    # An opinion counts at once; the words to it may follow.
    praise = (
        '<details class="dl-praise"><summary>Kept as a good answer. Say why, if you like</summary>'
        f'<form class="dl-judge" data-form="feedback" data-liked="yes" {ident}>{more}</form>'
        "</details>"
    )
    kept = (
        f'<p class="dl-small dl-kept">Kept with it: {label(turn.comment)}</p>'
        if turn.comment
        else ""
    )
    return (
        f'<button type="button" class="dl-quiet" data-act="like" {ident}'
        f' aria-pressed="{"true" if turn.liked is True else "false"}">Good answer</button>'
        f'<button type="button" class="dl-quiet" data-act="dislike" {ident}'
        f' aria-pressed="{"true" if turn.liked is False else "false"}"'
        f' aria-controls="dl-judge-{turn.id}">Bad answer</button>'
        f'<form class="dl-judge" id="dl-judge-{turn.id}" data-form="feedback" {ident} hidden>'
        f"<fieldset><legend>What is wrong with it?</legend>{reasons}</fieldset>{more}</form>"
        f"{praise if turn.liked and not turn.comment else ''}{kept}"
    )


def _credit(citation: Values) -> str:
    parts = [citation["title"], citation["outlet"], citation["published"] or "undated"]
    return ", ".join(str(part) for part in parts if part)


def _lower_the(attribution: str) -> str:
    return "the " + attribution[4:] if attribution.startswith("The ") else attribution


def asked_at(turn: ConversationTurn) -> str:
    """Return when a question was asked, for exports: ``2025-07-24 16:02 UTC``."""
    return dt.datetime.fromisoformat(turn.asked_at).strftime("%Y-%m-%d %H:%M UTC")
