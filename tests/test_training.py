"""What of the training recipe can be checked without training."""

from __future__ import annotations

import torch

from training.average_weights import mean_of


def test_the_mean_of_weights_is_weighed() -> None:
    earlier = {"a": torch.tensor([2.0, 0.0])}
    later = {"a": torch.tensor([6.0, 4.0])}

    assert mean_of([(1, earlier), (3, later)])["a"].tolist() == [5.0, 3.0]
