"""Vector columns: embeddings, or images as rows of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.rows import Rows

_BLOCK = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Vector columns of a grid: sums per dimension, the columns' dimensions side by side.

    Attributes:
        count: vectors, int64, shape (columns,).
        missing: rows without one, or with one of another width, shape (columns,).
        total: sum in each dimension, float64, shape (sum of widths,).
        square: sum of squares in each dimension.
    """

    count: NDArray[np.int64]
    missing: NDArray[np.int64]
    total: NDArray[np.float64]
    square: NDArray[np.float64]

    @classmethod
    def sum(cls, parts: Sequence[Vectors]) -> Vectors:
        """All of them together, at least one."""
        return Vectors(
            np.sum([part.count for part in parts], axis=0),
            np.sum([part.missing for part in parts], axis=0),
            np.sum([part.total for part in parts], axis=0),
            np.sum([part.square for part in parts], axis=0),
        )

    def __add__(self, other: Vectors) -> Vectors:
        return Vectors.sum((self, other))


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """The vectors of all columns of a frame, side by side: float32, shape (rows, sum of widths), NaN where missing.

    `known` says where a column has a vector, shape (columns, rows).
    """

    values: NDArray[np.float32]
    known: NDArray[np.bool_]

    @classmethod
    def of(cls, frame: pl.DataFrame, grid: Grid) -> Matrix:
        """Read the vector columns; one that is absent is missing."""
        values = np.full((frame.height, sum(grid.widths)), np.nan, np.float32)
        known = np.zeros((len(grid.vectors), frame.height), np.bool_)
        begin = 0
        for lane, (name, width) in enumerate(zip(grid.vectors, grid.widths, strict=True)):
            if width and name in frame.columns:
                known[lane] = _read(frame.get_column(name), values[:, begin : begin + width])
            begin += width
        return cls(values, known)

    def fold(self, rows: Rows, grid: Grid) -> list[Vectors]:
        """Sum by group."""
        shape = (rows.count, len(grid.vectors))
        count, missing = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        sums = np.zeros((2, rows.count, self.values.shape[1]))
        known = rows.pick(self.known)
        places = np.arange(len(self.values))[rows.order]
        for group, here in rows.slices():
            count[group] = known[:, here].sum(axis=1)
            missing[group] = (here.stop - here.start) - count[group]
            for begin in range(here.start, here.stop, _BLOCK):
                some = self.values[places[begin : min(begin + _BLOCK, here.stop)]].astype(np.float64)
                np.nan_to_num(some, copy=False)
                sums[0, group] += some.sum(axis=0)
                sums[1, group] += np.einsum("ij,ij->j", some, some)
        return [Vectors(count[group], missing[group], *sums[:, group]) for group in range(rows.count)]


def _read(series: pl.Series, out: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Write vectors of the width of `out` to it; whether each row has one, of finite numbers only."""
    lists = series.cast(pl.List(pl.Float32), strict=False)
    fits = (lists.list.len() == out.shape[1]).fill_null(value=False).to_numpy()
    whole = lists if fits.all() else lists.filter(pl.Series(fits))
    numbers = whole.explode(empty_as_null=False).to_numpy().reshape(-1, out.shape[1])
    finite = np.isfinite(numbers).all(axis=1)
    fits = fits.copy()
    fits[fits] = finite
    out[fits] = numbers[finite]
    return np.asarray(fits)
