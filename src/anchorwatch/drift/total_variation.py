"""Total variation: the share of rows that would have to change cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind
from anchorwatch.core.types import Stage
from anchorwatch.drift.cells import Cells, Found, over_cells
from anchorwatch.drift.chi_square import contingency
from anchorwatch.drift.moved import apart
from anchorwatch.drift.subjects import Side
from anchorwatch.profile.measure import Family, measure

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile

_SOURCE = "Levin and Peres 2017, section 4.1"
_KINDS = frozenset({Kind.NUMBER, Kind.CATEGORY})


@measure(
    "Total variation distance",
    Family.DRIFT,
    kinds=_KINDS,
    unit="share",
    high=1.0,
    better="lower",
    symmetric=True,
    kept=False,
    source=_SOURCE,
)
def total_variation(reference: Profile | None, current: Profile) -> Results:
    """Share of rows that lie elsewhere than in the reference, chance included.

    `½ Σ |q - p|` of the shares of deciles of numbers or levels of categories. A share, 0 to 1, best 0; 1 when
    the two share no cell. Between samples of one distribution it is not 0: `drift` takes that off. The cells
    are those of `psi`, with what is missing, infinite or unseen in cells of its own, and the p-value is that of
    `chi_square` on them.

    Missing without a reference and where either side has no rows.
    Source: Levin and Peres 2017, section 4.1.

    >>> from anchorwatch.profile.example import pair
    >>> total_variation(*pair({"c": ["a", "b"] * 50}, {"c": ["a"] * 65 + ["b"] * 35}))["c"]
    Value(value=0.150, n=100, low=None, high=None, p=0.032)
    """
    return over_cells("total_variation", reference, current, _distance)


@measure(
    "Total variation distance of the outcome",
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
def target_total_variation(reference: Profile | None, current: Profile) -> Results:
    """`total_variation` of what really happened: target drift.

    `½ Σ |q - p|` of classes, or of deciles of a regression's outcomes. A share, 0 to 1, best 0. Missing without
    a reference, when the reference has no outcomes, and before outcomes come.
    Source: Levin and Peres 2017, section 4.1.

    >>> from anchorwatch.profile.example import labels
    >>> target_total_variation(*labels("abab" * 25, "abab" * 25, "abab" * 25, "aaab" * 25))["_outcome"]
    Value(value=0.250, n=100, low=None, high=None, p=2.62e-04)
    """
    return over_cells("target_total_variation", reference, current, _distance, Side.TARGET)


def _distance(cells: Cells) -> Found:
    return np.minimum(apart(cells), 1.0), contingency(cells)[1], "undefined"
