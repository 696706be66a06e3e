"""How many values that a sample never held may come by chance alone: beyond its range, or of no kind it knew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc

from anchorwatch.stats import tails

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def of_range(count: ArrayLike, n: ArrayLike, m: ArrayLike) -> NDArray[np.float64]:
    """`P(K ≥ count)` of `n` new values beyond the smallest and the largest of `m` old ones, none having changed.

    What lies beyond the range of `m` draws is two of the `m + 1` gaps they leave, a Gamma(2)/m share of all draws; so
    `K` is negative binomial of shape 2: `I(n/(n+m); count, 2)`. Ties only make it smaller. Source: Wilks 1941.

    >>> of_range([0, 1, 3], 100, 300).round(4).tolist()
    [1.0, 0.4375, 0.0508]
    """
    return _tail(count, n, 2.0, m)


def of_kinds(
    count: ArrayLike, n: ArrayLike, once: ArrayLike, twice: ArrayLike, m: ArrayLike
) -> NDArray[np.float64]:
    """`P(K ≥ count)` of `n` new values of kinds that `m` old ones did not hold.

    `once` and `twice` are how many kinds came so often among the old ones. The share of what was not seen is about
    `once/m`, with a variance of `(once + 2 twice)/m²`; one more is added to both, so that a sample in which nothing
    came once still leaves room. With a share of that gamma law `K` is negative binomial. Source: Good 1953; Robbins
    1968; variance: Esty 1983.

    >>> of_kinds([1, 5, 5], 100, [0, 0, 20], [0, 0, 10], 300).round(4).tolist()
    [0.25, 0.001, 0.7546]
    """
    mean = np.asarray(once, np.float64) + 1
    spread = mean + 2 * np.asarray(twice, np.float64)
    return _tail(count, n, mean**2 / spread, np.asarray(m, np.float64) * mean / spread)


def beside(
    count: ArrayLike, n: ArrayLike, other: ArrayLike, m: ArrayLike, fresh: ArrayLike
) -> NDArray[np.float64]:
    """`fresh`, the probability by a sample that holds none; where `other` of `m` are such, Fisher's test instead.

    >>> beside([5, 5], 100, [0, 20], 300, [0.01, 0.01]).round(3).tolist()
    [0.01, 1.0]
    """
    known = np.asarray(other) > 0
    more = np.asarray(count) * np.asarray(m, np.float64) > np.asarray(other) * np.asarray(n, np.float64)
    return np.where(known, np.where(more, tails.fisher(count, n, other, m), 1.0), fresh)


def _tail(count: ArrayLike, n: ArrayLike, shape: ArrayLike, rate: ArrayLike) -> NDArray[np.float64]:
    """`P(K ≥ count)` of a Poisson law whose mean is `n` times Gamma(shape, rate)."""
    k, rows, a, b = np.broadcast_arrays(*(np.asarray(item, np.float64) for item in (count, n, shape, rate)))
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = np.where(k > 0, betainc(np.maximum(k, 1), a, rows / (rows + b)), 1.0)
    return np.where((rows > 0) & (b > 0), tail, np.nan)
