"""A conversation -> a file to keep: Markdown, JSON, or one HTML page with the quotes. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from rag.schema import short_citation
from ui.conversations import Conversation, ConversationTurn
from ui.markup import day, label, markdown, words
from ui.render import (
    DISAGREEMENTS,
    VERDICTS,
    answer_markdown,
    asked_at,
    is_reply,
    newest_first,
    reasons_of,
)

_STYLE = """
:root { color-scheme: light dark; }
body { font: 17px/1.55 Georgia, "Times New Roman", serif; max-width: 44rem; margin: 2rem auto;
  padding: 0 1rem; }
h1, h2 { line-height: 1.25; } h2 { margin-top: 2.5rem; border-top: 1px solid; padding-top: 1rem; }
small, .about { font: 14px/1.45 system-ui, sans-serif; opacity: .8; }
blockquote { margin: .25rem 0; padding-left: .8rem; border-left: 3px solid #b58900; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid #8888; } bdi, blockquote, td, th { unicode-bidi: isolate; }
"""


def to_markdown(conversation: Conversation) -> str:
    """Return the conversation as Markdown, each answer with its quotes."""
    parts = [f"# {markdown(conversation.name)}"]
    for turn in conversation.turns:
        parts.append(f"## {markdown(turn.question)}")
        parts.append(f"*Asked {asked_at(turn)}*")
        parts.append(_problem(turn) or answer_markdown(turn.answer))
        if turn.outcome == "stopped":
            parts.append("*Stopped here.*")
    return "\n\n".join(part for part in parts if part) + "\n"


def to_json(conversation: Conversation) -> str:
    """Return the conversation as JSON: each turn with the answer as ``rag ask --json`` has it."""
    value = {
        "name": conversation.name,
        "created_at": conversation.created_at,
        "turns": [
            {
                "question": turn.question,
                "asked_at": turn.asked_at,
                "options": dict(turn.options),
                "outcome": turn.outcome,
                "answer": dict(turn.answer),
            }
            for turn in conversation.turns
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def to_html(conversation: Conversation) -> str:
    """Return the conversation as one page that needs nothing else: no script, no link, no image."""
    turns = "".join(_turn(turn) for turn in conversation.turns)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{label(conversation.name)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{label(conversation.name)}</h1>{turns}</main></body></html>\n"
    )


EXPORTS: dict[str, tuple[str, Callable[[Conversation], str]]] = {
    "md": ("text/markdown; charset=utf-8", to_markdown),
    "json": ("application/json; charset=utf-8", to_json),
    "html": ("text/html; charset=utf-8", to_html),
}
"""File suffix -> content type and what writes it."""


def _problem(turn: ConversationTurn) -> str | None:
    return markdown(turn.answer.get("problem", "")) if turn.outcome == "failed" else None


def _turn(turn: ConversationTurn) -> str:
    answer = turn.answer
    head = f"<h2>{label(turn.question)}</h2><p><small>Asked {asked_at(turn)}</small></p>"
    if turn.outcome == "failed":
        return f"<section>{head}<p>{label(answer.get('problem', ''))}</p></section>"
    if answer.get("abstained"):
        reason = label(answer.get("reason") or "")
        calm = "" if is_reply(answer) else "<strong>Not in these articles.</strong> "
        return f"<section>{head}<p>{calm}{reason}</p></section>"
    short = answer.get("short_answer")
    number = short_citation(answer)
    held = "" if number is None else _marker(turn, number)
    lead = f"<p><strong><bdi>{words(short)}</bdi></strong>{held}</p>" if short else ""
    stopped = "<p><small>Stopped here.</small></p>" if turn.outcome == "stopped" else ""
    statements = "".join(_statement(turn, statement) for statement in answer["statements"])
    cited = "".join(_citation(turn, citation) for citation in answer["citations"])
    return (
        f"<section>{head}{lead}{statements}{stopped}{_readings(answer)}<ol>{cited}</ol></section>"
    )


def _statement(turn: ConversationTurn, statement: dict[str, Any]) -> str:
    markers = "".join(_marker(turn, number) for number in statement["citations"])
    verdict = VERDICTS.get(statement["verdict"])
    why = "".join(f": {label(reason)}" for reason in reasons_of(statement)[:1])
    mark = f" <small>({verdict[0]}{why})</small>" if verdict else ""
    tag = "s" if statement["verdict"] == "unsupported" else "bdi"
    return f"<p><{tag}>{words(statement['text'])}</{tag}>{markers}{mark}</p>"


def _marker(turn: ConversationTurn, number: int) -> str:
    return f' <a href="#c{turn.id}-{int(number)}">[{int(number)}]</a>'


def _readings(answer: Any) -> str:
    told = DISAGREEMENTS.get(answer.get("disagreement") or "")
    if not told or not answer["readings"]:
        return ""
    rows = "".join(
        f"<tr><td>{words(reading['value'])}</td><td>{day(reading['as_of'])}</td>"
        f"<td>{label(reading['attribution'] or '')}</td><td>[{int(reading['citation'])}]</td></tr>"
        for reading in newest_first(answer["readings"])
    )
    return (
        f"<h3>{told[0]}</h3><table><tr><th>Value</th><th>As of</th><th>According to</th>"
        f"<th>Citation</th></tr>{rows}</table>"
    )


def _citation(turn: ConversationTurn, citation: dict[str, Any]) -> str:
    parts = [citation["title"], citation["outlet"], citation["published"] or "undated"]
    credit = " · ".join(label(part) for part in parts if part)
    return (
        f'<li id="c{turn.id}-{int(citation["number"])}" value="{int(citation["number"])}">'
        f"<blockquote>{words(citation['quote'])}</blockquote>"
        f'<p class="about">{credit}<br>{label(citation["path"])}, characters'
        f" {int(citation['start'])} to {int(citation['end'])}</p></li>"
    )
