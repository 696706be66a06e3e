"""Where outliers of a numeric column begin, by the reference alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.profile.grid import FENCES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid

DEVIATIONS = 3.0
"""Standard deviations from the mean that the fence `z` allows."""

ROBUST_DEVIATIONS = 3.5
"""Robust standard deviations from the median that the fence `robust_z` allows (Iglewicz & Hoaglin 1993)."""

MAD_TO_DEVIATION = 1.482602218505602
"""A normal distribution's standard deviation over its median absolute deviation, `1/Φ⁻¹(3/4)`."""

MEAN_TO_DEVIATION = 1.2533141373155001
"""A normal distribution's standard deviation over its mean absolute deviation, `√(π/2)`."""

QUARTILE_RANGES = 1.5
"""Interquartile ranges beyond the quartiles that the fence `iqr` allows (Tukey 1977)."""


def fences(
    ascending: NDArray[np.float64], quartiles: tuple[float, float, float], deviation: float
) -> NDArray[np.float64]:
    """Lowest and highest value that is no outlier, for each rule of `grid.FENCES`: shape (3, 2), NaN where none.

    `z`: mean ± 3 standard deviations; `robust_z`: median ± 3.5 · 1.4826 · MAD, the mean absolute deviation (times
    1.2533) in its place when more than half of the values are the same; `iqr`: a quarter's rank less, three
    quarters' rank plus 1.5 · interquartile range. A spread of nothing makes no fence, nor does one that overflows.

    >>> fences(np.arange(5.0), (1.0, 2.0, 3.0), 1.5)[[0, 2]].tolist()
    [[-2.5, 6.5], [-2.0, 6.0]]
    """
    first, median, third = quartiles
    with np.errstate(over="ignore", invalid="ignore"):
        mean = float(ascending.mean())
        robust = _spread(ascending, median)
        reach = np.array(
            [DEVIATIONS * deviation, ROBUST_DEVIATIONS * robust, QUARTILE_RANGES * (third - first)]
        )
        found = np.stack(
            [np.array([mean, median, first]) - reach, np.array([mean, median, third]) + reach], axis=1
        )
    found[~(reach > 0) | ~np.isfinite(found).all(axis=1)] = np.nan
    return np.asarray(found)


def marked(counts: NDArray[np.int64], grid: Grid, rule: str) -> NDArray[np.int64]:
    """How many of `counts` (as in `Numbers`) lie beyond a fence, per numeric column; -1 where there is none."""
    low, high = grid.fences[:, FENCES.index(rule)].T
    up_to = np.cumsum(counts, axis=1)
    lane = np.arange(len(counts))
    return np.where(low >= 0, up_to[lane, low] + up_to[:, -1] - up_to[lane, high], -1)


def _spread(ascending: NDArray[np.float64], median: float) -> float:
    """A robust standard deviation about the median, in the time of two binary searches."""
    middle = int(np.searchsorted(ascending, median))
    n = ascending.size
    lower, upper = (_nth(ascending, median, middle, rank) for rank in ((n - 1) // 2, n // 2))
    found = MAD_TO_DEVIATION * (lower / 2 + upper / 2)
    return found or MEAN_TO_DEVIATION * float(np.abs(ascending - median).mean())


def _nth(ascending: NDArray[np.float64], median: float, middle: int, rank: int) -> float:
    """The distance from the median of that rank: distances ascend on both sides of `middle`, so they are merged."""
    n = ascending.size
    low, high = max(0, rank + 1 - (n - middle)), min(rank + 1, middle)
    while low < high:
        left = (low + high) // 2  # so many of the nearest below, and the rest from above
        right = rank + 1 - left
        if median - ascending[middle - 1 - left] < ascending[middle + right - 1] - median:
            low = left + 1
        else:
            high = left
    left, right = low, rank + 1 - low
    below = median - ascending[middle - left] if left else -np.inf
    above = ascending[middle + right - 1] - median if right else -np.inf
    return float(max(below, above))
