"""A declaration read off a table; needs Polars, and loads it only when it is asked."""

from __future__ import annotations

from typing import Any

import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import WIDEST, Kind, ModelSpec, Task, label_text


def table_of(given: Any) -> pl.DataFrame:
    """Any table with the Arrow C stream interface (pandas, Polars, PyArrow, DuckDB …) as a Polars frame."""
    if isinstance(given, pl.DataFrame):
        return given
    if isinstance(given, pl.LazyFrame):
        return given.collect()
    if hasattr(given, "__arrow_c_stream__"):
        return pl.DataFrame(given)
    raise InputError(
        f"{type(given).__name__} is no table: hand in a pandas, Polars, PyArrow or DuckDB table, "
        "or anything else with the Arrow C stream interface"
    )


def infer_spec(name: str, table: Any, **settings: Any) -> ModelSpec:
    """A spec whose columns, kinds and labels are read off a reference table.

    `settings` are `ModelSpec`'s; `task` is needed; the field names (`target`, `prediction`, `score`, `time`, `id`,
    `version`, `latency`, `error`) may be given directly. Text, truth values and whole numbers with at most 12
    different values are categories, other numbers are numbers, lists of floats that are all equally long are vectors;
    columns of other types are left out.
    """
    frame = table_of(table)
    given = dict(settings)
    named = {"target": "outcome", **{item: item for item in _FIELDS}}
    fields = dict(given.pop("fields", {}) or {})
    fields |= {named[key]: given.pop(key) for key in tuple(given) if key in named}
    missing = [column for key, column in fields.items() if key != "scores" and column not in frame.columns]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; it has {', '.join(frame.columns[:20])}")
    draft = ModelSpec.from_dict({"name": name, "fields": fields, **given, "segments": []})
    taken = {getattr(draft.fields, item) for item in (*_FIELDS, "outcome")} | {
        column for _, column in draft.fields.scores
    }
    declared = {column.name: column.text for column in draft.columns}
    columns = {item: kind for item in frame.columns if item not in taken and (kind := _kind(frame[item]))}
    if draft.task is not Task.REGRESSION and not draft.labels:
        given["labels"] = _labels(draft, frame)
    return ModelSpec.from_dict({"name": name, "fields": fields, **given, "columns": {**columns, **declared}})


_FIELDS = ("id", "time", "version", "prediction", "score", "latency", "error")


def _kind(series: pl.Series) -> str | None:
    if series.dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean):
        return Kind.CATEGORY.value
    if series.dtype.is_integer() and series.n_unique() <= 12:
        return Kind.CATEGORY.value
    if series.dtype.is_numeric():
        return Kind.NUMBER.value
    if isinstance(series.dtype, pl.List | pl.Array) and series.dtype.inner.is_float():
        return _vector(series)
    return None


def _vector(series: pl.Series) -> str | None:
    """`vector[width]`, or None when the lists are of several widths, or too wide."""
    widths = series.cast(pl.List(pl.Float32)).list.len().drop_nulls().unique().to_list()
    if len(widths) != 1 or not 1 <= widths[0] <= WIDEST:
        return None
    return f"{Kind.VECTOR.value}[{widths[0]}]"


def _labels(spec: ModelSpec, frame: pl.DataFrame) -> list[str]:
    found: set[str] = set()
    for column in (spec.fields.outcome, spec.fields.prediction):
        if column in frame.columns:
            found |= {label_text(value) for value in frame[column].drop_nulls().unique().to_list()}
    if spec.task is Task.BINARY:
        found.add(spec.positive)
    return sorted(found)
