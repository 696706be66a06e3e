"""Hellinger: the distance between the roots of shares."""

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
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Hellinger 1909; Le Cam 1986"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Hellinger distance",
    Family.DRIFT,
    kinds=_KINDS,
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def hellinger(reference: Profile | None, current: Profile) -> Results:
    """Hellinger distance of each column: deciles of numbers, levels of categories.

    `√(1 - Σ √(p q))` of the shares. No unit, 0 to 1, best 0; 1 when the two share no cell. The cells are those
    of `psi`, with what is missing, infinite or unseen in cells of its own, and the p-value is that of
    `chi_square` on them.

    Missing without a reference and where either side has no rows.
    Source: Hellinger 1909.

    >>> from anchorwatch.profile.example import pair
    >>> hellinger(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.108, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("hellinger", reference, current, _distance)


@measure(
    "Hellinger distance of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def target_hellinger(reference: Profile | None, current: Profile) -> Results:
    """`hellinger` of what really happened: target drift.

    `√(1 - Σ √(p q))` of classes, or of deciles of a regression's outcomes. 0 to 1, best 0. Missing without a
    reference, when the reference has no outcomes, and before outcomes come.
    Source: Hellinger 1909.

    >>> from anchorwatch.profile.example import labels
    >>> target_hellinger(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.185, n=100, low=None, high=None, p=2.62e-04)
    """
    return over_cells("target_hellinger", reference, current, _distance, Side.TARGET)


def _distance(cells: Cells) -> Found:
    p, q = cells.shares()
    # Half the squared distance of the roots: no cancellation where the two are near.
    distance = np.sqrt(cells.sums((np.sqrt(p) - np.sqrt(q)) ** 2) / 2)
    return np.minimum(distance, 1.0), contingency(cells)[1], "undefined"
