"""Search caches: whatever happens to them, the ledger answers, and nothing is embedded again."""

from __future__ import annotations

import ctypes
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from indexing_fakes import HashingEmbedder, write_articles

import rag
from rag.caches import CACHES_FOLDER
from rag.vectors import ChromaVectors
from rag.verification import verify_index

QUESTION = "How many boats did the mayor count on pier 1 in town 3?"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a corpus and an index; copied, never changed."""
    folder = tmp_path_factory.mktemp("whole")
    write_articles(folder / "corpus", 8)
    rag.build(folder / "corpus", folder / "index", embedding=HashingEmbedder()).close()
    return folder


@pytest.fixture
def index(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "copy")
    return tmp_path / "copy" / "index"


def _caches(index: Path) -> Path:
    (folder,) = (index / CACHES_FOLDER).iterdir()
    return folder


def _files(index: Path) -> list[Path]:
    return sorted(file for file in _caches(index).rglob("*") if file.is_file())


def _found(index: Path) -> tuple[list[tuple[str, float]], dict[str, object]]:
    """Ask; what is found, and the status. Objects to embedding anything but the question."""
    embedder = HashingEmbedder()
    with rag.open_archive(index, embedding=embedder) as archive:
        hits = archive.search(QUESTION, limit=5)
        status = archive.status()
    assert embedder.passages == []
    return [(hit.passage.passage_id, round(hit.relevance, 4)) for hit in hits], status


@pytest.fixture(scope="module")
def expected(whole: Path) -> list[tuple[str, float]]:
    return _found(whole / "index")[0]


def test_the_right_passage_is_found_at_all(whole: Path) -> None:
    with rag.open_archive(whole / "index", embedding=HashingEmbedder()) as archive:
        assert archive.search(QUESTION)[0].passage.path == "article_0003.txt"


def _remove(file: Path) -> None:
    file.unlink()


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _halve(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


@pytest.mark.parametrize("damage", [_remove, _empty, _halve])
def test_a_file_that_is_gone_or_cut_off_is_noticed_and_the_caches_are_rebuilt(
    whole: Path, tmp_path: Path, expected: list[tuple[str, float]], damage: Callable[[Path], None]
) -> None:
    names = [file.relative_to(_caches(whole / "index")) for file in _files(whole / "index")]
    assert len(names) > 10
    for position, name in enumerate(names):
        index = tmp_path / str(position)
        shutil.copytree(whole / "index", index)
        file = _caches(index) / name
        before = _caches(index).name
        if not file.stat().st_size:
            continue
        damage(file)

        found, status = _found(index)

        assert found == expected, name
        assert status["caches"] == "on disk"
        assert _caches(index).name != before, f"{name} was trusted"


@pytest.mark.parametrize("gone", [CACHES_FOLDER, "generation"])
def test_caches_that_were_deleted_are_rebuilt_without_embedding(
    index: Path, expected: list[tuple[str, float]], gone: str
) -> None:
    shutil.rmtree(index / CACHES_FOLDER if gone == CACHES_FOLDER else _caches(index))

    found, status = _found(index)

    assert found == expected
    assert status["caches"] == "on disk"
    with rag.open_archive(index, embedding=HashingEmbedder()) as archive:
        assert archive.verify() == []


@pytest.mark.parametrize("new_articles", [0, 1])
@pytest.mark.parametrize("part", ["vectors/chroma.sqlite3", "words/meta.json", "complete.json"])
def test_indexing_rebuilds_damaged_caches_without_embedding_what_was_embedded(
    index: Path, part: str, new_articles: int
) -> None:
    file = _caches(index) / part
    file.write_bytes(random.Random(1).randbytes(file.stat().st_size))
    write_articles(index.parent / "corpus", new_articles, start=50)
    embedder = HashingEmbedder()

    with rag.build(index.parent / "corpus", index, embedding=embedder) as archive:
        assert archive.verify() == []
        assert archive.status()["generation"] == 2
        assert len(archive.articles()) == 8 + new_articles

    assert all("Harbour 50" in text for text in embedder.passages)


def test_words_that_belong_to_another_index_are_not_used(
    index: Path, tmp_path: Path, expected: list[tuple[str, float]]
) -> None:
    write_articles(tmp_path / "other", 2)
    rag.build(tmp_path / "other", tmp_path / "foreign", embedding=HashingEmbedder()).close()
    for part in ("words", "vectors"):
        shutil.rmtree(_caches(index) / part)
        shutil.copytree(_caches(tmp_path / "foreign") / part, _caches(index) / part)

        assert _found(index)[0] == expected


def test_a_read_only_folder_answers_from_memory_when_its_caches_cannot_be_used(
    read_only: Path, expected: list[tuple[str, float]]
) -> None:
    shutil.rmtree(read_only / CACHES_FOLDER)

    found, status = _found_without_write_access(read_only)

    assert found == expected
    assert status["caches"] == "in memory"
    assert not (read_only / CACHES_FOLDER).exists()


def test_a_read_only_folder_answers_as_a_writable_one_does_and_stays_as_it_is(
    read_only: Path, expected: list[tuple[str, float]]
) -> None:
    before = {file: file.read_bytes() for file in read_only.rglob("*") if file.is_file()}

    found, _ = _found_without_write_access(read_only)

    assert found == expected
    assert before == {file: file.read_bytes() for file in read_only.rglob("*") if file.is_file()}


def test_a_panic_in_the_vector_store_is_no_traceback_but_an_answer_from_the_ledger(
    index: Path, expected: list[tuple[str, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class PanicException(BaseException):
        pass

    with rag.open_archive(index, embedding=HashingEmbedder()) as archive:
        monkeypatch.setattr(
            archive._state.caches.vectors, "_collection", _Panicking(PanicException)
        )

        hits = archive.search(QUESTION, limit=5)

        assert [(h.passage.passage_id, round(h.relevance, 4)) for h in hits] == expected
        assert archive.status()["caches"] == "in memory"
    assert _found(index)[0] == expected


class _Panicking:
    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def count(self) -> int:
        raise self._error("range end index 7 out of range")

    query = count


def test_a_damaged_store_of_vectors_says_so_in_our_words(tmp_path: Path) -> None:
    (tmp_path / "chroma.sqlite3").write_bytes(b"garbage" * 5000)

    with pytest.raises(rag.RagError) as caught:
        ChromaVectors(tmp_path)

    assert "cannot be opened" in caught.value.problem
    assert "rag index" in caught.value.remedy


def test_two_archives_on_one_index_do_not_close_each_others_caches(index: Path) -> None:
    first = rag.open_archive(index, embedding=HashingEmbedder())
    second = rag.open_archive(index, embedding=HashingEmbedder())
    try:
        second.close()
        assert first.search(QUESTION)
        assert first.update().embedded == 0
        assert first.search(QUESTION)
    finally:
        first.close()


def test_old_caches_are_swept_away_by_later_runs(index: Path) -> None:
    for number in range(3):
        write_articles(index.parent / "corpus", 1, start=100 + number)
        rag.build(index.parent / "corpus", index, embedding=HashingEmbedder()).close()

    assert len(list((index / CACHES_FOLDER).iterdir())) <= 2


def test_verify_names_a_damaged_cache_and_the_next_question_finds_it_rebuilt(
    index: Path, expected: list[tuple[str, float]]
) -> None:
    for file in (_caches(index) / "words").glob("*.store"):
        data = file.read_bytes()
        file.write_bytes(random.Random(1).randbytes(len(data)))

    problems = verify_index(index, language="en")

    assert problems
    assert "rebuilt" in problems[-1]
    assert _found(index)[0] == expected


_ASK = """
import sys
sys.path.insert(0, sys.argv[1])
import json, rag
from indexing_fakes import HashingEmbedder
embedder = HashingEmbedder()
with rag.open_archive(sys.argv[2], embedding=embedder) as archive:
    hits = archive.search(sys.argv[3], limit=5)
    status = archive.status()
    for hit in hits:
        text = archive.article(hit.passage.path).text
        assert text[hit.passage.start:hit.passage.end] == hit.passage.text
