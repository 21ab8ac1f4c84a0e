"""A prompt -> text, word by word, from any language model; the one seam to them.

Two ways in: an OpenAI-compatible address, and any LlamaIndex ``LLM`` object. Either runs on an
event loop in a thread of its own, so that the asking side waits no longer than it chose to, and
stopping closes the connection at once, which is what makes a server free its slot.

The address is spoken to with httpx alone: a stop from another thread, a limit of its own for the
first token, and a ``Retry-After`` that is honoured within the limits are not to be had from the
``openai`` client, and importing that and LlamaIndex costs a command line two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import queue
import random
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

from rag.errors import ModelUnavailableError

MAX_RETRIES = 2
MAX_RETRY_AFTER_S = 10.0
CONNECT_S = 1.5
PROBE_S = 2.0
HEARTBEAT_S = 0.1
_MAX_BODY_BYTES = 4_000_000
_STOP_WAIT_S = 0.15
# Of an answer's length in characters for a length in tokens: no tokenizer is known here.
_CHARACTERS_A_TOKEN = 8

Finish = Literal["stop", "length", "cut"]


class LanguageModelError(ModelUnavailableError):
    """The language model cannot be reached, refuses, is too slow, or speaks no known protocol."""


class NotReachableError(LanguageModelError):
    """Nobody answers at the language model's address; asking again would take as long."""


class ContextTooLongError(LanguageModelError):
    """The prompt is longer than the model can read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait and how much to take.

    Attributes:
        first_token_s: From the request to the first token, retries included.
        token_s: From one token to the next.
        total_s: For everything.
        max_tokens: Of the answer.
    """

    first_token_s: float = 60.0
    token_s: float = 15.0
    total_s: float = 180.0
    max_tokens: int = 600

    @property
    def max_characters(self) -> int:
        """Return where the answer is cut off, whatever the model was told."""
        return self.max_tokens * _CHARACTERS_A_TOKEN


class LanguageModel(Protocol):
    """Writes text.

    Attributes:
        name: What the answer says it was written by.
        where: Where the words go: an address, or ``this program``.
    """

    @property
    def name(self) -> str:
        """Return what the answer says it was written by."""

    @property
    def where(self) -> str:
        """Return where the words go."""

    def write(self, system: str, prompt: str, limits: Limits) -> TextStream:
        """Start writing; the stream must be closed."""


