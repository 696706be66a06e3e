"""Wasserstein: how far, on average, values must be moved to turn one distribution into the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.bins import Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Vaserstein 1969; scipy.stats.wasserstein_distance"


@measure(
    "Wasserstein distance",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="reference standard deviations",
    better="lower",
    source=_SOURCE,
)
def wasserstein(reference: Profile | None, current: Profile) -> Results:
    """Mean distance that values must move, in standard deviations of the reference, per numeric column.

    `W = max(∫ |F(x) - G(x)| dx, |mean - mean of the reference|) / s`. 0 or more, best 0; a column shifted
    by half a standard deviation gives 0.5. Each bin's mass stands at its middle, within the values seen:
    for reference and current alike, so the error is under the mean width of the occupied bins (about 1 % of
    s for a bell shape). The exact difference of means, which the distance is never below, bounds it where a
    change of unit moves everything out of the reference's range.

    Missing without a reference, where either side has no finite value, and where the reference is constant
    but the current is not.
    Source: Vaserstein 1969; `scipy.stats.wasserstein_distance`.

    >>> from anchorwatch.profile.example import pair
    >>> wasserstein(*pair({"x": range(100)}, {"x": range(50, 150)}))["x"]
    Value(value=1.73, n=100, low=None, high=None, p=None)
    """
    return over_bins("wasserstein", reference, current, _distance)


@measure(
    "Wasserstein distance of the outcome",
    Family.DRIFT,
    tasks=frozenset({Task.REGRESSION}),
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    stage=Stage.OUTCOMES,
    unit="reference standard deviations",
    better="lower",
    source=_SOURCE,
)
def target_wasserstein(reference: Profile | None, current: Profile) -> Results:
    """`wasserstein` of what really happened: target drift of a regression model.

    `W = max(∫ |F(x) - G(x)| dx, |mean - mean of the reference|) / s`. 0 or more, best 0.
    Missing without a reference, when the reference has no outcomes or only one value of them, and before
    outcomes come.
    Source: Vaserstein 1969; `scipy.stats.wasserstein_distance`.

    >>> from anchorwatch.profile.example import values
    >>> target_wasserstein(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=1.73, n=40, low=None, high=None, p=None)
    """
    return over_bins("target_wasserstein", reference, current, _distance, Side.TARGET)


def _distance(bins: Bins) -> Found:
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = bins.reference.total / bins.m
        spread = np.sqrt(np.maximum(bins.reference.square / bins.m - mean**2, 0))
        # Rounding of the sums leaves a constant column about 1e-8 of spread.
        constant = bins.reference.low == bins.reference.high
        spread[constant] = 0.0
        moved = np.sum(np.abs(bins.gap) * _strides(bins), axis=1)
        shifted = np.abs(bins.current.total / bins.n - mean)
        distance = np.maximum(moved / bins.scale, np.where(moved > 0, shifted, 0)) / spread
    distance[moved == 0] = 0.0
    return distance, None, ["the reference is constant" if flat else None for flat in constant.tolist()]


def _strides(bins: Bins) -> NDArray[np.float64]:
    """From the middle of the bin below each edge to the middle of the bin above it."""
    low = np.minimum(bins.reference.low, bins.current.low)[:, None]
    high = np.maximum(bins.reference.high, bins.current.high)[:, None]
    edges = np.clip(np.concatenate([low, bins.edges, high], axis=1), low, high)
    middles = edges[:, :-1] / 2 + edges[:, 1:] / 2
    # Beyond a column's own last edge the edges repeat: the last bin's middle belongs to the first of them.
    last = np.argmax(bins.edges == bins.edges[:, -1:], axis=1)
    rows = np.arange(len(last))
    middles[rows, last + 1] = edges[rows, -2] / 2 + edges[rows, -1] / 2
    return np.diff(middles, axis=1)
