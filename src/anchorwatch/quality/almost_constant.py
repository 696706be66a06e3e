"""How much of each column is one and the same value: near one, the column says next to nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.results import Results
    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile


@measure(
    "Almost constant",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER, Kind.CATEGORY}),
    unit="share",
    high=1.0,
    better="none",
    source="share of the mode; interval: Wilson 1927",
)
def almost_constant(_reference: Profile | None, current: Profile) -> Results:
    """Share of a column's known values that are its most frequent one.

    `mode's count / known`, looking at values that stand alone in a bin: what is frequent in the reference does. A
    column that is constant is 1 whatever its value, and one whose most frequent value shares its bin with others is
    told by `constant` alone and 0 here. A share, 0 to 1; neither is best: compare with the reference. Wilson's
    95 % interval. Missing values and infinities are left out. Missing where no value is known.
    Source: the definition; Wilson 1927.

    >>> from anchorwatch.profile.example import pair
    >>> found = almost_constant(*pair({"x": [0.0, 0.0, 0.0, 5.0]}, {"x": [0.0, 0.0, 0.0, 1.0]}))
    >>> found["x"].value
    0.75
    """
    chosen = columns.watched(current.grid)
    (most, n), (often, m) = _numbers(current), _categories(current)
    count = np.concatenate([n[chosen.numbers], m[chosen.categories]])
    modes = np.concatenate([most[chosen.numbers], often[chosen.categories]])
    subjects = chosen.number_names + chosen.category_names
    reasons = [None if rows else "no values in this window" for rows in count.tolist()]
    return columns.shares("almost_constant", subjects, modes, count, reasons)


def _numbers(profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    numbers = profile.numbers
    if numbers is None:
        return np.zeros((2, len(profile.grid.numbers)), np.int64)[0], np.zeros(
            len(profile.grid.numbers), np.int64
        )
    n = columns.finite(numbers)
    most = np.where(_atoms(profile.grid), numbers.counts, 0).max(axis=1, initial=0)
    return np.where(numbers.low == numbers.high, n, most), n


def _categories(profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    categories = profile.categories
    if categories is None:
        width = len(profile.grid.categories)
        return np.zeros(width, np.int64), np.zeros(width, np.int64)
    most = [
        max(int(counts.max(initial=0)), max(names.values(), default=0))
        for counts, names in zip(categories.counts, categories.names, strict=True)
    ]
    return np.array(most, np.int64), columns.known(categories) + categories.unseen


@lru_cache(maxsize=64)
def _atoms(grid: Grid) -> NDArray[np.bool_]:
    """Which bins hold a single value, shape (numbers, bins of the widest column)."""
    found = np.zeros((len(grid.numbers), max((edges.size for edges in grid.edges), default=0) + 1), bool)
    for lane, edges in enumerate(grid.edges):
        found[lane, 1 : edges.size] = np.nextafter(edges[1:], -np.inf) == edges[:-1]
    return found
