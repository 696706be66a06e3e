"""How much of each numeric column lies outside what the reference held."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.profile.measure import Family, measure
from anchorwatch.quality import columns
from anchorwatch.stats import novelty

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.parts import Numbers
    from anchorwatch.profile.profile import Profile


@measure(
    "Out-of-range share",
    Family.QUALITY,
    kinds=frozenset({Kind.NUMBER}),
    needs=frozenset({"numbers"}),
    unit="share",
    high=1.0,
    better="lower",
    source="range of the reference; interval: Wilson 1927",
)
def out_of_range_share(reference: Profile | None, current: Profile) -> Results:
    """Share of a numeric column's finite values below the reference's smallest or above its largest.

    `outside / finite`, the range being that of the reference the bins were made for. A share, 0 to 1, best 0,
    with Wilson's 95 % interval. Even without drift about 2/(n + 1) of new values lie beyond `n` old ones: the p-value
    says how likely so many are (`stats.novelty.of_range`); where what the window is compared with holds such values
    too, it is Fisher's. Infinite values are left out: `infinite_share` counts them.

    Missing when no reference was seen, or none of its values was finite, and where the window has no finite
    value. Source: Wilson 1927; p-value: Wilks 1941.

    >>> from anchorwatch.profile.example import pair
    >>> out_of_range_share(*pair({"x": [1.0, 2.0, 3.0]}, {"x": [0.0, 1.0, 3.0, 3.5]}))["x"]
    Value(value=0.50, n=4, low=0.15, high=0.85, p=0.61)
    """
    chosen, numbers, grid = columns.watched(current.grid), current.numbers, current.grid
    subjects = chosen.number_names
    if not grid.fitted:
        return Results.missing("out_of_range_share", subjects, "no reference")
    if numbers is None:
        return Results.missing("out_of_range_share", subjects, "no rows in this window")
    known = _known(grid)
    outside = _outside(numbers, grid)
    n = columns.finite(numbers)
    reasons = [
        "no numbers in the reference" if not seen else None if count else "no numbers in this window"
        for seen, count in zip(known[chosen.numbers].tolist(), n[chosen.numbers].tolist(), strict=True)
    ]
    picked = chosen.numbers
    p = _chance(outside, n, reference)[picked]
    return columns.shares("out_of_range_share", subjects, outside[picked], n[picked], reasons, p)


def _outside(numbers: Numbers, grid: Grid) -> columns.Counts:
    """Values beyond the grid's range, per column."""
    up_to, lane = np.cumsum(numbers.counts, axis=1), np.arange(len(grid.numbers))
    low, high = grid.ranges.T
    return np.asarray(up_to[lane, low] + up_to[:, -1] - up_to[lane, high])


def _chance(outside: columns.Counts, n: columns.Counts, reference: Profile | None) -> NDArray[np.float64]:
    if reference is None or reference.numbers is None:
        return np.full(n.size, np.nan)
    m = columns.finite(reference.numbers)
    before = _outside(reference.numbers, reference.grid)
    return novelty.beside(outside, n, before, m, novelty.of_range(outside, n, m))


@lru_cache(maxsize=64)
def _known(grid: Grid) -> NDArray[np.bool_]:
    """Whether each column's bins are those of a reference: only then it has deciles."""
    return np.array([deciles.size > 0 for deciles in grid.deciles], np.bool_)
