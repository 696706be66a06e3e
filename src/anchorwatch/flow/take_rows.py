"""From cells in their places to canonical rows of predictions, outcomes and references."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.schema import Kind, Task
from anchorwatch.flow.take_cells import flag, nothing, number, text
from anchorwatch.flow.take_sheet import DTYPES, Sheet, field_columns, score_columns
from anchorwatch.flow.take_times import moment
from anchorwatch.flow.take_vectors import vector

if TYPE_CHECKING:
    from anchorwatch.core.schema import ModelSpec
    from anchorwatch.flow.take_batch import Limits, Terms
    from anchorwatch.flow.take_cells import Fault, Taken

Rows = tuple[pl.DataFrame, list["Fault"]]

_ANY_TIME = datetime(9000, 1, 1, tzinfo=UTC)
"""As the present of a reference: none of its times lies after it."""


class _Gathering:
    """Columns of a frame in the making, with the faults met on the way."""

    __slots__ = ("canonical", "columns", "faults", "limits", "sheet")

    def __init__(self, sheet: Sheet, limits: Limits) -> None:
        self.sheet = sheet
        self.limits = limits
        self.columns: list[pl.Series] = []
        self.faults = list(sheet.faults)
        self.canonical: pl.DataFrame | None = None

    def add(self, name: str, taken: Taken) -> pl.Series:
        self.faults.extend(taken.faults)
        series = taken.series.rename(name)
        self.columns.append(series)
        return series

    def number(self, place: str, name: str) -> pl.Series:
        cells = self.sheet.fields.get(place)
        if cells is None:
            return self.put(name, nothing(self.sheet.count, pl.Float64))
        return self.add(name, number(place, cells))

    def text(self, place: str, name: str, limit: int) -> pl.Series:
        cells = self.sheet.fields.get(place)
        if cells is None:
            return self.put(name, nothing(self.sheet.count, pl.String))
        return self.add(name, text(place, cells, None if self.sheet.longest <= limit else limit))

    def moment(self, now: datetime) -> None:
        cells = self.sheet.fields.get("at")
        self.add("_at", moment("at", [None] * self.sheet.count if cells is None else cells, now, self.limits))

    def put(self, name: str, series: pl.Series) -> pl.Series:
        self.columns.append(series.rename(name))
        return self.columns[-1]

    def need(self, place: str, missing: pl.Series, reason: str) -> None:
        self.faults.extend(flag(place, missing, reason))

    def frame(self) -> pl.DataFrame:
        frame = pl.DataFrame(self.columns)
        return frame if self.canonical is None else frame.hstack(self.canonical)


def prediction_rows(spec: ModelSpec, sheet: Sheet, terms: Terms) -> Rows:
    """Canonical rows of predictions; a row may have several faults."""
    rows = _Gathering(sheet, terms.limits)
    _identity(rows, terms)
    version = rows.text("version", "_version", terms.limits.name)
    rows.columns[-1] = version.fill_null("") if version.null_count() else version
    _answers(spec, rows)
    latency = rows.number("latency", "_latency")
    if not _within(latency, 0.0):
        rows.need("latency", (latency < 0) | latency.is_infinite(), "seconds of 0 or more are needed")
    error = rows.text("error", "_error", terms.limits.string)
    prediction = rows.columns[3]
    if prediction.null_count():
        rows.need(
            "prediction",
            prediction.is_null() & error.is_null(),
            "is needed, or a score or an error",
        )
    _inputs(spec, rows)
    return rows.frame(), rows.faults


def outcome_rows(spec: ModelSpec, sheet: Sheet, terms: Terms) -> Rows:
    """Canonical rows of outcomes."""
    rows = _Gathering(sheet, terms.limits)
    _identity(rows, terms)
    outcome = _target(spec, rows, "outcome")
    if outcome.null_count():
        rows.need("outcome", outcome.is_null(), "is needed; when it never comes, send nothing")
    return rows.frame(), rows.faults


def reference_rows(spec: ModelSpec, frame: pl.DataFrame, limits: Limits) -> Rows:
    """What a table has of the canonical columns, and every input; times may be of any age."""
    places = field_columns(spec, frame)
    scores = score_columns(spec, frame)
    sheet = Sheet(
        frame.height,
        {place: frame[name] for place, name in places.items()},
        {label: frame[name] for label, name in scores.items()},
        {column.name: frame[column.name] for column in spec.columns if column.name in frame.columns},
    )
    rows = _Gathering(sheet, limits)
    if "at" in places:
        rows.moment(_ANY_TIME)
    if scores or places.keys() & {"prediction", "score"}:
        _answers(spec, rows)
    if "outcome" in places:
        _target(spec, rows, "outcome")
    _inputs(spec, rows)
    return rows.frame(), rows.faults


def _identity(rows: _Gathering, terms: Terms) -> None:
    ids = rows.text("id", "_id", terms.limits.name)
    if ids.null_count() or ids.min() == "":
        rows.need("id", ids.is_null() | (ids == ""), "is needed")
    rows.moment(terms.now)


def _target(spec: ModelSpec, rows: _Gathering, place: str) -> pl.Series:
    if spec.task is Task.REGRESSION:
        return rows.number(place, f"_{place}")
    return rows.text(place, f"_{place}", rows.limits.name)


def _answers(spec: ModelSpec, rows: _Gathering) -> None:
    """`_prediction` and the scores; a label that was not logged follows from the scores."""
    at = len(rows.columns)
    prediction = _target(spec, rows, "prediction")
    if spec.task is Task.BINARY:
        score = rows.number("score", "_score")
        _finite("score", rows, score)
        if prediction.null_count():
            rows.columns[at] = _thresholded(spec, prediction, score)
    elif spec.task is Task.MULTICLASS:
        for label in spec.score_labels:
            cells = rows.sheet.scores.get(label)
            name = f"_score:{label}"
            if cells is None:
                rows.put(name, nothing(rows.sheet.count, pl.Float64))
                continue
            score = rows.add(name, number(f"scores.{label}", cells))
            _finite(f"scores.{label}", rows, score)
        if prediction.null_count() and rows.sheet.scores:
            rows.columns[at] = _likeliest(spec, prediction, rows.columns[at + 1 :])


def _finite(place: str, rows: _Gathering, score: pl.Series) -> None:
    if not _within(score, -sys.float_info.max):
        rows.need(place, score.is_infinite(), "a finite number is needed")


def _within(series: pl.Series, least: float) -> bool:
    """Whether all that is known is finite and at least `least`."""
    low, high = series.min(), series.max()
    return low is None or bool(low >= least and high < math.inf)  # type: ignore[operator]


def _thresholded(spec: ModelSpec, prediction: pl.Series, score: pl.Series) -> pl.Series:
    other = next((label for label in spec.labels if label != spec.positive), "0")
    above = (score >= spec.threshold).cast(pl.Int8)
    label = above.replace_strict({0: other, 1: spec.positive}, return_dtype=pl.String)
    return prediction.zip_with(prediction.is_not_null(), label)


def _likeliest(spec: ModelSpec, prediction: pl.Series, scores: list[pl.Series]) -> pl.Series:
    best = pl.DataFrame(scores).select(pl.concat_list(pl.all()).list.arg_max()).to_series()
    label = best.replace_strict(dict(enumerate(spec.score_labels)), default=None, return_dtype=pl.String)
    return prediction.zip_with(prediction.is_not_null(), label)


def _inputs(spec: ModelSpec, rows: _Gathering) -> None:
    given = rows.sheet.inputs
    limit = rows.limits.string
    checked = rows.sheet.longest <= limit
    if isinstance(given, pl.DataFrame) and checked:
        rows.canonical = given
        return
    for column in spec.columns:
        cells = given.get_column(column.name) if isinstance(given, pl.DataFrame) else given.get(column.name)
        if cells is None:
            rows.put(column.name, nothing(rows.sheet.count, DTYPES[column.kind]))
        elif column.kind is Kind.NUMBER:
            rows.add(column.name, number(column.name, cells))
        elif column.kind is Kind.VECTOR:
            rows.add(column.name, vector(column.name, cells, column.width))
        else:
            rows.add(column.name, text(column.name, cells, None if checked else limit))
