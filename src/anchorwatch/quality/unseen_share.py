"""How much of each categorical column the reference did not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.profile.profile import Profile


@measure(
    "Unseen share",
    Family.QUALITY,
    kinds=frozenset({Kind.CATEGORY}),
    needs=frozenset({"categories"}),
    unit="share",
    high=1.0,
    better="lower",
    source="levels of the reference; interval: Wilson 1927",
)
def unseen_share(_reference: Profile | None, current: Profile) -> Results:
    """Share of a categorical column's values that the reference did not hold.

    `unseen / (rows - missing)`. A share, 0 to 1, best 0, with Wilson's 95 % interval. The values themselves
    are in the profile (`categories.names`).

    Missing when no reference was seen and where the window has no values.
    Source: Wilson 1927.

    >>> from anchorwatch.profile.example import pair
    >>> unseen_share(*pair({"c": ["a", "b"]}, {"c": ["a", "b", "x", "a"]}))["c"]
    Value(value=0.25, n=4, low=0.05, high=0.70, p=None)
    """
    chosen, categories = columns.watched(current.grid), current.categories
    subjects, picked = chosen.category_names, chosen.categories
    if not current.grid.fitted:
        return Results.missing("unseen_share", subjects, "no reference")
    if categories is None:
        return Results.missing("unseen_share", subjects, "no rows in this window")
    n = (columns.known(categories) + categories.unseen)[picked]
    reasons = [None if count else "no values in this window" for count in n.tolist()]
    return columns.shares("unseen_share", subjects, categories.unseen[picked], n, reasons)
