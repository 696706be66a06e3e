"""Intervals of how far several means lie from their targets together: calibration errors and the like.

The sum, the sum of squares and the largest of `|gap|` are pushed up by noise: where all true gaps are 0 they are
not. Limits are therefore found by asking which true size makes the observed one neither too large nor too small,
the gaps keeping their proportions. Where the truth is 0 the lower limit is 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaincinv, ndtr

from anchorwatch.stats.intervals import LEVEL, Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STEPS = 96
"""Sizes tried: the limits are exact to a few thousandths of the interval's width."""


def of_absolute(gap: Array, error: Array, n: Array, tied: float = 1.0) -> tuple[float, float]:
    """Limits of `Σ wᵢ|δᵢ|`, `w = n/Σn`, of independent `gap` ~ N(δ, error²), each the mean of `n` > 0 rows.

    Mean and variance of a folded normal are known: Leone, Nelson and Nottingham 1961. Where gaps are not independent,
    `tied` is by how much that multiplies the variance of their sum. The limits hold what was observed; shape (k,)
    each.

    >>> low, high = of_absolute(np.array([0.1, -0.1]), np.array([0.02, 0.02]), np.array([100.0, 100.0]))
    >>> round(low, 3), round(high, 3)
    (0.072, 0.128)
    """
    weight, observed = n / n.sum(), float(np.abs(gap) @ n / n.sum())
    true, size = _ray(gap, error, weight, observed + 6 * float(np.sqrt((weight * error) @ (weight * error))))
    scaled = true / error
    mean = error * np.sqrt(2 / np.pi) * np.exp(-(scaled**2) / 2) + true * (1 - 2 * ndtr(-scaled))
    variance = true**2 + error**2 - mean**2
    chance = (true**2 @ weight - (true @ weight) ** 2) / n.sum()
    low, high = _inverted(observed, size, mean @ weight, tied * (variance @ weight**2 + chance))
    return min(low, observed), max(high, observed)


def of_squares(gap: Array, error: Array, n: Array, tied: float = 1.0) -> tuple[float, float]:
    """Limits of `Σ wᵢδᵢ²`, `w = n/Σn`, of independent `gap` ~ N(δ, error²), each the mean of `n` > 0 rows.

    From the moments of a non-central chi-square; `tied` as above. The limits hold what was observed; shape (k,)
    each.

    >>> low, high = of_squares(np.array([0.1, -0.1]), np.array([0.02, 0.02]), np.array([100.0, 100.0]))
    >>> round(low, 4), round(high, 4)
    (0.005, 0.0159)
    """
    weight, observed = n / n.sum(), float(gap**2 @ n / n.sum())
    reach = np.sqrt(observed) + 6 * float(np.sqrt(weight @ error**2))
    true, _ = _ray(gap, error, weight, reach)
    square = true**2
    variance = 2 * error**4 + 4 * square * error**2
    chance = (square**2 @ weight - (square @ weight) ** 2) / n.sum()
    mean, spread = (square + error**2) @ weight, tied * (variance @ weight**2 + chance)
    # The cube root of a sum of squares is nearly normal: Wilson and Hilferty 1931.
    part = spread / (9 * mean**2)
    low, high = _inverted(
        observed ** (1 / 3), square @ weight, mean ** (1 / 3) * (1 - part), mean ** (2 / 3) * part
    )
    return min(low, observed), max(high, observed)


def of_largest(came: Array, n: Array, predicted: Array) -> tuple[float, float]:
    """Limits of `max |oᵢ - predictedᵢ|` of independent shares `oᵢ`, `came` of `n` > 0 rows.

    From exact limits of each share (Clopper and Pearson 1934): at least the largest lower limit that holds for all
    together (Šidák 1967), at most the largest upper one, so never too narrow. Shape (k,) each.

    >>> low, high = of_largest(np.array([30.0, 52.0]), np.array([100.0, 100.0]), np.array([0.5, 0.5]))
    >>> round(low, 3), round(high, 3)
    (0.086, 0.288)
    """
    all_of_them = LEVEL ** (1 / n.size)
    (lowest, highest), (low, high) = (_exact(came, n, level) for level in (all_of_them, LEVEL))
    least = np.maximum(lowest - predicted, predicted - highest).max()
    return max(float(least), 0.0), float(np.maximum(high - predicted, predicted - low).max())


def _exact(came: Array, n: Array, level: float) -> tuple[Array, Array]:
    tail = (1 - level) / 2
    low = np.where(came > 0, betaincinv(np.maximum(came, 1e-9), n - came + 1, tail), 0.0)
    high = np.where(came < n, betaincinv(came + 1, np.maximum(n - came, 1e-9), 1 - tail), 1.0)
    return low, high


def _ray(gap: Array, error: Array, weight: Array, reach: float) -> tuple[Array, Array]:
    """True gaps in the proportions observed, shape (steps, k), whose weighted sums run from 0 to `reach`."""
    # A gap that happens to be 0 may still grow: each counts for half its noise at least.
    shape = np.hypot(gap, error / 2)
    size = np.linspace(0, reach, STEPS)
    return size[:, None] * (shape / (shape @ weight)), size


def _inverted(observed: float, size: Array, mean: Array, variance: Array) -> tuple[float, float]:
    """Sizes under which what was observed is the highest, and the lowest, to be expected."""
    half = Z * np.sqrt(np.maximum(variance, 0))
    highest, lowest = (np.maximum.accumulate(mean + side * half) for side in (1, -1))
    low, high = (float(np.interp(observed, limit, size)) for limit in (highest, lowest))
    return low, high
