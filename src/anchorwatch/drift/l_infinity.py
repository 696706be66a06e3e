"""L-infinity: the share that changed most."""

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

_SOURCE = "Chebyshev distance; scipy.spatial.distance.chebyshev"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Largest change of a share",
    Family.DRIFT,
    kinds=_KINDS,
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def l_infinity(reference: Profile | None, current: Profile) -> Results:
    """Largest change of the share of one decile or level, per column.

    `max |q - p|` over the cells. A share, 0 to 1, best 0. The cells are those of `psi`, with what is missing,
    infinite or unseen in cells of its own, and the p-value is that of `chi_square` on them.

    Missing without a reference and where either side has no rows.
    Source: `scipy.spatial.distance.chebyshev`.

    >>> from anchorwatch.profile.example import pair
    >>> l_infinity(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.150, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("l_infinity", reference, current, _distance)


@measure(
    "Largest change of a share of the outcome",
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
def target_l_infinity(reference: Profile | None, current: Profile) -> Results:
    """`l_infinity` of what really happened: target drift.

    `max |q - p|` of classes, or of deciles of a regression's outcomes. A share, 0 to 1, best 0. Missing without
    a reference, when the reference has no outcomes, and before outcomes come.
    Source: `scipy.spatial.distance.chebyshev`.

    >>> from anchorwatch.profile.example import labels
    >>> target_l_infinity(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.250, n=100, low=None, high=None, p=2.62e-04)
    """
    return over_cells("target_l_infinity", reference, current, _distance, Side.TARGET)


def _distance(cells: Cells) -> Found:
    p, q = cells.shares()
    return np.maximum.reduceat(np.abs(q - p), cells.starts), contingency(cells)[1], "undefined"
