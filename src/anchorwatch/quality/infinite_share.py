"""How much of each numeric column is infinite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile


@measure(
    "Infinite share",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="share",
    high=1.0,
    better="lower",
    source="count of infinities (IEEE 754); interval: Wilson 1927",
)
def infinite_share(_reference: Profile | None, current: Profile) -> Results:
    """Share of a numeric column's values that are plus or minus infinity.

    `infinite / rows`. A share, 0 to 1, best 0, with Wilson's 95 % interval. Missing when the window has no
    rows. Source: IEEE 754; Wilson 1927.

    >>> from anchorwatch.profile.example import inputs
    >>> infinite_share(None, inputs({"x": [1.0, float("inf"), 2.0, 3.0]}))["x"]
    Value(value=0.25, n=4, low=0.05, high=0.70, p=None)
    """
    chosen, numbers = columns.watched(current.grid), current.numbers
    if numbers is None:
        return Results.missing("infinite_share", chosen.number_names, "no rows in this window")
    rows = columns.finite(numbers) + numbers.missing + numbers.infinite
    picked = chosen.numbers
    return columns.shares("infinite_share", chosen.number_names, numbers.infinite[picked], rows[picked])
