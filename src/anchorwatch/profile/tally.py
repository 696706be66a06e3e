"""Numeric columns counted into bins and summed, by group."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from anchorwatch.profile.locate import BLOCK
from anchorwatch.profile.parts import Numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.locate import Locator
    from anchorwatch.profile.rows import Rows

T = TypeVar("T")
R = TypeVar("R")

FARTHEST = 1e100
"""Standardised values are held to plus or minus this, so that their squares never overflow."""

LARGEST = 1e290
"""Whatever else is summed is held to plus or minus this, so that no sum over rows or windows overflows."""

THREADED = 250_000
"""From so many numbers on, columns are shared out among threads; NumPy lets them run side by side."""


@dataclass(frozen=True, slots=True, eq=False)
class Slab:
    """Some numeric columns with the bin of each of their values.

    Attributes:
        columns: places in `grid.numbers`, shape (k,).
        values: shape (k, rows).
        codes: bin; `missing_code` for NaN and one more for infinities; shape (k, rows).
    """

    columns: NDArray[np.intp]
    values: NDArray[np.float64]
    codes: NDArray[np.unsignedinteger]


def missing_code(grid: Grid) -> int:
    """The code after the last bin of the widest column."""
    return max((edges.size for edges in grid.edges), default=0) + 1


def code_type(grid: Grid) -> np.dtype[np.unsignedinteger]:
    """The smallest type that holds every code of a grid."""
    return np.dtype(np.min_scalar_type(missing_code(grid) + 1))


def locate(
    columns: NDArray[np.intp], values: NDArray[np.float64], locators: Sequence[Locator], missing: int
) -> Slab:
    """Find the bin of each of `values`, shape (k, rows)."""
    codes = np.empty(values.shape, locators[0].table.dtype if locators else np.uint8)
    for lane, column in enumerate(columns.tolist()):
        locators[column](values[lane], codes[lane])
    step = max(BLOCK // max(len(columns), 1), 1)
    for begin in range(0, values.shape[1], step):
        some = values[:, begin : begin + step]
        if not np.isfinite(some).all():
            part = codes[:, begin : begin + step]
            part[np.isnan(some)] = missing
            part[np.isinf(some)] = missing + 1
    return Slab(columns, values, codes)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """`Numbers` of many groups at once: the same arrays with the group as first axis."""

    counts: NDArray[np.int64]
    odd: NDArray[np.int64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    @classmethod
    def zero(cls, grid: Grid, count: int) -> Sums:
        """Nothing counted yet, for `count` groups."""
        shape = (count, len(grid.numbers))
        return cls(
            np.zeros((*shape, missing_code(grid)), np.int64),
            np.zeros((2, *shape), np.int64),
            np.zeros(shape),
            np.zeros(shape),
            np.full(shape, np.inf),
            np.full(shape, -np.inf),
        )

    def add(self, slab: Slab, blocks: Sequence[Rows], grid: Grid) -> None:
        """Add the rows of a slab, a block after the other."""
        columns, missing = slab.columns, missing_code(grid)
        centre, scale = grid.centre[columns, None], grid.scale[columns, None]
        for rows in blocks:
            codes, values = rows.pick(slab.codes), rows.pick(slab.values)
            tally = rows.tally(codes, missing + 2).swapaxes(0, 1)
            self.counts[:, columns] += tally[..., :missing]
            self.odd[:, :, columns] += np.moveaxis(tally[..., missing:], -1, 0)
            low = high = values
            if codes.max(initial=0) >= missing:
                low, high = (np.where(codes < missing, values, far) for far in (np.inf, -np.inf))
                values = np.where(codes < missing, values, centre)
            self.low[:, columns] = np.minimum(self.low[:, columns], rows.least(low).T)
            self.high[:, columns] = np.maximum(self.high[:, columns], rows.most(high).T)
            standard = standardised(values, centre, scale)
            self.total[:, columns] += rows.sum(standard).T
            np.multiply(standard, standard, out=standard)
            self.square[:, columns] += rows.sum(standard).T

    def numbers(self, group: int) -> Numbers:
        """Those of one group."""
        return Numbers(
            self.counts[group],
            self.odd[0, group],
            self.odd[1, group],
            self.total[group],
            self.square[group],
            self.low[group],
            self.high[group],
        )


def standardised(
    values: NDArray[np.float64],
    centre: NDArray[np.float64] | np.float64,
    scale: NDArray[np.float64] | np.float64,
) -> NDArray[np.float64]:
    """Finite values less the centre, over the scale, held to `FARTHEST`."""
    with np.errstate(over="ignore"):
        standard = values - centre
        standard /= scale
    return np.clip(standard, -FARTHEST, FARTHEST, out=standard)


def each(work: Callable[[T], R], items: Sequence[T], size: int) -> list[R]:
    """`[work(item) for item in items]`, in threads when `size` (numbers in all) makes it worth their start."""
    if size < THREADED or len(items) < 2:
        return [work(item) for item in items]
    with ThreadPoolExecutor(min(len(items), os.cpu_count() or 1)) as pool:
        return list(pool.map(work, items))