class TextStream:
    """Text as a language model writes it. Close it to stop the model.

    Iterating yields text, and None every tenth of a second in which nothing came, so that whoever
    reads it can turn to other things, stopping for one.

    Args:
        produce: Starts the work; runs on the stream's own event loop.
        limits: How long to wait and how much to take.
        name: Of the model, for messages.

    Attributes:
        finish: ``stop`` once the model has said that it is done, ``length`` if it met a limit on
            the answer's length, ``cut`` if it ended without a word.
    """

    def __init__(
        self,
        produce: Callable[[_Said], AsyncIterator[str]],
        limits: Limits,
        name: str,
    ) -> None:
        self.finish: Finish = "cut"
        self._produce = produce
        self._limits = limits
        self._name = name
        self._said = _Said()
        self._words: queue.Queue[str | BaseException | None] = queue.Queue()
        self._closed = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="language-model", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[str | None]:
        """Yield text, or None where nothing came for a while.

        Raises:
            LanguageModelError: If the model fails, or one of the limits passes.
        """
        taken = 0
        last = self._started
        first = True
        while True:
            try:
                item = self._words.get(timeout=HEARTBEAT_S)
            except queue.Empty:
                self._check_time(last, first)
                yield None
                continue
            if item is None:
                self.finish = self._said.finish
                return
            if isinstance(item, BaseException):
                raise item
            first, last = False, time.monotonic()
            self._check_time(last, first)
            taken += len(item)
            if taken > self._limits.max_characters:
                yield item[: max(0, len(item) - (taken - self._limits.max_characters))]
                self.finish = "length"
                self.close()
                return
            yield item

    def _check_time(self, last: float, first: bool) -> None:
        now = time.monotonic()
        allowed = self._limits.first_token_s if first else self._limits.token_s
        if now - last > allowed:
            self.close()
            what = "began no answer" if first else "said nothing more"
            raise LanguageModelError(
                f"The language model {self._name} {what} within {allowed:g} s.",
                remedy="Raise llm_first_token_s or llm_token_s, or see whether it is overloaded.",
            )
        if now - self._started > self._limits.total_s:
            self.close()
            raise LanguageModelError(
                f"The language model {self._name} was not done within {self._limits.total_s:g} s.",
                remedy="Raise llm_timeout_s, or lower llm_max_tokens.",
            )

    @property
    def usage(self) -> dict[str, int]:
        """Return the ``prompt_tokens`` and ``completion_tokens`` that the model reports, if any."""
        return dict(self._said.usage)

    def close(self) -> None:
        """Stop the model; returns within 200 ms whatever it does."""
        if self._closed.is_set():
            return
        self._closed.set()
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            self._loop.call_soon_threadsafe(self._cancel)
        if threading.current_thread() is not self._thread:
            self._thread.join(_STOP_WAIT_S)

    def __enter__(self) -> TextStream:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._pump())
        finally:
            with contextlib.suppress(RuntimeError):
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _pump(self) -> None:
        self._task = asyncio.current_task()
        words = self._produce(self._said)
        try:
            async for text in words:
                if self._closed.is_set():
                    break
                if text:
                    self._words.put(text)
            self._words.put(None)
        except asyncio.CancelledError:
            self._words.put(None)
        except LanguageModelError as error:
            self._words.put(error)
        except Exception as error:  # noqa: BLE001 - the edge to foreign code, and to a thread
            self._words.put(_failed(self._name, error))
        finally:
            close = getattr(words, "aclose", None)
            if close is not None:
                with contextlib.suppress(Exception, asyncio.CancelledError):
                    await close()


@dataclass(slots=True)
class _Said:
    """What the model said of its own end, and of the tokens that it read and wrote."""

    finish: Finish = "cut"
    usage: dict[str, int] = field(default_factory=dict)


def _failed(name: str, error: Exception) -> LanguageModelError:
    told = " ".join(str(error).split())[:200] or type(error).__name__
    return LanguageModelError(
        f"The language model {name} failed: {clean(told)}.",
        remedy="Ask without it (--extractive), or see to the model.",
    )


# --- an address -----------------------------------------------------------------------------------


