"""Small profiles from plain lists, folded as big ones are: for examples, notebooks and tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from anchorwatch.core.schema import Column, Kind, ModelSpec, Task
from anchorwatch.profile.build import build_grid
from anchorwatch.profile.extent import Extent
from anchorwatch.profile.fold import JoinedRows, fold_inputs, fold_outcomes, label_codes
from anchorwatch.profile.sample import WINDOW_ROWS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from anchorwatch.profile.grid import Grid
    from anchorwatch.profile.profile import Profile

    Table = Mapping[str, Sequence[Any] | NDArray[Any]]


def pair(reference: Table, current: Table) -> tuple[Profile, Profile]:
    """Two tables of inputs, the first as the reference of both; columns of text are categories.

    A column `_prediction` holds what was predicted.

    >>> reference, current = pair({"x": [1.0, 2.0], "c": ["a", "b"]}, {"x": [3.0], "c": ["a"]})
    >>> reference.events, current.events
    (2, 1)
    """
    before, after = pl.DataFrame(dict(reference), strict=False), pl.DataFrame(dict(current), strict=False)
    spec = _spec(before)
    frames = [_canonical(frame, spec) for frame in (before, after)]
    grid = build_grid(spec, frames[0])
    return _inputs(frames[0], grid), _inputs(frames[1], grid)


def inputs(columns: Table) -> Profile:
    """One table of inputs, of a model that has no reference.

    >>> inputs({"x": [1.0, 2.0]}).grid.fitted
    False
    """
    frame = pl.DataFrame(dict(columns), strict=False)
    spec = _spec(frame)
    return _inputs(_canonical(frame, spec), build_grid(spec, None))


def labels(
    old_predicted: Sequence[str], old_actual: Sequence[str], predicted: Sequence[str], actual: Sequence[str]
) -> tuple[Profile | None, Profile]:
    """Predicted and actual labels of a reference (may be empty: none) and of a window.

    The model is binary, positive `"1"`, when all labels are 0 or 1, else multiclass.

    >>> labels("", "", "1100", "1000")[1].confusion.matrix.tolist()
    [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    """
    known = sorted({*old_predicted, *old_actual, *predicted, *actual})
    binary = set(known) <= {"0", "1"}
    spec = ModelSpec(
        name="example",
        task=Task.BINARY if binary else Task.MULTICLASS,
        labels=("0", "1") if binary else tuple(known),
    )
    return _judged(spec, (list(old_predicted), list(old_actual)), (list(predicted), list(actual)))


def values(
    old_predicted: ArrayLike, old_actual: ArrayLike, predicted: ArrayLike, actual: ArrayLike
) -> tuple[Profile | None, Profile]:
    """Predicted and actual numbers of a reference (may be empty: none) and of a window.

    >>> values([], [], [1.0, 2.0], [1.0, 4.0])[1].residuals.n
    2
    """
    spec = ModelSpec(name="example", task=Task.REGRESSION)
    old, new = (
        tuple(np.asarray(item, dtype=np.float64) for item in both)
        for both in ((old_predicted, old_actual), (predicted, actual))
    )
    return _judged(spec, old, new)


def scores(given: ArrayLike, actual: Sequence[str]) -> Profile:
    """Scores of a window and what came: shape (n,) of class `"1"`, or (n, classes) of the labels in order.

    >>> scores([0.2, 0.7], "01").scores.n
    2
    """
    matrix = np.asarray(given, dtype=np.float64)
    binary = matrix.ndim == 1
    known = ("0", "1") if binary else tuple(sorted(set(actual)))
    spec = ModelSpec(name="example", task=Task.BINARY if binary else Task.MULTICLASS, labels=known)
    grid = build_grid(spec, None)
    codes = label_codes(pl.Series(list(actual), dtype=pl.String), grid)
    called = (matrix >= 0.5).astype(np.float64) if binary else matrix.argmax(axis=1).astype(np.float64)
    joined = JoinedRows(called, matrix.reshape(len(codes), -1), codes)
    return fold_outcomes(joined, np.zeros(len(codes), np.int64), 1, grid)[0]


def service(latencies: Sequence[float], errors: int = 0) -> Profile:
    """Predictions that took `latencies` seconds, and events that were errors.

    >>> service([0.1, 0.2], errors=1).events
    3
    """
    spec = ModelSpec(name="example", task=Task.REGRESSION)
    count = len(latencies)
    frame = _canonical(pl.DataFrame({"_prediction": [0.0] * count + [None] * errors}), spec).with_columns(
        pl.Series("_latency", [*latencies, *[None] * errors], dtype=pl.Float64),
        pl.Series("_error", [None] * count + ["failed"] * errors, dtype=pl.String),
    )
    return _inputs(frame, build_grid(spec, None))


def timed(old: Sequence[int], new: Sequence[int], window: int = 60) -> tuple[Profile, Profile]:
    """A reference and a window of events at those seconds, each covering whole windows of so many seconds.

    >>> reference, current = timed([0, 10, 70], [125])
    >>> reference.events, current.events
    (3, 1)
    """
    spec = ModelSpec(name="example", task=Task.REGRESSION)
    frames = [_canonical(pl.DataFrame({"_prediction": [0.0] * len(item)}), spec) for item in (old, new)]
    grid = build_grid(spec, frames[0])
    found = []
    for frame, seconds in zip(frames, (old, new), strict=True):
        at = pl.Series("_at", [second * 10**6 for second in seconds], pl.Int64).cast(pl.Datetime("us", "UTC"))
        begins = {second // window * window * 10**6 for second in seconds}
        extent = Extent.of({begin: begin + window * 10**6 for begin in begins})
        found.append(replace(_inputs(frame.with_columns(at), grid), extent=extent))
    return found[0], found[1]


def _spec(frame: pl.DataFrame) -> ModelSpec:
    kinds = [Kind.CATEGORY if dtype == pl.String else Kind.NUMBER for dtype in frame.dtypes]
    columns = [
        Column(name, kind)
        for name, kind in zip(frame.columns, kinds, strict=True)
        if not name.startswith("_")
    ]
    return ModelSpec(name="example", task=Task.REGRESSION, columns=tuple(columns))


def _canonical(frame: pl.DataFrame, spec: ModelSpec) -> pl.DataFrame:
    """Add what a table of predictions has beside its inputs."""
    kind = pl.Float64 if spec.task is Task.REGRESSION else pl.String
    prediction = pl.col("_prediction") if "_prediction" in frame.columns else pl.lit(None)
    outcome = [pl.col("_outcome").cast(kind)] if "_outcome" in frame.columns else []
    at = pl.lit(datetime(2013, 1, 1, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    return frame.select(
        pl.int_range(pl.len()).cast(pl.String).alias("_id"),
        at.alias("_at"),
        pl.lit("").alias("_version"),
        prediction.cast(kind).alias("_prediction"),
        pl.lit(None, dtype=pl.Float64).alias("_latency"),
        pl.lit(None, dtype=pl.String).alias("_error"),
        *outcome,
        *(pl.col(name).cast(pl.Float64) for name in spec.numbers),
        *(pl.col(name).cast(pl.String) for name in spec.categories),
    )


def _inputs(frame: pl.DataFrame, grid: Grid) -> Profile:
    return fold_inputs(frame, np.zeros(len(frame), np.int64), 1, grid, sample=WINDOW_ROWS)[0]


def _judged(spec: ModelSpec, old: Sequence[Any], new: Sequence[Any]) -> tuple[Profile | None, Profile]:
    """Fold predictions and outcomes of both sides on the grid of the first, when it has any."""
    before, after = (
        _canonical(pl.DataFrame({"_prediction": predicted, "_outcome": actual}), spec)
        for predicted, actual in (old, new)
    )
    if before.is_empty():
        return None, _outcomes(after, spec, build_grid(spec, None))
    grid = build_grid(spec, before)
    return _outcomes(before, spec, grid), _outcomes(after, spec, grid)


def _outcomes(frame: pl.DataFrame, spec: ModelSpec, grid: Grid) -> Profile:
    numeric = spec.task is Task.REGRESSION
    predicted, actual = (
        frame[name].to_numpy().astype(np.float64) if numeric else label_codes(frame[name], grid)
        for name in ("_prediction", "_outcome")
    )
    joined = JoinedRows(predicted, np.full((len(frame), len(spec.score_labels)), np.nan), actual)
    zeros = np.zeros(len(frame), np.int64)
    return _inputs(frame.drop("_outcome"), grid) + fold_outcomes(joined, zeros, 1, grid)[0]
