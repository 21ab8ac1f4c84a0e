"""Answers that block -> events for many waiting callers, a few at a time.

A caller that goes away gives its place back: at once while it waits, and between two events while
its answer is being made.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from rag.errors import RagError

T = TypeVar("T")


class FullError(RagError):
    """Too many callers wait already."""


class Workers:
    """A few threads that answer, and a bounded line in front of them.

    Args:
        at_once: Answers that are made at the same time.
        waiting: Callers that may wait besides.
    """

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="answer")
        self._places = at_once + waiting
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """How many answers are being made or waited for."""
        with self._lock:
            return self._taken

    def begin(self, start: Callable[[], Iterable[T]]) -> Job[T]:
        """Get in line; must be called where an event loop runs.

        Args:
            start: Called on one of the threads; gives the events.

        Raises:
            FullError: If the line is full.
        """
        with self._lock:
            if self._taken >= self._places:
                raise FullError(
                    "The server answers as many questions as it can.",
                    remedy="Ask again in a few seconds.",
                )
            self._taken += 1
        job: Job[T] = Job(start, asyncio.get_running_loop())
        future = self._pool.submit(job.work)
        job.future = future
        future.add_done_callback(self._leave)
        return job

    def close(self) -> None:
        """Take no further questions."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _leave(self, future: Future[None]) -> None:
        with self._lock:
            self._taken -= 1


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None


class Job(Generic[T]):
    """One answer being made; its events can be read once."""

    def __init__(self, start: Callable[[], Iterable[T]], loop: asyncio.AbstractEventLoop) -> None:
        self.future: Future[None] | None = None
        self._start = start
        self._loop = loop
        self._events: asyncio.Queue[T | _Ended] = asyncio.Queue()
        self._dropped = threading.Event()

    def work(self) -> None:
        """Make the answer; runs on one of the threads."""
        if self._dropped.is_set():
            return
        error: BaseException | None = None
        try:
            events = iter(self._start())
            try:
                for event in events:
                    self._tell(event)
                    if self._dropped.is_set():
                        return
            finally:
                close = getattr(events, "close", None)
                if close is not None:
                    close()
        except BaseException as raised:  # noqa: BLE001 - raised again where the caller waits
            error = raised
        self._tell(_Ended(error))

    async def events(self) -> AsyncGenerator[T]:
        """Yield what the answer is made of.

        Raises:
            BaseException: Whatever the making of it raised.
        """
        try:
            while True:
                event = await self._events.get()
                if isinstance(event, _Ended):
                    if event.error is not None:
                        raise event.error
                    return
                yield event
        finally:
            self.drop()

    def drop(self) -> None:
        """Nobody waits any more: free the place."""
        self._dropped.set()
        if self.future is not None:
            self.future.cancel()

    def _tell(self, event: T | _Ended) -> None:
        with suppress(RuntimeError):  # the server has shut down meanwhile
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)
