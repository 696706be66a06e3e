"""How much of each numeric column is outlying by its distance from the mean in standard deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality.outliers import outlier_share

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile


@measure(
    "Outlier share (z-score)",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="share",
    high=1.0,
    better="lower",
    source="Grubbs 1969, z-score of 3; interval: Wilson 1927",
)
def outlier_share_z(_reference: Profile | None, current: Profile) -> Results:
    """Share of a numeric column's values more than three standard deviations from the mean.

    `beyond / finite`, beyond being `|x - mean| > 3 s`, all of the reference. Counted exactly, for the fences
    are edges of the grid. A share, 0 to 1, best 0, with Wilson's 95 % interval; normal values lie beyond 0.27
    % of the time, so compare with the reference's own share, which `outlier_share_z(None, reference)` gives.
    Infinite values are left out: `infinite_share` counts them.

    Missing when no reference was seen, where it held no finite value or has no spread, and where the window
    has no finite value. Source: Grubbs 1969, z-score of 3.

    >>> from anchorwatch.profile.example import pair
    >>> outlier_share_z(*pair({"x": [1.0, 2.0, 3.0, 4.0, 5.0]}, {"x": [2.0, 5.0, -20.0, 30.0]}))["x"]
    Value(value=0.50, n=4, low=0.15, high=0.85, p=None)
    """
    return outlier_share("outlier_share_z", "z", current)
