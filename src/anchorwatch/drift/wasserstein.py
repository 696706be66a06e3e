"""Wasserstein: how far, on average, values must be moved to turn one distribution into the other."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.beyond import in_deviations, stretches
from anchorwatch.drift.bins import PAIRS, Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
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


@measure(
    "Wasserstein distance in the column's unit",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="column's unit",
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def wasserstein_raw(reference: Profile | None, current: Profile) -> Results:
    """Mean distance that values must move, in the column's own unit, per numeric column.

    `W = ∫ |F(x) - G(x)| dx`. 0 or more, best 0; as near to the raw values' distance as `wasserstein` is, which is
    this in standard deviations of the reference. Of two constants it is how far they are apart.

    Missing without a reference and where either side has no finite value.
    Source: Vaserstein 1969; `scipy.stats.wasserstein_distance`.

    >>> from anchorwatch.profile.example import pair
    >>> wasserstein_raw(*pair({"x": range(100)}, {"x": range(50, 150)}))["x"]
    Value(value=50.0, n=100, low=None, high=None, p=None)
    """
    return over_bins("wasserstein_raw", reference, current, _raw)


@measure(
    "Wasserstein distance of the outcome in its unit",
    Family.DRIFT,
    tasks=frozenset({Task.REGRESSION}),
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    stage=Stage.OUTCOMES,
    unit="outcome's unit",
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def target_wasserstein_raw(reference: Profile | None, current: Profile) -> Results:
    """`wasserstein_raw` of what really happened: target drift of a regression model.

    `W = ∫ |F(x) - G(x)| dx`, in the outcome's unit. 0 or more, best 0.
    Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Vaserstein 1969; `scipy.stats.wasserstein_distance`.

    >>> from anchorwatch.profile.example import values
    >>> target_wasserstein_raw(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=20.0, n=40, low=None, high=None, p=None)
    """
    return over_bins("target_wasserstein_raw", reference, current, _raw, Side.TARGET)


@lru_cache(maxsize=PAIRS)
def _moved(bins: Bins) -> Floats:
    """Work in the grid's standardised values, in which the moments are kept."""
    axis = stretches(bins)
    moved = np.einsum("ij,ij->i", np.abs(bins.gap), axis.strides)
    moved += axis.current.distance(axis.reference)
    moved[axis.still] = 0.0
    with np.errstate(invalid="ignore"):
        further = np.maximum(moved, np.abs(axis.apart))
    return np.asarray(np.where(moved > 0, further, moved), dtype=np.float64)


def _distance(bins: Bins) -> Found:
    """Divide by the reference's deviation."""
    return in_deviations(_moved(bins), bins)


def _raw(bins: Bins) -> Found:
    """Take the standardisation back; what no float holds is left at the largest one."""
    with np.errstate(over="ignore"):
        distance = np.minimum(_moved(bins) * bins.scale, np.finfo(np.float64).max)
    return distance, None, [None] * distance.size
