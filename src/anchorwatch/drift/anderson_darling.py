"""Anderson–Darling: the distance between two distribution functions, tails in full."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.bins import PAIRS, Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import bridge

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Pettitt 1976; Scholz and Stephens 1987; scipy.stats.anderson_ksamp"


@measure(
    "Anderson–Darling statistic",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def anderson_darling(reference: Profile | None, current: Profile) -> Results:
    """Two-sample Anderson–Darling statistic of finite values, per numeric column, with its p-value.

    `A² = (N-1)/N nm/N Σ h Z²/(H (1-H) - h/4)` over the grid's bins, of pooled share `h`, with the pooled
    distribution function `H` and the difference `Z` of the two in the middle of each. 0 or more, best 0, 1 on
    average without drift, grows with the rows; judge it by its p-value. Equal to the raw values' statistic
    where each value has a bin of its own. It weighs tails as much as the middle, but not what lies within the
    outermost bins. The p-value is that of the limit under these bins and ties, right down to 1e-12.

    Missing without a reference and where either side has no finite value.
    Source: Scholz and Stephens 1987, midranks; `scipy.stats.anderson_ksamp`, not standardised.

    >>> from anchorwatch.profile.example import pair
    >>> anderson_darling(*pair({"x": range(100)}, {"x": range(50, 150)}))["x"]
    Value(value=46.565, n=100, low=None, high=None, p=1.11e-19)
    """
    return over_bins("anderson_darling", reference, current, _test)


@measure(
    "Anderson–Darling statistic of the outcome",
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
def target_anderson_darling(reference: Profile | None, current: Profile) -> Results:
    """`anderson_darling` of what really happened: target drift.

    `A² = (N-1)/N nm/N Σ h Z²/(H (1-H) - h/4)` of the outcomes that came. 0 or more, best 0, with a p-value.
    Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Scholz and Stephens 1987, midranks; `scipy.stats.anderson_ksamp`, not standardised.

    >>> from anchorwatch.profile.example import values
    >>> target_anderson_darling(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=18.723, n=40, low=None, high=None, p=9.52e-09)
    """
    return over_bins("target_anderson_darling", reference, current, _test, Side.TARGET)


@lru_cache(maxsize=PAIRS)
def _test(bins: Bins) -> Found:
    """Kept for `drift`, which asks for the same."""
    n, m = np.maximum(bins.n, 1), np.maximum(bins.m, 1)
    return *bridge.anderson_darling(bins.gap, bins.share, n, m), [None] * n.size
