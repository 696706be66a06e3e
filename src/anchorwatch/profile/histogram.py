"""A histogram of any numbers whose resolution follows the data, exactly mergeable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

FINEST = 20
"""Bits dropped of a float64's 52-bit mantissa at the finest level: cells 4·10⁻¹⁰ wide relative to the value."""


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Counts of numbers in dyadic cells: the leading bits of their floating-point representation.

    A float64, read as an ordered integer and shifted right by `level` bits, is its cell. `level` is the smallest
    (from `FINEST` on) at which no more than `capacity` cells are occupied; it depends on the numbers alone, not
    on their order or on how they were split, so merging is exact: associative, commutative, zero is neutral.
    Memory is bounded by `capacity`; with few distinct values the histogram is lossless to 4·10⁻¹⁰.

    Attributes:
        level: bits dropped.
        cells: occupied cells, ascending, int64, shape (m,).
        counts: int64, shape (rows, m); one row per kind of number counted together (e.g. negatives, positives).
        capacity: bound on m.
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
        arrays = [np.asarray(item, dtype=np.float64) for item in numbers]
        keys = [ordered(item[np.isfinite(item)]) >> FINEST for item in arrays]
        cells, inverse = np.unique(np.concatenate(keys), return_inverse=True)
        counts = np.zeros((len(keys), cells.size), np.int64)
        begin = 0
        for row, key in enumerate(keys):
            counts[row] = np.bincount(inverse[begin : begin + key.size], minlength=cells.size)
            begin += key.size
        return _fit(FINEST, cells, counts, capacity)

    def __add__(self, other: Histogram) -> Histogram:
        level = max(self.level, other.level)
        mine = self.cells >> (level - self.level)
        theirs = other.cells >> (level - other.level)
        cells, counts = _collapse(
            np.concatenate([mine, theirs]), np.concatenate([self.counts, other.counts], axis=1)
        )
        return _fit(level, cells, counts, self.capacity)

    @property
    def total(self) -> int:
        """Numbers counted, over all rows."""
        return int(self.counts.sum())

    def middles(self) -> NDArray[np.float64]:
        """A representative number per cell: its middle, shape (m,)."""
        low = self.cells << self.level
        return value((low + (low + ((1 << self.level) - 1))) // 2 if self.level < 52 else low)

    def quantiles(self, q: ArrayLike, row: int | None = None) -> NDArray[np.float64]:
        """Quantiles at `q` in [0, 1]: the middle of the cell that holds that rank; NaN when nothing is counted."""
        counts = self.counts.sum(axis=0) if row is None else self.counts[row]
        wanted = np.atleast_1d(np.asarray(q, dtype=np.float64))
        if not counts.sum():
            return np.full(wanted.shape, np.nan)
        cumulative = np.cumsum(counts)
        ranks = np.clip(np.ceil(wanted * cumulative[-1]), 1, cumulative[-1])
        return self.middles()[np.searchsorted(cumulative, ranks)]


def ordered(numbers: NDArray[np.float64]) -> NDArray[np.int64]:
    """Floats as integers in the same order (-0 counts as 0)."""
    bits = (numbers + 0.0).view(np.int64)
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def value(keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """The inverse of `ordered`."""
    bits = np.where(keys < 0, np.int64(-(2**63)) - keys, keys)
    return bits.view(np.float64)


def _collapse(cells: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.argsort(cells, kind="stable")
    cells = cells[order]
    begins = np.flatnonzero(np.diff(cells, prepend=cells[:1] - 1)) if cells.size else np.empty(0, np.int64)
    if not begins.size:
        return cells, counts[:, order]
    return cells[begins], np.add.reduceat(counts[:, order], begins, axis=1)


def _fit(level: int, cells: NDArray[np.int64], counts: NDArray[np.int64], capacity: int) -> Histogram:
    """Drop bits until no more than `capacity` cells are occupied."""
    while cells.size > capacity:
        level += 1
        cells, counts = _collapse(cells >> 1, counts)
    return Histogram(level, cells, counts, capacity)
