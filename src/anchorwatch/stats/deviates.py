"""p-values as deviates and deviates as p-values."""

from __future__ import annotations

from math import inf, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtri, ndtr, stdtr

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SMALLEST = 1e-300
"""p-values below it are taken for it: that sure of anything nobody is."""


def squared(p: ArrayLike) -> NDArray[np.float64]:
    """p-values as squares of normal deviates: the χ² of one degree they are the upper tail of.

    >>> squared([1.0, 0.05, 0.0]).round(2).tolist()
    [0.0, 3.84, 1373.87]
    """
    held = np.clip(np.asarray(p, dtype=np.float64), SMALLEST, 1.0)
    return np.asarray(chdtri(1, held), dtype=np.float64)


def upper(gap: float, error: float, freedom: float = inf) -> float:
    """`P(T ≥ gap / error)`, Student's t of so many degrees of freedom, the normal without; 0 or 1 when `error` is 0.

    >>> round(upper(1.96, 1.0), 3), round(upper(1.96, 1.0, 5), 3)
    (0.025, 0.054)
    """
    if error <= 0:
        return 0.0 if gap > 0 else 1.0
    return float(ndtr(-gap / error) if freedom == inf else stdtr(freedom, -gap / error))


def rescaled(p: float, factor: float, freedom: float) -> float:
    """A p-value whose squared deviate is `factor` times too large, by an estimate with `freedom` degrees.

    `P(F(1, d) ≥ x / factor)` with `x` the squared deviate.

    >>> round(rescaled(1e-6, 4.0, 34), 4)
    0.0198
    """
    return min(2 * upper(sqrt(float(squared(p)) / factor), 1.0, freedom), 1.0)
