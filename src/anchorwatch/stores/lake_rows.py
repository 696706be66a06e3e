"""Frames of events as a table of the lake can take them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.stores.lake_query import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

VECTOR: Final = pl.List(pl.Float32)


def new_rows(frame: pl.DataFrame, applied: int) -> pl.DataFrame:
    """Rows of batches after sequence number `applied`, in the lake's few types.

    Numbers become Float64, names String, vectors lists of Float32; a column that says nothing is left out. Raises
    `InputError` at a type that is none of these and at a frame without the columns that every table has.
    """
    for name in KEYS:
        if name not in frame.columns:
            raise InputError(
                f"rows for the lake need a column {name}; these have {frame.columns[:8]}", column=name
            )
    rows = frame.select(
        _plain(name, kind) for name, kind in frame.schema.items() if kind != pl.Null or name in KEYS
    ).filter(pl.col("_seq") > applied)
    for name in KEYS:
        if rows[name].null_count():
            raise InputError(f"rows for the lake need {name} in every row", column=name)
    return rows


def _plain(name: str, kind: pl.DataType) -> pl.Expr:
    if name in KEYS:
        return pl.col(name).cast(KEYS[name])
    if kind.is_numeric() or kind == pl.Boolean:
        return pl.col(name).cast(pl.Float64)
    if kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum):
        return pl.col(name).cast(pl.String)
    if isinstance(kind, pl.List | pl.Array) and kind.inner.is_float():
        return pl.col(name).cast(VECTOR)
    raise InputError(f"{kind} is neither a number nor a name nor a vector", column=name)


def fitted(frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """`frame` so that it can be appended to a table of `schema`; columns the table does not have stay.

    A column whose kind was declared anew is kept without loss, so that one model's change never stops the archive:
    numbers are written out where names were; names where numbers were, and vectors where either was or the other way
    round, go to a column of their own beside.

    >>> fitted(pl.DataFrame({"x": ["7", "b"]}), {"x": pl.Float64()}).rows()
    [(7.0, '7'), (None, 'b')]
    """
    changed: list[pl.Expr] = []
    for name, kind in frame.schema.items():
        stored = schema.get(name, kind)
        if stored == kind:
            continue
        if VECTOR in (kind, stored):
            beside = "vector" if kind == VECTOR else "text" if kind == pl.String else "number"
            changed += [pl.lit(None, stored).alias(name), pl.col(name).alias(f"{name} ({beside})")]
            continue
        changed.append(pl.col(name).cast(stored, strict=False))
        if kind == pl.String:
            changed.append(pl.col(name).alias(f"{name} (text)"))
    return frame.with_columns(changed)


def within(lazy: pl.LazyFrame, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
    """Rows with `start` <= `_at` < `end`."""
    if start is not None:
        lazy = lazy.filter(pl.col("_at") >= pl.lit(start, KEYS["_at"]))
    if end is not None:
        lazy = lazy.filter(pl.col("_at") < pl.lit(end, KEYS["_at"]))
    return lazy
