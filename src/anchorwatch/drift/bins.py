"""All numeric columns of two profiles as matrices of bins: for Kolmogorov–Smirnov and Wasserstein."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.drift.subjects import Chosen, Side, absent, chosen, reasons, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.parts import Numbers
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """The chosen numeric columns, reference and current.

    Attributes:
        n, m: finite values, current and reference, shape (columns,).
        gap: distribution function of the current minus the reference's at each edge, shape (columns, edges of
            the widest column); 0 beyond a column's own edges and in a column without values.
        edges: the edges, shape as `gap`; a column's last edge is repeated beyond its own.
        last: index of each column's own last edge.
        reference, current: the sums of those columns.
        centre, scale: subtracted and divided by before their moments were summed.
    """

    n: NDArray[np.int64]
    m: NDArray[np.int64]
    gap: Floats
    edges: Floats
    last: NDArray[np.int64]
    reference: Numbers
    current: Numbers
    centre: Floats
    scale: Floats


Found = tuple["Floats", "Floats | None", "list[str | None]"]
"""Value, p-value where the test has one, and the reason of a NaN value, per column."""


def over_bins(
    name: str,
    reference: Profile | None,
    current: Profile,
    test: Callable[[Bins], Found],
    side: Side = Side.INPUTS,
) -> Results:
    """Run `test` on all numeric columns at once, and say where and why there is no result."""
    columns = chosen(current.grid, side)
    subjects = columns.subjects[: columns.numbers.size]
    refused = refusal(reference, current)
    if refused or reference is None or not subjects:
        return Results.missing(name, subjects, refused)
    before, after = reference.numbers, current.numbers
    if before is None or after is None:
        return Results.missing(name, subjects, absent(side, before is None, "numbers"))
    bins = _bins(current.grid, columns, before, after)
    value, p, lost = test(bins)
    empty = reasons(bins.m, bins.n, side, "numbers")
    unknown = [given or why for given, why in zip(empty, lost, strict=True)]
    return Results.of(name, subjects, value, n=bins.n, reasons=unknown, p=p)


def _bins(grid: Grid, columns: Chosen, before: Numbers, after: Numbers) -> Bins:
    reference, current = _pick(before, columns.numbers), _pick(after, columns.numbers)
    n, m = current.counts.sum(axis=1), reference.counts.sum(axis=1)
    up_to = np.cumsum(current.counts, axis=1)[:, :-1] / np.maximum(n, 1)[:, None]
    up_to -= np.cumsum(reference.counts, axis=1)[:, :-1] / np.maximum(m, 1)[:, None]
    up_to[(n == 0) | (m == 0)] = 0
    picked = columns.numbers
    edges, last = _edges(grid)
    return Bins(
        n,
        m,
        up_to,
        edges[picked],
        last[picked],
        reference,
        current,
        grid.centre[picked],
        grid.scale[picked],
    )


@lru_cache(maxsize=64)
def _edges(grid: Grid) -> tuple[Floats, NDArray[np.int64]]:
    """The edges of all numeric columns, each row filled up with its last one, and where that is."""
    sizes = np.array([edges.size for edges in grid.edges], np.int64)
    padded = [np.pad(edges, (0, sizes.max() - edges.size), mode="edge") for edges in grid.edges]
    return np.stack(padded), sizes - 1


def _pick(numbers: Numbers, columns: NDArray[np.int64]) -> Numbers:
    return type(numbers)(
        numbers.counts[columns],
        numbers.missing[columns],
        numbers.infinite[columns],
        numbers.total[columns],
        numbers.square[columns],
        numbers.low[columns],
        numbers.high[columns],
    )
