"""Which rows say the same: a sample of what inputs hold, with how often each content came."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from xxhash import xxh3_64_digest

from anchorwatch.profile.grid import OUTCOME, PREDICTION, SCORE
from anchorwatch.profile.tally import Slab, each, missing_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.levels import Texts
    from anchorwatch.profile.rows import Rows
    from anchorwatch.profile.vectors import Matrix

CONTENTS = 256
"""Contents kept of a window."""

_BLOCK = 16_384
_STEP = 16_384
_COARSE = 4
_AT_FIRST, _FURTHER = 1.3, 8


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """The `capacity` contents with the smallest hashes, and how many rows have each.

    The content of a row is all its inputs, number by number and text by text; predictions are left out. A content
    among the smallest of the whole is among the smallest of every part that has it, so counts are exact.

    Attributes:
        keys: ascending uint64 hashes, each once, shape (k,).
        counts: rows with that content, int64, shape (k,).
        rows: rows in all.
        capacity: bound on k.
    """

    keys: NDArray[np.uint64]
    counts: NDArray[np.int64]
    rows: int
    capacity: int = CONTENTS

    @classmethod
    def sum(cls, parts: Sequence[Contents]) -> Contents:
        """All of them together, at least one; the smallest capacity counts."""
        capacity = min(part.capacity for part in parts)
        keys = np.concatenate([part.keys for part in parts])
        counts = np.concatenate([part.counts for part in parts])
        rows = sum(part.rows for part in parts)
        return cls(*_distinct(keys, counts, capacity), rows, capacity)

    def __add__(self, other: Contents) -> Contents:
        return Contents.sum((self, other))

    @property
    def exact(self) -> bool:
        """Whether every content of the window is among those kept."""
        return int(self.counts.sum()) == self.rows


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The inputs of a frame, located on a grid."""

    grid: Grid
    slabs: Sequence[Slab]
    texts: Sequence[Texts]
    matrix: Matrix | None
    height: int

    def fold(self, rows: Rows) -> list[Contents]:
        """The contents of each group.

        A hash of a few columns picks rows to look at; only these are hashed in full. It is the upper half of
        a content's key, so that the choice depends on contents alone.
        """
        coarse = rows.pick(self._coarse())
        at = np.arange(self.height)[rows.order]
        sizes = np.diff(np.append(rows.begins, rows.size))
        places = np.arange(rows.size)
        if sizes.max(initial=0) > _AT_FIRST * CONTENTS:
            share = np.minimum(_AT_FIRST * CONTENTS / sizes, 1.0)
            bounds = np.repeat((share * 2.0**32).astype(np.uint64), sizes)
            places = np.flatnonzero(coarse < bounds)
        keys = self._keys(coarse[places], at[places])
        ends = np.searchsorted(places, rows.begins + sizes).tolist()
        found = [Contents(np.empty(0, np.uint64), np.empty(0, np.int64), 0)] * rows.count
        for (group, here), begin, end in zip(rows.slices(), [0, *ends], ends, strict=False):
            few = _counted(keys[begin:end], here.stop - here.start)
            lacking = few.keys.size < CONTENTS and not few.exact
            found[group] = self._smallest(coarse[here], at[here]) if lacking else few
        return found

    def _smallest(self, coarse: NDArray[np.uint32], at: NDArray[np.intp]) -> Contents:
        """Look at more and more of a group's rows, until there are enough contents among them."""
        share = _AT_FIRST * CONTENTS / at.size
        while True:
            share *= _FURTHER
            few = np.flatnonzero(coarse < share * 2.0**32) if share < 1 else np.arange(at.size)
            found = _counted(self._keys(coarse[few], at[few]), at.size)
            if found.keys.size == CONTENTS or share >= 1:
                return found

    def _keys(self, coarse: NDArray[np.uint32], at: NDArray[np.intp]) -> NDArray[np.uint64]:
        return (coarse.astype(np.uint64) << np.uint64(32)) | (self._fine(at) >> np.uint64(32))

    def _coarse(self) -> NDArray[np.uint32]:
        """A hash of four columns: of the numbers with the most bins by value, of three more by code."""
        best, numbers, categories = _telling(self.grid)
        lanes: list[NDArray[np.unsignedinteger]] = []
        values: Slab | None = None
        for slab in self.slabs:
            for lane, column in enumerate(slab.columns.tolist()):
                if column == best:
                    values = Slab(slab.columns[lane : lane + 1], slab.values[lane], slab.codes[lane])
                elif column in numbers:
                    lanes.append(slab.codes[lane])
        lanes += [texts.codes for texts in self.texts if texts.column in categories]
        found = np.empty(self.height, np.uint32)
        blocks = [slice(begin, begin + _BLOCK) for begin in range(0, self.height, _BLOCK)]

        def work(here: slice) -> None:
            part = found[here]
            part[:] = 0x9E3779B9
            if values is not None:
                part += _folded(values.values[here], values.codes[here] == missing_code(self.grid))
            for lane in lanes:
                part *= np.uint32(0x01000193)
                part += lane[here]
            for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
                part ^= part >> np.uint32(shift)
                part *= np.uint32(factor)
            part ^= part >> np.uint32(16)

        each(work, blocks, self.height * _COARSE)
        return found

    def _fine(self, at: NDArray[np.intp]) -> NDArray[np.uint64]:
        """A hash of all that the inputs of some rows hold: the sum of the hashes of their cells, stirred."""
        found = np.zeros(at.size, np.uint64)
        for begin in range(0, at.size, _STEP):
            part = found[begin : begin + _STEP]
            self._add(at[begin : begin + _STEP], part)
        if self.matrix is not None:
            found += _hashed([row.tobytes() for row in self.matrix.values[at]]) * _odd(np.array([2**31]))[0]
        found ^= found >> np.uint64(32)
        found *= np.uint64(0x94D049BB133111EB)
        return found

    def _add(self, at: NDArray[np.intp], found: NDArray[np.uint64]) -> None:
        """Add the hashes of cells, so many rows at a time that they stay in the cache."""
        here: slice | NDArray[np.intp] = at
        if at.size and int(at[-1]) - int(at[0]) == at.size - 1 and (at[1:] > at[:-1]).all():
            here = slice(int(at[0]), int(at[-1]) + 1)  # a slice is not copied
        for slab in self.slabs:
            lanes = [
                lane
                for lane, column in enumerate(slab.columns.tolist())
                if self.grid.numbers[column] not in _ANSWERS
            ]
            if lanes:
                cells = _bits(slab.values[lanes[0] : lanes[-1] + 1, here])
                if len(cells) > len(lanes):
                    cells = cells[np.array(lanes) - lanes[0]]
                cells ^= cells >> np.uint64(32)
                cells *= _odd(slab.columns[lanes])[:, None]
                found += cells.sum(axis=0, dtype=np.uint64)
        for texts in self.texts:
            if self.grid.categories[texts.column] not in _ANSWERS:
                found += _spelled(texts, here) * _odd(np.array([-1 - texts.column]))[0]


