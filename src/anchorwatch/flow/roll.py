"""Predictions from the inbox into window profiles, each event once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.times import span_micros
from anchorwatch.core.types import EventKind, Stage
from anchorwatch.flow.arrivals import by_model, stacked
from anchorwatch.flow.join import fold_joined
from anchorwatch.flow.ports import Kept, Touched, Version
from anchorwatch.flow.records import records_of
from anchorwatch.flow.refusals import count_refused
from anchorwatch.flow.slices import bounded, grid_for, slices_of
from anchorwatch.flow.times import windows
from anchorwatch.profile.extent import Extent
from anchorwatch.profile.fold import prepare
from anchorwatch.profile.refused import Refused
from anchorwatch.profile.sample import WINDOW_ROWS
from anchorwatch.stats.codes import blocks, distinct, paired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from anchorwatch.flow.books import Folding
    from anchorwatch.flow.ports import Arrived, Index, Model

ROLLER = "roller"
_DAY = 86_400_000_000
_RUN_DAYS = 8


def roll(books: Folding, index: Index, batches: Sequence[Arrived]) -> None:
    """Fold the predictions among `batches` and move the roller's offset, all in one transaction.

    Rows that were refused are counted where most rows of their batch lie.
    """
    for name, group in by_model(batches, EventKind.PREDICTIONS):
        model = books.models.get(name)
        frame, keys = _fresh(books, index, model, stacked(group))
        if frame.height:
            _fold(books, index, model, _Rows(frame, keys))
            newest = int(frame["_at"].dt.epoch("us").max())  # type: ignore[arg-type]
            books.models.seen(model.id, EventKind.PREDICTIONS, newest, group[-1].at)
    for batch in batches:
        if batch.refused is not None and batch.kind is EventKind.PREDICTIONS:
            count_refused(books, books.models.get(batch.model), batch)
    books.offsets.set(ROLLER, batches[-1].seq)


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    frame: pl.DataFrame
    keys: NDArray[np.uint64]


def _fresh(
    books: Folding, index: Index, model: Model, frame: pl.DataFrame
) -> tuple[pl.DataFrame, NDArray[np.uint64]]:
    """Rows whose id was not seen within the dedup horizon; the others are noted, so that the lake drops them too."""
    keys = index.keys(frame["_id"])
    at = frame["_at"].dt.epoch("us").to_numpy()
    horizon = span_micros(model.spec.dedup_horizon) + span_micros(model.spec.window.length)
    near = [
        run
        for run in books.runs.list(model.id, EventKind.PREDICTIONS)
        if run.newest >= at.min() - horizon and run.oldest <= at.max() + horizon
    ]
    again = index.contains(near, keys)
    again |= ~frame["_id"].is_first_distinct().to_numpy()
    if again.any():
        _note(books, frame, again)
        frame, keys = frame.filter(~again), keys[~again]
    return frame, keys


def _note(books: Folding, frame: pl.DataFrame, again: NDArray[np.bool_]) -> None:
    twice = frame.filter(again).select("_seq", "_row")
    for (seq,), rows in twice.group_by("_seq"):
        books.work.drop_rows(seq, rows["_row"].to_numpy())


def _fold(books: Folding, index: Index, model: Model, rows: _Rows) -> None:
    spec = model.spec
    frame = bounded(books, model, rows.frame)
    at = frame["_at"].dt.epoch("us").to_numpy()
    starts, ends = windows(at, spec.window.text, spec.timezone)
    records = records_of(model.spec, frame, starts, slices_of(books, model, frame))
    records["hi"], records["lo"] = rows.keys[:, 0], rows.keys[:, 1]
    every = _Part("", frame, starts, records["slices"], rows.keys[:, 0], ends)
    for version, where in _versions(frame):
        _fold_version(books, model, replace(every.some(where), version=version))
    books.work.mark(model.id, [Touched(start, end) for start, end in ends.items()])
    _write_runs(books, index, model, records, at)
    places, came = books.outcomes.claim(model.id, rows.keys)
    if places.size:
        fold_joined(books, index, model, records[places], came)


def _versions(frame: pl.DataFrame) -> Iterator[tuple[str, NDArray[np.int64]]]:
    versions = frame["_version"].unique(maintain_order=True).to_list()
    if len(versions) == 1:
        yield versions[0], np.arange(frame.height)
        return
    for version in versions:
        yield version, np.flatnonzero((frame["_version"] == version).to_numpy())


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Rows of one version."""

    version: str
    frame: pl.DataFrame
    starts: NDArray[np.int64]
    slices: NDArray[np.int32]
    keys: NDArray[np.uint64]
    ends: dict[int, int]

    def some(self, places: NDArray[np.int64]) -> _Part:
        """Those rows."""
        return _Part(
            self.version,
            self.frame[places],
            self.starts[places],
            self.slices[places],
            self.keys[places],
            self.ends,
        )


def _fold_version(books: Folding, model: Model, part: _Part) -> None:
    at = part.frame["_at"].dt.epoch("us")
    grid_id = grid_for(books, model, part.version)
    first, last = int(at.min()), int(at.max())  # type: ignore[arg-type]
    books.models.touch(model.id, Version(part.version, grid_id, first, last, part.frame.height))
    whole = int(part.slices[0, 0])
    begun = books.profiles.grids([whole], model.spec.window.text, distinct(part.starts)[0].tolist())
    starts, places = distinct(part.starts)
    on = np.array([begun.get((whole, start), grid_id) for start in starts.tolist()], dtype=np.int64)[places]
    for one in np.unique(on):
        here = np.flatnonzero(on == one)
        _fold_grid(books, model, int(one), part.some(here))


def _fold_grid(books: Folding, model: Model, grid_id: int, part: _Part) -> None:
    prepared = prepare(part.frame, books.grids.get(grid_id), part.keys)
    for place, column in enumerate(part.slices.T):
        sample = 0 if place or model.spec.private else WINDOW_ROWS  # the first column is the whole
        slice_ids, starts, groups = paired(column, part.starts)
        for here, block in blocks(groups, len(starts)):
            profiles = prepared.fold(block, len(starts[here]), sample)
            refused = None if place else Refused()  # counted for the whole alone
            extents = [Extent.of({start: part.ends[start]}) for start in starts[here].tolist()]
            profiles = [
                replace(profile, extent=extent, refused=refused)
                for profile, extent in zip(profiles, extents, strict=True)
            ]
            books.profiles.add(
                model.spec.window.text,
                [
                    Kept(int(slice_id), int(start), Stage.INPUTS, grid_id, profile)
                    for slice_id, start, profile in zip(slice_ids[here], starts[here], profiles, strict=True)
                ],
            )


def _write_runs(
    books: Folding, index: Index, model: Model, records: NDArray[np.void], at: NDArray[np.int64]
) -> None:
    """One run per day of event time, or one for all when they are many."""
    days = at // _DAY
    distinct = np.unique(days)
    if distinct.size > _RUN_DAYS:
        books.runs.add(index.write(model.id, EventKind.PREDICTIONS, int(distinct[0]), 0, records))
        return
    for day in distinct:
        books.runs.add(index.write(model.id, EventKind.PREDICTIONS, int(day), 0, records[days == day]))
