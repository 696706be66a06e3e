"""A frame of predictions in codes, so that it can be folded into several groupings at the cost of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.profile.contents import Inputs, has_inputs
from anchorwatch.profile.forest import Isolated, standard_inputs
from anchorwatch.profile.grid import OUTCOME, PREDICTION, SCORE, Grid
from anchorwatch.profile.histogram import Histogram
from anchorwatch.profile.levels import Levels, Texts, count_texts
from anchorwatch.profile.locate import BLOCK, Locator
from anchorwatch.profile.parts import Service
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.rows import Rows
from anchorwatch.profile.sample import Sample, nothing, row_keys, sampled, smallest
from anchorwatch.profile.tally import LARGEST, Slab, Sums, code_type, each, locate, missing_code
from anchorwatch.profile.vectors import Matrix

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LATENCY_CELLS = 512
"""Cells of a latency histogram: 64 to a doubling over eight doublings, 1.6 % wide."""

NARROW = 65_536
"""Up to so many numbers the columns of a frame are handled as one matrix, beyond it one by one."""

_TIME = pl.Datetime("us", "UTC")

LAST, FIRST = -(2**63), 2**63 - 1
"""Event times of a profile without events: the neutral elements of max and min."""


@dataclass(frozen=True, slots=True, eq=False)
class Finders:
    """What finds bins and levels on a grid; made once for each grid."""

    locators: tuple[Locator, ...]
    levels: tuple[Levels, ...]
    labels: Levels


@lru_cache(maxsize=128)
def finders(grid: Grid) -> Finders:
    """The finders of a grid, remembered for the grids in use."""
    dtype = code_type(grid)
    return Finders(
        tuple(Locator.of(edges, dtype) for edges in grid.edges),
        tuple(Levels(names) for names in grid.levels),
        Levels(grid.labels),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Calls:
    """How the model served, row by row.

    Attributes:
        at: event time in microseconds since 1970, `LAST` where it is not known, shape (rows,).
        error: whether the call failed.
        latency: seconds; NaN where it is not known.
    """

    at: NDArray[np.int64]
    error: NDArray[np.bool_]
    latency: NDArray[np.float64]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Calls:
        """Read the service columns of a canonical frame; each may be absent."""
        error = _column(frame, "_error", pl.String)
        latency = _column(frame, "_latency", pl.Float64).to_numpy()
        return cls(
            _column(frame, "_at", _TIME).to_numpy().view(np.int64),
            np.zeros(frame.height, bool)
            if error.null_count() == frame.height
            else error.is_not_null().to_numpy(),
            np.where(np.isfinite(latency) & (latency >= 0), np.minimum(latency, LARGEST), np.nan),
        )

    def fold(self, rows: Rows) -> list[Service]:
        """Sum by group."""
        events = np.bincount(rows.group, minlength=rows.count).tolist()
        errors = np.bincount(rows.group[rows.pick(self.error)], minlength=rows.count).tolist()
        latency = rows.pick(self.latency)
        known = ~np.isnan(latency)
        total = rows.sum(np.where(known, latency, 0.0)).tolist()
        at = rows.pick(self.at)
        histogram = Histogram.empty(capacity=LATENCY_CELLS)
        found = [Service(0, 0, histogram, 0.0, FIRST, LAST)] * rows.count
        for group, here in rows.slices():
            timed = latency[here] if known[here].any() else latency[:0]
            found[group] = Service(
                events[group],
                errors[group],
                Histogram.of([timed], LATENCY_CELLS) if timed.size else histogram,
                total[group],
                *_span(at[here]),
            )
        return found


def _span(at: NDArray[np.int64]) -> tuple[int, int]:
    known = at[at != LAST]
    return (int(known.min()), int(known.max())) if known.size else (FIRST, LAST)


@dataclass(frozen=True, slots=True, eq=False)
class Digest:
    """A frame whose values have been located on a grid."""

    grid: Grid
    height: int
    slabs: tuple[Slab, ...]
    texts: tuple[Texts, ...]
    calls: Calls
    matrix: Matrix | None
    outlying: NDArray[np.bool_] | None
    ids: pl.Series | None
    keys: NDArray[np.uint64] | None

    @classmethod
    def of(cls, frame: pl.DataFrame, grid: Grid, keys: NDArray[np.uint64] | None = None) -> Digest:
        """Locate every value of a canonical frame of predictions; `keys` as in `fold.prepare`."""
        known, missing = finders(grid), missing_code(grid)
        numeric = _matrices(frame, grid)
        textual = [
            (column, _column(frame, name, pl.String)) for column, name in _present(frame, grid.categories)
        ]
        jobs: list[Callable[[], Slab | Texts]] = [
            *(partial(Texts.of, column, texts, known.levels[column]) for column, texts in textual),
            *(partial(locate, columns, values, known.locators, missing) for columns, values in numeric),
        ]
        done = each(lambda job: job(), jobs, frame.height * len(jobs))
        slabs = tuple(item for item in done if isinstance(item, Slab))
        texts = tuple(item for item in done if isinstance(item, Texts))
        matrix = Matrix.of(frame, grid) if grid.vectors else None
        ids = frame.get_column("_id", default=None)
        outlying = grid.forest.outlying(standard_inputs(frame, grid)) if grid.forest else None
        return cls(grid, frame.height, slabs, texts, Calls.of(frame), matrix, outlying, ids, keys)

    def fold(self, groups: NDArray[np.int64], count: int, sample: int = 0) -> list[Profile]:
        """One profile per group; row `i` belongs to group `groups[i]` of `count`, and to none where that is -1.

        Each holds a sample of so many rows as `sample` says, and of their contents; by default none.

        Profiles hold views of arrays shared by all of them: some 40 kB per group and 20 numeric columns.

        Raises:
            InputError: `groups` is not as long as the frame, or holds a group that is not.
        """
        if len(groups) != self.height:
            raise InputError(f"{self.height} rows need a group each; {len(groups)} were given")
        rows = Rows.of(groups, count)
        sums = Sums.zero(self.grid, count)
        blocks = list(rows.blocks(BLOCK))
        each(lambda slab: sums.add(slab, blocks, self.grid), self.slabs, rows.size * len(self.slabs))
        categories = count_texts(self.texts, rows, self.grid) if self.grid.categories else None
        services = self.calls.fold(rows)
        vectors = self.matrix.fold(rows, self.grid) if self.matrix else None
        isolated = self._isolated(rows) if self.outlying is not None else None
        samples = self._samples(rows, sample) if sample else None
        contents = self._inputs().fold(rows) if sample and has_inputs(self.grid) else None
        return [
            Profile(
                self.grid,
                numbers=sums.numbers(group) if self.grid.numbers else None,
                categories=categories[group] if categories else None,
                service=services[group],
                sample=samples[group] if samples else None,
                vectors=vectors[group] if vectors else None,
                contents=contents[group] if contents else None,
                isolated=isolated[group] if isolated else None,
            )
            for group in range(count)
        ]

    def _isolated(self, rows: Rows) -> list[Isolated]:
        tally = rows.tally(rows.pick(np.asarray(self.outlying)).astype(np.int64), 2)
        return [Isolated(few + rest, few) for rest, few in tally.tolist()]

    def _inputs(self) -> Inputs:
        return Inputs(self.grid, self.slabs, self.texts, self.matrix, self.height)

    def _samples(self, rows: Rows, capacity: int) -> list[Sample]:
        keys = rows.pick(row_keys(self.ids, self.height) if self.keys is None else self.keys)
        places, ends = smallest(keys, rows, capacity)
        at = places if isinstance(rows.order, slice) else rows.order[places]
        vectors = self.matrix.values[at] if self.matrix else np.empty((at.size, 0), np.float32)
        drawn = sampled(Sample(keys[places], self._codes(at), self._levels(at), vectors, capacity), ends)
        found = [nothing(self.grid, capacity)] * rows.count
        for group, one in zip(rows.present.tolist(), drawn, strict=True):
            found[group] = one
        return found

    def _codes(self, at: NDArray[np.intp]) -> NDArray[np.uint16]:
        """The codes of some rows as samples have them, shape (rows, numbers); absent columns are missing."""
        none = np.array([edges.size + 1 for edges in self.grid.edges], np.uint16)
        codes = np.empty((len(none), at.size), np.uint16)
        codes[:] = none[:, None]
        for slab in self.slabs:
            codes[slab.columns] = np.minimum(slab.codes[:, at], none[slab.columns, None])
        return codes.T

    def _levels(self, at: NDArray[np.intp]) -> NDArray[np.uint16]:
        """The level codes of some rows, shape (rows, categories)."""
        levels = np.empty((len(self.grid.categories), at.size), np.uint16)
        levels[:] = np.array([len(names) + 1 for names in self.grid.levels], np.uint16)[:, None]
        for texts in self.texts:
            levels[texts.column] = texts.codes[at]
        return levels.T


def _present(frame: pl.DataFrame, names: tuple[str, ...]) -> list[tuple[int, str]]:
    """The columns that a fold of predictions counts: all inputs (absent ones as missing), and what was predicted."""
    optional = {PREDICTION, SCORE}
    return [
        (place, name)
        for place, name in enumerate(names)
        if name != OUTCOME and (name not in optional or name in frame.columns)
    ]


def _column(frame: pl.DataFrame, name: str, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    series: pl.Series | None = frame.get_column(name, default=None)
    if series is None:
        nothing: pl.Series = pl.Series(name, [None], dtype).new_from_index(0, frame.height)
        return nothing
    return series if series.dtype == dtype else series.cast(dtype, strict=False)


def _matrices(frame: pl.DataFrame, grid: Grid) -> list[tuple[NDArray[np.intp], NDArray[np.float64]]]:
    """Numeric columns as matrices (columns, rows): one when they are small, else one for each, uncopied."""
    present = _present(frame, grid.numbers)
    series = [_column(frame, name, pl.Float64) for _, name in present]
    columns = np.array([place for place, _ in present], np.intp)
    if not present:
        return []
    if frame.height * len(present) <= NARROW:
        return [(columns, np.stack([one.to_numpy() for one in series]))]
    return [(columns[lane : lane + 1], one.to_numpy()[None, :]) for lane, one in enumerate(series)]
