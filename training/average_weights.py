"""Checkpoints of several stages -> weights that lie between them.

A later stage learns what most of its examples teach and forgets some of what few do; the mean of
the weights keeps most of both at no cost when reading (Wortsman et al., "Model soups", ICML 2022).
Run: ``python -m training.average_weights RUN --stage 2=0.4 --stage 3=0.6``; it writes
``RUN/mean.fp16.safetensors``, for :mod:`training.export_reader`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
import transformers
from torch import Tensor

from training.reader_model import ReaderModel, save_weights


def mean_of(weighed: Sequence[tuple[float, Mapping[str, Tensor]]]) -> dict[str, Tensor]:
    """Return the weighted mean of states of one model.

    Args:
        weighed: Weights, which are made to add up to one, and what each weighs.
    """
    total = sum(weight for weight, _ in weighed)
    mean: dict[str, Tensor] = {}
    for weight, state in weighed:
        for name, value in state.items():
            share = weight / total * value.float()
            mean[name] = mean[name] + share if name in mean else share
    return mean


def main() -> None:
    """Average and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder with stageN.pt files")
    parser.add_argument(
        "--stage", action="append", required=True, metavar="N=WEIGHT", help="once for each stage"
    )
    wanted = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    weighed = []
    for pair in wanted.stage:
        stage, weight = pair.split("=")
        saved = torch.load(wanted.run / f"stage{stage}.pt", weights_only=True)
        weighed.append((float(weight), saved["weights"]))
    model = ReaderModel.untrained()
    model.load_state_dict(mean_of(weighed))
    save_weights(model, wanted.run / "mean.fp16.safetensors")


if __name__ == "__main__":
    main()
