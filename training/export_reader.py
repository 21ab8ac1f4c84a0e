"""Trained reader weights -> one small ONNX file that onnxruntime reads, its tokenizer and hashes.

The graph is written out node by node, with onnxruntime's own fused operators, so that the float
and the 8-bit form differ in nothing but the numbers they multiply. Activations are rounded by fixed
ranges, measured on training examples: so what is read in a window does not depend on the windows
beside it. Needs the extra ``training``.
Run: ``python -m training.export_reader CHECKPOINT --data DATA`` (DATA as training.reader_data made
it). The model card beside the weights is written by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file
from tqdm import tqdm

from rag.embedder import packaged_model_folder
from rag.reader import FOLDER, HASHES, TOKENIZER, WEIGHTS
from training.reader_model import MAX_PIECES, SUPPORT_LABELS

Form = Literal["float", "dynamic", "static"]
Array = npt.NDArray[Any]

SEED = 20261121
MAX_MB = 25
MEASURED_EXAMPLES = 192
PIECES_PER_EXAMPLE = 32
GRID_PIECES = 1500
LAYERS = 6
HEADS = 12
EPSILON = 1e-12
# Where activations are multiplied by 8-bit weights, per layer.
SITES = {
    "attention": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attended": ("attention.output.dense",),
    "narrow": ("intermediate.dense",),
    "wide": ("output.dense",),
}
_OWN = "com.microsoft"


@dataclass(frozen=True)
class Rounding:
    """How activations at one site, and the weights they are multiplied by, are rounded.

    Attributes:
        low, high: The range that is told apart, after the division.
        divisors: What each channel is divided by first; the weights are multiplied by the same, so
            that a few large channels do not make all others coarse (Xiao et al., "SmoothQuant",
            2023). Ones where that gains nothing.
        weights: int8, (in, out).
        scales: Of each column of the weights.
        correction: Added to the bias: what rounding takes away on average.
    """

    low: float
    high: float
    divisors: Array
    weights: Array
    scales: Array
    correction: Array


@dataclass
class Graph:
    """A graph being written: nodes in order, numbers by name.

    Args:
        form: How the big products are computed: in single precision, with activations rounded to 8
            bits by the range of each batch (``dynamic``) or by fixed ranges (``static``).
        roundings: For ``static``: by site.
        weight_bits: 8, or 7: processors without VNNI add two products in 16 bits, which 8-bit
            weights can overflow.
    """

    form: Form
    roundings: Mapping[str, Rounding] = field(default_factory=dict)
    weight_bits: int = 8
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    numbers: list[onnx.TensorProto] = field(default_factory=list)

    def number(self, name: str, value: Array) -> str:
        """Keep an array under a name; return the name."""
        self.numbers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def node(
        self, operator: str, inputs: Sequence[str], output: str, *, domain: str = "", **more: Any
    ) -> str:
        """Add an operator with one output; return the output's name."""
        self.nodes.append(helper.make_node(operator, list(inputs), [output], domain=domain, **more))
        return output

    def quantised(self, site: str, states: str) -> tuple[str, str, str]:
        """Return the names of activations in 8 bits, of their scale and of their zero."""
        names = (f"{site}.eighth", f"{site}.scale", f"{site}.zero")
        if self.form == "dynamic":
            self.nodes.append(helper.make_node("DynamicQuantizeLinear", [states], list(names)))
            return names
        rounding = self.roundings[site]
        scale, zero = _scale_and_zero(rounding.low, rounding.high)
        self.number(names[1], np.array(scale))
        self.number(names[2], np.array(zero))
        if (rounding.divisors != 1).any():
            factors = self.number(f"{site}.factors", 1 / rounding.divisors)
            states = self.node("Mul", [states, factors], f"{site}.divided")
        self.node("QuantizeLinear", [states, names[1], names[2]], names[0])
        return names

    def weight(self, site: str, name: str, matrix: Array) -> tuple[str, str, str]:
        """Keep a matrix (in, out) in 8 bits; return the names of it, its scales and its zeros."""
        if site in self.roundings:
            rounded, scales = self.roundings[site].weights, self.roundings[site].scales
        else:
            by_row, scales = rounded_by_row(matrix.T, bits=self.weight_bits)
            rounded = by_row.T
        return (
            self.number(name, rounded),
            self.number(f"{name}.scale", scales),
            self.number(f"{name}.zero", np.zeros(len(scales), dtype=np.int8)),
        )

    def bias(self, site: str, name: str, bias: Array) -> str:
        """Keep a bias, with what makes up for rounding at its site; return its name."""
        if site in self.roundings:
            bias = bias + self.roundings[site].correction
        return self.number(name, bias.astype(np.float32))

    def product(self, site: str, states: str, matrix: Array, bias: Array, output: str) -> str:
        """Multiply states by a matrix (in, out) and add a bias."""
        added = self.bias(site, f"{output}.bias", bias)
        if self.form == "float":
            weight = self.number(f"{output}.weight", matrix)
            return self.node(
                "Add",
                [self.node("MatMul", [states, weight], f"{output}.product"), added],
                output,
            )
        eighth, scale, zero = self.quantised(site, states)
        weight, weight_scale, weight_zero = self.weight(site, f"{output}.weight", matrix)
        return self.node(
            "MatMulIntegerToFloat",
            [eighth, weight, scale, weight_scale, zero, weight_zero, added],
            output,
            domain=_OWN,
        )

    def attention(self, site: str, states: str, mask: str, matrix: Array, bias: Array) -> str:
        """Let every piece look at every other; ``matrix`` is (in, queries + keys + values)."""
        added = self.bias(site, f"{site}.bias", bias)
        if self.form == "float":
            weight = self.number(f"{site}.weight", matrix)
            inputs, operator = [states, weight, added, mask], "Attention"
        else:
            eighth, scale, zero = self.quantised(site, states)
            weight, weight_scale, weight_zero = self.weight(site, f"{site}.weight", matrix)
            inputs = [eighth, weight, added, scale, weight_scale, mask, zero, weight_zero]
            operator = "QAttention"
        return self.node(operator, inputs, f"{site}.out", domain=_OWN, num_heads=HEADS)


