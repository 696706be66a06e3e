"""The columns of a table made to fit a spec, and what about them did not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

from anchorwatch.core.schema import Kind, Task
from anchorwatch.flow.take import take_reference
from anchorwatch.flow.take_batch import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchorwatch.core.schema import ModelSpec

_BOUNDS = Limits(rows=2**40, cells=2**40, columns=2**31, string=2**31, name=2**31)


class Break(StrEnum):
    """How a column of the current table is not what it was."""

    GONE = "gone"
    NEW = "new"
    TYPE = "type"


@dataclass(frozen=True, slots=True)
class Misfit:
    """A column that is not what the reference has, in a sentence; `needed` when the model cannot do without it."""

    column: str
    kind: Break
    text: str
    needed: bool = True


def misfits(
    spec: ModelSpec, before: Mapping[str, pl.DataType], after: Mapping[str, pl.DataType]
) -> list[Misfit]:
    """What was lost, what changed its sort (numbers, texts, truth values, times), and what is new."""
    role = {name: place for place, name in roles(spec).items()}
    inputs = {column.name for column in spec.columns}
    found = []
    for name in before:
        if name not in inputs and name not in role:
            continue
        needed = name in inputs or role[name] == "_prediction" or role[name].startswith("_score")
        if name not in after:
            found.append(Misfit(name, Break.GONE, f"{name} is missing from the current table", needed))
        elif not _alike(before[name], after[name]):
            told = f"{name} was {_told(before[name])} and is {_told(after[name])}"
            found.append(Misfit(name, Break.TYPE, told))
    return found + [
        Misfit(name, Break.NEW, f"{name} is not in the reference", needed=False)
        for name in after
        if name not in before
    ]


def roles(spec: ModelSpec) -> dict[str, str]:
    """Canonical column to the user's column, for what is no input."""
    taken = {column.name for column in spec.columns}
    named = {
        "_id": spec.fields.id,
        "_at": spec.fields.time,
        "_prediction": spec.fields.prediction,
        "_score": spec.fields.score,
        "_latency": spec.fields.latency,
        "_error": spec.fields.error,
        "_outcome": spec.fields.outcome,
    }
    named |= {f"_score:{label}": column for label, column in spec.fields.scores}
    return {place: column for place, column in named.items() if column not in taken}


def canonical(spec: ModelSpec, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows in canonical form; cells that cannot be read as what the spec says become missing.

    Numbers that are inputs keep their NaN, which means the same as a null and takes no pass over the column.
    """
    place = roles(spec)
    answers = {place.get("_prediction"), place.get("_outcome")}
    scores = {column for item, column in place.items() if item.startswith("_score")}
    inputs, others = [], []
    numbers = set(spec.numbers)
    for series in frame:
        if series.name in numbers:
            inputs.append(_number(series).cast(pl.Float64))
        elif series.name in scores:
            others.append(_finite(_number(series)))
        elif series.name in answers:
            others.append(_number(series) if spec.task is Task.REGRESSION else _name(series))
        elif series.name in spec.categories:
            others.append(_name(series))
        elif series.name in place.values() or (series.name in spec.vectors and series.dtype.is_nested()):
            others.append(series)
    unnumbered = spec.evolve(columns=tuple(item for item in spec.columns if item.kind is not Kind.NUMBER))
    if not others:
        return pl.DataFrame(inputs)
    return take_reference(unnumbered, pl.DataFrame(others), _BOUNDS).hstack(inputs)


def _number(series: pl.Series) -> pl.Series:
    if series.dtype.is_numeric() or series.dtype in {pl.Boolean, pl.Null}:
        return series
    if series.dtype in {pl.String, pl.Categorical} or isinstance(series.dtype, pl.Enum):
        return series.cast(pl.String).cast(pl.Float64, strict=False)
    return pl.repeat(None, series.len(), dtype=pl.Float64, eager=True).alias(series.name)


def _finite(series: pl.Series) -> pl.Series:
    if not series.dtype.is_float() or not bool(series.is_infinite().any()):
        return series
    return series.set(series.is_infinite(), None)


def _name(series: pl.Series) -> pl.Series:
    if series.dtype.is_float():
        return _finite(series)
    if series.dtype.is_temporal() or series.dtype == pl.Binary:
        return series.cast(pl.String, strict=False)
    if series.dtype.is_nested() or series.dtype == pl.Object:
        return pl.repeat(None, series.len(), dtype=pl.String, eager=True).alias(series.name)
    return series


def _sort(dtype: pl.DataType) -> str:
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "time"
    if dtype in {pl.String, pl.Categorical} or isinstance(dtype, pl.Enum):
        return "text"
    return str(dtype)


def _alike(before: pl.DataType, after: pl.DataType) -> bool:
    return pl.Null in {before, after} or _sort(before) == _sort(after)


def _told(dtype: pl.DataType) -> str:
    return f"{_sort(dtype)} ({dtype})" if _sort(dtype) != str(dtype) else str(dtype)
