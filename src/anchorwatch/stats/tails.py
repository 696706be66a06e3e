"""Tail probabilities of test statistics, vectorised; NaN in, NaN out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, erfc, kolmogorov

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def chi_square(statistic: ArrayLike, freedom: ArrayLike) -> NDArray[np.float64]:
    """`P(χ² ≥ statistic)` with `freedom` degrees, fractions too; NaN with none.

    >>> round(float(chi_square(3.841459, 1)), 4)
    0.05
    """
    degrees = np.asarray(freedom, dtype=np.float64)
    tail = np.asarray(chdtrc(np.where(degrees > 0, degrees, 1.0), statistic), dtype=np.float64)
    return np.where(degrees > 0, tail, np.nan)


def kolmogorov_smirnov(distance: ArrayLike, n: ArrayLike, m: ArrayLike) -> NDArray[np.float64]:
    """p-value of a two-sample Kolmogorov–Smirnov distance between `n` and `m` values.

    `Q(√(nm/(n+m)) D)` with Kolmogorov's limit `Q`. Ties make it conservative. Source: Smirnov 1939.

    >>> round(float(kolmogorov_smirnov(0.19, 100, 100)), 4)
    0.0541
    """
    first = np.asarray(n, dtype=np.float64)
    second = np.asarray(m, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = first / (first + second) * second
    return np.asarray(kolmogorov(np.sqrt(effective) * distance), dtype=np.float64)


def equal_shares(count: ArrayLike, n: ArrayLike, other: ArrayLike, m: ArrayLike) -> NDArray[np.float64]:
    """p-value of the pooled two-proportion z test, two-sided; 1 when both shares are 0 or both 1.

    `z = (p - q)/√(s(1-s)(1/n + 1/m))` with the pooled share `s`: the 2×2 chi-square test without correction.

    >>> round(float(equal_shares(15, 100, 5, 100)), 4)
    0.0184
    """
    k, l_ = np.asarray(count, dtype=np.float64), np.asarray(other, dtype=np.float64)
    first, second = np.asarray(n, dtype=np.float64), np.asarray(m, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = (k + l_) / (first + second)
        error = np.sqrt(np.maximum(pooled * (1 - pooled), 0) * (1 / first + 1 / second))
        z = np.abs(k / first - l_ / second) / error
    z = np.where(error == 0, 0.0, z)
    return np.asarray(erfc(z / np.sqrt(2)), dtype=np.float64)
