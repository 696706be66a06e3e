"""How much of each column is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from anchorwatch.core.results import Results
    from anchorwatch.profile.profile import Profile


@measure(
    "Missing share",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER, Kind.CATEGORY}),
    unit="share",
    high=1.0,
    better="lower",
    source="count of nulls and NaN; interval: Wilson 1927",
)
def missing_share(_reference: Profile | None, current: Profile) -> Results:
    """Share of a column's values that are null or not a number.

    `missing / rows`. A share, 0 to 1, best 0, with Wilson's 95 % interval. Missing when the window has no
    rows. Source: Wilson 1927.

    >>> from anchorwatch.profile.example import inputs
    >>> missing_share(None, inputs({"x": [1.0, None, 2.0, 3.0]}))["x"]
    Value(value=0.25, n=4, low=0.05, high=0.70, p=None)
    """
    chosen = columns.watched(current.grid)
    numbers, categories = current.numbers, current.categories
    missing = np.zeros(len(chosen.number_names) + len(chosen.category_names), np.int64)
    if numbers is not None:
        missing[: chosen.numbers.size] = numbers.missing[chosen.numbers]
    if categories is not None:
        missing[chosen.numbers.size :] = categories.missing[chosen.categories]
    subjects = chosen.number_names + chosen.category_names
    return columns.shares("missing_share", subjects, missing, columns.rows(current))
