"""KSWIN: its test against SciPy's, its draws, and its rate."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from anchorwatch.drift.sequential import Kswin
from anchorwatch.drift.sequential.kswin import _steps, critical


@pytest.mark.parametrize("size", [12, 30, 100])
@pytest.mark.parametrize("alpha", [0.05, 0.005, 1e-4])
def test_the_critical_distance_is_scipy_s(size: int, alpha: float) -> None:
    """The least distance over 0.1 whose exact p-value is no more than alpha."""
    base = np.arange(size, dtype=float)

    def p(h: int) -> float:
        # `h` items moved beyond all others put the two samples h steps apart.
        other = np.concatenate([base[h:], np.full(h, 1e9)])
        found = ks_2samp(base, other, method="exact")
        assert round(found.statistic * size) == h
        return float(found.pvalue)

    expected = next((h for h in range(1, size + 1) if h > 0.1 * size and p(h) <= alpha), size + 1)
    assert critical(size, alpha) == expected


def test_distances_are_scipy_s_with_ties_too() -> None:
    """Row by row, on numbers, on few levels and on constants."""
    draw = np.random.default_rng(0)
    for one, other in (
        (draw.normal(size=(50, 30)), draw.normal(0.4, 1, (50, 30))),
        (draw.integers(0, 3, (50, 30)).astype(float), draw.integers(0, 4, (50, 30)).astype(float)),
        (np.ones((3, 30)), np.ones((3, 30))),
    ):
        expected = [round(ks_2samp(a, b).statistic * 30) for a, b in zip(one, other, strict=True)]
        assert _steps(one, other).tolist() == expected


def test_draws_are_fair_and_follow_the_seed() -> None:
    """Without replacement, every older place as often as any other; another seed draws others."""
    drawn = Kswin()._drawn(np.arange(1, 20_001))
    assert all(len(set(row)) == 30 for row in drawn[:200].tolist())
    counts = np.bincount(drawn.ravel(), minlength=70)
    expected = 20_000 * 30 / 70
    assert np.abs(counts - expected).max() < 6 * np.sqrt(expected)
    assert (Kswin(seed=1)._drawn(np.arange(1, 9)) != drawn[:8]).any()
    assert (Kswin()._drawn(np.arange(1, 9)) == drawn[:8]).all()


def test_alarms_come_at_the_rate_of_river_s() -> None:
    """On 40,000 normal numbers at alpha 0.005, River raises 30 to 60; nothing is under 0.1 of distance."""
    xs = np.random.default_rng(4).normal(size=40_000)
    found = Kswin().run(Kswin().start(), xs)[1].size
    assert 20 <= found <= 90
