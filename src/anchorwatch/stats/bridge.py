"""Two distribution functions compared as a whole: Cramér–von Mises and Anderson–Darling, with ties.

Under no change the difference of two distribution functions is a Brownian bridge, seen where the pooled values
lie. Ties and bins make that a walk of few steps, and the law of the statistics follows from the steps: from the
eigenvalues of a small matrix where single steps are long, else from the limit's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import digamma, polygamma

from anchorwatch.stats import tails
from anchorwatch.stats.quadratic import KEPT, Weights, tail

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

LONG = 1 / 24
"""A pooled share over this makes a step long, and steps are joined up to it before their matrix is made."""

_WIDTH = 24
_RANKS = np.arange(1.0, KEPT + 1)
_LIMIT_OF_MISES = (1 / (np.pi * _RANKS) ** 2, 1 / 6, 1 / 90)
_LIMIT_OF_ANDERSON = (1 / (_RANKS * (_RANKS + 1)), 1.0, np.pi**2 / 3 - 3)

SPARSE = 50
"""Rows of the smaller side beside its most common value under which normal laws are not trusted alone."""


def cramer_von_mises(gap: Floats, share: Floats, n: Counts, m: Counts) -> tuple[Floats, Floats]:
    """Statistic and p-value per row of `gap`, of `n` and `m` values.

    `T = nm/N Σ h (Z₋² + Z₊²)/2` over the distinct pooled values or bins, of pooled share `h`, with the difference of
    the distribution functions before and after it; without ties it is Anderson's `T`. The p-value is that of
    its limit under these ties, `T` shifted and scaled to the exact mean and to the variance among so few values.

    Args:
        gap: difference after each value but the last, shape (rows, values - 1); 0 beyond a row's own.
        share: pooled share of each value, shape (rows, values); 0 beyond a row's own.
        n: values of one side, all over 0.
        m: values of the other.

    Source: Anderson 1962; ties: Lockhart, Spinelli and Stephens 2007.

    >>> at, many = np.full((1, 100), 0.01), np.array([1000])
    >>> gap = 0.04 * np.sin(np.pi * np.arange(1, 100) / 100)[None]
    >>> statistic, p = cramer_von_mises(gap, at, many, many)
    >>> float(statistic.round(3)[0]), float(p.round(3)[0])
    (0.4, 0.072)
    """
    weight = share[:, :-1] + share[:, 1:]
    weight /= 2
    up_to = np.cumsum(share[:, :-1], axis=1)
    mean = np.einsum("ij,ij->i", weight, up_to - up_to * up_to)
    count = n.astype(np.float64), m.astype(np.float64)
    rows = count[0] + count[1]
    effective = count[0] * (count[1] / rows)
    statistic = effective * np.einsum("ij,ij,ij->i", weight, gap, gap)
    few = _narrowing_of_mises(*count)
    with np.errstate(divide="ignore", invalid="ignore"):
        standard = mean + (statistic - mean * rows / (rows - 1)) / np.sqrt(few)
    p = tail(standard, _weights(share, mean, _mises_matrix, _LIMIT_OF_MISES))
    return statistic, _guarded(p, statistic, gap, share, count)


def anderson_darling(gap: Floats, share: Floats, n: Counts, m: Counts) -> tuple[Floats, Floats]:
    """Statistic and p-value per row of `gap`, as `cramer_von_mises`.

    `A² = (N-1)/N nm/N Σ h Z² / (H (1-H) - h/4)`, `Z` and `H` in the middle of each value's step: the midrank form of
    Scholz and Stephens for two samples, not standardised; its mean under no change is 1.

    Source: Scholz and Stephens 1987, equation 7; Pettitt 1976.

    >>> at, many = np.full((1, 100), 0.01), np.array([1000])
    >>> gap = 0.04 * np.sin(np.pi * np.arange(1, 100) / 100)[None]
    >>> statistic, p = anderson_darling(gap, at, many, many)
    >>> float(statistic.round(3)[0]), float(p.round(3)[0])
    (1.977, 0.094)
    """
    up_to = np.cumsum(share, axis=1)
    up_to -= share / 2
    spread = up_to - up_to * up_to
    spread -= share / 4
    middle = np.zeros_like(share)
    middle[:, :-1] = gap
    middle[:, 1:] += gap
    middle *= middle
    ratio = np.divide(share, 4 * spread, out=np.zeros_like(share), where=spread > 1e-12)
    count = n.astype(np.float64), m.astype(np.float64)
    rows = count[0] + count[1]
    effective = (rows - 1) / rows * count[0] * (count[1] / rows)
    statistic = effective * np.einsum("ij,ij->i", ratio, middle)
    few = _narrowing_of_anderson(*count)
    standard = 1 + (statistic - 1) / np.sqrt(few)
    p = tail(standard, _weights(share, np.ones(len(share)), _anderson_matrix, _LIMIT_OF_ANDERSON))
    return statistic, _guarded(p, statistic, gap, share, count)


def _guarded(
    p: Floats, statistic: Floats, gap: Floats, share: Floats, count: tuple[Floats, Floats]
) -> Floats:
    """No smaller than Kolmogorov–Smirnov's where nearly all values are one, which that one bears."""
    most = share.max(axis=1)
    rare = (most > 0.5) & (np.minimum(*count) * (1 - most) < SPARSE)
    if rare.any():
        largest = np.abs(gap[rare]).max(axis=1, initial=0.0)
        p = p.copy()
        p[rare] = np.maximum(p[rare], tails.kolmogorov_smirnov(largest, count[0][rare], count[1][rare]))
    return np.where(statistic <= 0, 1.0, p)


