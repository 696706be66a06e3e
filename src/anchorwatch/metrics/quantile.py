"""Quantiles of a histogram, with the interval that needs no distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Missing, Value
from anchorwatch.stats.intervals import rank_bounds

if TYPE_CHECKING:
    from anchorwatch.profile.histogram import Histogram


def quantile(histogram: Histogram, q: float) -> Value | Missing:
    """The value of rank `⌈q n⌉` and the order statistics that bound it; a side is open when n is too small.

    For the median of an even count: the mean of the middle two.

    >>> from anchorwatch.profile.histogram import Histogram
    >>> quantile(Histogram.of([range(1, 101)]), 0.5)
    Value(value=50.5, n=100, low=40.0, high=61.0, p=None)
    """
    cumulative = np.cumsum(histogram.counts.sum(axis=0))
    n = int(cumulative[-1]) if cumulative.size else 0
    if not n:
        return Missing("no values in this window")
    ranks = np.array([*rank_bounds(n, q), *_middle(n, q)])
    found = histogram.middles()[np.searchsorted(cumulative, np.clip(ranks, 1, n))]
    low = float(found[0]) if ranks[0] >= 1 else None
    high = float(found[1]) if ranks[1] <= n else None
    return Value(float(found[2] / 2 + found[3] / 2), n, low, high)


def _middle(n: int, q: float) -> tuple[int, int]:
    """The two ranks whose mean is the quantile: the same one, unless it is the median of an even count."""
    rank = max(int(np.ceil(q * n)), 1)
    return rank, rank + 1 if q == 0.5 and n % 2 == 0 else rank
