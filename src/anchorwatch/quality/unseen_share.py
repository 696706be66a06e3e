"""How much of each categorical column the reference did not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns
from anchorwatch.stats import novelty

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
def unseen_share(reference: Profile | None, current: Profile) -> Results:
    """Share of a categorical column's values that the reference did not hold.

    `unseen / (rows - missing)`. A share, 0 to 1, best 0, with Wilson's 95 % interval. The values themselves
    are in the profile (`categories.names`).

    Where many values are rare, some new ones always come: the p-value says how likely so many are, by how many values
    the reference held once and twice (`stats.novelty.of_kinds`); where what the window is compared with holds such
    values too, it is Fisher's.

    Missing when no reference was seen and where the window has no values.
    Source: Wilson 1927; p-value: Good 1953.

    >>> from anchorwatch.profile.example import pair
    >>> unseen_share(*pair({"c": ["a", "b"]}, {"c": ["a", "b", "x", "a"]}))["c"]
    Value(value=0.25, n=4, low=0.05, high=0.70, p=0.96)
    """
    chosen, categories = columns.watched(current.grid), current.categories
    subjects, picked = chosen.category_names, chosen.categories
    if not current.grid.fitted:
        return Results.missing("unseen_share", subjects, "no reference")
    if categories is None:
        return Results.missing("unseen_share", subjects, "no rows in this window")
    n = (columns.known(categories) + categories.unseen)[picked]
    reasons = [None if count else "no values in this window" for count in n.tolist()]
    unseen = categories.unseen[picked]
    p = _chance(unseen, n, picked, reference)
    return columns.shares("unseen_share", subjects, unseen, n, reasons, p)


def _chance(
    unseen: columns.Counts, n: columns.Counts, picked: columns.Counts, reference: Profile | None
) -> NDArray[np.float64]:
    if reference is None or reference.categories is None:
        return np.full(n.size, np.nan)
    counts, before = reference.categories.counts, reference.categories.unseen[picked]
    once, twice = (
        np.array([np.count_nonzero(counts[column] == often) for column in picked.tolist()], np.int64)
        for often in (1, 2)
    )
    m = columns.known(reference.categories)[picked] + before
    return novelty.beside(unseen, n, before, m, novelty.of_kinds(unseen, n, once, twice, m))