assert embedder.passages == []
print(json.dumps([[(h.passage.passage_id, round(h.relevance, 4)) for h in hits], status]))
"""


@pytest.mark.slow
def test_random_damage_never_gives_a_wrong_text_and_verify_mends_what_it_finds(
    whole: Path, tmp_path: Path, expected: list[tuple[str, float]]
) -> None:
    random_ = random.Random(7)
    sizes = {f: f.stat().st_size for f in _files(whole / "index") if f.stat().st_size}
    names = [file.relative_to(_caches(whole / "index")) for file in sizes]
    for position, name in enumerate([*names, *names]):
        index = tmp_path / str(position)
        shutil.copytree(whole / "index", index)
        file = _caches(index) / name
        data = bytearray(file.read_bytes())
        if position < len(names):
            data[random_.randrange(len(data))] ^= 1 << random_.randrange(8)
        else:
            at = random_.randrange(max(1, len(data) - 4096))
            data[at : at + 4096] = random_.randbytes(len(data[at : at + 4096]))
        file.write_bytes(data)

        verified = subprocess.run(
            [sys.executable, "-m", "rag.cli", "verify", "--index", str(index)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert verified.returncode in (0, 4), verified.stderr
        assert "Traceback" not in verified.stderr
        asked = subprocess.run(
            [sys.executable, "-c", _ASK, str(Path(__file__).parent), str(index), QUESTION],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if verified.returncode == 4:
            found, status = json.loads(asked.stdout)
            assert [tuple(item) for item in found] == expected, name
            assert status["caches"] == "on disk"
        else:
            assert asked.returncode == 0, (name, asked.stderr)


# --- without write access ---------------------------------------------------------------------


@pytest.fixture
def read_only(index: Path) -> Iterator[Path]:
    yield index
    for path in [index, *index.rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)


def _without_privileges() -> None:
    """Have even root obey the permissions of files from here on."""
    if os.geteuid() == 0:
        drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2
        libc = ctypes.CDLL(None)
        for capability in (dac_override, dac_read_search):
            if libc.prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
                raise OSError("cannot give up privileges")


def _found_without_write_access(
    index: Path,
) -> tuple[list[tuple[str, float]], dict[str, object]]:
    for path in [index, *index.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(Path(__file__).parent), str(index), QUESTION],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=_without_privileges,
    )
    assert done.returncode == 0, done.stderr
    found, status = json.loads(done.stdout)
    return [tuple(item) for item in found], status
