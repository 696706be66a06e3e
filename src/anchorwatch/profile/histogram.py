"""A histogram of any numbers whose resolution follows the data, exactly mergeable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

FINEST = 20
"""Bits dropped of a float64's 52-bit mantissa at the finest level: cells 2·10⁻¹⁰ wide relative to the value."""

COARSEST = 63
"""At this level one cell holds what is negative and one the rest: a histogram never has fewer than two."""

RUNS = 16
"""Histograms merged at once: with more of them, sorting would no longer profit from each being sorted."""

_LARGEST = 0x7FEF_FFFF_FFFF_FFFF
"""The largest finite float64 as an ordered integer."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of numbers in dyadic cells: the leading bits of their floating-point representation.

    A float64, read as an ordered integer and shifted right by `level` bits, is its cell. `level` is the smallest
    (from `FINEST` on) at which no more than `capacity` cells are occupied; it depends on the numbers alone, not
    on their order or on how they were split, so merging is exact: associative, commutative, zero is neutral.
    Memory is bounded by `capacity`; with few distinct values the histogram is lossless to 2·10⁻¹⁰.

    Attributes:
        level: bits dropped.
        cells: occupied cells, ascending, int64, shape (m,).
        counts: int64, shape (rows, m); one row per kind of number counted together (e.g. negatives, positives).
        capacity: bound on m, at least 2.
    """

    level: int
    cells: NDArray[np.int64]
    counts: NDArray[np.int64]
    capacity: int = 1024

    @classmethod
    def empty(cls, rows: int = 1, capacity: int = 1024) -> Histogram:
        """Nothing counted yet."""
        return cls(FINEST, np.empty(0, np.int64), np.empty((rows, 0), np.int64), capacity)

    @classmethod
    def of(cls, numbers: Sequence[ArrayLike], capacity: int = 1024) -> Histogram:
        """Count finite numbers, one array per row.

        >>> Histogram.of([[1.0, 2.0, 2.0]]).total
        3
        """
        rows = len(numbers)
        keys = [_cells(np.asarray(item, dtype=np.float64)) for item in numbers]
        tagged = np.concatenate([key * rows + row for row, key in enumerate(keys)]) if rows > 1 else keys[0]
        tagged.sort()
        begins = _begins(tagged)
        numbers_in = np.diff(begins, append=tagged.size)
        cells, row = np.divmod(tagged[begins], rows) if rows > 1 else (tagged[begins], 0)
        return _fit(FINEST, cells, np.where(row == np.arange(rows)[:, None], numbers_in, 0), capacity)

    @classmethod
    def sum(cls, histograms: Sequence[Histogram]) -> Histogram:
        """All of them together, at least one; the same as adding them one by one."""
        left = list(histograms)
        while len(left) > RUNS:
            left = [_merge(left[begin : begin + RUNS]) for begin in range(0, len(left), RUNS)]
        return _merge(left)

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram.sum((self, other))

    @property
    def total(self) -> int:
        """Numbers counted, over all rows."""
        return int(self.counts.sum())

    def middles(self) -> NDArray[np.float64]:
        """A representative number per cell, shape (m,): its middle, and 0 for the cell that begins with 0."""
        middle = (self.cells << self.level) + (((1 << self.level) - 1) >> 1)
        middle = np.clip(middle, -_LARGEST, _LARGEST)
        middle[self.cells == 0] = 0
        return value(middle)

    def quantiles(self, q: ArrayLike, row: int | None = None) -> NDArray[np.float64]:
        """Quantiles at `q` in [0, 1]: the middle of the cell that holds that rank; NaN when nothing is counted."""
        counts = self.counts.sum(axis=0) if row is None else self.counts[row]
        wanted = np.atleast_1d(np.asarray(q, dtype=np.float64))
        if not counts.sum():
            return np.full(wanted.shape, np.nan)
        cumulative = np.cumsum(counts)
        ranks = np.clip(np.ceil(wanted * cumulative[-1]), 1, cumulative[-1])
        found: NDArray[np.float64] = self.middles()[np.searchsorted(cumulative, ranks)]
        return found


def ordered(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Floats as integers in the same order (-0 counts as 0).

    >>> ordered(np.array([-1.0, -5e-324, -0.0, 5e-324, 1.0])).tolist()
    [-4607182418800017408, -1, 0, 1, 4607182418800017408]
    """
    bits = (numbers + 0.0).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def value(keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """The inverse of `ordered`."""
    bits = np.where(keys < 0, np.int64(-(2**63)) - keys, keys)
    return bits.view(np.float64)


def _merge(histograms: Sequence[Histogram]) -> Histogram:
    level = max(item.level for item in histograms)
    cells = np.concatenate([item.cells >> (level - item.level) for item in histograms])
    counts = np.concatenate([item.counts for item in histograms], axis=1)
    order = np.argsort(cells, kind="stable")  # merges runs that are sorted already
    return _fit(level, cells[order], counts[:, order], min(item.capacity for item in histograms))


def _cells(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    return ordered(numbers[np.isfinite(numbers)]) >> FINEST


def _begins(cells: NDArray[np.int64]) -> NDArray[np.intp]:
    """Where runs of equal cells begin, in sorted cells."""
    return np.flatnonzero(np.concatenate([np.ones(min(cells.size, 1), bool), cells[1:] != cells[:-1]]))


def _fit(level: int, cells: NDArray[np.int64], counts: NDArray[np.int64], capacity: int) -> Histogram:
    """Join equal cells, of sorted ones, after dropping as few bits as leave no more than `capacity` of them."""
    if capacity < 2:
        raise ValueError(f"a histogram needs a capacity of 2 or more; {capacity} was given")
    drop = _surplus(cells, capacity)
    begins = _begins(cells >> drop)
    if begins.size == cells.size:
        return Histogram(level + drop, cells >> drop, counts, capacity)
    return Histogram(level + drop, cells[begins] >> drop, np.add.reduceat(counts, begins, axis=1), capacity)


def _surplus(cells: NDArray[np.int64], capacity: int) -> int:
    """Bits to drop so that at most `capacity` of these sorted cells stay apart.

    Neighbours stay apart while fewer bits are dropped than their exclusive or is long; so the answer is the
    `capacity`-th largest of those lengths.
    """
    if cells.size <= capacity:
        return 0
    differing = cells[1:] ^ cells[:-1]
    length = np.frexp(differing.astype(np.float64))[1]
    length[differing < 0] = COARSEST + 1  # a negative and a positive number never share a cell
    place = length.size - capacity
    return int(np.partition(length, place)[place])