def rounded_by_row(matrix: Array, *, bits: int = 8) -> tuple[Array, Array]:
    """Return a matrix in int8 and one scale per row, so that rounding costs each row little."""
    most = 2 ** (bits - 1) - 1
    scales = np.maximum(np.abs(matrix).max(axis=1), 1e-12).astype(np.float32) / np.float32(most)
    rounded = np.clip(np.rint(matrix / scales[:, None]), -most, most).astype(np.int8)
    return rounded, scales


def _scale_and_zero(low: float, high: float) -> tuple[np.float32, np.uint8]:
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32(max(high - low, 1e-6) / 255)
    return scale, np.uint8(np.clip(round(-low / float(scale)), 0, 255))


def build(
    weights: dict[str, Array],
    form: Form,
    *,
    roundings: Mapping[str, Rounding] | None = None,
    weight_bits: int = 8,
) -> onnx.ModelProto:
    """Return the reader as a graph.

    Args:
        weights: As ``ReaderModel.state_dict()`` names them, float32.
        form: See :class:`Graph`.
        roundings: See :class:`Graph`.
        weight_bits: See :class:`Graph`.
    """
    graph = Graph(form, roundings or {}, weight_bits)
    mask = graph.node("Cast", ["attention_mask"], "mask", to=TensorProto.INT32)
    states = _embedded(graph, weights)
    for layer in range(LAYERS):
        states = _layer(graph, weights, layer, states, mask)
    _heads(graph, weights, states)
    shape = ["batch", "pieces"]
    inputs = ("input_ids", "attention_mask", "token_type_ids")
    made = helper.make_graph(
        graph.nodes,
        "reader",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in inputs],
        [
            helper.make_tensor_value_info("span", TensorProto.FLOAT, ["batch", "pieces", 2]),
            helper.make_tensor_value_info("answers", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("relevant", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info(
                "support", TensorProto.FLOAT, ["batch", len(SUPPORT_LABELS)]
            ),
        ],
        graph.numbers,
    )
    domains = [helper.make_opsetid("", 20), helper.make_opsetid(_OWN, 1)]
    return helper.make_model(made, opset_imports=domains, ir_version=10, producer_name="dateline")


def _embedded(graph: Graph, weights: dict[str, Array]) -> str:
    """Write the sum of the word's, the position's and the segment's vector, normalised."""
    words = weights["encoder.embeddings.word_embeddings.weight"]
    if graph.form == "float":
        word = graph.node("Gather", [graph.number("words", words), "input_ids"], "word")
    else:
        rounded, scales = rounded_by_row(words)
        eighth = graph.node("Gather", [graph.number("words", rounded), "input_ids"], "word.eighth")
        scale = graph.node(
            "Gather", [graph.number("words.scale", scales[:, None]), "input_ids"], "word.scale"
        )
        word = graph.node(
            "Mul",
            [graph.node("Cast", [eighth], "word.cast", to=TensorProto.FLOAT), scale],
            "word",
        )
    positions = weights["encoder.embeddings.position_embeddings.weight"][:MAX_PIECES]
    graph.number("zero", np.array([0]))
    length = graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    position = graph.node(
        "Slice", [graph.number("positions", positions), "zero", length, "zero"], "position"
    )
    segments = weights["encoder.embeddings.token_type_embeddings.weight"]
    segment = graph.node(
        "Gather", [graph.number("segments", segments), "token_type_ids"], "segment"
    )
    total = graph.node("Add", [graph.node("Add", [word, segment], "word.segment"), position], "sum")
    norm = "encoder.embeddings.LayerNorm"
    return graph.node(
        "LayerNormalization",
        [
            total,
            graph.number(f"{norm}.weight", weights[f"{norm}.weight"]),
            graph.number(f"{norm}.bias", weights[f"{norm}.bias"]),
        ],
        "embedded",
        epsilon=EPSILON,
    )


def _layer(graph: Graph, weights: dict[str, Array], layer: int, states: str, mask: str) -> str:
    """Write one layer of the encoder."""
    of = f"encoder.encoder.layer.{layer}"
    matrix, bias = site_weights(weights, f"{layer}.attention")
    attended = graph.attention(f"{layer}.attention", states, mask, matrix, bias)

    def product(site: str, given: str, output: str) -> str:
        matrix, bias = site_weights(weights, f"{layer}.{site}")
        return graph.product(f"{layer}.{site}", given, matrix, bias, f"{layer}.{output}")

    def joined(given: str, to: str, part: str, output: str) -> str:
        norm = [
            graph.number(f"{of}.{part}.{end}", weights[f"{of}.{part}.{end}"])
            for end in ("weight", "bias")
        ]
        # onnxruntime's fused form of these two takes ten times as long on a CPU.
        total = graph.node("Add", [given, to], f"{layer}.{output}.sum")
        return graph.node(
            "LayerNormalization", [total, *norm], f"{layer}.{output}", epsilon=EPSILON
        )

    mixed = product("attended", attended, "mixed")
    seen = joined(mixed, states, "attention.output.LayerNorm", "seen")
    widened = product("narrow", seen, "widened")
    bent = graph.node("Gelu", [widened], f"{layer}.bent", domain=_OWN)
    narrowed = product("wide", bent, "narrowed")
    return joined(narrowed, seen, "output.LayerNorm", "states")


def _heads(graph: Graph, weights: dict[str, Array], states: str) -> None:
    """Write the four heads; they are too small for 8 bits to gain anything."""
    span = graph.number("span.weight", weights["span.weight"].T)
    graph.node(
        "Add",
        [
            graph.node("MatMul", [states, span], "span.product"),
            graph.number("span.bias", weights["span.bias"]),
        ],
        "span",
    )
    graph.number("first.index", np.array(0))
    first = graph.node("Gather", [states, "first.index"], "first", axis=1)
    for head in ("answers", "relevant", "support"):
        one = len(weights[f"{head}.weight"]) == 1
        logits = graph.node(
            "Gemm",
            [
                first,
                graph.number(f"{head}.weight", weights[f"{head}.weight"].T),
                graph.number(f"{head}.bias", weights[f"{head}.bias"]),
            ],
            f"{head}.column" if one else head,
        )
        if one:
            graph.node("Squeeze", [logits, graph.number(f"{head}.axis", np.array([1]))], head)


def site_states() -> dict[str, str]:
    """Return which of the graph's values is rounded at each site."""
    found = {}
    for layer in range(LAYERS):
        found[f"{layer}.attention"] = "embedded" if layer == 0 else f"{layer - 1}.states"
        found[f"{layer}.attended"] = f"{layer}.attention.out"
        found[f"{layer}.narrow"] = f"{layer}.seen"
        found[f"{layer}.wide"] = f"{layer}.bent"
    return found


def session_of(model: onnx.ModelProto) -> Any:
    """Return an onnxruntime session as the reader opens it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def site_weights(weights: Mapping[str, Array], site: str) -> tuple[Array, Array]:
    """Return the matrix (in, out) and the bias that the activations at a site are given to."""
    layer, kind = site.split(".")
    parts = [f"encoder.encoder.layer.{layer}.{part}" for part in SITES[kind]]
    return (
        np.concatenate([weights[f"{part}.weight"] for part in parts]).T,
        np.concatenate([weights[f"{part}.bias"] for part in parts]),
    )


def measured_roundings(
    weights: dict[str, Array], inputs: Sequence[Mapping[str, Array]], *, weight_bits: int = 8
) -> dict[str, Rounding]:
    """Return for each site the rounding that changes what comes out of its product least.

    Args:
        weights: See :func:`build`.
        inputs: Examples as the graph takes them, without padding.
        weight_bits: See :class:`Graph`.
    """
    model = build(weights, "float")
    sites = site_states()
    model.graph.output.extend(
        helper.make_tensor_value_info(state, TensorProto.FLOAT, None) for state in sites.values()
    )
    session = session_of(model)
    chosen = np.random.default_rng(SEED)
    seen: dict[str, list[Array]] = {site: [] for site in sites}
    for given in tqdm(inputs, desc="activations", unit=" examples"):
        for site, state in zip(sites, session.run(list(sites.values()), dict(given)), strict=True):
            pieces = state[0]
            drawn = chosen.choice(len(pieces), min(len(pieces), PIECES_PER_EXAMPLE), replace=False)
            # The extremes sit on a few pieces: the first, the marks.
            drawn[0], drawn[1] = pieces.max(axis=1).argmax(), pieces.min(axis=1).argmin()
            seen[site].append(pieces[drawn])
    found = {}
    for site, rows in tqdm(seen.items(), desc="roundings", unit=" products"):
        matrix, _ = site_weights(weights, site)
        found[site] = _best_rounding(np.concatenate(rows), matrix, weight_bits)
    return found


def _best_rounding(rows: Array, matrix: Array, weight_bits: int) -> Rounding:
    """Return the best of a grid: how far large channels are divided, how far ranges are narrowed.

    Args:
        rows: Activations, (pieces, in).
        matrix: What they are multiplied by, (in, out).
        weight_bits: See :class:`Graph`.
    """
    drawn = rows[np.random.default_rng(SEED).permutation(len(rows))[:GRID_PIECES]]
    exact = drawn @ matrix
    best: tuple[float, float, float, Array] | None = None
    largest = np.maximum(np.abs(rows).max(axis=0), 1e-3)
    heaviest = np.maximum(np.abs(matrix).max(axis=1), 1e-3)
    for share in (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        divisors = np.ones(len(matrix), dtype=np.float32)
        if share:
            divisors = (largest**share / heaviest ** (1 - share)).astype(np.float32)
        divided = drawn / divisors
        by_row, scales = rounded_by_row((matrix * divisors[:, None]).T, bits=weight_bits)
        weights = by_row.T.astype(np.float32) * scales
        for narrowed in (1.0, 0.85, 0.7, 0.55, 0.4, 0.3):
            low, high = (float(end) * narrowed for end in (divided.min(), divided.max()))
            cost = float(np.square(_in_eighths(divided, low, high) @ weights - exact).mean())
            if best is None or cost < best[0]:
                best = cost, low, high, divisors
    assert best is not None
    _, low, high, divisors = best
    given = _in_eighths(rows / divisors, low, high)
    rounded, scales = rounded_together(matrix * divisors[:, None], given, bits=weight_bits)
    correction = (rows @ matrix - given @ (rounded * scales)).mean(axis=0)
    return Rounding(low, high, divisors, rounded, scales, correction)


def _in_eighths(states: Array, low: float, high: float) -> Array:
    """Return states as they are after rounding to 8 bits."""
    scale, zero = _scale_and_zero(low, high)
    kept = np.clip(np.rint(states / scale) + float(zero), 0, 255) - float(zero)
    return np.asarray(kept * scale, dtype=np.float32)


def rounded_together(matrix: Array, rows: Array, *, bits: int) -> tuple[Array, Array]:
    """Return a matrix in int8 and a scale per column, rounded so that errors make up for others.

    One input channel after the other is rounded, those with most weight first; what it loses, the
    channels not yet rounded take on, as far as they go together in ``rows`` (Frantar et al.,
    "GPTQ", 2023).

    Args:
        matrix: (in, out).
        rows: Activations that it is multiplied by, (pieces, in).
        bits: See :class:`Graph`.
    """
    _, scales = rounded_by_row(matrix.T, bits=bits)
    most = 2 ** (bits - 1) - 1
    together = rows.T.astype(np.float64) @ rows
    together[np.diag_indices_from(together)] += 0.01 * np.diag(together).mean()
    order = np.argsort(-np.diag(together), kind="stable")
    left = matrix[order].astype(np.float64)
    inverse = np.linalg.inv(together[np.ix_(order, order)])
    upper = np.linalg.cholesky(inverse).T
    rounded = np.zeros(matrix.shape, dtype=np.int8)
    for n, channel in enumerate(order):
        rounded[channel] = np.clip(np.rint(left[n] / scales), -most, most)
        lost = (left[n] - rounded[channel] * scales) / upper[n, n]
        left[n + 1 :] -= np.outer(upper[n, n + 1 :], lost)
    return rounded, scales


def inputs_from(data: Path, most: int) -> Iterator[dict[str, Array]]:
    """Yield training examples, questions and statements by halves, as the graph takes them."""
    # Needs torch, which what is above does not.
    from training.train_reader import Rows, read_examples

    rows = Rows()
    choice = random.Random(SEED)
    for name in ("questions", "support"):
        for example in choice.sample(read_examples(data / f"{name}.jsonl.gz"), most // 2):
            row = rows.row(example, choice)
            if row is None:
                continue
            ids = np.array([row.ids], dtype=np.int64)
            types = (np.arange(ids.shape[1]) >= row.words_from).astype(np.int64)[None]
            yield {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": types}


def read_weights(checkpoint: Path) -> dict[str, Array]:
    """Return the weights that ``training.reader_model.save_weights`` wrote, in float32."""
    return {name: value.astype(np.float32) for name, value in load_file(checkpoint).items()}


def write(model: onnx.ModelProto, folder: Path) -> dict[str, str]:
    """Write the graph, the tokenizer and their hashes; return the hashes.

    Raises:
        ValueError: If the graph is larger than may be shipped.
    """
    data = model.SerializeToString()
    if len(data) > MAX_MB * 1e6:
        raise ValueError(f"{len(data) / 1e6:.1f} MB are more than the {MAX_MB} that may be shipped")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(data)
    shutil.copyfile(packaged_model_folder() / TOKENIZER, folder / TOKENIZER)
    hashes = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (WEIGHTS, TOKENIZER)
    }
    (folder / HASHES).write_text(json.dumps(hashes, indent=1) + "\n", encoding="utf-8")
    return hashes


def main() -> None:
    """Export one checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, help="training examples; needed for the form static")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--form", choices=("static", "dynamic", "float"), default="static")
    parser.add_argument("--weight-bits", type=int, choices=(7, 8), default=7)
    wanted = parser.parse_args()
    weights = read_weights(wanted.checkpoint)
    roundings: dict[str, Rounding] = {}
    if wanted.form == "static":
        if wanted.data is None:
            parser.error("--form static needs --data")
        examples = list(inputs_from(wanted.data, MEASURED_EXAMPLES))
        roundings = measured_roundings(weights, examples, weight_bits=wanted.weight_bits)
    model = build(weights, wanted.form, roundings=roundings, weight_bits=wanted.weight_bits)
    if wanted.form == "float":
        wanted.out.mkdir(parents=True, exist_ok=True)
        onnx.save(model, wanted.out / WEIGHTS)
        return
    for name, found in write(model, wanted.out).items():
        print(f"{found}  {wanted.out / name}")


if __name__ == "__main__":
    main()
