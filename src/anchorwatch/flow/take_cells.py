"""One column of whatever was handed in, as a canonical Polars series, and which of its rows cannot be taken.

Cells come as a list of JSON values or as a series of a table. The fast way converts the whole column at once;
rows that it leaves over are looked at one by one, and only they.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from anchorwatch.core.errors import InputError
from anchorwatch.core.schema import label_text

if TYPE_CHECKING:
    from collections.abc import Callable

Cells = list[Any] | pl.Series

FEW = 32
"""Up to so many rows, looking at each in Python is faster than at the column in Polars."""

SPECIAL = {"NaN": None, "Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """Rows that cannot be taken; `tell(row)` says which column is to blame and why."""

    bad: pl.Series
    tell: Callable[[int], tuple[str, str]]


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A canonical series and what is wrong with some of its rows."""

    series: pl.Series
    faults: tuple[Fault, ...] = ()


def nothing(count: int, dtype: pl.DataType | type[pl.DataType]) -> pl.Series:
    """A column of `count` missing values."""
    if count == 1:  # several times as fast
        return pl.Series("", [None], dtype=dtype)
    return pl.repeat(None, count, dtype=dtype, eager=True)


def flag(name: str, bad: pl.Series, reason: str | Callable[[int], str]) -> tuple[Fault, ...]:
    """A fault where `bad` holds, or none when it holds nowhere."""
    if not bad.any():
        return ()
    return (Fault(bad, lambda row: (name, reason if isinstance(reason, str) else reason(row))),)


def show(value: Any) -> str:
    """A value as a message shows it: short, and kinds of JSON by their names."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value[:60] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:57]}…"


# numbers ---------------------------------------------------------------------------------------------------


def number(name: str, cells: Cells) -> Taken:
    """Float64: NaN is missing, infinities stay, as do the texts "NaN", "Infinity" and "-Infinity"."""
    if isinstance(cells, list):
        return _listed_numbers(name, cells)
    dtype = cells.dtype
    if dtype.is_numeric() or dtype == pl.Boolean:
        floats = cells if dtype == pl.Float64 else cells.cast(pl.Float64)
        return Taken(floats.fill_nan(None) if dtype.is_float() else floats)
    if dtype == pl.Null:
        return Taken(nothing(len(cells), pl.Float64))
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        texts = cells.cast(pl.String)
        floats = texts.replace_strict(SPECIAL, default=None, return_dtype=pl.Float64)
        odd = floats.is_null() & texts.is_not_null() & (texts != "NaN")
        return Taken(floats, flag(name, odd, lambda row: _no_number(texts[row])))
    raise InputError(f"{name}: numbers are needed, the column is of type {dtype}", column=name)


def _listed_numbers(name: str, cells: list[Any]) -> Taken:
    try:
        return Taken(pl.Series(name, cells, dtype=pl.Float64))
    except (TypeError, OverflowError):
        floats = [_float(value) for value in cells]
    return _without_odd(name, floats, pl.Float64, lambda row: _no_number(cells[row]))


_ODD: Any = object()


def _float(value: Any) -> Any:
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str):
        return SPECIAL.get(value, _ODD)
    return None if value is None else _ODD


def _no_number(value: Any) -> str:
    return f"a number is needed, {show(value)} was given"


# texts -----------------------------------------------------------------------------------------------------


def text(name: str, cells: Cells, limit: int | None = None) -> Taken:
    """String, as `label_text` spells it; NaN is missing; a text of more than `limit` bytes is a fault."""
    taken = _listed_texts(name, cells) if isinstance(cells, list) else _table_texts(name, cells)
    if limit is None:
        return taken
    return Taken(taken.series, (*taken.faults, *_too_long(name, taken.series, limit)))


def _listed_texts(name: str, cells: list[Any]) -> Taken:
    if len(cells) > FEW:
        with suppress(TypeError):
            return Taken(pl.Series(name, cells, dtype=pl.String))
    try:
        spelled = {value: _spell(value) for value in set(cells)}
        texts = [spelled[value] for value in cells]
    except TypeError:  # an object or a list among them, which no set can hold
        texts = [_spell(value) for value in cells]
    return _without_odd(name, texts, pl.String, lambda row: f"a text is needed, {show(cells[row])} was given")


def _without_odd(name: str, values: list[Any], dtype: type[pl.DataType], why: Callable[[int], str]) -> Taken:
    if _ODD not in values:
        return Taken(pl.Series(name, values, dtype=dtype))
    odd = pl.Series([value is _ODD for value in values], dtype=pl.Boolean)
    series = pl.Series(name, [None if value is _ODD else value for value in values], dtype=dtype)
    return Taken(series, flag(name, odd, why))


def _spell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, float) and math.isinf(value):
        return _ODD
    return label_text(value) if isinstance(value, str | int | float) else _ODD


def _table_texts(name: str, cells: pl.Series) -> Taken:
    dtype = cells.dtype
    if dtype == pl.String:
        return Taken(cells)
    if dtype.is_integer() or isinstance(dtype, pl.Categorical | pl.Enum | pl.Null):
        return Taken(cells.cast(pl.String))
    if dtype == pl.Boolean:
        return Taken(cells.cast(pl.UInt8).cast(pl.String))
    if dtype.is_float() or dtype.is_decimal():
        known = cells.cast(pl.Float64).unique().to_list()
        spelled = {value: None if _spell(value) is _ODD else _spell(value) for value in known}
        series = cells.cast(pl.Float64).replace_strict(spelled, return_dtype=pl.String)
        return Taken(series, flag(name, cells.cast(pl.Float64).is_infinite(), "infinity is no label"))
    raise InputError(f"{name}: texts are needed, the column is of type {dtype}", column=name)


def _too_long(name: str, series: pl.Series, limit: int) -> tuple[Fault, ...]:
    if series.estimated_size() <= limit:
        return ()
    length = series.str.len_bytes()
    if int(length.max() or 0) <= limit:  # type: ignore[arg-type]
        return ()
    return flag(
        name, length > limit, lambda row: f"a text of {length[row]:,} bytes; at most {limit:,} are taken"
    )
