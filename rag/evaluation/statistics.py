"""Per-question scores -> how sure a figure is: intervals, paired tests, corrections for many tests.

A score is a *ratio*: every question gives a numerator and a denominator, the figure is the sum of
the one over the sum of the other. A plain mean is the case in which each denominator is 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
RESAMPLES = 10_000
SEED = 20_250_724
Z_95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies with 95 % confidence.

    Attributes:
        method: ``wilson`` or ``bootstrap``.
    """

    low: float
    high: float
    method: str


@dataclass(frozen=True, slots=True)
class Share:
    """What one question adds to a figure: ``numerator`` out of ``denominator``."""

    numerator: float
    denominator: float = 1.0


def wilson(successes: float, trials: int) -> Interval:
    """Return the Wilson score interval of a proportion.

    Raises:
        ValueError: If there are no trials, or more successes than trials.

    Source:
        E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
        JASA 22, 1927.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise ValueError(f"not a proportion: {successes} of {trials}")
    p, z2 = successes / trials, Z_95**2
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = (Z_95 / (1 + z2 / trials)) * math.sqrt(p * (1 - p) / trials + z2 / (4 * trials * trials))
    return Interval(max(0.0, centre - half), min(1.0, centre + half), "wilson")


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test on paired right and wrong answers.

    Args:
        only_first: Questions that only the first run got right.
        only_second: Questions that only the second run got right.

    Source:
        Q. McNemar, Psychometrika 12, 1947; exact binomial form.
    """
    flips = only_first + only_second
    if min(only_first, only_second) < 0:
        raise ValueError("counts cannot be negative")
    if flips == 0:
        return 1.0
    tail = sum(math.comb(flips, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2.0 * tail / 2.0**flips)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Return the p values adjusted for having looked at all of them, by name, as given.

    Source:
        S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    ordered = sorted(p_values.items(), key=lambda item: item[1])
    adjusted: dict[str, float] = {}
    running = 0.0
    for rank, (name, p) in enumerate(ordered):
        running = max(running, min(1.0, (len(ordered) - rank) * p))
        adjusted[name] = running
    return {name: adjusted[name] for name in p_values}


def ratio(shares: Sequence[Share]) -> float:
    """Return the figure that the shares add up to.

    Raises:
        ValueError: If the denominators add up to nothing: the figure would have no meaning.
    """
    below = math.fsum(share.denominator for share in shares)
    if below <= 0:
        raise ValueError("nothing to divide by")
    return float(math.fsum(share.numerator for share in shares) / below)


def bootstrap(
    shares: Sequence[Share],
    clusters: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval:
    """Return the percentile interval of a figure, questions of one document drawn together.

    Args:
        shares: One per question.
        clusters: The document each question is about, in the same order.
        resamples: How many times the documents are drawn anew.
        seed: The same seed gives the same interval.
    """
    sums = _cluster_sums(clusters, [shares])
    above, below = _draw(sums, resamples, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = above[:, 0] / below[:, 0]
    figures = figures[np.isfinite(figures)]
    low, high = np.quantile(figures, (0.025, 0.975))
    return Interval(float(low), float(high), "bootstrap")


@dataclass(frozen=True, slots=True)
class Difference:
    """The second figure less the first, over the same questions.

    Attributes:
        low, high: 95 % interval, paired bootstrap clustered by document.
        p: Two-sided bootstrap p, at least 1 / (resamples + 1).
        n: Questions that both runs have.
    """

    first: float
    second: float
    low: float
    high: float
    p: float
    n: int

    @property
    def change(self) -> float:
        """Second less first."""
        return self.second - self.first


def paired_bootstrap(
    first: Sequence[Share],
    second: Sequence[Share],
    clusters: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Difference:
    """Return how far the second figure is from the first, with its interval.

    Each resample draws documents with replacement and takes both runs' questions about them, so
    that what makes a question hard is the same on both sides.

    Raises:
        ValueError: If the sequences are not of one length, or empty.
    """
    if not len(first) == len(second) == len(clusters) > 0:
        raise ValueError("the two runs must give the same questions, at least one")
    above, below = _draw(_cluster_sums(clusters, [first, second]), resamples, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        changes = above[:, 1] / below[:, 1] - above[:, 0] / below[:, 0]
    changes = changes[np.isfinite(changes)]
    low, high = np.quantile(changes, (0.025, 0.975))
    at_most, at_least = int((changes <= 0).sum()), int((changes >= 0).sum())
    p = min(1.0, 2 * (1 + min(at_most, at_least)) / (1 + len(changes)))
    return Difference(ratio(first), ratio(second), float(low), float(high), p, len(first))


def _cluster_sums(clusters: Sequence[str], runs: Sequence[Sequence[Share]]) -> tuple[Table, Table]:
    """Return numerators and denominators per cluster and run: two arrays (clusters, runs)."""
    order = {name: row for row, name in enumerate(sorted(set(clusters)))}
    above = np.zeros((len(order), len(runs)))
    below = np.zeros((len(order), len(runs)))
    for column, shares in enumerate(runs):
        for name, share in zip(clusters, shares, strict=True):
            above[order[name], column] += share.numerator
            below[order[name], column] += share.denominator
    return above, below


def _draw(sums: tuple[Table, Table], resamples: int, seed: int) -> tuple[Table, Table]:
    """Return the resampled numerators and denominators: two arrays (resamples, runs).

    How often each cluster is drawn follows a multinomial distribution, which is the same as
    drawing them one by one and needs no (resamples, clusters) table of indices.
    """
    above, below = sums
    count = len(above)
    random = np.random.default_rng(seed)
    numerators, denominators = [], []
    for start in range(0, resamples, 1_000):
        rows = min(1_000, resamples - start)
        times = random.multinomial(count, np.full(count, 1 / count), size=rows)
        numerators.append(times @ above)
        denominators.append(times @ below)
    return np.vstack(numerators), np.vstack(denominators)


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """Return the percentile by nearest rank: always one of the values.

    Raises:
        ValueError: If there are no values, or the percentage is not above 0 and at most 100.
    """
    if not values or not 0 < percent <= 100:
        raise ValueError("a percentile needs values and a percentage of 1 to 100")
    ordered = sorted(values)
    return ordered[math.ceil(percent / 100 * len(ordered)) - 1]
