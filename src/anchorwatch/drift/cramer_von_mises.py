"""Cramér–von Mises: the mean squared distance between two distribution functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.bins import Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import bridge

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Anderson 1962; scipy.stats.cramervonmises_2samp"


@measure(
    "Cramér–von Mises statistic",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def cramer_von_mises(reference: Profile | None, current: Profile) -> Results:
    """Two-sample Cramér–von Mises statistic of finite values, per numeric column, with its p-value.

    `T = nm/N Σ h (Z₋² + Z₊²)/2` over the grid's bins, of pooled share `h`, `Z` being the difference of the
    distribution functions before and after a bin. 0 or more, best 0, grows with the rows; judge it by its
    p-value. It is the raw values' statistic to within `nm/N · w (2Z + w)` with `w` the largest share of either
    side in one bin and `Z` the largest difference, and without bias; equal to it where each value has a bin of
    its own. The p-value is that of the limit under these bins and ties, right down to 1e-12.

    Missing without a reference and where either side has no finite value.
    Source: Anderson 1962; ties: Lockhart, Spinelli and Stephens 2007; `scipy.stats.cramervonmises_2samp`.

    >>> from anchorwatch.profile.example import pair
    >>> cramer_von_mises(*pair({"x": range(100)}, {"x": range(50, 150)}))["x"]
    Value(value=8.552, n=100, low=None, high=None, p=9.62e-20)
    """
    return over_bins("cramer_von_mises", reference, current, _test)


@measure(
    "Cramér–von Mises statistic of the outcome",
    Family.DRIFT,
    tasks=frozenset({Task.REGRESSION}),
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    stage=Stage.OUTCOMES,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def target_cramer_von_mises(reference: Profile | None, current: Profile) -> Results:
    """`cramer_von_mises` of what really happened: target drift.

    `T = nm/N Σ h (Z₋² + Z₊²)/2` of the outcomes that came. 0 or more, best 0, with a p-value. Missing without a
    reference, when the reference has no outcomes, and before outcomes come.
    Source: Anderson 1962; ties: Lockhart, Spinelli and Stephens 2007; `scipy.stats.cramervonmises_2samp`.

    >>> from anchorwatch.profile.example import values
    >>> target_cramer_von_mises(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=3.423, n=40, low=None, high=None, p=1.02e-08)
    """
    return over_bins("target_cramer_von_mises", reference, current, _test, Side.TARGET)


def _test(bins: Bins) -> Found:
    n, m = np.maximum(bins.n, 1), np.maximum(bins.m, 1)
    return *bridge.cramer_von_mises(bins.gap, bins.share, n, m), [None] * n.size
