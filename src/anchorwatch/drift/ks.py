"""Kolmogorov–Smirnov: the largest distance between two distribution functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.bins import Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import tails

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Smirnov 1939; scipy.stats.ks_2samp(method='asymp')"


@measure(
    "Kolmogorov–Smirnov distance",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def ks(reference: Profile | None, current: Profile) -> Results:
    """Largest distance between the distribution functions of finite values, per numeric column.

    `D = max over edges |F(x) - G(x)|`. A share, 0 to 1, best 0, with the p-value of the two-sample test,
    `Q(√(nm/(n+m)) D)`. Taken at the grid's edges: at most the largest share of either side in one bin
    (about 1/240 of the reference) below the distance of the raw values, never above, and equal to it where
    each value has a bin of its own. Ties and bins only ever make the test conservative. Missing and
    infinite values are left out: `psi`, `chi_square` and `missing_shift` count them.

    Missing without a reference and where either side has no finite value.
    Source: Smirnov 1939; `scipy.stats.ks_2samp`.

    >>> from anchorwatch.profile.example import pair
    >>> ks(*pair({"x": range(100)}, {"x": range(50, 150)}))["x"]
    Value(value=0.50, n=100, low=None, high=None, p=0.000)
    """
    return over_bins("ks", reference, current, _distance)


@measure(
    "Kolmogorov–Smirnov distance of the outcome",
    Family.DRIFT,
    tasks=frozenset({Task.REGRESSION}),
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def target_ks(reference: Profile | None, current: Profile) -> Results:
    """`ks` of what really happened: target drift of a regression model.

    `D = max over edges |F(x) - G(x)|` of the outcomes that came. A share, 0 to 1, best 0, with a p-value.
    Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Smirnov 1939; `scipy.stats.ks_2samp`.

    >>> from anchorwatch.profile.example import values
    >>> target_ks(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=0.50, n=40, low=None, high=None, p=0.000)
    """
    return over_bins("target_ks", reference, current, _distance, Side.TARGET)


def _distance(bins: Bins) -> Found:
    distance = np.abs(bins.gap).max(axis=1, initial=0.0)
    return distance, tails.kolmogorov_smirnov(distance, bins.n, bins.m), [None] * distance.size
