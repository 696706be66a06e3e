"""Rows that were refused when they came, counted in a window so that rules see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.times import span_micros
from anchorwatch.core.types import Stage
from anchorwatch.flow.arrivals import stacked
from anchorwatch.flow.ports import Kept, Slice, Touched, Version
from anchorwatch.flow.slices import bounded, grid_for
from anchorwatch.flow.times import window_at
from anchorwatch.profile.profile import Profile

if TYPE_CHECKING:
    from anchorwatch.flow.books import Folding
    from anchorwatch.flow.ports import Arrived, Model

_LIVE = 86_400_000_000


def count_refused(books: Folding, model: Model, batch: Arrived) -> None:
    """Count a batch's refused rows in the window and version of most rows beside them, else of when it came.

    A model that is fed its past, long before it arrives, has them at the newest time it has reached.
    """
    version, at = _beside(books, model, batch) if batch.rows else _arrival(books, model, batch)
    start, end = window_at(at, model.spec.window.text, model.spec.timezone)
    number = books.models.slice_ids(model.id, [Slice(version)])[Slice(version)]
    begun = books.profiles.grids([number], model.spec.window.text, [start])
    grid_id = begun.get((number, start)) or grid_for(books, model, version)
    books.models.touch(model.id, Version(version, grid_id, at, at, 0))
    profile = Profile(books.grids.get(grid_id), refused=batch.refused)
    books.profiles.add(model.spec.window.text, [Kept(number, start, Stage.INPUTS, grid_id, profile)])
    books.work.mark(model.id, [Touched(start, end)])


def _beside(books: Folding, model: Model, batch: Arrived) -> tuple[str, int]:
    """The version that most rows of the batch have, and the middle of their times."""
    frame = bounded(books, model, stacked([batch])).sort("_at")
    version = frame["_version"].value_counts(sort=True).sort("count", "_version", descending=True)[0, 0]
    own = frame.filter(pl.col("_version") == version)["_at"].dt.epoch("us")
    return version, int(own[len(own) // 2])


def _arrival(books: Folding, model: Model, batch: Arrived) -> tuple[str, int]:
    """The newest version that was seen, and when the batch arrived."""
    seen = books.models.versions(model.id)
    version = max(seen, key=lambda item: item.last_at or 0).version if seen else ""
    reached = model.watermark
    live = reached is None or abs(batch.at - reached) <= max(2 * span_micros(model.spec.window.length), _LIVE)
    return version, batch.at if live or reached is None else reached
