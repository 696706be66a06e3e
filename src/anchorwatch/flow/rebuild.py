"""Outcomes of a window folded anew from the lake, after one of them was corrected."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from anchorwatch.core.times import from_micros, span_micros
from anchorwatch.core.types import Stage
from anchorwatch.flow.detect import recount
from anchorwatch.flow.join import profiled
from anchorwatch.flow.records import coded, records_of
from anchorwatch.flow.slices import bounded, slices_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchorwatch.core.ports import Lake
    from anchorwatch.flow.books import Books
    from anchorwatch.flow.ports import Model, Touched

_DAY = 86_400_000_000
_EPOCH = date(1970, 1, 1)


def rebuild(books: Books, lake: Lake, model: Model, window: Touched) -> None:
    """Replace the outcome profiles of one window by what the lake holds.

    To be called only when roller, joiner and archiver stand at the same place: then the lake holds exactly the
    outcomes that had been folded, each prediction's latest. A window whose rows the lake may have let go of
    stays as it is.
    """
    spec = model.spec
    days = books.outcomes.days(model.id, window.start)
    if _gone(model, window, days):
        books.work.rebuilt(model.id, window.start)
        return
    frame = lake.joined(
        spec.name,
        from_micros(window.start),
        from_micros(window.finish),
        horizon=spec.outcome_horizon,
        days=[_EPOCH + timedelta(days=day) for day in days],
    )
    frame = frame.filter(frame["_outcome"].is_not_null()) if frame.height else frame
    ids = list(books.models.slices(model.id).values())
    books.profiles.drop(ids, spec.window.text, window.start, Stage.OUTCOMES)
    if frame.height:
        frame = bounded(books, model, frame)
        starts = np.full(frame.height, window.start, np.int64)
        records = records_of(spec, frame, starts, slices_of(books, model, frame))
        outcomes = coded(frame["_outcome"], spec.labels)
        answered = ~np.isnan(records["prediction"]) | ~np.isnan(records["scores"]).all(axis=1)
        for kept in profiled(books, model, records[answered], outcomes[answered]):
            books.profiles.replace(spec.window.text, kept)
        recount(books, model, window.start)
    books.work.rebuilt(model.id, window.start)


def _gone(model: Model, window: Touched, days: Sequence[int]) -> bool:
    """Whether retention may have taken rows of the window, or outcomes of it."""
    if model.spec.retention is None or model.reached is None:
        return False
    earliest = min([window.start, *(day * _DAY for day in days)])
    return earliest < model.reached - span_micros(model.spec.retention)
