"""Some rows of a window, whole: those whose event id has the smallest hash, whatever the order or the split."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from xxhash import xxh3_64_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.rows import Rows

WINDOW_ROWS = 512
"""Rows sampled of a window."""

REFERENCE_ROWS = 4096
"""Rows sampled of a reference."""

_MOST = 2**64 - 1
_BLOCK = 16_384


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The `capacity` rows with the smallest keys, which keep the joint distribution that histograms lose.

    Keys are hashes of event ids, so the choice has nothing to do with what the rows hold; and as each part of a
    whole keeps its own smallest, adding parts gives exactly what sampling the whole would have given. Rows with
    one key are told apart by what they hold.

    Attributes:
        keys: ascending uint64 hashes, shape (k,).
        codes: bin of each numeric column of the grid, uint16, shape (k, numbers); `len(edges) + 1` stands for what
            is missing or not finite.
        levels: level of each categorical column, uint16, shape (k, categories); `len(levels)` stands for an unseen
            one and one more for missing.
        vectors: the vector columns side by side, float32, shape (k, sum of widths); NaN where missing.
        capacity: bound on k.
    """

    keys: NDArray[np.uint64]
    codes: NDArray[np.uint16]
    levels: NDArray[np.uint16]
    vectors: NDArray[np.float32]
    capacity: int

    @classmethod
    def sum(cls, parts: Sequence[Sample]) -> Sample:
        """The smallest keys of all of them, at least one; the smallest capacity counts."""
        capacity = min(part.capacity for part in parts)
        keys = np.concatenate([part.keys for part in parts])
        if keys.size > capacity:
            bound = np.partition(keys, capacity - 1)[capacity - 1]
            sizes = [int(np.searchsorted(part.keys, bound, side="right")) for part in parts]
        else:
            sizes = [part.keys.size for part in parts]
        some = [(part, size) for part, size in zip(parts, sizes, strict=True) if size]
        if not some:
            return parts[0]
        return _smallest(
            np.concatenate([part.keys[:size] for part, size in some]),
            np.concatenate([part.codes[:size] for part, size in some]),
            np.concatenate([part.levels[:size] for part, size in some]),
            np.concatenate([part.vectors[:size] for part, size in some]),
            capacity,
        )

    def __add__(self, other: Sample) -> Sample:
        return Sample.sum((self, other))

    @property
    def size(self) -> int:
        """Rows there are."""
        return self.keys.size

    def values(self, grid: Grid) -> NDArray[np.float64]:
        """The middle of the bin of each number, an outer bin's only edge, NaN where missing: shape (k, numbers)."""
        table = _middles(grid)
        found: NDArray[np.float64] = table[
            np.arange(len(grid.numbers)), np.minimum(self.codes, table.shape[1] - 1)
        ]
        return found

    def vector(self, grid: Grid, name: str) -> NDArray[np.float32]:
        """One vector column, shape (k, its width)."""
        place = grid.vectors.index(name)
        begin = sum(grid.widths[:place])
        return self.vectors[:, begin : begin + grid.widths[place]]


def row_keys(ids: pl.Series | None, rows: int) -> NDArray[np.uint64]:
    """Keys to sample by: XXH3 of each id's bytes; without ids, or where one is missing, a hash of the row's number.

    >>> row_keys(pl.Series(["a", "b"]), 2).tolist()
    [16629034431890738719, 6294355645245719615]
    """
    if ids is None or ids.null_count() == rows:
        return _numbered(rows)
    texts = ids.cast(pl.String).fill_null("").cast(pl.Binary).to_list()
    keys = np.frombuffer(b"".join([xxh3_64_digest(text) for text in texts]), ">u8").astype(np.uint64)
    return np.where(ids.is_null().to_numpy(), _numbered(rows), keys) if ids.null_count() else keys


def smallest(
    keys: NDArray[np.uint64], rows: Rows, capacity: int
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Candidates for the samples of all groups: their places among the picked rows, and where each group's end.

    Every group's `capacity` smallest keys are among them. Most other rows are left out by a bound that so many keys
    almost surely lie under; a group in which they do not is taken whole.
    """
    sizes = np.diff(np.append(rows.begins, rows.size))
    if sizes.max(initial=0) <= 2 * capacity:
        return np.arange(rows.size), rows.begins + sizes
    enough = capacity + 6 * np.sqrt(capacity) + 10
    share = enough / np.maximum(sizes, 1)
    bounds = np.where(share < 1, np.minimum(share, 0.999) * 2.0**64, _MOST - 2**11).astype(np.uint64)
    bounds[share >= 1] = _MOST
    few = keys <= (bounds[0] if bounds.size == 1 else np.repeat(bounds, sizes))
    found = np.add.reduceat(few, rows.begins, dtype=np.int64)
    for lane in np.flatnonzero(found < np.minimum(sizes, capacity)).tolist():
        few[rows.begins[lane] : rows.begins[lane] + sizes[lane]] = True
        found[lane] = sizes[lane]
    return np.flatnonzero(few), np.cumsum(found)


def sampled(rows: Sample, ends: NDArray[np.intp]) -> list[Sample]:
    """The sample of each group of candidates: `rows` are those of all groups, of which a group's stand together."""
    return [
        _smallest(
            rows.keys[begin:end],
            rows.codes[begin:end],
            rows.levels[begin:end],
            rows.vectors[begin:end],
            rows.capacity,
        )
        for begin, end in pairwise([0, *ends.tolist()])
    ]


def nothing(grid: Grid, capacity: int) -> Sample:
    """A sample of no rows."""
    return Sample(
        np.empty(0, np.uint64),
        np.empty((0, len(grid.numbers)), np.uint16),
        np.empty((0, len(grid.categories)), np.uint16),
        np.empty((0, sum(grid.widths)), np.float32),
        capacity,
    )


def _smallest(
    keys: NDArray[np.uint64],
    codes: NDArray[np.uint16],
    levels: NDArray[np.uint16],
    vectors: NDArray[np.float32],
    capacity: int,
) -> Sample:
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]
    if (ascending[1:] == ascending[:-1]).any():
        bits = np.ascontiguousarray(vectors).view(np.uint32)
        order = np.lexsort((*bits.T[::-1], *levels.T[::-1], *codes.T[::-1], keys))
    order = order[:capacity]
    return Sample(keys[order], codes[order], levels[order], vectors[order], capacity)


def _numbered(rows: int) -> NDArray[np.uint64]:
    """Row numbers scattered over all integers of 64 bits (SplitMix64: Steele, Lea & Flood 2014)."""
    keys = np.empty(rows, np.uint64)
    for begin in range(0, rows, _BLOCK):
        part = keys[begin : begin + _BLOCK]
        part[:] = np.arange(begin + 1, begin + 1 + part.size, dtype=np.uint64)
        part *= np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            part ^= part >> np.uint64(shift)
            part *= np.uint64(factor)
        part ^= part >> np.uint64(31)
    return keys


@lru_cache(maxsize=64)
def _middles(grid: Grid) -> NDArray[np.float64]:
    """What each code stands for, shape (numbers, codes of the widest column)."""
    widest = max((edges.size for edges in grid.edges), default=0)
    table = np.full((len(grid.numbers), widest + 2), np.nan)
    for lane, edges in enumerate(grid.edges):
        low, high = edges[:-1], edges[1:]
        atom = np.nextafter(low, np.inf) == high
        table[lane, 0], table[lane, edges.size] = edges[0], edges[-1]
        table[lane, 1 : edges.size] = np.where(atom, high, low / 2 + high / 2)
    return table
