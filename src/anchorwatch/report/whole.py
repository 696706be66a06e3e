"""A table as one profile: columns are sorted and cut at the edges, which is quicker than to locate each value.

Groups (windows, versions, segments) need to know where each value lies; a whole table does not. A sorted column is
cut at its edges by a few hundred searches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from anchorwatch.flow.reference import joined_rows
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.digest import Calls
from anchorwatch.profile.fold import fold_outcomes, prepare
from anchorwatch.profile.grid import OUTCOME
from anchorwatch.profile.levels import Levels
from anchorwatch.profile.parts import Categories, Numbers
from anchorwatch.profile.profile import Profile
from anchorwatch.profile.rows import Rows
from anchorwatch.profile.sample import WINDOW_ROWS, Sample, row_keys, smallest
from anchorwatch.profile.tally import each, missing_code, standardised
from anchorwatch.profile.unseen import LONGEST, merge_names
from anchorwatch.profile.vectors import Matrix
from anchorwatch.report.fit import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.profile.grid import Grid
    from anchorwatch.report.source import Source

NAMES = 4096
"""Names of a category that are looked for in the whole of a large table."""

REFERENCE = 2048
"""Rows sampled of the reference; of the current table as many as of a window."""

TRAINED = 1_000_000
"""Rows on which the bins of a table are fixed that is too large to be held."""

CELLS = 2**26
"""Cells of those rows at most."""


def whole(spec: ModelSpec, frame: pl.DataFrame, grid: Grid, sample: int = 0) -> Profile:
    """The profile of all rows of a canonical frame; what `fold_inputs` and `fold_outcomes` say of one group.

    A `sample` of so many rows is drawn by the rows' numbers, not by their ids, which takes no hashing of texts.
    """
    groups = np.zeros(frame.height, np.int64)
    rows = Rows.of(groups, 1)
    inputs = Profile(
        grid,
        numbers=numbers(frame, grid) if grid.numbers else None,
        categories=categories(frame, grid) if grid.categories else None,
        service=Calls.of(frame).fold(rows)[0],
        sample=_drawn(frame, grid, rows, sample) if sample else None,
        vectors=Matrix.of(frame, grid).fold(rows, grid)[0] if grid.vectors else None,
    )
    if "_outcome" not in frame.columns:
        return inputs
    known = frame["_outcome"].is_not_null().to_numpy()
    joined = joined_rows(spec, frame if known.all() else frame.filter(known))
    return inputs + fold_outcomes(joined, groups[known], 1, grid)[0]


def _drawn(frame: pl.DataFrame, grid: Grid, rows: Rows, capacity: int) -> Sample | None:
    keys = row_keys(None, frame.height)
    places, _ = smallest(keys, rows, capacity)
    some = frame[places]
    return prepare(some, grid, keys[places]).fold(np.zeros(places.size, np.int64), 1, capacity)[0].sample


def profiles(
    spec: ModelSpec, before: Source, after: Source, *, sampled: bool = False
) -> tuple[Profile, Profile]:
    """Both sides on the reference's grid, whether they fit in memory or not."""
    base, sample = (REFERENCE, WINDOW_ROWS) if sampled else (0, 0)
    if before.table is not None:
        frame = canonical(spec, before.table)
        grid = build_grid(spec, frame)
        reference = whole(spec, frame, grid, base)
        del frame
    else:
        grid = build_grid(spec, _trained(spec, before))
        reference = _summed(spec, before, grid, base)
    return reference, _summed(spec, after, grid, sample)


def _summed(spec: ModelSpec, source: Source, grid: Grid, sample: int) -> Profile:
    """Piece by piece, so that no more than one is held."""
    total = Profile(grid)
    for piece in source.pieces():
        total += whole(spec, canonical(spec, piece), grid, sample)
    return total


# numbers ---------------------------------------------------------------------------------------------------


def numbers(frame: pl.DataFrame, grid: Grid) -> Numbers:
    """Numeric columns of a canonical frame; an input that it lacks counts as missing."""
    width, rows = len(grid.numbers), frame.height
    zero = np.zeros(width, np.int64)
    found = Numbers(
        counts=np.zeros((width, missing_code(grid)), np.int64),
        missing=np.array(
            [0 if name.startswith("_") or name in frame.columns else rows for name in grid.numbers], np.int64
        ),
        infinite=zero.copy(),
        total=np.zeros(width),
        square=np.zeros(width),
        low=np.full(width, np.inf),
        high=np.full(width, -np.inf),
    )
    present = [place for place, name in enumerate(grid.numbers) if name != OUTCOME and name in frame.columns]
    each(
        lambda place: _cut(found, place, frame[grid.numbers[place]].to_numpy(), grid),
        present,
        rows * len(present),
    )
    return found


