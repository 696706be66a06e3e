"""A reference table into a grid and profiles: once, when it is handed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.core.infer import table_of
from anchorwatch.flow.records import coded, score_columns
from anchorwatch.flow.take import take_reference
from anchorwatch.flow.times import windows
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.extent import Extent
from anchorwatch.profile.fold import JoinedRows, fold_inputs, fold_outcomes
from anchorwatch.profile.sample import REFERENCE_ROWS, WINDOW_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile


@dataclass(frozen=True, slots=True, eq=False)
class Profiled:
    """A grid, the profile of the whole reference on it, and one per window when the reference has times."""

    grid: Grid
    whole: Profile
    windows: dict[int, Profile]


def profile_reference(spec: ModelSpec, given: Any) -> Profiled:
    """Profile a reference table once.

    Raises `InputError` when it is empty or lacks an input, naming it.
    """
    return profiled(spec, _canonical(spec, table_of(given)))


def profiled(spec: ModelSpec, frame: pl.DataFrame) -> Profiled:
    """Profile a reference that is a canonical frame already, as a whole and by the windows of the spec."""
    grid = build_grid(spec, frame)
    whole = np.zeros(frame.height, np.int64)
    rows, few = (0, 0) if spec.private else (REFERENCE_ROWS, WINDOW_ROWS)
    found = _profiles(spec, frame, grid, _Groups(whole, 1, rows))[0]
    if "_at" not in frame.columns:
        return Profiled(grid, found, {})
    at = frame["_at"].dt.epoch("us").to_numpy()
    starts, spans = windows(at, spec.window.text, spec.timezone)
    ordered = sorted(spans)
    groups = np.searchsorted(np.array(ordered, np.int64), starts)
    by_window = [
        replace(profile, extent=Extent.of({start: spans[start]}))
        for start, profile in zip(
            ordered, _profiles(spec, frame, grid, _Groups(groups, len(ordered), few)), strict=True
        )
    ]
    found = replace(found, extent=Extent.of(spans))
    return Profiled(grid, found, dict(zip(ordered, by_window, strict=True)))


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """The group of each row, how many groups there are, and how many rows of each are sampled."""

    of: NDArray[np.int64]
    count: int
    sample: int


def _profiles(spec: ModelSpec, frame: pl.DataFrame, grid: Grid, groups: _Groups) -> list[Profile]:
    inputs = fold_inputs(frame, groups.of, groups.count, grid, sample=groups.sample)
    if "_outcome" not in frame.columns:
        return inputs
    known = frame["_outcome"].is_not_null().to_numpy()
    rows = joined_rows(spec, frame.filter(known))
    outcomes = fold_outcomes(rows, groups.of[known], groups.count, grid)
    return [one + other for one, other in zip(inputs, outcomes, strict=True)]


def joined_rows(spec: ModelSpec, frame: pl.DataFrame) -> JoinedRows:
    """The rows of a canonical frame that holds `_outcome` beside what was predicted."""
    names = score_columns(spec)
    scores = np.full((frame.height, len(names)), np.nan)
    for place, name in enumerate(names):
        if name in frame.columns:
            scores[:, place] = frame[name].to_numpy()
    predicted = (
        coded(frame["_prediction"], spec.labels)
        if "_prediction" in frame.columns
        else np.full(frame.height, np.nan)
    )
    return JoinedRows(predicted, scores, coded(frame["_outcome"], spec.labels))


def _canonical(spec: ModelSpec, table: pl.DataFrame) -> pl.DataFrame:
    if not table.height:
        raise InputError("the reference has no rows; hand in rows from a time when the model did well")
    lacking = [column.name for column in spec.columns if column.name not in table.columns]
    if lacking:
        raise InputError(
            f"the reference lacks the input {lacking[0]!r}; it has {', '.join(table.columns[:20])}"
        )
    frame = take_reference(spec, table)
    return frame.filter(pl.col("_at").is_not_null()) if "_at" in frame.columns else frame
