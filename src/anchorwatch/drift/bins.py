"""All numeric columns of two profiles as matrices of bins: what the tests of distribution functions look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.drift.subjects import Side, absent, chosen, reasons, refusal

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
        base: distribution function of the reference at each edge, shape as `gap`.
        share: of each bin in both sides together, shape (columns, bins of the widest column).
        edges: the edges, shape as `gap`; a column's last edge is repeated beyond its own.
        last: index of each column's own last edge.
        tenths: where the eleven bounds of ten equal parts of the reference's range lie: the edge at or after each,
            and what part of the way to it from the edge before; shape (columns, 11) both.
        reference, current: the sums of those columns.
        centre, scale: subtracted and divided by before their moments were summed.
    """

    n: NDArray[np.int64]
    m: NDArray[np.int64]
    gap: Floats
    base: Floats
    share: Floats
    edges: Floats
    last: NDArray[np.int64]
    tenths: tuple[NDArray[np.int64], Floats]
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
    bins = bins_of(current.grid, side, before, after)
    value, p, lost = test(bins)
    empty = reasons(bins.m, bins.n, side, "numbers")
    unknown = [given or why for given, why in zip(empty, lost, strict=True)]
    return Results.of(name, subjects, value, n=bins.n, reasons=unknown, p=p)


PAIRS = 4
"""Pairs of profiles whose bins are kept: all tests of a window look at the same ones, one after another."""


@lru_cache(maxsize=PAIRS)
def bins_of(grid: Grid, side: Side, before: Numbers, after: Numbers) -> Bins:
    """The numeric columns of a side, kept for the next test of the same window."""
    picked = chosen(grid, side).numbers
    reference, current = _pick(before, picked), _pick(after, picked)
    n, m = current.counts.sum(axis=1), reference.counts.sum(axis=1)
    base = np.cumsum(reference.counts, axis=1)[:, :-1] / np.maximum(m, 1)[:, None]
    gap = np.cumsum(current.counts, axis=1)[:, :-1] / np.maximum(n, 1)[:, None] - base
    gap[(n == 0) | (m == 0)] = 0
    edges, last = _edges(grid)
    cut, part = _tenths(grid)
    return Bins(
        n=n,
        m=m,
        gap=gap,
        base=base,
        share=(reference.counts + current.counts) / np.maximum(n + m, 1)[:, None],
        edges=edges[picked],
        last=last[picked],
        tenths=(cut[picked], part[picked]),
        reference=reference,
        current=current,
        centre=grid.centre[picked],
        scale=grid.scale[picked],
    )


@lru_cache(maxsize=64)
def _edges(grid: Grid) -> tuple[Floats, NDArray[np.int64]]:
    """The edges of all numeric columns, each row filled up with its last one, and where that is."""
    sizes = np.array([edges.size for edges in grid.edges], np.int64)
    padded = [np.pad(edges, (0, sizes.max() - edges.size), mode="edge") for edges in grid.edges]
    return np.stack(padded), sizes - 1


@lru_cache(maxsize=64)
def _tenths(grid: Grid) -> tuple[NDArray[np.int64], Floats]:
    """Ten equal parts of the range of each column; a bound that is an atom's own edge lies before the atom."""
    found = [_cut(edges, *ends) for edges, ends in zip(grid.edges, grid.ranges.tolist(), strict=True)]
    return np.stack([cut for cut, _ in found]), np.stack([part for _, part in found])


def _cut(edges: Floats, first: int, last: int) -> tuple[NDArray[np.int64], Floats]:
    low = np.nextafter(edges[first], np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        bounds = low + np.arange(11) / 10 * (edges[last] - low)
    if not np.isfinite(bounds).all():
        bounds = low * (1 - np.arange(11) / 10) + edges[last] * (np.arange(11) / 10)
    cut = np.clip(np.searchsorted(edges, bounds), first + 1, last)
    with np.errstate(over="ignore", invalid="ignore"):
        part = (bounds - edges[cut - 1]) / (edges[cut] - edges[cut - 1])
    part = np.where(np.nextafter(edges[cut], -np.inf) <= edges[cut - 1], 0.0, part)
    part = np.clip(np.where(np.isfinite(part), part, 1.0), 0.0, 1.0)
    cut[[0, -1]], part[[0, -1]] = (first, last), 1.0
    return cut.astype(np.int64), part


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
