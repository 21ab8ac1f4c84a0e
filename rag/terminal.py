"""Indexing progress -> a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rag.schema import Progress, ProgressListener

_NAMES = {"reading": "Reading files", "embedding": "Embedding passages", "linking": "Linking"}
_LINE_EVERY_S = 5.0


@contextmanager
def index_progress(stream: TextIO) -> Iterator[ProgressListener]:
    """Give a listener that shows progress, with a rate and an estimate of the time left."""
    if not stream.isatty():
        yield _Lines(stream)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Rate(ProgressColumn):
        """Passages or files a second."""

        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed else "")

    with Bar(
        TextColumn("{task.description:18}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
        console=Console(file=stream),
        transient=True,
    ) as bar:
        tasks: dict[str, int] = {}

        def show(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bar.add_task(_NAMES[progress.stage], total=None)
            bar.update(
                tasks[progress.stage],  # type: ignore[arg-type]
                completed=progress.done,
                total=progress.total,
            )

        yield show


class _Lines:
    """A line at the start of each stage and every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._told = (-1, -1)
        self._started = self._last = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        at = (progress.done, progress.total)
        if progress.stage != self._stage:
            self._stage, self._started = progress.stage, now
        elif at == self._told or (
            now - self._last < _LINE_EVERY_S and progress.done < progress.total
        ):
            return
        self._told, self._last = at, now
        rate = progress.done / (now - self._started) if now > self._started else 0.0
        left = (progress.total - progress.done) / rate if rate else 0.0
        told = f", {rate:.1f}/s, about {left:.0f} s left" if left >= 1 else ""
        self._stream.write(f"{_NAMES[progress.stage]}: {progress.done} of {progress.total}{told}\n")
        self._stream.flush()
