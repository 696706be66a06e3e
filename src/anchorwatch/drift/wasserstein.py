"""Wasserstein: how far, on average, values must be moved to turn one distribution into the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.beyond import beyond, standardised
from anchorwatch.drift.bins import Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.parts import Numbers
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]

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

    `W = ∫ |F(x) - G(x)| dx / s`. 0 or more, best 0; a column shifted by half a standard deviation gives
    0.5. Within the reference's range each bin's mass stands at its middle, for an error under the mean
    width of the occupied bins (about 1 % of s for a bell shape). What lies beyond stands at the mean that
    the exact sum and sum of squares leave for it: exact for a single tail, within a tenth for two unless
    they are very uneven. The result is never under the difference of the exact means, a bound of the
    distance.

    Where the reference is constant the current window's deviation takes the place of its own. Missing
    without a reference, where either side has no finite value, and where both are constant and differ.
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

    `W = ∫ |F(x) - G(x)| dx / s`. 0 or more, best 0.
    Missing without a reference, when the reference has no outcomes or only one value of them, and before
    outcomes come.
    Source: Vaserstein 1969; `scipy.stats.wasserstein_distance`.

    >>> from anchorwatch.profile.example import values
    >>> target_wasserstein(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=1.73, n=40, low=None, high=None, p=None)
    """
    return over_bins("target_wasserstein", reference, current, _distance, Side.TARGET)


def _distance(bins: Bins) -> Found:
    """Work in the grid's standardised values, in which the moments are kept, and divide by their deviation."""
    edges = standardised(bins.edges, bins)
    strides = np.zeros_like(edges)
    strides[:, 1:] += np.diff(edges, axis=1) / 2
    strides[:, :-1] += np.diff(edges, axis=1) / 2
    moved = np.sum(np.abs(bins.gap) * strides, axis=1)
    moved += beyond(bins.current, edges, bins).distance(beyond(bins.reference, edges, bins))
    moved[_still(bins.reference, bins.current)] = 0.0
    mean, spread = _moments(bins.reference, bins.m)
    with np.errstate(divide="ignore", invalid="ignore"):
        new, wide = _moments(bins.current, bins.n)
        unit = np.where(spread > 0, spread, wide)
        distance = np.where(moved > 0, np.maximum(moved, np.abs(new - mean)) / unit, moved)
    return (
        distance,
        None,
        ["both are constant" if lost else None for lost in np.isinf(distance).tolist()],
    )


def _still(one: Numbers, other: Numbers) -> NDArray[np.bool_]:
    """Columns with one value on both sides, for which a bin's width would pass for a move."""
    still: NDArray[np.bool_] = (one.low == one.high) & (other.low == other.high) & (one.low == other.low)
    return still


def _moments(part: Numbers, n: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Mean and standard deviation in standardised values; NaN without values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = part.total / n
        spread = np.sqrt(np.maximum(part.square / n - mean**2, 0))
    # Rounding of the sums leaves a constant column about 1e-8 of spread.
    return mean, np.where(part.low == part.high, 0.0, spread)
