"""The classic population stability index: ten bins of equal width over the range of the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind, Task
from anchorwatch.core.types import Stage
from anchorwatch.drift.bins import Bins, Found, over_bins
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats.numbers import classic_terms

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Siddiqi 2006; the ten equal bins and 1e-4 of credit scoring"


@measure(
    "Population stability index, classic form",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="nats",
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def psi_classic(reference: Profile | None, current: Profile) -> Results:
    """Population stability index over ten bins of equal width, as credit scoring has it, per numeric column.

    `Σ (q - p) ln(q/p)` over ten bins of equal width from the least to the largest value of the reference; an
    empty bin has a share of 1e-4, values out of range are in none, and missing ones do not count. In nats, 0 or
    more, best 0. Kept for comparison with others' figures: outliers of the reference decide on the bins, and a
    change of unit is 10 bins lost. `psi` has neither fault.

    `stats.numbers.psi_classic` is the textbook's to the last digit. Here values within one of the grid's bins
    are taken to lie evenly, so a share may be wrong by half of what two of them hold, about 1/240 of the
    reference.

    Missing without a reference, where bins were fixed without one, and where either side has no finite value.
    Source: Siddiqi 2006.

    >>> from anchorwatch.profile.example import pair
    >>> psi_classic(*pair({"x": range(100)}, {"x": range(50, 150)}))["x"]
    Value(value=3.450, n=100, low=None, high=None, p=None)
    """
    return over_bins("psi_classic", reference, current, _index)


@measure(
    "Population stability index, classic form of the outcome",
    Family.DRIFT,
    tasks=frozenset({Task.REGRESSION}),
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    stage=Stage.OUTCOMES,
    unit="nats",
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def target_psi_classic(reference: Profile | None, current: Profile) -> Results:
    """`psi_classic` of what really happened: target drift.

    `Σ (q - p) ln(q/p)` over ten bins of equal width. In nats, 0 or more, best 0. Missing without a reference,
    when the reference has no outcomes, and before outcomes come.
    Source: Siddiqi 2006.

    >>> from anchorwatch.profile.example import values
    >>> target_psi_classic(*values([0] * 40, range(40), [0] * 40, range(20, 60)))["_outcome"]
    Value(value=3.450, n=40, low=None, high=None, p=None)
    """
    return over_bins("target_psi_classic", reference, current, _index, Side.TARGET)


def _index(bins: Bins) -> Found:
    cut, part = bins.tenths
    rows = np.arange(len(cut))[:, None]
    before = bins.base[rows, cut - 1] * (1 - part) + bins.base[rows, cut] * part
    after = before + bins.gap[rows, cut - 1] * (1 - part) + bins.gap[rows, cut] * part
    # What rounding leaves of an empty bin would pass for a share, and its logarithm for a finding.
    shares = [np.diff(side, axis=1).round(12) for side in (before, after)]
    value = classic_terms(shares[0], shares[1]).sum(axis=1)
    return value, None, [None] * len(cut)
