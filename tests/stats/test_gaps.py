"""Limits of several gaps together: their laws, and how often they hold the truth."""

import numpy as np
import pytest

from anchorwatch.stats import gaps

N = np.full(10, 200.0)


@pytest.mark.parametrize("scale", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("of", [gaps.of_absolute, gaps.of_squares])
def test_limits_cover_from_no_gap_to_large_ones(of: object, scale: float) -> None:
    """Where all true gaps are 0, where they drown in noise and where they stand out: 95 % or a little more."""
    rng = np.random.default_rng(3)
    truth, error = scale * rng.normal(size=10), np.full(10, 0.03)
    size = np.abs(truth).mean() if of is gaps.of_absolute else np.mean(truth**2)
    drawn = truth + error * rng.normal(size=(800, 10))
    limits = np.array([of(gap, error, N) for gap in drawn])
    covered = np.mean((limits[:, 0] <= size + 1e-12) & (size <= limits[:, 1] + 1e-12))
    assert 0.93 <= covered <= 0.99


def test_limits_hold_what_was_observed_and_grow_with_ties() -> None:
    """The observed sum lies within, and dependence widens."""
    rng = np.random.default_rng(4)
    for gap in rng.normal(scale=0.05, size=(50, 10)):
        error = np.full(10, 0.02)
        for of, size in ((gaps.of_absolute, np.abs(gap).mean()), (gaps.of_squares, np.mean(gap**2))):
            low, high = of(gap, error, N)
            wide = of(gap, error, N, 2.0)
            assert 0 <= wide[0] <= low + 1e-9
            assert low <= size <= high <= wide[1] + 1e-9


def test_the_largest_gap_is_held() -> None:
    """Exact limits of each share together hold the largest in at least 95 %, with few rows too."""
    rng = np.random.default_rng(5)
    rate, predicted, n = np.array([0.02, 0.3, 0.9]), np.array([0.03, 0.2, 0.97]), np.array([15, 100, 4])
    truth = np.abs(rate - predicted).max()
    limits = np.array(
        [gaps.of_largest(row, n.astype(float), predicted) for row in rng.binomial(n, rate, (1000, 3))]
    )
    assert np.mean((limits[:, 0] <= truth) & (truth <= limits[:, 1])) >= 0.95
