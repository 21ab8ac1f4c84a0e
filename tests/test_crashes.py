"""`rag index`, killed at random moments: nothing finished is lost, nothing is mended by hand."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import ROOT
from indexing_fakes import HashingEmbedder, article_text, write_articles

import rag
from rag.errors import IndexIncompleteError, IndexMissingError

CHILD = Path(__file__).parent / "crash_child.py"
# What one run may embed and not have stored when it is killed: a batch and the file that fills it.
IN_FLIGHT = 64 + 8
KILLS = int(os.environ.get("CRASH_KILLS", "100"))

pytestmark = pytest.mark.slow


class Indexers:
    """Processes that index, each of which can be killed."""

    def __init__(self, errors: Path) -> None:
        self._errors = errors.open("w")
        self._server = subprocess.Popen(
            [sys.executable, str(CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def run(self, corpus: Path, index: Path, log: Path, *, kill_after_s: float | None) -> str:
        """Return ``done``, ``killed``, or the exit code of a run that failed."""
        assert self._server.stdin is not None
        self._server.stdin.write(f"{corpus}\t{index}\t{log}\n")
        self._server.stdin.flush()
        pid = int(self._line().removeprefix("pid "))
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            # The child stays a zombie until the server has waited for it, so this is no other.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        done = False
        while not (line := self._line()).startswith("ended "):
            done = done or line == "done"
        if done:
            return "done"
        status = line.removeprefix("ended ")
        return "killed" if status == "-9" else status

    def _line(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()

    def close(self) -> None:
        self._server.communicate()
        self._errors.close()


@pytest.mark.timeout(900)
def test_a_hundred_kills_lose_nothing_and_need_no_mending(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random_ = random.Random(20250724)
    corpus, index, log = tmp_path / "corpus", tmp_path / "index", tmp_path / "log"
    write_articles(corpus, 300)
    indexers = Indexers(tmp_path / "errors")
    started = time.monotonic()
    assert indexers.run(corpus, tmp_path / "whole", log, kill_after_s=None) == "done"
    whole_s = time.monotonic() - started

    kills = in_time = rounds = old_view = refused = embedded_again = 0
    lost: list[str] = []
    by_hand: list[str] = []
    while kills < KILLS:
        # A round begins with no index, or with changed, new and deleted files; is killed up to
        # five times at moments spread over a whole run; and is then run to its end.
        rounds += 1
        if not index.exists() or random_.random() < 0.5:
            shutil.rmtree(index, ignore_errors=True)
        else:
            for number in random_.sample(range(300), 100):
                (corpus / f"article_{number:04d}.txt").write_text(
                    article_text(random_.randrange(10_000, 1_000_000))
                )
        log.write_text("")
        generation_before = (index / "ledger.sqlite").exists()
        kills_of_round = 0
        while kills < KILLS and kills_of_round < 5:
            ended = indexers.run(corpus, index, log, kill_after_s=random_.uniform(0, whole_s))
            if ended == "done":
                in_time += 1
                break
            if ended != "killed":
                by_hand.append(f"a run after a kill ended with {ended}")
                break
            kills += 1
            kills_of_round += 1
            try:
                with rag.open_archive(index, embedding=HashingEmbedder()) as archive:
                    if len(archive.articles()) != 300 or not archive.search("boats on the pier"):
                        lost.append("a view of an index that was killed")
                old_view += 1
            except (IndexMissingError, IndexIncompleteError):
                refused += 1
                if generation_before:
                    lost.append("the generation before")
        ended = indexers.run(corpus, index, log, kill_after_s=None)
        if ended != "done":
            by_hand.append(f"the last run of a round ended with {ended}")
            break
        embedded = Counter(log.read_text().split())
        repeated = sum(count - 1 for count in embedded.values())
        embedded_again += max(0, repeated - kills_of_round * IN_FLIGHT)
        with rag.open_archive(index, embedding=HashingEmbedder()) as archive:
            for file in sorted(corpus.iterdir()):
                if archive.article(file.name).text != file.read_text(encoding="utf-8"):
                    lost.append(file.name)
            if rounds % 5 == 0 or kills >= KILLS:
                lost += archive.verify()
    indexers.close()

    with capsys.disabled():
        sys.stdout.write(
            f"\n{kills} kills hit a running indexer ({in_time} came too late) in {rounds} rounds; "
            f"a whole run takes {whole_s:.1f} s; after a kill {old_view} opened as a whole "
            f"generation, {refused} were told unfinished; {len(lost)} lost, {len(by_hand)} to mend "
            f"by hand, {embedded_again} passages embedded again beyond the batch in flight; "
            f"{time.monotonic() - started:.0f} s\n"
        )
    assert (lost, by_hand, embedded_again) == ([], [], 0), (tmp_path / "errors").read_text()[-2000:]


@pytest.mark.timeout(300)
def test_a_handful_of_kills_of_the_real_command_on_the_seeds(tmp_path: Path) -> None:
    random_ = random.Random(3)
    index = tmp_path / "index"
    command = [_rag(), "index", str(ROOT / "seeds"), "--index", str(index)]
    started = time.monotonic()
    subprocess.run([*command[:-1], str(tmp_path / "whole")], check=True, capture_output=True)
    whole_s = time.monotonic() - started
    kills = 0
    for _ in range(8):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            child.wait(random_.uniform(0.3, 1.0) * whole_s)
        except subprocess.TimeoutExpired:
            kills += 1
        child.kill()
        child.communicate()

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert kills >= 3
    assert done.returncode == 0, done.stderr
    verified = subprocess.run(
        [_rag(), "verify", "--index", str(index)], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout) == (0, "The index is sound.\n")
    with rag.open_archive(index) as archive:
        assert len(archive.articles()) == 5
        assert archive.ask("How many hostages remain?").statements


def test_of_two_commands_at_once_one_works_and_one_is_told_to_wait(tmp_path: Path) -> None:
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    write_articles(corpus, 40)
    command = [_rag(), "index", str(corpus), "--index", str(index)]
    both = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    ended = {child.pid: (*child.communicate(timeout=200), child.returncode) for child in both}

    assert sorted(code for _, _, code in ended.values()) == [0, 6]
    (worker,) = [pid for pid, (_, _, code) in ended.items() if code == 0]
    (told,) = [err for _, err, code in ended.values() if code == 6]
    assert f"Process {worker}" in told
    assert len(told.splitlines()) == 2
    with rag.open_archive(index) as archive:
        assert len(archive.articles()) == 40
        assert archive.verify() == []


@pytest.mark.parametrize(
    ("signal_", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_command_that_is_told_to_stop_keeps_what_it_finished(
    tmp_path: Path, signal_: signal.Signals, code: int
) -> None:
    corpus, index = tmp_path / "corpus", tmp_path / "index"
    write_articles(corpus, 120)
    command = [_rag(), "index", str(corpus), "--index", str(index)]
    # A test run that was itself started in the background would hand its deafness to SIGINT down.
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    ledger = index / "ledger.sqlite-wal"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (
        ledger.is_file() and ledger.stat().st_size > 200_000
    ):
        time.sleep(0.05)
    child.send_signal(signal_)
    _, err = child.communicate(timeout=60)

    assert child.returncode == code, err
    assert "Traceback" not in err
    assert "what was finished is kept" in err
    asked = subprocess.run(
        [_rag(), "ask", "How many boats?", "--index", str(index)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert asked.returncode == 4
    assert "articles are done" in asked.stderr
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    embedded = int(again.stdout.split(" passages embedded")[0].rsplit("(", 1)[1])
    passages = int(again.stdout.split(" passages:")[0].rsplit(" ", 1)[1])
    assert 0 < embedded < passages


def _rag() -> str:
    return str(Path(sys.executable).with_name("rag"))
