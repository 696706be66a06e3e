"""Cramér's V: how strongly a row's value tells whether it is old or new."""

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

_SOURCE = "Cramér 1946; Bergsma 2013"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Cramér's V",
    Family.DRIFT,
    kinds=_KINDS,
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def cramers_v(reference: Profile | None, current: Profile) -> Results:
    """Association of value and side, per column, corrected for chance: an effect size of `chi_square`.

    `V = √(φ̃² / min(k̃ - 1, r̃ - 1))`, `φ̃² = max(0, X²/N - (k - 1)/(N - 1))`, `k̃ = k - (k - 1)²/(N - 1)`, `r̃
    = 2 - 1/(N - 1)`, over the 2 × k table of reference and current and the k deciles or levels that hold rows.
    No unit, 0 to 1, best 0. It depends on how many rows each side has: 1 needs sides of one size. The cells are
    those of `psi`, with what is missing, infinite or unseen in cells of its own, and the p-value is that of
    `chi_square` on them.

    Missing without a reference and where either side has no rows.
    Source: Bergsma 2013.

    >>> from anchorwatch.profile.example import pair
    >>> cramers_v(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.134, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("cramers_v", reference, current, _association)


@measure(
    "Cramér's V of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def target_cramers_v(reference: Profile | None, current: Profile) -> Results:
    """`cramers_v` of what really happened: target drift.

    `V = √(φ̃² / min(k̃ - 1, r̃ - 1))` of classes, or of deciles of a regression's outcomes. 0 to 1, best 0.
    Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Bergsma 2013.

    >>> from anchorwatch.profile.example import labels
    >>> target_cramers_v(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.249, n=100, low=None, high=None, p=2.62e-04)
    """
    return over_cells("target_cramers_v", reference, current, _association, Side.TARGET)


def _association(cells: Cells) -> Found:
    m, n = cells.sums(cells.reference), cells.sums(cells.current)
    total = cells.reference + cells.current
    rows, kept = m + n, cells.sums(total > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        p, q = cells.shares()
        square = cells.sums(np.where(total > 0, (p - q) ** 2 / total, 0)) * (m * n / rows)
        square = np.maximum(square - (kept - 1) / (rows - 1), 0)
        narrow = np.minimum(kept - (kept - 1) ** 2 / (rows - 1), 2 - 1 / (rows - 1)) - 1
        strength = np.where(square > 0, np.sqrt(square / narrow), 0)
    return np.minimum(strength, 1.0), contingency(cells)[1], "undefined"
