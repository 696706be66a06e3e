"""Population stability index: the symmetric Kullback–Leibler divergence of shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.chi_square import contingency
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

FLOOR = 1e-4
"""Least share of a cell: so one empty cell cannot make the index infinite."""

_SOURCE = "Siddiqi 2006; Lewis 1994; Yurdakul 2018"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Population stability index",
    Family.DRIFT,
    kinds=_KINDS,
    unit="nats",
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def psi(reference: Profile | None, current: Profile) -> Results:
    """Population stability index of each column: deciles of numbers, levels of categories.

    `PSI = Σ (q - p) ln(q/p)` over the cells' shares, each at least 1e-4. In nats, 0 or more, best 0; by
    custom under 0.1 is stable and over 0.2 has shifted. What is missing, infinite or unseen has cells of
    its own. The p-value is that of `chi_square` on the same cells, which is the same test to first order:
    with few rows a large index means nothing without it.

    Missing without a reference and where either side has no rows.
    Source: Siddiqi 2006; the noise of the index: Yurdakul 2018.

    >>> from anchorwatch.profile.example import pair
    >>> psi(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.093, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("psi", reference, current, _index)


@measure(
    "Population stability index of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    unit="nats",
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def target_psi(reference: Profile | None, current: Profile) -> Results:
    """`psi` of what really happened: target drift.

    `PSI = Σ (q - p) ln(q/p)` of classes, or of deciles of a regression's outcomes. In nats, 0 or more, best
    0. Missing without a reference, when the reference has no outcomes, and before outcomes come. Source:
    Siddiqi 2006.

    >>> from anchorwatch.profile.example import labels
    >>> target_psi(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.27, n=100, low=None, high=None, p=0.0003)
    """
    return over_cells("target_psi", reference, current, _index, Side.TARGET)


def terms(expected: ArrayLike, actual: ArrayLike) -> NDArray[np.float64]:
    """What each cell adds to the index: `(q - p) ln(q/p)` of expected shares `p` and actual shares `q`.

    >>> float(terms([0.5, 0.5], [0.65, 0.35]).sum().round(4))
    0.0929
    """
    p, q = np.maximum(expected, FLOOR), np.maximum(actual, FLOOR)
    return np.asarray((q - p) * np.log(q / p), dtype=np.float64)


def _index(cells: Cells) -> Found:
    return cells.sums(terms(*cells.shares())), contingency(cells)[1], "undefined"