def _cut(found: Numbers, place: int, values: NDArray[np.float64], grid: Grid) -> None:
    """Sort a column and cut it at its edges; NaN sorts last."""
    ascending = np.sort(values)
    begin = int(np.searchsorted(ascending, -np.inf, side="right"))
    end, known = (int(np.searchsorted(ascending, np.inf, side=side)) for side in ("left", "right"))
    finite = ascending[begin:end]
    found.missing[place] = values.size - known
    found.infinite[place] = begin + known - end
    if not finite.size:
        return
    edges = grid.edges[place]
    cuts = np.searchsorted(finite, edges, side="right")
    found.counts[place, : edges.size + 1] = np.diff(cuts, prepend=0, append=finite.size)
    found.low[place], found.high[place] = finite[0], finite[-1]
    standard = standardised(finite, grid.centre[place], grid.scale[place])
    found.total[place] = standard.sum()
    found.square[place] = np.square(standard, out=standard).sum()


# categories ------------------------------------------------------------------------------------------------


def categories(frame: pl.DataFrame, grid: Grid) -> Categories:
    """Categorical columns of a canonical frame; an input that it lacks counts as missing."""
    width = len(grid.categories)
    counts = [np.zeros(len(levels), np.int64) for levels in grid.levels]
    missing, unseen = np.zeros(width, np.int64), np.zeros(width, np.int64)
    names: list[dict[str, int]] = [{} for _ in range(width)]
    for place, name in enumerate(grid.categories):
        if name in frame.columns and name != OUTCOME:
            counts[place], missing[place], unseen[place], names[place] = _counted(
                frame[name], Levels(grid.levels[place])
            )
        elif not name.startswith("_"):
            missing[place] = frame.height
    return Categories(tuple(counts), missing, unseen, tuple(names))


def _counted(series: pl.Series, levels: Levels) -> tuple[NDArray[np.int64], int, int, dict[str, int]]:
    """Count each text once (Polars does so in threads of its own), then look up the few different ones."""
    counted = series.rename("name").value_counts(name="rows")
    codes = levels.codes(counted["name"])
    tally = np.zeros(levels.unseen + 2, np.int64)
    np.add.at(tally, codes, counted["rows"].to_numpy())
    if not tally[-2]:
        return tally[: levels.unseen], int(tally[-1]), 0, {}
    strange = counted.filter(pl.Series(codes == levels.unseen))
    shortened = (
        strange.with_columns(pl.col("name").str.slice(0, LONGEST)).group_by("name").agg(pl.sum("rows"))
    )
    return tally[: levels.unseen], int(tally[-1]), int(tally[-2]), merge_names([dict(shortened.rows())])


# tables too large to be held -------------------------------------------------------------------------------


def _trained(spec: ModelSpec, source: Source) -> pl.DataFrame:
    """About a million rows by chance (always the same ones), with every column's extremes and levels among them.

    Rows are kept with a probability that is halved whenever they become too many, so that no pass is needed to
    count them; the row's place decides, and a row stays as likely as any other.
    """
    most = max(min(2 * TRAINED, CELLS // max(len(source.schema), 1)), 1024)
    chance = np.random.default_rng(20_130_701)
    kept: list[pl.DataFrame] = []
    drawn: list[NDArray[np.float64]] = []
    rate, height = 1.0, 0
    edges = _Edges(spec)
    for piece in source.pieces():
        frame = canonical(spec, piece)
        edges.see(frame)
        draw = chance.random(frame.height)
        kept.append(frame.filter(pl.Series(draw < rate)))
        drawn.append(draw[draw < rate])
        height += kept[-1].height
        while height > most:
            rate /= 2
            kept = [one.filter(pl.Series(draw < rate)) for one, draw in zip(kept, drawn, strict=True)]
            drawn = [draw[draw < rate] for draw in drawn]
            height = sum(one.height for one in kept)
    sample = pl.concat(kept)
    return pl.concat([sample, edges.rows(sample)], how="diagonal")


class _Edges:
    """What a sample may lack of its table: extremes of numbers, and rare names."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._ends: dict[str, tuple[float, float]] = {}
        self._names: dict[str, set[str]] = {}

    def see(self, frame: pl.DataFrame) -> None:
        """Take note of a piece."""
        for name in self._spec.numbers:
            finite = frame[name].filter(frame[name].is_finite().fill_null(value=False))
            if finite.len():
                low, high = self._ends.get(name, (np.inf, -np.inf))
                self._ends[name] = (min(low, float(finite.min())), max(high, float(finite.max())))  # type: ignore[arg-type]
        for name in self._spec.categories:
            known = self._names.setdefault(name, set())
            if len(known) < NAMES:
                known.update(frame[name].drop_nulls().unique().to_list())

    def rows(self, sample: pl.DataFrame) -> pl.DataFrame:
        """Rows that hold what the sample lacks, each in its own column."""
        lacking: Mapping[str, list[float] | list[str]] = {
            **{name: list(ends) for name, ends in self._ends.items()},
            **{name: sorted(names - set(sample[name].unique())) for name, names in self._names.items()},
        }
        most = max(map(len, lacking.values()), default=0)
        columns = [
            pl.Series(name, values, dtype=sample.schema[name]).extend_constant(None, most - len(values))
            for name, values in lacking.items()
        ]
        return pl.DataFrame(columns)