_ANSWERS = frozenset({PREDICTION, SCORE, OUTCOME})


@lru_cache(maxsize=64)
def _telling(grid: Grid) -> tuple[int, frozenset[int], frozenset[int]]:
    """The numbers with the most bins (-1: there are none), further ones, and categories that tell rows apart best."""
    numbers = [
        (-edges.size, place) for place, edges in enumerate(grid.edges) if grid.numbers[place] not in _ANSWERS
    ]
    best = min(numbers, default=(0, -1))[1]
    sized = [(size, 0, place) for size, place in numbers if place != best]
    sized += [
        (-len(names), 1, place)
        for place, names in enumerate(grid.levels)
        if grid.categories[place] not in _ANSWERS
    ]
    chosen = sorted(sized)[: _COARSE - 1]
    further, categories = (
        frozenset(place for _, kind, place in chosen if kind == wanted) for wanted in (0, 1)
    )
    return best, further, categories


def _folded(values: NDArray[np.float64], missing: NDArray[np.bool_]) -> NDArray[np.uint32]:
    """Both halves of each number's bits in one, 0 for what is missing."""
    halves = (values + 0.0).view(np.uint32)
    folded: NDArray[np.uint32] = (halves[0::2] * np.uint32(0x9E3779B1)) ^ halves[1::2]
    if missing.any():
        folded[missing] = 0
    return folded


def has_inputs(grid: Grid) -> bool:
    """Whether rows have any content at all."""
    return bool(grid.vectors or {*grid.numbers, *grid.categories} - _ANSWERS)


def _bits(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Numbers as integers: one for both zeros, one for all that is missing."""
    plain = values + 0.0
    if (missing := np.isnan(plain)).any():
        plain[missing] = np.nan
    return plain.view(np.uint64)


def _spelled(texts: Texts, here: slice | NDArray[np.intp]) -> NDArray[np.uint64]:
    """A number that tells levels apart, and what is no level by a hash of it."""
    codes = texts.codes[here].astype(np.uint64)
    unseen = codes == texts.unseen
    codes += np.uint64(1)
    if unseen.any():
        places = np.flatnonzero(unseen) + here.start if isinstance(here, slice) else here[unseen]
        names = texts.texts.gather(places).cast(pl.String).to_list()
        codes[unseen] = _hashed([(name or "").encode() for name in names])
    return codes


def _hashed(pieces: list[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join([xxh3_64_digest(piece) for piece in pieces]), ">u8").astype(np.uint64)


def _odd(columns: NDArray[np.integer]) -> NDArray[np.uint64]:
    """A factor for each column, odd and otherwise as good as drawn (SplitMix64: Steele, Lea & Flood 2014)."""
    found = columns.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        found ^= found >> np.uint64(shift)
        found *= np.uint64(factor)
    return found ^ (found >> np.uint64(31)) | np.uint64(1)


def _counted(keys: NDArray[np.uint64], rows: int) -> Contents:
    return Contents(*_distinct(keys, np.ones(keys.size, np.int64), CONTENTS), rows)


def _distinct(
    keys: NDArray[np.uint64], counts: NDArray[np.int64], capacity: int
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The smallest different keys, with what was counted for each."""
    order = np.argsort(keys, kind="stable")
    ascending = keys[order]
    begins = np.flatnonzero(
        np.concatenate([np.ones(min(keys.size, 1), bool), ascending[1:] != ascending[:-1]])
    )
    if not begins.size:
        return ascending, counts
    return ascending[begins[:capacity]], np.add.reduceat(counts[order], begins)[:capacity]
