"""How sure a figure is: against published values and the long way of computing."""

from __future__ import annotations

import random

import pytest

from rag.evaluation.statistics import (
    Share,
    bootstrap,
    holm,
    mcnemar,
    nearest_rank,
    paired_bootstrap,
    ratio,
    wilson,
)


def test_the_wilson_interval_is_the_published_one() -> None:
    interval = wilson(81, 263)  # Newcombe, Statistics in Medicine 17, 1998, table I

    assert interval.low == pytest.approx(0.2553, abs=5e-5)
    assert interval.high == pytest.approx(0.3662, abs=5e-5)
    assert wilson(0, 20).low == 0
    assert wilson(20, 20).high == 1


def test_mcnemar_is_the_exact_binomial_test_of_the_flips() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 5) == 1
    assert mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10)
    assert mcnemar(9, 1) == mcnemar(1, 9)


def test_holm_takes_the_number_of_tests_into_account() -> None:
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03})

    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})


def test_a_figure_is_the_sum_of_its_shares() -> None:
    assert ratio([Share(1, 2), Share(3, 4)]) == pytest.approx(4 / 6)
    with pytest.raises(ValueError, match="divide"):
        ratio([Share(0, 0)])


def test_the_same_seed_gives_the_same_interval() -> None:
    shares = [Share(n % 2) for n in range(30)]
    clusters = [f"d{n // 3}" for n in range(30)]

    assert bootstrap(shares, clusters) == bootstrap(shares, clusters)


def test_the_bootstrap_draws_documents_and_not_questions() -> None:
    # Ten documents of ten equal questions each: as uncertain as ten questions, not a hundred.
    shares = [Share(float(n // 10 < 5)) for n in range(100)]
    together = bootstrap(shares, [f"d{n // 10}" for n in range(100)])
    alone = bootstrap(shares, [f"q{n}" for n in range(100)])

    assert together.high - together.low > 2.5 * (alone.high - alone.low)


def test_the_bootstrap_is_that_of_drawing_documents_one_by_one() -> None:
    dice = random.Random(3)
    shares = [Share(dice.random(), dice.choice([1.0, 2.0])) for _ in range(40)]
    clusters = [f"d{n % 8}" for n in range(40)]
    groups = [[s for s, c in zip(shares, clusters, strict=True) if c == f"d{n}"] for n in range(8)]
    drawn = sorted(
        ratio([share for _ in range(8) for share in dice.choice(groups)]) for _ in range(4000)
    )

    interval = bootstrap(shares, clusters)

    assert interval.low == pytest.approx(drawn[100], abs=0.01)
    assert interval.high == pytest.approx(drawn[3899], abs=0.01)


def test_a_clear_change_is_told_from_none() -> None:
    before = [Share(float(n % 2)) for n in range(60)]
    after = [Share(1.0)] * 60
    clusters = [f"d{n}" for n in range(60)]

    better = paired_bootstrap(before, after, clusters)
    same = paired_bootstrap(before, before, clusters)

    assert better.change == pytest.approx(0.5)
    assert better.low > 0.35
    assert better.p < 0.001
    assert (same.low, same.high, same.change, same.p) == (0, 0, 0, 1)


def test_runs_of_unequal_length_cannot_be_paired() -> None:
    with pytest.raises(ValueError, match="same questions"):
        paired_bootstrap([Share(1)], [], ["d"])


def test_a_percentile_is_one_of_the_values() -> None:
    values = [10.0, 40.0, 20.0, 30.0]

    assert nearest_rank(values, 50) == 20
    assert nearest_rank(values, 95) == 40
    assert nearest_rank(values, 25) == 10
