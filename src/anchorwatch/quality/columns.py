"""The columns whose quality is watched: inputs, `_prediction` and `_score`. `_outcome` comes too late."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.profile.grid import OUTCOME
from anchorwatch.stats import intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.parts import Categories, Numbers
    from anchorwatch.profile.profile import Profile

    Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Indices of the watched columns in their part of a profile, and their names."""

    numbers: Counts
    categories: Counts
    number_names: tuple[str, ...]
    category_names: tuple[str, ...]


@lru_cache(maxsize=64)
def watched(grid: Grid) -> Columns:
    """All columns of a grid but the outcome."""
    numbers = [index for index, name in enumerate(grid.numbers) if name != OUTCOME]
    categories = [index for index, name in enumerate(grid.categories) if name != OUTCOME]
    return Columns(
        np.array(numbers, np.int64),
        np.array(categories, np.int64),
        tuple(grid.numbers[index] for index in numbers),
        tuple(grid.categories[index] for index in categories),
    )


def finite(numbers: Numbers) -> Counts:
    """Finite values per numeric column."""
    return np.asarray(numbers.counts.sum(axis=1), dtype=np.int64)


def known(categories: Categories) -> Counts:
    """Values of a known level per categorical column."""
    return np.array([counts.sum() for counts in categories.counts], np.int64)


def rows(profile: Profile) -> Counts:
    """Rows per watched column, numbers first; 0 where nothing was folded."""
    columns = watched(profile.grid)
    numbers, categories = profile.numbers, profile.categories
    return np.concatenate(
        [
            np.zeros_like(columns.numbers)
            if numbers is None
            else (finite(numbers) + numbers.missing + numbers.infinite)[columns.numbers],
            np.zeros_like(columns.categories)
            if categories is None
            else (known(categories) + categories.unseen + categories.missing)[columns.categories],
        ]
    )


def shares(
    name: str,
    subjects: Sequence[str],
    count: Counts,
    n: Counts,
    reasons: Sequence[str | None] | None = None,
    p: NDArray[np.float64] | None = None,
) -> Results:
    """`count` of `n` per column with Wilson's interval, or a reason; by default: no rows in this window."""
    low, high = intervals.wilson(count, n)
    given = reasons or [None] * len(subjects)
    why = [
        reason or (None if total else "no rows in this window")
        for reason, total in zip(given, n.tolist(), strict=True)
    ]
    return Results.of(name, subjects, count / np.maximum(n, 1), n=n, reasons=why, low=low, high=high, p=p)


def whole(name: str, value: float, n: int, interval: tuple[float, float] | None = None) -> Results:
    """A value of the window as a whole."""
    low, high = interval or (np.nan, np.nan)
    return Results.of(name, [""], value, n=n, low=low, high=high)
