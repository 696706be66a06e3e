"""Rank tests of location and scale by normal scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from anchorwatch.drift.bins import bins_of
from anchorwatch.drift.scores import moved_or_stretched
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.example import pair


def both(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """The two p-values of one column."""
    reference, current = pair({"x": before}, {"x": after})
    found = moved_or_stretched(bins_of(reference.grid, Side.INPUTS, reference.numbers, current.numbers))
    return float(found[0][0]), float(found[1][0])


def exact(before: np.ndarray, after: np.ndarray) -> tuple[float, float]:
    """By the ranks of all values, written out."""
    ranks = stats.rankdata(np.concatenate([after, before]))
    total = ranks.size
    p = []
    for power in (1, 2):
        weight = stats.norm.ppf((ranks - 0.5) / total) ** power
        gap = weight[: after.size].mean() - weight[after.size :].mean()
        error = np.sqrt(weight.var() * total / (total - 1) * (1 / after.size + 1 / before.size))
        p.append(2 * stats.norm.sf(abs(gap / error)))
    return p[0], p[1]


def test_with_a_bin_for_each_value_they_are_exact() -> None:
    """Whole numbers: the tests of ranks with ties, as scores of mid-ranks."""
    random = np.random.default_rng(1)
    before, after = (
        random.integers(0, 30, 900).astype(float),
        np.minimum(random.integers(1, 32, 300), 29).astype(float),
    )
    assert both(before, after) == pytest.approx(exact(before, after), rel=0.05)


def test_of_binned_numbers_they_are_near() -> None:
    """A quarter of a thousand bins lose next to nothing."""
    random = np.random.default_rng(2)
    before, after = random.normal(size=5000), random.normal(0.05, 1.05, size=1500)
    ours, theirs = both(before, after), exact(before, after)
    assert np.log10(ours) == pytest.approx(np.log10(theirs), abs=0.3)


@pytest.mark.parametrize(("n", "m"), [(30, 1000), (300, 300), (5000, 500)])
def test_they_hold_their_level(n: int, m: int) -> None:
    """Of normal, skewed and heavy-tailed data alike, at one in twenty and one in a hundred."""
    random = np.random.default_rng(n)
    columns = 300
    reference, current = (
        {
            f"x{lane}": (random.normal, random.exponential, random.standard_cauchy)[lane % 3](size=rows)
            for lane in range(columns)
        }
        for rows in (m, n)
    )
    before, after = pair(reference, current)
    for p in moved_or_stretched(bins_of(before.grid, Side.INPUTS, before.numbers, after.numbers)):
        for alpha in (0.05, 0.01):
            assert np.mean(p < alpha) < alpha + 4 * np.sqrt(alpha / columns)


def test_a_constant_has_not_changed() -> None:
    """Nothing can be ranked: p is 1; a side without values has none."""
    assert both(np.full(50, 3.0), np.full(40, 3.0)) == (1.0, 1.0)
    assert np.isnan(both(np.arange(50.0), np.full(40, np.nan))).all()
