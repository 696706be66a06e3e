"""Unseen values as cells of their own, one for each name, in place of one cell for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.drift.cells import Cells
from anchorwatch.drift.subjects import Side, chosen
from anchorwatch.profile.unseen import merge_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from anchorwatch.drift.cells import Floats
    from anchorwatch.profile.parts import Categories
    from anchorwatch.profile.profile import Profile

MOST = 1_000_000
"""Cells that the names of a column are made into at most."""


def by_name(cells: Cells, reference: Profile, current: Profile, side: Side) -> Cells:
    """The cells with the unseen values of each categorical column taken apart.

    A cell of "all that the reference did not hold" is empty in the reference by its making, so that where many values
    are rare any two samples differ in it for sure. A value that came once says little whichever side it came to: as
    cells of their own, rare values are pooled with the reference's own rare ones, and a new value that came often
    stands out alone. What a profile remembers of unseen names is a random choice of them: where there are more, the
    others are taken to be like these.
    """
    if reference.categories is None or current.categories is None:
        return cells
    columns = chosen(current.grid, side)
    ends = np.append(cells.starts[1:], cells.column.size)[columns.numbers.size :]
    places, pieces = [], []
    for column, end in zip(columns.categories.tolist(), ends.tolist(), strict=True):
        totals = np.array([reference.categories.unseen[column], current.categories.unseen[column]])
        if totals.any():
            places.append(end - 2)
            pieces.append(_pairs(*_names(reference.categories, current.categories, column), totals))
    return _replaced(cells, places, pieces) if places else cells


def _names(
    reference: Categories, current: Categories, column: int
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    return reference.names[column], current.names[column]


def _pairs(reference: Mapping[str, int], current: Mapping[str, int], totals: NDArray[np.int64]) -> Floats:
    """Counts per name on both sides, shape (2, names), copied so often as makes up the totals."""
    kept = merge_names([reference, current])
    pairs = np.array([[side.get(name, 0) for name in kept] for side in (reference, current)], np.float64)
    known = pairs.sum(axis=1)
    if not known.sum() or ((known == 0) & (totals > 0)).any():
        return totals[:, None].astype(np.float64)
    copies = min(max(round(float(totals.sum() / known.sum())), 1), MOST // len(kept) or 1)
    scale: Floats = totals / np.maximum(known * copies, 1)
    return np.tile(pairs, copies) * scale[:, None]


def _replaced(cells: Cells, places: list[int], pieces: list[Floats]) -> Cells:
    """Each of the cells at `places` by some, at least one."""
    sizes = np.ones(cells.column.size, np.int64)
    sizes[places] = [piece.shape[1] for piece in pieces]
    ends = np.cumsum(sizes)
    sides = [np.repeat(counts, sizes) for counts in (cells.reference, cells.current)]
    for place, piece in zip(places, pieces, strict=True):
        for side, counts in zip(sides, piece, strict=True):
            side[ends[place] - piece.shape[1] : ends[place]] = counts
    starts = (ends - sizes)[cells.starts]
    return Cells(sides[0], sides[1], starts, np.repeat(cells.column, sizes))
