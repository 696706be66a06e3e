"""Jensen–Shannon: how well a draw tells which of two distributions it is from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import rel_entr

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.chi_square import contingency
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Lin 1991; Endres and Schindelin 2003; scipy.spatial.distance.jensenshannon(base=2)"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Jensen–Shannon distance",
    Family.DRIFT,
    kinds=_KINDS,
    high=1.0,
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def jensen_shannon(reference: Profile | None, current: Profile) -> Results:
    """Jensen–Shannon distance of each column: deciles of numbers, levels of categories.

    `√(½ KL(p ‖ m) + ½ KL(q ‖ m))`, `m = (p + q)/2`, with logarithms to base 2. No unit, 0 to 1, best 0; 1
    when the two share no cell. The cells are those of `psi`, with what is missing, infinite or unseen in
    cells of its own, and the p-value is that of `chi_square` on them.

    Missing without a reference and where either side has no rows.
    Source: Endres and Schindelin 2003; `scipy.spatial.distance.jensenshannon`.

    >>> from anchorwatch.profile.example import pair
    >>> jensen_shannon(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.129, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("jensen_shannon", reference, current, _distance)


@measure(
    "Jensen–Shannon distance of the outcome",
    Family.DRIFT,
    kinds=_KINDS,
    stage=Stage.OUTCOMES,
    high=1.0,
    better="lower",
    symmetric=True,
    source=_SOURCE,
)
def target_jensen_shannon(reference: Profile | None, current: Profile) -> Results:
    """`jensen_shannon` of what really happened: target drift.

    `√(½ KL(p ‖ m) + ½ KL(q ‖ m))` of classes, or of deciles of a regression's outcomes. 0 to 1, best 0.
    Missing without a reference, when the reference has no outcomes, and before outcomes come.
    Source: Endres and Schindelin 2003; `scipy.spatial.distance.jensenshannon`.

    >>> from anchorwatch.profile.example import labels
    >>> target_jensen_shannon(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.221, n=100, low=None, high=None, p=0.0003)
    """
    return over_cells("target_jensen_shannon", reference, current, _distance, Side.TARGET)


def _distance(cells: Cells) -> Found:
    p, q = cells.shares()
    middle = (p + q) / 2
    divergence = cells.sums(rel_entr(p, middle) + rel_entr(q, middle)) / (2 * np.log(2))
    # Rounding may pass either end by 1e-16.
    return np.sqrt(np.clip(divergence, 0, 1)), contingency(cells)[1], "undefined"
