"""Examples -> the reader's weights, on a CPU or an accelerator, resumable.

Three stages. The first reads questions at a steady rate of learning; the second adds statements
with words that support them or not and near-misses written by people, while the rate falls to
nothing (a warm-up, stable, decay schedule: Hu et al., "MiniCPM", 2024, section 4). The third warms
up again and reads longer, with more questions. Batches hold about equally many word pieces. The
model runs in bfloat16 where the processor multiplies it in hardware, over single-precision master
weights; the embeddings stay frozen.
Run: ``python -m training.train_reader DATA RUN --stage 1 --steps N``, then ``--stage 2`` and ``3``.
The same command goes on where a run was cut off. A learning curve is written to ``RUN/curve.json``
and, at the end, ``RUN/curve.png``.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
import transformers
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from rag.embedder import packaged_model_folder
from training.reader_model import MAX_PIECES, ReaderModel, save_weights

SEED = 20261121
MAX_QUESTION_PIECES = 64
MAX_STATEMENT_PIECES = 96
PIECES_PER_BATCH = 5000
WIDTH = 32
POOL = 3000
STEADY_RATE = 1.5e-4
FALLING_FROM = 1e-4
WARM_UP_STEPS = 150
CHECKPOINT_EVERY_S = 180
ANSWERS_WEIGHT = 0.7
RELEVANT_WEIGHT = 0.3
SUPPORT_WEIGHT = 0.8
# Which part of a stage's examples comes from which file. The near-misses that people wrote are few:
# stages 2 and 3 see each of them several times.
SHARES: Mapping[int, Mapping[str, float]] = {
    1: {"questions": 0.75, "support": 0.25},
    2: {"questions": 0.53, "support": 0.35, "real": 0.12},
    3: {"questions": 0.62, "support": 0.30, "real": 0.08},
}
UNKNOWN = -100


@dataclass(frozen=True, slots=True)
class Row:
    """One tokenised example.

    Attributes:
        ids: Word pieces of both segments with their marks.
        words_from: Where the second segment begins.
        start, end: Pieces of the answer; 0 for none, UNKNOWN where not marked.
        answers, relevant: 0 or 1; UNKNOWN where not known.
        support: 0, 1 or 2; UNKNOWN for a question.
    """

    ids: list[int]
    words_from: int
    start: int
    end: int
    answers: int
    relevant: int
    support: int


class Rows:
    """Turns lines of example files into rows."""

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(packaged_model_folder() / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._cls = self._tokenizer.token_to_id("[CLS]")
        self._sep = self._tokenizer.token_to_id("[SEP]")

    def row(self, example: dict[str, Any], choice: random.Random) -> Row | None:
        """Return an example tokenised; words beyond the window fall away around the answer."""
        if "statement" in example:
            first = self._pieces(example["statement"])[0][:MAX_STATEMENT_PIECES]
            second = self._pieces(example["words"])[0]
            second = second[: MAX_PIECES - 3 - len(first)]
            ids = [self._cls, *first, self._sep, *second, self._sep]
            return Row(ids, len(first) + 2, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN, example["label"])
        first = self._pieces(example["question"])[0][:MAX_QUESTION_PIECES]
        shown = f"{example['title']} - " if example["title"] else ""
        ids, offsets = self._pieces(shown + example["text"])
        room = MAX_PIECES - 3 - len(first)
        start = end = 0
        skipped = 0
        if example["span"] is not None:
            a, b = (len(shown) + at for at in example["span"])
            inside = [n for n, (x, y) in enumerate(offsets) if x < b and y > a]
            if not inside:
                return None
            start, end = inside[0], inside[-1]
            if end - start >= room:
                return None
            if end >= room:
                skipped = choice.randint(end - room + 1, start)
        elif len(ids) > room:
            skipped = choice.randint(0, len(ids) - room)
        second = ids[skipped : skipped + room]
        words_from = len(first) + 2
        if example["span"] is not None:
            start, end = start - skipped + words_from, end - skipped + words_from
        if not example["span_known"]:
            start = end = UNKNOWN
        relevant = example["relevant"]
        return Row(
            [self._cls, *first, self._sep, *second, self._sep],
            words_from,
            start,
            end,
            int(example["answers"]),
            UNKNOWN if relevant is None else int(relevant),
            UNKNOWN,
        )

    def _pieces(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        return encoded.ids, encoded.offsets


def read_examples(path: Path) -> list[dict[str, Any]]:
    """Return the examples of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def batches(
    files: Mapping[str, Sequence[dict[str, Any]]],
    shares: Mapping[str, float],
    rows: Rows,
    seed: int,
) -> Iterator[tuple[int, list[Row]]]:
    """Yield batches of like length without end, each with how many examples came before it.

    Args:
        files: Examples by the name of their file; each is gone through in its own random order.
        shares: Which part of the examples comes from each file.
        rows: Tokenises.
        seed: Fixes every order.
    """
    choice = random.Random(seed)
    drawn = {name: _without_end(files[name], f"{seed} {name}") for name in shares}
    seen = 0
    while True:
        pool = [
            rows.row(next(drawn[name]), choice)
            for name, share in shares.items()
            for _ in range(round(POOL * share))
        ]
        kept = sorted((row for row in pool if row is not None), key=lambda row: len(row.ids))
        cut: list[list[Row]] = [[]]
        for row in kept:
            width = _padded(len(row.ids))
            first = cut[-1][0] if cut[-1] else row
            if len(cut[-1]) == PIECES_PER_BATCH // width or _padded(len(first.ids)) != width:
                cut.append([])
            cut[-1].append(row)
        choice.shuffle(cut)
        for batch in cut:
            yield seen, batch
            seen += len(batch)


