"""A score histogram as plain arrays, unpacked once for all the measures that read it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from anchorwatch.core.results import Missing
from anchorwatch.metrics.whole import NO_OUTCOMES
from anchorwatch.profile.histogram import FINEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from anchorwatch.profile.histogram import Histogram
    from anchorwatch.profile.profile import Profile

    Array = NDArray[np.float64]

ONE_CLASS = "all outcomes with scores are of one class"
KEPT = 64
"""Histograms whose unpacked form is kept: the measures of one window follow one another."""


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Cells of a score histogram from the highest score to the lowest, shape (m,) each.

    Attributes:
        odds: log-odds in the cell's middle, within ±63.5.
        chance: the probability there.
        positives, negatives: rows that came and did not come.
        hits, called: positives, and all rows, scored as high or higher.
        joined: whether a cell may hold scores that differ.
    """

    odds: Array
    chance: Array
    positives: Array
    negatives: Array
    hits: Array
    called: Array
    joined: bool

    @property
    def n(self) -> float:
        """All rows."""
        return float(self.called[-1])

    @property
    def m(self) -> float:
        """Those that came."""
        return float(self.hits[-1])


@lru_cache(maxsize=KEPT)
def unpack(histogram: Histogram) -> Scored:
    """The arrays of a histogram with rows (did not come, came), not empty.

    >>> from anchorwatch.profile.example import scores
    >>> unpack(scores([0.2, 0.7, 0.7], "011").scores.histograms[0]).chance
    array([0.7, 0.2])
    """
    odds = histogram.middles()[::-1] - 192.0
    negatives, positives = histogram.counts[:, ::-1].astype(np.float64)
    hits = np.cumsum(positives)
    return Scored(
        odds,
        expit(odds),
        positives,
        negatives,
        hits,
        hits + np.cumsum(negatives),
        joined=histogram.level > FINEST,
    )


def usable(current: Profile, needed: Callable[[Histogram], bool]) -> list[Histogram] | Missing:
    """Score histograms, one per class (binary: of the positive one), that hold what is `needed`."""
    scores = current.scores
    if scores is None or not scores.n:
        return Missing(NO_OUTCOMES)
    found = [item for item in scores.histograms if needed(item)]
    return found or Missing(ONE_CLASS, scores.n)


def both(histogram: Histogram) -> bool:
    """Some rows came and some did not."""
    return bool(histogram.counts.size and histogram.counts.any(axis=1).all())


def some(histogram: Histogram) -> bool:
    """There are rows."""
    return bool(histogram.counts.size)
