"""How many new values come by chance: against the exact law, brute force, and the rates of unchanged data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from anchorwatch.stats import novelty


def exact(k: int, n: int, m: int) -> float:
    """Among the k + 1 smallest on a circle of n new and m old values, no more than one is old."""
    ways = special.comb(n, k + 1) + m * special.comb(n, k)
    return float(ways / special.comb(n + m, k + 1))


@pytest.mark.parametrize(("n", "m"), [(10, 30), (100, 300), (1000, 300), (30, 10_000)])
def test_beyond_the_range_is_not_under_the_exact_law(n: int, m: int) -> None:
    """Where it matters, and within a tenth of it where there are many rows."""
    counts = np.arange(1, 8)
    found = novelty.of_range(counts, n, m)
    law = np.array([exact(int(k), n, m) for k in counts])
    assert (found >= law * 0.999)[law < 0.3].all()
    if n >= 100:
        np.testing.assert_allclose(found[law > 1e-2], law[law > 1e-2], rtol=0.1)


@pytest.mark.parametrize(("n", "m"), [(100, 300), (1000, 300), (300, 3000)])
def test_beyond_the_range_keeps_its_level(n: int, m: int) -> None:
    """Of values that did not change."""
    rng = np.random.default_rng([n, m])
    gaps = rng.beta(2, m - 1, 20_000)
    p = novelty.of_range(rng.binomial(n, gaps), n, m)
    for alpha in (0.05, 0.01, 0.001):
        assert (p < alpha).mean() < alpha + 4 * np.sqrt(alpha / p.size)


SHARES = {
    "zipf 300": 1 / np.arange(1, 301),
    "zipf 10000": 1 / np.arange(1, 10_001),
    "uniform 50": np.ones(50),
    "uniform 2000": np.ones(2000),
    "two": np.array([0.999, 0.001]),
}


@pytest.mark.parametrize(("n", "m"), [(30, 300), (1000, 300), (100, 3000), (10_000, 3000)])
@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
def test_new_kinds_keep_their_level(shares: np.ndarray, n: int, m: int) -> None:
    """Of categories that did not change, whatever their number and their rarity."""
    rng = np.random.default_rng([n, m, shares.size])
    shares = shares / shares.sum()
    before = rng.multinomial(m, shares, 3000)
    count = rng.binomial(n, np.where(before == 0, shares, 0).sum(axis=1).clip(0, 1))
    p = novelty.of_kinds(count, n, (before == 1).sum(axis=1), (before == 2).sum(axis=1), m)
    for alpha in (0.05, 0.01, 0.001):
        assert (p < alpha).mean() < alpha + 4 * np.sqrt(alpha / p.size)


def test_a_new_kind_is_seen() -> None:
    """Six new ones of a hundred, where three hundred held nothing rare; and none is no finding."""
    assert novelty.of_kinds(6, 100, 0, 0, 300) < 0.001
    assert novelty.of_kinds(0, 100, 0, 0, 300) == 1
    assert np.isnan(novelty.of_kinds(0, 0, 0, 0, 300))
    assert np.isnan(novelty.of_range(1, 10, 0))


def test_where_such_values_were_known_the_shares_are_compared() -> None:
    """By Fisher's test, on the side of more of them."""
    found = novelty.beside([30, 3, 5], 100, [3, 30, 0], 100, 0.5)
    assert found[0] < 1e-6
    assert found[1] == 1
    assert found[2] == 0.5
