"""Language models for tests: LlamaIndex objects that say what they are told to."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from llama_index.core.llms import CompletionResponse, CustomLLM, LLMMetadata
from pydantic import PrivateAttr


class ScriptedLLM(CustomLLM):
    """Says a text, or what a function makes of the prompt, in pieces.

    Attributes:
        text: What it says.
        pause_s: Between two pieces.
        fails_after: Raises after so many pieces; never if negative.
    """

    text: str = ""
    pause_s: float = 0.0
    fails_after: int = -1
    _reply: Callable[[str], str] | None = PrivateAttr(default=None)
    _prompts: list[str] = PrivateAttr(default_factory=list)
    _stopped: threading.Event = PrivateAttr(default_factory=threading.Event)

    def replying(self, reply: Callable[[str], str]) -> ScriptedLLM:
        self._reply = reply
        return self

    @property
    def prompts(self) -> list[str]:
        return self._prompts

    @property
    def stopped(self) -> threading.Event:
        """Set when the stream was closed or ran to its end."""
        return self._stopped

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(model_name="scripted")

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        raise AssertionError("answers are streamed")

    def stream_complete(
        self, prompt: str, formatted: bool = False, **kwargs: Any
    ) -> Iterator[CompletionResponse]:
        self._prompts.append(prompt)
        text = self._reply(prompt) if self._reply else self.text
        said = ""
        try:
            for number, piece in enumerate(re.findall(r"\S*\s*", text)):
                if number == self.fails_after:
                    raise RuntimeError("the wire is cut")
                said += piece
                yield CompletionResponse(text=said, delta=piece)
                if self.pause_s:
                    time.sleep(self.pause_s)
        finally:
            self._stopped.set()
