"""Outcomes from the inbox into the windows of their predictions, whenever they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.times import span_micros
from anchorwatch.core.types import EventKind, Stage
from anchorwatch.flow.arrivals import by_model, stacked
from anchorwatch.flow.detect import advance
from anchorwatch.flow.ports import Came, Kept, Touched
from anchorwatch.flow.records import coded, record_type
from anchorwatch.flow.times import window_at
from anchorwatch.profile.fold import JoinedRows, fold_outcomes
from anchorwatch.stats.codes import blocks, distinct, paired

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from anchorwatch.flow.books import Folding
    from anchorwatch.flow.ports import Arrived, Index, Model

JOINER = "joiner"
_DAY = 86_400_000_000


def join(books: Folding, index: Index, batches: Sequence[Arrived]) -> None:
    """Fold the outcomes among `batches` and move the joiner's offset, all in one transaction."""
    for name, group in by_model(batches, EventKind.OUTCOMES):
        model = books.models.get(name)
        frame = stacked(group).unique(subset="_id", keep="last", maintain_order=True)
        join_frame(books, index, model, frame, group[-1].at)
        if not any(item.kind is EventKind.PREDICTIONS for item in books.aside.list(name)):
            books.outcomes.expire(model.id, group[-1].at - span_micros(model.spec.outcome_horizon))
    books.offsets.set(JOINER, batches[-1].seq)


def join_frame(books: Folding, index: Index, model: Model, frame: pl.DataFrame, at: int) -> None:
    """Fold the outcomes of `frame`, one per event, which arrived at `at`.

    One that is known is left, or replaced when it differs; one whose prediction has not come is held for it.
    """
    keys = index.keys(frame["_id"])
    came = Came(coded(frame["_outcome"], model.spec.labels), frame["_at"].dt.epoch("us").to_numpy())
    known, before = index.find(books.runs.list(model.id, EventKind.OUTCOMES), keys)
    found, records = index.find(books.runs.list(model.id, EventKind.PREDICTIONS), keys)
    changed = known.copy()
    changed[known] = before["prediction"] != came.values[known]
    _correct(books, index, model, keys[changed], came[changed], before[changed[known]])
    new = found & ~known
    if new.any():
        fold_joined(books, index, model, records[new[found]], came[new])
    lost = ~found & ~known
    if lost.any():
        books.outcomes.hold(model.id, keys[lost], came[lost], at)
    books.models.seen(model.id, EventKind.OUTCOMES, int(came.at.max()), at)


def _correct(
    books: Folding,
    index: Index,
    model: Model,
    keys: NDArray[np.uint64],
    came: Came,
    before: NDArray[np.void],
) -> None:
    """Remember corrected outcomes and have their windows rebuilt from the lake."""
    if not keys.size:
        return
    _remember(books, index, model, keys, before["start"], came)
    _touch(books, model, before["start"], rebuild=True)


def fold_joined(books: Folding, index: Index, model: Model, records: NDArray[np.void], came: Came) -> None:
    """Fold outcomes into the windows of the predictions they belong to."""
    keys = np.column_stack([records["hi"], records["lo"]])
    _remember(books, index, model, keys, records["start"], came)
    answered = ~np.isnan(records["prediction"]) | ~np.isnan(records["scores"]).all(axis=1)
    records, outcomes = records[answered], came.values[answered]
    if not records.size:
        return
    for kept in profiled(books, model, records, outcomes):
        books.profiles.add(model.spec.window.text, kept)
    advance(books, model, records, outcomes)
    _touch(books, model, records["start"])


def profiled(
    books: Folding, model: Model, records: NDArray[np.void], outcomes: NDArray[np.float64]
) -> Iterator[list[Kept]]:
    """Outcome profiles of every slice and window that `records` touch, on the grid the window began with.

    A few hundred windows at a time, so that memory stays bounded however many the records touch.
    """
    grids = _grids(books, model, records)
    for grid_id in np.unique(grids):
        here = grids == grid_id
        some, came = records[here], outcomes[here]
        rows = JoinedRows(some["prediction"], some["scores"], came)
        for column in some["slices"].T:
            slice_ids, starts, groups = paired(column, some["start"])
            for part, block in blocks(groups, len(starts)):
                profiles = fold_outcomes(rows, block, len(starts[part]), books.grids.get(int(grid_id)))
                yield [
                    Kept(int(slice_id), int(start), Stage.OUTCOMES, int(grid_id), profile)
                    for slice_id, start, profile in zip(slice_ids[part], starts[part], profiles, strict=True)
                    if slice_id >= 0
                ]


def _grids(books: Folding, model: Model, records: NDArray[np.void]) -> NDArray[np.int64]:
    wholes, starts, place = paired(records["slices"][:, 0], records["start"])
    begun = books.profiles.grids(set(wholes.tolist()), model.spec.window.text, distinct(starts)[0].tolist())
    pairs = zip(wholes.tolist(), starts.tolist(), strict=True)
    return np.array([begun[pair] for pair in pairs], dtype=np.int64)[place]


def _remember(
    books: Folding,
    index: Index,
    model: Model,
    keys: NDArray[np.uint64],
    starts: NDArray[np.int64],
    came: Came,
) -> None:
    records = np.zeros(len(keys), record_type(0, 0))
    records["hi"], records["lo"] = keys[:, 0], keys[:, 1]
    records["start"], records["prediction"] = starts, came.values
    books.runs.add(index.write(model.id, EventKind.OUTCOMES, int(starts.min()) // _DAY, 0, records))
    _note_days(books, model, starts, came.at)


def _note_days(books: Folding, model: Model, starts: NDArray[np.int64], at: NDArray[np.int64]) -> None:
    """Remember where outcomes lie that a rebuild would not meet: before their window, or past the horizon."""
    far = (at < starts) | (at >= starts + span_micros(model.spec.outcome_horizon))
    if far.any():
        pairs = set(zip(starts[far].tolist(), (at[far] // _DAY).tolist(), strict=True))
        books.outcomes.note_days(model.id, sorted(pairs))


def _touch(books: Folding, model: Model, starts: NDArray[np.int64], *, rebuild: bool = False) -> None:
    spec = model.spec
    books.work.mark(
        model.id,
        [
            Touched(start, window_at(start, spec.window.text, spec.timezone)[1], rebuild)
            for start in distinct(starts)[0].tolist()
        ],
    )
