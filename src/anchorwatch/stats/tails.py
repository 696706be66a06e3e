"""Tail probabilities of test statistics, vectorised; NaN in, NaN out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betaln, chdtrc, kolmogorov, ndtr, xlogy

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


EXACT = 100.0
"""Standard deviation of a count over which its tail is taken from the deviance instead of being summed."""


def fisher(count: ArrayLike, n: ArrayLike, other: ArrayLike, m: ArrayLike) -> NDArray[np.float64]:
    """p-value of Fisher's exact test of `count` of `n` against `other` of `m`, twice the smaller tail; NaN at no rows.

    `2 P(X ≥ x)` of the hypergeometric law of the larger share's count, 1 at most. Summed term by term; where a count's
    standard deviation is over 100, the normal tail of the root of the deviance with half a count taken off, which is
    within 1 % down to 1e-12. Right for rare events, for which the normal test of two shares cries wolf.

    Source: Fisher 1934; doubling: Yates 1984.

    >>> round(float(fisher(15, 100, 5, 100)), 4)
    0.0317
    >>> float(fisher(1, 1000, 1, 100000)).__round__(4)
    0.0394
    """
    k, n_, l_, m_ = np.broadcast_arrays(*(np.asarray(item, np.float64) for item in (count, n, other, m)))
    with np.errstate(divide="ignore", invalid="ignore"):
        swap = k * m_ < l_ * n_
        x, n_, l_, m_ = (np.where(swap, b, a) for a, b in ((k, l_), (n_, m_), (l_, k), (m_, n_)))
        total, rows = x + l_, n_ + m_
        spread = np.sqrt(total * (n_ / rows) * (m_ / rows) * (rows - total) / np.maximum(rows - 1, 1))
        known, wide = (n_ > 0) & (m_ > 0), spread > EXACT
        tail = np.where(wide, _deviance_tail(x, n_, l_, m_), np.nan)
    summed = known & ~wide
    if summed.any():
        tail[summed] = _summed_tail(
            x[summed], n_[summed], l_[summed], m_[summed], float(spread[summed].max())
        )
    return np.where(known, np.minimum(2 * tail, 1.0), np.nan)


def _summed_tail(
    x: NDArray[np.float64],
    n: NDArray[np.float64],
    other: NDArray[np.float64],
    m: NDArray[np.float64],
    spread: float,
) -> NDArray[np.float64]:
    """`P(X ≥ x)`, x not under the mean: the first term and how the next ones shrink."""
    last = np.minimum(n - x, other)
    steps = np.arange(min(float(last.max()), 8 * spread + 40))
    shrink = (other[:, None] - steps) * (n[:, None] - x[:, None] - steps)
    shrink /= (x[:, None] + 1 + steps) * (m[:, None] - other[:, None] + 1 + steps)
    np.maximum(shrink, 0, out=shrink)
    np.cumprod(shrink, axis=1, out=shrink)
    first = _log_choose(n, x) + _log_choose(m, other) - _log_choose(n + m, x + other)
    return np.asarray(np.exp(first) * (1 + shrink.sum(axis=1)), dtype=np.float64)


def _log_choose(n: NDArray[np.float64], k: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-betaln(n - k + 1, k + 1) - np.log1p(n), dtype=np.float64)


def _deviance_tail(
    x: NDArray[np.float64], n: NDArray[np.float64], other: NDArray[np.float64], m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`P(X ≥ x)` from the deviance of the table with x less a half."""
    total, rows = x + other, n + m
    held = np.maximum(x - 0.5, 0)
    expected = total * (n / rows)
    table = [(held, expected), (total - held, total - expected)]
    table += [(n - held, n - expected), (m - total + held, m - total + expected)]
    deviance = sum(xlogy(seen, seen / meant) - seen + meant for seen, meant in table)
    root = np.sign(held - expected) * np.sqrt(np.maximum(2 * deviance, 0))
    # The variance of the law is that of the table's, but for rows - 1 in place of rows.
    return np.asarray(ndtr(-root * np.sqrt((rows - 1) / rows)), dtype=np.float64)
