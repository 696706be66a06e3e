"""The law of weighted sums of squared normals against closed forms, tables and simulation."""

import numpy as np
import pytest
from scipy.stats import chi2, gamma

from anchorwatch.stats.quadratic import Weights, tail


def law(*weights: float) -> Weights:
    """A law of a few weights."""
    given = np.array([weights])
    return Weights.of(given, given.sum(axis=1), (given**2).sum(axis=1))


@pytest.mark.parametrize("x", [0.1, 1.0, 5.0, 30.0, 60.0])
def test_equal_weights_are_chi_square(x: float) -> None:
    """One weight, and two that are equal, to 1e-13 and beyond."""
    for count in (1, 2):
        assert tail(np.array([x]), law(*[1.0] * count))[0] == pytest.approx(
            chi2.sf(x, count), rel=1e-6, abs=1e-300
        )


def test_pairs_of_weights_are_mixtures_of_exponentials() -> None:
    """Pairs at 1, ½ and ¼ have a closed form: `Σ Π (λᵢ/(λᵢ - λⱼ)) e^(-x/2λᵢ)`."""
    weights = np.array([1.0, 0.5, 0.25])
    x = np.array([0.5, 3.0, 20.0, 55.0])
    expected = sum(
        np.prod([one / (one - other) for other in weights if other != one]) * np.exp(-x / (2 * one))
        for one in weights
    )
    found = [tail(np.array([at]), law(*np.repeat(weights, 2)))[0] for at in x]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("statistic", "p"),
    [(0.02480, 0.99), (0.11888, 0.5), (0.46136, 0.05), (0.74346, 0.01), (1.16786, 0.001)],
)
def test_the_limit_of_cramer_von_mises_is_the_published_one(statistic: float, p: float) -> None:
    """Percentage points of Anderson and Darling 1952 and of Csörgő and Faraway 1996."""
    falling = 1 / (np.pi * np.arange(1, 30)) ** 2
    weights = Weights.of(falling[None], np.array([1 / 6]), np.array([1 / 90]))
    assert tail(np.array([statistic]), weights)[0] == pytest.approx(p, rel=1e-3)


@pytest.mark.parametrize(("statistic", "p"), [(2.492, 0.05), (3.878, 0.01), (5.969, 0.001), (1.933, 0.1)])
def test_the_limit_of_anderson_darling_is_the_published_one(statistic: float, p: float) -> None:
    """Percentage points of Marsaglia and Marsaglia 2004."""
    rank = np.arange(1.0, 30)
    weights = Weights.of((1 / (rank * (rank + 1)))[None], np.array([1.0]), np.array([np.pi**2 / 3 - 3]))
    assert tail(np.array([statistic]), weights)[0] == pytest.approx(p, rel=2e-3)


@pytest.mark.parametrize("count", [3, 5, 9, 23])
def test_any_number_of_weights_is_what_simulation_says(count: int) -> None:
    """Odd numbers of weights too, from the middle to one in a thousand."""
    rng = np.random.default_rng(count)
    weights = 1 / np.sin(np.arange(1, count + 1) * np.pi / 2 / (count + 1)) ** 2
    drawn = (rng.normal(size=(200_000, count)) ** 2) @ weights
    for p in (0.9, 0.5, 0.1, 0.01, 0.001):
        found = tail(np.array([np.quantile(drawn, 1 - p)]), law(*weights))[0]
        assert found == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / drawn.size))


def test_degenerate_sums() -> None:
    """Nothing, or nothing to weigh, has a tail of 1; NaN stays; a far tail is small, not 0 by rounding."""
    assert tail(np.array([0.0]), law(1.0, 0.5))[0] == 1
    assert tail(np.array([3.0]), law(0.0, 0.0))[0] == 1
    assert np.isnan(tail(np.array([np.nan]), law(1.0, 0.5))[0])
    assert 0 < tail(np.array([1000.0]), law(1.0, 0.5))[0] < gamma.sf(500, 1) * 10
