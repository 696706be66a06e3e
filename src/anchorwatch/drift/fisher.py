"""Fisher's exact test: is one value as common as it was?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import tails

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Fisher 1934; scipy.stats.hypergeom"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Change of the most common value",
    Family.DRIFT,
    kinds=_KINDS,
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def fisher(reference: Profile | None, current: Profile) -> Results:
    """Change of the share of each column's most common value, with the p-value of Fisher's exact test.

    `|k/n - l/m|` of the decile or level that holds most rows of both sides together, against all others: a
    table of two by two. Of a column with two values that is the whole of it. A share, 0 to 1, best 0; the
    p-value is exact however few the rows, twice the smaller tail.

    Missing without a reference and where either side has no rows.
    Source: Fisher 1934; `stats.tails.fisher`.

    >>> from anchorwatch.profile.example import pair
    >>> fisher(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.150, n=100, low=None, high=None, p=0.045)
    """
    return over_cells("fisher", reference, current, _test)


@measure(
    "Change of the most common value of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def target_fisher(reference: Profile | None, current: Profile) -> Results:
    """`fisher` of what really happened: target drift.

    `|k/n - l/m|` of the most common class, or decile of a regression's outcomes. A share, 0 to 1, best 0.
    Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Fisher 1934; `stats.tails.fisher`.

    >>> from anchorwatch.profile.example import labels
    >>> target_fisher(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.250, n=100, low=None, high=None, p=4.20e-04)
    """
    return over_cells("target_fisher", reference, current, _test, Side.TARGET)


def _test(cells: Cells) -> Found:
    total = cells.reference + cells.current
    most = np.flatnonzero(total == np.maximum.reduceat(total, cells.starts)[cells.column])
    first = most[np.unique(cells.column[most], return_index=True)[1]]
    p, q = cells.shares()
    n, m = cells.sums(cells.current), cells.sums(cells.reference)
    exact = tails.fisher(cells.current[first], n, cells.reference[first], m)
    return np.abs(q - p)[first], exact, "undefined"
