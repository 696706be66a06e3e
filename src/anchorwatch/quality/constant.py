"""Which columns hold one and the same value throughout: a stuck sensor, a default that was never replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.parts import Categories
    from anchorwatch.profile.profile import Profile

    Part = tuple[NDArray[np.bool_], NDArray[np.int64]]


@measure(
    "Constant",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER, Kind.CATEGORY}),
    unit="yes or no",
    high=1.0,
    better="none",
    source="smallest value = largest value",
)
def constant(_reference: Profile | None, current: Profile) -> Results:
    """1 for a column whose known values are all the same, else 0.

    `min = max` of finite numbers, or a single category. 0 or 1; neither is best: a flag may rightly be
    constant. Missing values and infinities are left out. Missing where fewer than two values are known.
    Source: the definition.

    >>> from anchorwatch.profile.example import inputs
    >>> found = constant(None, inputs({"x": [7.0, 7.0, None], "c": ["a", "b", "a"]}))
    >>> found["x"].value, found["c"].value
    (1.0, 0.0)
    """
    chosen = columns.watched(current.grid)
    (steady, n), (same, m) = _numbers(current), _categories(current)
    count = np.concatenate([n[chosen.numbers], m[chosen.categories]])
    return Results.of(
        "constant",
        chosen.number_names + chosen.category_names,
        np.concatenate([steady[chosen.numbers], same[chosen.categories]]),
        n=count,
        reasons=[None if rows > 1 else "fewer than two values in this window" for rows in count.tolist()],
    )


def _numbers(profile: Profile) -> Part:
    """Whether each numeric column is constant, and its finite values."""
    numbers = profile.numbers
    if numbers is None:
        return _nothing(len(profile.grid.numbers))
    return numbers.low == numbers.high, columns.finite(numbers)


def _categories(profile: Profile) -> Part:
    """Whether each categorical column is constant, and its values that are not missing."""
    categories = profile.categories
    if categories is None:
        return _nothing(len(profile.grid.categories))
    levels = np.array([np.count_nonzero(counts) for counts in categories.counts], np.int64)
    return levels + _unseen_levels(categories) == 1, columns.known(categories) + categories.unseen


def _unseen_levels(categories: Categories) -> NDArray[np.int64]:
    return np.array([len(names) for names in categories.names], np.int64)


def _nothing(size: int) -> Part:
    return np.zeros(size, bool), np.zeros(size, np.int64)
