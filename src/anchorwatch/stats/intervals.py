"""Confidence intervals, all 95 % and two-sided, vectorised, NaN where there is none.

Each returns `(low, high)`, float64 arrays of the broadcast shape of its arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Interval = tuple[NDArray[np.float64], NDArray[np.float64]]

LEVEL = 0.95
Z = float(ndtri(0.5 + LEVEL / 2))
"""Two-sided normal quantile, 1.96."""


def wilson(count: ArrayLike, n: ArrayLike) -> Interval:
    """Wilson's score interval of a share, `count` of `n`; never empty, never outside 0..1, NaN at `n` = 0.

    `(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)`. Source: Wilson 1927; Brown, Cai and DasGupta 2001.

    >>> low, high = wilson(8, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.4902, 0.9433)
    """
    total = np.asarray(n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.asarray(count, dtype=np.float64) / total
        shrink = 1 + Z * Z / total
        centre = (share + Z * Z / (2 * total)) / shrink
        # Rounding may take p(1-p) under 0 only where callers weigh fractional counts.
        spread = Z / shrink * np.sqrt(np.maximum(share * (1 - share), 0) / total + (Z / (2 * total)) ** 2)
    # At 0 and n of n the bound is the share itself; rounding must not move it past.
    return (
        np.where(share <= 0, 0.0, np.maximum(centre - spread, 0.0)),
        np.where(share >= 1, 1.0, np.minimum(centre + spread, 1.0)),
    )


def of_mean(total: ArrayLike, square: ArrayLike, n: ArrayLike) -> Interval:
    """Normal interval of a mean from sum, sum of squares and count; NaN below two observations.

    `m ± z s/√n` with `s² = (Σx² - n m²)/(n - 1)`.

    >>> low, high = of_mean(6.0, 14.0, 3)  # 1, 2, 3
    >>> round(float(low), 3), round(float(high), 3)
    (0.868, 3.132)
    """
    count = np.asarray(n, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = np.asarray(total, dtype=np.float64) / count
        variance = np.maximum(np.asarray(square, dtype=np.float64) / count - mean**2, 0) * count / (count - 1)
        half = np.where(count >= 2, Z * np.sqrt(variance / count), np.nan)
    return mean - half, mean + half


def of_logit(share: ArrayLike, error: ArrayLike) -> Interval:
    """Interval of a share with standard error `error`, normal on the logit scale, so inside 0..1.

    NaN where the share is 0 or 1 or the error is 0: nothing can be said from a variance there.
    Source: Pepe 2003, section 5.2.

    >>> low, high = of_logit(0.9, 0.05)
    >>> round(float(low), 3), round(float(high), 3)
    (0.752, 0.964)
    """
    value = np.asarray(share, dtype=np.float64)
    sigma = np.asarray(error, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        odds = value / (1 - value)
        factor = np.exp(Z * sigma / (value * (1 - value)))
        low, high = odds / (odds + factor), odds * factor / (1 + odds * factor)
    inside = (value > 0) & (value < 1) & (sigma > 0)
    # Beyond e^709 the upper bound is 1 to all digits.
    high = np.where(np.isnan(high), 1.0, high)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def of_difference(count: ArrayLike, n: ArrayLike, other: ArrayLike, m: ArrayLike) -> Interval:
    """Newcombe's interval of `count/n - other/m`, two independent shares; NaN when `n` or `m` is 0.

    `d - √((p-l₁)² + (u₂-q)²) … d + √((u₁-p)² + (q-l₂)²)` with Wilson's limits. Source: Newcombe 1998,
    method 10.

    >>> low, high = of_difference(56, 70, 48, 80)
    >>> round(float(low), 4), round(float(high), 4)
    (0.0524, 0.3339)
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(count, dtype=np.float64) / np.asarray(n, dtype=np.float64)
        q = np.asarray(other, dtype=np.float64) / np.asarray(m, dtype=np.float64)
    low_p, high_p = wilson(count, n)
    low_q, high_q = wilson(other, m)
    return p - q - np.hypot(p - low_p, high_q - q), p - q + np.hypot(high_p - p, q - low_q)