def _without_end(examples: Sequence[dict[str, Any]], seed: str) -> Iterator[dict[str, Any]]:
    choice = random.Random(seed)
    while True:
        for n in choice.sample(range(len(examples)), len(examples)):
            yield examples[n]


def _padded(pieces: int) -> int:
    """Return a length to pad to: few distinct shapes, because each costs a processor some setup."""
    return -(-pieces // WIDTH) * WIDTH


def tensors(batch: Sequence[Row]) -> dict[str, Tensor]:
    """Return a batch padded to its longest row, rounded up."""
    width = _padded(max(len(row.ids) for row in batch))
    ids = np.zeros((len(batch), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    types = np.zeros_like(ids)
    for n, row in enumerate(batch):
        ids[n, : len(row.ids)] = row.ids
        mask[n, : len(row.ids)] = 1
        types[n, row.words_from : len(row.ids)] = 1
    made = {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
    for name in ("start", "end", "answers", "relevant", "support"):
        made[name] = np.array([getattr(row, name) for row in batch])
    return {name: torch.from_numpy(values) for name, values in made.items()}


def loss_of(model: ReaderModel, batch: dict[str, Tensor]) -> Tensor:
    """Return the summed losses of the four heads over the examples that know their targets."""
    mask = batch["attention_mask"]
    span, answers, relevant, support = (
        output.float() for output in model(batch["input_ids"], mask, batch["token_type_ids"])
    )
    total = answers.sum() * 0.0
    if (batch["start"] != UNKNOWN).any():
        span = span.masked_fill((mask == 0).unsqueeze(-1), -1e4)
        for side, target in ((0, batch["start"]), (1, batch["end"])):
            total = total + 0.5 * functional.cross_entropy(
                span[..., side], target, ignore_index=UNKNOWN
            )
    for logits, target, weight in (
        (answers, batch["answers"], ANSWERS_WEIGHT),
        (relevant, batch["relevant"], RELEVANT_WEIGHT),
    ):
        known = target != UNKNOWN
        if known.any():
            total = total + weight * functional.binary_cross_entropy_with_logits(
                logits[known], target[known].float()
            )
    if (batch["support"] != UNKNOWN).any():
        total = total + SUPPORT_WEIGHT * functional.cross_entropy(
            support, batch["support"], ignore_index=UNKNOWN, label_smoothing=0.05
        )
    return total


class Masters:
    """Single-precision weights behind a model that runs in bfloat16."""

    def __init__(self, model: ReaderModel, *, half: bool, device: torch.device) -> None:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(not name.startswith("encoder.embeddings."))
        self.full = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.model = model.to(device=device, dtype=torch.bfloat16 if half else torch.float32)
        self._learned = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        self._masters = [self.full[name].to(device) for name in self._learned]
        decayed = [m for m in self._masters if m.ndim > 1]
        others = [m for m in self._masters if m.ndim <= 1]
        self.optimiser = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
            lr=STEADY_RATE,
            betas=(0.9, 0.98),
            eps=1e-6,
        )

    def step(self, rate: float) -> None:
        """Take the gradients of the model into the masters, learn, and hand the weights back."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        for parameter, master in zip(self._learned.values(), self._masters, strict=True):
            master.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        torch.nn.utils.clip_grad_norm_(self._masters, 1.0)
        self.optimiser.step()
        with torch.no_grad():
            for parameter, master in zip(self._learned.values(), self._masters, strict=True):
                parameter.copy_(master)

    def weights(self) -> dict[str, Tensor]:
        """Return all weights in single precision."""
        learned = zip(self._learned, self._masters, strict=True)
        return self.full | {name: master.detach().cpu() for name, master in learned}

    def restore(self, weights: dict[str, Tensor]) -> None:
        """Take weights that :meth:`weights` gave."""
        with torch.no_grad():
            for (name, parameter), master in zip(self._learned.items(), self._masters, strict=True):
                master.copy_(weights[name])
                parameter.copy_(master)


def validate(model: ReaderModel, rows: Sequence[Row]) -> dict[str, float]:
    """Return how well answers are found and told from near-misses, on rows never trained on."""
    from sklearn.metrics import roc_auc_score

    exact, has, scores, support_right = [], [], [], []
    model.eval()
    with torch.no_grad():
        for at in range(0, len(rows), 24):
            batch = tensors(rows[at : at + 24])
            outputs = model(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])
            span, answers, _, support = (output.float() for output in outputs)
            for n, row in enumerate(rows[at : at + 24]):
                if row.support != UNKNOWN:
                    support_right.append(int(support[n].argmax()) == row.support)
                    continue
                first, last = row.words_from, len(row.ids) - 1
                starts, ends = span[n, first:last, 0], span[n, first:last, 1]
                pairs = (starts[:, None] + ends[None, :]).triu().tril(29)
                allowed = torch.ones_like(pairs).triu().tril(29) > 0
                pairs = pairs.masked_fill(~allowed, -1e4)
                best = int(pairs.argmax())
                strength = float(pairs.max() - span[n, 0].sum())
                scores.append(strength + 2 * float(answers[n]))
                has.append(row.answers)
                if row.answers and row.start > 0:
                    found = (best // len(starts) + first, best % len(starts) + first)
                    exact.append(found == (row.start, row.end))
    model.train()
    figures = {}
    if scores:
        figures = {
            "exact": float(np.mean(exact)),
            "near_miss_auc": float(roc_auc_score(has, scores)),
        }
    if support_right:
        figures["support_accuracy"] = float(np.mean(support_right))
    return figures


def rate_at(step: int, steps: int, stage: int) -> float:
    """Return the rate of learning: steady (stage 1) or falling to nothing, warm where it begins."""
    warm = 1.0 if stage == 2 else min(1.0, (step + 1) / WARM_UP_STEPS)
    if stage == 1:
        return STEADY_RATE * warm
    return FALLING_FROM * warm * max(0.0, 1 - step / steps)


def train(data: Path, run: Path, *, stage: int, steps: int, left_out: Collection[str] = ()) -> None:
    """Train one stage to its end, going on from the last checkpoint.

    Args:
        data: Folder with the example files.
        run: Folder for checkpoints, weights and the learning curve.
        stage: 1, 2 or 3.
        steps: Batches of the whole stage; the same number when going on.
        left_out: Sources whose examples of questions are not learned from (an ablation).
    """
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    rows = Rows()
    files = {
        name: [
            example
            for example in read_examples(data / f"{name}.jsonl.gz")
            if example["source"] not in left_out
        ]
        for name in SHARES[stage]
    }
    shares = {name: share for name, share in SHARES[stage].items() if files[name]}
    if left_out:
        kept = {name: len(examples) for name, examples in files.items()}
        tqdm.write(f"without {', '.join(sorted(left_out))}: {kept}")
    choice = random.Random(SEED)
    held = {
        name: [
            row
            for row in (rows.row(e, choice) for e in read_examples(data / f"{name}.jsonl.gz"))
            if row is not None
        ]
        for name in ("validation", "support_validation")
        if (data / f"{name}.jsonl.gz").exists()
    }
    for found in held.values():
        random.Random(SEED).shuffle(found)
    masters = Masters(ReaderModel.untrained(), half=True, device=device)
    at, seen, spent = 0, 0, 0.0
    checkpoint, earlier = run / f"stage{stage}.pt", run / f"stage{stage - 1}.pt"
    curve: list[dict[str, float]] = []
    if (run / "curve.json").exists():
        curve = json.loads((run / "curve.json").read_text())
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        at, seen, spent = state["step"], state["seen"], state["spent_s"]
    elif stage > 1:
        state = torch.load(earlier, weights_only=True)
    else:
        state = None
    if state is not None:
        masters.restore(state["weights"])
        masters.optimiser.load_state_dict(state["optimiser"])
    model = masters.model.train()
    begun = saved = time.monotonic()

    def save() -> None:
        state = {
            "weights": masters.weights(),
            "optimiser": masters.optimiser.state_dict(),
            "step": at,
            "seen": seen,
            "spent_s": spent + time.monotonic() - begun,
        }
        partial = checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(checkpoint)
        written = ReaderModel.untrained()
        written.load_state_dict(masters.weights())
        save_weights(written, run / "partial.safetensors")
        (run / "partial.safetensors").replace(run / "latest.fp16.safetensors")

    def note() -> None:
        figures: dict[str, float] = {"stage": stage, "step": at, "examples": seen}
        for found in held.values():
            figures |= validate(model, found[:400])
        figures["minutes"] = (spent + time.monotonic() - begun) / 60
        curve.append(figures)
        (run / "curve.json").write_text(json.dumps(curve, indent=1))
        tqdm.write(json.dumps(figures))

    stream = batches(files, shares, rows, SEED + stage)
    before, batch = next(stream)
    while before < seen:
        before, batch = next(stream)
    bar = tqdm(total=steps, initial=at, desc=f"stage {stage}", unit=" steps", mininterval=20)
    running = 0.0
    while at < steps:
        loss = loss_of(model, {name: v.to(device) for name, v in tensors(batch).items()})
        loss.backward()  # type: ignore[no-untyped-call]
        masters.step(rate_at(at, steps, stage))
        running = 0.98 * running + 0.02 * loss.item() if running else loss.item()
        at += 1
        seen += len(batch)
        bar.update()
        bar.set_postfix(loss=f"{running:.3f}", examples=seen, refresh=False)
        if at % 500 == 0 or at == steps:
            note()
        if time.monotonic() - saved > CHECKPOINT_EVERY_S or at == steps:
            save()
            saved = time.monotonic()
        _, batch = next(stream)
    bar.close()
    plot(curve, run / "curve.png")


def plot(curve: Sequence[dict[str, float]], path: Path) -> None:
    """Draw what was learned against the examples seen."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4))
    shown = {
        "exact": "answers found exactly",
        "near_miss_auc": "answerable told from near-misses (AUC)",
        "support_accuracy": "support of statements, accuracy",
    }
    offset = 0.0
    for stage in SHARES:
        points = [point for point in curve if point["stage"] == stage]
        for number, (name, label) in enumerate(shown.items()):
            found = [(offset + p["examples"], p[name]) for p in points if name in p]
            if found:
                axes.plot(
                    *zip(*found, strict=True),
                    marker="o",
                    color=f"C{number}",
                    label=label if stage == 1 else None,
                )
        offset += points[-1]["examples"] if points else 0.0
        axes.axvline(offset, color="0.8", zorder=0)
    axes.set_xlabel("examples seen (grey lines: ends of stages)")
    axes.set_ylim(0.3, 1.0)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.28))
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    """Train one stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--stage", type=int, choices=tuple(SHARES), required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument(
        "--leave-out", action="append", default=[], metavar="SOURCE", help="not learned from"
    )
    wanted = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    train(
        wanted.data,
        wanted.run,
        stage=wanted.stage,
        steps=wanted.steps,
        left_out=frozenset(wanted.leave_out),
    )


if __name__ == "__main__":
    main()
