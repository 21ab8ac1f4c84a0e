"""OpenAI's chat form <-> questions and answers: messages become a history, answers completions.

The answer's text carries readable citations; the same message carries them structured, as
``citations`` and, whole, as ``dateline``. Chat clients show the text as Markdown, so whatever in an
article would become an image, a link or a tag there is escaped; the structured words are exact.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.errors import UsageError
from rag.ledger import shown
from rag.schema import Answer, Citation, Event, Finished, StatementWritten, Turn, iso

MODEL = "dateline"
MAX_MESSAGES = 4000
_SOURCES = "\n\nSources:\n"
_MARKER = re.compile(r"\[\d+\]")
_QUOTE_CHARACTERS = 300
_LIVELY = re.compile(r"(?<=!)\[|(?<=\])[(\[]|<(?=[A-Za-z/!?])")


class Part(BaseModel):
    """A piece of a message; only text is understood."""

    model_config = ConfigDict(extra="ignore")
    type: str
    text: str = ""


class Message(BaseModel):
    """A message of the conversation."""

    model_config = ConfigDict(extra="ignore")
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None

    @property
    def text(self) -> str:
        """What the message says."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class StreamOptions(BaseModel):
    """What a streaming client wants besides."""

    model_config = ConfigDict(extra="ignore")
    include_usage: bool | None = False


class CompletionRequest(BaseModel):
    """A chat completion as OpenAI's clients ask for it.

    ``temperature``, ``max_tokens`` and the like are accepted and mean nothing here, as do system
    messages: what an answer may rest on is not up for instruction.
    """

    model_config = ConfigDict(extra="ignore")
    model: str
    messages: list[Message] = Field(min_length=1, max_length=MAX_MESSAGES)
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = Field(default=1, ge=1, le=1, description="One answer; there is only one.")
    as_of: str | None = Field(default=None, description="Only what was published by then counts.")
    paths: list[str] | None = Field(default=None, description="Only these articles or folders.")


def conversation_of(messages: Sequence[Message]) -> tuple[str, list[Turn]]:
    """Return the question that is asked and the turns before it.

    Raises:
        UsageError: If the last message is not a user's.
    """
    spoken = [message for message in messages if message.role in ("user", "assistant")]
    if not spoken or messages[-1].role != "user":
        raise UsageError(
            "The last message is no question.", remedy="End with a message of the role `user`."
        )
    history: list[Turn] = []
    asked: str | None = None
    for message in spoken[:-1]:
        if message.role == "user":
            if asked:
                history.append(Turn(asked))
            asked = message.text
        elif asked:
            # The sources that we listed are not what was said, and words that cite nothing are an
            # abstention or another model's.
            said = message.text.partition(_SOURCES)[0]
            history.append(Turn(asked, said if _MARKER.search(said) else ""))
            asked = None
    if asked:
        history.append(Turn(asked))
    return spoken[-1].text, history


def content_of(answer: Answer) -> str:
    """Return the answer as a chat message: statements with ``[n]``, then the sources."""
    if answer.abstained:
        lines = [answer.text, *(f"- {question}" for question in answer.suggestions)]
        return _inert("\n".join(lines))
    statements = (_inert(statement.marked) for statement in answer.statements)
    return "\n\n".join(statements) + _sources(answer)


def completion(answer: Answer) -> dict[str, Any]:
    """Return the answer as a chat completion."""
    return {
        "id": _new_id(),
        "object": "chat.completion",
        "created": int(time.time()),
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": content_of(answer),
                    "refusal": None,
                    **_structured(answer),
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        **_usage(answer),
    }


class Chunks:
    """Events of one answer -> the chunks of a streamed completion."""

    def __init__(self, *, include_usage: bool = False) -> None:
        self._id = _new_id()
        self._created = int(time.time())
        self._include_usage = include_usage
        self._written = ""
        self._begun = False

    def of(self, event: Event) -> Iterator[dict[str, Any]]:
        """Yield the chunks that tell of an event."""
        if not self._begun:
            self._begun = True
            yield self._chunk({"role": "assistant", "content": ""})
        if isinstance(event, StatementWritten):
            gap = "\n\n" if self._written else ""
            yield self._say(gap + _inert(event.statement.marked))
        elif isinstance(event, Finished):
            whole = content_of(event.answer)
            if whole.startswith(self._written):
                rest = whole[len(self._written) :]
            else:
                # What was written is not what the answer came to.
                rest = f"\n\nThe answer after all checks:\n\n{whole}"
            if rest:
                yield self._say(rest)
            yield self._chunk(_structured(event.answer), finish_reason="stop")
            if self._include_usage and event.answer.usage:
                yield {**self._chunk({}), "choices": [], **_usage(event.answer)}

    def _say(self, text: str) -> dict[str, Any]:
        self._written += text
        return self._chunk({"content": text})

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": MODEL,
            "choices": [
                {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
            ],
        }


def models(created: int) -> list[dict[str, Any]]:
    """Return the models that can be named in a request.

    Args:
        created: When the server started, in seconds since 1970.
    """
    return [{"id": MODEL, "object": "model", "created": created, "owned_by": MODEL}]


def _usage(answer: Answer) -> dict[str, Any]:
    """Return what a language model counted; the field may be absent, and a guess is no count."""
    if not answer.usage:
        return {}
    total = answer.usage["prompt_tokens"] + answer.usage["completion_tokens"]
    return {"usage": {**answer.usage, "total_tokens": total}}


def _structured(answer: Answer) -> dict[str, Any]:
    whole = answer.to_dict()
    return {"citations": whole["citations"], "dateline": whole}


def _sources(answer: Answer) -> str:
    lines = [_source(citation) for citation in answer.citations]
    return _SOURCES + "\n".join(lines) if lines else ""


def _source(citation: Citation) -> str:
    quote = " ".join(citation.quote.split())
    if len(quote) > _QUOTE_CHARACTERS:
        quote = quote[: _QUOTE_CHARACTERS - 1].rstrip() + "…"
    outlet = f"{citation.outlet}, " if citation.outlet else ""
    day = iso(citation.published) or "undated"
    return (
        f"[{citation.number}] {_inert(shown(citation.path))}:{citation.start}-{citation.end} "
        f"({_inert(outlet)}{day}): “{_inert(quote)}”"
    )


def _inert(text: str) -> str:
    """Return text that a Markdown reader shows, without images, links or tags in it."""
    return _LIVELY.sub(lambda match: "\\" + match.group(), text)


def _new_id() -> str:
    return f"chatcmpl-{uuid.uuid4().hex}"
