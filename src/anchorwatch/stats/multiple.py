"""Corrections of p-values for many tests at once; NaN (no test) is left out and stays NaN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def bonferroni(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values `min(1, m p)`: family-wise error under any dependence.

    >>> bonferroni([0.01, 0.04, float("nan")]).tolist()
    [0.02, 0.08, nan]
    """
    values = np.asarray(p, dtype=np.float64)
    return np.minimum(values * np.count_nonzero(~np.isnan(values)), 1.0)


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjusted p-values: family-wise error, never weaker than Bonferroni.

    `max over j ≤ i of min(1, (m - j + 1) p₍ⱼ₎)`. Source: Holm 1979.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    adjusted, order, ranked = _ranked(p)
    factors = np.arange(ranked.size, 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(ranked * factors), 1.0)
    return adjusted


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Adjusted p-values that bound the expected share of false ones among those called.

    `min over j ≥ i of m p₍ⱼ₎ / j`. Source: Benjamini and Hochberg 1995.

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.04, 0.04]
    """
    adjusted, order, ranked = _ranked(p)
    scaled = ranked * ranked.size / np.arange(1, ranked.size + 1)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def _ranked(p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """A canvas of NaN, the order of the known p-values, and these ascending."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]
    return np.full(values.shape, np.nan), order, values[order]