class OpenAICompatible:
    """A model behind an OpenAI-compatible address: Ollama, llama.cpp, vLLM, LM Studio, or hosted.

    Args:
        base_url: Up to and with ``/v1``.
        model: What the server calls it.
        api_key: Sent as a bearer token, never shown.
    """

    def __init__(self, base_url: str, model: str, api_key: str | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._model = model
        self._api_key = api_key

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self._model

    @property
    def where(self) -> str:
        """Return the address, without anything secret in it."""
        parts = urlsplit(self._base_url)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"

    @property
    def is_here(self) -> bool:
        """Say whether the address is this machine, so that no word leaves it."""
        host = urlsplit(self._base_url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def write(self, system: str, prompt: str, limits: Limits) -> TextStream:
        """Start writing."""
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": prompt},
            ],
            "max_tokens": limits.max_tokens,
            "temperature": 0,
            "stream": True,
        }
        return TextStream(lambda said: self._words(body, limits, said), limits, self._model)

    def problem(self, timeout_s: float = PROBE_S) -> str | None:
        """Return why the address does not answer, or None if it does."""
        import httpx

        try:
            with httpx.Client(
                timeout=timeout_s, trust_env=not self.is_here, headers=self._headers()
            ) as client:
                response = client.get(f"{self._base_url}/models")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return self._unreachable(error).problem
        if response.status_code in (401, 403):
            return f"{self.where} refuses the key (HTTP {response.status_code})."
        if response.status_code >= 500 or response.status_code == 429:
            return f"{self.where} says HTTP {response.status_code}."
        try:
            known = [str(item["id"]) for item in response.json()["data"]]
        except (ValueError, KeyError, TypeError):
            return None  # It answers; not every server lists its models.
        # A server with one model often takes any name for it.
        if len(known) > 1 and not any(
            self._model in (one, one.removesuffix(":latest")) for one in known
        ):
            some = clean(", ".join(known[:5]))
            return f"{self.where} does not know the model {self._model}; it has {some}."
        return None

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_key}"} if self._api_key else {}

    def _unreachable(self, error: Exception) -> NotReachableError:
        told = " ".join(str(error).split())[:120] or type(error).__name__
        return NotReachableError(
            f"The language model is not reachable at {self.where}: {clean(told)}.",
            remedy="Start it, mend llm_base_url, or ask without it (--extractive).",
        )

    async def _words(self, body: dict[str, Any], limits: Limits, said: _Said) -> AsyncIterator[str]:
        import httpx

        deadline = time.monotonic() + limits.first_token_s
        timeout = httpx.Timeout(limits.total_s, connect=CONNECT_S)
        async with httpx.AsyncClient(
            timeout=timeout, trust_env=not self.is_here, headers=self._headers()
        ) as client:
            for attempt in range(MAX_RETRIES + 1):
                try:
                    async with client.stream(
                        "POST", f"{self._base_url}/chat/completions", json=body
                    ) as response:
                        if response.status_code == 200:
                            async for text in self._read(response, said):
                                yield text
                            return
                        text = (await _some_of(response)).decode("utf-8", "replace")
                        pause = _pause_before_retry(response, attempt)
                except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
                    raise self._unreachable(error) from error
                except httpx.UnsupportedProtocol as error:
                    raise self._unreachable(error) from error
                except httpx.HTTPError as error:
                    raise LanguageModelError(
                        f"The connection to {self.where} broke: "
                        f"{clean(str(error)) or type(error).__name__}.",
                        remedy="Ask again, or see to the model's server.",
                    ) from error
                if pause is None or attempt == MAX_RETRIES or time.monotonic() + pause >= deadline:
                    raise self._refused(response.status_code, text)
                await asyncio.sleep(pause)

    def _refused(self, status: int, text: str) -> LanguageModelError:
        told = _error_message(text)
        if status in (400, 413) and re.search(
            r"context|too long|maximum.{0,20}(?:length|tokens)|exceed", told, re.IGNORECASE
        ):
            return ContextTooLongError(
                f"The question with its passages is too long for {self._model}.",
                remedy="Lower llm_passages, or start the model with a longer context.",
            )
        remedy = {
            401: "Give the right key in RAG_LLM_API_KEY.",
            403: "Give the right key in RAG_LLM_API_KEY.",
            404: "Mend llm_model or llm_base_url; the address usually ends in /v1.",
            429: "It is busy; ask again later, or without it (--extractive).",
        }.get(status, "See to the model's server, or ask without it (--extractive).")
        said = f": {told}" if told else ""
        return LanguageModelError(
            f"The language model {self._model} at {self.where} answers HTTP {status}{said}.",
            remedy=remedy,
        )

    async def _read(self, response: Any, said: _Said) -> AsyncIterator[str]:
        """Yield the text of a streamed answer, or of one that came whole."""
        kind = response.headers.get("content-type", "")
        if "text/event-stream" not in kind:
            whole = await _some_of(response)
            yield self._whole(whole, said)
            return
        taken = 0
        async for line in _lines(response):
            taken += len(line)
            if taken > _MAX_BODY_BYTES:
                said.finish = "length"
                return
            if not line.startswith("data:"):
                continue
            data = line[5:].strip()
            if data == "[DONE]":
                if said.finish == "cut":
                    said.finish = "stop"
                return
            yield self._delta(data, said)

    def _delta(self, data: str, said: _Said) -> str:
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            raise self._garbage() from None
        if not isinstance(event, dict):
            raise self._garbage()
        if event.get("error"):
            raise self._refused(500, json.dumps(event))
        said.usage = _usage(event) or said.usage
        choices = event.get("choices")
        if not choices:
            return ""  # A last event may carry figures alone.
        try:
            choice = choices[0]
            finish = choice.get("finish_reason")
            content = (choice.get("delta") or choice.get("message") or {}).get("content")
        except (AttributeError, TypeError, KeyError, IndexError):
            raise self._garbage() from None
        if finish:
            said.finish = "length" if finish == "length" else "stop"
        if content is None:
            return ""
        if not isinstance(content, str):
            raise self._garbage()
        return content

    def _whole(self, body: bytes, said: _Said) -> str:
        try:
            event = json.loads(body)
            choice = event["choices"][0]
            content = choice["message"]["content"]
        except (ValueError, KeyError, TypeError, IndexError, RecursionError):
            raise self._garbage() from None
        if not isinstance(content, str):
            raise self._garbage()
        said.finish = "length" if choice.get("finish_reason") == "length" else "stop"
        said.usage = _usage(event)
        return content

    def _garbage(self) -> LanguageModelError:
        return LanguageModelError(
            f"What {self.where} answers is no answer of a language model.",
            remedy="Mend llm_base_url; the address usually ends in /v1.",
        )


