"""How much of each numeric column is outlying by Tukey's fences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality.outliers import outlier_share

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile


@measure(
    "Outlier share (IQR)",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="share",
    high=1.0,
    better="lower",
    source="Tukey 1977, Exploratory Data Analysis; interval: Wilson 1927",
)
def outlier_share_iqr(_reference: Profile | None, current: Profile) -> Results:
    """Share of a numeric column's values beyond Tukey's inner fences.

    `beyond / finite`, beyond being `x < Q1 - 1.5 (Q3 - Q1)` or `x > Q3 + 1.5 (Q3 - Q1)`, all of the
    reference. Counted exactly, for the fences are edges of the grid. A share, 0 to 1, best 0, with Wilson's
    95 % interval; normal values lie beyond 0.70 % of the time, so compare with the reference's own share,
    which `outlier_share_iqr(None, reference)` gives. Infinite values are left out: `infinite_share` counts
    them.

    Missing when no reference was seen, where it held no finite value or has no spread, and where the window
    has no finite value. Source: Tukey 1977, Exploratory Data Analysis.

    >>> from anchorwatch.profile.example import pair
    >>> outlier_share_iqr(*pair({"x": [1.0, 2.0, 3.0, 4.0, 5.0]}, {"x": [2.0, 5.0, -20.0, 30.0]}))["x"]
    Value(value=0.50, n=4, low=0.15, high=0.85, p=None)
    """
    return outlier_share("outlier_share_iqr", "iqr", current)
