"""In which bin of a column's edges a number lies, for millions of numbers at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF = 4096
"""Cells of the table on either side of the centre."""

BLOCK = 32_768
"""Numbers handled at once, so that what is between stays in the processor's cache."""

FEW = 256
"""Up to so many numbers a plain binary search is the quicker way."""

_PARTS = (0.5, 0.25, 0.1, 0.03, 0.01)
"""Widths tried as the unit of the table, as parts of the edges around the median one."""


@dataclass(frozen=True, slots=True, eq=False)
class Locator:
    """Finds bins `(edges[j-1], edges[j]]` by a table instead of a search; the answers are the same.

    A number is squashed, monotonically, to one of `2 · HALF + 1` cells: `y / (1 + |y|)` with `y` counted in `unit`
    from `centre`, which gives the bulk fine cells and the tails coarse ones. The table says how many edges lie in
    the cells before; two comparisons step over those within, and the few numbers that are not home by then are
    searched for.

    Attributes:
        edges: ascending, with one more that is infinite, shape (m + 1,).
        table: how many edges lie in cells before this one, shape (2 · HALF + 1,).
        centre: number in the middle of the table.
        rate: one over the unit.
    """

    edges: NDArray[np.float64]
    table: NDArray[np.unsignedinteger]
    centre: float
    rate: float

    @classmethod
    def of(cls, edges: NDArray[np.float64], dtype: np.dtype[np.unsignedinteger]) -> Locator:
        """Choose the unit under which the fewest edges crowd into one cell."""
        padded = np.append(edges, np.inf)
        centre = float(np.clip(edges[edges.size // 2], -1e300, 1e300))
        tried = [_cells(edges, centre, rate) for rate in _rates(edges)]
        crowds = [int(np.maximum(np.bincount(cells) - 2, 0).sum()) for cells in tried]
        best = int(np.argmin(crowds))
        before = np.searchsorted(tried[best], np.arange(2 * HALF + 1))
        return cls(padded, before.astype(dtype), centre, _rates(edges)[best])

    def __call__(self, numbers: NDArray[np.float64], out: NDArray[np.unsignedinteger]) -> None:
        """Write the bin of each of `numbers`, shape (n,), to `out`; what a NaN gets is without meaning."""
        if numbers.size <= FEW:
            out[:] = np.searchsorted(self.edges[:-1], numbers)
            return
        for begin in range(0, numbers.size, BLOCK):
            self._block(numbers[begin : begin + BLOCK], out[begin : begin + BLOCK])

    def _block(self, numbers: NDArray[np.float64], out: NDArray[np.unsignedinteger]) -> None:
        found = self.table.take(_cells(numbers, self.centre, self.rate), mode="clip")
        found += numbers > self.edges.take(found)
        found += numbers > self.edges.take(found)
        late = np.flatnonzero(numbers > self.edges.take(found))
        if late.size:
            found[late] = np.searchsorted(self.edges[:-1], numbers[late])
        out[:] = found


def _cells(numbers: NDArray[np.float64], centre: float, rate: float) -> NDArray[np.intp]:
    """The squash; each step is monotone after rounding too, so that no number overtakes an edge."""
    with np.errstate(over="ignore", invalid="ignore"):
        far = numbers - centre
        far *= rate
        near = np.abs(far)
        near += 1.0
        np.divide(1.0, near, out=near)
        np.subtract(1.0, near, out=near)
        np.copysign(near, far, out=near)
        near *= HALF
        near += HALF
        return near.astype(np.intp)


def _rates(edges: NDArray[np.float64]) -> list[float]:
    middle, last = edges.size // 2, edges.size - 1
    reach = np.rint(np.array(_PARTS) * last).astype(np.intp)
    with np.errstate(over="ignore"):
        spans = edges[np.minimum(middle + reach, last)] - edges[np.maximum(middle - reach, 0)]
    units = spans[spans > 0] if (spans > 0).any() else np.ones(1)
    rates: list[float] = (1.0 / np.clip(units, 1e-300, 1e300)).tolist()
    return rates
