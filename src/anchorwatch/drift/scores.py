"""Normal scores: the rank tests that see a move, or a stretch, of ordinary numbers best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.drift.bins import Bins

    Floats = NDArray[np.float64]


def moved_or_stretched(bins: Bins) -> tuple[Floats, Floats]:
    """p-values of van der Waerden's test of location and of Klotz's test of scale, per column; NaN without values.

    `z = Σ (q - p) w / √(Var(w) (1/n + 1/m))` over the bins, with `w = Φ⁻¹(u)` at a bin's mid-rank `u` in both samples
    together, and `w = Φ⁻¹(u)²`. Values of a bin are ties, which the variance counts; a constant has p-value 1. Of
    normal data no test of location or scale sees more; being of ranks, they hold their level for any.
    Source: van der Waerden 1952; Klotz 1962; permutation moments: Hájek, Šidák and Sen 1999.

    >>> from anchorwatch.drift.bins import bins_of
    >>> from anchorwatch.drift.subjects import Side
    >>> from anchorwatch.profile.example import pair
    >>> random = np.random.default_rng(1)
    >>> before, after = pair({"x": random.normal(size=2000)}, {"x": random.normal(scale=1.2, size=2000)})
    >>> location, scale = moved_or_stretched(bins_of(before.grid, Side.INPUTS, before.numbers, after.numbers))
    >>> bool(location[0] > 0.05), bool(scale[0] < 1e-6)
    (True, True)
    """
    n, m = bins.n.astype(np.float64), bins.m.astype(np.float64)
    rank = np.cumsum(bins.share, axis=1) - bins.share / 2
    location = ndtri(np.clip(rank, 1e-12, 1 - 1e-12))
    more = np.diff(bins.gap, axis=1, prepend=0, append=0)
    return _tail(bins.share, more, location, (n, m)), _tail(bins.share, more, location**2, (n, m))


def _tail(share: Floats, more: Floats, weight: Floats, rows: tuple[Floats, Floats]) -> Floats:
    """Two-sided p-value of the difference of a weight's means."""
    n, m = rows
    mean = np.sum(share * weight, axis=1, keepdims=True)
    spread = np.sum(share * (weight - mean) ** 2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(spread * (n + m) / (n + m - 1) * (1 / n + 1 / m))
        z = np.where(spread > 0, np.abs(np.sum(more * weight, axis=1)) / error, 0.0)
    return np.where((n > 0) & (m > 0), np.minimum(2 * ndtr(-z), 1.0), np.nan)
