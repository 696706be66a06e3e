"""A reference table into a grid and profiles: once, when it is handed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.core.infer import table_of
from anchorwatch.core.schema import Kind, Task
from anchorwatch.flow.records import coded, score_columns
from anchorwatch.flow.times import windows
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.fold import JoinedRows, fold_inputs, fold_outcomes

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
    frame = _canonical(spec, table_of(given))
    grid = build_grid(spec, frame)
    whole = np.zeros(frame.height, np.int64)
    found = _profiles(spec, frame, grid, whole, 1)[0]
    if "_at" not in frame.columns:
        return Profiled(grid, found, {})
    at = frame["_at"].dt.epoch("us").to_numpy()
    starts, spans = windows(at, spec.window.text, spec.timezone)
    ordered = sorted(spans)
    groups = np.searchsorted(np.array(ordered, np.int64), starts)
    return Profiled(
        grid, found, dict(zip(ordered, _profiles(spec, frame, grid, groups, len(ordered)), strict=True))
    )


def _profiles(
    spec: ModelSpec, frame: pl.DataFrame, grid: Grid, groups: NDArray[np.int64], count: int
) -> list[Profile]:
    inputs = fold_inputs(frame, groups, count, grid)
    if "_outcome" not in frame.columns:
        return inputs
    known = frame["_outcome"].is_not_null().to_numpy()
    some = frame.filter(known)
    names = score_columns(spec)
    scores = np.full((some.height, len(names)), np.nan)
    for place, name in enumerate(names):
        if name in some.columns:
            scores[:, place] = some[name].to_numpy()
    predicted = (
        coded(some["_prediction"], spec.labels)
        if "_prediction" in some.columns
        else np.full(some.height, np.nan)
    )
    rows = JoinedRows(predicted, scores, coded(some["_outcome"], spec.labels))
    outcomes = fold_outcomes(rows, groups[known], count, grid)
    return [one + other for one, other in zip(inputs, outcomes, strict=True)]


def _canonical(spec: ModelSpec, table: pl.DataFrame) -> pl.DataFrame:
    """The inputs, and of time, prediction, scores and outcome what the table has, in canonical form."""
    if not table.height:
        raise InputError("the reference has no rows; hand in rows from a time when the model did well")
    lacking = [column.name for column in spec.columns if column.name not in table.columns]
    if lacking:
        raise InputError(
            f"the reference lacks the input {lacking[0]!r}; it has {', '.join(table.columns[:20])}"
        )
    label = Kind.NUMBER if spec.task is Task.REGRESSION else Kind.CATEGORY
    wanted = [(column.name, column.name, column.kind) for column in spec.columns]
    wanted += [(spec.fields.prediction, "_prediction", label), (spec.fields.outcome, "_outcome", label)]
    if spec.task is Task.BINARY:
        wanted.append((spec.fields.score, "_score", Kind.NUMBER))
    wanted += [(column, f"_score:{text}", Kind.NUMBER) for text, column in spec.fields.scores]
    series = [_cast(table[column], name, kind) for column, name, kind in wanted if column in table.columns]
    if spec.fields.time in table.columns:
        series.append(_times(table[spec.fields.time]))
    frame = pl.DataFrame(series)
    return _predicted(spec, frame)


def _predicted(spec: ModelSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """Fill a binary label from the score where none was given."""
    if spec.task is not Task.BINARY or "_score" not in frame.columns:
        return frame
    negative = next((label for label in spec.labels if label != spec.positive), "0")
    score = pl.col("_score")
    label = (
        pl.when(score >= spec.threshold)
        .then(pl.lit(spec.positive))
        .when(score.is_not_null())
        .then(pl.lit(negative))
    )
    given = pl.col("_prediction") if "_prediction" in frame.columns else pl.lit(None, dtype=pl.String)
    return frame.with_columns(pl.coalesce(given, label.otherwise(None)).alias("_prediction"))


def _cast(series: pl.Series, name: str, kind: Kind) -> pl.Series:
    if kind is Kind.NUMBER:
        try:
            return series.cast(pl.Float64).fill_nan(None).rename(name)
        except pl.exceptions.PolarsError as problem:
            raise InputError(
                f"column {series.name!r} is declared a number and cannot be read as one: {problem}"
            ) from None
    return texts(series).rename(name)


def texts(series: pl.Series) -> pl.Series:
    """Categories in their one spelling (see `core.schema.label_text`)."""
    if series.dtype == pl.Boolean:
        return series.cast(pl.Int8).cast(pl.String)
    if series.dtype.is_float():
        whole = series.fill_nan(None)
        return pl.select(
            pl.when(whole == whole.round(0))
            .then(whole.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(whole.cast(pl.String))
        ).to_series()
    return series.cast(pl.String)


def _times(series: pl.Series) -> pl.Series:
    if series.dtype == pl.String:
        series = series.str.to_datetime(time_zone="UTC", strict=False)
    elif series.dtype == pl.Date:
        series = series.cast(pl.Datetime("us"))
    elif series.dtype.is_numeric():
        series = (series.cast(pl.Float64) * 1e6).cast(pl.Int64).cast(pl.Datetime("us"))
    if series.dtype.time_zone is None:  # type: ignore[attr-defined]
        series = series.dt.replace_time_zone("UTC")
    return series.dt.convert_time_zone("UTC").dt.cast_time_unit("us").rename("_at")
