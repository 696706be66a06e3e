"""Energy: the squared distance between two distribution functions, in the unit of the values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.beyond import in_deviations, stretches
from anchorwatch.drift.bins import Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Székely and Rizzo 2013; scipy.stats.energy_distance"


@measure(
    "Energy distance",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="roots of reference standard deviations",
    better="lower",
    kept=False,
    source=_SOURCE,
)
def energy(reference: Profile | None, current: Profile) -> Results:
    """Energy distance of finite values, in standard deviations of the reference, per numeric column.

    `√(2 ∫ (F(x) - G(x))² dx / s)`. 0 or more, best 0. Within a bin values are taken to lie evenly: its square
    is within the mean width of the bins, weighted by twice the difference there, of the raw values'. What lies
    beyond the bins is known by its mean and its farthest value: within a tenth.

    Where the reference is constant the current window's deviation takes the place of its own.

    Missing without a reference, where either side has no finite value, and where both are constant and differ.
    Source: Székely and Rizzo 2013; `scipy.stats.energy_distance`.

    >>> from anchorwatch.profile.example import pair
    >>> energy(*pair({"x": range(100)}, {"x": range(50, 150)}))["x"]
    Value(value=1.198, n=100, low=None, high=None, p=None)
    """
    return over_bins("energy", reference, current, _distance)


@measure(
    "Energy distance of the outcome",
    Family.DRIFT,
    tasks=frozenset({Task.REGRESSION}),
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    stage=Stage.OUTCOMES,
    unit="roots of reference standard deviations",
    better="lower",
    kept=False,
    source=_SOURCE,
)
def target_energy(reference: Profile | None, current: Profile) -> Results:
    """`energy` of what really happened: target drift.

    `√(2 ∫ (F(x) - G(x))² dx / s)`. 0 or more, best 0. Missing without a reference, when the reference has no
    outcomes, and before outcomes come.
    Source: Székely and Rizzo 2013; `scipy.stats.energy_distance`.

    >>> from anchorwatch.profile.example import values
    >>> target_energy(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=1.194, n=40, low=None, high=None, p=None)
    """
    return over_bins("target_energy", reference, current, _distance, Side.TARGET)


def _distance(bins: Bins) -> Found:
    axis, gap = stretches(bins), bins.gap
    # Over a bin from a to b: (a² + ab + b²)/3, here as (a² + b²)/2 less (a - b)²/6; the ends bear 0 at the last stride.
    step = np.diff(gap, axis=1)
    squares = np.einsum("ij,ij,ij->i", axis.strides, gap, gap)
    squares -= np.einsum("ij,ij,ij->i", axis.widths, step, step) / 6
    squares += axis.current.energy(axis.reference)
    squares[axis.still] = 0.0
    value, p, lost = in_deviations(2 * np.maximum(squares, 0), bins)
    return np.sqrt(value), p, lost