def of_macro(count: ArrayLike, n: ArrayLike) -> tuple[float, float]:
    """Interval of the mean of independent shares, each `count` of `n` > 0; of one share: Wilson's.

    `m - √Σ(pᵢ-lᵢ)²/k … m + √Σ(uᵢ-pᵢ)²/k` (MOVER). Source: Zou and Donner 2008.

    >>> low, high = of_macro([8], [10])
    >>> round(low, 4), round(high, 4)
    (0.4902, 0.9433)
    """
    share = np.asarray(count, dtype=np.float64) / np.asarray(n, dtype=np.float64)
    low, high = wilson(count, n)
    mean = float(share.mean())
    down = float(np.sqrt(np.sum((share - low) ** 2))) / share.size
    up = float(np.sqrt(np.sum((high - share) ** 2))) / share.size
    return max(mean - down, 0.0), min(mean + up, 1.0)


def of_atanh(value: ArrayLike, error: ArrayLike) -> Interval:
    """Interval of a correlation with standard error `error`, normal on Fisher's scale, so inside -1..1.

    `tanh(artanh v ± z s/(1 - v²))`; NaN where the value is ±1 or the error 0. Source: Fisher 1921.

    >>> low, high = of_atanh(0.9, 0.05)
    >>> round(float(low), 3), round(float(high), 3)
    (0.743, 0.963)
    """
    centre = np.asarray(value, dtype=np.float64)
    sigma = np.asarray(error, dtype=np.float64)
    inside = (np.abs(centre) < 1) & (sigma > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = Z * sigma / (1 - centre**2)
        low, high = (np.tanh(np.arctanh(centre) + side * half) for side in (-1, 1))
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def of_log(value: ArrayLike, error: ArrayLike) -> Interval:
    """Interval of a positive number with standard error `error`, normal on the log scale, so over 0.

    `v e^{±z s/v}`; NaN where value or error is 0. Source: delta method.

    >>> low, high = of_log(2.0, 0.5)
    >>> round(float(low), 3), round(float(high), 3)
    (1.225, 3.265)
    """
    centre = np.asarray(value, dtype=np.float64)
    sigma = np.asarray(error, dtype=np.float64)
    inside = (centre > 0) & (sigma > 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = np.exp(Z * sigma / centre)
        low, high = centre / factor, centre * factor
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def error_of_shares(counts: ArrayLike, gradient: ArrayLike) -> float:
    """Standard error of a function of shares: `√((Σ s g² - (Σ s g)²) / n)`, the multinomial delta method.

    `counts` of each cell, `gradient` of the function by the cell's share, of one shape; NaN without counts.
    Source: Agresti 2013, section 16.1.

    >>> round(error_of_shares([8, 2], [1, 0]), 4)  # of a plain share: √(p(1-p)/n)
    0.1265
    """
    cells, pull = np.asarray(counts, dtype=np.float64), np.asarray(gradient, dtype=np.float64)
    n = cells.sum()
    if n <= 0:
        return float("nan")
    centre = (cells * pull).sum() / n
    return float(np.sqrt((cells * (pull - centre) ** 2).sum())) / float(n)


def rank_bounds(n: int, q: float) -> tuple[int, int]:
    """Ranks (from 1) of the order statistics that bound the `q` quantile of `n` values; 0 or n + 1: no bound.

    The lower is the largest rank with `P(Bin(n, q) < rank) ≤ 2.5 %`, the upper the smallest with
    `P(Bin(n, q) ≥ rank) ≤ 2.5 %`: distribution-free. Source: Conover 1999, section 3.2.

    >>> rank_bounds(100, 0.5)
    (40, 61)
    """
    tail = (1 - LEVEL) / 2
    reach = Z * np.sqrt(n * q * (1 - q))
    lower = _near(n * q - reach, n)
    upper = _near(n * q + reach, n)
    below = lower[bdtr(lower, n, q) <= tail]
    above = upper[bdtr(upper, n, q) >= 1 - tail]
    return (int(below[-1]) + 1 if below.size else 0), (int(above[0]) + 1 if above.size else n + 1)


def _near(rank: float, n: int) -> NDArray[np.float64]:
    """Ranks around a normal quantile of the binomial: its error is under 2, whatever `n` and `q`."""
    return np.arange(max(int(rank) - 8, 0), min(int(rank) + 8, n) + 1, dtype=np.float64)
