"""Missing shift: how much more is missing than in the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.core.schema import Kind
from anchorwatch.drift.subjects import Chosen, Side, chosen, reasons, refusal
from anchorwatch.profile.measure import Family, measure
from anchorwatch.stats import intervals, tails

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.profile.profile import Profile


@measure(
    "Shift of the missing share",
    Family.DRIFT,
    kinds=frozenset({Kind.NUMBER, Kind.CATEGORY}),
    unit="share",
    low=-1.0,
    high=1.0,
    source="Fisher 1934; interval: Newcombe 1998, method 10",
)
def missing_shift(reference: Profile | None, current: Profile) -> Results:
    """Share of missing values less that of the reference, per column.

    `k/n - l/m`: a difference of shares, -1 to 1, best 0, with Newcombe's 95 % interval and the p-value of
    Fisher's exact test: one missing value where there was none is no finding. Infinite values are not missing:
    `infinite_share` counts them.

    Missing without a reference and where either side has no rows.
    Source: Newcombe 1998, method 10; Fisher 1934, `stats.tails.fisher`.

    >>> from anchorwatch.profile.example import pair
    >>> missing_shift(*pair({"x": [1.0] * 20}, {"x": [1.0] * 8 + [None] * 12}))["x"]
    Value(value=0.60, n=20, low=0.33, high=0.78, p=0.000)
    """
    columns = chosen(current.grid, Side.INPUTS)
    refused = refusal(reference, current)
    if refused or reference is None:
        return Results.missing("missing_shift", columns.subjects, refused)
    (k, n), (other, m) = _missing(current, columns), _missing(reference, columns)
    with np.errstate(invalid="ignore"):
        shift = k / n - other / m
    low, high = intervals.of_difference(k, n, other, m)
    return Results.of(
        "missing_shift",
        columns.subjects,
        shift,
        n=n,
        reasons=reasons(m, n, Side.INPUTS),
        low=low,
        high=high,
        p=tails.fisher(k, n, other, m),
    )


def _missing(profile: Profile, columns: Chosen) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Missing values and rows per column; none where nothing was folded."""
    missing = np.zeros(len(columns.subjects), np.int64)
    rows = missing.copy()
    numbers, categories, split = profile.numbers, profile.categories, columns.numbers.size
    if numbers is not None:
        missing[:split] = numbers.missing[columns.numbers]
        rows[:split] = (numbers.counts.sum(axis=1) + numbers.missing + numbers.infinite)[columns.numbers]
    if categories is not None:
        missing[split:] = categories.missing[columns.categories]
        known = np.array([counts.sum() for counts in categories.counts], np.int64)
        rows[split:] = (known + categories.unseen + categories.missing)[columns.categories]
    return missing, rows