def _usage(event: dict[str, Any]) -> dict[str, int]:
    """Return the tokens that an event counts; some servers add them to their last one."""
    told = event.get("usage")
    if not isinstance(told, dict):
        return {}
    counts = {name: told.get(name) for name in ("prompt_tokens", "completion_tokens")}
    # A bool is an int to Python.
    sound = all(type(count) is int and 0 <= count < 2**53 for count in counts.values())
    return (
        {name: int(count) for name, count in counts.items() if count is not None} if sound else {}
    )


async def _some_of(response: Any) -> bytes:
    """Return the body, or its beginning where it is absurdly long."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            break
    return bytes(body)


async def _lines(response: Any) -> AsyncIterator[str]:
    """Yield lines; one without an end is cut at the limit, and half a character is replaced."""
    rest = b""
    async for chunk in response.aiter_bytes():
        rest += chunk
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace").rstrip("\r")
        if len(rest) > _MAX_BODY_BYTES:
            return
    if rest:
        yield rest.decode("utf-8", "replace")


def _pause_before_retry(response: Any, attempt: int) -> float | None:
    """Return how long to wait before asking again; None if that would not help."""
    if response.status_code != 429 and response.status_code < 500:
        return None
    told = response.headers.get("retry-after", "")
    if re.fullmatch(r"\d{1,6}(?:\.\d+)?", told.strip()):
        wanted = float(told)
        return wanted + random.uniform(0, 0.1) if wanted <= MAX_RETRY_AFTER_S else None
    return float(2**attempt) * random.uniform(0.25, 0.5)


def _error_message(text: str) -> str:
    with contextlib.suppress(ValueError, RecursionError):
        body = json.loads(text)
        error = body.get("error", body) if isinstance(body, dict) else body
        text = str(error.get("message", "")) if isinstance(error, dict) else str(error)
    if "<" in text:
        return ""  # An HTML page says nothing that helps here.
    return clean(" ".join(text.split())[:200]).rstrip(".")


# --- a LlamaIndex object --------------------------------------------------------------------------


class LlamaIndexModel:
    """Any LlamaIndex ``LLM`` object as a language model.

    Args:
        llm: The object.
    """

    def __init__(self, llm: Any) -> None:
        self._llm = llm

    @property
    def name(self) -> str:
        """Return what the object calls its model."""
        metadata = getattr(self._llm, "metadata", None)
        name = str(getattr(metadata, "model_name", "") or "")
        return clean(name) if name and name != "unknown" else type(self._llm).__name__

    @property
    def where(self) -> str:
        """Say that the words go to an object of this program."""
        return "this program"

    def write(self, system: str, prompt: str, limits: Limits) -> TextStream:
        """Start writing."""
        return TextStream(lambda said: self._words(system, prompt, limits, said), limits, self.name)

    async def _words(
        self, system: str, prompt: str, limits: Limits, said: _Said
    ) -> AsyncIterator[str]:
        from llama_index.core.llms import ChatMessage

        messages = [
            ChatMessage(role="system", content=system),
            ChatMessage(role="user", content=prompt),
        ]
        try:
            stream = await self._llm.astream_chat(messages)
        except NotImplementedError:
            stream = _as_async(self._llm.stream_chat(messages))
        told = ""
        async for response in stream:
            delta = response.delta
            if delta is None:
                # Some give the text so far and no difference.
                whole = str(response.message.content or "")
                delta = whole.removeprefix(told)
            told += delta
            yield delta
            await asyncio.sleep(0)  # The place where a stop takes hold.
        said.finish = "stop"


async def _as_async(items: Any) -> AsyncIterator[Any]:
    try:
        for item in items:
            yield item
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


# --- which one ------------------------------------------------------------------------------------


def open_model(
    model: Any, *, base_url: str = "", name: str = "", api_key: str | None = None
) -> LanguageModel | None:
    """Return the language model to write with, or None for none.

    Args:
        model: None for what the settings say; False or ``"extractive"`` for none; another string
            for a model of the configured address; a LlamaIndex ``LLM``, or a
            :class:`LanguageModel`.
        base_url: The configured address, empty for none.
        name: The configured model.
        api_key: Of the address.

    Raises:
        LanguageModelError: If a model is named and no address configured, or the object is none.
    """
    if model is False or model == "extractive":
        return None
    if model is None or isinstance(model, str):
        wanted = model or name
        if not base_url and model is None:
            return None
        if not base_url or not wanted:
            raise LanguageModelError(
                "No address of a language model is configured."
                if not base_url
                else "No language model is named.",
                remedy="Set llm_base_url and llm_model in rag.toml, or RAG_LLM_BASE_URL and "
                "RAG_LLM_MODEL.",
            )
        return OpenAICompatible(base_url, wanted, api_key)
    if hasattr(model, "write") and hasattr(model, "where"):
        found: LanguageModel = model
        return found
    if hasattr(model, "stream_chat"):
        return LlamaIndexModel(model)
    raise LanguageModelError(
        f"{type(model).__name__} is no language model.",
        remedy="Give a LlamaIndex LLM, a model's name, or False for the sources' own words.",
    )


def read_key(path: Path) -> str:
    """Return the key in a file.

    Raises:
        LanguageModelError: If it cannot be read or is empty.
    """
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise LanguageModelError(
            f"The key file {str(path)!r} cannot be read: {type(error).__name__}.",
            remedy="Mend llm_api_key_file, or set RAG_LLM_API_KEY.",
        ) from error
    if not key or "\n" in key:
        raise LanguageModelError(
            f"The key file {str(path)!r} does not hold one key on one line.",
            remedy="Mend the file, or set RAG_LLM_API_KEY.",
        )
    return key


_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)


def clean(text: str) -> str:
    """Return a model's text without what steers a terminal or hides from the eye.

    Control characters (but new lines and tabs), escape sequences, bidirectional marks, zero-width
    and tag characters, and halves of characters go.
    """
    return _STEERING.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))


__all__ = [
    "ContextTooLongError",
    "LanguageModel",
    "LanguageModelError",
    "Limits",
    "LlamaIndexModel",
    "NotReachableError",
    "OpenAICompatible",
    "TextStream",
    "clean",
    "open_model",
    "read_key",
]
