"""All columns of two profiles as one run of cells: what PSI, chi-square and Jensen–Shannon count.

A numeric column's cells are its reference's deciles (an atom that is a decile stands alone, so that what
lies below it is told apart) and one for what is no number (missing or infinite). A categorical column's are
its known levels, one for unseen values and one for missing ones. So a column that goes from 0 to 60 %
missing has drifted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from anchorwatch.core.results import Results
from anchorwatch.drift.bins import PAIRS
from anchorwatch.drift.subjects import Chosen, Side, chosen, reasons, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile

    Floats = NDArray[np.float64]


DECILES = 9
"""Cuts into tenths, when they are all distinct."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Counts per cell, the columns one after another.

    Attributes:
        reference, current: float64, shape (cells,).
        starts: first cell of each column, int64, shape (columns,).
        column: column of each cell, int64, shape (cells,).

    >>> cells = Cells.of([[10, 10], [1, 2, 3]], [[12, 8], [3, 2, 1]])
    >>> cells.sums(cells.reference).tolist()
    [20.0, 6.0]
    """

    reference: Floats
    current: Floats
    starts: NDArray[np.int64]
    column: NDArray[np.int64]

    @classmethod
    def of(cls, reference: list[list[float]], current: list[list[float]]) -> Cells:
        """From counts per column and cell, written out."""
        sizes = np.array([len(cells) for cells in reference], dtype=np.int64)
        before, after = (
            np.array([count for row in rows for count in row], np.float64) for rows in (reference, current)
        )
        return cls(before, after, np.cumsum(sizes) - sizes, np.repeat(np.arange(sizes.size), sizes))

    def sums(self, numbers: NDArray[Any]) -> Floats:
        """`numbers` of the cells, summed per column."""
        return np.add.reduceat(numbers, self.starts, dtype=np.float64)

    def shares(self) -> tuple[Floats, Floats]:
        """Share of each cell in its column, reference and current; NaN in a column without rows."""
        with np.errstate(invalid="ignore"):
            return (
                self.reference / self.sums(self.reference)[self.column],
                self.current / self.sums(self.current)[self.column],
            )


Found = tuple["Floats", "Floats", str]
"""Value and p-value per column (NaN where unknown), and the reason of a NaN value."""


def over_cells(
    name: str,
    reference: Profile | None,
    current: Profile,
    test: Callable[[Cells], Found],
    side: Side = Side.INPUTS,
) -> Results:
    """Run `test` on the cells of all columns at once, and say where and why there is no result."""
    columns = chosen(current.grid, side)
    refused = refusal(reference, current)
    if refused or reference is None or not columns.subjects:
        return Results.missing(name, columns.subjects, refused)
    cells = cells_of(reference, current, side)
    n, m = cells.sums(cells.current), cells.sums(cells.reference)
    value, p, why = test(cells)
    unknown = reasons(m, n, side) if current.grid.fitted else ["bins were fixed without a reference"] * n.size
    unknown = [given or (why if lost else None) for given, lost in zip(unknown, np.isnan(value), strict=True)]
    return Results.of(name, columns.subjects, value, n=n.astype(np.int64), reasons=unknown, p=p)


@lru_cache(maxsize=PAIRS)
def cells_of(reference: Profile, current: Profile, side: Side) -> Cells:
    """The cells of two profiles, kept for the next test of the same window."""
    columns, layout = chosen(current.grid, side), _layout(current.grid, side)
    counts = [_counts(profile, columns, layout) for profile in (reference, current)]
    return Cells(counts[0], counts[1], layout.starts, layout.column)


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where which count goes; depends on the grid alone."""

    starts: NDArray[np.int64]
    column: NDArray[np.int64]
    cuts: NDArray[np.int64]  # first bin of each decile cell, in the chosen columns' bins one after another
    deciles: NDArray[np.int64]  # … and the cells they go to
    no_number: NDArray[np.int64]
    known: NDArray[np.int64]  # levels of the chosen columns among those of all columns
    levels: NDArray[np.int64]
    unseen: NDArray[np.int64]
    no_level: NDArray[np.int64]


@lru_cache(maxsize=64)
def _layout(grid: Grid, side: Side) -> _Layout:
    """Lay the cells out once per grid: this is the only loop over columns."""
    columns = chosen(grid, side)
    width = max((edges.size for edges in grid.edges), default=0) + 1
    begins = [_first_bins(grid, column) for column in columns.numbers]
    sizes = np.array(
        [item.size + 1 for item in begins] + [len(grid.levels[column]) + 2 for column in columns.categories],
        dtype=np.int64,
    )
    ends = np.cumsum(sizes)
    column = np.repeat(np.arange(sizes.size), sizes)
    last = np.arange(ends[-1]) == ends[column] - 1
    numeric = column < len(begins)
    unseen = ends[len(begins) :] - 2
    offsets = np.cumsum([0, *(len(levels) for levels in grid.levels)])
    known = [np.arange(offsets[column], offsets[column + 1]) for column in columns.categories]
    return _Layout(
        starts=ends - sizes,
        column=column,
        cuts=_joined([item + index * width for index, item in enumerate(begins)]),
        deciles=np.flatnonzero(numeric & ~last),
        no_number=np.flatnonzero(numeric & last),
        known=_joined(known),
        levels=np.setdiff1d(np.flatnonzero(~numeric & ~last), unseen),
        unseen=unseen,
        no_level=np.flatnonzero(~numeric & last),
    )


def _first_bins(grid: Grid, column: int) -> NDArray[np.int64]:
    """First bin of each decile cell, an atom apart from what lies below where it may hide a decile.

    That is when deciles coincide, and when the first is the minimum. An atom is known by an edge that is
    the float just below its own.
    """
    edges, deciles = grid.edges[column], grid.deciles[column]
    least = grid.ranges[column, 0] + 1
    inner = deciles[(deciles > 0) & ((deciles == least) | (deciles.size < DECILES))]
    atoms = inner[np.nextafter(edges[inner], -np.inf) == edges[inner - 1]]
    return np.union1d([0], np.concatenate([deciles, atoms - 1]) + 1).astype(np.int64)


def _joined(pieces: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate([np.empty(0, np.int64), *pieces])


def _counts(profile: Profile, columns: Chosen, layout: _Layout) -> Floats:
    """A profile's counts in the cells of `layout`; a part that nothing was folded into counts nothing."""
    counts = np.zeros(layout.column.size)
    numbers, categories = profile.numbers, profile.categories
    if numbers is not None and columns.numbers.size:
        counts[layout.deciles] = np.add.reduceat(numbers.counts[columns.numbers].ravel(), layout.cuts)
        counts[layout.no_number] = (numbers.missing + numbers.infinite)[columns.numbers]
    if categories is not None and columns.categories.size:
        counts[layout.levels] = np.concatenate(categories.counts)[layout.known]
        counts[layout.unseen] = categories.unseen[columns.categories]
        counts[layout.no_level] = categories.missing[columns.categories]
    return counts