def _weights(
    share: Floats,
    first: Floats,
    matrix: Callable[[Floats], Floats],
    limit: tuple[Floats, float, float],
) -> Weights:
    """The limit's weights, and a matrix's eigenvalues for those rows that have a long step."""
    rows = len(share)
    falling = np.tile(limit[0], (rows, 1))
    one, two = np.full(rows, limit[1]), np.full(rows, limit[2])
    long = share.max(axis=1) > LONG
    if long.any():
        values = np.linalg.eigvalsh(matrix(_joined(share[long])))[:, ::-1]
        falling[long] = 0
        width = min(KEPT, values.shape[1])
        falling[long, :width] = values[:, :width]
        one[long] = first[long]
        two[long] = (np.maximum(values, 0) ** 2).sum(axis=1)
    return Weights.of(falling, one, two)


def _joined(share: Floats) -> Floats:
    """Neighbours joined so that at most `_WIDTH` steps are left; those that are few stay as they are."""
    taken = share > 0
    rank = np.cumsum(taken, axis=1) - 1
    middle = np.cumsum(share, axis=1) - share / 2
    place = np.where(taken.sum(axis=1, keepdims=True) > _WIDTH, np.floor(middle * _WIDTH), rank)
    place = np.clip(place, 0, _WIDTH - 1).astype(np.int64) + _WIDTH * np.arange(len(share))[:, None]
    joined = np.bincount(place.ravel(), share.ravel(), _WIDTH * len(share))
    return np.asarray(joined, np.float64).reshape(len(share), _WIDTH)


def _mises_matrix(share: Floats) -> Floats:
    weight = np.sqrt((share[:, :-1] + share[:, 1:]) / 2)
    return _covariance(np.cumsum(share, axis=1)[:, :-1]) * weight[:, :, None] * weight[:, None, :]


def _anderson_matrix(share: Floats) -> Floats:
    middle = np.cumsum(share, axis=1) - share / 2
    spread = middle * (1 - middle) - share / 4
    known = spread > 1e-12
    weight = np.sqrt(np.divide(share, spread, out=np.zeros_like(share), where=known))
    covariance = _covariance(middle)
    places = np.arange(share.shape[1])
    covariance[:, places, places] = np.where(known, spread, 0)
    return covariance * weight[:, :, None] * weight[:, None, :]


def _covariance(at: Floats) -> Floats:
    """Of a Brownian bridge at times `at`, shape (rows, times)."""
    return np.minimum(at[:, :, None], at[:, None, :]) - at[:, :, None] * at[:, None, :]


def _narrowing_of_mises(n: Floats, m: Floats) -> Floats:
    """Variance of `T` of so few values without ties, over the limit's. Source: Anderson 1962."""
    rows = n + m
    exact = (rows + 1) / rows * (1 - (0.75 * (n / m + m / n) + 0.5) / rows)
    return np.clip(exact, 0.1, 1.0)


def _narrowing_of_anderson(n: Floats, m: Floats) -> Floats:
    """Variance of `A²` of so few values without ties, over the limit's. Source: Scholz and Stephens 1987."""
    rows = np.maximum(n + m, 4)
    inverse = 1 / n + 1 / m
    h = digamma(rows) + np.euler_gamma
    g = h**2 - (digamma(rows + 1) + np.euler_gamma) ** 2 + np.pi**2 / 6 - polygamma(1, rows + 1)
    a = (4 * g - 6) + (10 - 6 * g) * inverse
    b = (2 * g - 4) * 4 + 16 * h + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    c = (6 * h + 2 * g - 2) * 4 + (4 * h - 4 * g + 6) * 2 + (2 * h - 6) * inverse + 4 * h
    d = (2 * h + 6) * 4 - 8 * h
    variance = (a + b / rows + c / rows**2 + d / rows**3) / ((1 - 1 / rows) * (1 - 2 / rows) * (1 - 3 / rows))
    limit = 2 * (np.pi**2 / 3 - 3)
    return np.where(n + m > 4, np.clip(variance / limit, 0.1, 2.0), 1.0)
